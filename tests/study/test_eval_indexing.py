"""Judging the indexer: ranks and rates, and the sentence on a failure."""

import numpy as np
import pandas as pd
import pytest

from ddi.index import peaks as peaklist
from ddi.study import cases, eval_indexing, failures, fairness

CU = 1.540593
CELL = np.array([5.458, 7.157, 8.884, 90, 90, 90])


def case(cell=CELL, bravais="oP", n=20, identifier="X1", mineral="Testite"):
    angles = fairness.lines_two_theta(cell, bravais[1], CU, 60)[:n] + 0.03
    peaks = peaklist.from_values(angles, "2theta", CU, np.linspace(100, 5, len(angles)))
    return cases.Case(identifier, mineral, bravais, bravais[1], np.array(cell), peaks, "A", 0, True)


def row(cell, found, cause, **more):
    facts = {
        "id": "X1",
        "mineral": "Testite",
        "bravais": "oP",
        "rank": 0,
        "probability": 0.9,
        "found": found,
        "cause": cause,
    }
    return facts | dict(zip(eval_indexing.CELL, cell)) | more


def test_first_right_knows_other_settings_and_counts_from_one():
    cells = [CELL * [2, 1, 1, 1, 1, 1], CELL[[1, 0, 2, 3, 4, 5]]]
    assert eval_indexing.first_right(case(), cells, ["P", "P"]) == 2
    assert eval_indexing.first_right(case(), cells[:1], ["P"]) == 0


def test_a_cell_is_right_within_one_and_a_half_per_cent():
    """1 % and 1 degree are the same lattice, 3 % or 3 degrees are not."""
    for factor, angle, right in (
        (1.01, 0, True),
        (1.03, 0, False),
        (1, 1.0, True),
        (1, 3.0, False),
    ):
        cell = CELL * [factor, 1, 1, 1, 1, 1] + [0, 0, 0, 0, angle, 0]
        assert eval_indexing.is_right(case(), cell, "P") == right


def test_rates_are_counts_with_wilson_intervals():
    table = eval_indexing.rates(pd.DataFrame({"set": list("aaab"), "rank": [1, 3, 0, 1]}), ["set"])
    assert (
        table["first"].tolist() == [1 / 3, 1]
        and table.ten.tolist() == [2 / 3, 1]
        and table.n.tolist() == [3, 1]
    )
    assert table.first_low[0] == pytest.approx(0.0615, abs=1e-3) and table.first_high[
        0
    ] == pytest.approx(0.7923, abs=1e-3)


def test_facts_of_a_subcell():
    half = CELL / [2, 1, 1, 1, 1, 1]
    fact = failures.facts(case(), row(half, "oP", "subcell"))
    lines = [fairness.lines_two_theta(cell, "P", CU, 60) for cell in (CELL, half)]
    last = lines[0][19] + 1e-3
    assert (
        fact["true_unexplained"] == 0
        and fact["true_unseen"] == 0
        and fact["true_lines"] == (lines[0] < last).sum()
    )
    assert fact["found_unexplained"] == 20 - sum(
        np.abs(lines[1] - line).min() < 0.04 for line in lines[0][:20]
    )
    assert fact["ratio"] == pytest.approx(0.5, rel=1e-3)
    assert f"{fact['found_unexplained']} of the peaks ask for the true cell" in failures.sentence(
        fact
    )


def test_a_sentence_says_when_positions_cannot_decide():
    double = CELL * [2, 1, 1, 1, 1, 1]
    hidden = case()
    hidden = cases.Case("X1", "Testite", "oP", "P", double, hidden.peaks, "A", 0, True)
    assert "positions cannot decide" in failures.sentence(
        failures.facts(hidden, row(CELL, "oP", "subcell"))
    )
    assert "no cell was found" in failures.sentence(
        failures.facts(hidden, row(CELL, "none", "nothing found"))
    )


def test_figure_has_a_panel_a_failure():
    fig = failures.draw([case()], [row(CELL * [2, 1, 1, 1, 1, 1], "oP", "supercell")] * 3)
    assert [bool(place.lines or place.collections) for place in fig.axes] == [
        True,
        True,
        True,
        False,
    ]


def test_one_a_mineral_is_the_first_by_id_spread_over_lattices():
    several = [case(identifier=f"X{k}", mineral=f"M{k // 2}") for k in range(10)]
    assert [entry.id for entry in cases.one_a_mineral(several)] == ["X0", "X2", "X4", "X6", "X8"]
    assert [entry.id for entry in cases.one_a_mineral(several, 3)] == ["X0", "X4", "X8"]


def test_no_failures_are_a_table_with_a_heading(tmp_path):
    failures.table([], []).to_csv(tmp_path / "none.csv", index=False)
    assert pd.read_csv(tmp_path / "none.csv").empty
