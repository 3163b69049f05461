"""How well patterns are solved: held-out simulated patterns with noise, starts from any generator, convergence radius and what it predicts."""

import time
from functools import lru_cache

import numpy as np
import pandas as pd

from ddi import dataset, fom, generators, lattice, mcmc, solve, svdindex
from ddi.assign import AssignmentNetwork
from ddi.problem import sigma_q2

METHODS = {
    "one assignment": {"weights": "sigma", "accept": "metropolis"},
    "resampled": {"assign": "resample", "accept": "metropolis", "annealing": 3.0},
    "marginal": {"assign": "marginal", "accept": "always", "subsample": 20},
    "misfit weights": {"weights": "coelho", "accept": "always"},
    "assignment network": {"weights": "sigma", "accept": "metropolis", "assign": "network"},
}
"""Options of `ddi.mcmc.optimize` by the name that figures use; "one assignment" is the write-up's version."""
JITTER, MAX_JITTER = 0.02, 0.08  # relative, a round: later rounds of a generator look around its first cells
PER_ROUND = 300  # starts
CLOCK = time.process_time  # a pattern has one core: on an idle machine this is wall time, on a busy one it is still the cost


def patterns(study, system, n, seed, noise=0.02):
    """Return up to n test patterns of a lattice system, with errors of `noise` degrees 2theta.

    Returns
    -------
    list of dict
        system, identifier, bravais, cell (b unique if monoclinic), q2 (n_peaks,), number.
    """
    frame = dataset.test(study, system)
    frame = frame.sample(min(n, len(frame)), random_state=seed).reset_index(drop=True)
    rng, rows = np.random.default_rng([seed, lattice.SYSTEMS.index(system)]), []
    for number, row in enumerate(frame.itertuples()):
        q2 = np.asarray(row.q2, dtype=float)[: lattice.N_PEAKS[system]]
        q2 = np.sort(np.maximum(q2 + sigma_q2(q2, noise) * rng.standard_normal(len(q2)), 1e-6))
        cell = np.asarray(row.cell, dtype=float)
        cell = lattice.b_unique(cell, row.unique_axis) if row.unique_axis >= 0 else cell
        rows.append({"system": system, "identifier": row.identifier, "bravais": row.bravais, "cell": cell, "q2": q2, "number": number})
    return rows


def sampler(study, start, pattern, seed):
    """Return ``sample(number) -> cells`` for `ddi.solve.solve`.

    Parameters
    ----------
    start : str
        "random" (growing volumes, as SVD-Index), names of generators joined by "+" ("forest+network+random"), or "both".
    """
    names = start.replace("both", "forest+network").split("+")
    q2, system = pattern["q2"], pattern["system"]
    per_name = PER_ROUND // len(names)
    rounds = -(-per_name // len(svdindex.volumes(q2, system)))
    random = svdindex.sampler(q2, system, seed, rounds)

    def sample(number):
        parts = [random(number) if name == "random" else _drawn(study, name, system, q2, per_name, number, seed) for name in names]
        return np.concatenate(parts)

    return sample


def _drawn(study, name, system, q2, n, number, seed):
    cells = generators.load(study, name, system).pooled(q2[None], n, seed=seed + number)[0]
    return disturbed(cells, system, min(JITTER * number, MAX_JITTER), [seed, number])


def disturbed(cells, system, error, seed):
    """Return cells, shape (n, 6), whose free lengths err by a relative and free angles by an absolute (radian) normal `error`."""
    cells = np.asarray(cells, dtype=float)
    noise = error * np.random.default_rng(seed).standard_normal(cells.shape)
    moved = np.hstack([cells[:, :3] * np.exp(noise[:, :3]), cells[:, 3:] + np.degrees(noise[:, 3:])])
    moved = lattice.full_cell(lattice.free_cell(moved, system), system)
    return np.where(lattice.is_possible(moved)[:, None], moved, cells)


def start_error(cells, true_cell, system):
    """Return the root mean square error of the free parameters, lengths relative and angles in radians, shape (n,)."""
    free = np.array(lattice.SYSTEM[system].free)
    relative = np.hstack([np.log(cells[:, :3] / true_cell[:3]), np.radians(cells[:, 3:] - true_cell[3:])])
    return np.sqrt((relative[:, free] ** 2).mean(axis=1))


@lru_cache(maxsize=16)
def _network(study_models, system):
    files = sorted(study_models.glob(f"assign_{system}_*.npz"))
    return AssignmentNetwork.load(files[0], system) if files else None


def attempt(study, pattern, start, method, *, seed, time_budget=10.0, max_rounds=1000, **options):
    """Solve one pattern from one kind of start with one method.

    Returns
    -------
    dict
        solved (the true lattice stands first), in_ten, missed ("" or what `ddi.fom.explain` calls the first cell), rounds,
        seconds, correct_from (seconds when the first place became and stayed true; nan if not), score, bravais ...
    """
    given = {**METHODS.get(method, METHODS["misfit weights"]), **options}
    if given.get("assign") == "network":
        network = _network(study.models, pattern["system"])
        if network is None:
            return None
        given |= {"assign": network, "hkl": network.reference}
    if method == "SVD-Index":
        finds = svdindex.index(pattern["q2"], pattern["system"], seed=seed, time_budget=time_budget, max_rounds=6 * max_rounds, clock=CLOCK, n_jobs=1, n_best=10)
    else:
        sample = sampler(study, start, pattern, seed)
        finds = solve.solve(pattern["q2"], pattern["system"], sample, seed=seed, time_budget=time_budget, max_rounds=max_rounds, clock=CLOCK, n_jobs=1, **given)
    return _judged(finds, pattern) | {"start": start, "method": method, "system": pattern["system"]}


def _judged(finds, pattern):
    row = {"identifier": pattern["identifier"], "bravais": pattern["bravais"], "rounds": finds.rounds, "seconds": finds.seconds(), "iterations": finds.rounds * PER_ROUND}
    if finds.best is None:
        return row | {"solved": False, "in_ten": False, "missed": "nothing found", "correct_from": np.nan, "score": np.nan}
    history = [lattice.same_lattice(result.cells[0], pattern["cell"]) for _, result in finds.history]
    since = len(history) - next((k for k, good in enumerate(history[::-1]) if not good), len(history))
    in_ten = any(lattice.same_lattice(cell, pattern["cell"]) for cell in finds.best.cells[:10])
    missed = "" if history[-1] else fom.explain(finds.best.cells[0], "P", pattern["cell"], "P")[0]
    correct_from = finds.history[since][0] if history[-1] else np.nan
    return row | {"solved": history[-1], "in_ten": in_ten, "missed": missed, "correct_from": correct_from, "score": finds.best.score[0]}


def warm_up():
    """Load the compiled loops, so that the first pattern's time is not that of the compiler."""
    cells = svdindex.random_cells("cubic", 400.0, 4, 0)
    mcmc.optimize(np.linspace(0.05, 0.5, 10), cells, "cubic", n_iterations=2, n_jobs=1)


def curve(rows, times):
    """Return the share of attempts whose first place is right from each time on, shape (n_times,)."""
    return (rows["correct_from"].to_numpy()[:, None] <= np.asarray(times)).mean(axis=0)


def radius(pattern, errors, method, *, n_starts, seed, n_iterations=100, **options):
    """Return the share of starts that end in the true lattice, for each size of their error, shape (n_errors,)."""
    given = {"n_iterations": n_iterations, "seed": seed, **METHODS[method], **options}
    shares = []
    for k, error in enumerate(errors):
        cells = disturbed(np.repeat(pattern["cell"][None], n_starts, axis=0), pattern["system"], error, [seed, k])
        shares.append(solve.converged(pattern["q2"], cells, pattern["system"], pattern["cell"], **given).mean())
    return np.array(shares)


def predicted(study, pattern, start, errors, shares, seed):
    """Return the chance that at least one candidate of the first round converges, from its error and the convergence curve.

    A start beyond the largest error of the curve counts as that error if its volume is right within 25 %, else as hopeless: it may
    lie near the same lattice in another setting, which no error of its parameters shows.
    """
    cells = sampler(study, start, pattern, seed)(0)
    error = start_error(cells, pattern["cell"], pattern["system"])
    near = np.abs(np.log(lattice.volume(cells) / lattice.volume(pattern["cell"]))) < 0.25
    chance = np.where(near | (error <= np.max(errors)), np.interp(error, errors, shares), 0.0)
    return 1 - np.prod(1 - chance)


def summary(rows):
    """Return n, solved and in_ten with Wilson intervals (per cent) of attempts, one row a lattice system."""
    from ddi.report import wilson

    table = []
    for system in [s for s in lattice.SYSTEMS if (rows["system"] == s).any()]:
        mine = rows[rows["system"] == system]
        low, high = wilson(mine["solved"].sum(), len(mine))
        row = {"lattice system": system, "n": len(mine), "solved, %": 100 * mine["solved"].mean(), "from": 100 * low, "to": 100 * high}
        table.append(row | {"in first ten, %": 100 * mine["in_ten"].mean()})
    return pd.DataFrame(table)
