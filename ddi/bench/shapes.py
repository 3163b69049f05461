"""Cells of unusual shape and size, simulated: one long axis, one short axis, proteins and
mesophases.
"""

from types import SimpleNamespace

import numpy as np

from ddi.base.parallel import map_parallel
from ddi.base.stats import wilson
from ddi.bench.registry import benchmark
from ddi.bench.search import rank_of
from ddi.forward import bragg, lattice, lines
from ddi.index import search

ERROR = 0.02  # degrees 2theta, standard deviation of a position
ZERO_SHIFT = 0.05  # degrees 2theta, largest
UNSEEN = 0.15  # share of the lines that are not observed
N_PEAKS = 30
LEAST_ANGLE = 20.0  # degrees 2theta of the last peak, at least
PRIMITIVE = {
    "tetragonal": "tP",
    "hexagonal": "hP",
    "orthorhombic": "oP",
    "monoclinic": "mP",
    "triclinic": "aP",
}
LARGE = ("cP", "cI", "cF", "tP", "tI", "hP", "oP", "oC", "oI")


def observed(cell, bravais, rng, wavelength=bragg.CU_KALPHA1):
    """Return q2 in A^-2 of the first observed lines of a lattice.

    Parameters
    ----------
    cell : array_like, shape (6,)
        Conventional, in A and degrees; hexagonal axes for hR.
    bravais : str
    rng : numpy.random.Generator
    wavelength : float
        In A.
    """
    x = lattice.cell_to_x(np.asarray(cell, dtype=float))
    q2 = lines.distinct_lines(x, bravais, reach(cell, bravais, 2 * N_PEAKS))[1]
    q2 = q2[np.diff(q2, prepend=0.0) > 1e-6 * q2]
    q2 = q2[rng.random(len(q2)) > UNSEEN][:N_PEAKS]
    angles = bragg.two_theta(q2, wavelength)
    angles = angles[np.isfinite(angles)]
    shift = rng.uniform(-ZERO_SHIFT, ZERO_SHIFT)
    moved = angles + shift + ERROR * rng.standard_normal(len(angles))
    return bragg.q2_of(np.sort(moved), wavelength)


def reach(cell, bravais, n_lines):
    """Return q2 in A^-2 up to which a lattice has about so many distinct lines."""
    volume = lattice.volume(cell) / lattice.POINTS[lattice.BRAVAIS[bravais][1]]
    order = lattice.LAUE_ORDER[lattice.BRAVAIS[bravais][0]]
    return (3 * n_lines * order / (4 * np.pi * volume)) ** (2 / 3)


def suited_wavelength(cell, bravais):
    """Return Cu K-alpha1 or, for a large cell, the wavelength in A that puts the thirtieth line at
    `LEAST_ANGLE`.
    """
    q2 = reach(cell, bravais, N_PEAKS)
    return max(bragg.CU_KALPHA1, float(2 * np.sin(np.radians(LEAST_ANGLE / 2)) / np.sqrt(q2)))


def with_axis(system, axis, low, high, rng):
    """Return a cell of a lattice system with one axis between `low` and `high` A, the others 4 to
    10.
    """
    lengths = np.exp(rng.uniform(np.log(4), np.log(10), 3))
    lengths[axis] = rng.uniform(low, high)
    cell = np.concatenate([lengths, rng.uniform(90, 115, 3)])
    return lattice.full_cell(lattice.free_cell(cell, system), system)


def share_first(tasks):
    """Index simulated lists; return how many put the right lattice first, and how many there are.

    Parameters
    ----------
    tasks : list of (str, ndarray (6,), int)
        Bravais lattice, cell, seed.
    """
    right = map_parallel(_is_first, tasks, n_jobs=2, desc="indexing")
    return int(np.sum(right)), len(right)


def _is_first(task):
    bravais, cell, seed = task
    wavelength = suited_wavelength(cell, bravais)
    q2 = observed(cell, bravais, np.random.default_rng(seed), wavelength)
    table = search.run(q2, wavelength=wavelength, n_jobs=1)
    truth = SimpleNamespace(cell=cell, centring=lattice.BRAVAIS[bravais][1])
    return rank_of(table, truth) == 1


def _result(k, n, **more):
    low, high = wilson(k, n)
    return {"value": k / n, "low": low, "high": high, "unit": "share first", "n": n, **more}


def axis_tasks(n, low, high, seed=0):
    """Return n primitive cells with one axis between `low` and `high` A, over five systems."""
    rng = np.random.default_rng(seed)
    tasks = []
    for number in range(n):
        system = list(PRIMITIVE)[number % len(PRIMITIVE)]
        axis = 2 if system in ("tetragonal", "hexagonal") else int(rng.integers(3))
        tasks.append((PRIMITIVE[system], with_axis(system, axis, low, high, rng), number))
    return tasks


def large_tasks(n, seed=0):
    """Return n lattices, cubic to orthorhombic, with primitive volumes of 10^4 to 10^7 A^3."""
    rng = np.random.default_rng(seed)
    tasks = []
    for number in range(n):
        bravais = LARGE[number % len(LARGE)]
        system, centring = lattice.BRAVAIS[bravais]
        cell = with_axis(system, 2, 4, 10, rng)
        volume = 10 ** rng.uniform(4, 7) * lattice.POINTS[centring]
        cell[:3] *= (volume / lattice.volume(cell)) ** (1 / 3)
        tasks.append((bravais, cell, number))
    return tasks


@benchmark(
    "long_axis",
    floor=0.70,
    about="200 simulated cells, one axis 25 to 60 A, the others 4 to 10: right lattice first",
)
def bench_long_axis(n=200):
    """Long axes; beside them as many cells with one axis of 2.5 to 4 A."""
    short, n_short = share_first(axis_tasks(n, 2.5, 4.0, seed=2))
    k, n = share_first(axis_tasks(n, 25.0, 60.0, seed=1))
    return _result(k, n, one_below_4=short / n_short)


@benchmark(
    "large",
    floor=0.90,
    about="100 simulated proteins and mesophases to 10^7 A^3, cubic to orthorhombic: first",
)
def bench_large(n=100):
    """Large cells, measured at a wavelength that puts the thirtieth line near 20 degrees."""
    return _result(*share_first(large_tasks(n, seed=3)))
