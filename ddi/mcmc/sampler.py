"""From candidate cells to optimised ones: subsample - optimise - reassign - accept (write-up,
sections 2.4.2 and 2.4.3).

`optimize` runs many chains at once in compiled code (`ddi.mcmc.chains`); `ddi.mcmc.plain` is the
same loop written plainly.
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np

from ddi.forward import lattice
from ddi.forward.fom import m20
from ddi.mcmc import likelihood, running
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
    deadline = None if time_budget is None else started + time_budget
    cells = np.asarray(cells, dtype=float).reshape(-1, 6)
    problem = Problem(q2_obs, system, hkl, sigma, intensity)
    searched = problem.first(n_search)
    plan = Plan.of(searched, **options)
    finished = []
    traces = []
    with threads(n_jobs):
        for place, letter in enumerate(centrings):
            known = searched.centred(letter)
            chains = running.start(known, cells[place :: len(centrings)], plan)
            traces.append(running.run(known, chains, plan, keep_trace, deadline))
            finished.append(chains)
        trace = _joined(traces) if keep_trace else None
        return finish(problem, finished, n_best, trace, started)


@contextmanager
def threads(n_jobs):
    """Let compiled loops use at most `n_jobs` threads while the context lasts; as many as before
    if None.
    """
    before = numba.get_num_threads()
    numba.set_num_threads(min(n_jobs or before, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _joined(traces):
    """Put the traces of several runs side by side, chain beside chain."""
    return {
        name: np.concatenate([part[name] for part in traces], axis=min(1, traces[0][name].ndim - 1))
        for name in traces[0]
    }


def finish(problem, finished, n_best, trace, started):
    """Polish the best states under every centring, score them, drop repetitions and sort.

    Parameters
    ----------
    problem : Problem
        Of all peaks.
    finished : list of ddi.mcmc.state.Chain
    n_best : int
    trace : dict or None
    started : float
        As `time.perf_counter` gave it.
    """
    rank = np.concatenate(  # each among its own
        [np.argsort(np.argsort(-of.best_log_likelihood, kind="stable")) for of in finished]
    )
    x = distinct(np.concatenate([of.best_x for of in finished]), -rank)[: CONSTANTS.max_polished]
    letters = CENTRINGS.get(problem.system, "P")
    rows = [scored(problem.centred(letter), x) for letter in letters]
    x, score, label, count = (np.concatenate(part) for part in zip(*rows))
    centring = np.repeat(list(letters), [len(row[0]) for row in rows])
    order = np.argsort(-score, kind="stable")
    order = order[distinct(x[order], np.zeros(len(order)), index=True)][:n_best]
    x = x[order]
    label = label[order]
    centring = centring[order]
    log_prior = likelihood.log_prior(count[order])[:, None]
    return Result(
        lattice.x_to_cell(lattice.full_x(x, problem.system)),
        x,
        problem.hkl[label],
        centring,
        problem.log_likelihood(x, label, log_prior),
        score[order],
        _figures_of_merit(problem, x, centring),
        trace,
        time.perf_counter() - started,
    )


def _figures_of_merit(problem, x, centring):
    """M20 of every x, shape (n, n_free), among the lines that its centring leaves."""
    if not len(x):
        return np.zeros(0)
    lines = x @ problem.H.T
    left = np.array([allowed(problem.hkl, letter) for letter in centring], dtype=bool)
    return m20(problem.q2, np.where(left & (lines > 0), lines, np.inf))
