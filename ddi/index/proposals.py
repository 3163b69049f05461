"""What is tried as a cell: candidates that index templates (`ddi.models.templates`) and other
generators propose for a list of peaks, screened but not refined.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from ddi.forward import lattice, lines
from ddi.index import screening, views
from ddi.index.constants import SEARCH
from ddi.models.template_axes import settings
from ddi.models.templates import Templates, cells


@dataclass(frozen=True)
class Effort:
    """What a search takes its candidates from; fields as for `run`, thorough on second thoughts,
    crowded where many peaks may be those of another phase.
    """

    max_volume: float | None = None
    templates: Templates | None = None
    generators: dict = field(default_factory=dict)
    seed: int = 0
    n_jobs: int = 2
    thorough: bool = False
    crowded: bool = False


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
    screened = np.maximum(SEARCH.screen_sigma * peaks.fineness * peaks.slope[:n], peaks.sigma[:n])
    chosen = [np.arange(n), *views.without_orders(peaks.q2[:n], peaks.sigma[:n])]
    if how.crowded and peaks.intensity is not None:
        chosen += views.strongest(peaks.intensity[:n], SEARCH.strongest)
    parts = [_from_view(view, peaks, bravais, zero, screened, how) for view in chosen]
    return tuple(np.concatenate(part) for part in zip(*parts))


def _from_view(view, peaks, bravais, zero, sigma, how):
    trials = peaks.q2[: len(sigma)] - np.array(zero.trials)[:, None] * peaks.slope[: len(sigma)]
    place, hkl = _templates(how.templates or shipped(), bravais, len(view))
    place = view.astype(np.int16)[place]
    limit = how.max_volume or volume_limit(peaks, bravais)
    scores = screen(place, hkl, trials, sigma, bravais, limit).ravel()
    best = highest(scores, SEARCH.n_screened)
    template, trial = np.divmod(best[scores[best] > 0], len(trials))
    x = np.empty((len(template), 6))
    for t, q2 in enumerate(trials):
        here = template[trial == t]
        x[trial == t] = cells(place[here], hkl[here], q2, bravais)
    distinct = first_of_each(scores[best][: len(x)], x)[: SEARCH.n_refined]
    return x[distinct], np.array(zero.trials)[trial[distinct]]


def _templates(templates, bravais, n):
    """Places (m, k) of n peaks and their indices (m, k, 3): those of the templates, which are about
    the first peaks, and for a cubic lattice, whose first peaks may all be foreign, every peak as
    every one of the first lines.
    """
    place, hkl = templates.usable(bravais, n)
    if lattice.BRAVAIS[bravais][0] != "cubic":
        return place, hkl
    unit = lattice.cell_to_x(np.array([1.0] * 3 + [90.0] * 3))
    own = lines.distinct_lines(unit, bravais, 60.0)[0]  # a float, so that one kernel is compiled
    own = own[: SEARCH.cubic_lines].astype(hkl.dtype)
    every = np.repeat(np.arange(n, dtype=place.dtype), len(own))
    return np.append(place, every[:, None], axis=0), np.append(
        hkl, np.tile(own, (n, 1))[:, None], axis=0
    )


def screen(place, hkl, trials, sigma, bravais, max_volume=SEARCH.max_volume):
    """Score all templates at the first trial shift and the best of them at the others: shape
    (n, n_trials), -1 if not tried.

    A cell that is right stands out at a shift 0.1 degrees away, if less; so a fifth of the work
    finds the same cells.
    """
    kind = lines.KINDS[bravais]
    volumes = SEARCH.min_volume * kind.n_lattice_points, max_volume * kind.n_lattice_points
    scores = np.full((len(place), len(trials)), -1.0)
    tried = slice(None)
    for t, q2 in enumerate(trials):
        x = cells(place, hkl, q2, bravais)
        found = screening.screen(x, q2, sigma, kind, volumes, SEARCH.screen_lines)
        scores[tried, t] = found.round(9)  # no order among equal cells by the last digit
        if t == 0:
            n_again = max(int(SEARCH.promising * len(place)), SEARCH.min_promising)
            tried = highest(scores[:, 0], n_again)
            place = place[tried]
            hkl = hkl[tried]
    return scores


def highest(scores, n):
    """Return the places (at most n,) of the highest of scores (m,), best first; of equal ones the
    first.
    """
    among = np.flatnonzero(scores > 0)  # most are not, and a partition of equal ones is slow
    if len(among) < n:
        among = np.arange(len(scores))
    elif len(among) > n:
        least = np.partition(scores[among], -n)[-n]
        among = among[scores[among] >= least]
    return among[np.argsort(-scores[among], kind="stable")][:n]


def first_of_each(scores, x):
    """Return the places of candidates, of scores (n,) and x (n, 6), that differ from all before
    them in volume or score (`same_volume`, `same_score`); ascending.
    """
    volume = np.log(np.linalg.det(lattice.x_to_metric(x)))
    marks = np.column_stack([volume / SEARCH.same_volume, scores / SEARCH.same_score]).round()
    order = np.lexsort(marks.T)  # stable, so that the first of equal ones leads them
    leads = np.ones(len(order), dtype=bool)
    leads[1:] = (marks[order[1:]] != marks[order[:-1]]).any(axis=1)
    return np.sort(order[leads])


def drawn_x(generator, peaks, bravais, seed, n=SEARCH.n_drawn):
    """Return what another generator proposes, on the axes of the search: shape (n, 6), in every
    setting the centring leaves open.
    """
    wanted = lattice.N_PEAKS[lattice.BRAVAIS[bravais][0]]
    if len(peaks.q2) < wanted:
        return np.empty((0, 6))
    drawn = generator.sample(peaks.q2[None, :wanted], n, seed=seed)[0]
    in_settings = [axes for cell in drawn for axes in settings(cell, bravais, 1)]
    return lattice.cell_to_x(np.array(in_settings).reshape(-1, 6))


@lru_cache(maxsize=1)
def shipped():
    """Return the templates that come with the package, read once."""
    return Templates.load()
