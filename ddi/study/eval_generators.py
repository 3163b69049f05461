"""How good generated cells are: best of n, calibration, gains of generators (07_rf_vs_nn).

A budget is always the number of cells tried for a pattern. A grouped generator spends it on its
groups in proportion to their numbers of training entries (`Generator.pooled`); "both" spends half
on the forest and half on the network.
"""

import numpy as np
import pandas as pd
from scipy import special, stats

from ddi.base.stats import wilson
from ddi.models import generator, template_network
from ddi.models.cells import cell_matrix, free_parameters, pattern_matrix, usable_cells
from ddi.models.generator import CONTROLS, LEARNED

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
    """Return the study's trained generators of a system, the template network that is shipped, and
    the controls learned now, by name.
    """
    found = {
        name: generator.load(study, name, system)
        for name in LEARNED
        if generator.path_of(study, name, system).exists()
    }
    if ready := template_network.shipped(study, system):
        found["template_network, shipped"] = ready
    return found | {name: generator.kind(name)().fit(train, system=system) for name in CONTROLS}


def draw(models, test, system, n, seed):
    """Return n cells a pattern of each generator, "both" and "shape, draws only", by name."""
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
            mean = model.cell_scaler.inverse(model.mean(pattern_matrix(mine, system), group))
            rows.append(
                _errors(
                    mean,
                    free_parameters(cell_matrix(mine), system, group.unique_axis),
                    model.cell_scaler,
                ).assign(group=group.name)
            )
    return (
        pd.concat(rows, ignore_index=True)
        if rows
        else pd.DataFrame(columns=["length_error", "angle_error", "group"])
    )


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


def mixture_calibration(model, test, system):
    """Return the probability below each scaled shape parameter of each entry under the scale-free
    network's mixture (the probability integral transform), as `calibration` does.
    """
    q2 = pattern_matrix(test, system)
    y = model.scaled(q2, usable_cells(test, system))
    logits, mu, alpha, beta = model.predict(q2)
    each = stats.t.cdf(y[:, None], 2 * alpha, loc=mu, scale=np.sqrt(beta / alpha))
    below = (special.softmax(logits, axis=1)[..., None] * each).sum(axis=1)
    return pd.DataFrame({"below": below.ravel(), "system": system})


def reliability(below, levels=np.linspace(0.05, 0.95, 19)):
    """Return how often the truth falls into the central interval of each nominal level."""
    inside = np.abs(np.asarray(below) - 0.5)[None] <= np.asarray(levels)[:, None] / 2
    return pd.DataFrame(
        {"nominal": levels, "observed": inside.mean(axis=1) if inside.size else np.nan}
    )


def paired_gain(first, second, true, tolerance, n):
    """Compare two generators pattern by pattern: both rates of the best of n, and second less first
    with its 95 % interval.
    """
    a, b = (
        (cell_error(cells[:, :n], true) <= tolerance).any(axis=1).astype(float)
        for cells in (first, second)
    )
    gain, low, high = mean_interval(b - a)
    return {"first": a.mean(), "second": b.mean(), "gain": gain, "low": low, "high": high}


def mean_interval(values):
    """Mean and 95 % interval (Normal) of values, NaN left out."""
    values = values[np.isfinite(values)]
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    mean = values.mean() if len(values) else np.nan
    return mean, mean - half, mean + half
