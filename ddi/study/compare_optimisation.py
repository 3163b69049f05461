"""Starts and methods of optimisation side by side: what is run, on all cores, and the tables that
come of it (09_optimize).
"""

from functools import partial

import numpy as np
import pandas as pd

from ddi.base.parallel import map_parallel
from ddi.base.stats import wilson
from ddi.forward import lattice
from ddi.mcmc import starts as mcmc_starts
from ddi.models import generator
from ddi.study import convergence
from ddi.study import eval_optimisation as evaluate
from ddi.study.damage import disturbed_cells

COELHO = {"monoclinic": 9, "triclinic": 12}  # per cent unsolved with twenty lines, Coelho (2003)
HARD = ("orthorhombic", "monoclinic", "triclinic")
PUBLISHED_METHOD = ("random", "SVD-Index")
SUBSAMPLES = [(name, by) for name in ("nearest line", "line prior", "network")
              for by in ("uniform", "confidence")]  # fmt: skip
NO_LIMIT = 1e9  # seconds


def trained(study, systems, solve_with):
    """Return the systems for which all generators are there that the starts ask for."""
    needed = {"forest", "network", *solve_with.split("+")} - {"both", "random"}
    return [
        system
        for system in systems
        if all(generator.path_of(study, name, system).exists() for name in needed)
    ]


def _attempt(task, study, **options):
    pattern, start, method = task
    evaluate.warm_up()
    return evaluate.attempt(study, pattern, start, method, **options)


def attempts(study, tasks, *, seed, budget, max_rounds, n_jobs, desc):
    """Solve patterns from starts by methods, a core each; return a row an attempt.

    Parameters
    ----------
    tasks : list of (pattern, start, method)
    budget : float
        Seconds a pattern; 0 is no limit.
    """
    options = {"seed": seed, "time_budget": budget or NO_LIMIT, "max_rounds": max_rounds}
    trial = partial(_attempt, study=study, **options)
    rows = map_parallel(trial, tasks, n_jobs=n_jobs, desc=desc)
    return pd.DataFrame([row for row in rows if row])


def missed_table(rows):
    """Return what the first cell is to the true one where a pattern is not solved, and why."""
    keys = ["system", "missed", "cause"]
    missed = rows[~rows["solved"]].groupby(keys).size().rename("patterns").reset_index()
    total = missed["system"].map(rows["system"].value_counts()).astype(float)
    missed["share / %"] = 100 * missed["patterns"].astype(float) / total
    names = {"system": "lattice system", "missed": "first cell is", "cause": "because"}
    return missed.rename(columns=names)


def twenty_table(alone, voted):
    """Return the patterns left unsolved by twenty peaks alone, when forty judge, and by Coelho."""
    solved = voted.set_index("identifier")["solved"]
    rows = []
    for system, mine in alone.groupby("system"):
        left = int((~mine["solved"]).sum())
        low, high = wilson(left, len(mine))
        share = 100 * left / len(mine)
        also = solved[solved.index.intersection(mine["identifier"])]
        rows.append((system, len(mine), share, 100 * low, 100 * high,
                     len(also), 100 * (1 - also.mean()), COELHO[system]))  # fmt: skip
    columns = ["lattice system", "n", "twenty peaks / %", "from", "to", "of", "forty judge / %"]
    return pd.DataFrame(rows, columns=[*columns, "Coelho / %"])


def compared_table(rows, systems):
    """Return the patterns solved by start and method, the best first; equals as they were run."""
    keys = ["start", "method"]
    by = rows.groupby(keys, sort=False)
    table = by.agg(n=("solved", "size"), all=("solved", "mean"), s=("correct_from", "mean"))
    wide = rows.pivot_table(index=keys, columns="system", values="solved", sort=False)
    table = table.join(100 * wide.reindex(columns=systems)).assign(all=100 * table["all"])
    table = table.sort_values("all", ascending=False, kind="stable").reset_index()
    return table.rename(columns={"all": "all / %", "s": "mean time / s"})


def _radius(task, errors, **options):
    pattern, method = task
    shares = convergence.radius(pattern, errors, method, **options)
    about = {"system": pattern["system"], "method": method}
    return [about | {"error": error, "share": share} for error, share in zip(errors, shares)]


def radii(patterns, methods, errors, *, n_starts, seed, n_jobs):
    """Return the share of chains that converge from each error, a row a pattern and method."""
    tasks = [(pattern, method) for pattern in patterns for method in methods]
    trial = partial(_radius, errors=errors, n_starts=n_starts, seed=seed)
    parts = map_parallel(trial, tasks, n_jobs=n_jobs, desc="convergence radius")
    return pd.DataFrame([row for part in parts for row in part])


def _trials(pattern, errors, **options):
    return convergence.trials(pattern, errors, "misfit weights", **options)


def _tested(task, study, seed):
    pattern, shares, start = task
    return convergence.tested(study, pattern, start, shares, "misfit weights", seed=seed)


def predictions(study, patterns, errors, *, n_trials, seed, n_jobs):
    """Predict from each pattern's convergence curve whether a generator's first round solves it,
    and run it.
    """
    wide = [*errors, 2 * errors[-1]]
    trial = partial(_trials, errors=wide, n_starts=n_trials, seed=seed)
    own = map_parallel(trial, patterns, n_jobs=n_jobs, desc="trials")
    common = {}
    for system in dict.fromkeys(pattern["system"] for pattern in patterns):
        mine = [o for o, pattern in zip(own, patterns) if pattern["system"] == system]
        common[system] = convergence.curve(*(np.concatenate(part) for part in zip(*mine)))
    tasks = [
        (pattern, convergence.curve(*o, common[pattern["system"]]), start)
        for pattern, o in zip(patterns, own)
        for start in ("forest", "network")
    ]
    run = partial(_tested, study=study, seed=seed)
    return pd.DataFrame(map_parallel(run, tasks, n_jobs=n_jobs, desc="predicting"))


def predictions_table(rows):
    """Return predicted and found success, in per cent of the patterns."""
    means = {"n": ("arrived", "size"), "predicted": ("predicted", "mean")}
    means |= {"arrived": ("arrived", "mean"), "first": ("solved", "mean")}
    table = rows.groupby(["system", "start"], sort=False).agg(**means).reset_index()
    low, high = wilson(table["arrived"] * table["n"], table["n"])
    shares = ["predicted", "arrived", "first"]
    table[shares] = 100 * table[shares].astype(float)
    table.insert(5, "to", 100 * high)
    table.insert(5, "from", 100 * low)
    return table.rename(columns={"system": "lattice system"})


def _step(task, n_starts, seed):
    pattern, subsample, accept, method = task
    volume = lattice.volume(pattern["cell"])
    cells = mcmc_starts.random_cells(pattern["system"], volume, n_starts, seed)
    options = {**evaluate.METHODS[method], "accept": accept, "subsample": subsample}
    return {"weights": method, "accept": accept, "peaks a step": subsample} | _converged(
        pattern, cells, seed, options
    )


def _left_out(task, models, n_starts, seed):
    pattern, name, by, method = task
    given = {}
    if name != "nearest line":
        given = evaluate.assigner(models, pattern["system"], name)
        if given is None:
            return None
    same = np.repeat(pattern["cell"][None], n_starts, axis=0)
    cells = disturbed_cells(same, pattern["system"], 0.05, seed)
    options = {**evaluate.METHODS[method], **given, "subsample_by": by}
    about = {"weights": method, "assigner": name, "left out": by}
    return about | _converged(pattern, cells, seed, options)


def _converged(pattern, cells, seed, options):
    system = pattern["system"]
    options = options | {"n_iterations": 100, "seed": seed}
    good = convergence.converged(pattern["q2"], cells, system, pattern["cell"], **options)
    return {"system": system, "share": 100 * good.mean()}


METHODS = ("nearest line", "misfit weights")


def steps_table(patterns, *, n_starts, seed, n_jobs):
    """Return the random starts that converge by peaks a step, acceptance and weights."""
    ways = [(k, a, m) for k in (10, 15, 18, 20) for a in ("metropolis", "always", "greedy")
            for m in METHODS]  # fmt: skip
    tasks = [(pattern, *way) for pattern in patterns for way in ways]
    trial = partial(_step, n_starts=n_starts, seed=seed)
    rows = pd.DataFrame(map_parallel(trial, tasks, n_jobs=n_jobs, desc="ablation"))
    return _wide(rows, ["weights", "accept", "peaks a step"])


def left_out_table(study, patterns, *, n_starts, seed, n_jobs):
    """Return the starts 5 % off that converge by who assigns and which peaks sit a step out."""
    tasks = [(pattern, *way, m) for pattern in patterns for way in SUBSAMPLES for m in METHODS]
    trial = partial(_left_out, models=study.models, n_starts=n_starts, seed=seed)
    rows = map_parallel(trial, tasks, n_jobs=n_jobs, desc="subsamples")
    return _wide(pd.DataFrame([row for row in rows if row]), ["weights", "assigner", "left out"])


def _wide(rows, keys):
    if not len(rows):
        return pd.DataFrame(columns=keys)
    return rows.pivot_table(index=keys, columns="system", values="share", sort=False).reset_index()


def _calls(task, max_calls, seed):
    system, kind, number, q2, cell = task
    first = convergence.calls_to_solution(q2, system, cell, n_starts=max_calls, seed=seed + number)
    calls = {"calls": min(first, max_calls), "unsolved": first > max_calls}
    return {"lattice system": system, "kind": kind} | calls


def calls_table(patterns, n_calls, *, max_calls, seed, n_jobs):
    """Return SVD-Index's starts to a solution: published, for exact lines, for test patterns."""
    tasks = []
    for system in (s for s in convergence.PUBLISHED_CALLS if s in patterns):
        for number, pattern in enumerate(patterns[system][:n_calls]):
            exact = mcmc_starts.exact_pattern(system, number)
            tasks.append((system, "exact", number, *exact))
            tasks.append((system, "test", number, pattern["q2"], pattern["cell"]))
    trial = partial(_calls, max_calls=max_calls, seed=seed)
    rows = pd.DataFrame(map_parallel(trial, tasks, n_jobs=n_jobs, desc="calls"))
    if not len(rows):
        return pd.DataFrame(columns=["lattice system", "kind", "n"])
    table = rows.groupby(["lattice system", "kind"]).agg(
        n=("calls", "size"),
        mean=("calls", "mean"),
        half=("calls", lambda calls: 1.96 * calls.std() / len(calls) ** 0.5),
        median=("calls", "median"),
        unsolved=("unsolved", "sum"),
    )
    table = table.reset_index()
    table.insert(3, "published", table["lattice system"].map(convergence.PUBLISHED_CALLS))
    return table.rename(columns={"half": "95 % ±", "unsolved": f"unsolved at {max_calls}"})
