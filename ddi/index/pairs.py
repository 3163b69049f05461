"""Two phases scored together: a cell is likelier where another one explains what it leaves.

In a sum of two patterns each cell explains half of the peaks, and by itself hardly more than a cell
found by accident; together they explain all. With w_a and w_b the worth of a peak under each cell
(`ddi.forward.chance`) and pi the share of the first one's peaks, a pair scores
``sum_p log((1 - e_p) (pi w_a + (1 - pi) w_b) + e_p)`` less what the parameters of both cost, e_p
being the usual prior of a foreign peak, and pays for the many pairs that are tried.
"""

from dataclasses import replace

import numpy as np

from ddi.forward import lattice, relations
from ddi.forward.chance import error_density, line_density, log_odds
from ddi.forward.lines import distinct_lines
from ddi.index import extinction, ranking
from ddi.index.candidates import Candidate
from ddi.index.constants import PAIRS, RANKING, SEARCH
from ddi.index.kinship import best_first
from ddi.index.observed import prepare
from ddi.index.pattern_constants import PHASES
from ddi.index.score import parameter_cost


def raised(peaks, ordered, partners=()):
    """Return judged candidates with the scores of the pairs that they lead, where higher.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    ordered : list of ddi.index.ranking.Judged
        Best first; a pair is led by the one that stands in front.
    partners : sequence of lists of ddi.index.ranking.Judged
        Cells of what each of the first candidates leaves, best first; they lead no pair.

    Returns
    -------
    list of ddi.index.ranking.Judged
        Best first.
    """
    behind = [row for rows in partners for row in rows[: PAIRS.n_kept]]
    rows = [*ordered[: PAIRS.n_candidates], *behind]
    scores = pair_scores(peaks, rows)
    found = list(ordered)
    for k in range(min(len(ordered), PAIRS.n_candidates)):
        for j in np.argsort(-scores[k], kind="stable"):
            reached = scores[k, j] - PAIRS.cost
            if not reached > found[k].score:
                break
            if is_another(rows[k], rows[j]):
                found[k] = replace(found[k], score=float(reached), partner=rows[j])
                break
    return best_first(found)


def pair_scores(peaks, rows):
    """Return the score of each pair of candidates, shape (n, n), in log units; only above the
    diagonal, -inf elsewhere.
    """
    worth = np.array([likelihood_ratios(peaks, row) for row in rows])
    cost = np.array([_cost(row) for row in rows])
    scores = np.full((len(rows), len(rows)), -np.inf)
    for k in range(len(rows) - 1):
        others = worth[k + 1 :]
        gains = [
            log_odds(share * worth[k] + (1 - share) * others, peaks.votes.spurious).sum(axis=1)
            for share in PAIRS.shares
        ]
        scores[k, k + 1 :] = np.max(gains, axis=0) - cost[k] - cost[k + 1 :]
    return scores


def explained(peaks, *cells):
    """Return the score of a pair of cells on the peaks of a pattern, in log units.

    Parameters
    ----------
    peaks : ddi.index.peaks.Peaks
    cells : two of (str, array_like of shape (6,), float)
        Bravais lattice, conventional cell in Angstrom and degrees, and zero shift in degrees
        2theta, NaN where nothing is known of it.
    """
    n = SEARCH.max_verify
    lists = (peaks.q2, peaks.sigma_q2, peaks.intensity)
    first = (None if one is None else one[:n] for one in lists)
    votes = prepare(*first, peaks.wavelength, n, peaks.faint)
    rows = []
    for bravais, cell, zero in cells:
        x = lattice.cell_to_x(np.asarray(cell, dtype=float))
        candidate = Candidate(bravais, x, float(np.nan_to_num(zero)), 0.0, "")
        rows.append(ranking.judged(votes.crowded(), candidate))
    return float(pair_scores(votes, rows)[0, 1])


def likelihood_ratios(peaks, row):
    """Return for each peak that votes how much likelier a line of a judged candidate makes it than
    chance, shape (m,): density of its error over density of lines.
    """
    votes = peaks.votes
    q2 = votes.q2 - row.zero * votes.slope
    last = peaks.q2[-1] - row.zero * peaks.slope[-1]
    hkl, lines = distinct_lines(row.x, row.bravais, last + 3 * peaks.sigma[-1])
    lines = lines[extinction.allowed(row.bravais, hkl)[_place(row)]]
    lines = lines[np.diff(lines, prepend=-1) > 1e-7 * lines]  # 333 and 511 are one line
    if not len(lines):
        return np.zeros(len(q2))
    density = error_density(q2[:, None] - lines, votes.sigma[:, None])
    return density.mean(axis=1) / line_density(1, q2, last)


def leftovers(peaks, ordered):
    """Yield the `ddi.index.observed.Peaks` that each of the first candidates leaves, if they are
    enough for a phase; of related candidates the first counts.
    """
    heads = []
    for row in ordered:
        if len(heads) == PAIRS.n_heads:
            return
        if all(is_another(row, head) for head in heads):
            heads.append(row)
            foreign = likelihood_ratios(peaks, row)[: len(peaks.q2)] < 1.0
            if foreign.sum() >= PHASES.least:
                yield peaks.chosen(foreign)


def is_another(row, other):
    """Say whether two judged candidates are unrelated: neither one lattice nor a sub- or supercell
    of each other.
    """
    return relations.explain(other.reduced, "P", row.reduced, "P")[0] == "wrong"


def _place(row):
    return [one.symbol for one in extinction.classes(row.bravais)].index(row.symbol)


def _cost(row):
    """Log units that the free parameters and the extinction symbol of a candidate cost."""
    complete = _place(row) == 0
    return parameter_cost(row.bravais) + (0.0 if complete else RANKING.extinction_cost)
