"""How good generated cells are: best of n, calibration, overlap, and what groups and isotypes do
(07_rf_vs_nn).

A budget is always the number of cells tried for a pattern. A grouped generator spends it on its
groups in proportion to their numbers of training entries (`Generator.pooled`); "both" spends half
on the forest and half on the network.
"""

import itertools

import numpy as np
import pandas as pd
from scipy import stats

from ddi.base.stats import wilson
from ddi.data import dataset
from ddi.forward import lattice
from ddi.models import generator
from ddi.models.controls import Nearest, Rescaled
from ddi.models.forest import Forest
from ddi.models.generator import (
    CONTROLS,
    LEARNED,
    cell_matrix,
    free_parameters,
    pattern_matrix,
    usable_cells,
)
from ddi.models.shape import spoil

TOLERANCES = (0.01, 0.02, 0.05, 0.10)
COUNTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def cell_error(cells, true):
    """Return how far cells are from the truth: the larger of the largest relative length error and
    angle error in radians.

    A small rotation by that many radians moves an axis' tip by that fraction of the axis, so one
    tolerance serves both.

    Parameters
    ----------
    cells : array_like, shape (n_patterns, n, 6)
    true : array_like, shape (n_patterns, 6)

    Returns
    -------
    ndarray, shape (n_patterns, n)
    """
    cells = np.asarray(cells, dtype=float)
    true = np.asarray(true, dtype=float)[:, None]
    lengths = np.abs(cells[..., :3] / true[..., :3] - 1).max(axis=-1)
    return np.maximum(lengths, np.radians(np.abs(cells[..., 3:] - true[..., 3:])).max(axis=-1))


def best_of_n(cells, true, tolerances=TOLERANCES, counts=None):
    """Count the patterns for which the best of the first n cells lies within each tolerance.

    Parameters
    ----------
    cells : array_like, shape (n_patterns, n_max, 6)
        In the order drawn (`Generator.pooled`).
    true : array_like, shape (n_patterns, 6)
    tolerances : sequence of float
        On `cell_error`: all lengths and angles.
    counts : sequence of int, optional
        The n wanted; 1 to n_max if not given.

    Returns
    -------
    DataFrame
        Columns n, tolerance, k, patterns, rate, low, high (Wilson interval).
    """
    best = np.minimum.accumulate(cell_error(cells, true), axis=1)
    counts = np.arange(1, best.shape[1] + 1) if counts is None else np.asarray(counts)
    rows = [
        (n, tolerance, int((best[:, min(n, best.shape[1]) - 1] <= tolerance).sum()))
        for tolerance in tolerances
        for n in counts
    ]
    table = pd.DataFrame(rows, columns=["n", "tolerance", "k"]).assign(patterns=len(best))
    low, high = wilson(table["k"], table["patterns"])
    return table.assign(rate=table["k"] / max(len(best), 1), low=low, high=high)


def interleave(first, second):
    """Take cells of two generators in turn: (n_patterns, n, 6) twice gives (n_patterns, 2n, 6)."""
    return np.stack([first, second], axis=2).reshape(len(first), -1, 6)


def available(study, system, train):
    """Return the study's trained generators of a system, and the controls learned now, by name."""
    found = {
        name: generator.load(study, name, system)
        for name in LEARNED
        if generator.path_of(study, name, system).exists()
    }
    return found | {name: generator.kind(name)().fit(train, system=system) for name in CONTROLS}


def draw(models, test, system, n, seed):
    """Return n cells a pattern of each generator, of "both", and of "shape, draws only", by name."""
    q2 = pattern_matrix(test, system)
    cells = {name: model.pooled(q2, n, seed=seed) for name, model in models.items()}
    if {"forest", "network"} <= set(cells):
        half = -(-n // 2)
        cells["both"] = interleave(cells["forest"][:, :half], cells["network"][:, :half])[:, :n]
    if "shape" in models:
        cells["shape, draws only"] = models["shape"].propose(q2, n, np.random.default_rng(seed))
    return cells


def curves(cells, true, counts=COUNTS):
    """Return best-of-n of each generator, one row a generator, n and tolerance."""
    counts = [n for n in counts if n <= min(value.shape[1] for value in cells.values())]
    return pd.concat(
        [
            best_of_n(value, true, counts=counts).assign(generator=name)
            for name, value in cells.items()
        ],
        ignore_index=True,
    )


def mean_errors(model, test, system):
    """Return the error of the mean of each entry's own group: one row an entry, relative for
    lengths, degrees for angles.
    """
    rows = []
    for group in model.groups:
        mine = test[test["group"] == group.name]
        if len(mine):
            mean = _scaler(model).inverse(model.mean(pattern_matrix(mine, system), group))
            rows.append(
                _errors(
                    mean,
                    free_parameters(cell_matrix(mine), system, group.unique_axis),
                    _scaler(model),
                ).assign(group=group.name)
            )
    return (
        pd.concat(rows, ignore_index=True)
        if rows
        else pd.DataFrame(columns=["length_error", "angle_error", "group"])
    )


def _scaler(model):
    return getattr(model, "cell_scaler", None) or model.scaler


def _errors(mean, true, scaler):
    lengths = mean[:, ~scaler.is_angle] / true[:, ~scaler.is_angle] - 1
    angles = mean[:, scaler.is_angle] - true[:, scaler.is_angle]
    return pd.DataFrame(
        {
            "length_error": np.abs(lengths).mean(axis=1),
            "angle_error": np.abs(angles).mean(axis=1) if angles.size else np.nan,
        }
    )


def calibration(network, test, system):
    """Return, for each cell parameter of each entry under its own group, z = (y - mu) / sqrt(beta /
    (alpha - 1)) and the Student t probability below y.
    """
    rows = []
    for group in network.groups:
        mine = test[test["group"] == group.name]
        if len(mine):
            y = network.cell_scaler.forward(
                free_parameters(cell_matrix(mine), system, group.unique_axis)
            )
            mu, alpha, beta = network.predict(pattern_matrix(mine, system), group)
            below = stats.t.cdf(y, 2 * alpha, loc=mu, scale=np.sqrt(beta / alpha))
            rows.append(
                pd.DataFrame(
                    {"z": ((y - mu) / np.sqrt(beta / (alpha - 1))).ravel(), "below": below.ravel()}
                )
            )
    return (
        pd.concat(rows, ignore_index=True).assign(system=system)
        if rows
        else pd.DataFrame({"z": [], "below": [], "system": []})
    )


def reliability(below, levels=np.linspace(0.05, 0.95, 19)):
    """Return how often the truth falls into the central interval of each nominal level."""
    inside = np.abs(np.asarray(below) - 0.5)[None] <= np.asarray(levels)[:, None] / 2
    return pd.DataFrame(
        {"nominal": levels, "observed": inside.mean(axis=1) if inside.size else np.nan}
    )


def overlap(first, second, true, tolerance, n):
    """Count the patterns for which the best of n cells is good for both generators, only the first,
    only the second, neither.
    """
    a, b = ((cell_error(cells[:, :n], true) <= tolerance).any(axis=1) for cells in (first, second))
    return {
        "both": int((a & b).sum()),
        "only first": int((a & ~b).sum()),
        "only second": int((~a & b).sum()),
        "neither": int((~a & ~b).sum()),
    }


def paired_gain(first, second, true, tolerance, n):
    """Compare two generators pattern by pattern: both rates of the best of n, and second less first
    with its 95 % interval.
    """
    a, b = (
        (cell_error(cells[:, :n], true) <= tolerance).any(axis=1).astype(float)
        for cells in (first, second)
    )
    gain, low, high = _mean_interval(b - a)
    return {"first": a.mean(), "second": b.mean(), "gain": gain, "low": low, "high": high}


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
        (np.nanmean(rate, axis=0), _mean_interval(gain), _mean_interval(gain - gains[0]))
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


def _mean_interval(values):
    """Mean and 95 % interval (Normal) of values, NaN left out."""
    values = values[np.isfinite(values)]
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    mean = values.mean() if len(values) else np.nan
    return mean, mean - half, mean + half


def ungrouped(frame):
    """Return a frame with one group for a whole lattice system; monoclinic keeps one for each
    unique axis, which no model can do without.
    """
    return frame.assign(group="axis " + frame["unique_axis"].astype(str))


def isotypes(study, system, *, n, seed, tolerance=0.05):
    """Compare the forest and the nearest patterns on both splits: with isotypes of test entries in
    training, and without.

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
    for column, label in (("split_entry", "with isotypes"), ("split", "without isotypes")):
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
