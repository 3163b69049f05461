"""The compiled heart of the optimisation: many chains of subsample - solve - reassign - accept, one
fused loop a candidate.

Random numbers are a hash of (seed, candidate, counter): a chain depends on nothing else, neither on
the number of threads nor on which other candidates run beside it. `ddi.mcmc.plain` is the same loop
in plain numpy; a test holds the two together.
"""

import numba as nb
import numpy as np

from ddi.base.algebra import solve_ridged
from ddi.mcmc.nearest import choose, in_bounds, neighbours, normal_equations

NEAREST = 0
RESAMPLE = 1
MARGINAL = 2
SIGMA = 0
COELHO = 1
UNIFORM = 0
CONFIDENCE = 1
GIVEN = 2

WINDOW = 4.0  # sigma beyond which a line has no share in a peak
BACKGROUND = np.exp(
    -0.5 * 3.0**2
)  # share of "no line": what a line at 3 sigma has; lets spurious peaks go

_jit = nb.njit(cache=True, error_model="numpy")
_inline = nb.njit(cache=True, error_model="numpy", inline="always")


def hashed_uniform(seed, candidate, counter):
    """Return a number in (0, 1) that depends on three unsigned 64-bit integers only (the finaliser
    of splitmix64, twice).

    Works on numpy arrays as it stands and, compiled, on scalars.
    """
    z = seed * np.uint64(0x9E3779B97F4A7C15) + candidate * np.uint64(0xD1342543DE82EF95) + counter
    for _ in range(2):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)) + np.float64(0.5)) * np.float64(2.0**-53)


_uniform = nb.njit(cache=True)(hashed_uniform)


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
def _weigh(k, q2_obs, calculated, eps, weighting, power, half_wave, weight, intensity):
    """Weight of peak k in the least squares: 1/sigma^2 of the errata, or the square of Coelho's d^m
    |d 2theta| I.
    """
    error = abs(q2_obs[k] - calculated[k])
    if weighting == SIGMA:
        weight[k] = 1.0 / (q2_obs[k] * (error + eps))
    else:
        shift = 2 * abs(
            np.arcsin(min(1.0, half_wave * np.sqrt(calculated[k])))
            - np.arcsin(half_wave * np.sqrt(q2_obs[k]))
        )
        weight[k] = (q2_obs[k] ** (-power / 2) * shift * intensity[k]) ** 2


@_inline
def _drop(seed, candidate, counter, weight, probability, n_drop, key):
    """Give `n_drop` peaks, drawn without replacement, weight zero; sure ones (probability near 1)
    are rarely among them.
    """
    for k in range(weight.size):
        key[k] = -np.log(_uniform(seed, candidate, counter + np.uint64(k))) / probability[k]
    for _ in range(n_drop):
        worst = np.argmax(key)
        key[worst] = -1.0
        weight[worst] = 0.0


@_inline
def _log_likelihood(q2_obs, calculated, eps, count):
    """Log of equation 2.4.1 for one assignment, with the prior of `ddi.mcmc.likelihood.log_prior`."""
    total = -0.5 * q2_obs.size * np.log(max(count, 1))
    for k in range(q2_obs.size):
        error = abs(q2_obs[k] - calculated[k])
        variance = q2_obs[k] * (error + eps)
        total -= 0.5 * (error * error / variance + np.log(2 * np.pi * variance))
    return total


@_jit
def _resample(seed, candidate, counter, q2, q2_obs, table, scale, sigma, chosen, mass):
    """Draw a line for every peak from the softmax of -delta^2 / 2 sigma^2 (lines beyond the window
    are left out).

    One pass over the lines: a line replaces the one held by a peak with probability (its
    weight)/(weight so far).
    """
    n_peaks = q2_obs.size
    mass[:] = 0.0
    for r in range(q2.size):
        line = q2[r]
        if line <= 0 or line > q2_obs[-1] + WINDOW * sigma[-1]:
            continue
        j = table[min(int(line * scale), table.size - 1)]
        while j < n_peaks and q2_obs[j] <= line:
            j += 1
        for side in range(2):
            k = j if side else j - 1
            while 0 <= k < n_peaks:
                z = (line - q2_obs[k]) / sigma[k]
                if abs(z) > WINDOW:
                    break
                weight = np.exp(-0.5 * z * z)
                mass[k] += weight
                counter += np.uint64(1)
                if _uniform(seed, candidate, counter) * mass[k] < weight:
                    chosen[k] = r
                k += 1 if side else -1


@_jit
def _mixture(q2, lines, q2_obs, table, scale, sigma, used, mass, normal, gradient):
    """Normal equations of the sum over all reference lines: each line pulls a peak by its share
    (responsibility) in it.

    Two passes over the lines, first the sum of shares of every peak, then the sums over lines;
    `used` is zero for dropped peaks.
    """
    n_peaks = q2_obs.size
    n_free = gradient.size
    mass[:] = BACKGROUND
    for turn in range(2):
        for r in range(q2.size):
            line = q2[r]
            if line <= 0 or line > q2_obs[-1] + WINDOW * sigma[-1]:
                continue
            j = table[min(int(line * scale), table.size - 1)]
            while j < n_peaks and q2_obs[j] <= line:
                j += 1
            pull = 0.0
            curve = 0.0
            for side in range(2):
                k = j if side else j - 1
                while 0 <= k < n_peaks:
                    z = (q2_obs[k] - line) / sigma[k]
                    if abs(z) > WINDOW:
                        break
                    share = np.exp(-0.5 * z * z)
                    if turn == 0:
                        mass[k] += share
                    elif used[k] > 0:
                        share /= mass[k]
                        pull += share * z / sigma[k]
                        curve += share / (sigma[k] * sigma[k])
                    k += 1 if side else -1
            if curve > 0:
                for i in range(n_free):
                    gradient[i] += pull * lines[i, r]
                    for j in range(i + 1):
                        normal[i, j] += curve * lines[i, r] * lines[j, r]


@_jit
def _run(
    x,
    best_x,
    label,
    best_label,
    scores,
    candidate,
    confidence,
    pattern,
    settings,
    temperature,
    spread,
    seed,
    first,
):
    """Advance one chain by ``temperature.size`` iterations; `x`, `label` and `scores` (present,
    best, accepted) are updated.
    """
    q2_obs, lines, ties, table, scale, bounds, intensity = pattern
    eps = settings[0]
    half_wave = settings[1]
    subsample = int(settings[2])
    by = int(settings[3])
    weighting = int(settings[4])
    mode = int(settings[5])
    n_free = x.size
    n_ref = lines.shape[1]
    n_peaks = q2_obs.size
    q2 = np.empty(n_ref)
    below = np.empty(n_peaks + 1)
    above = np.empty(n_peaks + 1)
    i_below = np.empty(n_peaks + 1, np.int64)
    i_above = np.empty(n_peaks + 1, np.int64)
    weight = np.empty(n_peaks)
    key = np.empty(n_peaks)
    mass = np.empty(n_peaks)
    sigma = np.empty(n_peaks)
    calculated = np.empty(n_peaks)
    proposed = np.empty(n_peaks)
    probability = confidence.copy() if by == GIVEN else np.ones(n_peaks)
    chosen = label.copy()
    normal = np.empty((n_free, n_free))
    gradient = np.empty(n_free)
    step = np.empty(n_free)
    x_new = np.empty(n_free)
    per_iteration = np.uint64(64 + 4 * n_peaks + 4 * n_ref)
    for k in range(n_peaks):
        calculated[k] = 0.0
        for f in range(n_free):
            calculated[k] += x[f] * lines[f, label[k]]
    q2_now = np.zeros(n_ref)
    for f in range(n_free):
        q2_now += x[f] * lines[f]
    if by == CONFIDENCE:
        neighbours(x, lines, q2_obs, table, scale, q2, below, above, i_below, i_above)
        _confidence(q2_obs, below, above, eps, probability)
    for t in range(temperature.size):
        counter = np.uint64(first + t) * per_iteration
        power = 4.0 * _uniform(seed, candidate, counter) if weighting == COELHO else 0.0
        for k in range(n_peaks):
            _weigh(k, q2_obs, calculated, eps, weighting, power, half_wave, weight, intensity)
        _drop(
            seed, candidate, counter + np.uint64(1), weight, probability, n_peaks - subsample, key
        )
        normal[:] = 0.0
        gradient[:] = 0.0
        for k in range(n_peaks):
            sigma[k] = spread[t] * q2_obs[k] + eps
        if mode == MARGINAL:
            _mixture(q2_now, lines, q2_obs, table, scale, sigma, weight, mass, normal, gradient)
        else:
            normal_equations(label, calculated, lines, q2_obs, weight, normal, gradient)
        solve_ridged(normal, gradient, step)
        x_new[:] = x + step
        if not in_bounds(x_new, ties, bounds[0], bounds[1]):
            continue
        count = neighbours(x_new, lines, q2_obs, table, scale, q2, below, above, i_below, i_above)
        choose(q2_obs, below, above, i_below, i_above, chosen)
        if mode == RESAMPLE:
            _resample(
                seed,
                candidate,
                counter + np.uint64(64 + n_peaks),
                q2,
                q2_obs,
                table,
                scale,
                sigma,
                chosen,
                mass,
            )
        for k in range(n_peaks):
            proposed[k] = q2[chosen[k]]
        score = _log_likelihood(q2_obs, proposed, eps, count)
        if (
            np.log(_uniform(seed, candidate, counter + np.uint64(n_peaks + 8))) * temperature[t]
            > score - scores[0]
        ):
            continue
        if by == CONFIDENCE:
            _confidence(q2_obs, below, above, eps, probability)
        x[:] = x_new
        label[:] = chosen
        calculated[:] = proposed
        q2_now[:] = q2
        scores[0] = score
        scores[2] += 1
        if score > scores[1]:
            scores[1] = score
            best_x[:] = x
            best_label[:] = label


@nb.njit(cache=True, parallel=True, error_model="numpy")
def advance(chains, pattern, settings, temperature, spread, seed, first):
    """Advance all chains by ``temperature.size`` iterations, in place and in parallel over
    candidates.

    Parameters
    ----------
    chains : tuple
        `ddi.mcmc.sampler.State.arrays`: x, best_x, label, best_label, scores, identity, confidence.
    pattern : tuple
        `ddi.mcmc.problem.Problem.arrays`: q2_obs, lines, ties, table, scale, bounds, intensity.
    settings, temperature, spread
        Of `ddi.mcmc.options.Plan`.
    seed : uint64
    first : int
        Number of the first iteration.
    """
    x, best_x, label, best_label, scores, identity, confidence = chains
    for c in nb.prange(x.shape[0]):
        own = x[c], best_x[c], label[c], best_label[c], scores[c], identity[c], confidence[c]
        _run(*own, pattern, settings, temperature, spread, seed, first)
