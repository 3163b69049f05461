"""Two phases in one pattern, on the half of the minerals that chose no constant."""

from ddi.bench.registry import benchmark
from ddi.study.mixtures import N_PAIRS, RATIOS, outcomes, rates


@benchmark(
    "mixtures",
    floor=0.70,
    about="sums of two measured patterns, 1:1, of the half that chose nothing: either phase first "
    "(--n pairs); both, 3:1 and 9:1 beside it",
)
def bench_mixtures(n=N_PAIRS):
    rows = outcomes(n)
    by_ratio = {
        f"{ratio}:1": rates([row for row in rows if row.ratio == ratio]) for ratio in RATIOS
    }
    return dict(value=by_ratio["1:1"]["main"], unit="share", n=n, by_ratio=by_ratio)
