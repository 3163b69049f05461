"""Snapping: refining a rough cell against the peaks of a pattern, and scoring the agreement
(`ddi.forward.chance`).

A cell a few per cent off still puts its first lines next to the right peaks. So: assign the first
few peaks to the nearest calculated lines, solve the weighted least squares for x (linear,
`ddi.forward.lattice`), take more peaks, and again. Lines are enumerated, not read from a list of
reference indices, so a long axis costs nothing but time. About 10 microseconds a cell.
"""

import math

import numpy as np
from numba import njit

from ddi.base.algebra import solve_ridged
from ddi.forward import lattice
from ddi.forward.bragg import sigma_q2
from ddi.forward.chance import SCORE, error_density, line_density, log_odds

SIGMA_DEGREES = 0.03  # of 2 theta
ROUNDS = (0.3, 0.4, 0.6, 0.8, 1.0, 1.0)  # share of the peaks that takes part in each round
MAX_INDEX = 40
_NONE = 1e9
_SPURIOUS = SCORE.spurious


def snap(q2, cells, system, rounds=ROUNDS, degrees=SIGMA_DEGREES):
    """Move cells onto a pattern's lines and score them.

    Parameters
    ----------
    q2 : array_like, shape (n_peaks,)
        Ascending, in A^-2.
    cells : array_like, shape (n, 6)
        b-unique where monoclinic.
    system : str
    rounds : sequence of float
        Share of the peaks used in each round.
    degrees : float
        Positional error of 2 theta.

    Returns
    -------
    cells : ndarray, shape (n, 6)
        As given where the solution is no cell.
    scores : ndarray, shape (n,)
        Log evidence against chance, higher is better; -inf where the solution is no cell.
    """
    q2 = np.ascontiguousarray(q2, dtype=float)
    cells = np.asarray(cells, dtype=float)
    ties = lattice.ties(system)
    fewest = min(len(q2), ties.shape[1] + 2)
    used = np.array([max(fewest, round(share * len(q2))) for share in rounds] + [len(q2)])
    x = np.ascontiguousarray(lattice.free_x(lattice.cell_to_x(cells), system))
    scores = np.empty(len(cells))
    k_signed = bool(ties[[3, 5]].any())
    l_signed = bool(ties[[3, 4]].any())
    _snap(x, q2, sigma_q2(q2, degrees), ties, used, k_signed, l_signed, scores)
    snapped = lattice.x_to_cell(lattice.full_x(x, system))
    good = lattice.is_possible(np.nan_to_num(snapped)) & (scores > -_NONE)
    return np.where(good[:, None], snapped, cells), np.where(good, scores, -np.inf)


@njit(cache=True, fastmath=True)
def _limits(x, q2_max):
    """Largest h, k, l of any line up to q2_max: sqrt(q2_max) times a, b, c; zeros if x is no metric
    or too large a cell.
    """
    kl = x[3] / 2
    hl = x[4] / 2
    hk = x[5] / 2
    aa = x[1] * x[2] - kl * kl
    bb = x[0] * x[2] - hl * hl
    cc = x[0] * x[1] - hk * hk
    det = x[0] * aa - hk * (hk * x[2] - kl * hl) + hl * (hk * kl - x[1] * hl)
    if x[0] <= 0 or cc <= 0 or det <= 1e-12 * abs(x[0] * x[1] * x[2]):
        return 0, 0, 0
    # noqa: E741
    h = math.sqrt(q2_max * aa / det)
    k = math.sqrt(q2_max * bb / det)
    l = math.sqrt(q2_max * cc / det)
    if max(h, k, l) > MAX_INDEX:
        return 0, 0, 0
    return int(h), int(k), int(l)


@njit(cache=True, fastmath=True)
def _assign(x, q2, m, k_signed, l_signed, miss, products):
    """Find the nearest line of each of the first m peaks: signed distance and products of indices.
    Return the number of lines.
    """
    q2_max = 1.03 * q2[m - 1]
    n = 0
    h_max, k_max, l_max = _limits(x, q2_max)
    miss[:m] = _NONE
    for h in range(h_max + 1):
        for k in range(-k_max if k_signed and h > 0 else 0, k_max + 1):
            for l in range(
                -l_max if l_signed and (h > 0 or (k_signed and k > 0)) else 0, l_max + 1
            ):  # noqa: E741
                line = (
                    x[0] * h * h
                    + x[1] * k * k
                    + x[2] * l * l
                    + x[3] * k * l
                    + x[4] * h * l
                    + x[5] * h * k
                )
                if line <= 0 or line > q2_max:
                    continue
                n += 1
                above = np.searchsorted(q2[:m], line)
                for p in range(max(above - 1, 0), min(above + 1, m)):
                    if abs(line - q2[p]) < abs(miss[p]):
                        miss[p] = line - q2[p]
                        products[p, 0] = h * h
                        products[p, 1] = k * k
                        products[p, 2] = l * l
                        products[p, 3] = k * l
                        products[p, 4] = h * l
                        products[p, 5] = h * k
    return n


@njit(cache=True, fastmath=True)
def _solve(x_free, q2, sigma, m, miss, products, ties):
    """Weighted least squares for the free x, held by a small ridge to where they are; a far peak
    weighs little.
    """
    n_free = x_free.shape[0]
    a = np.zeros((n_free, n_free))
    b = np.zeros(n_free)
    step = np.empty(n_free)
    for p in range(m):
        if miss[p] >= _NONE:
            continue
        weight = 1 / ((abs(miss[p]) + sigma[p]) * q2[p])
        row = products[p] @ ties
        for i in range(n_free):
            b[i] -= weight * row[i] * miss[p]
            for j in range(n_free):
                a[i, j] += weight * row[i] * row[j]
    solve_ridged(a, b, step)
    x_free += step


@njit(cache=True, fastmath=True)
def _score(q2, sigma, miss, n_lines):
    """Sum of the peaks' log likelihood ratios (`ddi.forward.chance`)."""
    total = 0.0
    for p in range(q2.shape[0]):
        density = line_density(n_lines, q2[p], q2[-1])
        total += log_odds(error_density(miss[p], sigma[p]) / density, _SPURIOUS)
    return total


@njit(cache=True, fastmath=True)
def _snap(x, q2, sigma, ties, used, k_signed, l_signed, scores):
    miss = np.empty(q2.shape[0])
    products = np.zeros((q2.shape[0], 6))
    for i in range(x.shape[0]):
        scores[i] = -_NONE
        for r in range(used.shape[0]):
            n = _assign(ties @ x[i], q2, used[r], k_signed, l_signed, miss, products)
            if n == 0:
                break
            if r == used.shape[0] - 1:
                scores[i] = _score(q2, sigma, miss, n)
            else:
                _solve(x[i], q2, sigma, used[r], miss, products, ties)


@njit(cache=True)
def distinct(cells, n, tolerance):
    """Return the places of the first n cells of which no two agree within a relative tolerance;
    repeats of the last if too few.
    """
    kept = np.zeros(n, dtype=np.int64)
    found = 0
    for i in range(cells.shape[0]):
        new = True
        for j in range(found):
            if np.abs(cells[i] / cells[kept[j]] - 1).max() <= tolerance:
                new = False
                break
        if new:
            kept[found] = i
            found += 1
            if found == n:
                return kept
    for j in range(max(found, 1), n):
        kept[j] = kept[max(found - 1, 0)]
    return kept
