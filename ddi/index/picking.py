"""From a measured pattern to K-alpha1 peak positions with uncertainties.

Background and noise are estimated (`ddi.index.baseline`), lines are found with a matched filter,
and overlapping ones are fitted together (`ddi.index.linefit`). What the stronger lines leave behind
at their K-beta position or in their tails is taken out at the end.
"""

from itertools import pairwise
from typing import Callable, NamedTuple

import numpy as np
from scipy.ndimage import convolve1d, gaussian_filter1d
from scipy.signal import find_peaks

from ddi.base.errors import DDIError
from ddi.forward.bragg import anode, moved
from ddi.index.baseline import FWHM_SIGMA, Flat, background, noise_level, width_law
from ddi.index.linefit import fit_all
from ddi.index.pattern_constants import PICKING

_NOTHING = (
    "no peak stands out of the noise of this pattern; check that the first column is 2theta and "
    "the second intensity"
)


class Prepared(NamedTuple):
    """A pattern ready for fits."""

    flat: Flat
    width: Callable  # usual FWHM in degrees at an angle
    tube: object  # ddi.forward.bragg.Anode, or None where the radiation has one line

    @property
    def ratio(self):
        """K-alpha2 / K-alpha1 wavelength, or None."""
        return self.tube.alpha2 / self.tube.alpha1 if self.tube else None


class Faint(NamedTuple):
    """Peaks too weak to be listed, one a row of each array; angles in degrees 2theta."""

    two_theta: np.ndarray
    sigma: np.ndarray
    spurious: np.ndarray  # probability to belong to no line


def pick(two_theta, intensity, wavelength=1.540593, *, doublet=True, **options):
    """Pick the K-alpha1 peaks of a measured pattern.

    Parameters
    ----------
    two_theta, intensity : array_like, shape (n,)
        Degrees, rising; counts or any unit proportional to them.
    wavelength : float
        In Angstrom; K-alpha1 or the doublet's mean of a tube of `ANODES`, otherwise the pattern is
        taken as monochromatic.
    doublet : bool
        False where the radiation has no K-alpha2 whatever its wavelength: neutrons, synchrotrons,
        tubes with a K-alpha1 monochromator.
    **options
        Of `strong`.

    Returns
    -------
    ddi.index.linefit.Lines
        Sorted by two_theta. Positions belong to K-alpha1, `alpha1_wavelength` says in Angstrom
        which that is.

    Raises
    ------
    DDIError
        If the pattern is too short or flat to hold a peak.
    """
    return strong(prepare(two_theta, intensity, wavelength, doublet), **options)


def prepare(two_theta, intensity, wavelength, doublet=True):
    """Take off the background and estimate noise and usual width; return a `Prepared`.

    Parameters
    ----------
    two_theta : array_like, shape (n,)
        In degrees.
    intensity : array_like, shape (n,)
        In any unit.
    wavelength : float
        In Angstrom.
    doublet : bool
        Whether K-alpha2 may be there.
    """
    x, y = _uniform(two_theta, intensity)
    tube = anode(wavelength) if doublet else None
    flat, width = _flattened(x, y)
    finest = float(np.min(width(x)))
    excess = int(finest / (flat.step * PICKING.most_per_width))
    if excess > 1:
        flat, width = _flattened(*_rebinned(x, y, excess))
    return Prepared(flat, width, tube)


def strong(prepared, *, min_height=0.01, min_snr=3.7, max_peaks=60):
    """Pick peaks at least `min_height` of the highest, with a ratio of height to standard deviation
    above `min_snr`; the `max_peaks` highest are kept. Return `Lines`.

    Notes
    -----
    Neutrons are scattered at high angles as strongly as at low ones: the highest lines of a long
    pattern are then not those that an indexing needs, so the first ones are kept in any case.
    """
    flat, width, tube = prepared
    found = _detect(flat, width(flat.x), min_snr)
    if not len(found):
        raise DDIError(_NOTHING)
    lines, model = fit_all(flat, found, width, prepared.ratio)
    left = Flat(flat.x, flat.y - model, np.hypot(flat.noise, PICKING.misfit * model))
    missed = _detect(left, width(flat.x), min_snr + PICKING.missed_snr)
    missed = missed[_distance(missed, lines.two_theta) > 0.6 * width(missed)]
    if len(missed):
        found = np.sort(np.append(lines.two_theta, missed))
        lines, model = fit_all(flat, found, width, prepared.ratio)
    lines = lines.take(lines.fwhm < PICKING.widest * width(lines.two_theta))
    lines = _keep(lines, min_height, min_snr, tube)
    if not len(lines.two_theta):
        raise DDIError(_NOTHING)
    height = lines.height.copy()
    if not tube:
        height[: PICKING.first_kept] = np.inf
    return lines.take(np.sort(np.argsort(-height, kind="stable")[:max_peaks]))


def faint(prepared, listed):
    """Pick what `strong` left out as too weak to trust: it cannot lead a search, but tells a
    supercell from its subcell.

    Parameters
    ----------
    prepared : Prepared
    listed : array_like, shape (n,)
        Positions that `strong` returned, in degrees.

    Returns
    -------
    Faint
    """
    weak = strong(
        prepared,
        min_height=PICKING.faint_height,
        min_snr=PICKING.faint_snr[0],
        max_peaks=120,
    )
    weak = weak.take(_distance(weak.two_theta, np.asarray(listed, dtype=float)) > 0.3 * weak.fwhm)
    chances = np.interp(weak.snr, PICKING.faint_snr, PICKING.faint_spurious)
    return Faint(weak.two_theta, weak.sigma, chances)


def _uniform(two_theta, intensity):
    """The pattern in equal steps, rebinned where it has more points than any pattern needs."""
    x = np.asarray(two_theta, dtype=float)
    y = np.asarray(intensity, dtype=float)
    fewest = PICKING.fewest_points
    if (
        len(x) < fewest
        or len(x) != len(y)
        or not (np.isfinite(x).all() and np.isfinite(y).all() and (np.diff(x) > 0).all())
    ):
        raise DDIError(
            f"a pattern wants at least {fewest} points (2theta, intensity), finite and with "
            "rising 2theta"
        )
    x, y = _trimmed(x, y)
    excess = -(-len(x) // PICKING.most_points)
    if excess > 1:
        x, y = _rebinned(x, y, excess)
    step = max(np.median(np.diff(x)), (x[-1] - x[0]) / PICKING.most_points)
    if np.ptp(np.diff(x)) < 0.02 * step:
        return x, y
    grid = np.arange(x[0], x[-1], step)
    return grid, np.interp(grid, x, y)


def _trimmed(x, y):
    """Without the constant ends that a beam stop or a detector's mask leaves."""
    changes = np.flatnonzero(np.diff(y))
    if not len(changes):
        raise DDIError(_NOTHING)
    first = changes[0] + 1 if changes[0] >= PICKING.constant_end else 0
    last = changes[-1] + 1 if len(x) - changes[-1] > PICKING.constant_end else len(x)
    if last - first < PICKING.fewest_points:
        raise DDIError(_NOTHING)
    return x[first:last], y[first:last]


def _rebinned(x, y, count):
    """Means of `count` neighbours."""
    whole = len(x) // count * count
    return x[:whole].reshape(-1, count).mean(1), y[:whole].reshape(-1, count).mean(1)


def _flattened(x, y):
    level = y - background(x, y)
    flat = Flat(x, level, noise_level(level))
    return flat, width_law(flat)


def _detect(flat, width, min_snr):
    """Positions in degrees where a Gaussian of the usual width stands `min_snr` above the noise."""
    x, y, noise = flat
    found = []
    edges = np.linspace(0, len(x), 5).astype(int)
    for first, last in pairwise(edges):
        sigma = np.median(width[first:last]) / FWHM_SIGMA / flat.step
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


def _reference(height):
    """The highest line, but no more than `dominant` fifths: oriented plates and large pores have
    one line or two that dwarf all others.
    """
    fifth = np.sort(height)[-5] if len(height) > 4 else np.inf
    return min(height.max(initial=0), PICKING.dominant * fifth)


def _keep(lines, min_height, min_snr, tube):
    """Drop what is weak, what merged into a neighbour, and what a stronger line explains."""
    lines = lines.take(np.isfinite(lines).all(axis=0) & (lines.snr > min_snr))
    lines = lines.take(lines.height >= min_height * _reference(lines.height))
    position = lines.two_theta
    share = lines.height[:, None] / lines.height  # of row i relative to column j
    apart = np.abs(position[:, None] - position) / lines.fwhm[:, None]
    ghost = (apart < 0.5) & (share < 1) | (apart < 2.0) & (share < 0.05)
    # axial divergence and other low-angle tails
    ghost |= (apart < 1.1) & (share < 0.25) & (position[:, None] < position)
    ghost |= (apart < 2.5) & (share < 0.2) & (position[:, None] < position) & (position < 20)
    if tube:
        near = np.maximum(0.6 * lines.fwhm[:, None], 0.05)
        for wavelength, most in ((tube.alpha2, 0.1), (tube.beta, 0.035)):
            place = moved(position, wavelength / tube.alpha1)
            ghost |= (np.abs(position[:, None] - place) < near) & (share < most)
    return lines.take(~ghost.any(axis=1))
