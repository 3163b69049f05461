"""From peaks to a ranked list of cells, over all fourteen Bravais lattices at once.

Candidates come from index templates (`ddi.templates`) and from any other generator that is passed in; the compiled kernel screens
them at a few trial zero shifts; the best are refined with the zero shift as one more linear parameter and weights that forgive
spurious peaks; `ddi.ranking` puts all that survive in one order.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ddi import kernel, lattice, ranking
from ddi.errors import DDIError
from ddi.fom import two_theta
from ddi.templates import Templates

ASSUMED_WAVELENGTH = 1.540593  # A; only turns an error in 2theta into one in q2 where no wavelength is given
SIGMA = 0.012  # degrees 2theta; what peak positions of laboratory patterns scatter by
ZERO_MEAN, ZERO_SIGMA = 0.02, 0.06  # degrees 2theta; weak prior of the zero shift
TRIAL_SHIFTS = (0.0, 0.04, 0.08, -0.04)
SCREEN_SIGMA = 0.03  # degrees; a template's cell is only about this good before refinement
MAX_VOLUME = 6000.0  # A^3 of the primitive cell
MAX_VERIFY = 40


@dataclass(frozen=True)
class Peaks:
    """One pattern's peaks, ascending.

    Attributes
    ----------
    q2, sigma, slope : ndarray, shape (n,)
        A^-2; sigma is one standard deviation; slope is dq2/d(2theta) per degree, zero where no zero shift is possible.
    intensity : ndarray, shape (n,)
        Relative to the strongest; ones if unknown.
    n_search : int
        How many of the first generate and screen; the others verify.
    """

    q2: np.ndarray
    sigma: np.ndarray
    slope: np.ndarray
    intensity: np.ndarray
    n_search: int


def prepare(q2, sigma_q2=None, intensities=None, wavelength=None, n_peaks=20):
    """Return the `Peaks` of a pattern; arguments as for `run`."""
    q2 = np.asarray(q2, dtype=float)
    if q2.ndim != 1 or len(q2) < 6 or not (np.isfinite(q2).all() and (q2 > 0).all()):
        raise DDIError(f"read {q2.size} values of q2; expected a list of at least 6 positive numbers in A^-2")
    order = np.argsort(q2)[: max(MAX_VERIFY, n_peaks)]
    q2 = q2[order]
    angle = np.radians(two_theta(q2, wavelength or min(ASSUMED_WAVELENGTH, 1.99 / np.sqrt(q2[-1]))))
    slope = 2 / (wavelength or ASSUMED_WAVELENGTH) ** 2 * np.sin(angle) * np.pi / 180
    slope = np.maximum(slope, 0.02 * slope.max())
    sigma = SIGMA * slope if sigma_q2 is None else np.broadcast_to(np.asarray(sigma_q2, dtype=float), order.size)[order]
    intensity = np.ones(len(q2)) if intensities is None else np.asarray(intensities, dtype=float)[order]
    return Peaks(q2, sigma, slope, intensity / intensity.max(), min(n_peaks, len(q2)))


@lru_cache(maxsize=2)
def shipped():
    """Return the templates that come with the package, read once."""
    return Templates.load()


@lru_cache(maxsize=64)
def _systems(templates_id, bravais, n_peaks):
    return _TEMPLATES[templates_id].systems(bravais, n_peaks)


_TEMPLATES = {}


def run(
    q2,
    sigma_q2=None,
    *,
    intensities=None,
    wavelength=None,
    bravais=None,
    max_volume=None,
    time_budget=None,
    zero_shift="fit",
    n_peaks=20,
    n_jobs=2,
    seed=0,
    generators=None,
    n_best=50,
):
    """Index a pattern.

    Parameters
    ----------
    q2 : array_like, shape (n,)
        Observed 1/d^2 in A^-2; the first `n_peaks` search, up to 40 verify.
    sigma_q2 : float or array_like, shape (n,), optional
        Standard deviations in A^-2; 0.012 degrees 2theta if not given.
    intensities : array_like, shape (n,), optional
    wavelength : float, optional
        In Angstrom; without it no zero shift is fitted.
    bravais : sequence of str, optional
        Bravais lattices or lattice systems to try; all if not given.
    max_volume : float, optional
        Of the primitive cell in A^3.
    time_budget : float, optional
        Seconds after which no further lattice is begun.
    zero_shift : "fit", None or float
        Degrees 2theta; a number is subtracted and kept.
    n_peaks, n_jobs, seed : int
    generators : list, optional
        Objects with ``name`` and ``sample(q2, n, seed=)``; their cells join those of the templates.
    n_best : int
        Rows returned at most.

    Returns
    -------
    DataFrame
        See `ddi.ranking.table`; best first.
    """
    peaks = prepare(q2, sigma_q2, intensities, wavelength, n_peaks)
    fit = zero_shift == "fit" and wavelength is not None
    fixed = 0.0 if zero_shift in ("fit", None) else float(zero_shift)
    zero = Zero(ZERO_MEAN, ZERO_SIGMA, TRIAL_SHIFTS) if fit else Zero(fixed, 1e-7, (fixed,))
    symbols = chosen(bravais)
    started = time.monotonic()

    def one(symbol):
        if time_budget is not None and time.monotonic() - started > time_budget:
            return None
        return search_lattice(peaks, symbol, zero, max_volume or MAX_VOLUME)

    with ThreadPoolExecutor(n_jobs) as pool:
        found = [result for result in pool.map(one, symbols) if result is not None]
    return ranking.rank(peaks, zero, found, n_best=n_best)


@dataclass(frozen=True)
class Zero:
    """Prior mean and standard deviation of the zero shift, and the shifts tried in screening; degrees 2theta."""

    mean: float
    sigma: float
    trials: tuple


def chosen(bravais=None):
    """Return the Bravais lattices that a mixed list of symbols and lattice systems names, most symmetric first."""
    names = set(lattice.BRAVAIS) if bravais is None else set([bravais] if isinstance(bravais, str) else bravais)
    unknown = names - set(lattice.BRAVAIS) - set(lattice.SYSTEMS)
    if unknown:
        raise DDIError(f"no lattice is called {', '.join(sorted(unknown))}; choose from {', '.join([*lattice.SYSTEMS, *lattice.BRAVAIS])}")
    return [symbol for symbol, (system, _) in lattice.BRAVAIS.items() if symbol in names or system in names]


@dataclass(frozen=True)
class Found:
    """Refined candidates of one Bravais lattice: x (n, 6) on the axes of the search, zero (n,) in degrees."""

    bravais: str
    x: np.ndarray
    zero: np.ndarray


def search_lattice(peaks, bravais, zero, max_volume, templates=None, n_keep=400):
    """Return the refined best candidates of one Bravais lattice."""
    kind = kernel.KINDS[bravais]
    templates = templates or shipped()
    _TEMPLATES[id(templates)] = templates
    spread, pick = _systems(id(templates), bravais, peaks.n_search)
    q2, slope = peaks.q2[: peaks.n_search], peaks.slope[: peaks.n_search]
    trial = np.array([q2 - shift * slope for shift in zero.trials])
    scores = np.empty((len(spread), len(trial)))
    volumes = 10.0 * kind.multiple, max_volume * kind.multiple
    kernel._screen(spread, pick, trial, SCREEN_SIGMA * slope, kind.rule, *volumes, MAX_LINES, scores)
    best = np.argpartition(-scores.ravel(), min(n_keep, scores.size - 1))[:n_keep] if scores.size else np.zeros(0, int)
    best = best[scores.ravel()[best] > 0]
    template, shift = np.divmod(best, len(trial))
    x = np.einsum("nij,nj->ni", spread[template], trial[shift[:, None], pick[template]])
    zeros = np.array(zero.trials)[shift]
    ties = lattice.ties(kind.system).astype(float)
    kernel._refine(x, zeros, ties, kind.rule, q2, slope, peaks.sigma[: peaks.n_search], zero.mean, zero.sigma, WIDTHS, MAX_LINES)
    return Found(bravais, x, zeros)


WIDTHS = np.array([3.0, 2.5, 2.0, 1.6, 1.3, 1.0, 1.0, 1.0])
MAX_LINES = 400
