"""The standard setting of a space group, and how its axes follow from those of a cell."""

import gemmi
import numpy as np

from ddi.forward import lattice


def setting(space_group, cell):
    """Return the standard setting of a space group and the cell on its axes.

    Parameters
    ----------
    space_group : str
        Hermann-Mauguin symbol on the axes of the cell.
    cell : array_like, shape (6,)
        Angstrom and degrees.

    Returns
    -------
    dict
        space_group: the symbol of the standard setting in gemmi's table; axes: its a, b, c as
        combinations of the given ones, in that order; cell: six numbers, beta obtuse. The origin
        may have to be moved, too.

    Examples
    --------
    >>> setting("P 1 21/n 1", [6, 7, 8, 90, 94, 90])["axes"]
    'a,b,-a+c'
    >>> found = setting("P n c a", [5, 6, 7, 90, 90, 90])
    >>> found["space_group"], found["axes"], found["cell"]
    ('P b c n', 'b,c,a', [6.0, 7.0, 5.0, 90.0, 90.0, 90.0])
    """
    group = gemmi.SpaceGroup(space_group)
    standard = gemmi.find_spacegroup_by_number(group.number)
    rows = np.array(group.basisop.rot).T / gemmi.Op.DEN
    turned = lattice.change_basis(np.asarray(cell, dtype=float), rows)
    if turned[4] < 90 - 1e-6 and group.crystal_system_str() == "monoclinic":
        rows = rows * [[-1.0], [-1.0], [1.0]]  # the same lattice turned about c: beta is obtuse
        turned[4] = 180 - turned[4]
    return {
        "space_group": standard.hm,
        "axes": ",".join(_combination(row) for row in rows),
        "cell": [round(float(value), 5) for value in turned],
    }


def _combination(row):
    """One axis as a sum of the given ones: -a+c, 1/2a-1/2b."""
    words = ""
    for factor, name in zip(row, "abc"):
        if factor:
            size = {1.0: "", 0.5: "1/2"}.get(abs(factor), f"{abs(factor):.4g}")
            words += ("-" if factor < 0 else "+" if words else "") + size + name
    return words
