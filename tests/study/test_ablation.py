"""The studies of ingredients and settings: nothing related on both sides, and differences paired by
seed.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from training_rows import frame

from ddi.models.variance import TUNED, Design
from ddi.study import ablation


def related(n=60):
    """Training rows of twenty families of three crystals, and a child of each."""
    rows = frame("orthorhombic", n).assign(family=[f"family{k % 20}" for k in range(n)])
    child = rows.assign(
        identifier=rows["identifier"] + "-child", parent=rows["identifier"], augmented=True
    )
    return pd.concat([rows, child], ignore_index=True)


def test_no_family_on_both_sides_and_no_child_held_out():
    train, held = ablation.hold_out(related(), 0.25, np.random.default_rng(0))
    assert not set(train["family"]) & set(held["family"]) and not held["augmented"].any()
    assert held["family"].nunique() == 5 and len(held) == 15 and len(train) == 90


def test_without_families_no_crystal_on_both_sides():
    train, held = ablation.hold_out(
        related().drop(columns="family"), 0.25, np.random.default_rng(0)
    )
    assert not set(train["parent"]) & set(held["identifier"]) and not set(
        train["identifier"]
    ) & set(held["identifier"])


def test_families_are_those_of_the_crystal(tmp_path):
    rows = related().drop(columns="family")
    pd.DataFrame(
        {"identifier": [f"crystal{k}" for k in range(60)], "family": range(60)}
    ).to_parquet(tmp_path / "groups.parquet")
    study = type("Study", (), {"interim": tmp_path})
    assert list(ablation.with_families(study, rows)["family"]) == [*range(60)] * 2


def test_finalists_are_the_best_of_each_system_and_the_reference():
    columns = {"width": 2.0, "dropout": 0.1, "learning_rate": 1e-3, "exponent": 1.0}
    trials = pd.DataFrame(
        [
            {"system": s, "trial": k, "nll": nll, **columns}
            for s in ("a", "b")
            for k, nll in enumerate([0.1, 3.0, 1.0, 2.0])
        ]
    )
    chosen = ablation.finalists(trials, 2)
    assert list(chosen) == ["reference", "a 2", "a 3", "b 2", "b 3", "a 2, together"]
    assert chosen["reference"] == Design()
    assert chosen["a 2"] == Design((400, 200, 120), (200, 120), 0.1, 1e-3, exponent=1.0)
    assert not chosen["a 2, together"].cyclic


def test_differences_are_paired_by_seed():
    rows = [
        ("s", d, seed, base + gain, 0.1, 0.2, 10)
        for d, gain in (("reference", 0.0), ("new", -0.5))
        for seed, base in enumerate((1.0, 5.0, 9.0))
    ]
    table = pd.DataFrame(
        rows, columns=["system", "design", "seed", "nll", "within_5", "within_10", "entries"]
    )
    table.loc[table["design"] == "new", "nll"] += [0.1, 0.0, -0.1]
    new = ablation.summarise(table).set_index("design").loc["new"]
    assert new["nll_change"] == pytest.approx(-0.5) and new["entries"] == 30
    assert new["nll_half_width"] == pytest.approx(
        4.302653 * 0.1 / np.sqrt(3), rel=1e-5
    )  # not the seeds' own spread of 4


def test_each_ingredient_is_really_taken_away():
    """Each design differs from the reference in what it is called after."""
    changed = {
        name: [
            field for field, value in design.__dict__.items() if value != getattr(Design(), field)
        ]
        for name, design in ablation.INGREDIENTS.items()
    }
    assert changed == {
        "reference": [],
        "point variance": ["gamma"],
        "one joint network": ["parallel"],
        "trained together": ["cyclic"],
        "NLL for the mean": ["exponent"],
        "no dropout": ["dropout"],
    }


def test_designs_are_handed_on_to_the_networks(monkeypatch):
    """`compare` trains what each row is named after."""
    trained = []

    class Noted(ablation.Network):
        def fit(self, train, *, system, seed=0):
            trained.append(self.design)
            return super().fit(train, system=system, seed=seed)

    monkeypatch.setattr(ablation, "Network", Noted)
    small = {"mean_units": (8,), "variance_units": (8,), "learning_rate": 3e-3}
    designs = {name: replace(design, **small) for name, design in ablation.INGREDIENTS.items()}
    rows = frame("cubic", 60, groups=1)
    table = ablation.compare(rows, "cubic", designs, [1], cycles=1, epochs=1, min_steps=4)
    assert trained == list(designs.values())
    assert table["nll"].nunique() == len(designs)


def test_tuned_settings_cost_no_more_than_the_reference():
    assert TUNED.networks() == Design().networks() and TUNED != Design()
