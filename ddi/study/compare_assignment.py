"""Ways of assigning indices side by side: training, tables and numbers (08_assignment)."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ddi.base.files import atomic
from ddi.base.parallel import map_parallel
from ddi.models import assigners, assignment, assignment_training, dense, generator
from ddi.models.assignment_data import draw_from, load_problem, predict_from
from ddi.study import eval_assignment as evaluate
from ddi.study import kept_runs

NAMES = ("nearest line", "line prior", "own width", "network", "network on prior", "joint")
MACROS = dict(zip(NAMES, ("Nearest", "Prior", "Own", "Network", "Combined", "Joint")))
FEWEST_EPOCHS = 3  # between points of a learning curve
PERCENT = {"top1": "top-1 / %", "se": "± / %", "top5": "top-5 / %", "whole": "all peaks / %",
           "ece": "calibration error / %"}  # fmt: skip


def problems_of(study, systems, *, drawers, n_draws, n_shape, seed, max_train, max_test):
    """Return system -> problem, with the cells that trained generators predict and draw."""
    problems = {}
    for system in systems:
        problem = load_problem(study, system, seed, max_train, max_test)
        if problem is None:
            continue
        problems[system] = problem
        sides = problem.train, problem.test
        if generator.path_of(study, "network_literal", system).exists():
            model = generator.load(study, "network_literal", system)
            problem.predicted["predicted"] = [predict_from(model, side) for side in sides]
        for name in drawers:
            if generator.path_of(study, name, system).exists():
                model = generator.load(study, name, system)
                most = (n_shape if name == "shape" else 0, 0)
                problem.predicted[name] = [
                    draw_from(model, side, n_draws, seed, few) for side, few in zip(sides, most)
                ]
    return problems


def problems_table(problems):
    """Return entries and reference lines, and how often the true cell's nearest line is right."""
    rows = []
    for system, problem in problems.items():
        line = assigners.NearestLine(system, problem.reference)
        true = evaluate.score(line, problem.test, problem.test.x)
        sizes = (len(problem.train), len(problem.test), len(problem.reference))
        shares = (100 * (1 - true.listed.mean()), 100 * true.first.mean())
        rows.append((system, *sizes, *shares))
    columns = ["lattice system", "train", "test", "lines", "not in list / %"]
    return pd.DataFrame(rows, columns=[*columns, "right with true cell / %"])


def available(levels, problem):
    """Return the levels of error whose cells there are."""
    drawn = ("predicted", *generator.LEARNED)
    return [level for level in levels if level not in drawn or level in problem.predicted]


def wanted(problems, levels, written, series, middle):
    """Return (problem, level, name) of every network to train: at the middle level, as written and
    on the line prior; at all levels where a whole series is asked for.
    """
    return [
        (problem, level, name)
        for system, problem in problems.items()
        for level in available(levels, problem)
        for name in ("network", "network on prior")
        if system in series or (level == middle and (name != "network" or system in written))
    ]


def train(study, tasks, *, steps, written_steps, kept, seed, n_jobs=1):
    """Train networks, each in one process on one core; return them by system, level and name, and
    their learning curves.
    """
    work = partial(_trained, steps=steps, written_steps=written_steps, seed=seed)
    found = map_parallel(work, tasks, n_jobs=n_jobs, desc="assignment networks")
    networks = {}
    for (problem, level, name), (network, _) in zip(tasks, found):
        networks[problem.system, level, name] = network
        if level in kept:
            literal = name == "network"
            network.save(assignment.path_of(study, problem.system, level, literal=literal))
    return networks, pd.concat([curve for _, curve in found], ignore_index=True)


def _trained(task, *, steps, written_steps, seed):
    """Train one network; return it and its learning curve, about a dozen points of it."""
    problem, level, name = task
    dense.one_thread()
    on_prior = name == "network on prior"
    n_steps = steps if on_prior else written_steps
    epochs = n_steps // max(1, len(problem.train) // assignment_training.BATCH)
    began, busy = time.perf_counter(), time.process_time()
    test_x = None if on_prior else problem.x("test", level, seed)
    options = {"steps": n_steps, "seed": seed, "prior": on_prior, "test_x": test_x}
    every = max(FEWEST_EPOCHS, epochs // 12)
    network, history = assignment_training.train_network(problem, level, every=every, **options)
    cost = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
    return network, history.assign(system=problem.system, level=level, assigner=name, **cost)


def compare_all(problems, networks, levels, seed):
    """Score every way of assigning at every level; return accuracy, and scores by key."""
    tables, scores = [], {}
    for system, problem in problems.items():
        for level in dict.fromkeys([*available(levels, problem), *problem.predicted]):
            taught = level if level in levels else next(iter(available(levels, problem)))
            rivals = assignment_training.controls(problem, level, seed)
            rivals |= {
                name: networks[system, taught, name]
                for name in NAMES
                if (system, taught, name) in networks
            }
            table, scores[system, level] = evaluate.compare(problem, level, rivals, seed)
            tables.append(table)
    order = {name: place for place, name in enumerate([*problems, *levels, *NAMES])}
    table = pd.concat(tables, ignore_index=True)
    keys = ["system", "level", "assigner"]
    place = {"key": lambda column: column.map(order), "kind": "stable", "ignore_index": True}
    return table.sort_values(keys, **place), scores


def spread_out(scores, table_of):
    """Return a table of every key and way of assigning, one below the other."""
    parts = [
        table_of(result).assign(system=key[0], level=key[1], assigner=name)
        for key, part in scores.items()
        for name, result in part.items()
    ]
    return pd.concat(parts, ignore_index=True)


def keep(study, tables):
    """Write the results' tables, and return the curves with the controls beside them."""
    keys = ["system", "level"]
    wide = tables["08_accuracy"].pivot(index=keys, columns="assigner", values="top1")
    control = wide[["nearest line", "line prior"]].reset_index()
    tables["08_curves"] = tables["08_curves"].merge(control, on=keys)
    for name, table in tables.items():
        with atomic(study.results / f"{name}.csv") as path:
            table.to_csv(path, index=False, float_format="%.6g")
    return tables["08_curves"]


def long_curves(study, curves):
    """Return the learning curves of the long run that is kept, else those of this run."""
    long = kept_runs.kept(study, "08_curves", dtype={"level": str})
    source = long if len(long) else curves
    source = source[(source.assigner == "network") & source.system.isin(curves.system)]
    return source.dropna(subset="test_accuracy")


def accuracy_table(accuracy, systems, levels):
    """Return the accuracy of some systems and levels as a table for people."""
    rows = accuracy[accuracy.system.isin(systems) & accuracy.level.isin(levels)]
    table = rows[["system", "level", "assigner", "n"]].copy()
    for name, shown in PERCENT.items():
        table[shown] = 100 * rows[name]
    table["true cell reached / %"] = 100 * rows.after / rows.n
    return table.rename(columns={"system": "lattice system", "level": "cells"})


def systems_table(accuracy, level):
    """Return right indices and cells led to the truth of every system at one level of noise."""
    rows = accuracy[accuracy.level == level]
    right = rows.pivot(index="system", columns="assigner", values="top1").mul(100)
    solved = rows.assign(share=100 * rows.after / rows.n)
    solved = solved.pivot(index="system", columns="assigner", values="share")
    names = [name for name in NAMES if name in right and name != "own width"]
    parts = [rows.groupby("system").n.first().rename("n")]
    parts += [right[names].add_prefix("right: "), solved[names].add_prefix("reached: ")]
    order = list(dict.fromkeys(rows.system))
    table = pd.concat(parts, axis=1).loc[order]
    return table.rename_axis("lattice system").reset_index()


def flat_table(curves):
    """Return what the last third of each long training still added."""
    rows = [
        {"lattice system": key[0], "cells": key[1]} | evaluate.flatness(curve)
        for key, curve in curves.groupby(["system", "level"], sort=False)
    ]
    return pd.DataFrame(rows)


def blocks_table(ranks):
    """Return right indices by blocks of five ranks."""
    labels = ["1-5", "6-10", "11-15", "16-20"]
    blocks = pd.cut(ranks["rank"], [0, 5, 10, 15, 20], labels=labels)
    keys = [ranks.system, ranks.assigner, blocks]
    table = (100 * ranks.top1).groupby(keys, sort=False, observed=True).mean().unstack()
    return table.reset_index().rename(columns={"system": "lattice system"})


def series_table(problems, networks, systems, levels, middle, seed):
    """Compare networks used one after the other, from coarse to fine, with one and with none."""
    parts = []
    for system in (s for s in systems if s in problems):
        usable = [v for v in levels if (system, v, "network") in networks]
        series = {
            "as written, all levels": [networks[system, level, "network"] for level in usable],
            f"as written, {middle} each time": [networks[system, middle, "network"]] * len(usable),
            "nearest lines": [],
        }
        parts.append(evaluate.compare_series(problems[system], usable, series, seed))
    names = {"system": "lattice system", "level": "cells", "before": "true before"}
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*names])
    return table.rename(columns=names | {"after": "true after"})


def throughput(problem, networks, level, seed):
    """Return candidates a second of each way of assigning, for one pattern on one core."""
    x = np.repeat(problem.x("test", level, seed)[:1], 4000, axis=0)
    q2 = problem.test.q2[0]
    rivals = assignment_training.controls(problem, level, seed)
    rivals["network"] = replace(networks[problem.system, level, "network on prior"], prior=None)
    rows = []

    def compiled(x):
        return evaluate.nearest(q2, x, problem.reference, problem.system)

    for name, way in {"nearest (compiled)": compiled, **rivals}.items():
        cells = x if way is compiled else x[:512]
        call = way if way is compiled else lambda x, way=way: way.predict(q2, x)
        rows.append((name, len(cells) / min(evaluate.seconds_of(call, cells) for _ in range(3))))
    table = pd.DataFrame(rows, columns=["assignment", "candidates / s"])
    first = table["candidates / s"].iloc[0]
    return table.assign(**{"times slower": first / table["candidates / s"]})
