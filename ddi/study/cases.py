"""Patterns whose cell is known, measured (RRUFF) or simulated and degraded, and the same with
something changed.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.parallel import map_parallel
from ddi.data import dataset, rruff
from ddi.data.entry import evenly
from ddi.forward import lattice, noise, relations
from ddi.forward.bragg import two_theta as angle_of
from ddi.index.comparison import chosen
from ddi.index.peaks import Peaks, from_pattern, from_values
from ddi.study import fairness

SIMULATED = "held-out simulated patterns, degraded"
MEASURED = "measured RRUFF patterns"


@dataclass(frozen=True)
class Case:
    """A pattern's picked peaks and the truth about it.

    Attributes
    ----------
    id, mineral, grade, bravais, centring : str
    cell : ndarray, shape (6,)
        With `centring` as in `ddi.forward.lattice.reduced_cell`.
    peaks : ddi.index.peaks.Peaks
        With the whole pattern where it was measured.
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
    study : ddi.base.paths.Study
    limit : int, optional
        Keep this many measured patterns: fair ones, one a mineral, spread over the Bravais
        lattices.
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
    """Pick the peaks of the measured patterns and return their `Case` s, sorted by id; `limit` as
    in `load`.
    """
    known = rruff.reference()
    patterns = rruff.load()
    if limit:
        patterns = _chosen(patterns, known, limit)
    cases = map_parallel(
        partial(_measured, known=known), patterns, n_jobs=n_jobs, desc="picking peaks"
    )
    return [case for case in cases if case is not None]


def _chosen(patterns, known, limit):
    fair = None if known is None else set(fairness.fair_rows(known).id)
    first = {}
    for pattern in patterns:
        if fair is None or pattern.id in fair:
            first.setdefault(pattern.mineral, pattern)
    chosen = sorted(
        first.values(),
        key=lambda pattern: (list(lattice.BRAVAIS).index(pattern.bravais), pattern.id),
    )
    return sorted(evenly(chosen, limit), key=lambda pattern: pattern.id)


def _measured(pattern, known):
    try:
        peaks = from_pattern(pattern.two_theta, pattern.intensity, pattern.wavelength, pattern.id)
    except DDIError:
        return None
    facts = fairness.fairness(pattern, two_theta(peaks), peaks.wavelength, known)
    missed = facts["n_first"] - facts["n_matched"]
    truth = (pattern.bravais, pattern.centring, pattern.cell)
    return Case(pattern.id, pattern.mineral, *truth, peaks, facts["grade"], missed, facts["fair"])


def simulated_cases(study, *, limit, seed, n_jobs=1):
    """Degrade held-out simulated patterns (`ddi.study.damage`) and return their `Case` s: `limit`
    of them, spread over the Bravais lattices.
    """
    columns = ["identifier", "name", "bravais", "cell", "centring_reindexed", "q2_1", "intensity_1"]
    frame = dataset.load(study, columns)
    frame = of_split(study, frame, "test").sort_values("identifier")
    frame = frame[frame.q2_1.map(len) >= 12]
    each = max(limit // frame.bravais.nunique(), 1)
    frame = frame.groupby("bravais", group_keys=False)[frame.columns.tolist()].apply(
        lambda rows: rows.sample(min(each, len(rows)), random_state=seed)
    )
    seeds = np.random.SeedSequence(seed).generate_state(len(frame))
    rows = list(zip(frame.to_dict("records"), map(int, seeds)))
    cases = map_parallel(_simulated, rows, n_jobs=n_jobs, desc="degrading patterns")
    return [case for case in cases if case is not None]


def _simulated(item):
    from ddi.study import damage

    row, seed = item
    try:
        peaks, _ = damage.peaks(row["q2_1"], row["intensity_1"], seed=seed)
    except DDIError:
        return None
    cell = np.asarray(row["cell"], dtype=float)
    centring = "P" if row["bravais"] == "hR" else row["centring_reindexed"]
    facts = fairness.compare(two_theta(peaks), cell, centring, peaks.wavelength)
    missed = facts["n_first"] - facts["n_matched"]
    about = (row["identifier"], row["name"] or row["identifier"])
    truth = (row["bravais"], centring, cell)
    seen = (replace(peaks, pattern=None), "simulated", missed, missed <= fairness.MAX_MISSED)
    return Case(*about, *truth, *seen)


def two_theta(peaks):
    """Return a peak list's 2theta in degrees at its own wavelength."""
    return angle_of(peaks.q2, peaks.wavelength)


def relation(case, training):
    """Say what of a case the training data hold: "mineral" (its name), "lattice analogue" (its
    lattice within 5 %) or "neither".

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
    tolerances = {"length_tolerance": 0.05, "angle_tolerance": 3.0}
    found = any(relations.same_lattice(cell, reduced, **tolerances) for cell in near)
    return "lattice analogue" if found else "neither"


def training_entries(study):
    """Return name, bravais and cell_niggli of the training entries, for `relation`."""
    rows = dataset.load(study, ["identifier", "name", "bravais", "cell_niggli"])
    return of_split(study, rows, "train")


def of_split(study, rows, side):
    """Return the rows of a data set, with a column identifier, on one side of the split: "train" or
    "test".
    """
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    return rows[rows["identifier"].isin(groups.identifier[groups.split == side])]


def picking(cases):
    """Return how many of the first twenty picked peaks the true cell explains within 0.04 degrees,
    one row a case.

    Returns
    -------
    DataFrame
        id, n_first, n_matched, zero_shift (degrees), rms (degrees), n_missed (by the reference,
        where index.csv is there).
    """
    rows = []
    for case in cases:
        facts = fairness.compare(
            two_theta(case.peaks), case.cell, case.centring, case.peaks.wavelength
        )
        told = {name: facts[name] for name in ("n_first", "n_matched", "zero_shift", "rms")}
        rows.append({"id": case.id, "grade": case.grade, **told, "n_missed": case.n_missed})
    return pd.DataFrame(rows)


def with_spurious(case, n, seed):
    """Return the case's peaks with `n` foreign ones put in at random below the twentieth."""
    peaks = case.peaks
    last = peaks.q2[min(19, len(peaks) - 1)]
    extra = noise.foreign(0.5 * peaks.q2[0], last, n, np.random.default_rng(seed))
    height, sigma = (
        None if known is None else np.append(known, np.full(n, np.median(known)))
        for known in (peaks.intensity, peaks.sigma_q2)
    )
    return from_values(
        np.append(peaks.q2, extra), "q2", peaks.wavelength, height, sigma, "with spurious peaks"
    )


def with_zero_shift(case, shift):
    """Return the case's peaks moved by `shift` degrees 2theta."""
    peaks = case.peaks
    said = f"moved by {shift} degrees"
    moved = two_theta(peaks) + shift
    return from_values(moved, "2theta", peaks.wavelength, peaks.intensity, None, said)


def first_peaks(case, n, positions_only=False):
    """Return the case's first `n` peaks without the pattern; only their positions if so wanted: no
    errors, no heights, no faint ones.
    """
    peaks = case.peaks
    if positions_only:
        return from_values(peaks.q2[:n], "q2", peaks.wavelength)
    return chosen(peaks, slice(n), pattern=None)


def one_a_mineral(cases, limit=None):
    """Return the first case of every mineral in the order of the Bravais lattices; `limit` of them,
    spread evenly.
    """
    symbols = list(lattice.BRAVAIS)
    first = {
        case.mineral: case for case in sorted(cases, key=lambda case: case.id, reverse=True)
    }.values()
    ordered = sorted(first, key=lambda case: (symbols.index(case.bravais), case.id))
    return evenly(ordered, limit or None)
