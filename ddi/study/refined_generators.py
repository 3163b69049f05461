"""Raw draws beside raw draws and refined beside refined, and whether networks know how sure they
may be (07_rf_vs_nn).
"""

import numpy as np
import pandas as pd
from scipy import special

from ddi.base.stats import rate, wilson
from ddi.forward import lattice
from ddi.models import index_sets
from ddi.models.cells import in_order, pattern_matrix, usable_cells
from ddi.models.snap import snap
from ddi.study import eval_generators as evaluate
from ddi.study.compare_generators import ORDER, label
from ddi.study.eval_generators import cell_error

RAW = ("forest", "network", "shape, draws only", "scale_free", "template_network",
       "template_network, shipped", "rescaled", "nearest")  # fmt: skip
"""Generators whose draws are compared with no peak; "shape" tries 1,500 to return thirty."""


def refined(cells, q2, system):
    """Return the n cells of each pattern after `ddi.models.snap.snap`, in the same order."""
    found = np.array([snap(peaks, mine, system)[0] for peaks, mine in zip(q2, cells)])
    return lattice.b_unique(found, 1) if system == "monoclinic" else in_order(found, system)


def raw_and_refined(cells, truth, tests, tolerance, n=30):
    """Count the patterns that the best of n draws serves, as drawn and refined one by one.

    Returns
    -------
    DataFrame
        One row a generator and system: raw, refined (counts), patterns.
    """
    rows = []
    for system, test in tests.items():
        q2 = pattern_matrix(test, system)
        for name in (name for name in RAW if name in cells[system]):
            drawn = cells[system][name][:, :n]
            counts = [
                int((cell_error(found, truth[system]).min(axis=1) <= tolerance).sum())
                for found in (drawn, refined(drawn, q2, system))
            ]
            rows.append((name, system, *counts, len(test)))
    columns = ["generator", "system", "raw", "refined", "patterns"]
    return pd.DataFrame(rows, columns=columns)


def refined_table(rows):
    """Return all systems together as a table for people, a generator a row."""
    sums = rows.groupby("generator")[["raw", "refined", "patterns"]].sum()
    sums = sums.loc[[name for name in ORDER if name in sums.index]]
    table = pd.DataFrame({"generator": [label(name) for name in sums.index]})
    for kind in ("raw", "refined"):
        table[f"{kind} / %"] = [rate(k, n) for k, n in zip(sums[kind], sums["patterns"])]
    return table


def calibration(models, tests, names=("network", "scale_free")):
    """Return where the truth lies in each predicted distribution, all systems and generators."""
    parts = []
    for system, frame in tests.items():
        for name in (n for n in names if n in models[system]):
            mixture = name == "scale_free"
            score = evaluate.mixture_calibration if mixture else evaluate.calibration
            parts.append(score(models[system][name], frame, system).assign(generator=name))
    return pd.concat(parts, ignore_index=True)


def sureness(model, test, system):
    """Return, for each pattern, the probability that the template network gives to its likeliest
    cell and all sets within 5 % of it, and whether that cell is right.
    """
    q2 = pattern_matrix(test, system)
    chance = special.softmax(model.predict(q2).astype(float), axis=1)
    order = np.argsort(-chance, axis=1)[:, :40]
    best = index_sets.first_cells(q2, order, model.spread, model.peaks, 1)[:, 0]
    same = index_sets.right(q2, best, model.spread, model.peaks)
    good = cell_error(model.usable(best)[:, None], usable_cells(test, system))[:, 0]
    columns = {"given": (chance * same).sum(axis=1), "right": good <= index_sets.CONSTANTS.near}
    return pd.DataFrame(columns).assign(system=system)


def sureness_of(models, tests, name):
    """Return `sureness` of all systems that have this network."""
    found = [s for s in tests if name in models[s]]
    parts = [sureness(models[system][name], tests[system], system) for system in found]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def sureness_table(rows, edges=(0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0001)):
    """Return the probability given against what came true, in bins, with Wilson intervals."""
    bins = pd.cut(rows["given"], edges, right=False)
    groups = rows.groupby(bins, observed=True)
    table = groups.agg(given=("given", "mean"), k=("right", "sum"), n=("right", "size"))
    low, high = wilson(table["k"], table["n"])
    table = table.assign(observed=table["k"] / table["n"], low=low, high=high)
    names = {"given": "probability given", "k": "right", "low": "from", "high": "to"}
    return table.rename(columns=names).reset_index(drop=True)
