"""Index sets: assumptions "peaks i, j, ... carry these indices" of a lattice system, the cells they
give, and which of them are right (for `ddi.models.template_network`).

q2 is linear in the reciprocal metric, so an index set and a pattern give a cell by one small
inverse, as exact as the peaks. The sets come from synthetic patterns (`ddi.models.synthetic`), on
the axes of usable cells, and as many are chosen as nearly every pattern needs.
"""

import itertools

import numpy as np
from numba import njit

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.forward.constants import FORWARD
from ddi.models.constants import CONSTANTS
from ddi.models.template_learning import cover

REACH = {1: 6, 2: 8, 3: 9, 4: 10, 6: 11}
"""How far the sets look: free parameters -> number of first peaks they choose from (chosen)."""
_SHORTEST = FORWARD.min_length
_LONGEST = FORWARD.max_length
_LOOSE = 2.0  # a set whose a*2, b*2 or c*2 is off by more than this factor is far from the cell


def chosen(source, n_sets, n_patterns, rng):
    """Choose index sets from a source's synthetic patterns.

    Parameters
    ----------
    source : ddi.models.synthetic.Source
    n_sets, n_patterns : int
        Most sets kept, and patterns they are taken from.
    rng : numpy.random.Generator

    Returns
    -------
    peaks : ndarray of int8, shape (n, p)
    hkl : ndarray of int8, shape (n, p, 3)
        The sets that meet most patterns first, each pattern met several times.
    """
    peaks, hkl = frequent(source, n_patterns, rng)
    q2, cells = source.batch(CONSTANTS.cover_patterns, rng)
    met = right(q2, cells, spread(hkl, source.system), peaks)
    pattern, chosen_set = np.nonzero(met)
    best = cover(chosen_set, pattern, n_sets, depth=CONSTANTS.cover_depth, rounds=40)
    return peaks[best], hkl[best]


def frequent(source, n_patterns, rng):
    """Return (peaks, hkl) of the sets that occur most often, the commonest first."""
    q2, hkl, _ = source.indexed(n_patterns, rng)
    p = lattice.ties(source.system).shape[1]
    choices = np.array(list(itertools.combinations(range(min(REACH[p], q2.shape[1])), p)))
    found = []
    for peaks, design, indices in zip(q2, lattice.design(hkl, source.system), hkl):
        kept = _that_fix(choices, design, np.sqrt(peaks))
        kept = kept[rng.permutation(len(kept))[: CONSTANTS.sets_of_one]]
        found.append(np.concatenate([kept[..., None], indices[kept]], axis=-1))
    codes = np.concatenate(found).astype(np.int8).reshape(-1, 4 * p)
    if not len(codes):
        raise DDIError(
            f"no choice of {p} of the first peaks fixes a {source.system} cell; "
            "give training entries with more than one zone of lines"
        )
    codes, counts = np.unique(codes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[: CONSTANTS.most_sets]
    sets = codes[order].reshape(-1, p, 4)
    return sets[..., 0], sets[..., 1:]


def _that_fix(choices, design, error):
    """Those choices of peaks whose indices fix the cell, and the other lines, well."""
    choices = choices[np.abs(np.linalg.det(design[choices])) > 0.5]
    gain = design @ np.linalg.inv(design[choices]) * error[choices][:, None] / error[:, None]
    return choices[np.sqrt((gain**2).sum(axis=2).mean(axis=1)) < CONSTANTS.amplification]


def spread(hkl, system):
    """Return the matrices that give x from the peaks of each set, shape (n, 6, p)."""
    inverse = np.linalg.inv(lattice.design(hkl, system))
    return np.ascontiguousarray(lattice.ties(system) @ inverse)


@njit(cache=True, error_model="numpy")
def _cell(spread, peaks, q2, cell):
    """Write the cell that a set gives; False where it is none or out of bounds (lengths in A)."""
    x = np.zeros(6)
    for r in range(6):
        for k in range(peaks.shape[0]):
            x[r] += spread[r, k] * q2[peaks[k]]
    kl = 0.5 * x[3]
    hl = 0.5 * x[4]
    hk = 0.5 * x[5]
    aa = x[1] * x[2] - kl * kl
    bb = x[0] * x[2] - hl * hl
    cc = x[0] * x[1] - hk * hk
    ab = kl * hl - hk * x[2]
    ac = hk * kl - hl * x[1]
    bc = hl * hk - kl * x[0]
    volume = x[0] * aa + hk * ab + hl * ac
    if not (x[0] > 0 and aa > 0 and bb > 0 and cc > 0 and volume > 1e-9 * x[0] * aa):
        return False
    cell[0] = np.sqrt(aa / volume)
    cell[1] = np.sqrt(bb / volume)
    cell[2] = np.sqrt(cc / volume)
    cell[3] = np.degrees(np.arccos(bc / np.sqrt(bb * cc)))
    cell[4] = np.degrees(np.arccos(ac / np.sqrt(aa * cc)))
    cell[5] = np.degrees(np.arccos(ab / np.sqrt(aa * bb)))
    return cell[:3].min() >= _SHORTEST and cell[:3].max() <= _LONGEST


@njit(cache=True)
def _far(cell, other, tolerance):
    """Whether a length differs by more than a fraction, or an angle by more than that in rad."""
    for j in range(6):
        away = cell[j] / other[j] - 1 if j < 3 else np.radians(cell[j] - other[j])
        if abs(away) > tolerance:
            return True
    return False


@njit(cache=True)
def _right(q2, cells, x, spread, peaks, tolerance, out):
    cell = np.empty(6)
    for i in range(q2.shape[0]):
        for t in range(peaks.shape[0]):
            near = True
            for r in range(3):
                found = 0.0
                for k in range(peaks.shape[1]):
                    found += spread[t, r, k] * q2[i, peaks[t, k]]
                near = near and x[i, r] < _LOOSE * found and found < _LOOSE * x[i, r]
                if not near:
                    break
            if near and _cell(spread[t], peaks[t], q2[i], cell):
                out[i, t] = not _far(cell, cells[i], tolerance)


def right(q2, cells, spread, peaks, tolerance=CONSTANTS.near):
    """Say which sets give the cells of patterns, within a fraction of each length and that many
    radians of each angle.

    Parameters
    ----------
    q2 : ndarray, shape (n, n_peaks)
        In A^-2.
    cells : ndarray, shape (n, 6)
    spread, peaks : ndarray, shapes (n_sets, 6, p) and (n_sets, p)
    tolerance : float

    Returns
    -------
    ndarray of bool, shape (n, n_sets)
    """
    out = np.zeros((len(q2), len(peaks)), dtype=bool)
    x = lattice.cell_to_x(cells)
    _right(np.ascontiguousarray(q2), cells, x, spread, peaks.astype(np.int64), tolerance, out)
    return out


@njit(cache=True)
def _first(q2, order, spread, peaks, n, apart, out):
    for i in range(q2.shape[0]):
        found = 0
        for t in order[i]:
            if found < n and _cell(spread[t], peaks[t], q2[i], out[i, found]):
                new = True
                for j in range(found):
                    new = new and _far(out[i, found], out[i, j], apart)
                found += new
        for j in range(found, n):
            if found:
                out[i, j] = out[i, j - found]
            else:
                out[i, j] = 90.0


def first_cells(q2, order, spread, peaks, n, apart=CONSTANTS.apart):
    """Return n cells of each pattern, shape (n_patterns, n, 6): those of its sets in the given
    order, shape (n_patterns, m), without repeats; from the start again where there are too few.
    """
    out = np.empty((len(q2), n, 6))
    arguments = (order, spread, peaks.astype(np.int64), n, apart, out)
    _first(np.ascontiguousarray(q2), *arguments)
    return out
