"""Simulated powder patterns and the two peak lists drawn from them (write-up, section 2.1.1).

Intensities are |F|^2 times multiplicity times the Lorentz-polarisation factor of a powder without
monochromator; the profile is Gaussian.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from ddi.forward import bragg, lattice, scattering
from ddi.forward.bragg import WRITEUP_WAVELENGTH
from ddi.forward.constants import FORWARD


@dataclass(frozen=True, eq=False)
class Powder:
    """A simulated pattern and its lines.

    Attributes
    ----------
    q2 : ndarray, shape (n,)
        1/d^2 in A^-2 of every line that is not systematically absent, rising.
    hkl : ndarray, shape (n, 3)
        Indices of the strongest reflection of each line, of its equivalents the lexicographically
        largest.
    intensity : ndarray, shape (n,)
        Integrated, the strongest being 1; reflections with the same q2 are added up.
    pattern : ndarray, shape (n_points,)
        At 0, 0.02, ... degrees 2theta; its squares sum to one; NaN beyond what was simulated.
    observed : ndarray of int
        Which lines make up peak list 2, at most `FORWARD.n_lines`.
    """

    q2: np.ndarray
    hkl: np.ndarray
    intensity: np.ndarray
    pattern: np.ndarray
    observed: np.ndarray


def simulate(
    cell,
    operations,
    elements,
    xyz,
    occupancy,
    b_iso,
    *,
    two_theta_max=FORWARD.two_theta_max,
    wavelength=WRITEUP_WAVELENGTH,
):
    """Simulate a powder pattern and pick its peaks.

    Large cells are simulated only as far as the first sixty observable peaks need: from
    `FORWARD.first_lines` lines on, the number of lines is doubled until the list is full. The norm
    of the pattern is then that of its simulated part.

    Parameters
    ----------
    cell : array_like, shape (6,)
        A and degrees.
    operations : tuple of str
        The whole group.
    elements : sequence of str
        Of the n atoms of the asymmetric unit.
    xyz : array_like, shape (n, 3)
        Fractional coordinates; atoms within 0.1 A of a special position are put on it.
    occupancy, b_iso : array_like, shape (n,)
        Fraction of the site that is filled, and B in A^2.
    two_theta_max, wavelength : float
        Degrees and A.

    Returns
    -------
    Powder
    """
    atoms = scattering.unit_cell(cell, operations, elements, xyz, occupancy, b_iso)
    end = float(bragg.q2_of(two_theta_max, wavelength))
    density = (
        4
        / 3
        * np.pi
        * lattice.volume(cell)
        / (len(operations) * (1 if scattering.is_centric(operations) else 2))
    )
    whole = density * end**1.5
    n_lines = whole if whole * len(atoms[0]) <= FORWARD.full_terms else FORWARD.first_lines
    while True:
        limit = min(end, (n_lines / density) ** (2 / 3))
        powder = _simulate_to(limit, cell, operations, atoms, two_theta_max, wavelength)
        if limit == end or len(powder.observed) == FORWARD.n_lines:
            return powder
        n_lines *= 2


def _simulate_to(limit, cell, operations, atoms, two_theta_max, wavelength):
    hkl, multiplicity = scattering.reflections(cell, operations, limit)
    q2 = lattice.q2(hkl, cell)
    lorentz = lorentz_polarisation(q2, wavelength)
    intensity = np.abs(scattering.structure_factors(hkl, q2, *atoms)) ** 2 * multiplicity * lorentz
    q2, hkl, intensity = merge(q2, hkl, intensity)
    two_theta = bragg.two_theta(q2, wavelength)
    pattern = profile(two_theta, intensity, two_theta_max)
    cut = bragg.two_theta(limit, wavelength)
    if cut < two_theta_max - 1e-9:
        pattern[int(cut / FORWARD.step) :] = np.nan
    observed = observable(two_theta, intensity, pattern)
    if cut < two_theta_max - 1e-9:
        observed = observed[two_theta[observed] < cut - FORWARD.margin]
    return Powder(
        q2,
        hkl,
        intensity / max(intensity.max(initial=0), 1e-300),
        pattern,
        observed[: FORWARD.n_lines],
    )


def lorentz_polarisation(q2, wavelength=WRITEUP_WAVELENGTH):
    """Return (1 + cos^2 2theta) / (sin^2 theta cos theta)."""
    sin2 = q2 * wavelength**2 / 4
    return (1 + (1 - 2 * sin2) ** 2) / (sin2 * np.sqrt(1 - sin2))


def merge(q2, hkl, intensity, tolerance=FORWARD.coincident):
    """Sort reflections by q2 and join those that coincide: intensities add up, the strongest lends
    its indices.

    Parameters
    ----------
    q2, intensity : ndarray, shape (n,)
    hkl : ndarray, shape (n, 3)
    tolerance : float
        Largest relative difference of neighbours that coincide.

    Returns
    -------
    q2, hkl, intensity
        Of the m <= n lines.
    """
    order = np.lexsort((-hkl[:, 2], -hkl[:, 1], -hkl[:, 0], q2))
    q2 = q2[order]
    hkl = hkl[order]
    intensity = intensity[order]
    line = np.concatenate([[0], np.cumsum(np.diff(q2) > tolerance * q2[1:])])[: len(q2)]
    strength = np.round(
        intensity / max(intensity.max(initial=0), 1e-300), 9
    )  # so that roundoff does not choose
    chosen = np.lexsort((np.arange(len(q2)), -strength, line))
    first = chosen[np.unique(line[chosen], return_index=True)[1]]
    return q2[first], hkl[first], np.bincount(line, weights=intensity)


def profile(two_theta, intensity, two_theta_max=FORWARD.two_theta_max):
    """Return the pattern at 0, 0.02, ..., `two_theta_max` degrees, its squares summing to one,
    shape (n_points,).
    """
    pattern = _profile(
        two_theta,
        intensity,
        round(two_theta_max / FORWARD.step) + 1,
        FORWARD.step,
        FORWARD.fwhm / np.sqrt(8 * np.log(2)),
    )
    return pattern / max(np.sqrt((pattern**2).sum()), 1e-300)


@njit(cache=True)
def _profile(two_theta, intensity, n_points, step, sigma):
    pattern = np.zeros(n_points)
    for position, area in zip(two_theta, intensity):
        for i in range(
            max(0, int((position - 6 * sigma) / step)),
            min(n_points, int((position + 6 * sigma) / step) + 2),
        ):
            pattern[i] += area * np.exp(-0.5 * ((i * step - position) / sigma) ** 2)
    return pattern


def observable(two_theta, intensity, pattern):
    """Return which lines a diffraction pattern would show: the write-up's four conditions for peak
    list 2.

    The lines given are not absent (condition 1). Height and curvature are read at the grid point
    nearest to the line; the curvature is a second difference. Of lines too close together the
    strongest stays, starting with the strongest of all.

    Parameters
    ----------
    two_theta, intensity : ndarray, shape (n,)
        Rising angles in degrees, and integrated intensities.
    pattern : ndarray, shape (n_points,)
        As `profile` returns it.

    Returns
    -------
    ndarray of int
        In rising order.
    """
    nearest = np.clip(np.rint(two_theta / FORWARD.step).astype(int), 1, len(pattern) - 2)
    curvature = pattern[nearest - 1] - 2 * pattern[nearest] + pattern[nearest + 1]
    visible = np.flatnonzero((pattern[nearest] > FORWARD.min_height) & (curvature < 0))
    order = np.argsort(-intensity[visible], kind="stable")
    return visible[_apart(two_theta[visible], order, FORWARD.min_separation)]


@njit(cache=True)
def _apart(positions, order, separation):
    kept = np.zeros(len(positions), np.bool_)
    for i in order:
        clear = True
        for step in (-1, 1):
            j = i + step
            while 0 <= j < len(positions) and abs(positions[j] - positions[i]) < separation:
                clear &= not kept[j]
                j += step
        kept[i] = clear
    return kept
