"""Cells two or three times as large or as small as a found one.

Weak superstructure lines are easily missed by a search that starts from strong ones; and a cell whose multiple looks more symmetric than
it is hides behind that.
"""

import gemmi
import numpy as np
import spglib

from ddi import fom, kernel, lattice

INDICES = (2, 3)
EXACT = 1e-3  # A; a refined cell obeys its lattice's ties to rounding, so its superlattices do too

_BRAVAIS_OF = {
    225: "cF", 229: "cI", 221: "cP", 191: "hP", 166: "hR", 139: "tI", 123: "tP",
    69: "oF", 71: "oI", 65: "oC", 47: "oP", 12: "mC", 10: "mP", 2: "aP",
}  # fmt: skip
"""Space group of a bare lattice -> Bravais lattice."""


def standard(cell):
    """Return the Bravais lattice of a primitive cell by its metric, and its conventional cell (6,) (hexagonal axes for hR)."""
    axes = np.array(gemmi.UnitCell(*map(float, cell)).orth.mat).T
    found = spglib.get_symmetry_dataset((axes, [[0, 0, 0]], [1]), symprec=EXACT)
    bravais = _BRAVAIS_OF.get(found.number, "aP") if found else "aP"
    if bravais == "aP":
        return bravais, lattice.reduced_cell(cell)
    standard_axes = np.asarray(found.std_lattice)
    tensor = standard_axes @ standard_axes.T
    lengths = np.sqrt(np.diag(tensor))
    cosines = (tensor / np.outer(lengths, lengths))[[1, 0, 0], [2, 2, 1]]
    return bravais, np.array([*lengths, *np.degrees(np.arccos(np.clip(cosines, -1, 1)))])


def relatives(reduced):
    """Return the different superlattices and sublattices of a primitive cell, of index 2 and 3.

    Parameters
    ----------
    reduced : array_like, shape (6,)

    Returns
    -------
    list of (str, ndarray (6,), bool)
        Bravais lattice, x on the axes of the search, and whether the cell is the larger one; lattices with the same lines once.
    """
    seen = {}
    for form in (form for index in INDICES for form in fom.hermite_forms(index)):
        for larger, rows in ((True, form), (False, np.linalg.inv(np.transpose(form)))):
            bravais, cell = standard(lattice.change_basis(reduced, rows))
            system = kernel.KINDS[bravais].system
            x = lattice.full_x(lattice.free_x(lattice.cell_to_x(cell), system), system)
            _, q2 = kernel.lines(x, bravais, 6 / lattice.volume(cell) ** (2 / 3))
            seen.setdefault((bravais, larger, tuple(q2[:12].round(7))), (bravais, x, larger))
    return list(seen.values())
