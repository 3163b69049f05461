"""What the whole pattern changes in the order of the list: the same patterns before and after."""

from dataclasses import replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.stats import calibration_error
from ddi.bench.peak_lists import fair
from ddi.bench.registry import benchmark, shares
from ddi.data import rruff
from ddi.index import result, search
from ddi.index.constants import SEARCH
from ddi.index.peaks import from_pattern
from ddi.study.eval_indexing import is_first

SURE = 0.8  # probability from which a wrong first cell misleads


@benchmark(
    "evidence",
    floor=0.9,
    about="fair RRUFF patterns, one a mineral, of the half that chose nothing: right lattice first "
    "where the whole pattern judges; by peaks alone, gained and lost beside it",
)
def bench_evidence(n=1000):
    rows = fair().groupby("mineral").head(1)
    rows = rows[[rruff.half(mineral) == "reporting" for mineral in rows.mineral]].head(n)
    after = []
    before = []
    for pattern in rruff.load(ids=set(rows.id)):
        try:
            peaks = from_pattern(pattern.two_theta, pattern.intensity, pattern.wavelength)
        except DDIError:  # too few peaks to index: right neither way
            before.append((False, 0.0))
            after.append((False, 0.0))
            continue
        table = _searched(peaks)
        before.append(_first(table, replace(peaks, pattern=None), pattern))
        after.append(_first(table, peaks, pattern))
    was, is_now = (np.array([right for right, _ in side]) for side in (before, after))
    chances = np.array([chance for _, chance in after])
    return dict(
        value=float(is_now.mean()),
        unit="share",
        n=len(after),
        **shares(first=is_now, by_peaks=was),
        gained=int((is_now & ~was).sum()),
        lost=int((was & ~is_now).sum()),
        calibration_error=calibration_error(chances, is_now),
        sure=int((chances > SURE).sum()),
        sure_and_wrong=int((~is_now & (chances > SURE)).sum()),
    )


def _searched(peaks):
    """The ranked list by peaks, as `ddi.index.api.index_peaks` asks for it."""
    n = SEARCH.max_verify
    return search.run(
        peaks.q2[:n],
        peaks.sigma_q2[:n],
        intensities=peaks.intensity[:n],
        wavelength=peaks.wavelength,
        faint=peaks.faint,
    )


def _first(table, peaks, pattern):
    """Whether the first cell of a result is the true lattice, and its probability."""
    found = result.make(table, peaks, 0.0, {})
    chance = float(found.cells.probability.iloc[0]) if len(found.cells) else 0.0
    return is_first(pattern, found), chance
