"""How index templates are chosen: subsets of lines that fix a cell well, and few of them that cover
the training patterns.
"""

import itertools

import numpy as np

from ddi.forward import lattice, noise
from ddi.forward.lines import KINDS
from ddi.models.constants import CONSTANTS

REACH = {1: 5, 2: 6, 3: 7, 4: 8, 6: 9}
"""How far templates look: free parameters -> number of first peaks they choose from (chosen)."""


def learn(patterns, bravais, *, n_max, n_copies, seed):
    """Return (peaks, hkl) of the templates that meet the patterns best; see
    `ddi.models.templates`.
    """
    n_free = lattice.ties(KINDS[bravais].system).shape[1]
    rng = np.random.default_rng(seed)
    spoil = CONSTANTS.drop, CONSTANTS.spurious
    peaks = []
    hkl = []
    owner = []
    for number, (copy, (q2, indices)) in enumerate(itertools.product(range(n_copies), patterns)):
        seen, where = disturb(len(q2), rng, *(spoil if copy else (0, 0)))
        chosen, places = usable_subsets(q2[seen], indices[seen], where, bravais, n_free)
        peaks.append(places)
        hkl.append(indices[seen][chosen])
        owner.append(np.full(len(chosen), number))
    peaks = np.concatenate(peaks).astype(np.int8)
    hkl = np.concatenate(hkl).astype(np.int8)
    owner = np.concatenate(owner)
    if not len(peaks):
        return peaks.reshape(0, n_free), hkl.reshape(0, n_free, 3)
    code = np.concatenate([peaks[..., None], hkl], axis=-1).reshape(len(peaks), -1).astype(np.int64)
    keys = code @ rng.integers(1, 2**40, code.shape[1])
    _, first, template = np.unique(keys, return_index=True, return_inverse=True)
    best = cover(template, owner, n_max)
    return peaks[first[best]], hkl[first[best]]


def disturb(n, rng, drop, spurious):
    """Return which of n lines stay, and the number each then has among the peaks, spurious ones
    counted.
    """
    stays = noise.kept(n, drop, rng)
    extra = rng.random(n) < spurious
    places = np.cumsum(stays + extra) - 1
    return np.flatnonzero(stays), places[stays]


def usable_subsets(q2, hkl, places, bravais, n_free):
    """Return the choices of n_free lines that fix the cell well, and their peak numbers.

    They are sought among the first `REACH` peaks; where these lie in a zone or row and fix too
    little, further on.
    """
    design = lattice.design(hkl[:20], KINDS[bravais].system)
    error = np.sqrt(q2[:20])
    for reach in range(REACH[n_free], CONSTANTS.max_reach + 1, 2):
        near = np.flatnonzero(places[:20] < reach)
        subsets = np.array(list(itertools.combinations(near, n_free)), dtype=int).reshape(
            -1, n_free
        )
        subsets = subsets[np.abs(np.linalg.det(design[subsets])) > 0.5]
        if not len(subsets):
            continue
        gain = design @ np.linalg.inv(design[subsets]) * error[subsets][:, None, :] / error[:, None]
        subsets = subsets[np.sqrt((gain**2).sum(axis=2).mean(axis=1)) < CONSTANTS.amplification]
        if len(subsets) >= CONSTANTS.enough * n_free:
            break
    return subsets, places[subsets]


def cover(template, pattern, n_max, depth=12, rounds=60):
    """Return template numbers, best first: in rounds, those that meet most patterns not yet met
    `depth` times.

    Parameters
    ----------
    template, pattern : ndarray of int, shape (n,)
        Which template meets which pattern.
    n_max, depth, rounds : int

    Returns
    -------
    ndarray of int
    """
    n_templates = template.max() + 1
    met = np.zeros(pattern.max() + 1)
    taken = np.zeros(n_templates, dtype=bool)
    order = []
    for _ in range(rounds):
        gain = np.bincount(
            template, weights=np.maximum(1 - met[pattern] / depth, 0), minlength=n_templates
        )
        gain[taken] = 0
        batch = np.argsort(-gain, kind="stable")[: max(n_max // rounds, 1)]
        batch = batch[gain[batch] > 0]
        taken[batch] = True
        order.append(batch)
        met = np.bincount(pattern, weights=taken[template], minlength=len(met))
    return np.concatenate(order)[:n_max]
