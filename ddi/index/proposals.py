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
from ddi.models.templates import Templates


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
    screened = np.maximum(SEARCH.screen_sigma * peaks.slope[:n], peaks.sigma[:n])
    chosen = [np.arange(n), *views.without_orders(peaks.q2[:n], peaks.sigma[:n])]
    if how.crowded and peaks.intensity is not None:
        chosen += views.strongest(peaks.intensity[:n], SEARCH.strongest)
    parts = [_from_view(view, peaks, bravais, zero, screened, how) for view in chosen]
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
