"""Solving one pattern whose lattice system is known.

Chains propose cells, `ddi.index.ranking` judges them: what a round of chains found goes, with its
supercells and subcells, into the ranked list that the search over all lattices keeps, too.
"""

import time
from collections import defaultdict

import numpy as np

from ddi.forward import lattice, lines, relations
from ddi.index import ranking, relatives, screening
from ddi.index.constants import SEARCH
from ddi.index.kinship import is_one_lattice
from ddi.index.search import Found, Zero, chosen
from ddi.mcmc import sampler as mcmc
from ddi.mcmc.constants import SOLVE
from ddi.mcmc.problem import CENTRINGS

BEST = {"weights": "coelho", "accept": "always", "n_iterations": 60, "n_best": 10}
"""Options of `ddi.mcmc.sampler.optimize` that notebook 09 found to succeed most per second."""


class Finds:
    """The ranked lattices over many rounds of `ddi.mcmc.sampler.optimize`.

    Attributes
    ----------
    rows : list of ddi.index.ranking.Judged
        As `ddi.index.ranking.order` returns them, best first.
    history : list of (seconds, Judged)
        Each lattice that came to stand first, with the time since the start.
    rounds, confirmed : int
        Rounds, and how many have found the same again since the first place changed.
    reached, best_by_chains : float, ndarray (6,)
        Best score of a chain, and the reduced cell that has it.
    """

    def __init__(self, peaks, system, zero, clock=time.perf_counter):
        self.peaks = peaks
        self.symbols = chosen(system)
        self.zero = zero
        self.clock = clock
        self.started = clock()
        self.rows = []
        self.history = []
        self.rounds = 0
        self.confirmed = 0
        self.reached = -np.inf
        self.best_by_chains = None

    def seconds(self):
        """Return the time since the start."""
        return self.clock() - self.started

    def add(self, result):
        """Take a round in; it confirms the first place if that stays and it found that again, or a
        score as good as any before.
        """
        self.rounds += 1
        if not (found := candidates(self.peaks, result, self.zero)):
            return
        found = [ranking.judged(self.peaks, candidate) for candidate in found]
        ordered = ranking.order(self.peaks, self.rows + found)
        if not self.rows or not is_one_lattice(ordered[0], self.rows[0]):
            ordered = relatives.climb(self.peaks, ordered, self.zero, self.symbols)
        if self.rows and is_one_lattice(ordered[0], self.rows[0]):
            good = result.score[0] > self.reached - SOLVE.same_score
            self.confirmed += bool(good or any(is_one_lattice(row, ordered[0]) for row in found))
        else:
            self.confirmed = 0
            self.history.append((self.seconds(), ordered[0]))
        self.rows = ordered[: SOLVE.n_kept]
        if result.score[0] > self.reached:
            self.reached = result.score[0]
            self.best_by_chains = lattice.reduced_cell(result.cells[0], result.centring[0])

    def certain(self, confirmations, convincing):
        """Say whether the first place has been confirmed often enough, given the chain's score that
        convinces.
        """
        return self.confirmed >= confirmations * (
            1 if self.reached >= convincing else SOLVE.patience
        )


def start_centrings(system):
    """Return the centrings whose lines the chains of a lattice system read, in the order in which
    starts are given to them: every other one P, with all lines, the rest each in turn.
    """
    others = CENTRINGS.get(system, "P")[1:]
    return "P" * max(len(others), 1) + others


def candidates(peaks, result, zero):
    """Return the cells of a `ddi.mcmc.sampler.Result`, refined with the zero shift against all
    peaks, as rows that `ddi.index.ranking.order` takes.
    """
    by_lattice = defaultdict(list)
    for cell, centring in zip(result.cells, result.centring):
        bravais, axes = relations.standard(lattice.reduced_cell(cell, centring))
        by_lattice[bravais].append(axes)
    rows = []
    for bravais, cells in sorted(by_lattice.items()):
        kind = lines.KINDS[bravais]
        x = lattice.full_x(
            lattice.free_x(lattice.cell_to_x(np.array(cells)), kind.system), kind.system
        )
        found = Found(
            bravais, x, np.full(len(x), zero.mean), np.full(len(x), "chains", dtype=object)
        )
        screening.refine(
            x,
            found.zero,
            kind,
            peaks.q2,
            peaks.slope,
            peaks.sigma,
            zero.mean,
            zero.sigma,
            np.array(SEARCH.widths),
        )
        rows += ranking.shortlist(peaks, found, zero)
    return rows


def solve(
    peaks,
    system,
    sample,
    *,
    zero=None,
    time_budget=10.0,
    confirmations=SOLVE.confirmations,
    max_rounds=1000,
    seed=0,
    clock=time.perf_counter,
    **options,
):
    """Find the cell of a pattern whose lattice system is known: rounds of fresh candidates until
    one best cell keeps coming back.

    Parameters
    ----------
    peaks : ddi.index.search.Peaks
        Of `ddi.index.search.prepare`: the chains read the first ``n_search``, all of them judge.
    system : str
    sample : callable
        ``sample(number) -> cells`` (n, 6), the candidates of round 0, 1, 2 ...; b unique if
        monoclinic.
    zero : ddi.index.search.Zero, optional
        Prior of the zero shift, which the last refinement fits; none if not given. The chains know
        of none.
    time_budget : float
        Seconds after which no further round is begun.
    confirmations : int
        Rounds that must find the same again before the search ends early; `SOLVE.patience` times as
        many if it is not `SOLVE.convincing`.
    max_rounds : int
    seed : int
    clock : callable
        What seconds are; ``time.process_time`` where other programs share the cores.
    **options
        Of `ddi.mcmc.sampler.optimize`; `BEST` where not given.

    Returns
    -------
    Finds
    """
    finds = Finds(peaks, system, zero or Zero.known(0.0), clock)
    options = {**BEST, "centrings": "P" if "hkl" in options else start_centrings(system), **options}
    seen = peaks.q2[: SOLVE.seen * peaks.n_search]
    while (
        finds.rounds < max_rounds
        and finds.seconds() <= time_budget
        and not finds.certain(confirmations, SOLVE.convincing * len(seen))
    ):
        found = mcmc.optimize(
            seen,
            sample(finds.rounds),
            system,
            n_search=peaks.n_search,
            seed=seed + finds.rounds,
            **options,
        )
        finds.add(found)
    return finds
