"""The compiled heart of the optimisation: many chains of subsample - solve - reassign - accept, one fused loop a candidate.

The observed peaks of a pattern never change, so a reference line finds its two neighbours among them by a table look-up built
once. One iteration of one candidate is then one pass over the reference lines, which stays in the first-level cache, and a
linear system of at most six unknowns. Random numbers are a hash of (seed, candidate, counter): a chain depends on nothing else,
neither on the number of threads nor on which other candidates run beside it.

`ddi.mcmc.advance_numpy` does the same in plain numpy; a test holds the two together.
"""

import numba as nb
import numpy as np

NEAREST, RESAMPLE, MARGINAL = 0, 1, 2
SIGMA, COELHO = 0, 1
UNIFORM, CONFIDENCE = 0, 1

RIDGE = 1e-10  # of the Jacobi-scaled normal equations, towards the present x
WINDOW = 4.0  # sigma beyond which a line has no share in a peak
BACKGROUND = np.exp(-0.5 * 3.0**2)  # share of "no line": what a line at 3 sigma has; lets spurious peaks go
N_BINS = 2048  # of the look-up table; twenty peaks leave almost every bin empty

_jit = nb.njit(cache=True, error_model="numpy")
_inline = nb.njit(cache=True, error_model="numpy", inline="always")


def hashed_uniform(seed, candidate, counter):
    """Return a number in (0, 1) that depends on three unsigned 64-bit integers only (the finaliser of splitmix64, twice).

    Works on numpy arrays as it stands and, compiled, on scalars.
    """
    z = seed * np.uint64(0x9E3779B97F4A7C15) + candidate * np.uint64(0xD1342543DE82EF95) + counter
    for _ in range(2):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)) + np.float64(0.5)) * np.float64(2.0**-53)


_uniform = nb.njit(cache=True)(hashed_uniform)


def lookup(q2_obs):
    """Return ``(table, scale)``: ``table[int(q2 * scale)]`` is the number of peaks below the start of that bin of q2.

    Parameters
    ----------
    q2_obs : ndarray, shape (n_peaks,)
        Increasing, in A^-2.
    """
    scale = N_BINS / q2_obs[-1]
    return np.searchsorted(q2_obs, np.arange(N_BINS + 1) / scale, side="right").astype(np.int64), scale


@_jit
def neighbours(x, lines, q2_obs, table, scale, q2, below, above, i_below, i_above):
    """Find, for every peak, the nearest calculated line on either side in one pass over the reference lines.

    Parameters
    ----------
    x : ndarray, shape (n_free,)
    lines : ndarray, shape (n_free, n_ref)
        Transposed design matrix.
    q2 : ndarray, shape (n_ref,)
        Filled with the calculated lines.
    below, above, i_below, i_above : ndarray, shape (n_peaks + 1,)
        Filled: entry k of `below` is the largest line up to peak k, entry k of `above` the smallest beyond it.

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
    below[:], above[:] = -np.inf, np.inf
    i_below[:], i_above[:] = -1, -1
    last, count = q2_obs[-1], 0
    for r in range(q2.size):  # interval j holds the lines between peak j - 1 and peak j
        line = q2[r]
        j = n_peaks
        if 0.0 < line < last:
            count += 1
            j = table[int(line * scale)]
            while q2_obs[j] <= line:
                j += 1
            if line > below[j]:
                below[j], i_below[j] = line, r
        if 0.0 < line < above[j]:
            above[j], i_above[j] = line, r
    for j in range(1, n_peaks):
        if below[j - 1] > below[j]:
            below[j], i_below[j] = below[j - 1], i_below[j - 1]
    for j in range(n_peaks, 0, -1):  # peak k lies between intervals k and k + 1
        if j < n_peaks and above[j + 1] < above[j]:
            above[j], i_above[j] = above[j + 1], i_above[j + 1]
    above[:-1], i_above[:-1] = above[1:].copy(), i_above[1:].copy()
    return count


@_jit
def _choose(q2_obs, below, above, i_below, i_above, label):
    """Give every peak the nearer of its two neighbours, the lower one if they are equally near."""
    for k in range(label.size):
        label[k] = i_below[k] if q2_obs[k] - below[k] <= above[k] - q2_obs[k] else i_above[k]


@_jit
def _confidence(q2_obs, below, above, eps, probability):
    """Fill the softmax of -delta^2 / 2 (near + eps)^2 between a peak's two neighbours, near being the distance of the nearer."""
    for k in range(probability.size):
        low, high = q2_obs[k] - below[k], above[k] - q2_obs[k]
        near, far = min(low, high), max(low, high)
        probability[k] = 1.0 / (1.0 + np.exp(-min(50.0, (far * far - near * near) / (2 * (near + eps) ** 2))))


@_jit
def _normal_equations(label, calculated, lines, q2_obs, weight, normal, gradient):
    """Add the weighted sums over peaks to the lower triangle of the normal matrix and to the gradient."""
    for k in range(label.size):
        if weight[k] > 0:
            for i in range(gradient.size):
                pull = weight[k] * lines[i, label[k]]
                gradient[i] += pull * (q2_obs[k] - calculated[k])
                for j in range(i + 1):
                    normal[i, j] += pull * lines[j, label[k]]


@_jit
def solve_step(normal, gradient, step):
    """Solve the ridged normal equations in place; `step` is finite for every positive semidefinite matrix."""
    n = gradient.size
    size = np.empty(6)
    for i in range(n):
        size[i] = 1.0 / np.sqrt(normal[i, i]) if normal[i, i] > 0 else 1.0
    for i in range(n):
        for j in range(i + 1):
            normal[i, j] *= size[i] * size[j]
        normal[i, i] += RIDGE
    for i in range(n):  # Cholesky, lower triangle
        for j in range(i + 1):
            total = normal[i, j]
            for k in range(j):
                total -= normal[i, k] * normal[j, k]
            normal[i, j] = np.sqrt(max(total, RIDGE)) if i == j else total / normal[j, j]
    for i in range(n):
        total = gradient[i] * size[i]
        for k in range(i):
            total -= normal[i, k] * step[k]
        step[i] = total / normal[i, i]
    for i in range(n - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, n):
            total -= normal[k, i] * step[k]
        step[i] = total / normal[i, i]
    for i in range(n):
        step[i] *= size[i]


@_jit
def in_bounds(x, ties, shortest, longest):
    """Say whether x, shape (n_free,), is the reciprocal metric of a cell with axes within bounds (A; section 2.4.1)."""
    hh, kk, ll, kl, hl, hk = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for f in range(x.size):
        hh += ties[0, f] * x[f]
        kk += ties[1, f] * x[f]
        ll += ties[2, f] * x[f]
        kl += ties[3, f] * x[f] / 2
        hl += ties[4, f] * x[f] / 2
        hk += ties[5, f] * x[f] / 2
    if not (hh > 0 and kk > 0 and ll > 0):
        return False
    aa, bb, cc = kk * ll - kl * kl, hh * ll - hl * hl, hh * kk - hk * hk
    volume = hh * aa - hk * (hk * ll - kl * hl) + hl * (hk * kl - kk * hl)
    if not (aa > 0 and bb > 0 and cc > 0 and volume > 1e-6 * hh * kk * ll):
        return False
    low, high = shortest * shortest * volume, longest * longest * volume
    return low <= aa <= high and low <= bb <= high and low <= cc <= high


@_inline
def _weigh(k, q2_obs, calculated, eps, weighting, power, half_wave, weight, confidence):
    """Weight of peak k in the least squares: 1/sigma^2 of the errata, or the square of Coelho's d^m |d 2theta| I."""
    error = abs(q2_obs[k] - calculated[k])
    if weighting == SIGMA:
        weight[k] = 1.0 / (q2_obs[k] * (error + eps))
    else:
        shift = 2 * abs(np.arcsin(min(1.0, half_wave * np.sqrt(calculated[k]))) - np.arcsin(half_wave * np.sqrt(q2_obs[k])))
        weight[k] = (q2_obs[k] ** (-power / 2) * shift * confidence[k]) ** 2


@_inline
def _drop(seed, candidate, counter, weight, probability, n_drop, key):
    """Give `n_drop` peaks, drawn without replacement, weight zero; sure ones (probability near 1) are rarely among them."""
    for k in range(weight.size):
        key[k] = -np.log(_uniform(seed, candidate, counter + np.uint64(k))) / probability[k]
    for _ in range(n_drop):
        worst = np.argmax(key)
        key[worst] = -1.0
        weight[worst] = 0.0


@_inline
def _log_likelihood(q2_obs, calculated, eps, count):
    """Log of equation 2.4.1 for one assignment, with the prior of `ddi.likelihood.log_prior`."""
    total = -0.5 * q2_obs.size * np.log(max(count, 1))
    for k in range(q2_obs.size):
        error = abs(q2_obs[k] - calculated[k])
        variance = q2_obs[k] * (error + eps)
        total -= 0.5 * (error * error / variance + np.log(2 * np.pi * variance))
    return total


@_jit
def _resample(seed, candidate, counter, q2, q2_obs, table, scale, sigma, chosen, mass):
    """Draw a line for every peak from the softmax of -delta^2 / 2 sigma^2 (lines beyond the window are left out).

    One pass over the lines: a line replaces the one held by a peak with probability (its weight)/(weight so far).
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
    """Normal equations of the sum over all reference lines: each line pulls a peak by its share (responsibility) in it.

    Two passes over the lines, first the sum of shares of every peak, then the sums over lines; `used` is zero for dropped peaks.
    """
    n_peaks, n_free = q2_obs.size, gradient.size
    mass[:] = BACKGROUND
    for turn in range(2):
        for r in range(q2.size):
            line = q2[r]
            if line <= 0 or line > q2_obs[-1] + WINDOW * sigma[-1]:
                continue
            j = table[min(int(line * scale), table.size - 1)]
            while j < n_peaks and q2_obs[j] <= line:
                j += 1
            pull, curve = 0.0, 0.0
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
def _run(x, best_x, label, best_label, scores, candidate, q2_obs, lines, ties, table, scale, bounds, intensity, settings, temperature, spread, seed, first):
    """Advance one chain by ``temperature.size`` iterations; `x`, `label` and `scores` (present, best, accepted) are updated."""
    eps, half_wave = settings[0], settings[1]
    subsample, by, weighting, mode = int(settings[2]), int(settings[3]), int(settings[4]), int(settings[5])
    n_free, n_ref, n_peaks = x.size, lines.shape[1], q2_obs.size
    q2, below, above = np.empty(n_ref), np.empty(n_peaks + 1), np.empty(n_peaks + 1)
    i_below, i_above = np.empty(n_peaks + 1, np.int64), np.empty(n_peaks + 1, np.int64)
    weight, key, mass, sigma = np.empty(n_peaks), np.empty(n_peaks), np.empty(n_peaks), np.empty(n_peaks)
    calculated, proposed = np.empty(n_peaks), np.empty(n_peaks)
    probability, chosen = np.ones(n_peaks), label.copy()
    normal, gradient, step, x_new = np.empty((n_free, n_free)), np.empty(n_free), np.empty(n_free), np.empty(n_free)
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
        _drop(seed, candidate, counter + np.uint64(1), weight, probability, n_peaks - subsample, key)
        normal[:], gradient[:] = 0.0, 0.0
        for k in range(n_peaks):
            sigma[k] = spread[t] * q2_obs[k] + eps
        if mode == MARGINAL:
            _mixture(q2_now, lines, q2_obs, table, scale, sigma, weight, mass, normal, gradient)
        else:
            _normal_equations(label, calculated, lines, q2_obs, weight, normal, gradient)
        solve_step(normal, gradient, step)
        x_new[:] = x + step
        if not in_bounds(x_new, ties, bounds[0], bounds[1]):
            continue
        count = neighbours(x_new, lines, q2_obs, table, scale, q2, below, above, i_below, i_above)
        _choose(q2_obs, below, above, i_below, i_above, chosen)
        if mode == RESAMPLE:
            _resample(seed, candidate, counter + np.uint64(64 + n_peaks), q2, q2_obs, table, scale, sigma, chosen, mass)
        for k in range(n_peaks):
            proposed[k] = q2[chosen[k]]
        score = _log_likelihood(q2_obs, proposed, eps, count)
        if np.log(_uniform(seed, candidate, counter + np.uint64(n_peaks + 8))) * temperature[t] > score - scores[0]:
            continue
        if by == CONFIDENCE:
            _confidence(q2_obs, below, above, eps, probability)
        x[:], label[:], calculated[:], q2_now[:] = x_new, chosen, proposed, q2
        scores[0] = score
        scores[2] += 1
        if score > scores[1]:
            scores[1] = score
            best_x[:], best_label[:] = x, label


@nb.njit(cache=True, parallel=True, error_model="numpy")
def advance(x, best_x, label, best_label, scores, identity, q2_obs, lines, ties, table, scale, bounds, intensity, settings, temperature, spread, seed, first):
    """Advance all chains by ``temperature.size`` iterations, in place and in parallel over candidates.

    Parameters
    ----------
    x, best_x : ndarray, shape (n_cand, n_free)
        Present and best state.
    label, best_label : ndarray of int64, shape (n_cand, n_peaks)
        Index into the reference lines of every peak.
    scores : ndarray, shape (n_cand, 3)
        Present and best log-likelihood; accepted steps.
    identity : ndarray of uint64, shape (n_cand,)
        Names the random stream of each candidate.
    lines : ndarray, shape (n_free, n_ref)
    bounds : ndarray, shape (2,)
        Shortest and longest axis in A.
    intensity : ndarray, shape (n_peaks,)
        Weights of `COELHO`; ones where unknown.
    settings : ndarray, shape (6,)
        eps (A^-2), wavelength/2 (A), peaks a step, UNIFORM or CONFIDENCE, SIGMA or COELHO,
        NEAREST, RESAMPLE or MARGINAL.
    temperature, spread : ndarray, shape (n_iterations,)
        Of the acceptance; and the width of the softmax of `RESAMPLE` and of the mixture of `MARGINAL` as a fraction of q2.
    seed : uint64
    first : int
        Number of the first iteration.
    """
    for c in nb.prange(x.shape[0]):
        _run(x[c], best_x[c], label[c], best_label[c], scores[c], identity[c], q2_obs, lines, ties, table, scale, bounds, intensity, settings, temperature, spread, seed, first)


@nb.njit(cache=True, parallel=True, error_model="numpy")
def assign_all(x, label, counts, q2_obs, lines, table, scale):
    """Nearest reference line of every peak for every candidate, and how many lines lie below the last peak."""
    n_peaks = q2_obs.size
    for c in nb.prange(x.shape[0]):
        q2, below, above = np.empty(lines.shape[1]), np.empty(n_peaks + 1), np.empty(n_peaks + 1)
        i_below, i_above = np.empty(n_peaks + 1, np.int64), np.empty(n_peaks + 1, np.int64)
        counts[c] = neighbours(x[c], lines, q2_obs, table, scale, q2, below, above, i_below, i_above)
        _choose(q2_obs, below, above, i_below, i_above, label[c])


@nb.njit(cache=True, parallel=True, error_model="numpy")
def polish_all(x, label, counts, q2_obs, lines, ties, table, scale, bounds, sigma, widths):
    """Reassign and solve with all peaks, once for every width (in sigma), in place; then assign as `assign_all` does.

    Weights fall off beyond the width as 1 / (1 + z^2)^2, so that a spurious peak lets go as the widths shrink.
    """
    n_peaks, n_free = q2_obs.size, x.shape[1]
    for c in nb.prange(x.shape[0]):
        q2, below, above = np.empty(lines.shape[1]), np.empty(n_peaks + 1), np.empty(n_peaks + 1)
        i_below, i_above = np.empty(n_peaks + 1, np.int64), np.empty(n_peaks + 1, np.int64)
        normal, gradient, step, moved = np.empty((n_free, n_free)), np.empty(n_free), np.empty(n_free), np.empty(n_free)
        weight, calculated = np.empty(n_peaks), np.empty(n_peaks)
        for turn in range(widths.size + 1):
            counts[c] = neighbours(x[c], lines, q2_obs, table, scale, q2, below, above, i_below, i_above)
            _choose(q2_obs, below, above, i_below, i_above, label[c])
            if turn == widths.size:
                break
            normal[:], gradient[:] = 0.0, 0.0
            for k in range(n_peaks):
                calculated[k] = q2[label[c, k]]
                z = (q2_obs[k] - calculated[k]) / (widths[turn] * sigma[k])
                weight[k] = 1.0 / (sigma[k] * (1.0 + z * z)) ** 2
            _normal_equations(label[c], calculated, lines, q2_obs, weight, normal, gradient)
            solve_step(normal, gradient, step)
            moved[:] = x[c] + step
            if in_bounds(moved, ties, bounds[0], bounds[1]):
                x[c] = moved
