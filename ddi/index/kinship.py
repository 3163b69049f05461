"""What the cells of one ranked list are to each other: one lattice twice, a sub- or supercell, or
the same lattice described with another metric symmetry.
"""

from dataclasses import replace

import numpy as np

from ddi.forward import relations
from ddi.index.constants import KINSHIP, RANKING


def best_first(candidates):
    """Return judged candidates by falling score."""
    return sorted(candidates, key=lambda candidate: -candidate.score)


def merged(ordered, more, cost=0.0):
    """Return two lists of judged candidates as one, best first, a lattice once; those of the second
    pay log units.
    """
    paid = [replace(row, score=row.score - cost) for row in more]
    return distinct(best_first(ordered + paid))


def distinct(ordered):
    """Keep the first of those that describe the same lattice, and those after it that describe it
    with fewer free parameters.
    """
    kept = []
    marks = np.empty((0, 4))
    tolerance = [KINSHIP.same_length] * 3 + [KINSHIP.same_volume]
    for row in ordered:
        mark = np.log([*row.reduced[:3], row.primitive_volume])
        near = np.flatnonzero((np.abs(marks - mark) < tolerance).all(axis=1))
        same = (kept[k] for k in near if relations.same_lattice(row.reduced, kept[k].reduced))
        if all(row.n_free < other.n_free for other in same):
            kept.append(row)
            marks = np.vstack([marks, mark])
    return kept


def prefer_symmetric(ordered, coarse=True):
    """Put the description of a lattice that has the higher metric symmetry in front of the other,
    unless the lines contradict it by more than `metric_gain` log units.

    Parameters
    ----------
    ordered : list of Judged
    coarse : bool
        Whether no errors of the positions are stated; else `stated_metric_gain` is enough.

    Returns
    -------
    list of Judged
        The preferred one has the other's score, if that was higher; the other stands `metric_gain`
        behind, so that it is listed and takes no share of the probability.
    """
    ordered = list(ordered)
    gain = RANKING.metric_gain if coarse else RANKING.stated_metric_gain
    for i in range(min(len(ordered), RANKING.n_related)):
        low = ordered[i]
        for j in range(i + 1, len(ordered)):
            high = ordered[j]
            if high.n_free < low.n_free and is_one_lattice(high, low):
                other = low.score - RANKING.metric_gain
                if high.score >= low.score - gain:
                    ordered[i] = replace(high, score=low.score, partner=low.partner)
                    ordered[j] = replace(low, score=other)
                else:
                    ordered[j] = replace(high, score=other)
                break
    return best_first(ordered)


def is_one_lattice(row, other):
    """Say whether two judged candidates are one lattice; volumes first, which is quick."""
    near = abs(row.primitive_volume / other.primitive_volume - 1) < KINSHIP.same_volume
    return near and relations.same_lattice(row.reduced, other.reduced)


def families(ordered):
    """Return for each, best first, the rank of the first that is a sub- or supercell of index up to
    4 of it; only the first `n_related` are compared.
    """
    heads = []
    for i, row in enumerate(ordered):
        before = range(i if i < RANKING.n_related else 0)
        related = (heads[k] for k in before if _derivative(row, ordered[k]))
        heads.append(next(related, i + 1))
    return heads


def _derivative(row, other):
    ratio = row.primitive_volume / other.primitive_volume
    ratio = max(ratio, 1 / ratio)
    least, most = KINSHIP.ratios
    return (
        least < ratio < most
        and abs(ratio / round(ratio) - 1) < KINSHIP.whole
        and relations.explain(row.reduced, "P", other.reduced, "P")[0] != "wrong"
    )
