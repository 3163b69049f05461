"""Supercells and subcells: their number, their volume, their transformation; the lattice type."""

import numpy as np
import pytest

from ddi.forward import lattice, lines, relations
from ddi.forward.constants import FORWARD

CELL = np.array([5.1, 7.3, 9.9, 83.0, 95.0, 102.0])


@pytest.mark.parametrize("bravais", lattice.BRAVAIS)
def test_lattice_type_and_cell_are_found_from_the_primitive_cell(bravais):
    system = lines.KINDS[bravais].system
    centring = lattice.BRAVAIS[bravais][1]
    cell = lattice.full_cell(
        lattice.free_cell(np.array([7.1, 9.3, 15.7, 84.0, 103.0, 71.0]), system), system
    )
    found, standard = relations.standard(lattice.reduced_cell(cell, centring))
    assert found == bravais
    assert relations.same_lattice(standard, cell, centring, centring, 1e-5, 1e-3)


def test_relatives_of_a_cubic_cell_are_the_distinct_ones():
    cells = relations.relatives([4, 4, 4, 90, 90, 90])
    ratios = [
        lattice.volume(lattice.x_to_cell(x)) / lines.KINDS[bravais].n_lattice_points / 64
        for bravais, x, _ in cells
    ]
    assert set(np.round(ratios, 6)) == {2.0, 3.0, 0.5, 0.333333}
    assert [larger for _, _, larger in cells] == [ratio > 1 for ratio in ratios]
    halves = sorted(
        bravais for (bravais, *_), ratio in zip(cells, ratios) if abs(ratio - 0.5) < 1e-6
    )
    assert sorted(bravais for (bravais, *_), ratio in zip(cells, ratios) if round(ratio) == 2) == [
        "cF",
        "tP",
        "tP",
    ]
    assert halves == ["cI", "tP", "tP"]


@pytest.mark.parametrize("larger, said", [(True, "supercell"), (False, "subcell")])
def test_the_larger_lattice_holds_the_lines_of_the_smaller(larger, said):
    cell = np.array([5.0, 6.1, 7.3, 90, 101, 90])
    _, own = lines.distinct_lines(lattice.cell_to_x(cell), "mP", 0.301)
    for bravais, x, is_larger in relations.relatives(lattice.reduced_cell(cell)):
        if is_larger == larger:
            _, other = lines.distinct_lines(x, bravais, 0.301)
            few, many = (own, other) if larger else (other, own)
            assert np.abs(few[few < 0.3][:, None] - many).min(axis=1).max() < 1e-6
            assert (
                relations.explain(lattice.x_to_cell(x), lattice.BRAVAIS[bravais][1], cell, "P")[0]
                == said
            )


def test_hermite_forms_are_all_supercells():
    assert [len(relations.hermite_forms(n)) for n in (1, 2, 3, 4)] == [1, 7, 13, 35]


CENTRED = {
    "P": CELL,
    "C": [9.84, 18.07, 5.28, 90, 104.7, 90],
    "I": [6.1, 6.1, 9.7, 90, 90, 90],
    "F": [9.1, 11.3, 14.9, 90, 90, 90],
    "R": [8.2, 8.2, 14.3, 90, 90, 120],
}


@pytest.mark.parametrize("index", range(2, FORWARD.largest_index + 1))
@pytest.mark.parametrize("centring", CENTRED)
def test_super_and_subcells_with_their_exact_transformation(index, centring):
    """Every fifth supercell on a random basis: the rows lead from one cell to the other, and are
    fractions, not decimals near them.
    """
    rng = np.random.default_rng(index)
    cell = np.array(CENTRED[centring], dtype=float)
    primitive = lattice.reduced_cell(cell, centring)
    for form in relations.hermite_forms(index)[::5]:
        basis = lattice.unimodular()[rng.integers(len(lattice.unimodular()))]
        large = lattice.change_basis(primitive, basis @ form)
        for found, true, said in (
            ((large, "P"), (cell, centring), "supercell"),
            ((cell, centring), (large, "P"), "subcell"),
        ):
            label, rows = relations.explain(*found, *true)
            assert label == said
            assert lattice.change_basis(true[0], rows) == pytest.approx(found[0], rel=1e-6)
            assert rows * 6 * index == pytest.approx(np.rint(rows * 6 * index), abs=1e-9)


def test_centred_cell_in_another_setting():
    cell = np.array([9.84, 18.07, 5.28, 90, 104.7, 90])
    other = lattice.change_basis(cell, [[-1, 0, -1], [0, -1, 0], [0, 0, 1]])
    label, rows = relations.explain(other, "I", cell, "C")
    assert label == "other setting"
    assert lattice.change_basis(cell, rows) == pytest.approx(other, rel=1e-6)
    assert relations.explain(cell * (1 + 1e-4), "C", cell, "C")[0] == "correct"


def test_higher_symmetry_and_wrong():
    assert (
        relations.explain([5, 6, 7, 90, 90, 90], "P", [5, 6, 7, 90, 90.4, 90], "P")[0]
        == "higher symmetry"
    )
    assert relations.explain([5, 5, 5, 90, 90, 90], "P", [5, 6, 7, 90, 90, 90], "P") == (
        "wrong",
        None,
    )
    assert relations.explain([4, 4, 4, 90, 90, 90], "F", [4, 4, 4, 90, 90, 90], "P")[0] == "subcell"
