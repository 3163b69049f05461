"""The score of a cell: a log likelihood ratio that accounts for accidental coincidences.

The ratio itself is in `ddi.forward.chance`; here a peak may be any one of the lines near it, and
weak peaks are likelier to be spurious. Two refinements let real crystals look the way they do:
lines that a space group extinguishes are not counted (`ddi.index.extinction`), and a
superstructure may put most of its peaks on the lines of its subcell.
"""

from typing import NamedTuple

import numpy as np

from ddi.forward import lattice
from ddi.forward.chance import error_density, line_density, log_odds
from ddi.forward.constants import SCORE
from ddi.forward.lines import KINDS, distinct_lines
from ddi.index import extinction, screening
from ddi.index.constants import RANKING


class Judgement(NamedTuple):
    """Score in log units, likeliest extinction symbol, and the number of lines that it allows."""

    score: float
    symbol: str
    n_lines: int


def spurious(intensity):
    """Return each peak's prior probability to belong to no line, from its intensity."""
    relative = intensity / np.median(intensity)
    return np.clip(SCORE.spurious * relative**-RANKING.spurious_power, *RANKING.spurious_range)


def parameter_cost(bravais):
    """Return what the free parameters of a lattice cost in log units."""
    return SCORE.parameter_cost * len(lattice.ties(KINDS[bravais].system).T)


def completeness(n_lines, n_peaks):
    """Return what the share of its lines that are observed says of a cell, in log units: 0 where it
    is that of most right cells, more where hardly a line is missing.

    The likelihood ratio lets peaks fall on any of the lines, several on one even, and asks nothing
    of lines without a peak; cells with many of these are found by chance more often. Where there is
    a whole pattern, `ddi.index.evidence` asks it what is at these lines.
    """
    return -RANKING.unseen * np.log(max(n_lines, n_peaks) / n_peaks / RANKING.usual_lines)


def plain_scores(peaks, bravais, x, zero, n_use):
    """Return the scores (n,) by nearest lines, all lines of the lattice counted, and the numbers of
    lines (n,).
    """
    q2 = peaks.q2[:n_use]
    sigma = peaks.sigma[:n_use]
    misses, counts = screening.describe(x, zero, KINDS[bravais], q2, peaks.slope[:n_use])
    e = peaks.spurious[:n_use]
    density = line_density(counts[:, None], q2, q2[-1])
    gains = [
        log_odds(error_density(misses, scale * sigma) / density, e).sum(axis=1) - cost
        for scale, cost in peaks.scales
    ]
    return np.max(gains, axis=0) - parameter_cost(bravais), counts


def judge(peaks, bravais, x, zero):
    """Return the `Judgement` of one cell under its likeliest extinction symbol and superstructure.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    bravais : str
    x : ndarray, shape (6,)
        Reciprocal metric in A^-2 on the axes of the search.
    zero : float
        Degrees 2theta.
    """
    votes = peaks.votes
    q2 = votes.q2 - zero * votes.slope
    last = peaks.q2[-1] - zero * peaks.slope[-1]
    edge = 3 * peaks.sigma[-1]
    hkl, lines = distinct_lines(x, bravais, last + edge * peaks.scales[-1][0])
    if not len(lines):
        return Judgement(-np.inf, "", 0)
    starts = np.flatnonzero(np.diff(lines, prepend=-1) > 1e-7 * lines)  # 333 and 511 are one line
    masks, subcells = (
        np.logical_or.reduceat(mask, starts, axis=1)
        for mask in (extinction.allowed(bravais, hkl), extinction.subcells(bravais, hkl))
    )
    miss = q2[:, None] - lines[starts]
    density = line_density(1, q2, last)[:, None]
    judged = []
    for scale, cost in peaks.scales:
        inside = slice(np.searchsorted(lines[starts], last + scale * edge))
        worth = error_density(miss[:, inside], scale * votes.sigma[:, None]) / density
        gain, which = _best_class(worth, masks[:, inside], subcells[:, inside], votes.spurious)
        judged.append((gain - cost, which))
        if len(judged) > 1 and judged[-1] < judged[-2]:
            break  # coarser still is worse still
    best, which = max(judged)
    symbol = extinction.classes(bravais)[which].symbol
    n_lines = int(masks[which, : np.searchsorted(lines[starts], last + edge)].sum())
    known = -parameter_cost(bravais)
    if not peaks.whole:
        known += completeness(n_lines, len(peaks.q2)) + peaks.shift_odds(zero)
    return Judgement(best + known, symbol, n_lines)


def _best_class(worth, masks, subcells, e):
    """Return the best score and its class of extinctions."""
    complete = masks.all(axis=1)
    cost = np.where(complete, 0, RANKING.extinction_cost)
    gain = log_odds(_worth(worth, masks), e).sum(axis=1) - cost
    best = int(gain.argmax())
    highest = gain.max()
    likely = np.argsort(-gain, kind="stable")[:3]
    gains = _superstructure_gains(worth, masks[likely], subcells, e)
    for i, of_subcell in zip(likely, gains - RANKING.superstructure_cost - cost[likely]):
        if of_subcell > highest:
            best = int(i)
            highest = of_subcell
    return highest, best


def _worth(worth, masks):
    """Sum over the lines of each mask, per line allowed: shape (n_masks, n_peaks)."""
    return extinction.over_lines(worth, masks).T / np.maximum(masks.sum(axis=1), 1)[:, None]


def _superstructure_gains(worth, allowed, subcells, e):
    """Return the gain of the best subcell under each class of extinctions, shape (n_classes,); all
    at once, because a call of numpy costs more than what it does here.
    """
    inside = subcells & allowed[:, None]
    outside = ~subcells & allowed[:, None]
    real = inside.any(axis=2) & outside.any(axis=2)
    best = np.full(real.shape, -np.inf)
    if real.any():
        share = np.array(RANKING.shares)[:, None, None]
        mixed = share * _worth(worth, inside[real]) + (1 - share) * _worth(worth, outside[real])
        best[real] = log_odds(mixed, e).sum(axis=2).max(axis=0)
    return best.max(axis=1)
