"""From candidate cells to optimised ones: subsample - optimise - reassign - accept (write-up, sections 2.4.2 and 2.4.3).

`optimize` runs many chains at once in compiled code (`ddi.chains`); `ddi.plain` is the same loop written
plainly.
"""

import time
from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np

from ddi import chains, lattice, likelihood
from ddi.errors import DDIError
from ddi.fom import m20
from ddi.problem import CENTRINGS, WAVELENGTH, Problem, allowed, distinct, scored

MAX_POLISHED = 500  # states, best log-likelihood first, that are polished and scored
ACCEPT = {"metropolis": 1.0, "always": np.inf, "greedy": 1e-300}
ASSIGN = {"nearest": chains.NEAREST, "resample": chains.RESAMPLE, "marginal": chains.MARGINAL}
WEIGHTS = {"sigma": chains.SIGMA, "coelho": chains.COELHO}
SUBSAMPLE_BY = {"uniform": chains.UNIFORM, "confidence": chains.CONFIDENCE}


@dataclass(frozen=True)
class Result:
    """Optimised cells, best score first.

    Attributes
    ----------
    cells : ndarray, shape (n, 6)
    x : ndarray, shape (n, n_free)
        A^-2.
    hkl : ndarray of int, shape (n, n_peaks, 3)
        Assignment of the peaks in ascending q2.
    centring : ndarray of str, shape (n,)
        The one of `CENTRINGS` with the best score.
    log_likelihood : ndarray, shape (n,)
        Of section 2.4.1, as the chain reached it.
    score : ndarray, shape (n,)
        `ddi.problem.Problem.chance_score`, which sorts the rows: the log-likelihood alone favours large cells.
    M20 : ndarray, shape (n,)
    trace : dict or None
        With ``keep_trace``: "log_likelihood" (n_iterations, n_chains), "x" (n_iterations, n_chains, n_free), "accepted" (n_chains,).
    seconds : float
    """

    cells: np.ndarray
    x: np.ndarray
    hkl: np.ndarray
    centring: np.ndarray
    log_likelihood: np.ndarray
    score: np.ndarray
    M20: np.ndarray
    trace: dict | None
    seconds: float


def merge(x, label):
    """Average the candidates that have the same assignment (section 2.4.2); order of first appearance is kept.

    Returns
    -------
    x : ndarray, shape (n, n_free)
        Mean over equals: q2 is linear in x, so the mean has the mean of their lines.
    label : ndarray, shape (n, n_peaks)
    """
    _, first, group, count = np.unique(label, axis=0, return_index=True, return_inverse=True, return_counts=True)
    total = np.zeros((len(first), x.shape[1]))
    np.add.at(total, group.ravel(), x)
    order = np.argsort(first)
    return (total / count[:, None])[order], label[first][order]


def optimize(
    q2_obs,
    cells,
    system,
    *,
    n_iterations=100,
    subsample=15,
    subsample_by="uniform",
    assign="nearest",
    accept="metropolis",
    weights="sigma",
    annealing=1.0,
    spread=(0.03, 0.001),
    restarts=0,
    seed=0,
    keep_trace=False,
    time_budget=None,
    hkl=None,
    sigma=None,
    intensity=None,
    eps=likelihood.EPS_Q2,
    n_best=100,
    n_jobs=None,
):
    """Optimise candidate cells against the observed peaks.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2.
    cells : array_like, shape (n_cand, 6)
        A and degrees; monoclinic b-unique, rhombohedral in rhombohedral axes.
    system : str
    n_iterations : int
        Of each chain.
    subsample : int
        Peaks a step; the others are drawn anew each time.
    subsample_by : "uniform" or "confidence"
        Confidence: the softmax between the two nearest lines decides how readily a peak is left out.
    assign : "nearest", "resample", "marginal" or an assigner
        Nearest line; a line drawn from softmax(-delta^2 / 2 sigma^2); all lines at once, each by its share (the mixture of 2.4.1);
        or an object with ``predict(q2_obs, x) -> (labels, confidence)`` on the same reference indices, `ddi.assign`.
    accept : "metropolis", "always" or "greedy"
    weights : "sigma" or "coelho"
        Of the least squares: 1/sigma^2 of the errata, or (d^m |d 2theta| I)^2 with m drawn from 0..4 in every step.
    annealing : float
        The temperature of the acceptance falls geometrically from this to 1 over the chain.
    spread : (float, float)
        First and last width of the softmax and of the mixture, as a fraction of q2.
    restarts : int
        Times a chain goes back to its start, disturbed by 3 %.
    seed : int
    keep_trace : bool
    time_budget : float, optional
        Seconds; the only option that makes the result depend on the machine.
    hkl, sigma, intensity
        See `Problem`.
    eps : float
        Of sigma^2, in A^-2.
    n_best : int
        Rows returned at most.
    n_jobs : int, optional
        Threads; the result does not depend on it.

    Returns
    -------
    Result

    Raises
    ------
    DDIError
        For fewer peaks than unknowns or an unknown name.
    """
    started = time.perf_counter()
    threads = numba.get_num_threads()
    numba.set_num_threads(min(n_jobs or threads, numba.config.NUMBA_NUM_THREADS))
    try:
        problem = Problem(q2_obs, system, hkl, sigma, intensity)
        plan = Plan.of(problem, n_iterations, subsample, subsample_by, assign, accept, weights, annealing, spread, restarts, seed, eps)
        state = start(problem, cells, assign, eps)
        trace = run(problem, state, plan, keep_trace, None if time_budget is None else started + time_budget)
        return finish(problem, state, n_best, trace, started)
    finally:
        numba.set_num_threads(threads)


@dataclass
class State:
    """Chains: present and best x and labels, scores (present, best, accepted) and the names of their random streams."""

    x: np.ndarray
    best_x: np.ndarray
    label: np.ndarray
    best_label: np.ndarray
    scores: np.ndarray
    identity: np.ndarray
    origin: np.ndarray

    def take(self, chosen):
        """Keep the chosen chains only."""
        for name in self.__dataclass_fields__:
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[chosen]))


def start(problem, cells, assign="nearest", eps=likelihood.EPS_Q2, merge_equal=True):
    """Turn candidate cells, shape (n_cand, 6), into chains: invalid ones dropped, equal assignments merged.

    A chain's identity is its place among the cells or, merged, among the distinct assignments.
    """
    x = lattice.free_x(lattice.cell_to_x(np.asarray(cells, dtype=float).reshape(-1, 6)), problem.system)
    identity = np.flatnonzero(likelihood.in_bounds(x, problem.system)).astype(np.uint64)
    x = x[identity.astype(int)]
    label = _assign(problem, x, assign)
    if merge_equal:
        x, label = merge(x, label)
        identity = np.arange(len(x), dtype=np.uint64)
    _, count = problem.nearest(x)
    scores = np.zeros((len(x), 3))
    scores[:, 0] = scores[:, 1] = problem.log_likelihood(x, label, count, eps)
    return State(x, x.copy(), label, label.copy(), scores, identity, x.copy())


def _assign(problem, x, assign):
    return problem.nearest(x)[0] if assign in ASSIGN else assign.predict(problem.q2, x)[0].astype(np.int64)


@dataclass(frozen=True)
class Plan:
    """What a run does in every iteration, in the form that the compiled loop reads."""

    settings: np.ndarray
    temperature: np.ndarray
    spread: np.ndarray
    restarts: int
    seed: int
    assign: object

    @classmethod
    def of(
        cls,
        problem,
        n_iterations=100,
        subsample=15,
        subsample_by="uniform",
        assign="nearest",
        accept="metropolis",
        weights="sigma",
        annealing=1.0,
        spread=(0.03, 0.001),
        restarts=0,
        seed=0,
        eps=likelihood.EPS_Q2,
    ):
        """Spell the options of `optimize` out as arrays."""
        names = (("accept", accept, ACCEPT), ("weights", weights, WEIGHTS), ("subsample_by", subsample_by, SUBSAMPLE_BY), ("assign", assign, ASSIGN))
        for name, value, known in names:
            if isinstance(value, str) and value not in known:
                raise DDIError(f"{name}={value!r} is not known; use one of {', '.join(known)}")
        size = min(subsample, len(problem.q2))
        mode = ASSIGN[assign] if isinstance(assign, str) else chains.NEAREST
        settings = np.array([eps, WAVELENGTH / 2, size, SUBSAMPLE_BY[subsample_by], WEIGHTS[weights], mode], dtype=float)
        temperature = ACCEPT[accept] * np.geomspace(annealing, 1.0, n_iterations) if n_iterations else np.empty(0)
        return cls(settings, temperature, np.geomspace(*spread, max(n_iterations, 1)), restarts, seed, assign)


REASSIGN_EVERY = 10  # iterations between two calls of an assignment network, which would otherwise set the pace
JITTER = 0.03


def run(problem, state, plan, keep_trace=False, deadline=None):
    """Advance the chains through the plan, in place; return the trace or None."""
    n = len(plan.temperature)
    legs = np.linspace(0, n, plan.restarts + 2).astype(int)
    network = not isinstance(plan.assign, str)
    step = 1 if keep_trace else REASSIGN_EVERY if network else max(1, n // 10) if deadline else max(n, 1)
    stops = sorted({*range(0, n, step), *legs[:-1].tolist(), n})
    kept = {"log_likelihood": [], "x": []}
    for first, last in pairwise(stops):
        if deadline is not None and time.perf_counter() > deadline:
            break
        if first and first in legs:
            _restart(problem, state, plan, first)
        if network and first:
            state.label[:] = _assign(problem, state.x, plan.assign)
        _advance(problem, state, plan, first, last)
        if keep_trace:
            kept["log_likelihood"].append(state.scores[:, 0].copy())
            kept["x"].append(state.x.copy())
    return {name: np.array(rows) for name, rows in kept.items()} | {"accepted": state.scores[:, 2].copy()} if keep_trace else None


def _advance(problem, state, plan, first, last, advance=chains.advance):
    advance(
        state.x, state.best_x, state.label, state.best_label, state.scores, state.identity,
        problem.q2, problem.lines, problem.ties, problem.table, problem.scale, problem.bounds, problem.intensity,
        plan.settings, plan.temperature[first:last], plan.spread[first:last], np.uint64(plan.seed), first,
    )  # fmt: skip


def _restart(problem, state, plan, first):
    rng = np.random.default_rng([plan.seed, first])
    x = state.origin * (1 + JITTER * rng.standard_normal(state.origin.shape))
    state.x[:] = np.where(likelihood.in_bounds(x, problem.system)[:, None], x, state.origin)
    label, count = problem.nearest(state.x)
    state.label[:] = label
    state.scores[:, 0] = problem.log_likelihood(state.x, label, count, plan.settings[0])


def finish(problem, state, n_best, trace, started):
    """Polish the best states under every centring, score them, drop repetitions and sort."""
    kept = np.argsort(-state.scores[:, 1], kind="stable")
    x = distinct(state.best_x[kept], -np.arange(len(kept)))[:MAX_POLISHED]
    rows = [scored(problem.centred(letter), x) for letter in CENTRINGS.get(problem.system, "P")]
    x, score, label, count = (np.concatenate(part) for part in zip(*rows))
    centring = np.repeat(list(CENTRINGS.get(problem.system, "P")), [len(row[0]) for row in rows])
    order = np.argsort(-score, kind="stable")
    order = order[distinct(x[order], np.zeros(len(order)), index=True)][:n_best]
    x, label, centring = x[order], label[order], centring[order]
    lines = np.where(x @ problem.H.T > 0, x @ problem.H.T, np.inf)
    lines[~np.array([allowed(problem.hkl, letter) for letter in centring], dtype=bool).reshape(lines.shape)] = np.inf
    figure = m20(problem.q2, lines) if len(x) else np.zeros(0)
    reached = problem.log_likelihood(x, label, count[order])
    cells = lattice.x_to_cell(lattice.full_x(x, problem.system))
    return Result(cells, x, problem.hkl[label], centring, reached, score[order], figure, trace, time.perf_counter() - started)
