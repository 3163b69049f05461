"""From candidate cells to optimised ones: subsample - optimise - reassign - accept (write-up,
sections 2.4.2 and 2.4.3).

`optimize` runs many chains at once in compiled code (`ddi.mcmc.chains`); `ddi.mcmc.plain` is the
same loop written plainly.
"""

import time
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numba
import numpy as np

from ddi.forward import lattice
from ddi.forward.fom import m20
from ddi.mcmc import chains, likelihood, plain
from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.options import Plan
from ddi.mcmc.problem import CENTRINGS, Problem, allowed, distinct, scored


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
        `ddi.mcmc.problem.Problem.chance_score`, which sorts the rows: the log-likelihood alone
        favours large cells.
    M20 : ndarray, shape (n,)
    trace : dict or None
        With ``keep_trace``: "log_likelihood" (n_iterations, n_chains), "x" (n_iterations, n_chains,
        n_free), "accepted" (n_chains,).
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
    """Average the candidates that have the same assignment (section 2.4.2); order of first
    appearance is kept.

    Returns
    -------
    x : ndarray, shape (n, n_free)
        Mean over equals: q2 is linear in x, so the mean has the mean of their lines.
    label : ndarray, shape (n, n_peaks)
    first : ndarray, shape (n,)
        Place of the first of the equals.
    """
    _, first, group, count = np.unique(
        label, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    total = np.zeros((len(first), x.shape[1]))
    np.add.at(total, group.ravel(), x)
    order = np.argsort(first)
    return (total / count[:, None])[order], label[first][order], first[order]


def optimize(
    q2_obs,
    cells,
    system,
    *,
    keep_trace=False,
    time_budget=None,
    hkl=None,
    sigma=None,
    intensity=None,
    n_search=None,
    centrings="P",
    n_best=100,
    n_jobs=None,
    **options,
):
    """Optimise candidate cells against the observed peaks.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2.
    cells : array_like, shape (n_cand, 6)
        A and degrees; monoclinic b-unique, rhombohedral in rhombohedral axes.
    system : str
    keep_trace : bool
    time_budget : float, optional
        Seconds; the only option that makes the result depend on the machine.
    hkl, sigma, intensity
        See `Problem`.
    n_search : int, optional
        Peaks, from the first, that the chains read; all if not given. Every peak counts in the
        score of what they found.
    centrings : str
        The starts are dealt out in turn to chains that know the lines of one of these centrings
        only: an F-centred lattice has a quarter of the lines, and a start may be further off. An
        assigner and the write-up's version know "P", all lines.
    n_best : int
        Rows returned at most.
    n_jobs : int, optional
        Threads; the result does not depend on it.
    **options
        Of `ddi.mcmc.options.Options`: n_iterations, subsample, assign, accept, weights, seed ...

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
        searched = problem.first(n_search)
        cells = np.asarray(cells, dtype=float).reshape(-1, 6)
        plan = Plan.of(searched, **options)
        states = []
        traces = []
        for place, letter in enumerate(centrings):
            known = searched.centred(letter)
            states.append(start(known, cells[place :: len(centrings)], plan))
            traces.append(
                run(
                    known,
                    states[-1],
                    plan,
                    keep_trace,
                    None if time_budget is None else started + time_budget,
                )
            )
        return finish(problem, states, n_best, _joined(traces) if keep_trace else None, started)
    finally:
        numba.set_num_threads(threads)


@dataclass
class State:
    """Chains.

    Attributes
    ----------
    x, best_x : ndarray, shape (n_cand, n_free)
        Present and best state.
    label, best_label : ndarray of int64, shape (n_cand, n_peaks)
        Index into the reference lines of every peak.
    log_likelihood, best_log_likelihood : ndarray, shape (n_cand,)
    accepted : ndarray of int64, shape (n_cand,)
        Steps.
    identity : ndarray of uint64, shape (n_cand,)
        Names the random stream of each candidate.
    confidence : ndarray, shape (n_cand, n_peaks)
        Of the assigner in the labels, above 0.
    origin : ndarray, shape (n_cand, n_free)
        Where the chain started.
    """

    x: np.ndarray
    best_x: np.ndarray
    label: np.ndarray
    best_label: np.ndarray
    log_likelihood: np.ndarray
    best_log_likelihood: np.ndarray
    accepted: np.ndarray
    identity: np.ndarray
    confidence: np.ndarray
    origin: np.ndarray

    def arrays(self):
        """Return what the compiled loop reads and updates."""
        return chains.Chain(*(getattr(self, name) for name in chains.Chain._fields))


def start(problem, cells, plan, merge_equal=True):
    """Turn candidate cells, shape (n_cand, 6), into chains: invalid ones dropped, equal assignments
    merged.

    A chain's identity is its place among the cells or, merged, among the distinct assignments.
    """
    x = lattice.free_x(
        lattice.cell_to_x(np.asarray(cells, dtype=float).reshape(-1, 6)), problem.system
    )
    identity = np.flatnonzero(likelihood.in_bounds(x, problem.system)).astype(np.uint64)
    x = x[identity.astype(int)]
    label, confidence = assigned(problem, x, plan.options.assigner)
    if merge_equal:
        x, label, first = merge(x, label)
        identity = np.arange(len(x), dtype=np.uint64)
        confidence = confidence[first]
    score = _log_likelihood(problem, x, label, confidence, plan)
    accepted = np.zeros(len(x), dtype=np.int64)
    return State(
        x,
        x.copy(),
        label,
        label.copy(),
        score,
        score.copy(),
        accepted,
        identity,
        confidence,
        x.copy(),
    )


def assigned(problem, x, assigner=None):
    """Return labels and confidences, both (n_cand, n_peaks): an assigner's, or the nearest lines
    and ones.
    """
    if assigner is None or not len(x):
        return problem.nearest(x)[0], np.ones((len(x), len(problem.q2)))
    label, confidence = assigner.predict(problem.q2, x)
    return label.astype(np.int64), np.clip(confidence.astype(float), CONSTANTS.least_chance, 1.0)


def _log_likelihood(problem, x, label, confidence, plan):
    """Log of equation 2.4.1 with the prior rho(H | c) that the plan asks for."""
    log_prior = likelihood.log_prior(problem.nearest(x)[1])[:, None]
    if plan.softmax:
        log_prior = np.log(confidence)
    return problem.log_likelihood(x, label, log_prior, plan.options.eps)


def run(problem, state, plan, keep_trace=False, deadline=None):
    """Advance the chains through the plan, in place; return the trace or None."""
    n = len(plan.temperature)
    legs = np.linspace(0, n, plan.options.restarts + 2).astype(int)
    asked = plan.options.assigner is not None and not plan.softmax
    step = _stride(n, keep_trace, asked, deadline)
    stops = sorted({*range(0, n, step), *legs[:-1].tolist(), n})
    advance = _advance_of(problem, plan)
    kept = {"log_likelihood": [], "x": []}
    for first, last in pairwise(stops):
        if deadline is not None and time.perf_counter() > deadline:
            break
        if first and first in legs:
            _restart(problem, state, plan, first)
        if asked and first and first % CONSTANTS.reassign_every == 0:
            state.label[:], state.confidence[:] = assigned(problem, state.x, plan.options.assigner)
        _advance(problem, state, plan, first, last, advance)
        if keep_trace:
            kept["log_likelihood"].append(state.log_likelihood.copy())
            kept["x"].append(state.x.copy())
    if not keep_trace:
        return None
    trace = {name: np.array(rows) for name, rows in kept.items()}
    return trace | {"accepted": state.accepted.copy()}


def _stride(n, keep_trace, asked, deadline):
    """Return after how many iterations something else than the compiled loop has a turn."""
    if keep_trace:
        return 1
    if asked:
        return CONSTANTS.reassign_every
    return max(1, n // 10) if deadline else max(n, 1)


def _advance_of(problem, plan):
    """Return the compiled loop, or the plain one where an assigner that is not compiled labels
    every proposal.
    """
    if not plan.softmax or line_prior(plan.options.assigner) is not None:
        return chains.advance
    rng = np.random.default_rng([plan.options.seed, len(problem.q2)])
    return partial(plain.advance, assign=partial(_softmax, plan.options, rng))


def line_prior(assigner):
    """Return the assigner if it is a `ddi.models.assigners.LinePrior` itself, which the compiled
    loop knows, else None.
    """
    if assigner is None:
        return None
    from ddi.models.assigners import LinePrior

    return assigner if type(assigner) is LinePrior else None


def _softmax(options, rng, pattern, x):
    """Labels of an assigner, their probabilities, and the sum of their logarithms."""
    if options.prior == "drawn":
        label, chance = options.assigner.draw(pattern.q2, x, rng)
    else:
        label, chance = options.assigner.predict(pattern.q2, x)
    chance = np.clip(chance.astype(float), CONSTANTS.least_chance, 1.0)
    return label.astype(np.int64), chance, np.log(chance).sum(axis=1)


def _advance(problem, state, plan, first, last, advance=chains.advance):
    prior = line_prior(plan.options.assigner) if plan.softmax else None
    arrays = plan.settings, plan.temperature[first:last], plan.spread[first:last]
    advance(state.arrays(), problem.arrays(prior), *arrays, np.uint64(plan.options.seed), first)


def _restart(problem, state, plan, first):
    rng = np.random.default_rng([plan.options.seed, first])
    x = state.origin * (1 + CONSTANTS.jitter * rng.standard_normal(state.origin.shape))
    state.x[:] = np.where(likelihood.in_bounds(x, problem.system)[:, None], x, state.origin)
    assigner = plan.options.assigner if plan.softmax else None
    state.label[:], confidence = assigned(problem, state.x, assigner)
    if plan.softmax:
        state.confidence[:] = confidence
    state.log_likelihood[:] = _log_likelihood(problem, state.x, state.label, confidence, plan)


def _joined(traces):
    """Put the traces of several runs side by side, chain beside chain."""
    return {
        name: np.concatenate([part[name] for part in traces], axis=min(1, traces[0][name].ndim - 1))
        for name in traces[0]
    }


def finish(problem, states, n_best, trace, started):
    """Polish the best states under every centring, score them, drop repetitions and sort."""
    place = np.concatenate(
        [np.argsort(np.argsort(-state.best_log_likelihood, kind="stable")) for state in states]
    )  # each among its own
    x = distinct(np.concatenate([state.best_x for state in states]), -place)[
        : CONSTANTS.max_polished
    ]
    rows = [scored(problem.centred(letter), x) for letter in CENTRINGS.get(problem.system, "P")]
    x, score, label, count = (np.concatenate(part) for part in zip(*rows))
    centring = np.repeat(list(CENTRINGS.get(problem.system, "P")), [len(row[0]) for row in rows])
    order = np.argsort(-score, kind="stable")
    order = order[distinct(x[order], np.zeros(len(order)), index=True)][:n_best]
    x = x[order]
    label = label[order]
    centring = centring[order]
    lines = np.where(x @ problem.H.T > 0, x @ problem.H.T, np.inf)
    lines[
        ~np.array([allowed(problem.hkl, letter) for letter in centring], dtype=bool).reshape(
            lines.shape
        )
    ] = np.inf
    figure = m20(problem.q2, lines) if len(x) else np.zeros(0)
    prior = likelihood.log_prior(count[order])[:, None]
    reached = problem.log_likelihood(x, label, prior)
    cells = lattice.x_to_cell(lattice.full_x(x, problem.system))
    return Result(
        cells,
        x,
        problem.hkl[label],
        centring,
        reached,
        score[order],
        figure,
        trace,
        time.perf_counter() - started,
    )
