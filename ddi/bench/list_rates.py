"""How often the first cell of a simulated list is right, and whether its probability says so."""

import numpy as np
import pandas as pd

from ddi.base.parallel import map_parallel
from ddi.base.stats import calibration_error, wilson
from ddi.bench import lists
from ddi.bench.registry import benchmark, shares
from ddi.bench.search import rank_of
from ddi.index import confidence, search
from ddi.index import peaks as peaklist

CONFIDENT = 0.8


def measured(which, kinds=lists.USUAL, n=25, seed=0, n_jobs=1):
    """Index n lists a kind of one half of the crystals.

    Parameters
    ----------
    which : {"choosing", "reporting"}
    kinds : sequence of str
        Of `ddi.bench.lists.KINDS`.
    n, seed, n_jobs : int

    Returns
    -------
    DataFrame
        A row a list: kind, identifier, bravais, rank of the right lattice (1 is first, 0
        absent), probability of the first cell, n_peaks, scores and what the first cell looks like.
    """
    made = lists.tasks(which, kinds, n, seed)
    rows = map_parallel(_indexed, made, n_jobs=n_jobs, desc=f"{which} lists")
    return pd.DataFrame([row for row in rows if row is not None])


def _indexed(task):
    kind, row, seed = task
    made = lists.simulated(row, kind, seed)
    if made is None:
        return None
    how = lists.KINDS[kind]
    wavelength = how.wavelength if how.unit == "2theta" else None
    peaks = peaklist.from_values(made[0], how.unit, wavelength, made[1])
    table = search.run(peaks.q2, intensities=peaks.intensity, wavelength=peaks.wavelength, n_jobs=1)
    found = dict(kind=kind, identifier=row.identifier, bravais=row.bravais, zero=made[2])
    found |= dict(n_peaks=len(made[0]), rank=0, probability=0.0)
    if len(table):
        first = table.iloc[0]
        right = 0 if kind == "absent" else rank_of(table, row)
        found |= dict(rank=right, probability=float(first.probability), first=first.bravais)
        found |= {name: first[name] for name in ("n_lines", "M20", "n_indexed", "source")}
        found |= dict(scores=table.score.tolist())
    return found


def recalibrate(n=20, n_jobs=1):
    """Fit the `confidence.Calibration` of lists to n lists a kind of the choosing half, twice as
    many of them without a lattice: people bring such lists more often than one in ten.

    Returns
    -------
    ddi.index.confidence.Calibration
    """
    kinds = (*lists.USUAL, "impure", "organic")
    parts = [
        measured("choosing", kinds, n, n_jobs=n_jobs),
        measured("choosing", ("absent",), n, seed=1, n_jobs=n_jobs),
    ]
    rows = pd.concat(parts).dropna(subset="scores")
    return confidence.calibrate(list(rows.scores), list(rows["rank"] - 1))


def confidently_wrong(rows):
    """Return which first cells are wrong with a probability above `CONFIDENT`, shape (n,)."""
    return (rows.probability > CONFIDENT) & (rows["rank"] != 1)


def by_kind(rows):
    """Return n and the rates of each kind in rows of `measured`."""
    return {
        kind: {
            "n": len(some),
            **shares(first=some["rank"] == 1, ten=some["rank"].between(1, 10)),
        }
        for kind, some in rows.groupby("kind", sort=False)
    }


@benchmark(
    "lists",
    floor=0.03,
    better="lower",
    about="simulated lists (laboratory, d, neutron, synchrotron, few, no lattice, long axis), "
    "reporting half: wrong above 0.8 (needs `make study`)",
)
def bench_lists(n=25):
    """Errors of the probability, and rates by kind, beside it; n lists a kind."""
    rows = measured("reporting", n=n, n_jobs=2)
    wrong = confidently_wrong(rows)
    right = rows["rank"] == 1
    return dict(
        value=float(wrong.mean()),
        unit="share",
        n=len(rows),
        interval=wilson(wrong.sum(), len(rows)),
        confident=int((rows.probability > CONFIDENT).sum()),
        calibration_error=calibration_error(rows.probability, right),
        mean_probability=float(np.mean(rows.probability)),
        by_kind=by_kind(rows),
    )


@benchmark(
    "organics",
    floor=0.7,
    about="simulated lists of organic crystals (DDI_COD), reporting half: right lattice first; "
    "with a wavelength and as spacings without one beside it",
)
def bench_organics(n=22):
    """Molecular crystals, which are few and come again with other errors; n lists a kind."""
    rows = measured("reporting", lists.ORGANICS, n=n, n_jobs=2)
    right = rows["rank"] == 1
    return dict(
        value=float(right.mean()),
        unit="share",
        n=len(rows),
        crystals=int(rows.identifier.nunique()),
        wrong_above=float(confidently_wrong(rows).mean()),
        by_kind=by_kind(rows),
    )
