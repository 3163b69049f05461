"""The compiled inner loops of the search: screening, refinement, nearest lines.

A candidate is six numbers x (`ddi.forward.lattice`). Its lines are counted out row by row inside
the ellipsoid ``q2 <= q2_max``, so a long axis needs no long list of reference indices, and each
line looks up its nearest observed peak in a table made once a pattern: the cost goes with the
number of lines, not with lines times peaks.
"""

from typing import NamedTuple

import numpy as np

from ddi.base.algebra import solve_ridged
from ddi.forward import lattice
from ddi.forward.lines import (
    LANES,
    MAX_LINES,
    compiled,
    enumerate_lines,
    positions,
    sum_of_squares,
)

_N_BINS = 8192  # of the table of nearest peaks; twenty peaks seldom share one


class ZeroPrior(NamedTuple):
    """Mean and standard deviation of the zero shift in degrees 2theta."""

    mean: float
    sigma: float


class Pattern(NamedTuple):
    """Peaks as the compiled loops read them, shape (n_peaks,) each: A^-2, A^-2 per degree, A^-2."""

    q2: np.ndarray
    slope: np.ndarray
    sigma: np.ndarray


@compiled
def _fill_table(q2_obs, q2_max, table):
    """Fill in the index of the peak nearest to each of equal steps of q2 up to q2_max."""
    nearest = 0
    for i in range(len(table)):
        q2 = (i + 0.5) * q2_max / (len(table) - 1)
        while nearest + 1 < len(q2_obs) and q2_obs[nearest + 1] - q2 < q2 - q2_obs[nearest]:
            nearest += 1
        table[i] = nearest


@compiled
def _log_unlikely(lines, n_lines, q2_max, table, q2_obs, root, sigma, miss):
    """Return ``-sum log min(1, 2 rho max(r, sigma))`` over the peaks; see `screen`."""
    n_peaks = len(q2_obs)
    for k in range(n_peaks):
        miss[k] = 1e9
    to_bin = (len(table) - 1) / q2_max
    for j in range(n_lines):
        k = np.uint64(table[int(lines[j] * to_bin)])
        miss[k] = min(miss[k], abs(lines[j] - q2_obs[k]))
    density = 3.0 * n_lines / q2_max**1.5  # twice the line density is this times sqrt(q2)
    product = 1.0
    for k in range(n_peaks):
        product *= min(1.0, density * root[k] * max(miss[k], sigma[k]))
    return -np.log(product)


@compiled
def _screen(x, q2_obs, sigma, rule, v_min, v_max, max_lines, scores):
    q2_max = q2_obs[-1] + 3 * sigma[-1]
    table = np.empty(_N_BINS + 1, dtype=np.int16)
    _fill_table(q2_obs, q2_max, table)
    root = np.sqrt(q2_obs)
    miss = np.empty(len(q2_obs))
    q2 = np.empty(max_lines + LANES)
    for i in range(len(x)):
        scores[i] = -1.0
        positive, form = sum_of_squares(x[i])
        if positive and v_min <= 1 / np.sqrt(form.d_l * form.d_k * form.d_h) <= v_max:
            n = positions(form, rule, q2_max, max_lines, q2)
            if n > 0:
                scores[i] = _log_unlikely(q2, n, q2_max, table, q2_obs, root, sigma, miss)


@compiled
def _nearest(x, rule, q2_max, q2_obs, q2, hkl, match, found):
    """Fill each peak's nearest line (index triple and q2); return the number of lines, 0 if x is no
    lattice or has too many.
    """
    positive, form = sum_of_squares(x)
    if not positive:
        return 0
    n = enumerate_lines(form, rule, q2_max, q2, hkl)
    if n <= 0:
        return 0
    for k in range(len(q2_obs)):
        nearest = 0
        miss = 1e9
        for j in range(n):
            if abs(q2[j] - q2_obs[k]) < miss:
                nearest = j
                miss = abs(q2[j] - q2_obs[k])
        for axis in range(3):
            match[k, axis] = hkl[nearest, axis]
        found[k] = q2[nearest]
    return n


@compiled
def _add_peak(h, k, l, ties, slope, miss, weight, row, normal, gradient):
    """Add one peak to the normal equations of the free x and, last, the zero shift."""
    n_free = ties.shape[1]
    for a in range(n_free):
        row[a] = h * h * ties[0, a] + k * k * ties[1, a] + l * l * ties[2, a]
        row[a] += k * l * ties[3, a] + h * l * ties[4, a] + h * k * ties[5, a]
    row[n_free] = slope
    for a in range(n_free + 1):
        gradient[a] += weight * row[a] * miss
        for c in range(a + 1):
            normal[a, c] += weight * row[a] * row[c]


@compiled
def _refine(x, zero, ties, rule, pattern, prior, widths, max_lines):
    q2_obs, slope, sigma = pattern
    n_free = ties.shape[1]
    n_peaks = len(q2_obs)
    q2 = np.empty(max_lines)
    hkl = np.empty((max_lines, 3), dtype=np.int16)
    match = np.empty((n_peaks, 3), dtype=np.int16)
    found = np.empty(n_peaks)
    row = np.empty(n_free + 1)
    step = np.empty(n_free + 1)
    normal = np.empty((n_free + 1, n_free + 1))
    gradient = np.empty(n_free + 1)
    for i in range(len(x)):
        for round in range(len(widths)):
            width = widths[round]
            corrected = q2_obs - slope * zero[i]
            reach = corrected[-1] + 4 * sigma[-1] * width
            if _nearest(x[i], rule, reach, corrected, q2, hkl, match, found) == 0:
                for c in range(6):
                    x[i, c] = 0.0
                break
            for a in range(n_free + 1):
                gradient[a] = 0.0
                for c in range(a + 1):
                    normal[a, c] = 0.0
            for k in range(n_peaks):
                miss = corrected[k] - found[k]
                spread = sigma[k] * width
                weight = 1 / (spread * (1 + (miss / (2 * spread)) ** 2)) ** 2
                h = float(match[k, 0])
                j = float(match[k, 1])
                l = float(match[k, 2])
                _add_peak(h, j, l, ties, slope[k], miss, weight, row, normal, gradient)
            normal[n_free, n_free] += 1 / prior.sigma**2
            gradient[n_free] -= (zero[i] - prior.mean) / prior.sigma**2
            solve_ridged(normal, gradient, step)
            for c in range(6):
                for a in range(n_free):
                    x[i, c] += ties[c, a] * step[a]
            zero[i] += step[n_free]


@compiled
def _describe(x, zero, rule, q2_obs, slope, max_lines, misses, counts):
    n_peaks = len(q2_obs)
    q2 = np.empty(max_lines)
    hkl = np.empty((max_lines, 3), dtype=np.int16)
    match = np.empty((n_peaks, 3), dtype=np.int16)
    found = np.empty(n_peaks)
    for i in range(len(x)):
        corrected = q2_obs - slope * zero[i]
        counts[i] = _nearest(x[i], rule, 1.002 * corrected[-1], corrected, q2, hkl, match, found)
        for k in range(n_peaks):
            misses[i, k] = corrected[k] - found[k] if counts[i] else 1e9


def screen(x, q2_obs, sigma, kind, volumes, max_lines=MAX_LINES):
    """Score cells by how unlikely their coincidences with the peaks are.

    Parameters
    ----------
    x : ndarray, shape (n, 6)
        Reciprocal metric in A^-2 on the axes of the search.
    q2_obs : ndarray, shape (n_peaks,)
        In A^-2, the trial zero shift taken off.
    sigma : ndarray, shape (n_peaks,)
        What a cell may be off by, in A^-2.
    kind : Kind
    volumes : tuple of float
        Smallest and largest volume of the cell in A^3.
    max_lines : int
        A cell with more lines up to the last peak is dropped.

    Returns
    -------
    ndarray, shape (n,)
        ``-sum log min(1, 2 rho max(r, sigma))``, r being the distance of each peak from its nearest
        line and rho the density of lines; -1 where the candidate is no lattice, or too small or too
        large.
    """
    scores = np.empty(len(x))
    _screen(x, q2_obs, sigma, kind.rule, *volumes, max_lines, scores)
    return scores


def refine(x, zero, kind, q2_obs, slope, sigma, zero_mean, zero_sigma, widths, max_lines=MAX_LINES):
    """Refine candidates and their zero shifts in place, forgiving spurious peaks.

    Each round assigns the nearest lines and solves for x and the zero shift, weights falling off
    beyond twice sigma times the round's width, with a small ridge towards the present x and a
    normal prior on the zero shift.

    Parameters
    ----------
    x : ndarray, shape (n, 6)
        Overwritten; zeros where a candidate came to nothing.
    zero : ndarray, shape (n,)
        Degrees 2theta; overwritten.
    kind : Kind
    q2_obs, slope, sigma : ndarray, shape (n_peaks,)
        As in `ddi.index.observed.Peaks`.
    zero_mean, zero_sigma : float
        Degrees 2theta.
    widths : ndarray
        One a round.
    """
    pattern = Pattern(q2_obs, slope, sigma)
    prior = ZeroPrior(zero_mean, zero_sigma)
    ties = np.ascontiguousarray(lattice.ties(kind.system))  # one layout in memory, compiled once
    _refine(x, zero, ties, kind.rule, pattern, prior, widths, max_lines)


def describe(x, zero, kind, q2_obs, slope):
    """Return each peak's distance from its nearest line (n, n_peaks), in A^-2, and the number of
    lines up to the last (n,).
    """
    misses = np.empty((len(x), len(q2_obs)))
    counts = np.empty(len(x), dtype=np.int64)
    _describe(x, zero, kind.rule, q2_obs, slope, MAX_LINES, misses, counts)
    return misses, counts
