"""What the groups of a lattice system do to its generators: budgets for each group or in all,
foreign groups, no groups, lattice analogues on both sides of the split (07_rf_vs_nn).
"""

import itertools

import numpy as np
import pandas as pd

from ddi.base.stats import rate
from ddi.data import dataset
from ddi.forward import lattice
from ddi.forward.noise import spoil
from ddi.models.cells import pattern_matrix, usable_cells
from ddi.models.controls import Nearest, Rescaled
from ddi.models.forest import Forest
from ddi.models.generator import turns
from ddi.study.eval_generators import best_of_n, cell_error, mean_interval

PAIRS = {"as written": ("forest_literal", "network_literal"), "improved": ("forest", "network")}
"""Forest and network of each variant; the names of `ddi.models.generator.kind`."""


def need_both(models, test, system, *, n=30, seed=0, tolerance=0.05):
    """Ask whether forest and network are both needed (sections 2.2.3 and 2.4.2), at equal totals.

    Section 2.4.2 draws n cells a group from the network and n from the forest, n_g (n + n) in all.
    Beside it stand 2 n cells a group from one of them, and the same three ways with 2 n cells in
    all, which the groups share in proportion to their training entries.

    Parameters
    ----------
    models : dict of str -> ddi.models.generator.Generator
        Variants of which one is missing are left out.
    test : DataFrame
    system : str
    n, seed : int
    tolerance : float
        On `ddi.study.eval_generators.cell_error`.

    Returns
    -------
    DataFrame
        One row a variant, budget and choice of draws: system, variant, budget, cells (tried for a
        pattern), draws, k (patterns with a near cell), patterns; against "both", pattern by
        pattern, only both and only this.
    """
    q2 = pattern_matrix(test, system)
    true = usable_cells(test, system)
    rows = []
    for (variant, names), budget in itertools.product(PAIRS.items(), ("each group", "shared")):
        if not set(names) <= set(models):
            continue
        pair = [models[name] for name in names]
        cells = _of_each_and_both(pair, q2, n, seed, budget)
        near = {name: (cell_error(c, true) <= tolerance).any(axis=1) for name, c in cells.items()}
        about = {"system": system, "variant": variant, "budget": budget}
        about |= {"cells": cells["both"].shape[1], "patterns": len(test)}
        rows += [about | beside_both(name, near) for name in near]
    return pd.DataFrame(rows)


def beside_both(name, near):
    """Return what `need_both` counts of one choice of draws, from whether the best cell of each
    choice is near enough, a pattern.
    """
    found, both = near[name], near["both"]
    counts = {"k": found, "only both": both & ~found, "only this": found & ~both}
    return {"draws": name} | {column: int(which.sum()) for column, which in counts.items()}


def _of_each_and_both(pair, q2, n, seed, budget):
    """2 n cells of the forest, of the network, and n of each, a group or in all."""

    def draw(model, count):
        return (model.sample if budget == "each group" else model.pooled)(q2, count, seed=seed)

    both = np.concatenate([draw(model, n) for model in pair], axis=1)
    return {"forest": draw(pair[0], 2 * n), "network": draw(pair[1], 2 * n), "both": both}


def summarise_both(table):
    """Pool `need_both` over systems: rates with Wilson intervals, and what "both" adds to each
    single generator at the same total, pattern by pattern.

    Returns
    -------
    DataFrame
        variant, budget, draws, rate (text with interval and n), both less this (points, with the
        95 % interval of paired counts).
    """
    counts = ["k", "patterns", "only both", "only this"]
    pooled = table.groupby(["variant", "budget", "draws"], sort=False)[counts].sum().reset_index()
    gain = (pooled["only both"] - pooled["only this"]) / pooled["patterns"]
    moved = (pooled["only both"] + pooled["only this"]) / pooled["patterns"]
    half = 1.96 * np.sqrt((moved - gain**2) / pooled["patterns"])
    change = [
        "" if draws == "both" else f"{100 * g:+.1f} ({100 * (g - h):+.1f} to {100 * (g + h):+.1f})"
        for draws, g, h in zip(pooled["draws"], gain, half)
    ]
    rates = [rate(k, n) for k, n in zip(pooled["k"], pooled["patterns"])]
    return pooled[["variant", "budget", "draws"]].assign(rate=rates, **{"both less this": change})


def by_chosen_groups(model, train, q2, n, *, seed=0):
    """Draw n cells a pattern, shared among the groups in proportion to what a classifier thinks of
    them.

    The classifier is a random forest on the pattern divided by its mean q2, and the logarithm of
    that mean; it sees the training rows that the generator saw.

    Parameters
    ----------
    model : ddi.models.generator.Generator
    train : DataFrame
    q2 : ndarray, shape (n_patterns, n_peaks)
    n, seed : int

    Returns
    -------
    cells : ndarray, shape (n_patterns, n, 6)
    chance : ndarray, shape (n_patterns, n_groups)
        In the order of ``model.groups``.
    """
    from sklearn.ensemble import RandomForestClassifier

    classifier = RandomForestClassifier(200, min_samples_leaf=3, random_state=seed)
    classifier.fit(_features(pattern_matrix(train, model.system)), train["group"].astype(str))
    names = [group.name for group in model.groups]
    chance = pd.DataFrame(classifier.predict_proba(_features(q2)), columns=classifier.classes_)
    chance = chance[names].to_numpy()
    turn = turns(np.maximum(chance, 1e-6), n)
    cells = np.empty((len(q2), n, 6))
    for number, name in enumerate(names):
        mine = turn == number
        if mine.any():
            most = mine.sum(axis=1).max()
            drawn = model.sample(q2, most, seed=seed, groups=[name])
            cells[mine] = drawn[np.arange(most) < mine.sum(axis=1)[:, None]]
    return cells, chance


def _features(q2):
    """Patterns without a scale, and the scale, shape (n, n_peaks + 1)."""
    scale = q2.mean(axis=1, keepdims=True)
    return np.hstack([q2 / scale, np.log(scale)])


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
