"""Training patterns on the axes of the search, with the indices of their lines: what templates are
learned from.

Axes are those in which low lines have low indices: conventional, hexagonal for hR, and the shortest
reciprocal vectors where the lattice leaves a choice.
"""

import itertools

import gemmi
import numpy as np

from ddi.forward import lattice
from ddi.forward.lines import distinct_lines, nearest_line


def indexed_patterns(rows, bravais):
    """Return for each entry (q2, hkl) of its observable lines on the axes of the search.

    Parameters
    ----------
    rows : DataFrame
        As for `Templates.fit`.
    bravais : str

    Returns
    -------
    list of (ndarray (n,), ndarray of int (n, 3))
    """
    patterns = []
    unique_axes = rows["unique_axis"] if "unique_axis" in rows else itertools.repeat(-1)
    for cell, q2, unique_axis in zip(rows["cell"], rows["q2"], unique_axes):
        q2 = np.asarray(q2, dtype=float)[:40]
        for axes in settings(np.asarray(cell, dtype=float), bravais, unique_axis):
            hkl, lines = distinct_lines(lattice.cell_to_x(axes), bravais, 1.001 * q2[-1])
            if not len(lines):
                continue
            nearest = nearest_line(q2, lines)
            if np.abs(lines[nearest] - q2).max() < 1e-4 * q2[-1]:
                patterns.append((q2, hkl[nearest]))
                break
    return patterns


def settings(cell, bravais, unique_axis=-1):
    """Return a reindexed cell on the axes of the search, a list with the likeliest first where the
    centred face is not known.
    """
    system, centring = lattice.BRAVAIS[bravais]
    return (
        _SETTINGS[system](cell, centring, unique_axis)
        if system in _SETTINGS
        else [lattice.conventional(cell, bravais)]
    )


def _faces(cell, centring, _):
    """Every choice of the centred face."""
    return [lattice.permute(cell, order) for order in ((0, 1, 2), (0, 2, 1), (1, 2, 0))][
        : 3 if centring == "C" else 1
    ]


_IN_PLANE = [
    np.array(m).reshape(2, 2)
    for m in itertools.product((-1, 0, 1), repeat=4)
    if abs(m[0] * m[3] - m[1] * m[2]) == 1
]


def _in_plane(cell, centring, unique_axis):
    """Axes of the plane across b, the shortest first; a centred cell has one among them whose face
    C is centred.
    """
    flat = lattice.b_unique(cell, unique_axis if unique_axis in (0, 1, 2) else None)
    cells = [
        lattice.change_basis(flat, [[p, 0, q], [0, 1, 0], [r, 0, s]])
        for (p, q), (r, s) in _IN_PLANE
    ]
    cells = [c for c in cells if c[4] >= 90 - 1e-9 and (centring != "P" or c[0] <= c[2])]
    return sorted(cells, key=lambda c: (round(c[0] ** 2 + c[2] ** 2, 6), c[0]))[
        : 1 if centring == "P" else None
    ]


def reciprocally_reduced(cell):
    """Return the cell whose reciprocal basis is Niggli-reduced: its shortest reciprocal vectors are
    the axes.
    """
    reciprocal = gemmi.UnitCell(
        *lattice.reduced_cell(gemmi.UnitCell(*map(float, cell)).reciprocal().parameters)
    )
    return np.array(reciprocal.reciprocal().parameters)


_SETTINGS = {
    "orthorhombic": _faces,
    "monoclinic": _in_plane,
    "triclinic": lambda cell, centring, _: [reciprocally_reduced(cell)],
}
