"""Patterns whose cell is known, measured (RRUFF) or simulated and degraded, and how well they are indexed."""

import time
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import pandas as pd

from ddi import dataset, generators, lattice, rruff
from ddi.errors import DDIError
from ddi.fom import explain, two_theta as angle_of
from ddi.parallel import map_parallel
from ddi.peaklist import Peaks, from_pattern, from_values
from ddi.report import wilson
from ddi.study import Study

SIMULATED = "held-out simulated patterns, degraded"
MEASURED = "measured RRUFF patterns"


@dataclass(frozen=True)
class Case:
    """A pattern's picked peaks and the truth about it.

    Attributes
    ----------
    id, mineral, grade, bravais, centring : str
    cell : ndarray, shape (6,)
        With `centring` as in `ddi.lattice.reduced_cell`.
    peaks : ddi.peaklist.Peaks
    n_missed : int
        First twenty peaks that the true cell does not explain.
    fair : bool
        Grade A and at most two missed.
    """

    id: str
    mineral: str
    bravais: str
    centring: str
    cell: np.ndarray
    peaks: Peaks
    grade: str
    n_missed: int
    fair: bool

    @property
    def system(self):
        """Lattice system."""
        return lattice.BRAVAIS[self.bravais][0]


def load(study, *, limit=None, n_simulated=60, seed=0, n_jobs=1):
    """Return the cases to evaluate on and what they are.

    Parameters
    ----------
    study : ddi.study.Study
    limit : int, optional
        Keep this many measured patterns: fair ones, one a mineral, spread over the Bravais lattices.
    n_simulated : int
        How many simulated patterns take their place where no RRUFF data are found.
    seed, n_jobs : int

    Returns
    -------
    cases : list of Case
        Sorted by id.
    what : str
        `MEASURED` or `SIMULATED`.
    """
    if rruff.folder() is None:
        return simulated_cases(study, limit=n_simulated, seed=seed, n_jobs=n_jobs), SIMULATED
    return measured_cases(limit=limit, n_jobs=n_jobs), MEASURED


def measured_cases(*, limit=None, n_jobs=1):
    """Pick the peaks of the measured patterns and return their `Case` s, sorted by id; `limit` as in `load`."""
    known, patterns = rruff.reference(), rruff.load()
    if limit:
        patterns = _chosen(patterns, known, limit)
    cases = map_parallel(partial(_measured, known=known), patterns, n_jobs=n_jobs, desc="picking peaks")
    return [case for case in cases if case is not None]


def _chosen(patterns, known, limit):
    fair = None if known is None else set(known.id[(known.grade == "A") & (known.n_first - known.n_matched_of_first_20 <= 2)])
    first = {}
    for pattern in patterns:
        if fair is None or pattern.id in fair:
            first.setdefault(pattern.mineral, pattern)
    chosen = sorted(first.values(), key=lambda pattern: (list(lattice.BRAVAIS).index(pattern.bravais), pattern.id))
    places = np.unique(np.linspace(0, len(chosen) - 1, min(limit, len(chosen))).round().astype(int))
    return sorted((chosen[k] for k in places), key=lambda pattern: pattern.id)


def _measured(pattern, known):
    try:
        peaks = from_pattern(pattern.two_theta, pattern.intensity, pattern.wavelength, pattern.id)
    except DDIError:
        return None
    facts = rruff.fairness(pattern, two_theta(peaks), peaks.wavelength, known)
    peaks, missed = replace(peaks, pattern=None), facts["n_first"] - facts["n_matched"]
    return Case(pattern.id, pattern.mineral, pattern.bravais, pattern.centring, pattern.cell, peaks, facts["grade"], missed, facts["fair"])


def simulated_cases(study, *, limit, seed, n_jobs=1):
    """Degrade held-out simulated patterns (`ddi.degrade`) and return their `Case` s: `limit` of them, spread over the Bravais lattices."""
    columns = ["identifier", "name", "bravais", "cell", "centring_reindexed", "q2_1", "intensity_1"]
    frame = dataset.load(study, columns)
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    frame = frame.merge(groups[groups.split == "test"], on="identifier").sort_values("identifier")
    frame = frame[frame.q2_1.map(len) >= 12]
    each = max(limit // frame.bravais.nunique(), 1)
    frame = frame.groupby("bravais", group_keys=False)[frame.columns.tolist()].apply(lambda rows: rows.sample(min(each, len(rows)), random_state=seed))
    seeds = np.random.SeedSequence(seed).generate_state(len(frame))
    rows = list(zip(frame.to_dict("records"), map(int, seeds)))
    cases = map_parallel(_simulated, rows, n_jobs=n_jobs, desc="degrading patterns")
    return [case for case in cases if case is not None]


def _simulated(item):
    from ddi import degrade

    row, seed = item
    try:
        peaks, _ = degrade.peaks(row["q2_1"], row["intensity_1"], seed=seed)
    except DDIError:
        return None
    cell, centring = np.asarray(row["cell"], dtype=float), "P" if row["bravais"] == "hR" else row["centring_reindexed"]
    facts = rruff.compare(two_theta(peaks), cell, centring, peaks.wavelength)
    missed = facts["n_first"] - facts["n_matched"]
    name = row["name"] or row["identifier"]
    return Case(row["identifier"], name, row["bravais"], centring, cell, replace(peaks, pattern=None), "simulated", missed, missed <= 2)


def two_theta(peaks):
    """Return a peak list's 2theta in degrees at its own wavelength."""
    return angle_of(peaks.q2, peaks.wavelength)


def relation(case, training):
    """Say what of a case the training data hold: "mineral" (its name), "isotype" (its lattice within 5 %) or "neither".

    Parameters
    ----------
    case : Case
    training : DataFrame
        Columns name, bravais, cell_niggli of the entries that were trained on.
    """
    if (training["name"].str.lower() == case.mineral.lower().split("_")[0]).any():
        return "mineral"
    reduced = lattice.reduced_cell(case.cell, case.centring)
    cells = training.loc[training["bravais"] == case.bravais, "cell_niggli"]
    near = [cell for cell in cells if abs(np.prod(cell[:3]) / np.prod(reduced[:3]) - 1) < 0.16]
    return "isotype" if any(lattice.same_lattice(cell, reduced, length_tolerance=0.05, angle_tolerance=3.0) for cell in near) else "neither"


def training_entries(study):
    """Return name, bravais and cell_niggli of the training entries, for `relation`."""
    rows = dataset.load(study, ["identifier", "name", "bravais", "cell_niggli"])
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    return rows[rows["identifier"].isin(groups.identifier[groups.split == "train"])]


def picking(cases):
    """Return how many of the first twenty picked peaks the true cell explains within 0.04 degrees, one row a case.

    Returns
    -------
    DataFrame
        id, n_first, n_matched, zero_shift (degrees), rms (degrees), n_missed (by the reference, where index.csv is there).
    """
    rows = []
    for case in cases:
        facts = rruff.compare(two_theta(case.peaks), case.cell, case.centring, case.peaks.wavelength)
        rows.append({"id": case.id, "grade": case.grade, **{k: facts[k] for k in ("n_first", "n_matched", "zero_shift", "rms")}, "n_missed": case.n_missed})
    return pd.DataFrame(rows)


def is_right(case, cell, centring):
    """Say whether a cell is the case's lattice: reduced cells within 1.5 % and 1.5 degrees."""
    return lattice.same_lattice(cell, case.cell, centring, case.centring)


def first_right(case, cells, centrings, n_first=10):
    """Return the rank, from 1, of the first right cell among the first `n_first`, or 0."""
    for rank, (cell, centring) in enumerate(zip(cells[:n_first], centrings), 1):
        if is_right(case, cell, centring):
            return rank
    return 0


@lru_cache(maxsize=64)
def _generator(profile, name, system):
    """A saved generator or a fitted control; None where the profile has none for this system."""
    study = Study(profile)
    if name in generators.CONTROLS:
        train = dataset.training(study, system)
        return generators.kind(name)().fit(train, system=system) if len(train) else None
    return generators.load(study, name, system) if generators.path_of(study, name, system).exists() else None


def optimise(case, *, profile, names, n_candidates, n_iterations, seed):
    """Index one case with its lattice system known: candidates of each generator, optimised (write-up, sections 2.2 and 2.4).

    The chains run with the options that notebook 09 found best, `ddi.solve.BEST`.

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
        id, mineral, bravais, generator, rank (of the right cell among the first ten, 0 if not there), seconds. Empty if the pattern
        has fewer peaks than the generators read.
    """
    from ddi import mcmc
    from ddi.solve import BEST

    n_peaks = lattice.N_PEAKS[case.system]
    if len(case.peaks) < n_peaks:
        return []
    q2, rows = case.peaks.q2[:20], []
    for name in names:
        started = time.perf_counter()
        cells = _candidates(case, profile, name, q2[None, :n_peaks], n_candidates, seed)
        if cells is None:
            continue
        found = mcmc.optimize(q2, cells, case.system, **BEST | {"n_iterations": n_iterations}, seed=seed, n_jobs=1)
        rank = first_right(case, found.cells, found.centring)
        rows.append({"id": case.id, "mineral": case.mineral, "bravais": case.bravais, "generator": name, "rank": rank, "seconds": time.perf_counter() - started})
    return rows


def _candidates(case, profile, name, q2, n, seed):
    parts = [_generator(profile, part, case.system) for part in (("forest", "network") if name == "both" else (name,))]
    if any(part is None for part in parts):
        return None
    return np.concatenate([part.pooled(q2, n // len(parts), seed=seed)[0] for part in parts])


def index(case, *, lattices="all", seed=0, n_jobs=1, peaks=None, **options):
    """Index one case with `ddi.index.index_peaks` and compare with the truth.

    Parameters
    ----------
    case : Case
    lattices : "all", "known" or names
    peaks : Peaks, optional
        In place of the case's own.

    Returns
    -------
    dict
        id, mineral, bravais, rank (of the right cell among the first ten, 0 if not there), probability (of the first), found (its
        Bravais lattice), cause (`ddi.fom.explain` of the first cell), seconds.
    """
    from ddi.index import index_peaks

    chosen = case.bravais if lattices == "known" else lattices
    result = index_peaks(peaks or case.peaks, lattice=chosen, seed=seed, n_jobs=n_jobs, **options)
    row = {"id": case.id, "mineral": case.mineral, "bravais": case.bravais, "rank": 0, "probability": 0.0, "found": "none", "cause": "nothing found", "seconds": result.seconds}
    if not len(result.cells):
        return row
    table = result.cells.head(10)
    cells = table[["a", "b", "c", "alpha", "beta", "gamma"]].to_numpy()
    centrings = [lattice.BRAVAIS[symbol][1] for symbol in table.bravais]
    rank = first_right(case, cells, centrings)
    cause = "correct" if rank == 1 else explain(cells[0], centrings[0], case.cell, case.centring)[0]
    return row | {"rank": rank, "probability": float(table.probability.iloc[0]), "found": table.bravais.iloc[0], "cause": cause}


def with_spurious(case, n, seed):
    """Return the case's peaks with `n` foreign ones put in at random below the twentieth."""
    peaks = case.peaks
    last = peaks.q2[min(19, len(peaks) - 1)]
    extra = np.random.default_rng(seed).uniform(0.5 * peaks.q2[0], last, n)
    sigma = None if peaks.sigma_q2 is None else np.append(peaks.sigma_q2, np.full(n, np.median(peaks.sigma_q2)))
    height = None if peaks.intensity is None else np.append(peaks.intensity, np.full(n, np.median(peaks.intensity)))
    return from_values(np.append(peaks.q2, extra), "q2", peaks.wavelength, height, sigma, "with spurious peaks")


def with_zero_shift(case, shift):
    """Return the case's peaks moved by `shift` degrees 2theta."""
    peaks = case.peaks
    return from_values(two_theta(peaks) + shift, "2theta", peaks.wavelength, peaks.intensity, None, f"moved by {shift} degrees")


def first_peaks(case, n):
    """Return the case's first `n` peaks."""
    peaks = case.peaks
    cut = lambda array: None if array is None else array[:n]  # noqa: E731
    return replace(peaks, q2=cut(peaks.q2), sigma_q2=cut(peaks.sigma_q2), intensity=cut(peaks.intensity))


def rates(outcomes, by, order=None):
    """Return success rates, first and in the first ten, with n and 95 % Wilson intervals.

    Parameters
    ----------
    outcomes : DataFrame
        With a column rank, 0 meaning not among the first ten.
    by : list of str
    order : list, optional
        Of the values of the first column of `by`.

    Returns
    -------
    DataFrame
        Columns `by`, n, first, first_low, first_high, ten, ten_low, ten_high; rates between 0 and 1.
    """
    rows = []
    for key, group in outcomes.groupby(by, sort=True):
        n, row = len(group), dict(zip(by, key)) | {"n": len(group)}
        for name, k in (("first", int((group["rank"] == 1).sum())), ("ten", int((group["rank"] > 0).sum()))):
            row[name] = k / n
            low, high = wilson(k, n)
            row[f"{name}_low"], row[f"{name}_high"] = min(low, k / n), max(high, k / n)  # against rounding at none and at all
        rows.append(row)
    table = pd.DataFrame(rows)
    if order is not None and len(table):
        table = table.sort_values(by[0], key=lambda column: column.map({value: k for k, value in enumerate(order)}), kind="stable")
    return table.reset_index(drop=True)
