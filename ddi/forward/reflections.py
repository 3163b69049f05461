"""Reference Miller indices of a lattice system, and the labels that peaks carry (write-up, section
2.3.1).

Two indices are the same line of a system exactly when the columns of `ddi.forward.lattice.design`
agree: those columns *are* the invariants that the write-up lists for each system (h2 + k2 + l2 for
cubic; h2 + k2 and l2 for tetragonal; and so on). One function therefore serves all seven.
"""

from functools import cache

import numpy as np
import pandas as pd

from ddi.forward import lattice
from ddi.forward.constants import FORWARD

RANGE = FORWARD.reference_range


@cache
def forms(system):
    """Return one index for each line a lattice system can tell apart, in the write-up's base order.

    Of equivalent indices the one with the fewest negative numbers stands for all, then the one with
    the greatest h, k, l. The base order is that of the cell with a = b = c = 1, which is h2 + k2 +
    l2, or 4/3 (h2 + hk + k2) + l2 for hexagonal.

    Parameters
    ----------
    system : str
        One of `ddi.forward.lattice.SYSTEMS`.

    Returns
    -------
    ndarray of int, shape (n_forms, 3)
        Without (000); read-only.
    """
    grid = np.indices([2 * RANGE + 1] * 3).reshape(3, -1).T - RANGE
    grid = grid[grid.any(axis=1)]
    grid = grid[np.lexsort((*-grid.T[::-1], (grid < 0).sum(axis=1)))]
    rows, first = np.unique(lattice.design(grid, system), axis=0, return_index=True)
    order = np.argsort(rows @ _isotropic(system), kind="stable")
    chosen = grid[first[order]]
    chosen.setflags(write=False)
    return chosen


def _isotropic(system):
    unit = [1.0 if parameter < 3 else 90.0 for parameter in lattice.SYSTEM[system].free]
    return lattice.free_x(lattice.cell_to_x(lattice.full_cell(unit, system)), system)


def reference_hkl(system, n=None, order_by=None):
    """Return the reference Miller indices of a lattice system (section 2.3.1).

    Parameters
    ----------
    system : str
        One of `ddi.forward.lattice.SYSTEMS`; monoclinic indices are for b unique, rhombohedral for
        rhombohedral axes.
    n : int, optional
        Length of the list with its last entry; 100 for cubic and 500 otherwise if not given.
    order_by : array_like, shape (n_cells, 6), optional
        Cells of the unaugmented training data (monoclinic: b unique), in A and degrees. The list is
        sorted by the mean q2 over them. Without cells the base order of `forms` is kept.

    Returns
    -------
    ndarray of int, shape (n, 3)
        The last one is (000), the label of every peak whose index is not in the list.
    """
    n = n or lattice.N_REF[system]
    lines = forms(system)
    if order_by is not None:
        # q2 is linear in x, so the mean of q2 over the cells is q2 of their mean x.
        mean = lattice.cell_to_x(order_by).reshape(-1, 6).mean(axis=0)
        lines = lines[np.argsort(lattice.design(lines) @ mean, kind="stable")]
    return np.vstack([lines[: n - 1], [[0, 0, 0]]])


def labels(hkl, reference, system):
    """Return the position of each peak's index, or of one equivalent to it, in the reference list.

    Parameters
    ----------
    hkl : array_like of int, shape (..., 3)
    reference : ndarray of int, shape (n_ref, 3)
        From `reference_hkl`.
    system : str

    Returns
    -------
    ndarray of int, shape (...)
        ``n_ref - 1`` for an index that is not in the list.
    """
    hkl = np.asarray(hkl)
    known, asked = (
        pd.MultiIndex.from_arrays(lattice.design(h.reshape(-1, 3), system).T)
        for h in (reference, hkl)
    )
    position = known.get_indexer(asked).reshape(hkl.shape[:-1])
    return np.where(position < 0, len(reference) - 1, position)


def b_unique_hkl(hkl, cells, unique_axis):
    """Carry Miller indices along when `ddi.forward.lattice.b_unique` turns monoclinic cells.

    The axes are renamed as the cell's are. Where the oblique angle was acute, the obtuse cell has
    one of its axes reversed, and with it the sign of l. (The handedness may change; q2 does not
    know it.)

    Parameters
    ----------
    hkl : array_like of int, shape (..., n, 3)
    cells : array_like, shape (..., 6)
        The monoclinic cells that the indices belong to, before the turn.
    unique_axis : array_like of int, shape (...)

    Returns
    -------
    ndarray of int, shape (..., n, 3)
    """
    hkl = np.asarray(hkl)
    cells = np.asarray(cells, dtype=float)
    unique_axis = np.asarray(unique_axis)
    others = np.array([[1, 2], [0, 2], [0, 1]])[unique_axis]
    first, second = np.moveaxis(np.take_along_axis(cells, others, axis=-1), -1, 0)
    others = np.where((first > second)[..., None], others[..., ::-1], others)
    order = np.stack([others[..., 0], unique_axis, others[..., 1]], axis=-1)
    turned = np.take_along_axis(hkl, order[..., None, :], axis=-1).copy()
    oblique = np.take_along_axis(cells, unique_axis[..., None] + 3, axis=-1)
    turned[..., 2] *= np.where(oblique < 90, -1, 1).astype(turned.dtype)
    return turned
