"""Background, noise and usual line width of a measured pattern, before any line is fitted."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import convolve1d, gaussian_filter1d
from scipy.signal import find_peaks, peak_widths, savgol_filter

FWHM_SIGMA = 2 * np.sqrt(2 * np.log(2))  # FWHM of a Gaussian of unit standard deviation
_SMOOTHING = 0.03  # degrees: a laboratory line has some 0.1; chosen, not measured


class Flat(NamedTuple):
    """A pattern in equal steps with its background taken off; every array of shape (n,)."""

    x: np.ndarray  # 2theta in degrees
    y: np.ndarray  # intensity above background
    noise: np.ndarray  # standard deviation of y

    @property
    def step(self):
        """Degrees from point to point."""
        return (self.x[-1] - self.x[0]) / (len(self.x) - 1)

    def part(self, chosen):
        """Return the points that a slice chooses."""
        return Flat(self.x[chosen], self.y[chosen], self.noise[chosen])


def background(x, y, window=1.5):
    """Return the background under a pattern: SNIP clipping over `window` degrees, shape (n,).

    Notes
    -----
    Ryan et al. (1988), Nucl. Instrum. Methods B 34, 396-402.
    """
    step = x[1] - x[0]
    smooth = gaussian_filter1d(y, 0.1 / step)
    level = np.sqrt(np.clip(smooth - smooth.min(), 0, None))
    reach = min(max(int(window / step), 2), (len(x) - 1) // 2)
    for span in np.unique(np.geomspace(1, reach, 40).astype(int))[::-1]:
        middle = 0.5 * (level[: -2 * span] + level[2 * span :])
        level[span:-span] = np.minimum(level[span:-span], middle)
    return gaussian_filter1d(level**2, 0.3 / step) + smooth.min()


def noise_level(y, blocks=24):
    """Return the standard deviation of every point: a local floor and a part that grows with the
    signal as counts do, shape (n,).
    """
    rough = _rough(y, 1)
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
    return np.sqrt(floor**2 + gain * signal) * _correlation(y, rough, signal)


def _rough(y, lag):
    """Absolute fourth differences of every `lag`-th point, scaled to the noise."""
    fourth = np.zeros(4 * lag + 1)
    fourth[::lag] = np.array([1, -4, 6, -4, 1]) / np.sqrt(70)
    return np.abs(convolve1d(y, fourth))


def _correlation(y, rough, signal):
    """The factor by which noise that was smoothed before counts more than its roughness says.

    Smoothed noise differs less from point to point than from every third point to the next. Three
    equal weights make this ratio 2.3 and the noise of a sum over a line 3.9 times the roughness.
    """
    low = signal <= np.quantile(signal, 0.4)
    ratio = np.median(_rough(y, 3)[low]) / max(np.median(rough[low]), 1e-12)
    return ratio**1.6 if 1.25 < ratio < 5 else 1.0  # 219 RRUFF patterns: at most 1.17


def width_law(pattern, smoothing=_SMOOTHING):
    """Return a function of 2theta that gives the usual FWHM in degrees: a + b tan(theta) through
    the isolated strong peaks.
    """
    step = pattern.step
    smooth = gaussian_filter1d(pattern.y, smoothing / step)
    found, _ = find_peaks(
        smooth,
        prominence=np.maximum(12 * pattern.noise, 0.04 * smooth.max()),
        distance=max(int(10 * smoothing / step), 1),
    )
    flattened = smooth.max() < 0.4 * pattern.y.max()
    if not len(found) and flattened and smoothing > 2 * step:
        return width_law(pattern, smoothing / 3)
    if not len(found):
        return lambda at: np.full(np.shape(at), 4 * _SMOOTHING)
    fwhm = peak_widths(smooth, found, rel_height=0.5)[0] * step
    # smoothing and, where it is not resolved, the doublet have widened the peaks
    fwhm = np.sqrt(np.clip(fwhm**2 - (smoothing * FWHM_SIGMA) ** 2, (2 * step) ** 2, None))
    sharp = np.quantile(fwhm, 0.25)  # the broader ones may be blends
    if sharp < 1.5 * smoothing and smoothing > 2 * step:
        return width_law(pattern, max(0.3 * sharp, step))
    tangent = np.tan(np.radians(pattern.x[found] / 2))
    slope = _slope(tangent, fwhm) if len(found) >= 6 else 0.0
    offset = np.clip(np.quantile(fwhm - slope * tangent, 0.35), 4 * step, 1.0)
    return lambda at: offset + slope * np.tan(np.radians(np.asarray(at) / 2))


def _slope(tangent, fwhm):
    """Median slope of the lines through all pairs of peaks that are well apart (Theil-Sen)."""
    i, j = np.triu_indices(len(fwhm), 1)
    apart = np.abs(tangent[i] - tangent[j]) > 0.05
    if not apart.any():
        return 0.0
    rise = (fwhm[i] - fwhm[j])[apart] / (tangent[i] - tangent[j])[apart]
    return np.clip(np.median(rise), 0, min(0.3, 6 * np.min(fwhm)))
