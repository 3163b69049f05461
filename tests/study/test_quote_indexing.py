"""Numbers quoted beside the tables of 10_rruff_eval: counts by hand, and nothing to count."""

import numpy as np
import pandas as pd

from ddi.study import compare_indexing as compare
from ddi.study import eval_indexing
from ddi.study import quote_indexing as quote


def rates(name, shares, n):
    """Rates of outcomes of which a share of n comes out first."""
    rows = [
        {name: value, "rank": int(k < share * n)}
        for value, share in shares.items()
        for k in range(n)
    ]
    return eval_indexing.rates(pd.DataFrame(rows), [name])


def test_generators_are_apart_where_the_best_rate_is_above_their_interval():
    pooled = rates("generator", {"forest": 1.0, "network": 0.95, "random": 0.1}, 20)
    found = quote.generators(pooled)
    assert (found["RruffForestFirstPercent"], found["RruffRandomFirstPercent"]) == ("100", "10")
    assert found["GeneratorPatterns"] == 20 and found["GeneratorsApart"] == 1
    assert found["RruffNearestFirstPercent"] == "--"


def test_lattices_count_those_without_a_failure_lattice_unknown():
    indexed = pd.concat(
        [
            rates("bravais", {"cF": 1.0, "mP": 0.5}, 4).assign(lattice="unknown"),
            rates("bravais", {"cF": 0.0, "mP": 1.0}, 4).assign(lattice="known"),
        ]
    )
    found = quote.lattices(indexed)
    assert (found["IndexLattices"], found["IndexLatticesAllFirst"]) == (2, 1)
    assert (found["IndexWorstLattice"], found["IndexWorstLatticePercent"]) == ("mP", "50")


def test_failures_are_told_by_what_stands_first():
    outcomes = pd.DataFrame(
        {
            "mineral": ["Quartz", "Barite", "Barite", "Talc"],
            "bravais": ["hP", "oP", "oP", "mC"],
            "found": ["hP", "hP", "oP", "mC"],
            "cause": ["correct", "supercell", "subcell", "correct"],
            "rank": [1, 2, 0, 1],
        }
    )
    errors = pd.DataFrame({"error": [0.1, -0.1], "shift_error": [0.01, -0.01]})
    found = quote.failures(outcomes, errors, *compare.minerals_table(outcomes))
    assert (found["IndexFailures"], found["IndexFailuresListed"]) == (2, 1)
    assert (found["IndexSubcellFailures"], found["IndexFailuresOtherLattice"]) == (1, 1)
    assert (found["IndexMineralsFailed"], found["IndexMineralsNeverFirst"]) == (1, 1)
    assert (found["IndexVolumeError"], found["IndexShiftError"]) == ("0.10", "0.010")


def test_a_change_is_quoted_in_numbers_of_patterns():
    rows = [
        {"change": "peaks", "value": 20, "rank": 1},
        {"change": "peaks", "value": 10, "rank": 1},
    ]
    rows += [{"change": "spurious", "value": 4, "rank": 0}]
    found = quote.robust(eval_indexing.rates(pd.DataFrame(rows), ["change", "value"]))
    assert (found["RobustPicked"], found["RobustTen"], found["RobustSpurious"]) == (1, 1, 0)
    assert found["RobustShift"] == "--"


def test_the_surest_bin_is_the_one_above_its_edge():
    unknown = pd.DataFrame({"probability": [0.98, 0.99, 0.96], "rank": [1, 2, 1]})
    timed = pd.DataFrame({"seconds": np.array([1.0, 2.0, 9.0])})
    found = quote.trust(*compare.trust(unknown), timed)
    assert (found["IndexSurestAbove"], found["IndexSurestPatterns"]) == ("0.97", 2)
    assert (found["IndexSurestPercent"], found["IndexSeconds"]) == ("50", "2.0")


def test_what_training_lacks_is_counted():
    by_kin = rates("training", {"mineral": 1.0, "neither": 0.5}, 2)
    found = quote.training(by_kin, by_kin[by_kin.training == "mineral"])
    assert (found["TrainingHeldPercent"], found["TrainingUnheldPercent"]) == ("100", "50")
    assert found["TrainingUnheldPatterns"] == 2 and found["GeneratorsUnheldPatterns"] == 0
