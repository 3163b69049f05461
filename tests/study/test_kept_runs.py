"""Long runs that are kept: read where they are, paired by seed, in words."""

import pandas as pd
import pytest

from ddi.base.paths import ROOT
from ddi.study import ablation, kept_runs


class Here:
    root = ROOT


def test_the_kept_ablation_has_every_ingredient_with_eight_seeds_in_both_systems():
    runs = kept_runs.kept(Here, kept_runs.ABLATION)
    assert set(runs["design"]) == set(ablation.INGREDIENTS)
    by = runs.groupby(["system", "design"])["seed"].nunique()
    assert len(by) == 12 and (by == 8).all()
    # one split a seed: all designs are judged on the same held-out rows
    assert (runs.groupby(["system", "seed"])["entries"].nunique() == 1).all()


def test_the_kept_search_has_forty_trials_in_both_systems_and_starts_as_written():
    trials = kept_runs.kept(Here, kept_runs.SETTINGS)
    assert (trials.groupby("system")["trial"].nunique() == 40).all()
    first = trials[trials["trial"] == 0]
    assert (first["dropout"] == 0.5).all() and (first["learning_rate"] == 1e-4).all()


def test_what_is_not_kept_is_empty():
    assert not len(kept_runs.kept(Here, "07_nothing"))


def test_tables_and_numbers_by_hand():
    runs = pd.DataFrame(
        [
            ("monoclinic", design, seed, nll, 0.0, share, 50, 60.0)
            for design, seed, nll, share in (
                ("reference", 1, 1.0, 0.10), ("reference", 2, 2.0, 0.20),
                ("no dropout", 1, 0.5, 0.20), ("no dropout", 2, 1.3, 0.40),
            )
        ],
        columns=["system", "design", "seed", "nll", "within_5", "within_10", "entries",
                 "cpu_seconds"],
    )  # fmt: skip
    effects = ablation.summarise(runs)
    table = kept_runs.ablation_table(effects).set_index("without")
    assert table.loc["nothing", "NLL"] == "1.50" and table.loc["nothing", "change of NLL"] == ""
    # differences -0.5 and -0.7: mean -0.6, half-width 12.706 * 0.1414 / sqrt(2)
    assert table.loc["no dropout", "change of NLL"] == "-0.60 ± 1.27"
    assert table.loc["no dropout", "change / points"] == "+15.0 ± 63.5"
    trials = pd.DataFrame(
        {"system": "monoclinic", "trial": [0, 1, 2], "dropout": [0.5, 0.0, 0.1],
         "nll": [3.0, 2.5, 2.75], "cpu_seconds": 40.0}
    )  # fmt: skip
    found = kept_runs.numbers(effects, runs, trials)
    assert found["FamiliesWithoutNoDropoutMonoclinic"] == "-0.60 ± 1.27"
    assert (found["FamiliesSeeds"], found["FamiliesFits"], found["FamiliesMinutes"]) == (2, 4, "4")
    assert found["FortyTrials"] == 3 and found["FortyMonoclinicWritten"] == "3.00"
    assert found["FortyMonoclinicBest"] == "2.50" and found["FortyMonoclinicDropout"] == "0"
    assert kept_runs.minutes(runs) == pytest.approx(4)
