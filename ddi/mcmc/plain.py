"""The loop of `ddi.mcmc.chains` in plain numpy: what it means, what the compiled one is measured
against, and what runs where a network assigns in every step.
"""

import numpy as np

from ddi.forward import lattice
from ddi.mcmc import draws, likelihood, state
from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.steps import closed_form


def nearest(pattern, x):
    """Return the nearest lines, their chance 1, and the log of `likelihood.log_prior`: labels and
    chances (n_cand, n_peaks), log rho (n_cand,).
    """
    q2 = _lines(pattern, x)
    label = np.abs(pattern.q2[:, None] - q2[:, None, :]).argmin(axis=2)
    count = (q2 < pattern.q2[-1]).sum(axis=1)
    return label, np.ones(label.shape), label.shape[1] * likelihood.log_prior(count)


def advance(chain, pattern, settings, temperature, width, seed, first, assign=nearest):
    """Do what `ddi.mcmc.chains.advance` does, one array operation after another.

    Parameters
    ----------
    chain, pattern, settings, temperature, width, seed, first
        As there.
    assign : callable
        ``assign(pattern, x) -> (label, chance, log_rho)``, shapes (n_cand, n_peaks) twice and
        (n_cand,): section 2.3 in place of the nearest line.
    """
    n_peaks = chain.label.shape[1]
    size = draws.per_iteration(n_peaks, pattern.lines.shape[1])

    def draw(number):
        return draws.hashed_uniform(np.full(1, seed), chain.identity, np.uint64(number))

    probability = _sureness(chain, pattern, settings, chain.x, chain.confidence)
    for t in range(len(temperature)):
        counter = (first + t) * size
        H = pattern.lines.T[chain.label]
        weight = _weights(chain, pattern, settings, H, draw(counter))
        _drop(weight, probability, [draw(counter + 1 + k) for k in range(n_peaks)], settings)
        x = closed_form(chain.x, H, pattern.q2, weight)
        inside = _in_bounds(x, pattern)
        label, chance, score = assign(pattern, np.where(inside[:, None], x, chain.x))
        score = score + _log_likelihood(pattern, x, label, settings.eps)
        luck = np.log(draw(counter + n_peaks + draws.OF_ACCEPTANCE)) * temperature[t]
        taken = inside & (luck <= score - chain.log_likelihood)
        sure = _sureness(chain, pattern, settings, x, chance)
        probability = np.where(taken[:, None], sure, probability)
        _accept(chain, taken, x, label, score)
        if settings.assign >= state.SOFTMAX:
            chain.confidence[taken] = chance[taken]


def _weights(chain, pattern, settings, H, luck):
    q2_obs = pattern.q2
    calculated = (H @ chain.x[..., None])[..., 0]
    if settings.weighting == state.SIGMA:
        return 1 / likelihood.sigma2(q2_obs, calculated, settings.eps)
    shift = 2 * np.abs(
        np.arcsin(np.minimum(1, settings.half_wave * np.sqrt(calculated)))
        - np.arcsin(settings.half_wave * np.sqrt(q2_obs))
    )
    exponent = CONSTANTS.largest_exponent * luck[:, None]
    return (q2_obs ** (-exponent / 2) * shift * pattern.intensity) ** 2


def _drop(weight, probability, luck, settings):
    key = -np.log(np.stack(luck, axis=1)) / probability
    left_out = np.argsort(-key, axis=1, kind="stable")[:, : key.shape[1] - settings.subsample]
    np.put_along_axis(weight, left_out, 0.0, axis=1)


def _log_likelihood(pattern, x, label, eps):
    calculated = np.einsum("ckf,cf->ck", pattern.lines.T[label], x)
    variance = pattern.q2 * (np.abs(pattern.q2 - calculated) + eps)
    terms = (pattern.q2 - calculated) ** 2 / variance + np.log(2 * np.pi * variance)
    return -0.5 * terms.sum(axis=1)


def _accept(chain, taken, x, label, score):
    chain.x[taken] = x[taken]
    chain.label[taken] = label[taken]
    chain.log_likelihood[taken] = score[taken]
    chain.accepted[taken] += 1
    best = taken & (score > chain.best_log_likelihood)
    chain.best_x[best] = x[best]
    chain.best_label[best] = label[best]
    chain.best_log_likelihood[best] = score[best]


def _lines(pattern, x):
    q2 = x @ pattern.lines
    return np.where(q2 > 0, q2, np.inf)


def _in_bounds(x, pattern):
    cells = lattice.x_to_cell(x @ pattern.ties.T)
    inside = np.isfinite(cells).all(axis=1)
    shortest, longest = pattern.bounds
    return inside & ((cells[:, :3] >= shortest) & (cells[:, :3] <= longest)).all(axis=1)


def _sureness(chain, pattern, settings, x, chance):
    """How sure each label is: not asked for, the assigner's, or between the two nearest lines."""
    if settings.by == state.UNIFORM:
        return np.ones(chain.label.shape)
    if settings.by == state.GIVEN:
        return chain.confidence if settings.assign < state.SOFTMAX else chance
    q2 = _lines(pattern, x)
    apart = pattern.q2[:, None] - q2[:, None, :]
    below = np.where(apart >= 0, apart, np.inf).min(axis=2)
    above = np.where(apart < 0, -apart, np.inf).min(axis=2)
    near = np.minimum(below, above)
    far = np.maximum(below, above)
    odds = (far**2 - near**2) / (2 * (near + settings.eps) ** 2)
    return 1 / (1 + np.exp(-np.minimum(50.0, odds)))
