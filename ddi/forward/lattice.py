"""Lattices: the seven systems and fourteen Bravais lattices as data, and what follows from them.

Everything rests on one linear fact (write-up, section 1.1, with the errata's corrections)::

    q2 = x_hh h^2 + x_kk k^2 + x_ll l^2 + x_kl k l + x_hl h l + x_hk h k

A lattice system ties the six components of ``x`` together: ``x = FREE @ x_free``. That small
matrix, one a system, and the list of cell parameters that stay free are all that distinguishes the
systems; nothing else in the package branches on them.

Cells are ``(..., 6)`` arrays of a, b, c in Angstrom and alpha, beta, gamma in degrees; ``x`` is
``(..., 6)`` in A^-2.
"""

from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np


@dataclass(frozen=True)
class LatticeSystem:
    """What is particular about one lattice system.

    Attributes
    ----------
    name : str
    ties : tuple of tuple of float
        For each free component of x, its weights on (hh, kk, ll, kl, hl, hk).
    free : tuple of int
        Which of (a, b, c, alpha, beta, gamma) are free.
    copies : tuple of int
        Index of the free parameter that each of the six cell parameters copies; -1 where `fixed`
        holds.
    fixed : tuple of float
        Value in degrees of the cell parameters that copy nothing.
    n_peaks : int
        How many peaks the generators read (write-up 2.2: ten for cubic, else twenty).
    n_ref : int
        Number of reference Miller indices (write-up 2.3.1).
    """

    name: str
    ties: tuple
    free: tuple
    copies: tuple
    fixed: tuple
    n_peaks: int = 20
    n_ref: int = 500


_90 = (0, 0, 0, 90.0, 90.0, 90.0)
_TABLE = (
    LatticeSystem("cubic", ((1, 1, 1, 0, 0, 0),), (0,), (0, 0, 0, -1, -1, -1), _90, 10, 100),
    LatticeSystem(
        "tetragonal", ((1, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)), (0, 2), (0, 0, 1, -1, -1, -1), _90
    ),
    LatticeSystem(
        "hexagonal",
        ((1, 1, 0, 0, 0, 1), (0, 0, 1, 0, 0, 0)),
        (0, 2),
        (0, 0, 1, -1, -1, -1),
        (0, 0, 0, 90.0, 90.0, 120.0),
    ),
    LatticeSystem(
        "rhombohedral", ((1, 1, 1, 0, 0, 0), (0, 0, 0, 1, 1, 1)), (0, 3), (0, 0, 0, 1, 1, 1), _90
    ),
    LatticeSystem(
        "orthorhombic",
        ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
        (0, 1, 2),
        (0, 1, 2, -1, -1, -1),
        _90,
    ),
    LatticeSystem(
        "monoclinic",
        ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 1, 0)),
        (0, 1, 2, 4),
        (0, 1, 2, -1, 3, -1),
        _90,
    ),
    LatticeSystem(
        "triclinic",
        tuple(tuple(row) for row in np.eye(6, dtype=int).tolist()),
        (0, 1, 2, 3, 4, 5),
        (0, 1, 2, 3, 4, 5),
        _90,
    ),
)

SYSTEM = {entry.name: entry for entry in _TABLE}
SYSTEMS = tuple(SYSTEM)
N_PEAKS = {entry.name: entry.n_peaks for entry in _TABLE}
N_REF = {entry.name: entry.n_ref for entry in _TABLE}

BRAVAIS = {
    "cF": ("cubic", "F"), "cI": ("cubic", "I"), "cP": ("cubic", "P"),
    "hP": ("hexagonal", "P"), "hR": ("rhombohedral", "R"),
    "tI": ("tetragonal", "I"), "tP": ("tetragonal", "P"),
    "oF": ("orthorhombic", "F"), "oI": ("orthorhombic", "I"), "oC": ("orthorhombic", "C"), "oP": ("orthorhombic", "P"),
    "mC": ("monoclinic", "C"), "mP": ("monoclinic", "P"),
    "aP": ("triclinic", "P"),
}  # fmt: skip
"""Bravais lattice -> (lattice system, centring of the standard cell), from most to least symmetric.
"""
POINTS = {"P": 1, "C": 2, "I": 2, "R": 3, "F": 4}
"""Centring -> lattice points in the conventional cell."""

# Angstrom, bounds of section 2.4.1
MAX_LENGTH = 500.0
MIN_LENGTH = 2.0

_PRODUCTS = np.array([[0, 0], [1, 1], [2, 2], [1, 2], [0, 2], [0, 1]])


@lru_cache(maxsize=None)
def ties(system):
    """Return the (6, n_free) matrix that spreads the free components of x over all six."""
    return np.array(SYSTEM[system].ties, dtype=float).T


def design(hkl, system="triclinic"):
    """Return H such that ``q2 = H @ x_free``.

    Parameters
    ----------
    hkl : array_like, shape (..., 3)
        Miller indices; conventional axes, but rhombohedral axes for the rhombohedral system.
    system : str
        One of `SYSTEMS`.

    Returns
    -------
    ndarray, shape (..., n_free)
    """
    hkl = np.asarray(hkl, dtype=float)
    return (hkl[..., _PRODUCTS[:, 0]] * hkl[..., _PRODUCTS[:, 1]]) @ ties(system)


def q2(hkl, cells):
    """Return q2 = 1/d^2 in A^-2 of every index for every cell, shape (n_cells..., n_hkl) (write-up,
    section 1.1).
    """
    return cell_to_x(cells) @ design(hkl).T


def full_x(x_free, system):
    """Spread free components, shape (..., n_free), over all six, shape (..., 6)."""
    return np.asarray(x_free, dtype=float) @ ties(system).T


def free_x(x, system):
    """Pick the free components, shape (..., n_free), from all six: the least-squares inverse of
    `full_x`.
    """
    return np.asarray(x, dtype=float) @ np.linalg.pinv(ties(system)).T


def full_cell(free, system):
    """Turn free cell parameters, shape (..., n_free), into cells, shape (..., 6)."""
    free = np.asarray(free, dtype=float)
    entry = SYSTEM[system]
    cells = np.broadcast_to(np.array(entry.fixed), (*free.shape[:-1], 6)).copy()
    for column, source in enumerate(entry.copies):
        if source >= 0:
            cells[..., column] = free[..., source]
    return cells


def free_cell(cells, system):
    """Pick the free parameters, shape (..., n_free), of cells, shape (..., 6)."""
    return np.asarray(cells, dtype=float)[..., list(SYSTEM[system].free)]


def metric(cells):
    """Return the metric tensor G in A^2, shape (..., 3, 3)."""
    cells = np.asarray(cells, dtype=float)
    lengths = cells[..., :3]
    cosines = np.cos(np.radians(cells[..., 3:]))
    cosine = np.ones((*cells.shape[:-1], 3, 3))
    for column, (i, j) in enumerate(_PRODUCTS[3:]):
        cosine[..., i, j] = cosine[..., j, i] = cosines[..., column]
    return lengths[..., :, None] * lengths[..., None, :] * cosine


def from_metric(tensor):
    """Return the cells, shape (..., 6), of metric tensors in A^2, shape (..., 3, 3): the inverse of
    `metric`.
    """
    lengths = np.sqrt(np.diagonal(tensor, axis1=-2, axis2=-1))
    i, j = _PRODUCTS[3:].T
    cosines = tensor[..., i, j] / (lengths[..., i] * lengths[..., j])
    return np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1, 1)))], axis=-1)


def cell_to_x(cells):
    """Return the six components of the reciprocal metric, shape (..., 6), in A^-2."""
    reciprocal = np.linalg.inv(metric(cells))
    return reciprocal[..., _PRODUCTS[:, 0], _PRODUCTS[:, 1]] * np.array([1, 1, 1, 2, 2, 2])


def x_to_cell(x):
    """Return cells, shape (..., 6); NaN where x is not a positive definite metric.

    Parameters
    ----------
    x : array_like, shape (..., 6)
        (x_hh, x_kk, x_ll, x_kl, x_hl, x_hk) in A^-2; see `full_x` for free components.
    """
    reciprocal = x_to_metric(x)
    good = is_positive(x)
    safe = np.where(good[..., None, None], reciprocal, np.eye(3))
    return np.where(good[..., None], from_metric(np.linalg.inv(safe)), np.nan)


def x_to_metric(x):
    """Return the reciprocal metric tensor in A^-2, shape (..., 3, 3)."""
    x = np.asarray(x, dtype=float)
    tensor = np.empty((*x.shape[:-1], 3, 3))
    for column, (i, j) in enumerate(_PRODUCTS):
        tensor[..., i, j] = tensor[..., j, i] = x[..., column] * (1.0 if i == j else 0.5)
    return tensor


def is_positive(x):
    """Say which x, shape (..., 6), are positive definite metrics (all leading minors above zero)."""
    g = x_to_metric(x)
    second = g[..., 0, 0] * g[..., 1, 1] - g[..., 0, 1] ** 2
    scale = np.abs(np.asarray(x)[..., :3]).prod(axis=-1)
    return (
        (g[..., 0, 0] > 0)
        & (second > 0)
        & (np.linalg.det(g) > 1e-12 * scale)
        & np.isfinite(x).all(axis=-1)
    )


def volume(cells):
    """Return cell volumes in A^3, shape (...); NaN for angles that no cell can have."""
    determinant = np.linalg.det(metric(cells))
    return np.sqrt(np.where(determinant > 0, determinant, np.nan))


def is_possible(cells, shortest=MIN_LENGTH, longest=MAX_LENGTH):
    """Say which cells have lengths within bounds (A) and angles that close to a volume."""
    cells = np.asarray(cells, dtype=float)
    lengths = cells[..., :3]
    angles = cells[..., 3:]
    inside = ((lengths >= shortest) & (lengths <= longest)).all(axis=-1) & (
        (angles > 0) & (angles < 180)
    ).all(axis=-1)
    fill = np.sqrt(
        np.clip(np.linalg.det(metric(np.where(inside[..., None], cells, 90.0))), 0, None)
    )
    return inside & (fill > 1e-3 * np.where(inside[..., None], lengths, 90.0).prod(axis=-1))


def permute(cells, order):
    """Rename the axes: new axis i is old axis ``order[i]``; the angles follow their axes."""
    order = np.asarray(order)
    return np.asarray(cells, dtype=float)[..., np.concatenate([order, order + 3])]


def b_unique(cells, unique_axis=None):
    """Turn monoclinic cells so that b is the unique axis, a <= c and beta >= 90 degrees.

    Parameters
    ----------
    cells : array_like, shape (..., 6)
    unique_axis : array_like of int, shape (...), optional
        0, 1 or 2; found as the axis whose angle is farthest from 90 degrees if not given.

    Returns
    -------
    ndarray, shape (..., 6)
    """
    cells = np.array(cells, dtype=float)
    if unique_axis is None:
        unique_axis = np.abs(cells[..., 3:] - 90).argmax(axis=-1)
    unique_axis = np.broadcast_to(unique_axis, cells.shape[:-1])
    others = np.array([[1, 2], [0, 2], [0, 1]])[unique_axis]
    a, c = (np.take_along_axis(cells, others[..., k, None], -1)[..., 0] for k in (0, 1))
    b = np.take_along_axis(cells, unique_axis[..., None], -1)[..., 0]
    beta = np.take_along_axis(cells, unique_axis[..., None] + 3, -1)[..., 0]
    right = np.full_like(beta, 90.0)
    return np.stack(
        [np.minimum(a, c), b, np.maximum(a, c), right, np.maximum(beta, 180 - beta), right], axis=-1
    )


_TO_RHOMBOHEDRAL = (
    np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3
)  # rows: a, b, c of the obverse rhombohedral cell
_TO_HEXAGONAL = np.array([[1, -1, 0], [0, 1, -1], [1, 1, 1]])


def change_basis(cells, rows):
    """Return the cells whose basis vectors are the given combinations, ``rows`` (3, 3), of the old
    ones.
    """
    rows = np.asarray(rows, dtype=float)
    return from_metric(rows @ metric(cells) @ rows.T)


def hexagonal_to_rhombohedral(cells):
    """Obverse hexagonal axes to rhombohedral axes, shape (..., 6)."""
    return change_basis(cells, _TO_RHOMBOHEDRAL)


def rhombohedral_to_hexagonal(cells):
    """Rhombohedral axes to obverse hexagonal axes, shape (..., 6)."""
    return change_basis(cells, _TO_HEXAGONAL)


def conventional(cells, bravais):
    """Return cells as people write them: hexagonal axes for hR, everything else unchanged."""
    return rhombohedral_to_hexagonal(cells) if bravais == "hR" else np.asarray(cells, dtype=float)


def reduced_cell(cell, centring="P"):
    """Return the Niggli-reduced primitive cell.

    Parameters
    ----------
    cell : array_like, shape (6,)
    centring : str
        P, A, B, C, I, F or R. R means hexagonal axes; a rhombohedral cell in rhombohedral axes is
        "P".

    Returns
    -------
    ndarray, shape (6,)
    """
    vector = gemmi.GruberVector(gemmi.UnitCell(*map(float, cell)), centring, True)
    vector.niggli_reduce(iteration_limit=1000)
    return np.array(vector.get_cell().parameters)


@lru_cache(maxsize=None)
def unimodular():
    """All 3 x 3 matrices over -1, 0, 1 with determinant +1 or -1: the changes between nearly equal
    reduced bases.
    """
    digits = (
        np.array(np.meshgrid(*[[-1, 0, 1]] * 9, indexing="ij")).reshape(9, -1).T.reshape(-1, 3, 3)
    )
    return digits[np.abs(np.round(np.linalg.det(digits))) == 1].astype(float)


def close(cells, other, length_tolerance, angle_tolerance):
    """Say which cells, shape (..., 6), have every length within a relative and every angle within
    an absolute (degrees) tolerance of another.
    """
    lengths = np.abs(cells[..., :3] / other[:3] - 1).max(axis=-1) <= length_tolerance
    return lengths & (np.abs(cells[..., 3:] - other[3:]).max(axis=-1) <= angle_tolerance)
