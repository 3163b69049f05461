"""How two lattices are related: the same lattice, a subcell or a supercell, in which basis.

Weak superstructure lines are easily missed by a search that starts from strong ones, so a search
asks for the `relatives` of what it found; and an evaluation asks what a found cell is to the true
one (`explain`; write-up, section 2.4.4, errata, decision 9).
"""

import itertools
from functools import lru_cache

import gemmi
import numpy as np
import spglib

from ddi.forward import lattice
from ddi.forward.constants import FORWARD
from ddi.forward.lines import KINDS, distinct_lines

_BRAVAIS_OF = {
    225: "cF", 229: "cI", 221: "cP", 191: "hP", 166: "hR", 139: "tI", 123: "tP",
    69: "oF", 71: "oI", 65: "oC", 47: "oP", 12: "mC", 10: "mP", 2: "aP",
}  # fmt: skip
"""Space group of a bare lattice -> Bravais lattice."""


def standard(cell, distance=FORWARD.tied_length):
    """Return the Bravais lattice of a primitive cell by its metric, and its conventional cell (6,)
    (hexagonal axes for hR).

    Parameters
    ----------
    cell : array_like, shape (6,)
    distance : float
        In A, by which lattice points may miss the symmetry.

    Examples
    --------
    The primitive cell of a face-centred cubic lattice:

    >>> bravais, cell = standard([5, 5, 5, 60, 60, 60])
    >>> bravais, cell.round(3).tolist()
    ('cF', [7.071, 7.071, 7.071, 90.0, 90.0, 90.0])
    """
    axes = np.array(gemmi.UnitCell(*map(float, cell)).orth.mat).T
    found = spglib.get_symmetry_dataset((axes, [[0, 0, 0]], [1]), symprec=distance)
    bravais = _BRAVAIS_OF.get(found.number, "aP") if found else "aP"
    if bravais == "aP":
        return bravais, lattice.reduced_cell(cell)
    standard_axes = np.asarray(found.std_lattice)
    return bravais, lattice.from_metric(standard_axes @ standard_axes.T)


def relatives(reduced):
    """Return the different supercells and subcells of a primitive cell, of index 2 and 3.

    Parameters
    ----------
    reduced : array_like, shape (6,)

    Returns
    -------
    list of (str, ndarray (6,), bool)
        Bravais lattice, x on the axes of the search, and whether the cell is the larger one;
        lattices with the same lines once.
    """
    seen = {}
    for form in (form for index in FORWARD.relative_indices for form in hermite_forms(index)):
        for larger, rows in ((True, form), (False, np.linalg.inv(np.transpose(form)))):
            bravais, cell = standard(lattice.change_basis(reduced, rows))
            system = KINDS[bravais].system
            x = lattice.full_x(lattice.free_x(lattice.cell_to_x(cell), system), system)
            _, q2 = distinct_lines(x, bravais, 6 / lattice.volume(cell) ** (2 / 3))
            seen.setdefault((bravais, larger, tuple(q2[:12].round(7))), (bravais, x, larger))
    return list(seen.values())


def more_symmetric(reduced, relative):
    """Return the descriptions of a primitive cell that have a higher metric symmetry within errors.

    Parameters
    ----------
    reduced : array_like, shape (6,)
    relative : sequence of float
        Distances by which lattice points may miss the symmetry, in units of the mean axis.

    Returns
    -------
    list of (str, ndarray (6,))
        Bravais lattice, and x on the axes of the search; each lattice once, the least forced first.

    Examples
    --------
    >>> nearly_cubic = [5.64, 5.64, 5.65, 90, 90, 90]
    >>> [bravais for bravais, _ in more_symmetric(nearly_cubic, (0.001, 0.003))]
    ['cP']
    """
    seen = {standard(reduced)[0]: None}
    for share in relative:
        bravais, cell = standard(reduced, share * float(np.mean(reduced[:3])))
        if bravais not in seen:
            system = KINDS[bravais].system
            x = lattice.full_x(lattice.free_x(lattice.cell_to_x(cell), system), system)
            seen[bravais] = (bravais, x)
    return [found for found in seen.values() if found]


def same_lattice(
    cell,
    other,
    centring="P",
    other_centring="P",
    length_tolerance=FORWARD.same_length,
    angle_tolerance=FORWARD.same_angle,
):
    """Say whether two cells describe the same lattice.

    Both are Niggli-reduced; because a reduced cell can flip between neighbours on a hair of error,
    every basis with small integer coefficients of the first is tried against the second.

    Parameters
    ----------
    cell, other : array_like, shape (6,)
    centring, other_centring : str
        As in `ddi.forward.lattice.reduced_cell`.
    length_tolerance : float
        Largest relative difference of each length.
    angle_tolerance : float
        Largest difference of each angle in degrees.

    Returns
    -------
    bool

    Examples
    --------
    >>> same_lattice([4, 4, 4, 90, 90, 90], [2.8284, 2.8284, 4, 90, 90, 90], "F", "I")
    True
    """
    first = lattice.reduced_cell(cell, centring)
    second = lattice.reduced_cell(other, other_centring)
    ratio = lattice.volume(first) / lattice.volume(second)
    if not abs(ratio - 1) < _volume_tolerance(length_tolerance):
        return False
    if lattice.close(first, second, length_tolerance, angle_tolerance):
        return True
    bases = lattice.turned(first, lattice.unimodular())
    return bool(lattice.close(bases, second, length_tolerance, angle_tolerance).any())


def _volume_tolerance(length_tolerance):
    """Relative; three lengths and what the angles may add."""
    return 4 * length_tolerance + 0.02


def explain(
    found_cell,
    found_centring,
    true_cell,
    true_centring,
    length_tolerance=FORWARD.same_length,
    angle_tolerance=FORWARD.same_angle,
):
    """Say what a found cell is to the true one, and how their axes are related.

    Parameters
    ----------
    found_cell, true_cell : array_like, shape (6,)
        Conventional cells in A and degrees.
    found_centring, true_centring : str
        As for `ddi.forward.lattice.reduced_cell` (R means hexagonal axes).
    length_tolerance, angle_tolerance : float
        Relative, and in degrees; on the reduced cells.

    Returns
    -------
    label : str
        "correct"; "other setting" (same lattice, other axes); "higher symmetry" (same lattice
        within tolerance, described with fewer free parameters than the true cell has); "supercell"
        and "subcell" (of index up to six); "wrong".
    transformation : ndarray, shape (3, 3), or None
        Rows express the found axes by the true ones: ``a_found = T[0] @ (a, b, c)_true``. None for
        "wrong".

    Examples
    --------
    >>> label, rows = explain([10, 6, 7, 90, 90, 90], "P", [5, 6, 7, 90, 90, 90], "P")
    >>> label, np.abs(rows).tolist()
    ('supercell', [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    """
    tolerance = length_tolerance, angle_tolerance
    found, found_rows = _reduce(found_cell, found_centring)
    true, true_rows = _reduce(true_cell, true_centring)
    ratio = lattice.volume(found) / lattice.volume(true)
    excess = max(ratio, 1 / ratio)
    index = int(round(excess))
    if index > FORWARD.largest_index or abs(excess / index - 1) > _volume_tolerance(tolerance[0]):
        return "wrong", None
    larger = ratio >= 1
    small, large = (true, found) if larger else (found, true)
    steps = (_between(small, large, form, tolerance) for form in hermite_forms(index))
    step = min(steps, key=lambda one: one[0])[1]
    if step is None:
        return "wrong", None
    rows = np.linalg.inv(found_rows) @ (step if larger else np.linalg.inv(step)) @ true_rows
    # every element is a multiple of 1/index in primitive axes, of 1/2 or 1/3 of that in centred
    transformation = np.round(rows * (6 * index)) / (6 * index) + 0.0
    if index > 1:
        return ("supercell" if larger else "subcell"), transformation
    return _same(found_cell, true_cell, tolerance), transformation


def _same(found_cell, true_cell, tolerance):
    found_cell = np.asarray(found_cell, dtype=float)
    true_cell = np.asarray(true_cell, dtype=float)
    if n_free(found_cell) < n_free(true_cell):
        return "higher symmetry"
    return "correct" if lattice.close(found_cell, true_cell, *tolerance) else "other setting"


def n_free(cell):
    """Return how many cell parameters the lattice system of a conventional cell leaves free, judged
    by exact equalities.

    Examples
    --------
    >>> n_free([5, 5, 7, 90, 90, 120]), n_free([5, 6, 7, 90, 100, 90])
    (2, 4)
    """
    cell = np.asarray(cell, dtype=float)
    fits = (
        entry
        for entry in lattice.SYSTEM.values()
        if np.allclose(lattice.full_cell(cell[list(entry.free)], entry.name), cell, atol=1e-4)
    )
    return min(len(entry.free) for entry in fits)


def _reduce(cell, centring):
    """Return the reduced cell and the rows that express its axes by the given ones."""
    vector = lattice.niggli(cell, centring)
    rows = np.array(vector.change_of_basis.rot).T / vector.change_of_basis.DEN
    return lattice.change_basis(cell, rows), rows


def _between(small, large, form, tolerance):
    """Return by how much `form` of `small` misses the lattice `large`, and the rows that express
    the axes of `large` by those of `small`; infinity and None if it is another lattice.
    """
    reduced, rows = _reduce(lattice.change_basis(small, form), "P")
    if np.abs(np.sort(reduced[:3]) / np.sort(large[:3]) - 1).max() > tolerance[0]:
        return np.inf, None
    moves = lattice.unimodular()
    cells = lattice.turned(reduced, moves)
    fits = np.flatnonzero(lattice.close(cells, large, *tolerance))
    if not len(fits):
        return np.inf, None
    miss = np.abs(cells[fits] / large - 1).sum(axis=1)
    return miss.min(), moves[fits[miss.argmin()]] @ rows @ form


@lru_cache(maxsize=None)
def hermite_forms(index):
    """Return the (n, 3, 3) integer matrices whose rows span every supercell of the given index,
    once each.

    Examples
    --------
    >>> [len(hermite_forms(index)) for index in (1, 2, 3, 4, 5)]
    [1, 7, 13, 35, 31]
    """
    forms = [
        [[a, i, j], [0, b, k], [0, 0, index // (a * b)]]
        for a, b in itertools.product(range(1, index + 1), repeat=2)
        if index % (a * b) == 0
        for i in range(b)
        for j in range(index // (a * b))
        for k in range(index // (a * b))
    ]
    return np.array(forms, dtype=float)
