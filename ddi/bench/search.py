"""How often the search is right, and how fast: on measured RRUFF patterns (DDI_RRUFF) and on
held-out simulated ones.
"""

import contextlib
import json
import time
from functools import lru_cache

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.paths import Study
from ddi.base.stats import calibration_error, wilson
from ddi.bench.registry import benchmark
from ddi.data import dataset, rruff
from ddi.forward import lattice, noise, relations
from ddi.index import confidence, search
from ddi.index.peaks import from_pattern
from ddi.study import damage

# held-out triclinic patterns; degrees 2theta
N_TRICLINIC = 300
NOISE = 0.02
ZERO = 0.1
WAVELENGTH = damage.CU.alpha1
MISSED = 1000  # rank of a lattice that is not in the list


@lru_cache(maxsize=1)
def fair():
    """Return RRUFF's fair patterns: grade A, at most two of the first twenty picked peaks not
    explained by the true cell.

    Returns
    -------
    DataFrame
        id, mineral, bravais, cell, centring, q2, intensity, wavelength; in the order of the ids.

    Raises
    ------
    DDIError
        If DDI_RRUFF does not name a folder with index.csv and picked_peaks.json.
    """
    place = rruff.folder()
    table = rruff.reference(place)
    if table is None or not (place / "picked_peaks.json").is_file():
        raise DDIError(
            "this benchmark needs measured patterns; set DDI_RRUFF to a folder with RRUFF's "
            "archives, index.csv and picked_peaks.json"
        )
    table = table[
        (table.grade == "A") & (table.n_first - table.n_matched_of_first_20 <= 2)
    ].set_index("id")
    rows = [
        entry
        for entry in json.loads((place / "picked_peaks.json").read_text(encoding="utf-8"))
        if entry["id"] in table.index
    ]
    frame = pd.DataFrame(rows)[
        ["id", "mineral", "bravais", "cell", "q2", "intensity", "wavelength"]
    ].sort_values("id", ignore_index=True)
    return frame.assign(
        centring=[
            rruff.bravais_lattice(table.space_group[i], cell)[1]
            for i, cell in zip(frame.id, frame.cell)
        ]
    )


def one_a_mineral():
    """Return the first row of `fair` of each mineral."""
    return fair().groupby("mineral").head(1).reset_index(drop=True)


def picked():
    """Return the rows of `fair` with the peaks that the project itself picks from the measured
    patterns, faint ones beside them.
    """
    rows = fair().to_dict("records")
    patterns = {pattern.id: pattern for pattern in rruff.load()}
    kept = []
    for row in rows:
        with contextlib.suppress(DDIError, KeyError):
            pattern = patterns[row["id"]]
            kept.append(
                row
                | _columns(from_pattern(pattern.two_theta, pattern.intensity, pattern.wavelength))
            )
    return pd.DataFrame(kept)


def _columns(peaks):
    return {
        name: getattr(peaks, name)
        for name in ("q2", "sigma_q2", "intensity", "wavelength", "faint")
    }


def held_out(study, bravais=None, n=None, seed=0):
    """Return test entries of a study (no relative of theirs was in training): bravais, cell,
    centring, q2, intensity of peak list 1.
    """
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    rows = dataset.load(
        study,
        [
            "identifier",
            "bravais",
            "centring_reindexed",
            "cell",
            "q2_1",
            "intensity_1",
            "q2_2",
            "intensity_2",
        ],
    )
    rows = rows.merge(groups[groups.split == "test"], on="identifier")
    rows = rows[[len(q2) >= 20 for q2 in rows.q2_2]]
    rows = rows[rows.bravais == bravais] if bravais else rows
    rows = rows.sample(min(n or len(rows), len(rows)), random_state=seed)
    return rows.rename(columns={"centring_reindexed": "centring"}).reset_index(drop=True)


def measure(rows, **options):
    """Index each row's peaks; return rank of the right lattice (0 is first, `MISSED` if absent),
    seconds, probabilities and scores.
    """
    out = []
    search.run(rows.q2[0], intensities=rows.intensity[0], wavelength=WAVELENGTH)
    for row in rows.itertuples():
        chosen = row.bravais if options.get("known") else None
        started = time.perf_counter()
        beside = {name: getattr(row, name) for name in ("sigma_q2", "faint") if name in rows}
        table = search.run(
            row.q2, intensities=row.intensity, wavelength=WAVELENGTH, bravais=chosen, **beside
        )
        seconds = time.perf_counter() - started
        out.append(
            dict(
                rank=rank_of(table, row.cell, row.centring),
                seconds=seconds,
                probability=table.probability.to_numpy(),
                score=table.score.to_numpy(),
            )
        )
    return pd.concat([rows.reset_index(drop=True), pd.DataFrame(out)], axis=1)


def rank_of(table, cell, centring):
    """Return the place, from 0, of the first row that is the true lattice."""
    right = (
        k
        for k, row in enumerate(table.itertuples())
        if relations.same_lattice(row.cell, cell, lattice.BRAVAIS[row.bravais][1], centring)
    )
    return next(right, MISSED)


def rates(result):
    """Return first and first-ten rates with their Wilson intervals."""
    n = len(result)
    first = int((result["rank"] == 0).sum())
    ten = int((result["rank"] < 10).sum())
    return dict(
        n=n,
        first=first / n,
        first_interval=wilson(first, n),
        ten=ten / n,
        ten_interval=wilson(ten, n),
    )


def with_spurious(rows, n_extra=2, seed=0):
    """Put extra peaks of median intensity at random places among each row's first twenty."""
    rng = np.random.default_rng(seed)
    rows = rows.copy()
    for i in rows.index:
        q2 = np.array(rows.q2[i])
        intensity = np.array(rows.intensity[i])
        extra = noise.foreign(q2[0], q2[:20][-1], n_extra, rng)
        order = np.argsort(np.concatenate([q2, extra]))
        rows.at[i, "q2"] = np.concatenate([q2, extra])[order]
        rows.at[i, "intensity"] = np.concatenate(
            [intensity, np.full(n_extra, np.median(intensity))]
        )[order]
    return rows


def disturbed(rows, jitter=NOISE, zero=ZERO, seed=0):
    """Return the rows with peaks of peak list 2 whose positions carry noise and a zero shift
    (degrees 2theta).
    """
    rng = np.random.default_rng(seed)
    out = []
    for q2 in rows.q2_2:
        shifts = rng.uniform(-zero, zero) + rng.normal(0, jitter, len(q2))
        out.append(np.sort(noise.moved(q2, shifts, WAVELENGTH)))
    return rows.assign(q2=out, intensity=rows.intensity_2)


def degraded(rows, seed=0):
    """Return the rows with the peaks picked from simulated measurements (`ddi.study.damage`); rows
    that show too few are left out.
    """
    kept = []
    for i, row in enumerate(rows.to_dict("records")):
        with contextlib.suppress(DDIError):
            peaks, _ = damage.peaks(row["q2_1"], row["intensity_1"], seed=seed + i)
            kept.append(row | _columns(peaks))
    return pd.DataFrame(kept)


@benchmark(
    "index",
    floor=6.0,
    better="lower",
    about="median seconds a pattern, all lattices, fair RRUFF patterns, one a mineral",
)
def bench_index():
    seconds = measure(one_a_mineral()).seconds
    return dict(
        value=float(seconds.median()),
        unit="s",
        n=len(seconds),
        percentile_95=float(np.percentile(seconds, 95)),
    )


@benchmark(
    "rruff",
    floor=0.90,
    about="fair RRUFF patterns with the right lattice first, lattice unknown; first ten, known "
    "and by Bravais lattice beside it",
)
def bench_rruff():
    unknown = measure(fair())
    known = measure(fair(), known=True)
    by_bravais = {bravais: rates(rows)["first"] for bravais, rows in unknown.groupby("bravais")}
    one = rates(unknown.groupby("mineral").head(1))
    return dict(
        value=rates(unknown)["first"],
        unit="share",
        **rates(unknown),
        known=rates(known),
        one_a_mineral=one,
        by_bravais=by_bravais,
    )


@benchmark(
    "patterns",
    floor=0.90,
    about="the same patterns with the project's own peak picking, lattice unknown: right lattice "
    "first; first ten and one a mineral beside it",
)
def bench_patterns():
    result = measure(picked())
    return dict(
        value=rates(result)["first"],
        unit="share",
        **rates(result),
        one_a_mineral=rates(result.groupby("mineral").head(1)),
    )


@benchmark(
    "triclinic",
    floor=0.80,
    about="held-out simulated triclinic patterns right first: 0.02 degrees noise, zero shift up "
    "to 0.1, aP given",
)
def bench_triclinic():
    result = measure(disturbed(held_out(Study("default"), "aP", N_TRICLINIC)), known=True)
    return dict(
        value=rates(result)["first"],
        unit="share",
        **rates(result),
        median_seconds=float(result.seconds.median()),
    )


@benchmark(
    "spurious",
    floor=0.80,
    about="fair RRUFF patterns, one a mineral, with two extra spurious peaks: right lattice "
    "first, lattice unknown",
)
def bench_spurious():
    result = measure(with_spurious(one_a_mineral()))
    return dict(value=rates(result)["first"], unit="share", **rates(result))


@benchmark(
    "calibration",
    floor=0.08,
    better="lower",
    about="expected calibration error of the first cell's probability on fair RRUFF patterns, "
    "one a mineral",
)
def bench_calibration():
    result = measure(one_a_mineral())
    first = np.array([p[0] if len(p) else 0.0 for p in result.probability])
    return dict(
        value=calibration_error(first, result["rank"] == 0),
        unit="probability",
        n=len(result),
        mean_probability=float(first.mean()),
    )


def recalibrate(study, n=60, seed=0):
    """Fit `confidence.calibrate` to degraded held-out patterns of a study and, where there are any,
    to every second mineral of RRUFF's fair ones.

    The measured patterns come in twice, with the reference's peaks and with the project's own.

    Returns
    -------
    dict

    """
    sets = [degraded(held_out(study, n=n, seed=seed), seed)]
    if rruff.folder():
        minerals = sorted(fair().mineral.unique())[::2]
        sets += [
            rows[rows.mineral.isin(minerals)].groupby("mineral").head(2).reset_index(drop=True)
            for rows in (fair(), picked())
        ]
    result = pd.concat([measure(rows) for rows in sets], ignore_index=True)
    return confidence.calibrate(
        list(result.score), [-1 if rank == MISSED else rank for rank in result["rank"]]
    )
