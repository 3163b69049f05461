"""Patterns and cells spoilt on purpose, for evaluation: simulated patterns made as bad as measured
ones where no measured data are at hand, and cells moved off the true one.

A degraded pattern has K-alpha doublets, widths that grow with the angle, counting noise,
background, a zero shift and a few lines of something else; its peaks are then picked like those of
a measured one, so that lines overlap, shift and get lost as they do there.
"""

from dataclasses import dataclass

import numpy as np

from ddi.forward import lattice, noise
from ddi.forward.bragg import ANODES, DOUBLET_RATIO, moved
from ddi.forward.bragg import two_theta as angle_of
from ddi.index.peaks import from_pattern

CU = ANODES[0]


@dataclass(frozen=True)
class Conditions:
    """How a pattern is measured; angles in degrees 2theta.

    The defaults are what 219 RRUFF patterns show: zero shift +0.04 with a 5-95 % range of 0 to
    0.09, one spurious peak in twenty.
    """

    zero_mean: float = 0.04
    zero_sigma: float = 0.03
    fwhm: float = 0.08
    fwhm_slope: float = 0.08  # times tan(theta)
    counts: float = 3000.0  # of the highest point
    background: float = 60.0
    spurious: float = 1.0  # mean number of foreign lines below the twentieth
    step: float = 0.02
    start: float = 5.0  # where a scan begins, or 3 below the first line: RRUFF's usual start


def pattern(q2, intensity, *, seed, conditions=Conditions()):
    """Simulate a measurement.

    Parameters
    ----------
    q2 : array_like, shape (n,)
        Lines in A^-2, ascending (peak list 1).
    intensity : array_like, shape (n,)
    seed : int
    conditions : Conditions

    Returns
    -------
    two_theta, counts : ndarray, shape (m,)
        Degrees; Cu K-alpha; up to a little past the last line.
    zero_shift : float
        Degrees.
    """
    rng = np.random.default_rng(seed)
    c = conditions
    zero = float(rng.normal(c.zero_mean, c.zero_sigma))
    place = angle_of(np.asarray(q2, dtype=float), CU.alpha1)
    height = np.asarray(intensity, dtype=float)
    place, height = place[np.isfinite(place)], height[np.isfinite(place)]
    twentieth = place[min(19, len(place) - 1)]
    extra = noise.foreign(max(place[0] - 5, 5), twentieth, rng.poisson(c.spurious), rng)
    place = np.concatenate([place, extra])
    height = np.concatenate([height, height.max() * rng.uniform(0.02, 0.1, len(extra))])
    start = max(min(place.min() - 3, c.start), 3)
    x = np.arange(start, min(place.max() + 1.5, 120), c.step)
    profile = np.zeros_like(x)
    for at, wavelength, share in (
        (place, CU.alpha1, 1.0),
        (place, CU.alpha2, DOUBLET_RATIO),
        (place, CU.beta, 0.02),
    ):
        at = moved(at, wavelength / CU.alpha1) + zero
        fwhm = c.fwhm + c.fwhm_slope * np.tan(np.radians(at / 2))
        # in the order of integrated intensities a broader line is a lower one
        peak = share * height * c.fwhm / fwhm
        for centre, width, top in zip(
            at[np.isfinite(at)], fwhm[np.isfinite(at)], peak[np.isfinite(at)]
        ):
            u = (x - centre) / width
            profile += top * (0.5 / (1 + 4 * u**2) + 0.5 * np.exp(-4 * np.log(2) * u**2))
    counts = rng.poisson(c.counts * profile / profile.max() + c.background)
    return x, counts.astype(float), zero


def peaks(q2, intensity, *, seed, conditions=Conditions()):
    """Return the peaks picked from a simulated measurement (`pattern`) as `ddi.index.peaks.Peaks`,
    and its zero shift in degrees.
    """
    x, counts, zero = pattern(q2, intensity, seed=seed, conditions=conditions)
    return from_pattern(x, counts, CU.alpha1, "simulated and degraded pattern"), zero


def disturbed_cells(cells, system, error, seed):
    """Return cells, shape (n, 6), whose free lengths err by a relative and free angles by an
    absolute (radian) normal `error`.
    """
    cells = np.asarray(cells, dtype=float)
    noise = error * np.random.default_rng(seed).standard_normal(cells.shape)
    moved = np.hstack(
        [cells[:, :3] * np.exp(noise[:, :3]), cells[:, 3:] + np.degrees(noise[:, 3:])]
    )
    moved = lattice.full_cell(lattice.free_cell(moved, system), system)
    return np.where(lattice.is_possible(moved)[:, None], moved, cells)
