"""The table of the chain as written: means by hand, and an interval that counts patterns."""

import numpy as np
import pandas as pd
import pytest

from ddi.base.stats import wilson
from ddi.forward import lattice
from ddi.study import literal

ROWS = pd.DataFrame(
    [
        ["cubic", "nearest line", "", 0.5, 0.001],
        ["cubic", "nearest line", "", 1.0, 0.003],
        ["cubic", "as written", "network", 0.0, 0.06],
        ["cubic", "as written", "network", 1.0, 0.02],
        ["triclinic", "nearest line", "", 0.25, 0.002],
        ["triclinic", "as written", "line prior", 0.2, 0.04],
    ],
    columns=["system", "chain", "assigner", "share", "seconds"],
)


def test_a_row_is_a_chain_with_the_mean_of_each_system():
    table = literal.literal_table(ROWS).set_index("chain")
    assert table.loc["nearest line", ["cubic", "triclinic"]].tolist() == ["75", "25"]
    low, high = wilson(1.75, 3)
    assert table.loc["nearest line", "all"] == f"58 ({100 * low:.0f}-{100 * high:.0f})"


def test_the_caption_counts_patterns_and_says_where_no_network_was():
    caption = literal.literal_caption(ROWS)
    assert "1 to 2 patterns" in caption and "n = 3" in caption
    assert "In triclinic the line prior stands for the network" in caption


def test_equal_time_divides_what_arrives_by_what_it_costs():
    table = literal.literal_time_table(ROWS).set_index("chain")
    low, high = wilson(1.75, 3)
    assert table.loc["nearest line", "arrive / %"] == f"58 ({100 * low:.0f}-{100 * high:.0f})"
    assert table.loc["nearest line", "CPU ms a start"] == "2.0"
    assert table.loc["nearest line", "arrive a CPU second"] == "291.7"
    assert table.loc["as written", "arrive a CPU second"] == "10.0"
    assert list(table.index) == ["nearest line", "as written"]
    numbers = literal.literal_numbers(ROWS)
    assert numbers["LiteralRateNearestLine"] == "292" and numbers["LiteralAsWrittenAll"] == "40"


def test_a_way_that_a_system_lacks_leaves_its_place_open():
    rows = pd.concat([ROWS, ROWS[:1].assign(chain=literal.MARGINAL)])
    table = literal.literal_table(rows).set_index("chain")
    assert table.loc[literal.MARGINAL, ["cubic", "triclinic"]].tolist() == ["50", "nan"]


def test_without_a_network_nothing_climbs(monkeypatch):
    monkeypatch.setattr(literal, "_options", lambda study, system, name: ({}, "line prior"))
    assert literal._way(None, "cubic", literal.MARGINAL, 0) == ("line prior", None)
    cell = np.array([5.0, 5, 5, 90, 90, 90])
    pattern = {"system": "cubic", "cell": cell, "number": 0, "q2": np.arange(1, 11) / 25}
    options = {"n_starts": 2, "n_iterations": 1, "seed": 0}
    assert not literal._converged(pattern, None, (literal.MARGINAL,), **options)


def test_cells_that_climb_arrive_where_the_peaks_are():
    pytest.importorskip("tensorflow")
    from ddi.forward.reflections import reference_hkl
    from ddi.models.assignment import AssignmentNetwork
    from ddi.models.assignment_training import new_weights

    reference = reference_hkl("cubic")
    weights = new_weights(10, len(reference), np.random.default_rng(1), (16, 8))
    network = AssignmentNetwork("cubic", reference, 0.01, "0.05", weights, "", None)
    true = np.array([6.3, 6.3, 6.3, 90, 90, 90])
    q2 = np.unique(np.round(lattice.q2(reference[:-1], true), 9))[:10]
    cells = np.repeat(true[None], 3, axis=0)
    cells[:, :3] *= np.array([[1.005], [0.995], [1.35]])
    found = literal.climbed(q2, cells, "cubic", true, network)
    assert found.tolist() == [True, True, False]
