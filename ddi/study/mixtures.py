"""Two phases in one pattern: sums of two measured patterns of different minerals.

Pairs are drawn from the half of the minerals that chose no constant (`ddi.data.rruff.half`), fair
patterns, one a mineral. The parts of a sum are told by intensity above background, integrated.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.parallel import map_parallel
from ddi.base.stats import wilson
from ddi.data import rruff
from ddi.forward import lattice, relations
from ddi.index.baseline import background
from ddi.index.comparison import cell_of
from ddi.study.eval_indexing import is_first
from ddi.study.fairness import fair_rows

RATIOS = (1, 3, 9)  # of the main phase to the other
N_PAIRS = 20  # by default; a sum takes 2 to 6 s of CPU
STEP = 0.01  # degrees 2theta


class Outcome(NamedTuple):
    """What came out for one sum: the ratio, the two minerals, whether the first cell is the main
    phase (at 1:1 either one), whether both phases are right, whether they are but for sub- and
    supercells, whether a second one was reported with conviction, and its probability.
    """

    ratio: float
    minerals: tuple
    main: bool
    both: bool
    related: bool
    reported: bool
    probability: float


def pairs(n, half="reporting", seed=0):
    """Return `n` pairs of `ddi.data.rruff.Pattern` of different minerals."""
    known = rruff.reference()
    if known is None:
        raise DDIError("mixtures need measured patterns; set DDI_RRUFF to their folder")
    single = fair_rows(known).groupby("mineral").head(1)
    wanted = {row.id for row in single.itertuples() if rruff.half(row.mineral) == half}
    patterns = rruff.load(ids=wanted)
    rng = np.random.default_rng(seed)
    chosen = (rng.choice(len(patterns), 2, replace=False) for _ in range(n))
    return [(patterns[i], patterns[j]) for i, j in chosen]


def mixed(main, other, ratio):
    """Return 2theta in degrees and intensity of a sum of two measured patterns.

    Parameters
    ----------
    main, other : ddi.data.rruff.Pattern
    ratio : float
        Of their intensities above background, integrated where both were measured.
    """
    first = max(main.two_theta[0], other.two_theta[0])
    last = min(main.two_theta[-1], other.two_theta[-1])
    angles = np.arange(first, last, STEP)
    parts = [np.interp(angles, one.two_theta, one.intensity) for one in (main, other)]
    net = [(part - background(angles, part)).clip(0).sum() for part in parts]
    return angles, parts[0] + parts[1] * net[0] / (ratio * net[1])


def outcome(pair, ratio):
    """Index the sum of a pair; return its `Outcome`."""
    from ddi.index.api import index_peaks
    from ddi.index.peaks import Pattern

    main, other = pair
    measured = Pattern(*mixed(main, other, ratio), main.wavelength)
    result = index_peaks(measured.peaks(), n_jobs=1)
    first = [is_first(one, result) for one in pair]
    told = result.second is not None and result.second.convinces
    return Outcome(
        ratio,
        (main.mineral, other.mineral),
        first[0] or (ratio == 1 and first[1]),
        _are_both(is_first, pair, result),
        _are_both(_is_related, pair, result),
        told,
        float(result.second.cells.probability.iloc[0]) if told else 0.0,
    )


def _are_both(is_one, pair, result):
    """Whether one of the pair is the first cell of a result and the other that of its second."""
    if result.second is None:
        return False
    return any(
        is_one(one, result) and is_one(other, result.second) for one, other in (pair, pair[::-1])
    )


def _is_related(truth, result):
    """Whether the first cell of a result is the lattice of `truth`, or a sub- or supercell."""
    if not result.rows:
        return False
    row = result.rows[0]
    found = cell_of(row), lattice.BRAVAIS[row.bravais][1]
    return relations.explain(*found, truth.cell, truth.centring)[0] != "wrong"


def outcomes(n=N_PAIRS, ratios=RATIOS, half="reporting", seed=0, n_jobs=1):
    """Return the `Outcome` of `n` pairs at every ratio."""
    drawn = pairs(n, half, seed)
    return [
        row
        for ratio in ratios
        for row in map_parallel(partial(outcome, ratio=ratio), drawn, n_jobs=n_jobs)
    ]


def rates(rows):
    """Return shares of `Outcome` s with Wilson intervals: main phase first, both phases right, and
    of the second phases reported those that are right, or are but for sub- and supercells.
    """
    n = len(rows)
    main = sum(row.main for row in rows)
    both = sum(row.both for row in rows)
    told = [row for row in rows if row.reported]
    return dict(
        n=n,
        main=main / n,
        main_interval=wilson(main, n),
        both=both / n,
        both_interval=wilson(both, n),
        reported=len(told),
        reported_right=sum(row.both for row in told),
        reported_related=sum(row.related for row in told),
    )
