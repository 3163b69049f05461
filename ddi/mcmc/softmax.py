"""Lines shared between peaks, compiled: drawn by distance, all at once, or by the line prior.

Section 2.4.1 gives every peak k a probability rho(H_h | c) of each reference line h. Three ways to
have one inside the loop of `ddi.mcmc.chains`: a Gaussian of the distance (`resample`, `mixture`),
or the softmax of a `ddi.models.assigners.LinePrior` (`by_line_prior`), a table and a Laplace law.
"""

import numba as nb
import numpy as np

from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.draws import uniform

_WINDOW = CONSTANTS.window
_BACKGROUND = np.exp(-0.5 * CONSTANTS.background**2)
_LEAST_Q2 = CONSTANTS.least_q2
_NEGLIGIBLE = 40.0  # log units below the most probable line; exp(-40) is below the rounding error

_jit = nb.njit(cache=True, error_model="numpy")


@_jit
def resample(seed, candidate, counter, q2, pattern, sigma, chosen, mass):
    """Draw a line for every peak from the Gaussian of the distance, softmax(-delta^2 / 2 sigma^2)
    (lines beyond the window are left out).

    One pass over the lines: a line replaces the one held by a peak with probability (its
    weight)/(weight so far).
    """
    q2_obs = pattern.q2
    table = pattern.table
    scale = pattern.scale
    n_peaks = q2_obs.size
    mass[:] = 0.0
    for r in range(q2.size):
        line = q2[r]
        if line <= 0 or line > q2_obs[-1] + _WINDOW * sigma[-1]:
            continue
        j = table[min(int(line * scale), table.size - 1)]
        while j < n_peaks and q2_obs[j] <= line:
            j += 1
        for side in range(2):
            k = j if side else j - 1
            while 0 <= k < n_peaks:
                z = (line - q2_obs[k]) / sigma[k]
                if abs(z) > _WINDOW:
                    break
                weight = np.exp(-0.5 * z * z)
                mass[k] += weight
                counter += np.uint64(1)
                if uniform(seed, candidate, counter) * mass[k] < weight:
                    chosen[k] = r
                k += 1 if side else -1


@_jit
def mixture(q2, pattern, sigma, used, mass, normal, gradient):
    """Normal equations of the sum over all reference lines: each line pulls a peak by its share
    (responsibility) in it.

    Two passes over the lines, first the sum of shares of every peak, then the sums over lines;
    `used` is zero for dropped peaks.
    """
    q2_obs = pattern.q2
    lines = pattern.lines
    table = pattern.table
    scale = pattern.scale
    mass[:] = _BACKGROUND
    for turn in range(2):
        for r in range(q2.size):
            line = q2[r]
            if line <= 0 or line > q2_obs[-1] + _WINDOW * sigma[-1]:
                continue
            pull, curve = _pull(line, q2_obs, table, scale, sigma, used, mass, turn == 0)
            if curve > 0:
                for i in range(gradient.size):
                    gradient[i] += pull * lines[i, r]
                    for j in range(i + 1):
                        normal[i, j] += curve * lines[i, r] * lines[j, r]


@_jit
def _pull(line, q2_obs, table, scale, sigma, used, mass, counting):
    """Add one line's shares to the mass of the peaks about it, or return how they pull and hold
    it.
    """
    n_peaks = q2_obs.size
    j = table[min(int(line * scale), table.size - 1)]
    while j < n_peaks and q2_obs[j] <= line:
        j += 1
    pull = 0.0
    curve = 0.0
    for side in range(2):
        k = j if side else j - 1
        while 0 <= k < n_peaks:
            z = (q2_obs[k] - line) / sigma[k]
            if abs(z) > _WINDOW:
                break
            share = np.exp(-0.5 * z * z)
            if counting:
                mass[k] += share
            elif used[k] > 0:
                share /= mass[k]
                pull += share * z / sigma[k]
                curve += share / (sigma[k] * sigma[k])
            k += 1 if side else -1
    return pull, curve


@_jit
def by_line_prior(seed, candidate, counter, q2, pattern, drawn, chosen, chance):
    """Give every peak its most probable line, or one drawn from the softmax of a line prior.

    The logits are those of `ddi.models.assigners.LinePrior`: log prior - log q2_ref - |q2_obs -
    q2_ref| / (width q2_ref); the last label is (000), for which the peak stands in.

    Parameters
    ----------
    q2 : ndarray, shape (n_ref,)
        The cell's lines, A^-2.
    pattern : ddi.mcmc.problem.Arrays
    drawn : bool
    chosen, chance : ndarray, shape (n_peaks,)
        Filled: labels, and their probabilities rho(H_k | c).
    """
    n_ref = q2.size
    q2_obs = pattern.q2
    log_prior = pattern.log_prior
    logits = np.empty(n_ref)
    line = np.maximum(q2, _LEAST_Q2)
    log_line = np.log(line)
    stiff = 1.0 / (line * pattern.prior_width)
    for k in range(q2_obs.size):
        peak = q2_obs[k]
        for r in range(n_ref - 1):
            logits[r] = log_prior[k, r] - log_line[r] - abs(peak - q2[r]) * stiff[r]
        logits[n_ref - 1] = log_prior[k, n_ref - 1] - np.log(peak) - 1.0
        best = np.argmax(logits)
        most = logits[best]
        total = 0.0
        for r in range(n_ref):
            if logits[r] > most - _NEGLIGIBLE:
                total += np.exp(logits[r] - most)
        if drawn:
            level = uniform(seed, candidate, counter + np.uint64(k)) * total
            best = _reached(logits, most, level)
        chosen[k] = best
        chance[k] = np.exp(logits[best] - most) / total


@_jit
def _reached(logits, most, level):
    """Return the first label at which the sum of the weights exceeds `level`."""
    total = 0.0
    last = 0
    for r in range(logits.size):
        if logits[r] > most - _NEGLIGIBLE:
            total += np.exp(logits[r] - most)
            last = r
            if total > level:
                break
    return last
