"""Generators side by side on the same test patterns: what is asked, trained where missing, counted
and put into tables (07_rf_vs_nn).
"""

import numpy as np
import pandas as pd

from ddi.base.stats import rate
from ddi.data import dataset
from ddi.forward import lattice
from ddi.models import generator
from ddi.models.cells import (
    cell_matrix,
    free_parameters,
    pattern_matrix,
    usable_cells,
)
from ddi.study import eval_generators as evaluate
from ddi.study import eval_groups

ORDER = ("forest", "forest_literal", "network", "network_literal", "tuned", "both", "shape",
         "shape, draws only", "scale_free", "template_network", "template_network, shipped",
         *generator.CONTROLS)  # fmt: skip
MACROS = {
    "forest": "Forest", "forest_literal": "ForestLiteral", "network": "Network",
    "network_literal": "NetworkLiteral", "tuned": "Tuned", "both": "Both", "shape": "Shape",
    "shape, draws only": "ShapeDraws", "random": "RandomCells", "rescaled": "Rescaled",
    "nearest": "Nearest", "scale_free": "ScaleFree", "template_network": "TemplateNetwork",
    "template_network, shipped": "TemplateShipped",
}  # fmt: skip
_NAMES = {"scale_free": "scale-free network", "template_network": "template network"}


def label(name):
    """Return what people read of a generator's name."""
    base, *variant = name.split(",")
    return ",".join([_NAMES.get(base, base.replace("_", ", ")), *variant])


def test_patterns(study, systems, n_test):
    """Return system -> test patterns, evenly spread, of systems that have training rows too."""
    tests = {}
    for system in systems:
        frame = dataset.test(study, system)
        if len(frame) and len(dataset.training(study, system)):
            places = np.linspace(0, len(frame) - 1, n_test or len(frame)).astype(int)
            tests[system] = frame.iloc[np.unique(places)].reset_index(drop=True)
    return tests


test_patterns.__test__ = False  # not a test, whatever pytest thinks


def models_of(study, system, seed):
    """Return the trained generators of a system and the controls; what is missing is trained now,
    networks briefly.
    """
    train = dataset.training(study, system)
    for name in ("forest", "network", "tuned", "shape"):
        path = generator.path_of(study, name, system)
        if not path.exists():
            network = name in ("network", "tuned")
            options = {"cycles": 2, "min_steps": 100, "max_steps": 200} if network else {}
            print(f"{system} {name}: no trained model, trained now")
            generator.kind(name)(**options).fit(train, system=system, seed=seed).save(path)
    return evaluate.available(study, system, train)


def all_curves(cells, truth):
    """Return best of n of every system, generator, n and tolerance."""
    parts = [evaluate.curves(cells[s], truth[s]).assign(system=s) for s in cells]
    return pd.concat(parts, ignore_index=True)


def at(curves, n, tolerance):
    """Return the rows of one n (or the largest below it) and one tolerance."""
    return curves[
        (curves["n"] == curves["n"][curves["n"] <= n].max()) & (curves["tolerance"] == tolerance)
    ]


def best_table(rows):
    """Return rates in per cent with intervals: a generator a row, a system a column, and all."""
    text = [f"{100 * r.rate:.0f} ({100 * r.low:.0f}-{100 * r.high:.0f})" for r in rows.itertuples()]
    wide = rows.assign(text=text).pivot(index="generator", columns="system", values="text")
    systems = [system for system in lattice.SYSTEMS if system in wide]
    names = [name for name in ORDER if name in wide.index]
    wide = wide.loc[names, systems]
    n = rows.groupby("system")["patterns"].first()
    wide.columns = [f"{system} ({n[system]})" for system in systems]
    pooled = rows.groupby("generator")[["k", "patterns"]].sum()
    wide[f"all ({n.sum()})"] = [f"{100 * k / m:.1f}" for k, m in pooled.loc[names].to_numpy()]
    return wide.rename(index=label).rename_axis("generator").reset_index()


def gains_of(rows):
    """Return the scale-free generator's rate over the better of forest and network, by system: the
    ratio, the least that the Wilson intervals allow, and that of the raw draws.
    """
    table = []
    for system, mine in rows.groupby("system", sort=False):
        mine = mine.set_index("generator")
        if {"forest", "network", "shape"} <= set(mine.index):
            better = mine.loc[["forest", "network"]].sort_values("k", kind="stable").iloc[-1]
            new, raw = mine.loc["shape"], mine.loc["shape, draws only"]
            base = max(better["rate"], 1 / better["patterns"])
            ratios = (new["rate"] / base, new["low"] / better["high"], raw["rate"] / base)
            rates = (100 * better["rate"], 100 * new["rate"])
            table.append((system, better.name, *rates, *ratios, int(better["patterns"])))
    columns = ["lattice system", "better", "its rate / %", "shape / %", "ratio", "at least"]
    return pd.DataFrame(table, columns=[*columns, "ratio of raw draws", "n"])


def tuned_table(cells, truth, tolerance):
    """Compare tuned networks with those of the reference design, pattern by pattern."""
    rows = []
    for system in (s for s in cells if {"network", "tuned"} <= set(cells[s])):
        pair = cells[system]["network"], cells[system]["tuned"]
        for loose in (tolerance, 2 * tolerance):
            row = evaluate.paired_gain(*pair, truth[system], loose, 30)
            facts = {"lattice system": system, "within": f"{100 * loose:.0f} %"}
            facts["n"] = len(truth[system])
            rows.append(facts | {name: 100 * value for name, value in row.items()})
    names = {"first": "network / %", "second": "tuned / %", "low": "from", "high": "to"}
    columns = ["lattice system", "within", "n", "first", "second", "gain", "low", "high"]
    return pd.DataFrame(rows, columns=columns).rename(columns=names)


def mean_errors(models, tests):
    """Return the median error of the mean under the entry's own group, of each group and of all."""
    rows = []
    for system, frame in tests.items():
        for name in (n for n in ("forest", "network", "tuned") if n in models[system]):
            mine = evaluate.mean_errors(models[system][name], frame, system)
            for group, part in [("all", mine), *mine.groupby("group")]:
                length, angle = part["length_error"].median(), part["angle_error"].median()
                rows.append((system, name, group, len(part), 100 * length, angle))
    columns = ["lattice system", "generator", "group", "entries", "lengths / %", "angles / °"]
    return pd.DataFrame(rows, columns=columns)


def lengths(models, tests, names=("forest", "network")):
    """Return true and predicted lengths (mean under the entry's own group), one row a length."""
    parts = []
    for system, frame in tests.items():
        free = np.array(lattice.SYSTEM[system].free)
        for name in (n for n in names if n in models[system]):
            model = models[system][name]
            for group in model.groups:
                mine = frame[frame["group"] == group.name]
                if len(mine):
                    mean = model.mean(pattern_matrix(mine, system), group)
                    found = model.cell_scaler.inverse(mean)[:, free < 3]
                    true = free_parameters(cell_matrix(mine), system, group.unique_axis)
                    columns = {"system": system, "generator": name, "predicted": found.ravel()}
                    parts.append(pd.DataFrame(columns | {"true": true[:, free < 3].ravel()}))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(error=100 * (table["predicted"] / table["true"] - 1))


def crossed(cells, truth, tests, first, second, tolerance, n=30):
    """Cross two generators pattern by pattern: the error of the best of n cells of each, and which
    of them is near enough.
    """
    parts = []
    for system in (s for s in cells if {first, second} <= set(cells[s])):
        best = {
            name: evaluate.cell_error(cells[system][name][:, :n], truth[system]).min(axis=1)
            for name in (first, second)
        }
        good = {name: values <= tolerance for name, values in best.items()}
        who = np.select(
            [good[first] & good[second], good[first], good[second]],
            ["both", f"only {label(first)}", f"only {label(second)}"],
            "neither",
        )
        facts = {"system": system, "identifier": tests[system]["identifier"], "solved by": who}
        parts.append(pd.DataFrame(facts | best))
    return pd.concat(parts, ignore_index=True)


def overlap_table(tables):
    """Return how many patterns both, one or neither find, a row a system and tolerance."""
    parts = []
    for within, table in tables.items():
        counts = table.groupby(["system", "solved by"], sort=False).size().unstack(fill_value=0)
        parts.append(counts.assign(within=f"{100 * within:.0f} %").reset_index())
    wide = pd.concat(parts, ignore_index=True).fillna(0)
    kinds = [name for name in wide if name not in ("system", "within")]
    wide[kinds] = wide[kinds].astype(int)
    order = sorted(kinds, key=lambda name: ("both", "only", "neither").index(name.split()[0]))
    return wide[["system", "within", *order]].rename(columns={"system": "lattice system"})


def foreign(study, models, tests, n_test, tolerance, seed, shares=(0, 0.1, 0.2, 0.3)):
    """Ask whether foreign groups help when lines are missing (orthorhombic, monoclinic)."""
    parts = []
    for system in (s for s in ("orthorhombic", "monoclinic") if s in tests):
        every = tests[system] if 0 < n_test <= 50 else dataset.test(study, system)
        options = {"missing": shares, "n": 30, "seed": seed, "tolerance": tolerance}
        table = eval_groups.foreign_groups(models[system]["forest"], every, system, **options)
        parts.append(table.assign(system=system))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def foreign_table(rows):
    """Return that as a table for people, in per cent."""
    if not len(rows):
        return rows
    columns = {"system": "lattice system", "missing": "lines missing / %", "patterns": "patterns"}
    percent = rows.set_index(["system", "patterns"]).mul(100).reset_index()
    table = percent[[*columns, "own", "mixed", "all"]].rename(columns=columns)
    table["gain"] = intervals(percent, "gain", "low", "high")
    table["change"] = intervals(percent, "change", "change_low", "change_high")
    return table


def intervals(rows, name, low, high, times=1):
    """Return differences with their intervals as text."""
    values = zip(times * rows[name], times * rows[low], times * rows[high])
    return [f"{value:+.1f} ({least:+.1f} to {most:+.1f})" for value, least, most in values]


def splits_table(study, systems, tolerance, seed):
    """Return what lattice analogues in training do to forest and nearest patterns."""
    options = {"n": 30, "seed": seed, "tolerance": tolerance}
    rows = [row for s in systems for row in eval_groups.analogues(study, s, **options)]
    table = pd.DataFrame(rows)
    table["text"] = [rate(k, n) for k, n in zip(table["k"], table["patterns"])]
    wide = table.pivot(index=["system", "generator"], columns="split", values="text")
    return wide.reset_index().rename(columns={"system": "lattice system"})


def grouping(study, models, tests, cells, truth, tolerance, seed):
    """Compare the forest's groups sharing the budget, no groups, and the true group known."""
    rows = []
    for system in (s for s in tests if "forest" in models[s]):
        frame, forest = tests[system], models[system]["forest"]
        train = eval_groups.ungrouped(dataset.training(study, system))
        single = generator.kind("forest")().fit(train, system=system, seed=seed)
        known = [(part, name) for name, part in frame.groupby("group")
                 if name in {group.name for group in forest.groups}]  # fmt: skip
        own = [forest.sample(pattern_matrix(part, system), 30, seed=seed, groups=[name])
               for part, name in known]  # fmt: skip
        own_truth = np.concatenate([usable_cells(part, system) for part, _ in known])
        pooled = single.pooled(pattern_matrix(frame, system), 30, seed=seed)
        q2 = pattern_matrix(frame, system)
        rows_of = dataset.training(study, system)
        by_choice = eval_groups.by_chosen_groups(forest, rows_of, q2, 30, seed=seed)[0]
        trials = {
            "grouped": (cells[system]["forest"], truth[system]),
            "groups chosen": (by_choice, truth[system]),
            "one group": (pooled, truth[system]),
            "group known": (np.concatenate(own), own_truth),
        }
        for model, (found, true) in trials.items():
            row = evaluate.best_of_n(found, true, [tolerance], [30]).iloc[0]
            rows.append((system, model, int(row.k), int(row.patterns)))
    return pd.DataFrame(rows, columns=["system", "model", "k", "n"])


def grouping_table(rows):
    """Return that as a table for people."""
    text = rows.assign(text=[rate(k, n) for k, n in zip(rows["k"], rows["n"])])
    wide = text.pivot(index="system", columns="model", values="text").reset_index()
    return wide.rename(columns={"system": "lattice system"})


def need_both(models, tests, tolerance, seed):
    """Ask of every system whether forest and network are both needed, at equal totals."""
    options = {"seed": seed, "tolerance": tolerance}
    parts = [eval_groups.need_both(models[s], frame, s, **options) for s, frame in tests.items()]
    return pd.concat(parts, ignore_index=True)


def both_table(tables):
    """Return the pooled answers at each tolerance as one table for people."""
    parts = [
        eval_groups.summarise_both(table).assign(within=f"{100 * within:.0f} %")
        for within, table in tables.items()
    ]
    return pd.concat(parts, ignore_index=True)


def both_numbers(table):
    """Return the pooled rates as numbers for the paper."""
    found = {}
    for row in eval_groups.summarise_both(table).itertuples():
        words = f"{row.variant} {row.budget} {row.draws}".title().replace(" ", "")
        found[f"NeedBoth{words}"] = row.rate
    return found
