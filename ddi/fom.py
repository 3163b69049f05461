"""Figures of merit that every indexing paper quotes, and what a found cell has to do with the true one.

`m20` is de Wolff's (J. Appl. Cryst. 1, 108, 1968), `f_n` Smith & Snyder's (J. Appl. Cryst. 12, 60, 1979), `explain` fills
section 2.4.4 of the write-up (errata, decision 9). The score that ranks cells is in `ddi.ranking`.
"""

import itertools
from functools import lru_cache

import numpy as np

from ddi import lattice

MAX_INDEX = 6
"""Largest volume ratio for which `explain` looks for a sub- or supercell."""


def _count_and_error(obs, lines, n):
    obs = np.sort(np.asarray(obs, dtype=float))[:n]
    lines = np.sort(np.where(np.isfinite(lines), lines, 1e9), axis=-1)
    distinct = np.diff(lines, axis=-1, prepend=0.0) > 1e-9 * obs[-1]
    error = np.abs(obs - lines[..., None]).min(axis=-2)
    possible = (distinct & (lines <= obs[-1] + error[..., -1:])).sum(axis=-1)
    return obs, np.maximum(possible, 1), error.mean(axis=-1)


def m20(q2_obs, q2_lines, n=20):
    """Return de Wolff's figure of merit, M = Q_n / (2 <|dQ|> N).

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2; the first `n` are used, or all if there are fewer.
    q2_lines : array_like, shape (..., n_lines)
        Lines that the cell allows, in A^-2, up to at least the last peak used; pad with NaN or inf.
    n : int

    Returns
    -------
    ndarray or float, shape (...)
    """
    obs, possible, error = _count_and_error(q2_obs, np.asarray(q2_lines, dtype=float), n)
    return obs[-1] / (2 * np.maximum(error, 1e-12) * possible)


def f_n(q2_obs, q2_lines, wavelength, n=20):
    """Return Smith & Snyder's figure of merit, F_N = N / (<|d 2theta|> N_possible), with 2theta in degrees.

    Parameters
    ----------
    q2_obs, q2_lines, n
        As for `m20`.
    wavelength : float
        In Angstrom.

    Returns
    -------
    ndarray or float, shape (...)
    """
    angle = [two_theta(q2, wavelength) for q2 in (np.asarray(q2_obs, dtype=float), np.asarray(q2_lines, dtype=float))]
    obs, possible, error = _count_and_error(*angle, n)
    return len(obs) / (np.maximum(error, 1e-6) * possible)


def two_theta(q2, wavelength):
    """Return 2theta in degrees; NaN beyond what the wavelength (A) reaches."""
    sine = 0.5 * wavelength * np.sqrt(np.asarray(q2, dtype=float))
    return np.degrees(2 * np.arcsin(np.where(sine <= 1, sine, np.nan)))


def reach(q2):
    """Return a wavelength in A that reaches every q2 up to the one given: 1.540593 (Cu K-alpha1), or shorter if need be."""
    return min(1.540593, 1.9 / np.sqrt(q2))


def q2_of(two_theta_deg, wavelength):
    """Return q2 = 1/d^2 in A^-2 of 2theta in degrees."""
    return (2 * np.sin(np.radians(np.asarray(two_theta_deg, dtype=float)) / 2) / wavelength) ** 2


def explain(found_cell, found_centring, true_cell, true_centring, length_tolerance=0.015, angle_tolerance=1.5):
    """Say what a found cell is to the true one, and how their axes are related.

    Parameters
    ----------
    found_cell, true_cell : array_like, shape (6,)
        Conventional cells in A and degrees.
    found_centring, true_centring : str
        As for `lattice.reduced_cell` (R means hexagonal axes).
    length_tolerance, angle_tolerance : float
        Relative, and in degrees; on the reduced cells.

    Returns
    -------
    label : str
        "correct"; "other setting" (same lattice, other axes); "higher symmetry" (same lattice within tolerance, described
        with fewer free parameters than the true cell has); "supercell" and "subcell" (of index up to `MAX_INDEX`); "wrong".
    transformation : ndarray, shape (3, 3), or None
        Rows express the found axes by the true ones: ``a_found = T[0] @ (a, b, c)_true``. None for "wrong".
    """
    tolerance = length_tolerance, angle_tolerance
    (found, r_found), (true, r_true) = _reduce(found_cell, found_centring), _reduce(true_cell, true_centring)
    ratio = lattice.volume(found) / lattice.volume(true)
    index = int(round(max(ratio, 1 / ratio)))
    if index > MAX_INDEX or abs(max(ratio, 1 / ratio) / index - 1) > 4 * length_tolerance + 0.02:
        return "wrong", None
    small, large = (true, found) if ratio >= 1 else (found, true)
    step = next((step for form in hermite_forms(index) if (step := _between(small, large, form, tolerance)) is not None), None)
    if step is None:
        return "wrong", None
    step = step if ratio >= 1 else np.linalg.inv(step)
    transformation = _tidy(np.linalg.inv(r_found) @ step @ r_true)
    if index > 1:
        return ("supercell" if ratio > 1 else "subcell"), transformation
    return _same(found_cell, true_cell, tolerance), transformation


def _same(found_cell, true_cell, tolerance):
    if n_free(found_cell) < n_free(true_cell):
        return "higher symmetry"
    return "correct" if lattice.close(np.asarray(found_cell, dtype=float), np.asarray(true_cell, dtype=float), *tolerance) else "other setting"


def n_free(cell):
    """Return how many cell parameters the lattice system of a conventional cell leaves free, judged by exact equalities."""
    cell = np.asarray(cell, dtype=float)
    fits = (entry for entry in lattice.SYSTEM.values() if np.allclose(lattice.full_cell(cell[list(entry.free)], entry.name), cell, atol=1e-4))
    return min(len(entry.free) for entry in fits)


def _reduce(cell, centring):
    """Return the reduced cell and the rows that express its axes by the given ones."""
    import gemmi

    vector = gemmi.GruberVector(gemmi.UnitCell(*map(float, cell)), centring, True)
    vector.niggli_reduce(iteration_limit=1000)
    rows = np.array(vector.change_of_basis.rot).T / vector.change_of_basis.DEN
    return lattice.change_basis(cell, rows), rows


def _between(small, large, form, tolerance):
    """Return rows that express the axes of `large` by those of `small`, if `form` of `small` is that lattice."""
    reduced, rows = _reduce(lattice.change_basis(small, form), "P")
    if np.abs(np.sort(reduced[:3]) / np.sort(large[:3]) - 1).max() > tolerance[0]:
        return None
    moves = lattice.unimodular()
    cells = lattice.from_metric(moves @ lattice.metric(reduced) @ moves.transpose(0, 2, 1))
    fits = np.flatnonzero(lattice.close(cells, large, *tolerance))
    if not len(fits):
        return None
    miss = np.abs(cells[fits] / large - 1).sum(axis=1)
    return moves[fits[miss.argmin()]] @ rows @ form


@lru_cache(maxsize=None)
def hermite_forms(index):
    """Return the (n, 3, 3) integer matrices whose rows span every sublattice of the given index, once each."""
    forms = []
    for a, b in itertools.product(range(1, index + 1), repeat=2):
        if index % (a * b) == 0:
            c = index // (a * b)
            forms += [[[a, i, j], [0, b, k], [0, 0, c]] for i in range(b) for j in range(c) for k in range(c)]
    return np.array(forms, dtype=float)


def _tidy(matrix):
    return np.round(matrix * 12) / 12 + 0.0
