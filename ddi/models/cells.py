"""What generators read of a frame and what they return: arrays of peaks, model cells, usable cells.

A *model cell* is a training cell as grouped: a <= b <= c, with the oblique angle of a monoclinic
cell wherever its unique axis is. A *usable cell* is what consumers read: monoclinic cells are b
unique, all cells are possible.
"""

import numpy as np

from ddi.forward import lattice
from ddi.forward.constants import FORWARD


def pattern_matrix(frame, system):
    """Return the first peaks that the models of a system read, shape (n, n_peaks), in A^-2."""
    n = lattice.N_PEAKS[system]
    return np.array([np.asarray(q2, dtype=float)[:n] for q2 in frame["q2"]]).reshape(-1, n)


def cell_matrix(frame):
    """Return a frame's model cells, shape (n, 6)."""
    return np.array([np.asarray(cell, dtype=float) for cell in frame["cell"]]).reshape(-1, 6)


def usable_cells(frame, system):
    """Return a frame's cells as consumers read them: b-unique where monoclinic, else model cells,
    shape (n, 6).
    """
    cells = cell_matrix(frame)
    axes = frame["unique_axis"].to_numpy(int)
    return lattice.b_unique(cells, axes) if (axes >= 0).any() else cells


def free_parameters(cells, system, unique_axis=-1):
    """Return the free parameters of model cells, shape (..., n_free); the oblique angle of a
    monoclinic cell comes last.
    """
    return lattice.free_cell(_oblique_to_beta(cells, unique_axis), system)


def cells_from_free(free, system, unique_axis=-1):
    """Turn free parameters of model cells into usable cells (`usable_cells`), all of them valid,
    shape (..., 6).
    """
    cells = make_valid(_oblique_to_beta(lattice.full_cell(free, system), unique_axis))
    return in_order(lattice.b_unique(cells, unique_axis) if unique_axis >= 0 else cells, system)


def _oblique_to_beta(cells, unique_axis):
    """Exchange the oblique angle with beta, which is where `lattice` keeps a monoclinic angle; its
    own inverse.
    """
    cells = np.array(cells, dtype=float)
    if unique_axis >= 0:
        cells[..., [4, 3 + unique_axis]] = cells[..., [3 + unique_axis, 4]]
    return cells


def in_order(cells, system):
    """Rename axes so that a <= b <= c where all axes are alike (orthorhombic, triclinic), as in the
    training cells.
    """
    if system == "monoclinic" or not {0, 1, 2} <= set(lattice.SYSTEM[system].free):
        return cells
    order = np.argsort(cells[..., :3], axis=-1, kind="stable")
    return np.take_along_axis(cells, np.concatenate([order, order + 3], axis=-1), axis=-1)


def make_valid(cells):
    """Return cells with lengths within 2-500 A and angles that close: what lies outside is clipped,
    angles are drawn towards 90.
    """
    cells = np.nan_to_num(np.array(cells, dtype=float), nan=90.0)
    cells[..., :3] = np.clip(cells[..., :3], FORWARD.min_length, FORWARD.max_length)
    cells[..., 3:] = np.clip(cells[..., 3:], 10.0, 170.0)
    while (bad := ~lattice.is_possible(cells)).any():
        cells[bad, 3:] = 90 + 0.8 * (cells[bad, 3:] - 90)
    return cells


def crystals(frame):
    """Return which crystal each row of a training frame comes from: its parent where augmented,
    else itself.
    """
    parents = frame["parent"].to_numpy(object)
    return np.where(
        frame["augmented"].to_numpy(bool), parents, frame["identifier"].to_numpy(object)
    ).astype(str)
