"""Superlattices: their number, their volume, and that the lattice type is recognised."""

import numpy as np
import pytest

from ddi import fom, kernel, lattice, superlattice


@pytest.mark.parametrize("bravais", lattice.BRAVAIS)
def test_lattice_type_and_cell_are_found_from_the_primitive_cell(bravais):
    system, centring = kernel.KINDS[bravais].system, lattice.BRAVAIS[bravais][1]
    cell = lattice.full_cell(lattice.free_cell(np.array([7.1, 9.3, 15.7, 84.0, 103.0, 71.0]), system), system)
    found, standard = superlattice.standard(lattice.reduced_cell(cell, centring))
    assert found == bravais
    assert lattice.same_lattice(standard, cell, centring, centring, 1e-5, 1e-3)


def test_supercells_of_a_cubic_cell_are_the_distinct_ones():
    cells = superlattice.supercells([4, 4, 4, 90, 90, 90])
    ratios = [lattice.volume(lattice.x_to_cell(x)) / kernel.KINDS[bravais].multiple / 64 for bravais, x in cells]
    assert set(np.round(ratios, 6)) == {2.0, 3.0}
    assert sorted(bravais for (bravais, _), ratio in zip(cells, ratios) if round(ratio) == 2) == ["cF", "tP", "tP"]


def test_every_supercell_holds_the_lines_of_the_cell():
    cell = np.array([5.0, 6.1, 7.3, 90, 101, 90])
    x = lattice.cell_to_x(cell)
    _, lines = kernel.lines(x, "mP", 0.3)
    for bravais, larger in superlattice.supercells(lattice.reduced_cell(cell)):
        _, more = kernel.lines(larger, bravais, 0.301)
        assert np.abs(lines[:, None] - more).min(axis=1).max() < 1e-6
        assert fom.explain(lattice.x_to_cell(larger), lattice.BRAVAIS[bravais][1], cell, "P")[0] == "supercell"
