"""From peaks to a ranked list of cells, over all fourteen Bravais lattices at once.

Candidates come from index templates (`ddi.models.templates`) and from any other generator that is
handed in; the compiled kernel screens them at a few trial zero shifts; the best are refined with
the zero shift as one more linear parameter and weights that forgive spurious peaks;
`ddi.index.ranking` puts all that survive in one order.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice, lines
from ddi.index import kinship, pairs, ranking, relatives, rows, screening, zones
from ddi.index.candidates import Found
from ddi.index.constants import RANKING, SEARCH
from ddi.index.observed import Peaks, Zero, prepare
from ddi.index.proposals import Effort, drawn_x, from_templates

__all__ = ["Found", "Peaks", "Zero", "chosen", "prepare", "ranked", "run", "search_lattice"]

STAGES = (
    ("cubic", "tetragonal", "hexagonal", "rhombohedral"),
    ("orthorhombic",),
    ("monoclinic",),
    ("triclinic",),
)
"""Lattice systems in the order they are searched; the search ends after a stage that leaves no
doubt and no peak.
"""


def ranked(
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
    paired=True,
):
    """Index a pattern; return its ranked list.

    Parameters
    ----------
    q2 : array_like, shape (n,)
        Observed 1/d^2 in A^-2; the first `n_peaks` search, up to 40 verify.
    sigma_q2 : float or array_like, shape (n,), optional
        Standard deviations in A^-2; 0.012 degrees 2theta if not given.
    intensities : array_like, shape (n,), optional
        Weak peaks are likelier to be spurious.
    wavelength : float, optional
        In Angstrom; without it the zero shift is that of Cu K-alpha.
    bravais : str or sequence of str, optional
        Bravais lattices or lattice systems to try; all if not given.
    max_volume : float, optional
        Of the primitive cell in A^3, supercells included; if not given it follows from the lines
        (`ddi.index.proposals.volume_limit`).
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
    paired : bool
        Whether cells are scored in pairs where the first leaves many peaks.

    Returns
    -------
    list of ddi.index.rows.Row
        See `ddi.index.ranking.listed`; empty if nothing was found.

    Raises
    ------
    DDIError
        For too few or impossible peaks and unknown lattices.
    """
    peaks = prepare(q2, sigma_q2, intensities, wavelength, n_peaks, faint, None, foreign, contents)
    zero = Zero.asked(zero_shift, wavelength, zero_fixed).within(peaks)
    peaks = replace(peaks, shift=(zero.mean, zero.sigma))
    thorough = zero_shift != "fit" or wavelength is None  # there is no second search
    how = Effort(max_volume, templates, generators or {}, seed, n_jobs, thorough)
    ends = time.monotonic() + (np.inf if time_budget is None else time_budget)
    solve = partial(_stages, symbols=chosen(bravais), ends=ends)
    ordered = solve(peaks, zero, how=how)
    if not thorough and not ranking.convinces(peaks, ordered) and time.monotonic() < ends:
        more = solve(peaks, Zero.wide(wavelength).within(peaks), how=replace(how, thorough=True))
        ordered = kinship.merged(ordered, more)
    if foreign is None and ranking.leaves_many(peaks, ordered) and time.monotonic() < ends:
        ordered = _with_crowded(peaks, ordered, zero, solve, how)
        if paired and ordered:
            ordered = _in_pairs(peaks, ordered, partial(solve, zero=zero, how=how))
    ordered = kinship.prefer_symmetric(ordered, peaks.coarse)
    return ranking.listed(peaks, ordered, n_best)


def run(q2, sigma_q2=None, **options):
    """Index a pattern; return the ranked list as a DataFrame. Takes what `ranked` takes."""
    return rows.table(ranked(q2, sigma_q2, **options), ranking.COLUMNS)


def _with_crowded(peaks, ordered, zero, solve, how):
    """Return the judged candidates with those of a search in which any peak may be foreign, each as
    that search judges it, at a cost, or, of a list, as the ordinary one would. Of a whole pattern
    only the former: its scores do not count the lines without a peak, which the pattern is asked
    about later, so that supercells would come before it is.
    """
    more = solve(peaks.crowded(), zero, how=replace(how, crowded=True))
    anew = [] if peaks.whole else ranking.judged_anew(peaks, more, zero)
    return kinship.merged(kinship.merged(ordered, more, SEARCH.crowded_cost), anew)


def _in_pairs(peaks, ordered, solve):
    """Return the judged candidates scored in pairs: among themselves, then, until a pair convinces,
    with what `solve` finds of the peaks that the first ones leave.
    """
    found = []
    best = pairs.raised(peaks, ordered)
    for rest in pairs.leftovers(peaks, ordered):
        if best[0].paired and ranking.convinces(peaks, best):
            break
        found.append(solve(rest))
        best = pairs.raised(peaks, ordered, found)
    return best


def _stages(peaks, zero, symbols, how, ends):
    """Search the lattices stage by stage until one leaves no doubt; return the `Judged`, in order,
    with the relatives of the first.
    """

    def task(symbol):
        if time.monotonic() > ends:
            return []
        found = search_lattice(peaks, symbol, zero, how)
        return ranking.shortlist(peaks, found, zero, limits)

    limits = RANKING.crowded if how.crowded else RANKING.usual
    candidates = []
    ordered = []
    with ThreadPoolExecutor(how.n_jobs) as pool:
        for stage in STAGES:
            here = [symbol for symbol in symbols if lattice.BRAVAIS[symbol][0] in stage]
            candidates += [row for found in pool.map(task, here) for row in found]
            candidates = ranking.likeliest_judged(peaks, candidates, limits.n_judged)
            ordered = kinship.distinct(kinship.best_first(candidates[: limits.n_judged]))
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
