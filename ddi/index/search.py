"""From peaks to a ranked list of cells, over all fourteen Bravais lattices at once.

Candidates come from index templates (`ddi.models.templates`) and from any other generator that is
handed in; the compiled kernel screens them at a few trial zero shifts; the best are refined with
the zero shift as one more linear parameter and weights that forgive spurious peaks;
`ddi.index.ranking` puts all that survive in one order.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice, lines
from ddi.index import ranking, screening
from ddi.models.template_axes import settings
from ddi.models.templates import Templates

SIGMA = 0.012  # degrees 2theta; what peak positions of laboratory patterns scatter by
# degrees 2theta; weak prior of the zero shift
ZERO_MEAN = 0.02
ZERO_SIGMA = 0.06
TRIAL_SHIFTS = (
    0.04,
    0.0,
    0.08,
    -0.04,
    -0.08,
)  # the first, the commonest, is tried with every template
# share of the templates that are tried at the other shifts, too: those best at the first
PROMISING = 0.05
MIN_PROMISING = 500
SCREEN_SIGMA = 0.03  # degrees; a template's cell is only about this good before refinement
SCREEN_LINES = 400  # a cell with more lines up to the last peak that searches explains anything
WIDTHS = np.array([3.0, 2.5, 2.0, 1.6, 1.3, 1.0, 1.0, 1.0])
# candidates a lattice that survive screening; of these, distinct ones that are refined
N_SCREENED = 4000
N_REFINED = 1200
# A^3 of the primitive cell
MIN_VOLUME = 10.0
MAX_VOLUME = 8000.0
MIN_PEAKS = 4
MAX_VERIFY = 40
STAGES = (
    ("cubic", "tetragonal", "hexagonal", "rhombohedral"),
    ("orthorhombic",),
    ("monoclinic",),
    ("triclinic",),
)
"""Lattice systems in the order they are searched; the search ends after a stage that leaves no
doubt and no peak.
"""


@dataclass(frozen=True)
class Peaks:
    """One pattern's peaks, ascending.

    Attributes
    ----------
    q2, sigma, slope : ndarray, shape (n,)
        In A^-2; sigma is one standard deviation; slope is dq2/d(2theta) per degree.
    spurious : ndarray, shape (n,)
        Prior probability of each to belong to no line.
    n_search : int
        How many of the first generate and screen; the others verify.
    wavelength : float or None
        In Angstrom.
    votes : ndarray, shape (4, m)
        q2, sigma, slope and spurious of all that has a say in the ranking: these peaks and those
        too faint to search with.
    """

    q2: np.ndarray
    sigma: np.ndarray
    slope: np.ndarray
    spurious: np.ndarray
    n_search: int
    wavelength: float | None
    votes: np.ndarray


@dataclass(frozen=True)
class Zero:
    """Prior mean and standard deviation of the zero shift, and the shifts tried in screening;
    degrees 2theta.
    """

    mean: float = ZERO_MEAN
    sigma: float = ZERO_SIGMA
    trials: tuple = TRIAL_SHIFTS

    @classmethod
    def known(cls, value):
        """A zero shift that is not to be refined."""
        return cls(value, 1e-6, (value,))


@dataclass(frozen=True)
class Found:
    """Refined candidates of one Bravais lattice: x (n, 6) on the axes of the search, zero (n,) in
    degrees, who proposed them.
    """

    bravais: str
    x: np.ndarray
    zero: np.ndarray
    source: np.ndarray


def prepare(
    q2, sigma_q2=None, intensities=None, wavelength=None, n_peaks=20, faint=None, spurious=None
):
    """Return the `Peaks` of a pattern, sorted; arguments as for `run`, and the probability of any
    peak to be spurious if it is known.
    """
    q2 = np.asarray(q2, dtype=float)
    if q2.ndim != 1 or len(q2) < MIN_PEAKS or not (np.isfinite(q2).all() and (q2 > 0).all()):
        raise DDIError(
            f"read {q2.size} values of q2; expected a list of at least {MIN_PEAKS} positive numbers in A^-2"
        )
    order = np.argsort(q2, kind="stable")[: max(MAX_VERIFY, n_peaks)]
    used = wavelength or bragg.wavelength_reaching(q2[order[-1]])
    slope = bragg.q2_slope(q2[order], used)
    sigma = (
        SIGMA * slope
        if sigma_q2 is None
        else np.maximum(np.broadcast_to(np.asarray(sigma_q2, dtype=float), q2.shape)[order], 1e-9)
    )
    intensity = (
        np.ones(len(order))
        if intensities is None
        else np.maximum(np.asarray(intensities, dtype=float)[order], 1e-9)
    )
    strong = np.array(
        [
            q2[order],
            sigma,
            slope,
            ranking.spurious(intensity) if spurious is None else np.full(len(order), spurious),
        ]
    )
    weak = np.empty((3, 0)) if faint is None else np.array(faint, dtype=float)
    weak = weak[:, weak[0] < strong[0, -1]]
    votes = np.concatenate(
        [
            strong,
            [
                weak[0],
                np.maximum(weak[1], SIGMA * bragg.q2_slope(weak[0], used)),
                bragg.q2_slope(weak[0], used),
                weak[2],
            ],
        ],
        axis=1,
    )
    return Peaks(*strong, min(n_peaks, len(order)), wavelength, votes)


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
    templates=None,
    faint=None,
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
        Weak peaks are likelier to be spurious.
    wavelength : float, optional
        In Angstrom; without it no zero shift is fitted.
    bravais : str or sequence of str, optional
        Bravais lattices or lattice systems to try; all if not given.
    max_volume : float, optional
        Of the primitive cell in A^3.
    time_budget : float, optional
        Seconds after which no further lattice is begun.
    zero_shift : "fit", None or float
        Degrees 2theta; a number is taken as known.
    n_peaks, n_jobs, seed : int
        The result does not depend on n_jobs.
    generators : dict, optional
        Lattice system -> generators with ``name`` and ``sample(q2, n, seed=)``; their cells join
        those of the templates.
    templates : Templates, optional
        Those shipped with the package if not given.
    faint : array_like, shape (3, m), optional
        q2, sigma_q2 (A^-2) and the probability to be no line at all of peaks too faint to search
        with; they vote in the ranking.
    n_best : int
        Rows returned at most.

    Returns
    -------
    DataFrame
        See `ddi.index.ranking.table`; empty if nothing was found.

    Raises
    ------
    DDIError
        For too few or impossible peaks and unknown lattices.
    """
    peaks = prepare(q2, sigma_q2, intensities, wavelength, n_peaks, faint)
    zero = (
        Zero()
        if zero_shift == "fit" and wavelength
        else Zero.known(0.0 if zero_shift in ("fit", None) else float(zero_shift))
    )
    symbols = chosen(bravais)
    started = time.monotonic()
    rows = []
    late = lambda: time_budget is not None and time.monotonic() - started > time_budget  # noqa: E731

    def task(symbol):
        if late():
            return []
        extra = (generators or {}).get(lattice.BRAVAIS[symbol][0], ())
        return ranking.shortlist(
            peaks,
            search_lattice(peaks, symbol, zero, max_volume or MAX_VOLUME, templates, extra, seed),
            zero,
        )

    with ThreadPoolExecutor(n_jobs) as pool:
        for stage in STAGES:
            here = [symbol for symbol in symbols if lattice.BRAVAIS[symbol][0] in stage]
            rows += [row for found in pool.map(task, here) for row in found]
            ordered = ranking.order(peaks, rows)
            if late() or ranking.is_beyond_doubt(peaks, ordered):
                break
    return ranking.table(peaks, ranking.climb(peaks, ordered, zero, symbols), n_best)


def chosen(bravais=None):
    """Return the Bravais lattices that a list of symbols and lattice systems names, most symmetric
    first.
    """
    names = (
        set(lattice.BRAVAIS)
        if bravais is None
        else {bravais}
        if isinstance(bravais, str)
        else set(bravais)
    )
    unknown = names - set(lattice.BRAVAIS) - set(lattice.SYSTEMS)
    if unknown:
        raise DDIError(
            f"no lattice is called {', '.join(sorted(unknown))}; choose from {', '.join([*lattice.SYSTEMS, *lattice.BRAVAIS])}"
        )
    return [
        symbol
        for symbol, (system, _) in lattice.BRAVAIS.items()
        if symbol in names or system in names
    ]


def search_lattice(
    peaks, bravais, zero, max_volume=MAX_VOLUME, templates=None, generators=(), seed=0
):
    """Return the best candidates of one Bravais lattice, refined against the peaks that search.

    Parameters
    ----------
    peaks : Peaks
    bravais : str
    zero : Zero
    max_volume, templates, generators, seed
        As for `run`, but the generators are those of this lattice's system.

    Returns
    -------
    Found
    """
    kind = lines.KINDS[bravais]
    n = peaks.n_search
    q2 = peaks.q2[:n]
    slope = peaks.slope[:n]
    sigma = peaks.sigma[:n]
    trials = q2 - np.array(zero.trials)[:, None] * slope
    spread, pick = (templates or shipped()).systems(bravais, n)
    scores = screen(
        spread, pick, trials, np.maximum(SCREEN_SIGMA * slope, sigma), kind, max_volume
    ).ravel()
    best = np.argsort(-scores, kind="stable")[:N_SCREENED]
    template, trial = np.divmod(best[scores[best] > 0], len(trials))
    x = np.einsum("nij,nj->ni", spread[template], trials[trial[:, None], pick[template]])
    distinct = first_of_each(scores[best][: len(x)], x)[:N_REFINED]
    x = x[distinct]
    zeros = np.array(zero.trials)[trial[distinct]]
    source = np.full(len(distinct), "templates", dtype=object)
    for generator in generators:
        drawn = drawn_x(generator, peaks, bravais, seed)
        x = np.concatenate([x, drawn])
        zeros = np.concatenate([zeros, np.full(len(drawn), zero.mean)])
        source = np.concatenate([source, np.full(len(drawn), generator.name, dtype=object)])
    screening.refine(x, zeros, kind, q2, slope, sigma, zero.mean, zero.sigma, WIDTHS, SCREEN_LINES)
    return Found(bravais, x, zeros, source)


def screen(spread, pick, trials, sigma, kind, max_volume=MAX_VOLUME):
    """Score all templates at the first trial shift and the best `PROMISING` of them at the others:
    shape (n, n_trials), -1 if not tried.

    A cell that is right stands out at a shift 0.1 degrees away, if less; so a fifth of the work
    finds the same cells.
    """
    volumes = MIN_VOLUME * kind.n_lattice_points, max_volume * kind.n_lattice_points
    scores = np.full((len(spread), len(trials)), -1.0)
    scores[:, :1] = screening.screen(spread, pick, trials[:1], sigma, kind, volumes, SCREEN_LINES)
    again = np.argsort(-scores[:, 0], kind="stable")[
        : max(int(PROMISING * len(spread)), MIN_PROMISING)
    ]
    scores[again, 1:] = screening.screen(
        spread[again], pick[again], trials[1:], sigma, kind, volumes, SCREEN_LINES
    )
    return scores


def first_of_each(scores, x):
    """Return the places of candidates that differ from all before them in volume (0.3 %) or score
    (0.25).
    """
    marks = np.column_stack(
        [np.log(np.linalg.det(lattice.x_to_metric(x))) / 0.006, scores / 0.25]
    ).round()
    return np.sort(np.unique(marks, axis=0, return_index=True)[1])


def drawn_x(generator, peaks, bravais, seed, n=400):
    """Return what another generator proposes, on the axes of the search: shape (n, 6), in every
    setting the centring leaves open.
    """
    wanted = lattice.N_PEAKS[lattice.BRAVAIS[bravais][0]]
    if len(peaks.q2) < wanted:
        return np.empty((0, 6))
    cells = generator.sample(peaks.q2[None, :wanted], n, seed=seed)[0]
    return lattice.cell_to_x(
        np.array([axes for cell in cells for axes in settings(cell, bravais, 1)]).reshape(-1, 6)
    )


@lru_cache(maxsize=1)
def shipped():
    """Return the templates that come with the package, read once."""
    return Templates.load()
