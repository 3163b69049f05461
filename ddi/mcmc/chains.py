"""The compiled heart of the optimisation: many chains of subsample - solve - reassign - accept
(section 2.4.3), one fused loop a candidate.

`ddi.mcmc.plain` is the same loop in plain numpy; a test holds the two together.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from ddi.base.algebra import solve_ridged
from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.draws import OF_ACCEPTANCE, OF_LINES, drop, per_iteration, uniform
from ddi.mcmc.nearest import choose, in_bounds, neighbours, normal_equations
from ddi.mcmc.softmax import by_line_prior, mixture, resample
from ddi.mcmc.state import (
    COELHO,
    CONFIDENCE,
    DRAWN,
    GIVEN,
    MARGINAL,
    RESAMPLE,
    SIGMA,
    SOFTMAX,
    Chain,
)

_LARGEST_EXPONENT = CONSTANTS.largest_exponent
_LEAST_CHANCE = CONSTANTS.least_chance
_jit = nb.njit(cache=True, error_model="numpy")
_inline = nb.njit(cache=True, error_model="numpy", inline="always")
_per_iteration = _jit(per_iteration)


class _Work(NamedTuple):
    """Arrays that one chain needs again and again; those of lines and cells are the proposal's."""

    q2: np.ndarray
    q2_now: np.ndarray
    below: np.ndarray
    above: np.ndarray
    i_below: np.ndarray
    i_above: np.ndarray
    weight: np.ndarray
    key: np.ndarray
    mass: np.ndarray
    sigma: np.ndarray
    calculated: np.ndarray
    proposed: np.ndarray
    probability: np.ndarray
    chance: np.ndarray
    chosen: np.ndarray
    normal: np.ndarray
    gradient: np.ndarray
    step: np.ndarray
    x: np.ndarray


@_jit
def _workspace(n_free, n_ref, n_peaks):
    return _Work(
        np.empty(n_ref),
        np.zeros(n_ref),
        np.empty(n_peaks + 1),
        np.empty(n_peaks + 1),
        np.empty(n_peaks + 1, np.int64),
        np.empty(n_peaks + 1, np.int64),
        np.empty(n_peaks),
        np.empty(n_peaks),
        np.empty(n_peaks),
        np.empty(n_peaks),
        np.zeros(n_peaks),
        np.empty(n_peaks),
        np.ones(n_peaks),
        np.ones(n_peaks),
        np.empty(n_peaks, np.int64),
        np.empty((n_free, n_free)),
        np.empty(n_free),
        np.empty(n_free),
        np.empty(n_free),
    )


@_jit
def _begin(chain, pattern, settings, work):
    """Calculate the lines of the present state and how sure its labels are."""
    for f in range(chain.x.size):
        work.q2_now[:] += chain.x[f] * pattern.lines[f]
        for k in range(chain.label.size):
            work.calculated[k] += chain.x[f] * pattern.lines[f, chain.label[k]]
    if settings.by == GIVEN:
        work.probability[:] = chain.confidence
    elif settings.by == CONFIDENCE:
        _neighbours(chain.x, pattern, work)
        _confidence(pattern.q2, work.below, work.above, settings.eps, work.probability)


@_jit
def _neighbours(x, pattern, work):
    return neighbours(
        x,
        pattern.lines,
        pattern.q2,
        pattern.table,
        pattern.scale,
        work.q2,
        work.below,
        work.above,
        work.i_below,
        work.i_above,
    )


@_jit
def _confidence(q2_obs, below, above, eps, probability):
    """Fill the softmax of -delta^2 / 2 (near + eps)^2 between a peak's two neighbours, near being
    the distance of the nearer.
    """
    for k in range(probability.size):
        low = q2_obs[k] - below[k]
        high = above[k] - q2_obs[k]
        near = min(low, high)
        far = max(low, high)
        probability[k] = 1.0 / (
            1.0 + np.exp(-min(50.0, (far * far - near * near) / (2 * (near + eps) ** 2)))
        )


@_inline
def _weigh(q2_obs, calculated, settings, exponent, intensity, weight):
    """Weights of the peaks: 1/sigma^2 of the errata, or the square of Coelho's d^m |d 2theta| I
    (section 1.2).
    """
    for k in range(weight.size):
        if settings.weighting == SIGMA:
            weight[k] = 1.0 / (q2_obs[k] * (abs(q2_obs[k] - calculated[k]) + settings.eps))
        else:
            shift = 2 * abs(
                np.arcsin(min(1.0, settings.half_wave * np.sqrt(calculated[k])))
                - np.arcsin(settings.half_wave * np.sqrt(q2_obs[k]))
            )
            weight[k] = (q2_obs[k] ** (-exponent / 2) * shift * intensity[k]) ** 2


@_jit
def _widths(q2_obs, width, eps, sigma):
    """Width of each peak's Gaussian, a fraction of q2."""
    for k in range(sigma.size):
        sigma[k] = width * q2_obs[k] + eps


@_jit
def _mix(pattern, settings, width, work):
    """Fill the normal equations of step 1.2 of section 2.4.3 for all lines at once."""
    _widths(pattern.q2, width, settings.eps, work.sigma)
    mixture(work.q2_now, pattern, work.sigma, work.weight, work.mass, work.normal, work.gradient)


@_jit
def _reassign(seed, candidate, counter, log_prior, pattern, settings, width, work):
    """Label the proposal's lines by other than the nearest; return sum_k log rho(H_k | c) of
    section 2.4.1, `log_prior` where it is uniform.
    """
    if settings.assign >= SOFTMAX:
        drawn = settings.assign == DRAWN
        by_line_prior(seed, candidate, counter, work.q2, pattern, drawn, work.chosen, work.chance)
        return np.log(np.maximum(work.chance, _LEAST_CHANCE)).sum()
    if settings.assign == RESAMPLE:
        _widths(pattern.q2, width, settings.eps, work.sigma)
        resample(seed, candidate, counter, work.q2, pattern, work.sigma, work.chosen, work.mass)
    return log_prior


@_inline
def _log_likelihood(q2_obs, q2, label, eps, calculated):
    """Log of rho(q_obs | H, c), equation 2.4.1 for one assignment, with the errata's sigma; fills
    the labelled lines.
    """
    total = 0.0
    for k in range(q2_obs.size):
        calculated[k] = q2[label[k]]
        error = abs(q2_obs[k] - calculated[k])
        variance = q2_obs[k] * (error + eps)
        total -= 0.5 * (error * error / variance + np.log(2 * np.pi * variance))
    return total


@_jit
def _accept(chain, pattern, settings, score, work):
    """Make the proposal the present state, and the best if it is."""
    if settings.by == CONFIDENCE:
        _confidence(pattern.q2, work.below, work.above, settings.eps, work.probability)
    if settings.assign >= SOFTMAX:
        chain.confidence[:] = np.maximum(work.chance, _LEAST_CHANCE)
        if settings.by == GIVEN:
            work.probability[:] = chain.confidence
    chain.x[:] = work.x
    chain.label[:] = work.chosen
    work.calculated[:] = work.proposed
    work.q2_now[:] = work.q2
    chain.log_likelihood[0] = score
    chain.accepted[0] += 1
    if score > chain.best_log_likelihood[0]:
        chain.best_log_likelihood[0] = score
        chain.best_x[:] = chain.x
        chain.best_label[:] = chain.label


@_jit
def _run(chain, pattern, settings, temperature, width, seed, first):
    """Advance one chain by ``temperature.size`` iterations, in place.

    Arrays of the tuples have names of their own here: taking one out of a tuple costs as much as a
    peak.
    """
    q2_obs, lines, ties, table, scale, bounds, intensity, _, _ = pattern
    x, _, label, _, log_likelihood, _, _, candidate, _, _ = chain
    n_peaks = q2_obs.size
    work = _workspace(x.size, lines.shape[1], n_peaks)
    _begin(chain, pattern, settings, work)
    (q2, _, below, above, i_below, i_above, weight, key, _, _, calculated, proposed) = work[:12]
    (probability, _, chosen, normal, gradient, step, x_new) = work[12:]
    size = np.uint64(_per_iteration(n_peaks, lines.shape[1]))
    n_drop = n_peaks - settings.subsample
    for t in range(temperature.size):
        counter = np.uint64(first + t) * size
        exponent = 0.0
        if settings.weighting == COELHO:
            exponent = _LARGEST_EXPONENT * uniform(seed, candidate, counter)
        _weigh(q2_obs, calculated, settings, exponent, intensity, weight)
        drop(seed, candidate, counter + np.uint64(1), weight, probability, n_drop, key)
        normal[:] = 0.0
        gradient[:] = 0.0
        if settings.assign == MARGINAL:
            _mix(pattern, settings, width[t], work)
        else:
            normal_equations(label, calculated, lines, q2_obs, weight, normal, gradient)
        solve_ridged(normal, gradient, step)
        x_new[:] = x + step
        if not in_bounds(x_new, ties, bounds[0], bounds[1]):
            continue
        count = neighbours(x_new, lines, q2_obs, table, scale, q2, below, above, i_below, i_above)
        choose(q2_obs, below, above, i_below, i_above, chosen)
        score = -0.5 * n_peaks * np.log(max(count, 1))
        if settings.assign >= RESAMPLE:
            of_lines = counter + np.uint64(OF_LINES + n_peaks)
            score = _reassign(seed, candidate, of_lines, score, pattern, settings, width[t], work)
        score += _log_likelihood(q2_obs, q2, chosen, settings.eps, proposed)
        luck = uniform(seed, candidate, counter + np.uint64(n_peaks + OF_ACCEPTANCE))
        if np.log(luck) * temperature[t] <= score - log_likelihood[0]:
            _accept(chain, pattern, settings, score, work)


@nb.njit(cache=True, parallel=True, error_model="numpy")
def advance(chains, pattern, settings, temperature, width, seed, first):
    """Advance all chains by ``temperature.size`` iterations, in place and in parallel over
    candidates.

    Parameters
    ----------
    chains : ddi.mcmc.state.Chain
        Of arrays with the candidates in front.
    pattern : ddi.mcmc.problem.Arrays
    settings : ddi.mcmc.state.Settings
    temperature, width : ndarray, shape (n_iterations,)
        Of `ddi.mcmc.options.Plan`.
    seed : uint64
    first : int
        Number of the first iteration.
    """
    for c in nb.prange(chains.x.shape[0]):
        chain = Chain(
            chains.x[c],
            chains.best_x[c],
            chains.label[c],
            chains.best_label[c],
            chains.log_likelihood[c : c + 1],
            chains.best_log_likelihood[c : c + 1],
            chains.accepted[c : c + 1],
            chains.identity[c],
            chains.confidence[c],
            chains.origin[c],
        )
        _run(chain, pattern, settings, temperature, width, seed, first)
