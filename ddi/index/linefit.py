"""Least-squares fits of overlapping pseudo-Voigt lines, each with its K-alpha2 companion where the
radiation has one.

`fit_all` splits a pattern into clusters of lines that overlap, and fits each cluster by itself.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import leastsq

from ddi.forward.bragg import DOUBLET_RATIO, moved
from ddi.index.pattern_constants import FIT


class Lines(NamedTuple):
    """Fitted lines, one a row of each array; angles in degrees 2theta."""

    two_theta: np.ndarray
    height: np.ndarray
    sigma: np.ndarray
    snr: np.ndarray
    fwhm: np.ndarray

    def take(self, index):
        """Return the lines that `index` (numbers or a mask) chooses."""
        return Lines(*(column[index] for column in self))


def fit_all(pattern, positions, width, ratio):
    """Fit every cluster of overlapping lines.

    Parameters
    ----------
    pattern : ddi.index.baseline.Flat
    positions : ndarray, shape (n,)
        Where lines are expected, in degrees, ascending.
    width : callable
        Usual FWHM in degrees at an angle.
    ratio : float or None
        K-alpha2 / K-alpha1 wavelength.

    Returns
    -------
    Lines
        Sorted by angle.
    model : ndarray
        The fitted pattern, shape of `pattern.x`.
    """
    found = []
    model = np.zeros_like(pattern.y)
    for group in _clusters(positions, width):
        margin = FIT.margin * width(group[-1])
        companion = moved(group[-1], ratio) if ratio else group[-1]
        last = np.nan_to_num(companion, nan=group[-1]) + margin
        part = slice(*np.searchsorted(pattern.x, (group[0] - margin, last), side="right"))
        lines, curve = _fit_cluster(pattern.part(part), group, float(width(group.mean())), ratio)
        found.append(lines)
        model[part] = np.maximum(model[part], curve)
    lines = Lines(*(np.concatenate(columns) for columns in zip(*found)))
    return lines.take(np.argsort(lines.two_theta)), model


def _clusters(positions, width):
    gaps = np.diff(positions) / width(positions[1:])
    for group in np.split(positions, np.flatnonzero(gaps > FIT.gap) + 1):
        yield from _halved(group)


def _halved(group):
    """Split a long cluster at the widest gap of its middle half, until none is too long."""
    if len(group) <= FIT.most_lines:
        return [group]
    quarter = len(group) // 4
    at = quarter + int(np.argmax(np.diff(group)[quarter : -quarter or None])) + 1
    return _halved(group[:at]) + _halved(group[at:])


def _fit_cluster(pattern, start, fwhm, ratio):
    """Fit a cluster; where its lines come out too broad, try each as two of the usual width and
    keep what is significant.
    """
    lines, model = _fit(pattern, start, fwhm, ratio)
    while (dips := _dips(lines)).any():
        lines, model = _fit(pattern, lines.two_theta[~dips], fwhm, ratio)
    while (near := np.flatnonzero(np.diff(lines.two_theta) < FIT.merged * lines.fwhm[0])).size:
        pair = lines.two_theta[near[0] : near[0] + 2]
        start = np.delete(lines.two_theta, [near[0], near[0] + 1])
        lines, model = _fit(pattern, np.sort(np.append(start, pair.mean())), fwhm, ratio)
    if lines.fwhm[0] < FIT.broad * fwhm or lines.snr.max() < 8:
        return lines, model
    half = 0.45 * np.sqrt(lines.fwhm[0] ** 2 - fwhm**2)
    wide = lines.two_theta[lines.height > 0]
    pairs = np.sort(np.concatenate([wide - half, wide + half]))
    for _ in range(2):
        split, curve = _fit(pattern, pairs, fwhm, ratio, width_prior=0.08)
        pairs = split.two_theta[split.snr > 3.5]
        if not len(pairs):
            return lines, model
    misfit, before = (np.sum(((pattern.y - fit) / pattern.noise) ** 2) for fit in (curve, model))
    more = len(split.two_theta) - len(lines.two_theta)
    return (split, curve) if misfit < before - FIT.split_gain * more else (lines, model)


def _dips(lines):
    """Negative lines within a FWHM of a positive one: they correct its shape, at the price of a
    height that is no longer known.
    """
    negative = lines.height < 0
    apart = np.abs(lines.two_theta[:, None] - lines.two_theta[~negative])
    return negative & (apart < lines.fwhm[:, None]).any(axis=1)


def _fit(pattern, start, fwhm, ratio, width_prior=0.15):
    """Least squares of one cluster; weak priors hold what the data do not."""
    problem = _Cluster(pattern, start, fwhm, ratio, width_prior)
    p = leastsq(
        problem.residual,
        problem.first,
        Dfun=problem.jacobian,
        maxfev=60,
        ftol=1e-5,
        xtol=1e-5,
        full_output=True,
    )[0]
    lines = problem.lines(p)
    return lines.take(np.argsort(lines.two_theta)), problem.model(p)


class _Cluster:
    """Residuals and Jacobian of one cluster; parameters are positions, heights, log FWHM, eta and a
    straight background.
    """

    def __init__(self, pattern, start, fwhm, ratio, width_prior):
        self.pattern, self.fwhm, self.ratio = pattern, fwhm, ratio
        self.n = n = len(start)
        x, noise = pattern.x, pattern.noise
        self.tilt = (x - x.mean()) / np.ptp(x)
        height = np.clip(np.interp(start, x, pattern.y), noise.min(), None)
        self.first = np.concatenate([start, height, [0.0, 0.5, 0.0, 0.0]])
        spread = [np.full(n, 0.3 * fwhm), np.full(n, 1e3 * height.max()), [width_prior, 0.25]]
        self.prior = np.concatenate([*spread, np.full(2, 2 * noise.min())])
        self._at = None

    def _curves(self, p):
        """Profiles and derivatives at `p`; kept, because residual and Jacobian ask for the same."""
        if self._at is None or not np.array_equal(self._at, p):
            n = self.n
            shape = p[:n], self.fwhm * np.exp(p[2 * n]), p[2 * n + 1]
            self._kept = _lines(self.pattern.x, *shape, self.ratio)
            self._at = p.copy()
        return self._kept

    def model(self, p):
        """The lines without their background, shape of the pattern."""
        return self._curves(p)[0] @ p[self.n : 2 * self.n]

    def residual(self, p):
        misfit = self.model(p) + p[-2] + p[-1] * self.tilt - self.pattern.y
        return np.concatenate([misfit / self.pattern.noise, (p - self.first) / self.prior])

    def jacobian(self, p):
        shape, by_position, by_width, by_eta = self._curves(p)
        n, m = self.n, len(self.tilt)
        heights = p[n : 2 * n]
        matrix = np.zeros((m + len(p), len(p)))
        matrix[:m, :n] = by_position * heights
        matrix[:m, n : 2 * n] = shape
        matrix[:m, 2 * n] = by_width @ heights
        matrix[:m, 2 * n + 1] = by_eta @ heights
        matrix[:m, -2] = 1
        matrix[:m, -1] = self.tilt
        matrix[:m] /= self.pattern.noise[:, None]
        matrix[m + np.arange(len(p)), np.arange(len(p))] = 1 / self.prior
        return matrix

    def lines(self, p):
        """The fitted lines with their standard deviations."""
        n = self.n
        left = self.residual(p)[: len(self.tilt)]
        jacobian = self.jacobian(p)
        scale = np.linalg.norm(jacobian, axis=0)  # the priors keep it above zero
        jacobian /= scale
        variance = np.diagonal(np.linalg.pinv(jacobian.T @ jacobian)) / scale**2
        spread = max(1.0, np.sqrt(np.mean(left**2)))
        sigma = np.sqrt(variance.clip(1e-12)) * spread
        fwhm = np.full(n, self.fwhm * np.exp(p[2 * n]))
        floor = min(FIT.sigma_floor, FIT.sigma_floor_width * self.fwhm)
        height = p[n : 2 * n]
        return Lines(p[:n], height, np.hypot(sigma[:n], floor), height / sigma[n : 2 * n], fwhm)


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
