"""Figures of merit against hand sums, and explainers against transformations that were put in."""

import numpy as np
import pytest

from ddi.forward import bragg, fom, lattice, relations

CELL = np.array([5.1, 7.3, 9.9, 83.0, 95.0, 102.0])


def test_m20_by_hand():
    lines = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    obs = np.array([1.01, 2.98, 4.0])
    assert fom.m20(obs, lines, n=3) == pytest.approx(4.0 / (2 * 0.01 * 4))
    padded = np.array([lines, [1.0, 3.0, 4.0, np.nan, np.inf]])
    assert fom.m20(obs, padded, n=3) == pytest.approx([4.0 / (2 * 0.01 * 4), 4.0 / (2 * 0.01 * 3)])


def test_equal_lines_count_once():
    assert fom.m20([1.0, 2.001], [1.0, 1.0, 2.0]) == pytest.approx(
        fom.m20([1.0, 2.001], [1.0, 2.0])
    )


def test_f_n_by_hand():
    wavelength = 1.540593
    angles = np.array([10.0, 20.0, 30.0, 40.0])
    lines = bragg.q2_of(angles, wavelength)
    obs = bragg.q2_of(angles[[0, 1, 3]] + [0.01, -0.02, 0.03], wavelength)
    assert fom.f_n(obs, lines, wavelength) == pytest.approx(3 / (0.02 * 4))
    assert np.isnan(bragg.two_theta(10.0, wavelength))


def test_hermite_forms_are_all_sublattices():
    assert [len(relations.hermite_forms(n)) for n in (1, 2, 3, 4)] == [1, 7, 13, 35]


@pytest.mark.parametrize("index", [2, 3, 4])
def test_super_and_subcells_with_their_transformation(index):
    for form in relations.hermite_forms(index)[::3]:
        large = lattice.change_basis(CELL, form)
        label, rows = relations.explain(large, "P", CELL, "P")
        assert label == "supercell"
        assert lattice.change_basis(CELL, rows) == pytest.approx(large, rel=1e-6)
        label, rows = relations.explain(CELL, "P", large, "P")
        assert label == "subcell"
        assert lattice.change_basis(large, rows) == pytest.approx(CELL, rel=1e-6)


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
