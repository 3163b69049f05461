"""Thirty cells of each, or one generator alone for as long as both take? (07_rf_vs_nn; write-up,
sections 2.2.3 and 2.4.2).

`ddi.study.eval_groups.need_both` asks at equal totals. A forest and a network do not cost the same,
and most of what a draw costs is spent before the first cell; here the seconds are equal, counted
where draws are made.
"""

import time

import numpy as np
import pandas as pd

from ddi.models.cells import pattern_matrix, usable_cells
from ddi.study.eval_generators import cell_error
from ddi.study.eval_groups import PAIRS, beside_both, summarise_both

MOST = 20  # times n: a generator alone draws no more; bounds memory; chosen
REPEATS = 3  # draws that are timed, of which the fastest counts; chosen
BUDGET = "equal seconds"


def cost(draw, n):
    """Return the seconds of CPU that `draw`, a function of a number of cells, takes for n."""
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        draw(n)
        taken.append(time.process_time() - began)
    return min(taken)


def affordable(draw, n, seconds, most=MOST):
    """Return how many cells `draw` makes in `seconds` of CPU, at least n and at most ``most n``.

    The cost is taken as a constant and a part in proportion to the cells, measured at n and at 4 n.
    """
    few = cost(draw, n)
    slope = (cost(draw, 4 * n) - few) / (3 * n)
    if slope <= 0:
        return most * n
    return int(np.clip(n + (seconds - few) / slope, n, most * n))


def in_equal_seconds(models, test, system, *, n=30, seed=0, tolerance=0.05):
    """Draw n cells a group from forest and from network, and from each alone for as long.

    Parameters
    ----------
    models : dict of str -> ddi.models.generator.Generator
        Variants (`ddi.study.eval_groups.PAIRS`) of which one is missing are left out.
    test : DataFrame
    system : str
    n, seed : int
    tolerance : float
        On `ddi.study.eval_generators.cell_error`.

    Returns
    -------
    DataFrame
        Columns of `ddi.study.eval_groups.need_both`, whose budget is "equal seconds", and seconds
        of CPU for all patterns, as measured.
    """
    q2 = pattern_matrix(test, system)
    true = usable_cells(test, system)
    rows = []
    for variant, names in PAIRS.items():
        if not set(names) <= set(models):
            continue
        draws = [_drawer(models[name], q2, seed) for name in names]
        counts, seconds = _shares(draws, n)
        near = {name: _near(draws, count, true, tolerance) for name, count in counts.items()}
        groups = len(models[names[0]].groups)
        for name, count in counts.items():
            about = {"system": system, "variant": variant, "budget": BUDGET}
            about |= {"cells": groups * sum(count), "patterns": len(test)}
            rows.append(about | {"seconds": seconds[name]} | beside_both(name, near))
    return pd.DataFrame(rows)


def _drawer(model, q2, seed):
    return lambda count: model.sample(q2, count, seed=seed)


def _shares(draws, n):
    """How many cells a group each way draws of (forest, network), and the seconds it takes."""
    forest, network = draws
    both = cost(forest, n) + cost(network, n)
    counts = {
        "forest": (affordable(forest, n, both), 0),
        "network": (0, affordable(network, n, both)),
        "both": (n, n),
    }
    seconds = {
        "forest": cost(forest, counts["forest"][0]),
        "network": cost(network, counts["network"][1]),
        "both": both,
    }
    return counts, seconds


def _near(draws, count, true, tolerance):
    """Whether the best of what is drawn is near enough, a pattern."""
    found = np.zeros(len(true), dtype=bool)
    for draw, many in zip(draws, count):
        if many:
            found |= (cell_error(draw(many), true) <= tolerance).any(axis=1)
    return found


def in_all(models, tests, tolerance, seed):
    """Return `in_equal_seconds` of every lattice system."""
    options = {"seed": seed, "tolerance": tolerance}
    parts = [in_equal_seconds(models[s], frame, s, **options) for s, frame in tests.items()]
    return pd.concat(parts, ignore_index=True)


def table(rows):
    """Return the answers pooled over systems for people: cells and CPU time a pattern, rate, and
    what both add to each alone, pattern by pattern.
    """
    if not len(rows):
        return rows
    weighted = rows.assign(cells=rows["cells"] * rows["patterns"])
    by = weighted.groupby(["variant", "draws"], sort=False)[["cells", "seconds", "patterns"]].sum()
    pooled = summarise_both(rows).drop(columns="budget").set_index(["variant", "draws"])
    pooled.insert(0, "cells a pattern", (by["cells"] / by["patterns"]).map("{:.0f}".format))
    pooled.insert(
        1, "CPU ms a pattern", (1000 * by["seconds"] / by["patterns"]).map("{:.2f}".format)
    )
    return pooled.reset_index()


def numbers(rows):
    """Return the pooled rates and cells as numbers for the paper."""
    found = {}
    for row in table(rows).itertuples():
        words = f"{row.variant} {row.draws}".title().replace(" ", "")
        found[f"EqualSeconds{words}"] = row.rate
        found[f"EqualSecondsCells{words}"] = row[3]
    return found
