"""What each generator contributes to indexing a pattern whose lattice is known: its candidates
optimised by chains, and beside the templates of the search.
"""

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ddi.base.paths import Study
from ddi.data import dataset
from ddi.forward import lattice
from ddi.models import generator as generators
from ddi.study.eval_indexing import first_right, is_right, primitive_volume


@lru_cache(maxsize=64)
def _generator(profile, name, system):
    """A saved generator or a fitted control; None where the profile has none for this system."""
    study = Study(profile)
    if name in generators.CONTROLS:
        train = dataset.training(study, system)
        return generators.kind(name)().fit(train, system=system) if len(train) else None
    there = generators.path_of(study, name, system).exists()
    return generators.load(study, name, system) if there else None


def optimise(case, *, profile, names, n_candidates, n_iterations, seed):
    """Index one case with its lattice system known: candidates of each generator, optimised
    (write-up, sections 2.2 and 2.4).

    One round of `ddi.index.known.solve`: the chains run with the options that notebook 09 found
    best, the search's ranking judges.

    Parameters
    ----------
    case : Case
    profile : str
        Whose generators and training data are used.
    names : sequence of str
        Generators; "both" shares the budget between forest and network.
    n_candidates, n_iterations, seed : int

    Returns
    -------
    list of dict
        id, mineral, bravais, generator, rank (of the right cell among the first ten, 0 if not
        there), seconds. Empty if the pattern has fewer peaks than the generators read.
    """
    from ddi.index import known, search

    peaks = _prepared(case)
    n_peaks = lattice.N_PEAKS[case.system]
    rows = []
    if len(peaks.q2) < n_peaks:
        return []
    for name in names:
        started = time.perf_counter()
        cells = _candidates(case, profile, name, peaks.q2[None, :n_peaks], n_candidates, seed)
        if cells is None:
            continue
        finds = known.solve(
            peaks,
            case.system,
            lambda number, cells=cells: cells,
            zero=search.Zero(),
            max_rounds=1,
            n_iterations=n_iterations,
            seed=seed,
            n_jobs=1,
        )
        rank = first_right(case, [row.reduced for row in finds.rows], "P" * len(finds.rows))
        found = {"generator": name, "rank": rank, "seconds": time.perf_counter() - started}
        rows.append(_about(case) | found)
    return rows


def _about(case):
    return {"id": case.id, "mineral": case.mineral, "bravais": case.bravais}


def _prepared(case):
    """The case's peaks as the search reads them, faint ones beside them."""
    from ddi.index import search

    peaks = case.peaks
    return search.prepare(
        peaks.q2, peaks.sigma_q2, peaks.intensity, peaks.wavelength, faint=peaks.faint
    )


def _candidates(case, profile, name, q2, n, seed):
    names = ("forest", "network") if name == "both" else (name,)
    parts = [_generator(profile, part, case.system) for part in names]
    if any(part is None for part in parts):
        return None
    return np.concatenate([part.pooled(q2, n // len(parts), seed=seed)[0] for part in parts])


@dataclass(frozen=True)
class Pooled:
    """A generator whose draws are shared among its groups, as `ddi.index.search.run` takes it."""

    generator: generators.Generator

    @property
    def name(self):
        """Of the generator."""
        return self.generator.name

    def sample(self, q2, n, *, seed):
        """Return `n` cells a pattern, shape (n_patterns, n, 6)."""
        return self.generator.pooled(q2, n, seed=seed)


def finders(case, *, profile, names, seed=0):
    """Search one case with its Bravais lattice known, the cells of other generators beside those of
    the templates.

    Parameters
    ----------
    case : Case
    profile : str
        Whose generators.
    names : sequence of str
    seed : int

    Returns
    -------
    list of dict
        One row a source that took part, "templates" among them: id, mineral, bravais, source,
        proposed (cells that were refined), had_it (the right lattice is among them), first (its
        cell stands behind the right row of the ranked list).
    """
    from ddi.index import ranking, search

    peaks = _prepared(case)
    parts = [_generator(profile, name, case.system) for name in names]
    extra = [Pooled(part) for part in parts if part is not None]
    zero = search.Zero()
    how = search.Effort(generators={case.system: extra}, seed=seed)
    found = search.search_lattice(peaks, case.bravais, zero, how)
    right = _right(case, found)
    ranked = ranking.order(peaks, ranking.shortlist(peaks, found, zero))
    winner = next((row.source for row in ranked if is_right(case, row.cell, row.centring)), "")
    rows = []
    for name in ("templates", *(part.name for part in extra)):
        own = found.source == name
        took = {"source": name, "proposed": int(own.sum()), "had_it": bool(right[own].any())}
        rows.append(_about(case) | took | {"first": winner == name})
    return rows


def _right(case, found):
    """Which refined candidates are the right lattice, shape (n,); only those of about the right
    volume are looked at closely.
    """
    from ddi.forward.lines import KINDS

    good = np.flatnonzero(lattice.is_positive(found.x))
    right = np.zeros(len(found.x), dtype=bool)
    cells = lattice.x_to_cell(found.x[good])
    wanted = primitive_volume(case.cell, case.centring) * KINDS[case.bravais].n_lattice_points
    near = np.flatnonzero(np.abs(lattice.volume(cells) / wanted - 1) < 0.05)
    right[good[near]] = [is_right(case, cells[k], lattice.BRAVAIS[case.bravais][1]) for k in near]
    return right
