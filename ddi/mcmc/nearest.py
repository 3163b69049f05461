"""The lines of candidate cells against the peaks of one pattern, compiled: nearest lines, least
squares, refinement.

The observed peaks of a pattern never change, so a reference line finds its two neighbours among
them by a table look-up built once. A candidate is then one pass over the reference lines, which
stays in the first-level cache, and a linear system of at most six unknowns.

`ddi.index.screening` and `ddi.models.snap` find nearest lines in loops of their own: they enumerate
the lines of each candidate, and a zero shift or a growing number of peaks moves the ends, so that
no table can be built once. `neighbours` in pieces that they could share, the pieces compiled
separately or inlined by numba, made the chains 4.8 times slower (1.20 s of CPU instead of 0.25 s
for 100 steps of 1,000 monoclinic candidates, 2026-11), so it stays one loop.
"""

import numba as nb
import numpy as np

from ddi.base.algebra import solve_ridged

N_BINS = 2048  # of the look-up table; twenty peaks leave almost every bin empty

_jit = nb.njit(cache=True, error_model="numpy")


def lookup(q2_obs):
    """Return ``(table, scale)``: ``table[int(q2 * scale)]`` is the number of peaks below the start
    of that bin of q2.

    Parameters
    ----------
    q2_obs : ndarray, shape (n_peaks,)
        Increasing, in A^-2.
    """
    scale = N_BINS / q2_obs[-1]
    return np.searchsorted(q2_obs, np.arange(N_BINS + 1) / scale, side="right").astype(
        np.int64
    ), scale


@_jit
def neighbours(x, lines, q2_obs, table, scale, q2, below, above, i_below, i_above):
    """Find, for every peak, the nearest calculated line on either side in one pass over the
    reference lines.

    Parameters
    ----------
    x : ndarray, shape (n_free,)
    lines : ndarray, shape (n_free, n_ref)
        Transposed design matrix.
    q2 : ndarray, shape (n_ref,)
        Filled with the calculated lines.
    below, above, i_below, i_above : ndarray, shape (n_peaks + 1,)
        Filled: entry k of `below` is the largest line up to peak k, entry k of `above` the smallest
        beyond it.

    Returns
    -------
    int
        How many lines lie below the last peak.
    """
    n_peaks = q2_obs.size
    q2[:] = 0.0
    for f in range(x.size):
        for r in range(q2.size):
            q2[r] += x[f] * lines[f, r]
    below[:] = -np.inf
    above[:] = np.inf
    i_below[:] = -1
    i_above[:] = -1
    last = q2_obs[-1]
    count = 0
    for r in range(q2.size):  # interval j holds the lines between peak j - 1 and peak j
        line = q2[r]
        j = n_peaks
        if 0.0 < line < last:
            count += 1
            j = table[int(line * scale)]
            while q2_obs[j] <= line:
                j += 1
            if line > below[j]:
                below[j] = line
                i_below[j] = r
        if 0.0 < line < above[j]:
            above[j] = line
            i_above[j] = r
    for j in range(1, n_peaks):
        if below[j - 1] > below[j]:
            below[j] = below[j - 1]
            i_below[j] = i_below[j - 1]
    for j in range(n_peaks, 0, -1):  # peak k lies between intervals k and k + 1
        if j < n_peaks and above[j + 1] < above[j]:
            above[j] = above[j + 1]
            i_above[j] = i_above[j + 1]
    above[:-1] = above[1:].copy()
    i_above[:-1] = i_above[1:].copy()
    return count


@_jit
def choose(q2_obs, below, above, i_below, i_above, label):
    """Give every peak the nearer of its two neighbours, the lower one if they are equally near."""
    for k in range(label.size):
        label[k] = i_below[k] if q2_obs[k] - below[k] <= above[k] - q2_obs[k] else i_above[k]


@_jit
def normal_equations(label, calculated, lines, q2_obs, weight, normal, gradient):
    """Add the weighted sums over peaks to the lower triangle of the normal matrix and to the
    gradient.
    """
    for k in range(label.size):
        if weight[k] > 0:
            for i in range(gradient.size):
                pull = weight[k] * lines[i, label[k]]
                gradient[i] += pull * (q2_obs[k] - calculated[k])
                for j in range(i + 1):
                    normal[i, j] += pull * lines[j, label[k]]


@_jit
def in_bounds(x, ties, shortest, longest):
    """Say whether x, shape (n_free,), is the reciprocal metric of a cell with axes within bounds
    (A; section 2.4.1).
    """
    hh = 0.0
    kk = 0.0
    ll = 0.0
    kl = 0.0
    hl = 0.0
    hk = 0.0
    for f in range(x.size):
        hh += ties[0, f] * x[f]
        kk += ties[1, f] * x[f]
        ll += ties[2, f] * x[f]
        kl += ties[3, f] * x[f] / 2
        hl += ties[4, f] * x[f] / 2
        hk += ties[5, f] * x[f] / 2
    if not (hh > 0 and kk > 0 and ll > 0):
        return False
    aa = kk * ll - kl * kl
    bb = hh * ll - hl * hl
    cc = hh * kk - hk * hk
    volume = hh * aa - hk * (hk * ll - kl * hl) + hl * (hk * kl - kk * hl)
    if not (aa > 0 and bb > 0 and cc > 0 and volume > 1e-6 * hh * kk * ll):
        return False
    low = shortest * shortest * volume
    high = longest * longest * volume
    return low <= aa <= high and low <= bb <= high and low <= cc <= high


@nb.njit(cache=True, parallel=True, error_model="numpy")
def polish_all(x, label, counts, q2_obs, lines, ties, table, scale, bounds, sigma, widths):
    """Assign every peak its nearest line and solve with all peaks, once for every width, in place;
    then assign again.

    Weights fall off beyond the width as 1 / (1 + z^2)^2, so that a spurious peak lets go as the
    widths shrink.

    Parameters
    ----------
    x : ndarray, shape (n_cand, n_free)
        A^-2; unchanged without widths.
    label : ndarray of int64, shape (n_cand, n_peaks)
        Filled with the nearest reference lines.
    counts : ndarray of int64, shape (n_cand,)
        Filled with the number of lines below the last peak.
    q2_obs, sigma : ndarray, shape (n_peaks,)
        Peaks and their errors, A^-2.
    lines, ties, table, scale, bounds
        Of `ddi.mcmc.problem.Arrays`.
    widths : ndarray
        Of the weights, in sigma; one a round.
    """
    n_peaks = q2_obs.size
    n_free = x.shape[1]
    for c in nb.prange(x.shape[0]):
        q2 = np.empty(lines.shape[1])
        below = np.empty(n_peaks + 1)
        above = np.empty(n_peaks + 1)
        i_below = np.empty(n_peaks + 1, np.int64)
        i_above = np.empty(n_peaks + 1, np.int64)
        normal = np.empty((n_free, n_free))
        gradient = np.empty(n_free)
        step = np.empty(n_free)
        moved = np.empty(n_free)
        weight = np.empty(n_peaks)
        calculated = np.empty(n_peaks)
        for turn in range(widths.size + 1):
            counts[c] = neighbours(
                x[c], lines, q2_obs, table, scale, q2, below, above, i_below, i_above
            )
            choose(q2_obs, below, above, i_below, i_above, label[c])
            if turn == widths.size:
                break
            normal[:] = 0.0
            gradient[:] = 0.0
            for k in range(n_peaks):
                calculated[k] = q2[label[c, k]]
                z = (q2_obs[k] - calculated[k]) / (widths[turn] * sigma[k])
                weight[k] = 1.0 / (sigma[k] * (1.0 + z * z)) ** 2
            normal_equations(label[c], calculated, lines, q2_obs, weight, normal, gradient)
            solve_ridged(normal, gradient, step)
            moved[:] = x[c] + step
            if in_bounds(moved, ties, bounds[0], bounds[1]):
                x[c] = moved
