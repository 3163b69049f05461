"""Transformations of explainers: one text a lattice, whatever the axes it was found in."""

import numpy as np
import pandas as pd
import pytest

from ddi.forward import lattice, relations
from ddi.study import explainers

TRUE = np.array([5.0, 6.1, 7.3, 82, 95, 101])


@pytest.mark.parametrize("index", [1, 2, 3, 5])
def test_every_superlattice_has_one_hermite_form(index):
    moves = lattice.unimodular()
    rng = np.random.default_rng(index)
    for form in relations.hermite_forms(index)[:8]:
        first = explainers.hermite(form)
        for move in moves[rng.integers(len(moves), size=6)]:
            np.testing.assert_array_equal(explainers.hermite(move @ form), first)
        assert (first == np.tril(first)).all() and round(np.linalg.det(first)) == index
        assert (first <= np.diag(first)).all() and (first >= 0).all()
    forms = {explainers.hermite(form).tobytes() for form in relations.hermite_forms(index)}
    assert len(forms) == len(relations.hermite_forms(index))


@pytest.mark.parametrize("rows", [np.diag([1, 2, 1]), [[1, 0, 0], [1, 2, 0], [0, 0, 1]],
                                  [[1, 0, 0], [0, 1, 0], [2, 1, 5]]])  # fmt: skip
def test_super_and_subcell_of_the_same_pair_are_told_alike(rows):
    large = lattice.reduced_cell(lattice.change_basis(TRUE, np.array(rows, dtype=float)), "P")
    true = lattice.reduced_cell(TRUE, "P")
    up = relations.explain(large, "P", true, "P")
    down = relations.explain(true, "P", large, "P")
    assert (up[0], down[0]) == ("supercell", "subcell")
    assert explainers.told(*up) == explainers.told(*down) != ""


def test_what_is_no_supercell_has_no_text():
    assert explainers.told("", None) == explainers.told("wrong", None) == ""
    assert explainers.told("other setting", np.eye(3)) == ""


def test_the_table_counts_attempts_by_lattice():
    rows = pd.DataFrame(
        [
            ["cubic", "", ""],
            ["cubic", "wrong", ""],
            ["cubic", "subcell", "a, b, 2c"],
            ["cubic", "subcell", "a, b, 2c"],
            ["cubic", "supercell", "a, a + 2b, a + 2c"],
        ],
        columns=["system", "missed", "transformation"],
    )
    table = explainers.table(rows[:3], rows[3:])
    assert table.to_numpy().tolist() == [
        ["cubic", "subcell", 2, "a, b, 2c", 2],
        ["cubic", "supercell", 4, "a, a + 2b, a + 2c", 1],
    ]
    assert not len(explainers.table(rows[:2]))
