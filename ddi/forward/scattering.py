"""Which reflections a crystal has and how strongly its atoms scatter into them: |F| without
anomalous dispersion.

Scattering factors are those of International Tables (1992), displacements isotropic. The loops are
compiled, because they run over reflections x operations and over reflections x atoms; `gemmi`
computes the same and is the oracle of the tests.
"""

from functools import lru_cache

import gemmi
import numpy as np
from numba import njit

from ddi.forward import lattice
from ddi.forward.constants import FORWARD


@lru_cache(maxsize=4096)
def _group(operations):
    """Rotations (n, 3, 3), translations (n, 3) and centring vectors (m, 3), the latter two in
    24ths.
    """
    group = gemmi.GroupOps([gemmi.Op(operation) for operation in operations])
    rotations = np.array([op.rot for op in group.sym_ops], dtype=np.int64) // gemmi.Op.DEN
    translations = np.array([op.tran for op in group.sym_ops], dtype=np.int64)
    return rotations, translations, np.array(group.cen_ops, dtype=np.int64)


@lru_cache(maxsize=4096)
def is_centric(operations):
    """Say whether a group holds an inversion."""
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
                if (
                    x[0] * h * h
                    + x[1] * k * k
                    + x[2] * l * l
                    + x[3] * k * l
                    + x[4] * h * l
                    + x[5] * h * k
                    > q2_max
                ):
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
    same = 0
    opposite = 0
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
                a = -a
                b = -b
                c = -c
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
        As in `ddi.forward.powder.simulate`.

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
    kinds, species = np.unique(
        np.array([(gemmi.Element(e).atomic_number, b) for e, b in zip(elements, b_iso)]),
        axis=0,
        return_inverse=True,
    )
    factors = np.array([[*_it92(gemmi.Element(int(number)).name), b] for number, b in kinds])
    rotations, translations, centrings = _group(operations)
    positions, parents = _expand(
        np.asarray(xyz, dtype=float),
        rotations,
        translations / 24.0,
        centrings / 24.0,
        lattice.metric(cell),
        FORWARD.same_site**2,
    )
    return (
        positions,
        np.asarray(occupancy, dtype=float)[parents] * len(centrings),
        species.ravel()[parents],
        factors,
    )


@njit(cache=True)
def _expand(xyz, rotations, translations, centrings, metric, tolerance):
    n = len(rotations)
    positions = np.empty((len(xyz) * n, 3))
    parents = np.empty(len(xyz) * n, np.int64)
    m = 0
    images = np.empty((n, 3))
    for atom in range(len(xyz)):
        site = np.zeros(3)
        fixed = 0
        _images(xyz[atom], rotations, translations, images)
        for image in images:
            for shift in centrings:
                step = _apart_by(image, xyz[atom], shift)
                if _squared(step, metric) < tolerance:
                    site += step
                    fixed += 1
        site = xyz[atom] + site / fixed
        _images(site, rotations, translations, images)
        first = m
        for image in images:
            if fixed == 1 or not _is_among(image, positions[first:m], centrings, metric, tolerance):
                positions[m] = image
                parents[m] = atom
                m += 1
    return positions[:m], parents[:m]


@njit(cache=True)
def _images(site, rotations, translations, images):
    for i in range(len(rotations)):
        for row in range(3):
            r = rotations[i, row]
            images[i, row] = r[0] * site[0] + r[1] * site[1] + r[2] * site[2] + translations[i, row]


@njit(cache=True)
def _apart_by(image, other, shift):
    step = np.empty(3)
    for k in range(3):
        step[k] = image[k] + shift[k] - other[k]
        step[k] -= np.round(step[k])
    return step


@njit(cache=True)
def _squared(step, metric):
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += step[i] * metric[i, j] * step[j]
    return total


@njit(cache=True)
def _is_among(image, others, centrings, metric, tolerance):
    for other in others:
        for shift in centrings:
            if _squared(_apart_by(image, other, shift), metric) < tolerance:
                return True
    return False


def structure_factors(hkl, q2, positions, weights, species, factors):
    """Return F(hkl), complex, shape (n,), of the conventional cell; arguments as `unit_cell`
    returns them.
    """
    stol2 = q2 / 4
    a = factors[:, :4, None]
    b = factors[:, 4:8, None]
    c = factors[:, 8, None]
    b_iso = factors[:, 9, None]
    scattering = ((a * np.exp(-b * stol2)).sum(axis=1) + c) * np.exp(-b_iso * stol2)
    largest = np.abs(hkl).max(axis=0, initial=0) if len(hkl) else np.zeros(3, np.int64)
    return _structure_factors(
        np.ascontiguousarray(hkl), largest, positions, weights, species, scattering
    )


@njit(cache=True, fastmath=True)
def _structure_factors(hkl, largest, positions, weights, species, scattering):
    real = np.zeros(len(hkl))
    imaginary = np.zeros(len(hkl))
    width = largest.max() + 1
    waves = np.empty((3, 2 * width + 1), np.complex128)  # exp(2 pi i n x) for n = -width..width
    for atom in range(len(positions)):
        for axis in range(3):
            turn = np.exp(2j * np.pi * positions[atom, axis])
            waves[axis, width] = 1.0
            for n in range(largest[axis]):
                waves[axis, width + n + 1] = waves[axis, width + n] * turn
                waves[axis, width - n - 1] = np.conj(waves[axis, width + n + 1])
        factor = scattering[species[atom]]
        weight = weights[atom]
        for i in range(len(hkl)):
            wave = (
                waves[0, width + hkl[i, 0]]
                * waves[1, width + hkl[i, 1]]
                * waves[2, width + hkl[i, 2]]
            )
            real[i] += weight * factor[i] * wave.real
            imaginary[i] += weight * factor[i] * wave.imag
    return real + 1j * imaginary
