"""From a measured pattern to K-alpha1 peak positions with uncertainties.

Background and noise are estimated, lines are found with a matched filter, and overlapping ones are
fitted together, each line as a pair of pseudo-Voigt profiles for K-alpha1 and K-alpha2. What the
stronger lines leave behind at their K-beta position or in their tails is taken out at the end.
"""

from itertools import pairwise

import numpy as np
from scipy.ndimage import convolve1d, gaussian_filter1d
from scipy.optimize import leastsq
from scipy.signal import find_peaks, peak_widths, savgol_filter

from ddi.base.errors import DDIError
from ddi.forward.bragg import DOUBLET_RATIO, anode, moved

# how much too wide, in usual widths, a cluster is when splitting is tried; chi-square a new line must save
BROAD = 1.3
SPLIT_GAIN = 60.0
WIDEST = 1.6  # usual widths; what is broader is no line of this sample
# degrees: alignment and grain statistics; with it the errors scatter as they say on measured
# patterns
SIGMA_FLOOR = 0.006
FAINT_HEIGHT = 0.001
FAINT_SNR = (3.0, 3.5, 4.5, 6.0)
FAINT_SPURIOUS = (0.55, 0.4, 0.25, 0.18)
"""What share of the peaks that `pick` leaves belongs to no line, by their signal-to-noise ratio:
counted on 193 RRUFF patterns.
"""
_NOTHING = "no peak stands out of the noise of this pattern; check that the first column is 2theta and the second intensity"
_FWHM_SIGMA = 2 * np.sqrt(2 * np.log(2))


def pick(two_theta, intensity, wavelength=1.540593, *, min_height=0.01, min_snr=3.7, max_peaks=60):
    """Pick the K-alpha1 peaks of a measured pattern.

    Parameters
    ----------
    two_theta, intensity : array_like, shape (n,)
        Degrees, rising; counts or any unit proportional to them.
    wavelength : float
        In Angstrom; K-alpha1 or the doublet's mean of a tube of `ANODES`, otherwise the pattern is
        taken as monochromatic.
    min_height : float
        Relative to the highest peak.
    min_snr : float
        Smallest ratio of a height to its standard deviation.
    max_peaks : int
        The highest are kept.

    Returns
    -------
    dict of ndarray, shape (n_peaks,)
        ``two_theta`` and ``sigma`` in degrees, ``height``, ``fwhm`` in degrees; sorted by
        two_theta. Positions belong to K-alpha1, `alpha1_wavelength` says in Angstrom which that is.

    Raises
    ------
    DDIError
        If the pattern is too short or flat to hold a peak.
    """
    x, y = _uniform(two_theta, intensity)
    tube = anode(wavelength)
    ratio = tube.alpha2 / tube.alpha1 if tube else None
    y = y - background(x, y)
    noise = noise_level(y)
    width = _width_law(x, y, noise)
    found = _detect(x, y, noise, width(x), min_snr)
    if not len(found):
        raise DDIError(_NOTHING)
    peaks, model = _fit_all(x, y, noise, found, width, ratio)
    missed = _detect(x, y - model, np.hypot(noise, 0.06 * model), width(x), min_snr + 1)
    missed = missed[_distance(missed, peaks[:, 0]) > 0.6 * width(missed)] if len(peaks) else missed
    if len(missed):
        peaks, model = _fit_all(x, y, noise, np.sort(np.append(peaks[:, 0], missed)), width, ratio)
    peaks = peaks[peaks[:, 4] < WIDEST * width(peaks[:, 0])]
    peaks = _keep(peaks, min_height, min_snr, tube)
    if not len(peaks):
        raise DDIError(_NOTHING)
    peaks = peaks[np.sort(np.argsort(-peaks[:, 1], kind="stable")[:max_peaks])]
    return dict(zip(("two_theta", "height", "sigma", "snr", "fwhm"), peaks.T))


def faint(two_theta, intensity, wavelength, strong):
    """Pick what `pick` left out as too weak to trust: it cannot lead a search, but tells a
    supercell from its subcell.

    Parameters
    ----------
    two_theta, intensity, wavelength
        As for `pick`.
    strong : array_like, shape (n,)
        Positions that `pick` returned, in degrees.

    Returns
    -------
    dict of ndarray, shape (m,)
        ``two_theta`` and ``sigma`` in degrees; ``spurious``, the probability to belong to no line.
    """
    weak = pick(
        two_theta,
        intensity,
        wavelength,
        min_height=FAINT_HEIGHT,
        min_snr=FAINT_SNR[0],
        max_peaks=120,
    )
    new = _distance(weak["two_theta"], np.asarray(strong, dtype=float)) > 0.3 * weak["fwhm"]
    chances = np.interp(weak["snr"], FAINT_SNR, FAINT_SPURIOUS)
    return {
        "two_theta": weak["two_theta"][new],
        "sigma": weak["sigma"][new],
        "spurious": chances[new],
    }


def _uniform(two_theta, intensity):
    x = np.asarray(two_theta, dtype=float)
    y = np.asarray(intensity, dtype=float)
    if (
        len(x) < 100
        or len(x) != len(y)
        or not (np.isfinite(x).all() and np.isfinite(y).all() and (np.diff(x) > 0).all())
    ):
        raise DDIError(
            "a pattern wants at least 100 points (2theta, intensity), finite and with rising 2theta"
        )
    step = np.median(np.diff(x))
    if np.ptp(np.diff(x)) < 0.02 * step:
        return x, y
    grid = np.arange(x[0], x[-1], step)
    return grid, np.interp(grid, x, y)


def background(x, y, window=1.5):
    """Return the background under a pattern: SNIP clipping over `window` degrees, shape (n,).

    Notes
    -----
    Ryan et al. (1988), Nucl. Instrum. Methods B 34, 396-402.
    """
    step = x[1] - x[0]
    smooth = gaussian_filter1d(y, 0.1 / step)
    level = np.sqrt(np.clip(smooth - smooth.min(), 0, None))
    reach = max(int(window / step), 2)
    for span in np.unique(np.geomspace(1, reach, 40).astype(int))[::-1]:
        level[span:-span] = np.minimum(
            level[span:-span], 0.5 * (level[: -2 * span] + level[2 * span :])
        )
    return gaussian_filter1d(level**2, 0.3 / step) + smooth.min()


def noise_level(y, blocks=24):
    """Return the standard deviation of every point: a local floor and a part that grows with the
    signal as counts do, shape (n,).
    """
    fourth = np.array([1, -4, 6, -4, 1]) / np.sqrt(70)
    rough = np.abs(convolve1d(y, fourth))
    signal = np.clip(savgol_filter(y, 11, 2), 0, None)
    parts = np.array_split(np.arange(len(y)), blocks)
    floors = [
        1.4826 * np.median(rough[part][signal[part] <= np.quantile(signal[part], 0.6)])
        for part in parts
    ]
    floor = np.interp(np.arange(len(y)), [part.mean() for part in parts], floors)
    floor = np.maximum(floor, max(0.5 * np.median(floors), 1e-4 * np.ptp(y), 1e-12))
    high = signal > np.maximum(5 * floor, 0.02 * signal.max())
    gain = np.median(rough[high] ** 2 / signal[high]) / 0.455 if high.sum() > 20 else 0.0
    return np.sqrt(floor**2 + gain * signal)


def _width_law(x, y, noise):
    """A function of 2theta that gives the usual FWHM in degrees: a + b tan(theta) through the lone
    strong peaks.
    """
    step = x[1] - x[0]
    smooth = gaussian_filter1d(y, 0.03 / step)
    found, _ = find_peaks(
        smooth,
        prominence=np.maximum(12 * noise, 0.04 * smooth.max()),
        distance=max(int(0.3 / step), 1),
    )
    if not len(found):
        return lambda at: np.full(np.shape(at), 0.12)
    fwhm = peak_widths(smooth, found, rel_height=0.5)[0] * step
    # smoothing and, where it is not resolved, the doublet have widened the peaks
    fwhm = np.sqrt(np.clip(fwhm**2 - (0.03 * _FWHM_SIGMA) ** 2, (2 * step) ** 2, None))
    tangent = np.tan(np.radians(x[found] / 2))
    slope = 0.0
    if len(found) >= 6:
        i, j = np.triu_indices(len(found), 1)
        apart = np.abs(tangent[i] - tangent[j]) > 0.05
        slope = (
            np.clip(
                np.median((fwhm[i] - fwhm[j])[apart] / (tangent[i] - tangent[j])[apart]), 0, 0.3
            )
            if apart.any()
            else 0.0
        )
    offset = np.clip(np.quantile(fwhm - slope * tangent, 0.35), 4 * step, 1.0)
    return lambda at: offset + slope * np.tan(np.radians(np.asarray(at) / 2))


def _detect(x, y, noise, width, min_snr):
    """Positions in degrees where a Gaussian of the usual width stands `min_snr` above the noise."""
    step = x[1] - x[0]
    found = []
    edges = np.linspace(0, len(x), 5).astype(int)
    for first, last in pairwise(edges):
        sigma = np.median(width[first:last]) / _FWHM_SIGMA / step
        reach = int(4 * sigma) + 1
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        kernel -= kernel.mean()  # blind to a constant and to a slope
        part = slice(max(first - 2 * reach, 0), min(last + 2 * reach, len(x)))
        snr = convolve1d(y[part], kernel) / np.sqrt(convolve1d(noise[part] ** 2, kernel**2))
        sharp = gaussian_filter1d(y[part], 0.6 * sigma)
        top, _ = find_peaks(sharp, prominence=noise[part] / np.sqrt(2 * sigma))
        top = top[snr[top] > min_snr] + part.start
        found.append(x[top[(top >= first) & (top < last)]])
    return np.concatenate(found)


def _distance(points, others):
    return np.abs(points[:, None] - others).min(axis=1) if len(points) else np.zeros(0)


def _profile(x, position, fwhm, eta):
    """Pseudo-Voigt of unit height with its derivatives by position, log FWHM and eta, each of shape
    (n, n_peaks).
    """
    u = (x[:, None] - position) / fwhm
    lorentz = 1 / (1 + 4 * u**2)
    gauss = np.exp(-4 * np.log(2) * u**2)
    slope = eta * 8 * u * lorentz**2 + (1 - eta) * 8 * np.log(2) * u * gauss
    return eta * lorentz + (1 - eta) * gauss, slope / fwhm, slope * u, lorentz - gauss


def _lines(x, position, fwhm, eta, ratio):
    """The same for a line with its K-alpha2 companion."""
    first = _profile(x, position, fwhm, eta)
    if ratio is None:
        return first
    second = _profile(x, np.nan_to_num(moved(position, ratio), nan=1e3), fwhm, eta)
    return tuple(one + DOUBLET_RATIO * two for one, two in zip(first, second))


def _fit_all(x, y, noise, positions, width, ratio):
    """Fit every cluster of overlapping lines; return rows (two_theta, height, sigma, snr, fwhm) and
    the modelled pattern.
    """
    rows = []
    model = np.zeros_like(y)
    gaps = np.diff(positions) > 4 * width(positions[1:]) + 0.1
    for group in np.split(positions, np.flatnonzero(gaps) + 1):
        margin = 3 * width(group[-1])
        companion = moved(group[-1], ratio) if ratio else group[-1]
        part = (x > group[0] - margin) & (x < np.nan_to_num(companion, nan=group[-1]) + margin)
        fitted, curve = _fit_cluster(
            x[part], y[part], noise[part], group, float(width(group.mean())), ratio
        )
        rows.append(fitted)
        model[part] = np.maximum(model[part], curve)
    peaks = np.concatenate(rows)
    return peaks[np.argsort(peaks[:, 0])], model


def _fit_cluster(x, y, noise, start, fwhm, ratio):
    """Fit a cluster; where its lines come out too broad, try each as two of the usual width and
    keep what is significant.
    """
    rows, model = _fit(x, y, noise, start, fwhm, ratio)
    if rows[0, 4] < BROAD * fwhm or rows[:, 3].max() < 8:
        return rows, model
    half = 0.45 * np.sqrt(rows[0, 4] ** 2 - fwhm**2)
    wide = rows[rows[:, 1] > 0]
    pairs = np.sort(np.concatenate([wide[:, 0] - half, wide[:, 0] + half]))
    for _ in range(2):
        split, curve = _fit(x, y, noise, pairs, fwhm, ratio, width_prior=0.08)
        pairs = split[split[:, 3] > 3.5, 0]
        if not len(pairs):
            return rows, model
    misfit, before = (np.sum(((y - fit) / noise) ** 2) for fit in (curve, model))
    return (
        (split, curve) if misfit < before - SPLIT_GAIN * (len(split) - len(rows)) else (rows, model)
    )


def _fit(x, y, noise, start, fwhm, ratio, width_prior=0.15):
    """Least squares of one cluster: heights, positions, one width, one shape, a straight
    background; weak priors hold what the data do not.
    """
    n = len(start)
    tilt = (x - x.mean()) / np.ptp(x)
    height = np.clip(np.interp(start, x, y), noise.min(), None)
    first = np.concatenate([start, height, [0.0, 0.5, 0.0, 0.0]])
    prior = np.concatenate(
        [
            np.full(n, 0.3 * fwhm),
            np.full(n, 1e3 * height.max()),
            [width_prior, 0.25],
            np.full(2, 2 * noise.min()),
        ]
    )

    def curve(p):
        return _lines(x, p[:n], fwhm * np.exp(p[2 * n]), p[2 * n + 1], ratio)

    def residual(p):
        return np.concatenate(
            [(curve(p)[0] @ p[n : 2 * n] + p[-2] + p[-1] * tilt - y) / noise, (p - first) / prior]
        )

    def jacobian(p):
        shape, by_position, by_width, by_eta = curve(p)
        heights = p[n : 2 * n]
        columns = [
            by_position * heights,
            shape,
            (by_width @ heights)[:, None],
            (by_eta @ heights)[:, None],
            np.ones((len(x), 1)),
            tilt[:, None],
        ]
        return np.vstack([np.hstack(columns) / noise[:, None], np.diag(1 / prior)])

    p = leastsq(residual, first, Dfun=jacobian, maxfev=60, ftol=1e-5, xtol=1e-5, full_output=True)[
        0
    ]
    left = residual(p)[: len(x)]
    spread = max(1.0, np.sqrt(np.mean(left**2)))
    covariance = np.linalg.pinv((lambda j: j.T @ j)(jacobian(p)))
    sigma = np.sqrt(np.diagonal(covariance).clip(1e-12)) * spread
    model = curve(p)[0] @ p[n : 2 * n]
    columns = [
        p[:n],
        p[n : 2 * n],
        np.hypot(sigma[:n], SIGMA_FLOOR),
        p[n : 2 * n] / sigma[n : 2 * n],
        np.full(n, fwhm * np.exp(p[2 * n])),
    ]
    return np.stack(columns, axis=1), model


def _keep(peaks, min_height, min_snr, tube):
    """Drop what is weak, what merged into a neighbour, and what a stronger line explains."""
    peaks = peaks[np.isfinite(peaks).all(axis=1) & (peaks[:, 3] > min_snr)]
    peaks = peaks[peaks[:, 1] >= min_height * peaks[:, 1].max()] if len(peaks) else peaks
    position = peaks[:, 0]
    height = peaks[:, 1]
    fwhm = peaks[:, 4]
    share = height[:, None] / height  # of row i relative to column j
    apart = np.abs(position[:, None] - position) / fwhm[:, None]
    ghost = (apart < 0.5) & (share < 1) | (apart < 2.0) & (share < 0.05)
    ghost |= (
        (apart < 2.5) & (share < 0.2) & (position[:, None] < position) & (position < 20)
    )  # axial divergence
    if tube:
        for wavelength, most in ((tube.alpha2, 0.1), (tube.beta, 0.035)):
            place = moved(position, wavelength / tube.alpha1)
            ghost |= (np.abs(position[:, None] - place) < np.maximum(0.6 * fwhm[:, None], 0.05)) & (
                share < most
            )
    return peaks[~ghost.any(axis=1)]
