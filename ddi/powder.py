"""Simulated powder patterns and the two peak lists drawn from them (write-up, section 2.1.1).

Intensities are |F|^2 times multiplicity times the Lorentz-polarisation factor of a powder without monochromator, with
International Tables (1992) scattering factors, isotropic displacements and no anomalous dispersion; the profile is Gaussian.
The loops are compiled, because they run over lines x atoms; `gemmi` computes the same structure factors and is the oracle.
"""

from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np
from numba import njit

from ddi import lattice
from ddi.crystal import SAME_SITE

WAVELENGTH = 1.54  # A, the write-up's Cu K-alpha
TWO_THETA_MAX = 90.0  # degrees (errata, decision 4)
STEP, FWHM = 0.02, 0.1  # degrees
N_LINES = 60  # length of the peak lists
MIN_HEIGHT = 0.001  # condition 2, of a pattern whose squares sum to one
MIN_SEPARATION = FWHM / 1.5  # degrees, condition 4
COINCIDENT = 1e-8  # lines closer than this, relative in q2, are one line
FULL_TERMS = 500_000  # lines x atoms up to which a pattern is always simulated to its end
FIRST_LINES = 300  # symmetry-independent lines a large cell starts with
MARGIN = 0.5  # degrees at the end of a cut pattern whose peaks may still change


@dataclass(frozen=True, eq=False)
class Powder:
    """A simulated pattern and its lines.

    Attributes
    ----------
    q2 : ndarray, shape (n,)
        1/d^2 in A^-2 of every line that is not systematically absent, rising.
    hkl : ndarray, shape (n, 3)
        Indices of the strongest reflection of each line, of its equivalents the lexicographically largest.
    intensity : ndarray, shape (n,)
        Integrated, the strongest being 1; reflections with the same q2 (within `COINCIDENT`) are added up.
    pattern : ndarray, shape (n_points,)
        At 0, `STEP`, ... degrees 2theta; its squares sum to one; NaN beyond what was simulated.
    observed : ndarray of int
        Which lines make up peak list 2, at most `N_LINES`.
    """

    q2: np.ndarray
    hkl: np.ndarray
    intensity: np.ndarray
    pattern: np.ndarray
    observed: np.ndarray


def q2_of(two_theta, wavelength=WAVELENGTH):
    """Return 1/d^2 in A^-2 of a scattering angle in degrees."""
    return (2 * np.sin(np.radians(np.asarray(two_theta) / 2)) / wavelength) ** 2


def two_theta_of(q2, wavelength=WAVELENGTH):
    """Return the scattering angle in degrees of 1/d^2 in A^-2."""
    return 2 * np.degrees(np.arcsin(np.sqrt(q2) * wavelength / 2))


def simulate(cell, operations, elements, xyz, occupancy, b_iso, *, two_theta_max=TWO_THETA_MAX, wavelength=WAVELENGTH):
    """Simulate a powder pattern and pick its peaks.

    Large cells are simulated only as far as the first `N_LINES` observable peaks need: from `FIRST_LINES` lines on, the number of
    lines is doubled until the list is full. The norm of the pattern is then that of its simulated part.

    Parameters
    ----------
    cell : array_like, shape (6,)
        A and degrees.
    operations : tuple of str
        The whole group.
    elements : sequence of str
        Of the n atoms of the asymmetric unit.
    xyz : array_like, shape (n, 3)
        Fractional coordinates; atoms within `SAME_SITE` of a special position are put on it.
    occupancy, b_iso : array_like, shape (n,)
        Fraction of the site that is filled, and B in A^2.
    two_theta_max, wavelength : float
        Degrees and A.

    Returns
    -------
    Powder
    """
    atoms = unit_cell(cell, operations, elements, xyz, occupancy, b_iso)
    end = float(q2_of(two_theta_max, wavelength))
    density = 2 / 3 * np.pi * lattice.volume(cell) / (len(operations) / (1 if _is_centric(operations) else 0.5))
    whole = density * end**1.5
    n_lines = whole if whole * len(atoms[0]) <= FULL_TERMS else FIRST_LINES
    while True:
        limit = min(end, (n_lines / density) ** (2 / 3))
        powder = _simulate_to(limit, cell, operations, atoms, two_theta_max, wavelength)
        if limit == end or len(powder.observed) == N_LINES:
            return powder
        n_lines *= 2


def _simulate_to(limit, cell, operations, atoms, two_theta_max, wavelength):
    hkl, multiplicity = reflections(cell, operations, limit)
    q2 = lattice.q2(hkl, cell)
    lorentz = lorentz_polarisation(q2, wavelength)
    intensity = np.abs(structure_factors(hkl, q2, *atoms)) ** 2 * multiplicity * lorentz
    q2, hkl, intensity = merge(q2, hkl, intensity)
    two_theta = two_theta_of(q2, wavelength)
    pattern = profile(two_theta, intensity, two_theta_max)
    cut = two_theta_of(limit, wavelength)
    if cut < two_theta_max - 1e-9:
        pattern[int(cut / STEP) :] = np.nan
    observed = observable(two_theta, intensity, pattern)
    if cut < two_theta_max - 1e-9:
        observed = observed[two_theta[observed] < cut - MARGIN]
    return Powder(q2, hkl, intensity / max(intensity.max(initial=0), 1e-300), pattern, observed[:N_LINES])


@lru_cache(maxsize=4096)
def _group(operations):
    """Rotations (n, 3, 3), translations (n, 3) and centring vectors (m, 3), the latter two in 24ths."""
    group = gemmi.GroupOps([gemmi.Op(operation) for operation in operations])
    rotations = np.array([op.rot for op in group.sym_ops], dtype=np.int64) // gemmi.Op.DEN
    translations = np.array([op.tran for op in group.sym_ops], dtype=np.int64)
    return rotations, translations, np.array(group.cen_ops, dtype=np.int64)


@lru_cache(maxsize=4096)
def _is_centric(operations):
    rotations, _, _ = _group(operations)
    return bool((rotations == -np.eye(3, dtype=int)).all(axis=(1, 2)).any())


def reflections(cell, operations, q2_max):
    """List the symmetry-independent reflections that are not systematically absent.

    Parameters
    ----------
    cell : array_like, shape (6,)
    operations : tuple of str
        The whole group.
    q2_max : float
        In A^-2.

    Returns
    -------
    hkl : ndarray of int, shape (n, 3)
        One of each set of equivalents, Friedel pairs included: the lexicographically largest.
    multiplicity : ndarray of int, shape (n,)
    """
    cell = np.asarray(cell, dtype=float)
    largest = (cell[:3] * np.sqrt(q2_max) * (1 + 1e-9)).astype(np.int64)
    found = _reflections(lattice.cell_to_x(cell), largest, q2_max, *_group(operations))
    return found[:, :3], found[:, 3]


@njit(cache=True)
def _reflections(x, largest, q2_max, rotations, translations, centrings):
    found = np.empty((1024, 4), np.int64)
    n = 0
    for h in range(largest[0] + 1):
        for k in range(-largest[1] if h else 0, largest[1] + 1):
            for l in range(-largest[2] if h or k else 1, largest[2] + 1):
                if x[0] * h * h + x[1] * k * k + x[2] * l * l + x[3] * k * l + x[4] * h * l + x[5] * h * k > q2_max:
                    continue
                multiplicity = _multiplicity(h, k, l, rotations, translations, centrings)
                if multiplicity == 0:
                    continue
                if n == len(found):
                    longer = np.empty((2 * n, 4), np.int64)
                    longer[:n] = found
                    found = longer
                found[n] = h, k, l, multiplicity
                n += 1
    return found[:n]


@njit(cache=True)
def _multiplicity(h, k, l, rotations, translations, centrings):
    """Number of equivalents of a reflection; 0 if it is absent or not the largest of them."""
    for t in centrings:
        if (h * t[0] + k * t[1] + l * t[2]) % 24:
            return 0
    same, opposite = 0, 0
    for r, t in zip(rotations, translations):
        a = h * r[0, 0] + k * r[1, 0] + l * r[2, 0]
        b = h * r[0, 1] + k * r[1, 1] + l * r[2, 1]
        c = h * r[0, 2] + k * r[1, 2] + l * r[2, 2]
        if a == h and b == k and c == l:
            if (h * t[0] + k * t[1] + l * t[2]) % 24:
                return 0
            same += 1
        elif a == -h and b == -k and c == -l:
            opposite += 1
        else:
            if a < 0 or (a == 0 and (b < 0 or (b == 0 and c < 0))):
                a, b, c = -a, -b, -c
            if a > h or (a == h and (b > k or (b == k and c > l))):
                return 0
    return (1 if opposite else 2) * len(rotations) // same


@lru_cache(maxsize=256)
def _it92(element):
    coefficients = gemmi.Element(element).it92
    return np.array(coefficients.get_coefs()) if coefficients else np.zeros(9)


def unit_cell(cell, operations, elements, xyz, occupancy, b_iso):
    """Expand the asymmetric unit to one primitive cell, sorted by what scatters alike.

    Parameters
    ----------
    cell, operations, elements, xyz, occupancy, b_iso
        As in `simulate`.

    Returns
    -------
    positions : ndarray, shape (n, 3)
        Fractional coordinates of the atoms of one primitive cell.
    weights : ndarray, shape (n,)
        Occupancy times the number of lattice points a cell.
    species : ndarray of int, shape (n,)
        Which row of `factors` describes each atom.
    factors : ndarray, shape (n_species, 10)
        Scattering factor a1-a4, b1-b4, c of International Tables (1992), and B in A^2.
    """
    kinds, species = np.unique(np.array([(gemmi.Element(e).atomic_number, b) for e, b in zip(elements, b_iso)]), axis=0, return_inverse=True)
    factors = np.array([[*_it92(gemmi.Element(int(number)).name), b] for number, b in kinds])
    rotations, translations, centrings = _group(operations)
    positions, parents = _expand(
        np.asarray(xyz, dtype=float), rotations, translations / 24.0, centrings / 24.0, lattice.metric(cell), SAME_SITE**2
    )
    return positions, np.asarray(occupancy, dtype=float)[parents] * len(centrings), species.ravel()[parents], factors


@njit(cache=True)
def _expand(xyz, rotations, translations, centrings, metric, tolerance):
    n = len(rotations)
    positions, parents, m = np.empty((len(xyz) * n, 3)), np.empty(len(xyz) * n, np.int64), 0
    for atom in range(len(xyz)):
        site, fixed = np.zeros(3), 0
        for r, t in zip(rotations, translations):
            image = r.astype(np.float64) @ xyz[atom] + t
            for shift in centrings:
                step = image + shift - xyz[atom]
                step -= np.round(step)
                if step @ metric @ step < tolerance:
                    site += step
                    fixed += 1
        site = xyz[atom] + site / fixed
        first = m
        for r, t in zip(rotations, translations):
            image = r.astype(np.float64) @ site + t
            if fixed == 1 or _is_new(image, positions[first:m], centrings, metric, tolerance):
                positions[m] = image
                parents[m] = atom
                m += 1
    return positions[:m], parents[:m]


@njit(cache=True)
def _is_new(image, others, centrings, metric, tolerance):
    for other in others:
        for shift in centrings:
            step = image + shift - other
            step -= np.round(step)
            if step @ metric @ step < tolerance:
                return False
    return True


def structure_factors(hkl, q2, positions, weights, species, factors):
    """Return F(hkl), complex, shape (n,), of the conventional cell; arguments as `unit_cell` returns them."""
    stol2 = q2 / 4
    a, b, c, b_iso = factors[:, :4, None], factors[:, 4:8, None], factors[:, 8, None], factors[:, 9, None]
    scattering = ((a * np.exp(-b * stol2)).sum(axis=1) + c) * np.exp(-b_iso * stol2)
    largest = np.abs(hkl).max(axis=0, initial=0) if len(hkl) else np.zeros(3, np.int64)
    return _structure_factors(np.ascontiguousarray(hkl), largest, positions, weights, species, scattering)


@njit(cache=True, fastmath=True)
def _structure_factors(hkl, largest, positions, weights, species, scattering):
    real, imaginary = np.zeros(len(hkl)), np.zeros(len(hkl))
    width = largest.max() + 1
    waves = np.empty((3, 2 * width + 1), np.complex128)  # exp(2 pi i n x) for n = -width..width
    for atom in range(len(positions)):
        for axis in range(3):
            turn = np.exp(2j * np.pi * positions[atom, axis])
            waves[axis, width] = 1.0
            for n in range(largest[axis]):
                waves[axis, width + n + 1] = waves[axis, width + n] * turn
                waves[axis, width - n - 1] = np.conj(waves[axis, width + n + 1])
        factor, weight = scattering[species[atom]], weights[atom]
        for i in range(len(hkl)):
            wave = waves[0, width + hkl[i, 0]] * waves[1, width + hkl[i, 1]] * waves[2, width + hkl[i, 2]]
            real[i] += weight * factor[i] * wave.real
            imaginary[i] += weight * factor[i] * wave.imag
    return real + 1j * imaginary


def lorentz_polarisation(q2, wavelength=WAVELENGTH):
    """Return (1 + cos^2 2theta) / (sin^2 theta cos theta)."""
    sin2 = q2 * wavelength**2 / 4
    return (1 + (1 - 2 * sin2) ** 2) / (sin2 * np.sqrt(1 - sin2))


def merge(q2, hkl, intensity, tolerance=COINCIDENT):
    """Sort reflections by q2 and join those that coincide: intensities add up, the strongest lends its indices.

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
    q2, hkl, intensity = q2[order], hkl[order], intensity[order]
    line = np.concatenate([[0], np.cumsum(np.diff(q2) > tolerance * q2[1:])])[: len(q2)]
    strength = np.round(intensity / max(intensity.max(initial=0), 1e-300), 9)  # so that roundoff does not choose
    chosen = np.lexsort((np.arange(len(q2)), -strength, line))
    first = chosen[np.unique(line[chosen], return_index=True)[1]]
    return q2[first], hkl[first], np.bincount(line, weights=intensity)


def profile(two_theta, intensity, two_theta_max=TWO_THETA_MAX):
    """Return the pattern at 0, `STEP`, ..., `two_theta_max` degrees, its squares summing to one, shape (n_points,)."""
    pattern = _profile(two_theta, intensity, int(round(two_theta_max / STEP)) + 1, STEP, FWHM / np.sqrt(8 * np.log(2)))
    return pattern / max(np.sqrt((pattern**2).sum()), 1e-300)


@njit(cache=True)
def _profile(two_theta, intensity, n_points, step, sigma):
    pattern = np.zeros(n_points)
    for position, area in zip(two_theta, intensity):
        for i in range(max(0, int((position - 6 * sigma) / step)), min(n_points, int((position + 6 * sigma) / step) + 2)):
            pattern[i] += area * np.exp(-0.5 * ((i * step - position) / sigma) ** 2)
    return pattern


def observable(two_theta, intensity, pattern):
    """Return which lines a diffraction pattern would show: the write-up's four conditions for peak list 2.

    The lines given are not absent (condition 1). Height and curvature are read at the grid point nearest to the line; the
    curvature is a second difference. Of lines too close together the strongest stays, starting with the strongest of all.

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
    nearest = np.clip(np.rint(two_theta / STEP).astype(int), 1, len(pattern) - 2)
    curvature = pattern[nearest - 1] - 2 * pattern[nearest] + pattern[nearest + 1]
    visible = np.flatnonzero((pattern[nearest] > MIN_HEIGHT) & (curvature < 0))
    order = np.argsort(-intensity[visible], kind="stable")
    return visible[_apart(two_theta[visible], order, MIN_SEPARATION)]


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
