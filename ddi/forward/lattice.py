"""Lattices: the seven systems and fourteen Bravais lattices as data, and what follows from them.

Everything rests on one linear fact (write-up, section 1.1, with the errata's corrections)::

    q2 = x_hh h^2 + x_kk k^2 + x_ll l^2 + x_kl k l + x_hl h l + x_hk h k

A lattice system ties the six components of ``x`` together: ``x = FREE @ x_free``. That small
matrix, one a system, and the list of cell parameters that stay free are all that distinguishes the
systems (`ddi.forward.systems`); nothing else in the package branches on them.

Cells are ``(..., 6)`` arrays of a, b, c in Angstrom and alpha, beta, gamma in degrees; ``x`` is
``(..., 6)`` in A^-2.
"""

import itertools
from functools import lru_cache

import gemmi
import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.constants import FORWARD
from ddi.forward.systems import BRAVAIS, LAUE_ORDER, N_PEAKS, N_REF, POINTS, SYSTEM, SYSTEMS

__all__ = [
    "BRAVAIS", "LAUE_ORDER", "N_PEAKS", "N_REF", "POINTS", "SYSTEM", "SYSTEMS", "as_cells",
    "b_unique",
    "cell_to_x", "change_basis", "close", "conventional", "design", "free_cell", "free_x",
    "from_metric", "full_cell", "full_x", "is_positive", "is_possible", "metric", "niggli",
    "permute", "q2", "reduced_cell", "ties", "turned", "unimodular",
    "volume", "x_to_cell", "x_to_metric",
]  # fmt: skip

_PRODUCTS = np.array([[0, 0], [1, 1], [2, 2], [1, 2], [0, 2], [0, 1]])


def as_cells(cells):
    """Return cells as an array of floats, shape (..., 6).

    Raises
    ------
    DDIError
        If they are not six numbers each.
    """
    cells = np.asarray(cells, dtype=float)
    if not cells.ndim or cells.shape[-1] != 6:
        raise DDIError(
            f"read cells of shape {cells.shape}; give a, b, c in Angstrom and alpha, beta, gamma "
            "in degrees, six numbers a cell"
        )
    return cells


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

    Examples
    --------
    >>> float(q2([1, 1, 1], [5, 5, 5, 90, 90, 90]) * 5**2)
    3.0
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
    return as_cells(cells)[..., list(SYSTEM[system].free)]


def metric(cells):
    """Return the metric tensor G in A^2, shape (..., 3, 3)."""
    cells = as_cells(cells)
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
    """Return the six components of the reciprocal metric, shape (..., 6), in A^-2.

    Examples
    --------
    >>> cell_to_x([2, 4, 5, 90, 90, 90]).round(6).tolist()
    [0.25, 0.0625, 0.04, -0.0, -0.0, -0.0]
    """
    reciprocal = np.linalg.inv(metric(cells))
    return reciprocal[..., _PRODUCTS[:, 0], _PRODUCTS[:, 1]] * np.array([1, 1, 1, 2, 2, 2])


def x_to_cell(x):
    """Return cells, shape (..., 6); NaN where x is not a positive definite metric.

    Parameters
    ----------
    x : array_like, shape (..., 6)
        (x_hh, x_kk, x_ll, x_kl, x_hl, x_hk) in A^-2; see `full_x` for free components.
    """
    good = is_positive(x)
    safe = np.where(good[..., None, None], x_to_metric(x), np.eye(3))
    return np.where(good[..., None], from_metric(np.linalg.inv(safe)), np.nan)


def x_to_metric(x):
    """Return the reciprocal metric tensor in A^-2, shape (..., 3, 3)."""
    x = np.asarray(x, dtype=float)
    tensor = np.empty((*x.shape[:-1], 3, 3))
    for column, (i, j) in enumerate(_PRODUCTS):
        tensor[..., i, j] = tensor[..., j, i] = x[..., column] * (1.0 if i == j else 0.5)
    return tensor


def is_positive(x):
    """Say which x, shape (..., 6), are positive definite metrics (all leading minors positive)."""
    g = x_to_metric(x)
    second = g[..., 0, 0] * g[..., 1, 1] - g[..., 0, 1] ** 2
    scale = np.abs(np.asarray(x)[..., :3]).prod(axis=-1)
    minors = (g[..., 0, 0] > 0) & (second > 0) & (np.linalg.det(g) > 1e-12 * scale)
    return minors & np.isfinite(x).all(axis=-1)


def volume(cells):
    """Return cell volumes in A^3, shape (...); NaN for angles that no cell can have.

    Examples
    --------
    >>> volume([[2, 3, 4, 90, 90, 90], [2, 3, 4, 30, 30, 90]]).round(6)
    array([24., nan])
    """
    determinant = np.linalg.det(metric(cells))
    return np.sqrt(np.where(determinant > 0, determinant, np.nan))


def is_possible(cells, shortest=FORWARD.min_length, longest=FORWARD.max_length):
    """Say which cells have lengths within bounds (A) and angles that close to a volume."""
    cells = as_cells(cells)
    lengths = cells[..., :3]
    angles = cells[..., 3:]
    inside = ((lengths >= shortest) & (lengths <= longest)).all(axis=-1)
    inside &= ((angles > 0) & (angles < 180)).all(axis=-1)
    safe = np.where(inside[..., None], cells, 90.0)
    squared = np.linalg.det(metric(safe)) / safe[..., :3].prod(axis=-1) ** 2
    return inside & (squared > 1e-6)


def permute(cells, order):
    """Rename the axes: new axis i is old axis ``order[i]``; the angles follow their axes."""
    return as_cells(cells)[..., [*order, *(axis + 3 for axis in order)]]


def turned(cell, bases):
    """Return one cell on several bases, shape (n, 6); rows of `bases` (n, 3, 3) as in
    `change_basis`.
    """
    return from_metric(bases @ metric(cell) @ bases.transpose(0, 2, 1))


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


_TO_HEXAGONAL = np.array([[1, -1, 0], [0, 1, -1], [1, 1, 1]])


def change_basis(cells, rows):
    """Return the cells whose basis vectors are the given combinations, ``rows`` (3, 3), of the old
    ones.
    """
    rows = np.asarray(rows, dtype=float)
    return from_metric(rows @ metric(cells) @ rows.T)


def conventional(cells, bravais):
    """Return cells as people write them: obverse hexagonal axes for hR, all else unchanged."""
    return change_basis(cells, _TO_HEXAGONAL) if bravais == "hR" else as_cells(cells)


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
    return np.array(niggli(cell, centring).get_cell().parameters)


def niggli(cell, centring="P"):
    """Return gemmi's reduced Gruber vector: it holds the reduced cell and the change of basis."""
    vector = gemmi.GruberVector(gemmi.UnitCell(*map(float, cell)), centring, True)
    vector.niggli_reduce(iteration_limit=1000)
    return vector


@lru_cache(maxsize=None)
def unimodular():
    """All 3 x 3 matrices over -1, 0, 1 with determinant +1 or -1: the changes between nearly equal
    reduced bases.
    """
    digits = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=9))).reshape(-1, 3, 3)
    return digits[np.abs(np.round(np.linalg.det(digits))) == 1]


def close(cells, other, length_tolerance, angle_tolerance):
    """Say which cells, shape (..., 6), have every length within a relative and every angle within
    an absolute (degrees) tolerance of another.
    """
    lengths = np.abs(cells[..., :3] / other[:3] - 1).max(axis=-1) <= length_tolerance
    return lengths & (np.abs(cells[..., 3:] - other[3:]).max(axis=-1) <= angle_tolerance)
