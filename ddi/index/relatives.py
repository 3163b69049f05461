"""What else a found cell may be: its sub- and supercells, and its descriptions of higher metric
symmetry.
"""

from dataclasses import replace

import numpy as np

from ddi.forward import lattice, relations
from ddi.index import ranking
from ddi.index.constants import RANKING
from ddi.index.kinship import best_first, distinct

SUPERCELL = "supercell"
SUBCELL = "subcell"
METRIC = "metric symmetry"
_COSTS = {SUPERCELL: RANKING.supercell_cost, SUBCELL: RANKING.subcell_cost, METRIC: 0.0}


def climb(peaks, ordered, zero, symbols=tuple(lattice.BRAVAIS), max_volume=None):
    """Try the super- and subcells of the first candidate and its descriptions of higher metric
    symmetry, then those of the best of these, as long as one explains the peaks better; return all
    in order.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    ordered : list of Judged
    zero : ddi.index.observed.Zero
    symbols : sequence of str
        Bravais lattices that are allowed.
    max_volume : float, optional
        Of the primitive cell in A^3.
    """
    for _ in range(RANKING.max_climb if ordered else 0):
        best = ordered[0]
        born = _relatives(peaks, best, zero, symbols), _more_symmetric(peaks, best, zero, symbols)
        children = ranking.order(peaks, [child for part in born for child in part])
        children = [
            replace(row, score=row.score - _COSTS[row.source])
            for row in children
            if row.primitive_volume <= (max_volume or np.inf)
        ]
        ordered = distinct(best_first(ordered + children))
        if ordered[0] is best:
            break
    return ordered


def _relatives(peaks, best, zero, symbols):
    """Yield the refined sub- and supercells of a judged candidate, in the lattices named."""
    named = {True: SUPERCELL, False: SUBCELL}
    for bravais, start, larger in relations.relatives(best.reduced):
        if bravais in symbols:
            yield from _descendants(peaks, best, bravais, start, zero, named[larger])
    if best.bravais == "hP":  # no subcell of index 2 or 3 is on the way to half of both a and b
        half = lattice.cell_to_x(best.cell * [0.5, 0.5, 1, 1, 1, 1])
        yield from _descendants(peaks, best, "hP", half, zero, SUBCELL)


def _more_symmetric(peaks, row, zero, symbols):
    """Yield the refined descriptions of higher metric symmetry of a judged candidate, at each scale
    of the errors: what is nearly symmetric may be so within coarser ones.
    """
    for bravais, start in relations.more_symmetric(row.reduced, RANKING.metric):
        if bravais in symbols:
            for scale, _ in peaks.scales:
                coarser = replace(peaks, sigma=scale * peaks.sigma)
                yield from _descendants(coarser, row, bravais, start, zero, METRIC)


def _descendants(peaks, row, bravais, start, zero, source):
    """Yield the refined candidate that begins at a relative of `row`, if it is a lattice."""
    x, shifts = ranking.refined(peaks, start[None], np.array([row.zero]), bravais, zero)
    if lattice.is_positive(x)[0] and shifts[0] * peaks.slope[0] < peaks.q2[0]:
        yield ranking.Candidate(bravais, x[0], shifts[0], row.plain, source)
