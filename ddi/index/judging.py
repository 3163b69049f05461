"""The order of a ranked list where there is a whole pattern.

The list's scores know peaks. To those near the first one this adds the evidence of the pattern
between the first cell and its sub- and supercells (`ddi.index.evidence`) and how often minerals
have a Bravais lattice, and gives the list its order and its probabilities anew. Where both favour a
supercell of the first cell, and only its score does not, the first cell is less likely to be right.
"""

from functools import lru_cache

import numpy as np

from ddi.forward import bragg, lattice
from ddi.index import confidence, evidence, extinction, ranking, symbols
from ddi.index.comparison import cell_of
from ddi.index.constants import SEARCH
from ddi.index.observed import prepare
from ddi.index.pattern_constants import EVIDENCE
from ddi.index.rows import reordered


def decided(rows, fits, peaks):
    """Return the rows of a ranked list, and the fits of the first ones, in the pattern's order.

    Parameters
    ----------
    rows : list of ddi.index.rows.Row
        Of `ddi.index.ranking.listed`, with the six columns of conventional cells, best first.
    fits : list of ddi.index.profile.Fit or None
        Whole-pattern fits of the first rows.
    peaks : ddi.index.peaks.Peaks

    Returns
    -------
    rows : list of ddi.index.rows.Row
        With scores, ranks, families and probabilities that count the pattern.
    fits : list
        Of the same cells, in the new order; None where another one moved among them.
    """
    if not any(fit is not None for fit in fits):
        return rows, fits
    gain = gains(rows, fits, peaks)
    given = confidence.calibration(whole=True)
    chances = confidence.reweighted([row.probability for row in rows], gain, given)
    gained = [
        row.but(score=row.score + more, probability=chance)
        for row, more, chance in zip(rows, gain.tolist(), chances.tolist())
    ]
    order = np.argsort([-row.score for row in gained], kind="stable")
    ranked, moved = reordered(gained, fits, order)
    settled = [
        row.but(probability=ranking.doubted(len(row.hkl), row, chance, row.M20))
        for row, chance in zip(ranked, _settled(ranked, moved, peaks))
    ]
    return settled, moved


def gains(rows, fits, peaks):
    """Return what pattern and lattice add to each score, shape (n_rows,), in log units."""
    scores = np.array([row.score for row in rows])
    gain = np.array([log_prior()[row.bravais] for row in rows])
    for k, (told, sign) in _compared(rows, fits, peaks).items():
        gain[k] += sign * np.clip(told, -EVIDENCE.most, EVIDENCE.most)
    return np.where(scores.max() - scores < EVIDENCE.reach, gain - gain[0], 0.0)


def _settled(rows, fits, peaks):
    """Probabilities of rows in their final order: the first is no more than `most_unsettled` likely
    where pattern and share of its lattice favour a supercell of it.
    """
    prior = [log_prior()[row.bravais] for row in rows]
    favoured = [
        told + prior[k] - prior[0]
        for k, (told, sign) in _compared(rows, fits, peaks).items()
        if sign > 0
    ]
    chances = [row.probability for row in rows]
    if max(favoured, default=-np.inf) > 0:
        chances[0] = min(chances[0], EVIDENCE.most_unsettled)
    return chances


def _compared(rows, fits, peaks):
    """By number of a row: the log evidence of the larger one over the smaller one of it and the
    first, and 1 if it is the larger one, else -1. Only rows near the first that are sub- or
    supercells of it.
    """
    best = max(row.score for row in rows)
    found = {}
    for k in range(1, min(EVIDENCE.n_compared, len(fits), len(rows))):
        if best - rows[k].score < EVIDENCE.reach:
            told = _between(rows[0], fits[0], rows[k], fits[k], peaks)
            found |= {} if told is None else {k: told}
    return found


def _between(first, first_fit, other, other_fit, peaks):
    """The log evidence of the larger of two rows over the smaller one, and 1 if the other is the
    larger one, else -1; None if they are no sub- and supercell.
    """
    sides = [(first, first_fit, -1), (other, other_fit, 1)]
    sides.sort(key=lambda side: side[0].volume / lattice.POINTS[side[0].bravais[1]])
    (small, _, _), (large, fit, sign) = sides
    if fit is None:
        return None
    pair = ((row.bravais, cell_of(row)) for row in (large, small))
    shared = evidence.shared_lines(*pair, fit.lines.hkl)
    if shared is None:
        return None
    return evidence.of_supercell(fit, shared, _voted(peaks)), sign


def _voted(peaks):
    """2theta in degrees of the peaks that have a say in the list's scores."""
    n = SEARCH.max_verify
    faint = peaks.faint
    votes = prepare(peaks.q2[:n], None, None, peaks.wavelength, n, faint).votes
    return bragg.two_theta(votes.q2, peaks.wavelength)


@lru_cache(maxsize=1)
def log_prior():
    """Return the log of the share of minerals that have each Bravais lattice, by symbol."""
    of_number = {
        number: name
        for name in lattice.BRAVAIS
        for numbers in extinction.numbers(name)
        for number in numbers
    }
    minerals = dict.fromkeys(lattice.BRAVAIS, EVIDENCE.unseen)
    for number, n in symbols.counts().items():
        minerals[of_number[number]] += n
    total = sum(minerals.values())
    return {name: float(np.log(n / total)) for name, n in minerals.items()}
