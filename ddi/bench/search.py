"""How often the search is right, and how fast: on measured RRUFF patterns (DDI_RRUFF) and on
held-out simulated ones.
"""

import time

import numpy as np
import pandas as pd

from ddi.base.paths import Study
from ddi.base.stats import calibration_error
from ddi.bench.peak_lists import (
    N_TRICLINIC,
    degraded,
    disturbed,
    fair,
    held_out,
    one_a_mineral,
    picked,
    with_spurious,
)
from ddi.bench.registry import benchmark, shares
from ddi.data import rruff
from ddi.forward import lattice
from ddi.forward.bragg import CU_KALPHA1
from ddi.index import confidence, search
from ddi.study.eval_indexing import first_right


def measure(rows, known=False):
    """Index each row's peaks, the Bravais lattice known or not; return rank of the right lattice
    (1 is first, 0 if it is not in the list), seconds, probabilities and scores.
    """
    out = []
    search.run(rows.q2[0], intensities=rows.intensity[0], wavelength=CU_KALPHA1)
    for row in rows.itertuples():
        chosen = row.bravais if known else None
        started = time.perf_counter()
        beside = {name: getattr(row, name) for name in ("sigma_q2", "faint") if name in rows}
        table = search.run(
            row.q2, intensities=row.intensity, wavelength=CU_KALPHA1, bravais=chosen, **beside
        )
        seconds = time.perf_counter() - started
        likely = {name: table[name].to_numpy() for name in ("probability", "score")}
        out.append(dict(rank=rank_of(table, row), seconds=seconds, **likely))
    return pd.concat([rows.reset_index(drop=True), pd.DataFrame(out)], axis=1)


def rank_of(table, truth):
    """Return the place, from 1, of the first row of `ddi.index.ranking.table` that is the lattice
    of `truth` (an object with cell and centring); 0 if none is.
    """
    centrings = [lattice.BRAVAIS[symbol][1] for symbol in table.bravais]
    return first_right(truth, list(table.cell), centrings, None)


def rates(result):
    """Return first and first-ten rates with their Wilson intervals."""
    rank = result["rank"]
    return dict(n=len(result), **shares(first=rank == 1, ten=rank.between(1, 10)))


def _first(result, **more):
    """What a benchmark says of a result: how often the right lattice is first, and `rates`."""
    found = rates(result)
    return dict(value=found["first"], unit="share", **found, **more)


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
    return _first(unknown, known=rates(known), one_a_mineral=one, by_bravais=by_bravais)


@benchmark(
    "patterns",
    floor=0.90,
    about="the same patterns with the project's own peak picking, lattice unknown: right lattice "
    "first; first ten and one a mineral beside it",
)
def bench_patterns():
    result = measure(picked())
    return _first(result, one_a_mineral=rates(result.groupby("mineral").head(1)))


@benchmark(
    "triclinic",
    floor=0.80,
    about="held-out simulated triclinic patterns right first: 0.02 degrees noise, zero shift up "
    "to 0.1, aP given",
)
def bench_triclinic():
    result = measure(disturbed(held_out(Study("default"), "aP", N_TRICLINIC)), known=True)
    return _first(result, median_seconds=float(result.seconds.median()))


@benchmark(
    "spurious",
    floor=0.80,
    about="fair RRUFF patterns, one a mineral, with two extra spurious peaks: right lattice "
    "first, lattice unknown",
)
def bench_spurious():
    return _first(measure(with_spurious(one_a_mineral())))


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
        value=calibration_error(first, result["rank"] == 1),
        unit="probability",
        n=len(result),
        mean_probability=float(first.mean()),
    )


def recalibrate(study, n=60, seed=0):
    """Fit `confidence.calibrate` to degraded held-out patterns of a study and, where there are any,
    to every second mineral of RRUFF's fair ones: so was the temperature of whole patterns chosen;
    what stands for "none of these" was then fitted with 112 patterns and lists of the choosing half
    beside them. Lists have `ddi.bench.list_rates.recalibrate`.

    The measured patterns come in twice, with the reference's peaks and with the project's own.

    Returns
    -------
    ddi.index.confidence.Calibration
    """
    sets = [degraded(held_out(study, n=n, seed=seed), seed)]
    if rruff.folder():
        minerals = sorted(fair().mineral.unique())[::2]
        sets += [
            rows[rows.mineral.isin(minerals)].groupby("mineral").head(2).reset_index(drop=True)
            for rows in (fair(), picked())
        ]
    result = pd.concat([measure(rows) for rows in sets], ignore_index=True)
    return confidence.calibrate(list(result.score), list(result["rank"] - 1))
