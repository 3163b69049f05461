"""Cells two or three times as large or as small as a found one.

Weak superstructure lines are easily missed by a search that starts from strong ones; and a cell
whose multiple looks more symmetric than it is hides behind that.
"""

import itertools
from functools import lru_cache

import gemmi
import numpy as np
import spglib

from ddi.forward import lattice, lines
from ddi.forward.lattice import close, from_metric, metric, reduced_cell, unimodular, volume

INDICES = (2, 3)
EXACT = 1e-3  # A; a refined cell obeys its lattice's ties to rounding, so its superlattices do too

_BRAVAIS_OF = {
    225: "cF", 229: "cI", 221: "cP", 191: "hP", 166: "hR", 139: "tI", 123: "tP",
    69: "oF", 71: "oI", 65: "oC", 47: "oP", 12: "mC", 10: "mP", 2: "aP",
}  # fmt: skip
"""Space group of a bare lattice -> Bravais lattice."""


def standard(cell):
    """Return the Bravais lattice of a primitive cell by its metric, and its conventional cell (6,)
    (hexagonal axes for hR).
    """
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
        Bravais lattice, x on the axes of the search, and whether the cell is the larger one;
        lattices with the same lines once.
    """
    seen = {}
    for form in (form for index in INDICES for form in hermite_forms(index)):
        for larger, rows in ((True, form), (False, np.linalg.inv(np.transpose(form)))):
            bravais, cell = standard(lattice.change_basis(reduced, rows))
            system = lines.KINDS[bravais].system
            x = lattice.full_x(lattice.free_x(lattice.cell_to_x(cell), system), system)
            _, q2 = lines.distinct_lines(x, bravais, 6 / lattice.volume(cell) ** (2 / 3))
            seen.setdefault((bravais, larger, tuple(q2[:12].round(7))), (bravais, x, larger))
    return list(seen.values())


def same_lattice(
    cell, other, centring="P", other_centring="P", length_tolerance=0.015, angle_tolerance=1.5
):
    """Say whether two cells describe the same lattice.

    Both are Niggli-reduced; because a reduced cell can flip between neighbours on a hair of error,
    every basis with small integer coefficients of the first is tried against the second.

    Parameters
    ----------
    cell, other : array_like, shape (6,)
    centring, other_centring : str
        As in `reduced_cell`.
    length_tolerance : float
        Largest relative difference of each length.
    angle_tolerance : float
        Largest difference of each angle in degrees.

    Returns
    -------
    bool
    """
    first = reduced_cell(cell, centring)
    second = reduced_cell(other, other_centring)
    ratio = volume(first) / volume(second)
    if not abs(ratio - 1) < 4 * length_tolerance + 0.02:
        return False
    if close(first, second, length_tolerance, angle_tolerance):
        return True
    bases = from_metric(unimodular() @ metric(first) @ unimodular().transpose(0, 2, 1))
    return bool(close(bases, second, length_tolerance, angle_tolerance).any())


MAX_INDEX = 6
"""Largest volume ratio for which `explain` looks for a sub- or supercell."""


def explain(
    found_cell,
    found_centring,
    true_cell,
    true_centring,
    length_tolerance=0.015,
    angle_tolerance=1.5,
):
    """Say what a found cell is to the true one, and how their axes are related.

    Parameters
    ----------
    found_cell, true_cell : array_like, shape (6,)
        Conventional cells in A and degrees.
    found_centring, true_centring : str
        As for `lattice.reduced_cell` (R means hexagonal axes).
    length_tolerance, angle_tolerance : float
        Relative, and in degrees; on the reduced cells.

    Returns
    -------
    label : str
        "correct"; "other setting" (same lattice, other axes); "higher symmetry" (same lattice
        within tolerance, described with fewer free parameters than the true cell has); "supercell"
        and "subcell" (of index up to `MAX_INDEX`); "wrong".
    transformation : ndarray, shape (3, 3), or None
        Rows express the found axes by the true ones: ``a_found = T[0] @ (a, b, c)_true``. None for
        "wrong".
    """
    tolerance = length_tolerance, angle_tolerance
    (found, r_found) = _reduce(found_cell, found_centring)
    (true, r_true) = _reduce(true_cell, true_centring)
    ratio = lattice.volume(found) / lattice.volume(true)
    index = int(round(max(ratio, 1 / ratio)))
    if index > MAX_INDEX or abs(max(ratio, 1 / ratio) / index - 1) > 4 * length_tolerance + 0.02:
        return "wrong", None
    small, large = (true, found) if ratio >= 1 else (found, true)
    step = next(
        (
            step
            for form in hermite_forms(index)
            if (step := _between(small, large, form, tolerance)) is not None
        ),
        None,
    )
    if step is None:
        return "wrong", None
    step = step if ratio >= 1 else np.linalg.inv(step)
    transformation = _tidy(np.linalg.inv(r_found) @ step @ r_true)
    if index > 1:
        return ("supercell" if ratio > 1 else "subcell"), transformation
    return _same(found_cell, true_cell, tolerance), transformation


def _same(found_cell, true_cell, tolerance):
    if n_free(found_cell) < n_free(true_cell):
        return "higher symmetry"
    return (
        "correct"
        if lattice.close(
            np.asarray(found_cell, dtype=float), np.asarray(true_cell, dtype=float), *tolerance
        )
        else "other setting"
    )


def n_free(cell):
    """Return how many cell parameters the lattice system of a conventional cell leaves free, judged
    by exact equalities.
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
    import gemmi

    vector = gemmi.GruberVector(gemmi.UnitCell(*map(float, cell)), centring, True)
    vector.niggli_reduce(iteration_limit=1000)
    rows = np.array(vector.change_of_basis.rot).T / vector.change_of_basis.DEN
    return lattice.change_basis(cell, rows), rows


def _between(small, large, form, tolerance):
    """Return rows that express the axes of `large` by those of `small`, if `form` of `small` is
    that lattice.
    """
    reduced, rows = _reduce(lattice.change_basis(small, form), "P")
    if np.abs(np.sort(reduced[:3]) / np.sort(large[:3]) - 1).max() > tolerance[0]:
        return None
    moves = lattice.unimodular()
    cells = lattice.from_metric(moves @ lattice.metric(reduced) @ moves.transpose(0, 2, 1))
    fits = np.flatnonzero(lattice.close(cells, large, *tolerance))
    if not len(fits):
        return None
    miss = np.abs(cells[fits] / large - 1).sum(axis=1)
    return moves[fits[miss.argmin()]] @ rows @ form


@lru_cache(maxsize=None)
def hermite_forms(index):
    """Return the (n, 3, 3) integer matrices whose rows span every sublattice of the given index,
    once each.
    """
    forms = []
    for a, b in itertools.product(range(1, index + 1), repeat=2):
        if index % (a * b) == 0:
            c = index // (a * b)
            forms += [
                [[a, i, j], [0, b, k], [0, 0, c]]
                for i in range(b)
                for j in range(c)
                for k in range(c)
            ]
    return np.array(forms, dtype=float)


def _tidy(matrix):
    return np.round(matrix * 12) / 12 + 0.0
