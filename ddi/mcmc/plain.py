"""The loop of `ddi.mcmc.chains` in plain numpy: what it means, and what the compiled one is
measured against.
"""

import numpy as np

from ddi.forward import lattice
from ddi.mcmc import chains, likelihood
from ddi.mcmc.steps import closed_form


def advance(state, pattern, settings, temperature, spread, seed, first):
    """Do what `ddi.mcmc.chains.advance` does for nearest-line assignment, one array operation after
    another (the plain version).
    """
    x, best_x, label, best_label, scores, identity, confidence = state
    q2_obs, lines, ties, _, _, bounds, intensity = pattern
    eps, half_wave = settings[:2]
    subsample, by, weighting = settings[2:5].astype(int)
    n_peaks = label.shape[1]
    n_ref = lines.shape[1]

    def draw(number):
        return chains.hashed_uniform(np.full(1, seed), identity, np.uint64(number))

    probability = confidence if by == chains.GIVEN else np.ones(label.shape)
    if by == chains.CONFIDENCE:
        q2 = np.where(x @ lines > 0, x @ lines, np.inf)
        probability = _confidence(
            q2_obs, q2, np.abs(q2_obs[:, None] - q2[:, None, :]).min(axis=2), eps
        )
    for t in range(len(temperature)):
        counter = (first + t) * (64 + 4 * n_peaks + 4 * n_ref)
        H = lines.T[label]
        calculated = (H @ x[..., None])[..., 0]
        error = np.abs(q2_obs - calculated)
        weight = 1 / (q2_obs * (error + eps))
        if weighting == chains.COELHO:
            shift = 2 * np.abs(
                np.arcsin(np.minimum(1, half_wave * np.sqrt(calculated)))
                - np.arcsin(half_wave * np.sqrt(q2_obs))
            )
            weight = (q2_obs ** (-2 * draw(counter)[:, None]) * shift * intensity) ** 2
        key = (
            -np.log(np.stack([draw(counter + 1 + k) for k in range(n_peaks)], axis=1)) / probability
        )
        np.put_along_axis(
            weight, np.argsort(-key, axis=1, kind="stable")[:, : n_peaks - subsample], 0.0, axis=1
        )
        moved = closed_form(x, H, q2_obs, weight)
        q2 = moved @ lines
        delta = np.abs(q2_obs[:, None] - np.where(q2 > 0, q2, np.inf)[:, None, :])
        chosen = delta.argmin(axis=2)
        near = np.take_along_axis(delta, chosen[..., None], axis=2)[..., 0]
        variance = q2_obs * (near + eps)
        count = ((q2 > 0) & (q2 < q2_obs[-1])).sum(axis=1)
        score = -0.5 * (near**2 / variance + np.log(2 * np.pi * variance)).sum(
            axis=1
        ) + n_peaks * likelihood.log_prior(count)
        lucky = np.log(draw(counter + n_peaks + 8)) * temperature[t] <= score - scores[:, 0]
        taken = lucky & _numpy_bounds(moved, ties, bounds)
        if by == chains.CONFIDENCE:
            probability[taken] = _confidence(
                q2_obs, np.where(q2 > 0, q2, np.inf)[taken], near[taken], eps
            )
        x[taken] = moved[taken]
        label[taken] = chosen[taken]
        scores[taken, 0] = score[taken]
        scores[taken, 2] += 1
        best = taken & (score > scores[:, 1])
        best_x[best] = x[best]
        best_label[best] = label[best]
        scores[best, 1] = score[best]


def _numpy_bounds(x, ties, bounds):
    cells = lattice.x_to_cell(x @ ties.T)
    return (
        np.isfinite(cells).all(axis=1)
        & (cells[:, :3] >= bounds[0]).all(axis=1)
        & (cells[:, :3] <= bounds[1]).all(axis=1)
    )


def _confidence(q2_obs, q2, near, eps):
    below = np.where(
        q2[:, None, :] <= q2_obs[:, None], q2_obs[:, None] - q2[:, None, :], np.inf
    ).min(axis=2)
    above = np.where(
        q2[:, None, :] > q2_obs[:, None], q2[:, None, :] - q2_obs[:, None], np.inf
    ).min(axis=2)
    far = np.maximum(below, above)
    return 1 / (1 + np.exp(-np.minimum(50.0, (far**2 - near**2) / (2 * (near + eps) ** 2))))
