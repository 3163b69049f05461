"""Snapping: refining a rough cell against the peaks of a pattern, and scoring the agreement
(`ddi.forward.chance`).

A cell a few per cent off still puts its first lines next to the right peaks. So: assign the first
few peaks to the nearest calculated lines, solve the weighted least squares for x (linear,
`ddi.forward.lattice`), take more peaks, and again. Lines are enumerated, not read from a list of
reference indices, so a long axis costs nothing but time. About 10 microseconds a cell.
"""

import numpy as np
from numba import njit

from ddi.base.algebra import solve_ridged
from ddi.forward import lattice
from ddi.forward.bragg import sigma_q2
from ddi.forward.chance import SCORE, error_density, line_density, log_odds
from ddi.forward.lattice import BRAVAIS
from ddi.forward.lines import KINDS, MAX_LINES, compiled, enumerate_lines, sum_of_squares
from ddi.models.constants import CONSTANTS

_REACH = CONSTANTS.snap_reach
_NONE = 1e9  # A^-2; no line is near
_RULES = {
    system: KINDS[bravais].rule for bravais, (system, letter) in BRAVAIS.items() if letter == "P"
}
_RULES["rhombohedral"] = _RULES["triclinic"]  # in rhombohedral axes no index is redundant but -h
_SPURIOUS = SCORE.spurious


def snap(q2, cells, system, rounds=CONSTANTS.snap_rounds, degrees=CONSTANTS.snap_sigma):
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
    _snap(x, q2, sigma_q2(q2, degrees), ties, _RULES[system], used, scores)
    snapped = lattice.x_to_cell(lattice.full_x(x, system))
    good = lattice.is_possible(np.nan_to_num(snapped)) & (scores > -_NONE)
    return np.where(good[:, None], snapped, cells), np.where(good, scores, -np.inf)


@compiled
def _assign(x, rule, q2, m, lines, hkl, miss, products):
    """Find the nearest line of each of the first m peaks: signed distance and products of indices.
    Return the number of lines, 0 if x is no lattice or has more than there is room for.
    """
    positive, form = sum_of_squares(x)
    if not positive:
        return 0
    n = enumerate_lines(form, rule, _REACH * q2[m - 1], lines, hkl)
    miss[:m] = _NONE
    for i in range(n):
        above = np.searchsorted(q2[:m], lines[i])
        for p in range(max(above - 1, 0), min(above + 1, m)):
            if abs(lines[i] - q2[p]) < abs(miss[p]):
                miss[p] = lines[i] - q2[p]
                h = float(hkl[i, 0])
                k = float(hkl[i, 1])
                l = float(hkl[i, 2])
                products[p, 0] = h * h
                products[p, 1] = k * k
                products[p, 2] = l * l
                products[p, 3] = k * l
                products[p, 4] = h * l
                products[p, 5] = h * k
    return max(n, 0)


@compiled
def _solve(x_free, q2, sigma, m, miss, products, ties):
    """Move the free x by weighted least squares; a far peak weighs little."""
    n_free = x_free.shape[0]
    normal = np.zeros((n_free, n_free))
    gradient = np.zeros(n_free)
    step = np.empty(n_free)
    for p in range(m):
        if miss[p] < _NONE:
            weight = 1 / ((abs(miss[p]) + sigma[p]) * q2[p])
            row = products[p] @ ties
            for i in range(n_free):
                gradient[i] -= weight * row[i] * miss[p]
                for j in range(i + 1):
                    normal[i, j] += weight * row[i] * row[j]
    solve_ridged(normal, gradient, step)
    x_free += step


@compiled
def _score(q2, sigma, miss, n_lines):
    """Sum of the peaks' log likelihood ratios (`ddi.forward.chance`)."""
    total = 0.0
    for p in range(q2.shape[0]):
        density = line_density(n_lines, q2[p], q2[-1])
        total += log_odds(error_density(miss[p], sigma[p]) / density, _SPURIOUS)
    return total


@compiled
def _snap(x, q2, sigma, ties, rule, used, scores):
    lines = np.empty(MAX_LINES)
    hkl = np.empty((MAX_LINES, 3), dtype=np.int16)
    miss = np.empty(q2.shape[0])
    products = np.zeros((q2.shape[0], 6))
    for i in range(x.shape[0]):
        scores[i] = -_NONE
        for r in range(used.shape[0]):
            n = _assign(ties @ x[i], rule, q2, used[r], lines, hkl, miss, products)
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
