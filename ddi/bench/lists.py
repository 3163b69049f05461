"""Simulated peak lists of the kinds that people bring, of `ddi.bench.crystals`."""

from dataclasses import dataclass

import numpy as np

from ddi.bench import crystals, shapes
from ddi.forward import bragg, lattice, lines, noise

N_PEAKS = (12, 30)  # fewest and most peaks of a list
WEAKEST = (0.002, 0.03)  # of the strongest line, below which lines are not seen; log-uniform
LOST = 0.05  # share of the other lines that are missing
FOREIGN = 1.0  # mean number of foreign lines, where a kind says nothing else
MOST_FOREIGN = 4


@dataclass(frozen=True)
class Kind:
    """How a list of a kind is measured and written.

    Attributes
    ----------
    unit : str
        "2theta" or "d".
    wavelength : float
        In A.
    error, spread : float
        Degrees 2theta: median of a list's position error, and its log-normal spread from list to
        list.
    zero : tuple of float
        Mean and standard deviation of the zero shift, degrees 2theta.
    apart : float
        Degrees 2theta within which lines are one peak.
    decimals : int
        As written.
    foreign : tuple of int, optional
        Fewest and most foreign lines; about one if not given.
    n_peaks : tuple of int
    """

    unit: str
    wavelength: float
    error: float
    zero: tuple
    apart: float
    decimals: int
    spread: float = 0.4
    foreign: tuple | None = None
    n_peaks: tuple = N_PEAKS


CU = bragg.CU_KALPHA1
KINDS = {
    "laboratory": Kind("2theta", CU, 0.015, (0.02, 0.05), 0.1, 3),
    "d3": Kind("d", CU, 0.015, (0.0, 0.02), 0.1, 3),
    "d4": Kind("d", CU, 0.01, (0.0, 0.02), 0.1, 4),
    "neutron": Kind("2theta", 2.4, 0.04, (0.0, 0.1), 0.35, 2),
    "synchrotron": Kind("2theta", 0.4, 0.0015, (0.0, 0.003), 0.012, 4),
    "few": Kind("2theta", CU, 0.02, (0.02, 0.05), 0.1, 2, n_peaks=(6, 9)),
    "impure": Kind("2theta", CU, 0.012, (0.1, 0.0), 0.1, 3, foreign=(3, 5), n_peaks=(20, 20)),
    "scale0.3": Kind("2theta", CU, 0.0036, (0.02, 0.03), 0.1, 4, spread=0.0),
    "scale1": Kind("2theta", CU, 0.012, (0.02, 0.03), 0.1, 4, spread=0.0),
    "scale3": Kind("2theta", CU, 0.036, (0.02, 0.03), 0.1, 4, spread=0.0),
    "absent": Kind("2theta", CU, 0.015, (0.02, 0.05), 0.1, 3),
    "long_axis": Kind("2theta", CU, 0.02, (0.0, 0.03), 0.05, 3),
    "molybdenum": Kind("2theta", 0.7093, 0.02, (0.02, 0.05), 0.1, 3),
    "organic": Kind("2theta", CU, 0.017, (0.0, 0.04), 0.07, 3, foreign=(0, 2), n_peaks=(20, 25)),
    "organic_d": Kind("d", CU, 0.017, (0.0, 0.04), 0.07, 3, foreign=(0, 2), n_peaks=(20, 25)),
    "short": Kind("2theta", CU, 0.05, (0.02, 0.05), 0.1, 2, foreign=(0, 0), n_peaks=(4, 8)),
    "d2": Kind("d", CU, 0.015, (0.0, 0.02), 0.1, 2),
}
USUAL = ("laboratory", "d3", "d4", "neutron", "synchrotron", "few", "absent", "long_axis")
"""The kinds on which the probability is judged."""
ORGANICS = ("organic", "organic_d")
HIGH = ("cubic", "tetragonal", "hexagonal", "rhombohedral")


def chosen(which, kind, n, seed=0):
    """Return n crystals of a half for a kind, lattice systems in turn; organic ones as they come,
    again and again where they are few.
    """
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    if kind in ORGANICS:
        rows = crystals.organic()
        rows = rows[rows.half == which]
        return rows.iloc[np.arange(n) % len(rows)].reset_index(drop=True)
    if kind == "short":
        rows = crystals.of_study(which)
        few = rng.permutation(np.flatnonzero(crystals.shows_few_lines(rows)))
        return rows.iloc[few[:n]].reset_index(drop=True)
    rows = crystals.held_out()
    rows = rows[rows.half == which]
    systems = np.array([lattice.BRAVAIS[symbol][0] for symbol in rows.bravais])
    wanted = lattice.SYSTEMS
    if kind == "few":
        wanted = HIGH
    if kind == "impure":
        wanted = ("monoclinic",)
    places = {system: rng.permutation(np.flatnonzero(systems == system)) for system in wanted}
    order = [places[wanted[k % len(wanted)]][k // len(wanted)] for k in range(n)]
    return rows.iloc[order].reset_index(drop=True)


def simulated(row, kind, seed):
    """Return what a user would type in: positions, intensities and the true zero shift; None if a
    crystal shows too few lines.

    Parameters
    ----------
    row : object
        q2_1 (A^-2) and intensity_1 of a crystal.
    kind : str
        Of `KINDS`.
    seed : int
    """
    how = KINDS[kind]
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    intensity = np.array(row.intensity_1)
    if kind == "neutron":
        intensity = rng.exponential(size=len(intensity))
    angle = bragg.two_theta(np.array(row.q2_1), how.wavelength)
    keep = np.isfinite(angle) & (angle < 160)
    angle, intensity = _peaks(angle[keep], intensity[keep], how, rng)
    n = int(rng.integers(how.n_peaks[0], how.n_peaks[1] + 1))
    n_foreign = _n_foreign(how, rng)
    angle, intensity = angle[: n - n_foreign], intensity[: n - n_foreign]
    if len(angle) < min(n - n_foreign, 0.6 * how.n_peaks[1]):
        return None
    zero = rng.normal(*how.zero)
    error = how.error * np.exp(how.spread * rng.standard_normal())
    q2 = bragg.q2_of(angle, how.wavelength)
    extra = noise.foreign(0.5 * q2[0], q2[-1], n_foreign, rng)
    if kind == "absent":
        q2 = q2[-1] * rng.random(len(q2)) ** (2 / 3)
    seen = bragg.two_theta(np.append(q2, extra), how.wavelength)
    seen = seen + zero + error * rng.standard_normal(len(seen))
    intensity = np.append(intensity, np.median(intensity) * rng.exponential(size=n_foreign))
    if how.unit == "d":
        seen = bragg.q2_of(seen, how.wavelength) ** -0.5
    seen, first = np.unique(np.round(seen, how.decimals), return_index=True)
    return seen, intensity[first], zero


def _n_foreign(how, rng):
    if how.foreign:
        return int(rng.integers(how.foreign[0], how.foreign[1] + 1))
    return min(int(rng.poisson(FOREIGN)), MOST_FOREIGN)


def _peaks(angle, intensity, how, rng):
    """Lines as an instrument resolves them, without weak and lost ones; shape (m,) each."""
    group = np.cumsum(np.diff(angle, prepend=-90.0) > how.apart)
    total = np.bincount(group, weights=intensity)[1:]
    angle = np.bincount(group, weights=angle * intensity)[1:] / np.maximum(total, 1e-12)
    weakest = np.exp(rng.uniform(*np.log(WEAKEST)))
    seen = (total > weakest * total.max()) & noise.kept(len(total), LOST, rng)
    return angle[seen], total[seen]


def tasks(which, kinds, n, seed=0):
    """Return (kind, bravais, cell, q2_1, intensity_1, identifier, seed) of n lists a kind."""
    made = []
    for kind in kinds:
        if kind == "long_axis":
            made += _long(which, n, seed)
            continue
        for number, row in enumerate(chosen(which, kind, n, seed).itertuples()):
            made.append((kind, row, number + 1000 * seed))
    return made


@dataclass(frozen=True)
class Crystal:
    """What `tasks` hands over of a simulated lattice, named like a row of `crystals`."""

    identifier: str
    bravais: str
    cell: np.ndarray
    centring: str
    q2_1: np.ndarray
    intensity_1: np.ndarray


def _long(which, n, seed):
    first = 11 if which == "choosing" else 12
    made = []
    for bravais, cell, number in shapes.axis_tasks(n, 25.0, 60.0, seed=first + 100 * seed):
        x = lattice.cell_to_x(cell)
        q2 = lines.distinct_lines(x, bravais, shapes.reach(cell, bravais, 60))[1]
        intensity = np.random.default_rng([number, first]).exponential(size=len(q2))
        row = Crystal(f"long {number}", bravais, cell, "P", q2, intensity)
        made.append(("long_axis", row, number + 1000 * seed))
    return made
