"""Super- and sublattices: their number, their volume, and that the lattice type is recognised."""

import numpy as np
import pytest

from ddi.forward import lattice, lines, relations


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
