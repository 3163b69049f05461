"""What the groups of a lattice system do to its generators: foreign groups, no groups, lattice
analogues on both sides of the split (07_rf_vs_nn).
"""

import itertools

import numpy as np
import pandas as pd

from ddi.data import dataset
from ddi.forward import lattice
from ddi.models.cells import pattern_matrix, usable_cells
from ddi.models.controls import Nearest, Rescaled
from ddi.models.forest import Forest
from ddi.models.shape import spoil
from ddi.study.eval_generators import best_of_n, cell_error, mean_interval


def foreign_groups(model, test, system, *, missing, n, seed, tolerance=0.05, repeats=3):
    """Test the hunch of section 2.1.2: once lines are missing, do cells of foreign groups' models
    help?

    A budget of n cells a pattern is spent on the entry's own group, or half on it and half on the
    other groups in proportion to their entries, or on all groups in that proportion. The first two
    are compared pattern by pattern.

    Parameters
    ----------
    model : ddi.models.generator.Generator
        With several groups.
    test : DataFrame
    system : str
    missing : sequence of float
        Shares of the lines that are struck out; the first is what the others are compared with.
    n, seed : int
    tolerance : float
    repeats : int
        Times that each pattern's lines are struck out.

    Returns
    -------
    DataFrame
        One row a share: missing, patterns, own, mixed, all (rates); gain, low, high (mixed less own
        and its 95 % interval over patterns); change, change_low, change_high (of the gain since the
        first share, on the patterns long enough for both). Empty with one group.
    """
    test = test[test["group"].isin([group.name for group in model.groups])]
    found = np.full((len(missing), repeats, len(test), 3), np.nan)
    for (k, share), repeat in itertools.product(
        enumerate(missing if len(model.groups) > 1 else ()), range(repeats)
    ):
        rng = np.random.default_rng([seed, repeat])
        spoilt = [
            spoil(q2, lattice.N_PEAKS[system], rng, missing=share, spurious=0, zero=0)
            for q2 in test["q2"]
        ]
        long = np.array([q2 is not None for q2 in spoilt])
        kept = test[long].assign(q2=[q2 for q2 in spoilt if q2 is not None])
        found[k, repeat, long] = _by_budget(model, kept, system, n, seed + repeat, tolerance)
    times = np.isfinite(found).sum(axis=1)
    rates = np.where(
        times > 0, np.nansum(found, axis=1) / np.maximum(times, 1), np.nan
    )  # shares, patterns, budgets
    if len(model.groups) < 2 or not len(test):
        return pd.DataFrame()
    gains = rates[..., 1] - rates[..., 0]
    columns = (
        ("own", "mixed", "all"),
        ("gain", "low", "high"),
        ("change", "change_low", "change_high"),
    )
    rows = [
        (np.nanmean(rate, axis=0), mean_interval(gain), mean_interval(gain - gains[0]))
        for rate, gain in zip(rates, gains)
    ]
    named = [
        {name: value for pair in zip(columns, row) for name, value in zip(*pair)} for row in rows
    ]
    return pd.DataFrame(
        [
            {"missing": share, "patterns": int(np.isfinite(gain).sum())} | row
            for share, gain, row in zip(missing, gains, named)
        ]
    )


def _by_budget(model, test, system, n, seed, tolerance):
    """Say for each pattern whether n cells of its own group, half and half, and of all groups hold
    a good one, shape (patterns, 3).
    """
    found = np.empty((len(test), 3))
    names = [group.name for group in model.groups]
    for group in test["group"].unique():
        rows = (test["group"] == group).to_numpy()
        q2 = pattern_matrix(test[rows], system)
        true = usable_cells(test[rows], system)
        own = model.sample(q2, n, seed=seed, groups=[group])
        foreign = model.pooled(
            q2, n - n // 2, seed=seed, groups=[name for name in names if name != group]
        )
        budgets = (
            own,
            np.concatenate([own[:, : n // 2], foreign], axis=1),
            model.pooled(q2, n, seed=seed),
        )
        found[rows] = np.stack(
            [(cell_error(cells, true) <= tolerance).any(axis=1) for cells in budgets], axis=1
        )
    return found


def ungrouped(frame):
    """Return a frame with one group for a whole lattice system; monoclinic keeps one for each
    unique axis, which no model can do without.
    """
    return frame.assign(group="axis " + frame["unique_axis"].astype(str))


def analogues(study, system, *, n, seed, tolerance=0.05):
    """Compare the forest and the nearest patterns on both splits: with lattice analogues of test
    entries in training, and without.

    Trained on real entries only, since the augmented ones belong to one split.
    """
    rows = []
    frame = dataset.load(
        study, ["identifier", "lattice_system", "bravais", "unique_axis", "cell", "q2_2"]
    ).rename(columns={"q2_2": "q2"})
    sides = pd.read_parquet(
        study.interim / "groups.parquet", columns=["identifier", "group", "split", "split_entry"]
    )
    frame = (
        frame[frame["lattice_system"] == system]
        .merge(sides, on="identifier")
        .assign(augmented=False)
    )
    frame = frame[frame["q2"].map(len) >= lattice.N_PEAKS[system]]
    for column, label in (("split_entry", "with analogues"), ("split", "without analogues")):
        train = frame[frame[column] == "train"]
        test = frame[frame[column] == "test"]
        if not len(train) or not len(test):
            continue
        for model in (Forest(), Nearest(), Rescaled()):
            cells = model.fit(train, system=system, seed=seed).pooled(
                pattern_matrix(test, system), n, seed=seed
            )
            row = best_of_n(cells, usable_cells(test, system), [tolerance], [n]).iloc[0]
            rows.append(
                {
                    "system": system,
                    "split": label,
                    "generator": model.name,
                    "k": int(row.k),
                    "patterns": int(row.patterns),
                }
            )
    return rows
