"""Solving one pattern whose lattice system is known, and how often chains find the true cell."""

import time

import numpy as np

from ddi import lattice, mcmc
from ddi.plan import Plan
from ddi.problem import Problem, polish

BEST = {"weights": "coelho", "accept": "always", "n_iterations": 60, "n_best": 10}
"""Options of `ddi.mcmc.optimize` that notebook 09 found to succeed most per second."""
CONFIRMATIONS, SAME_SCORE = 3, 0.5  # rounds that must find the best score again, to so many log units
CONVINCING, PATIENCE = 0.4, 4  # log units a peak; a search with a poorer best score wants so many times the confirmations


class Finds:
    """The best cells over many rounds of `optimize`, by score.

    Attributes
    ----------
    best : Result or None
        Of the round that had the highest score.
    history : list of (seconds, Result)
        Every round that improved the score, with the time since the start.
    cells : list of ndarray
        The cells of every round, best first.
    """

    def __init__(self, clock=time.perf_counter):
        self.clock, self.best, self.history, self.cells, self.started = clock, None, [], [], clock()
        self.rounds = self.confirmed = 0

    def seconds(self):
        """Return the time since the start."""
        return self.clock() - self.started

    def add(self, result):
        """Take a round in; one that finds the same lattice or score again confirms it, whether or not the score rises a little."""
        self.rounds += 1
        self.cells.append(result.cells)
        if not len(result.score):
            return
        gain = np.inf if self.best is None else result.score[0] - self.best.score[0]
        if self.best is not None and (abs(gain) < SAME_SCORE or lattice.same_lattice(result.cells[0], self.best.cells[0])):
            self.confirmed += 1
        elif gain > 0:
            self.confirmed = 0
        if gain > 0:
            self.best = result
            self.history.append((self.seconds(), result))

    def certain(self, confirmations, convincing):
        """Say whether the best score has been found again often enough, given the score that convinces."""
        return self.confirmed >= confirmations * (1 if self.best and self.best.score[0] >= convincing else PATIENCE)


def solve(q2_obs, system, sample, *, time_budget=10.0, confirmations=CONFIRMATIONS, max_rounds=1000, seed=0, clock=time.perf_counter, **options):
    """Find the cell of a pattern whose lattice system is known: rounds of fresh candidates until one best cell keeps coming back.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        A^-2.
    system : str
    sample : callable
        ``sample(number) -> cells`` (n, 6), the candidates of round 0, 1, 2 ...; b unique if monoclinic.
    time_budget : float
        Seconds after which no further round is begun.
    confirmations : int
        Rounds that must find the best score again before the search ends early; `PATIENCE` times as many if it is not `CONVINCING`.
    max_rounds : int
    seed : int
    clock : callable
        What seconds are; ``time.process_time`` where other programs share the cores.
    **options
        Of `optimize`; `BEST` where not given. With ``n_search=20`` the chains read twenty peaks and the others vote.

    Returns
    -------
    Finds
    """
    finds, options = Finds(clock), {**BEST, **options}
    while finds.rounds < max_rounds and finds.seconds() <= time_budget and not finds.certain(confirmations, CONVINCING * len(q2_obs)):
        finds.add(mcmc.optimize(q2_obs, sample(finds.rounds), system, seed=seed + finds.rounds, **options))
    return finds


def converged(q2_obs, cells, system, true_cell, hkl=None, **options):
    """Say which candidates end in the true lattice.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        A^-2.
    cells : array_like, shape (n, 6)
        Starts; none are merged.
    system : str
    true_cell : array_like, shape (6,)
    hkl : ndarray of int, shape (n_ref, 3), optional
        Reference indices, those of the assigner if there is one.
    **options
        Of `ddi.plan.Options`.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for cells out of bounds.
    """
    problem = Problem(q2_obs, system, hkl)
    plan = Plan.of(problem, **options)
    state = mcmc.start(problem, cells, plan, merge_equal=False)
    mcmc.run(problem, state, plan)
    x = polish(problem, state.best_x)[0]
    answer = np.zeros(len(cells), dtype=bool)
    answer[state.identity.astype(int)] = are_true(x, system, true_cell)
    return answer


def are_true(x, system, true_cell):
    """Say which x, shape (n, n_free), are the true lattice; equal ones are judged once."""
    _, first, group = np.unique(np.round(x / np.abs(x).max(axis=0), 5), axis=0, return_index=True, return_inverse=True)
    cells = lattice.x_to_cell(lattice.full_x(x[first], system))
    near = np.abs(lattice.volume(cells) / lattice.volume(true_cell) - 1) < 0.05
    same = np.array([close and lattice.same_lattice(cell, true_cell) for cell, close in zip(cells, near)], dtype=bool)
    return same[group.ravel()]
