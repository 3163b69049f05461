"""The indexer and the generators on measured patterns: what is run and the tables of it
(10_rruff_eval).
"""

from functools import partial

import numpy as np
import pandas as pd

from ddi.base.parallel import map_parallel
from ddi.base.stats import calibration_error, rate, wilson
from ddi.data import rruff
from ddi.study import cases as known
from ddi.study import eval_finders
from ddi.study import eval_indexing as evaluate
from ddi.study.eval_indexing import primitive_volume

NAMES = ("forest", "network", "both", "shape", "random", "rescaled", "nearest")
EDGES = np.array([0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0001])  # of the probability
KIN = ("mineral", "lattice analogue", "neither")
HEADINGS = {
    "bravais": "Bravais lattice", "first": "first / %", "ten": "first ten / %",
    "family": "first family / %", "had_it": "had it / %",
    "seconds": "time / s", "rank": "rank of the right one", "value": "by",
    "training": "training holds",
}  # fmt: skip


def for_people(table):
    """Return a table of rates with headings for people: shares in per cent, with their intervals in
    one column; and its formats.
    """
    table = table.copy()
    for name in [name for name in table if f"{name}_low" in table]:
        bounds = (table.pop(f"{name}_low"), table.pop(f"{name}_high"))
        rows = zip(table[name], *bounds)
        table[name] = [f"{100 * k:.0f} ({100 * low:.0f}-{100 * high:.0f})" for k, low, high in rows]
    shares = [name for name in table if name.startswith(("first", "ten", "family", "had_it"))
              and table[name].dtype.kind in "fb"]  # fmt: skip
    table = table.assign(**{name: 100 * table[name].astype(float) for name in shares})
    form = {HEADINGS.get(name, name): "{:.0f}" for name in shares}
    return table.rename(columns=HEADINGS), form


def cases_of(study, systems, *, limit, n_simulated, seed, n_jobs):
    """Return the cases of some lattice systems and what they are: measured ones, where those asked
    for hold a fair one of these systems, else all measured, else simulated ones.
    """
    tries = [{"limit": limit}, {"limit": None}] if limit else [{"limit": None}]
    for given in tries:
        cases, what = known.load(study, n_simulated=n_simulated, seed=seed, n_jobs=n_jobs, **given)
        mine = [case for case in cases if case.system in systems]
        if any(case.fair for case in mine):
            return mine, what
    cases = known.simulated_cases(study, limit=7 * n_simulated, seed=seed, n_jobs=n_jobs)
    return [case for case in cases if case.system in systems], known.SIMULATED


def picking_table(picked, cases):
    """Return how good the picked peaks are."""
    shift = picked.zero_shift
    row = {
        "patterns": len(picked),
        "peaks / pattern": np.mean([len(case.peaks) for case in cases]),
        "first 20 explained": rate(picked.n_matched.sum(), picked.n_first.sum()),
        "zero shift, median / °": shift.median(),
        "5 % / °": shift.quantile(0.05),
        "95 % / °": shift.quantile(0.95),
        "rms / °": picked.rms.mean(),
    }
    return pd.DataFrame([row])


def generators(cases, profile, *, n_jobs, **options):
    """Optimise each generator's candidates for every case, lattice system known."""
    trial = partial(eval_finders.optimise, profile=profile, names=NAMES, **options)
    parts = map_parallel(trial, cases, n_jobs=n_jobs, desc="optimising candidates")
    return pd.DataFrame([row for rows in parts for row in rows])


def index_all(cases, fair, *, seed, n_jobs):
    """Index all cases over all lattices, and the fair ones with the Bravais lattice known."""
    parts = []
    for name, lattices, tried in (("unknown", "all", cases), ("known", "known", fair)):
        trial = partial(evaluate.index, lattices=lattices, seed=seed)
        rows = map_parallel(trial, tried, n_jobs=n_jobs, desc=f"indexing, lattice {name}")
        parts.append(pd.DataFrame(rows).assign(lattice=name))
    facts = pd.DataFrame(
        [
            (c.id, c.grade, c.fair, len(c.peaks), primitive_volume(c.cell, c.centring))
            for c in cases
        ],
        columns=["id", "grade", "fair", "n_peaks", "true_volume"],
    )
    return pd.concat(parts, ignore_index=True).merge(facts, on="id", sort=False)


def sets_table(outcomes, fair):
    """Return the rates of all patterns, of one a mineral, and of those that are not fair."""
    good = outcomes[outcomes.fair]
    ids = {case.id for case in known.one_a_mineral(fair)}
    single = good[good.id.isin(ids)]
    poor = outcomes[~outcomes.fair & (outcomes.lattice == "unknown")]
    poor_name = np.where(poor.grade == "B", "grade B", "grade A, more than two unexplained")
    sets = pd.concat([
        good.assign(set="fair, lattice " + good.lattice),
        single.assign(set="fair, one a mineral, lattice " + single.lattice),
        poor.assign(set=[f"{name}, lattice unknown" for name in poor_name]),
        reporting_half(outcomes, ids),
    ])  # fmt: skip
    family = sets.groupby("set").family.mean().reset_index()
    return evaluate.rates(sets, ["set"]).merge(family, on="set")


def reporting_half(outcomes, single):
    """Return the measured patterns, lattice unknown, of the half of the minerals on which nothing
    is chosen from now on (`ddi.data.rruff.half`), once for each set they belong to.

    Parameters
    ----------
    outcomes : DataFrame
    single : collection of str
        Ids of one pattern a mineral.
    """
    kept = [rruff.half(mineral) == "reporting" for mineral in outcomes.mineral]
    rows = outcomes[np.array(kept, dtype=bool) & (outcomes.lattice == "unknown")]
    rows = rows[rows.grade.isin(["A", "B"])]
    good = rows[rows.fair]
    return pd.concat([
        rows[rows.grade == "A"].assign(set="reporting half, all of grade A"),
        good.assign(set="reporting half, fair"),
        good[good.id.isin(single)].assign(set="reporting half, fair, one a mineral"),
    ])  # fmt: skip


def minerals_table(good):
    """Return the minerals of which a pattern failed, and the mean share of a mineral's patterns
    that come out first.
    """
    rows = good.assign(right=good["rank"] == 1, near=good["rank"] > 0)
    sums = {"patterns": ("right", "size"), "right first": ("right", "sum")}
    by = rows.groupby(["mineral", "bravais"]).agg(**sums, ten=("near", "sum")).reset_index()
    share = (by["right first"] / by.patterns).mean() if len(by) else np.nan
    failed = by[by["right first"] < by.patterns]
    names = {"bravais": "Bravais lattice", "ten": "in the first ten"}
    return failed.rename(columns=names), share


def robust(subset, *, seed, n_jobs):
    """Index lists of peaks, without their patterns: as picked, with fewer peaks, a zero shift
    added, spurious peaks put in.
    """
    picked = {("peaks", 20): partial(known.first_peaks, n=max(len(c.peaks) for c in subset))}
    changes = picked | {("peaks", n): partial(known.first_peaks, n=n) for n in (8, 10, 15, 30)}
    for shift in (-0.1, 0.05, 0.1):
        changes["zero shift", shift] = partial(known.with_zero_shift, shift=shift)
    for n in (1, 2, 4):
        changes["spurious", n] = partial(known.with_spurious, n=n, seed=seed)
    rows = []
    for (change, value), apply in changes.items():
        n_peaks = min(value, 20) if change == "peaks" else 20
        trial = partial(evaluate.changed, apply=apply, n_peaks=n_peaks, seed=seed)
        found = map_parallel(trial, subset, n_jobs=n_jobs, desc=f"{change} {value}")
        rows += [row | {"change": change, "value": value} for row in found]
        if (change, value) == ("peaks", 20):  # nothing changed
            rows += [row | {"change": kind, "value": 0}
                     for kind in ("zero shift", "spurious") for row in found]  # fmt: skip
    kinds = ["peaks", "zero shift", "spurious"]
    return evaluate.rates(pd.DataFrame(rows), ["change", "value"], kinds)


def timing(cases, *, seed, n_jobs):
    """Index cases one after the other with all threads, as a user waits for them."""
    trial = partial(evaluate.index, seed=seed, n_jobs=n_jobs)
    trial(cases[0])  # whatever is loaded or compiled once is now
    return pd.DataFrame(map_parallel(trial, cases, desc="timing"))


def trust(unknown):
    """Return the share of right first cells in bins of the probability, with its Wilson interval,
    and the mean distance of the two.
    """
    bins = np.digitize(unknown.probability, EDGES)
    rows = unknown.assign(bin=bins, right=unknown["rank"] == 1)
    sums = {"p": ("probability", "mean"), "right": ("right", "mean"), "n": ("right", "size")}
    error = calibration_error(unknown.probability, unknown["rank"] == 1)
    bins = rows.groupby("bin").agg(**sums).reset_index()
    low, high = wilson(bins.right * bins.n, bins.n)
    return bins.assign(right_low=low, right_high=high), error


def finders_table(cases, profile, *, seed, n_jobs):
    """Return which source has the right lattice among its refined candidates, and whose candidate
    stands behind the right row.
    """
    names = ("forest", "network", "shape")
    trial = partial(eval_finders.finders, profile=profile, names=names, seed=seed)
    parts = map_parallel(trial, cases, n_jobs=n_jobs, desc="sources of candidates")
    rows = pd.DataFrame([row for part in parts for row in part])
    means = {"n": ("id", "size"), "cells": ("proposed", "mean"), "had_it": ("had_it", "mean")}
    table = rows.groupby("source").agg(**means, first=("first", "mean")).reset_index()
    had = rows[rows.had_it].groupby("id").filter(lambda part: len(part) == 1)
    alone = had.source.value_counts()
    return table.assign(**{"only one that had it": table.source.map(alone).fillna(0).astype(int)})
