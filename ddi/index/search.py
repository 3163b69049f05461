"""From peaks to a ranked list of cells, over all fourteen Bravais lattices at once.

Candidates come from index templates (`ddi.models.templates`) and from any other generator that is
handed in; the compiled kernel screens them at a few trial zero shifts; the best are refined with
the zero shift as one more linear parameter and weights that forgive spurious peaks;
`ddi.index.ranking` puts all that survive in one order.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice, lines
from ddi.index import kinship, ranking, relatives, screening, views, zones
from ddi.index.constants import SEARCH
from ddi.index.observed import Peaks, Zero, prepare
from ddi.index.ranking import Found
from ddi.models.template_axes import settings
from ddi.models.templates import Templates

__all__ = ["Found", "Peaks", "Zero", "chosen", "prepare", "run", "search_lattice"]

STAGES = (
    ("cubic", "tetragonal", "hexagonal", "rhombohedral"),
    ("orthorhombic",),
    ("monoclinic",),
    ("triclinic",),
)
"""Lattice systems in the order they are searched; the search ends after a stage that leaves no
doubt and no peak.
"""


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
    zero_fixed=False,
    foreign=None,
    contents=None,
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
        Of the primitive cell in A^3, supercells included; if not given it follows from the lines
        (`volume_limit`).
    time_budget : float, optional
        Seconds after which no further lattice is begun.
    zero_shift : "fit", None or float
        Degrees 2theta; a number is a start.
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
    zero_fixed : bool
        A number given as zero shift is taken as known.
    foreign : int, optional
        How many of the peaks that search may belong to no line.
    contents : ddi.index.contents.Contents, optional
        What a formula says of volumes.
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
    peaks = prepare(q2, sigma_q2, intensities, wavelength, n_peaks, faint, None, foreign, contents)
    zero = Zero.asked(zero_shift, wavelength, zero_fixed).within(peaks)
    fitted = zero_shift == "fit" and wavelength is not None
    how = Effort(max_volume, templates, generators or {}, seed, n_jobs, not fitted)
    ends = time.monotonic() + (np.inf if time_budget is None else time_budget)
    ordered = _stages(peaks, zero, chosen(bravais), how, ends)
    if fitted and not ranking.convinces(peaks, ordered) and time.monotonic() < ends:
        wide = Zero.wide().within(peaks)
        more = _stages(peaks, wide, chosen(bravais), replace(how, thorough=True), ends)
        ordered = kinship.merged(ordered, more)
    if foreign is None and ranking.leaves_many(peaks, ordered) and time.monotonic() < ends:
        more = _stages(peaks.crowded(), zero, chosen(bravais), how, ends)
        ordered = kinship.merged(ordered, more, SEARCH.crowded_cost)
    ordered = kinship.prefer_symmetric(ordered)
    return ranking.table(peaks, ordered, n_best)


@dataclass(frozen=True)
class Effort:
    """What a search takes its candidates from; fields as for `run`, thorough on second thoughts."""

    max_volume: float | None = None
    templates: Templates | None = None
    generators: dict = field(default_factory=dict)
    seed: int = 0
    n_jobs: int = 2
    thorough: bool = False


def _stages(peaks, zero, symbols, how, ends):
    """Search the lattices stage by stage until one leaves no doubt; return the `Judged`, in order,
    with the relatives of the first.
    """

    def task(symbol):
        if time.monotonic() > ends:
            return []
        return ranking.shortlist(peaks, search_lattice(peaks, symbol, zero, how), zero)

    candidates = []
    ordered = []
    with ThreadPoolExecutor(how.n_jobs) as pool:
        for stage in STAGES:
            here = [symbol for symbol in symbols if lattice.BRAVAIS[symbol][0] in stage]
            candidates += [row for found in pool.map(task, here) for row in found]
            ordered = ranking.order(peaks, candidates)
            if time.monotonic() > ends or ranking.is_beyond_doubt(peaks, ordered):
                break
    return relatives.climb(peaks, ordered, zero, symbols, how.max_volume)


def chosen(bravais=None):
    """Return the Bravais lattices that a list of symbols and lattice systems names, most symmetric
    first.
    """
    wanted = lattice.BRAVAIS if bravais is None else bravais
    names = {wanted} if isinstance(wanted, str) else set(wanted)
    unknown = names - set(lattice.BRAVAIS) - set(lattice.SYSTEMS)
    if unknown:
        raise DDIError(
            f"no lattice is called {', '.join(sorted(unknown))};"
            f" choose from {', '.join([*lattice.SYSTEMS, *lattice.BRAVAIS])}"
        )
    return [
        symbol
        for symbol, (system, _) in lattice.BRAVAIS.items()
        if symbol in names or system in names
    ]


def search_lattice(peaks, bravais, zero, how=None):
    """Return the best candidates of one Bravais lattice, refined against the peaks that search.

    Parameters
    ----------
    peaks : Peaks
    bravais : str
    zero : Zero
    how : Effort, optional

    Returns
    -------
    Found
    """
    how = how or Effort()
    kind = lines.KINDS[bravais]
    first = slice(peaks.n_search)
    in_rows = zones.candidates(peaks, bravais, zero, how.thorough)
    parts = from_templates(peaks, bravais, zero, how), in_rows
    x, shifts = (np.concatenate(pair) for pair in zip(*parts))
    source = np.repeat(np.array(["templates", "rows"], dtype=object), [len(p[1]) for p in parts])
    for generator in how.generators.get(lattice.BRAVAIS[bravais][0], ()):
        drawn = drawn_x(generator, peaks, bravais, how.seed)
        x = np.concatenate([x, drawn])
        shifts = np.concatenate([shifts, np.full(len(drawn), zero.mean)])
        source = np.concatenate([source, np.full(len(drawn), generator.name, dtype=object)])
    screening.refine(
        x,
        shifts,
        kind,
        peaks.q2[first],
        peaks.slope[first],
        peaks.sigma[first],
        zero.mean,
        zero.sigma,
        np.array(SEARCH.widths),
        SEARCH.screen_lines,
    )
    return Found(bravais, x, shifts, source)


def volume_limit(peaks, bravais):
    """Return the largest volume in A^3 of a primitive cell that is tried.

    A lattice of volume V has N = 4 pi V q^3 / (3 order) distinct lines up to q, the order being
    that of its Laue group; ten times as many lines as peaks may be there.
    """
    last = peaks.q2[peaks.n_search - 1] ** 1.5
    order = lattice.LAUE_ORDER[lattice.BRAVAIS[bravais][0]]
    from_lines = 3 * peaks.n_search * order / (4 * np.pi * last)
    return max(SEARCH.max_volume, SEARCH.unseen_lines * from_lines)


def from_templates(peaks, bravais, zero, how=None):
    """Return x (n, 6) and zero shifts (n,) of the best distinct cells that templates propose, not
    refined: from all peaks that search, and from each view of them.
    """
    how = how or Effort()
    n = peaks.n_search
    screened = np.maximum(SEARCH.screen_sigma * peaks.slope[:n], peaks.sigma[:n])
    without = views.without_orders(peaks.q2[:n], peaks.sigma[:n])
    parts = [
        _from_view(view, peaks, bravais, zero, screened, how) for view in (np.arange(n), *without)
    ]
    return tuple(np.concatenate(part) for part in zip(*parts))


def _from_view(view, peaks, bravais, zero, sigma, how):
    kind = lines.KINDS[bravais]
    trials = peaks.q2[: len(sigma)] - np.array(zero.trials)[:, None] * peaks.slope[: len(sigma)]
    spread, pick = (how.templates or shipped()).systems(bravais, len(view))
    pick = view[pick].astype(np.int16)
    limit = how.max_volume or volume_limit(peaks, bravais)
    scores = screen(spread, pick, trials, sigma, kind, limit).ravel()
    best = np.argsort(-scores, kind="stable")[: SEARCH.n_screened]
    template, trial = np.divmod(best[scores[best] > 0], len(trials))
    x = np.einsum("nij,nj->ni", spread[template], trials[trial[:, None], pick[template]])
    distinct = first_of_each(scores[best][: len(x)], x)[: SEARCH.n_refined]
    return x[distinct], np.array(zero.trials)[trial[distinct]]


def screen(spread, pick, trials, sigma, kind, max_volume=SEARCH.max_volume):
    """Score all templates at the first trial shift and the best of them at the others: shape
    (n, n_trials), -1 if not tried.

    A cell that is right stands out at a shift 0.1 degrees away, if less; so a fifth of the work
    finds the same cells.
    """
    volumes = SEARCH.min_volume * kind.n_lattice_points, max_volume * kind.n_lattice_points
    limits = kind, volumes, SEARCH.screen_lines
    scores = np.full((len(spread), len(trials)), -1.0)
    scores[:, :1] = screening.screen(spread, pick, trials[:1], sigma, *limits)
    n_again = max(int(SEARCH.promising * len(spread)), SEARCH.min_promising)
    again = np.argsort(-scores[:, 0], kind="stable")[:n_again]
    scores[again, 1:] = screening.screen(spread[again], pick[again], trials[1:], sigma, *limits)
    return scores


def first_of_each(scores, x):
    """Return the places of candidates that differ from all before them in volume or score."""
    volume = np.log(np.linalg.det(lattice.x_to_metric(x)))
    marks = np.column_stack([volume / SEARCH.same_volume, scores / SEARCH.same_score]).round()
    return np.sort(np.unique(marks, axis=0, return_index=True)[1])


def drawn_x(generator, peaks, bravais, seed, n=SEARCH.n_drawn):
    """Return what another generator proposes, on the axes of the search: shape (n, 6), in every
    setting the centring leaves open.
    """
    wanted = lattice.N_PEAKS[lattice.BRAVAIS[bravais][0]]
    if len(peaks.q2) < wanted:
        return np.empty((0, 6))
    cells = generator.sample(peaks.q2[None, :wanted], n, seed=seed)[0]
    in_settings = [axes for cell in cells for axes in settings(cell, bravais, 1)]
    return lattice.cell_to_x(np.array(in_settings).reshape(-1, 6))


@lru_cache(maxsize=1)
def shipped():
    """Return the templates that come with the package, read once."""
    return Templates.load()
