"""Perturbed cells: the three methods of the write-up, section 2.1.5, in scaled cell parameters."""

from dataclasses import dataclass

import numpy as np

from ddi.data.constants import DATA
from ddi.data.scaling import CellScaler
from ddi.forward import lattice
from ddi.forward.constants import FORWARD


def b_placed(vectors, unique_axis):
    """Exchange each monoclinic row's unique axis with b; its own inverse.

    Parameters
    ----------
    vectors : array_like, shape (n, 3) or (n, 6)
        Miller indices or cells.
    unique_axis : array_like of int, shape (n,) or ()
        0, 1, 2, or -1 for rows to leave alone.

    Returns
    -------
    ndarray
    """
    vectors = np.asarray(vectors)
    order = np.array([[1, 0, 2], [0, 1, 2], [0, 2, 1], [0, 1, 2]])[
        np.broadcast_to(unique_axis, len(vectors))
    ]
    order = order if vectors.shape[-1] == 3 else np.concatenate([order, order + 3], axis=-1)
    return np.take_along_axis(vectors, order, axis=-1)


def _random(scaled):
    return np.eye(scaled.shape[1])


def _covariance(scaled):
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(scaled, rowvar=False)))
    return np.sqrt(np.clip(values, 0, None))[:, None] * vectors.T


def _svd(scaled):
    _, _, basis = np.linalg.svd(scaled, full_matrices=False)
    return np.std(scaled @ basis.T, axis=0)[:, None] * basis


SPREADS = {"random": _random, "covariance": _covariance, "svd": _svd}
"""Method -> function from the scaled training set, (n, n_free), to a matrix that turns independent
unit normals into noise.
"""


@dataclass(frozen=True)
class Perturbation:
    """Normal noise on scaled free cell parameters, ``noise = normal @ spread``.

    Attributes
    ----------
    method : str
        One of `SPREADS`.
    scaler : ddi.data.scaling.CellScaler
    spread : ndarray, shape (n_free, n_free)
    shortest, longest : float
        Range of the training set's lengths in A; a child outside it is not kept.
    """

    method: str
    scaler: CellScaler
    spread: np.ndarray
    shortest: float
    longest: float

    @classmethod
    def fit(cls, free, system, method=None, strength=DATA.strength):
        """Fit to the training set.

        Parameters
        ----------
        free : array_like, shape (n, n_free)
            Free parameters of the training cells in A and degrees.
        system : str
        method : str, optional
            Where not given: random for one free parameter, svd otherwise.
        strength : float
        """
        free = np.asarray(free, dtype=float)
        method = method or ("random" if free.shape[1] == 1 or len(free) < free.shape[1] else "svd")
        scaler = CellScaler.fit(free, system)
        lengths = free[:, ~scaler.is_angle]
        return cls(
            method,
            scaler,
            strength * SPREADS[method](scaler.forward(free)),
            float(lengths.min()),
            float(lengths.max()),
        )

    def draw(self, free, rng):
        """Return perturbed free parameters, same shape, in A and degrees."""
        scaled = self.scaler.forward(free)
        return self.scaler.inverse(scaled + rng.standard_normal(scaled.shape) @ self.spread)


def is_valid(cells, system, shortest=FORWARD.min_length, longest=FORWARD.max_length):
    """Say which cells the reindexing would leave as they are.

    Lengths between `shortest` and `longest` (A) and angles that close to a volume; a <= b <= c
    where all three are free; angles all acute or all not.

    Parameters
    ----------
    cells : array_like, shape (n, 6)

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    cells = np.asarray(cells, dtype=float)
    ordered = (np.diff(cells[:, :3], axis=1) >= 0).all(axis=1) | (
        not {0, 1, 2} <= set(lattice.SYSTEM[system].free)
    )
    acute = cells[:, 3:] < 90
    return (
        lattice.is_possible(cells, shortest, longest)
        & ordered
        & (acute.all(axis=1) | ~acute.any(axis=1))
    )


def shrinkage(parents, children):
    """Return the factor by which a line's q2 can at most fall from parent to child.

    It is the least eigenvalue of the child's reciprocal metric relative to the parent's.

    Parameters
    ----------
    parents, children : array_like, shape (n, 6)
        Cells on corresponding axes.

    Returns
    -------
    ndarray, shape (n,)
    """
    inverse = np.linalg.inv(np.linalg.cholesky(np.linalg.inv(lattice.metric(parents))))
    return np.linalg.eigvalsh(
        inverse @ np.linalg.inv(lattice.metric(children)) @ inverse.transpose(0, 2, 1)
    )[:, 0]
