"""The whole-pattern fit: extinction symbols, and seconds a cell.

Constants and null were chosen on one half of the minerals (`ddi.data.rruff.half`); the rate is that
of the other half, one pattern a mineral, with the true cell given.
"""

from collections import Counter

import numpy as np

from ddi.base.paths import Study
from ddi.bench.registry import benchmark
from ddi.study import eval_symbols
from ddi.study.eval_symbols import rates


@benchmark(
    "symbols",
    floor=0.75,
    about="minerals of the half that chose nothing whose extinction symbol is first, cell given; "
    "by the list of peaks beside it; --simulated: test structures of the half of the families that "
    "chose nothing, --n (needs `make study`)",
)
def bench_symbols(n=150, simulated=False):
    if simulated:
        rows = eval_symbols.simulated(Study("default"), n)
        wrong = Counter(f"{row.true} -> {row.first}" for row in rows if row.place)
        found = rates(rows)
        by_system = {
            name: f"{sum(not row.place for row in part)}/{len(part)}"
            for name, part in eval_symbols.by_system(rows).items()
        }
        about = dict(by_system=by_system, wrong=dict(wrong.most_common(12)))
        return dict(value=found["first"], unit="share", **found, **about)
    halves = {
        name: [row for row in eval_symbols.measured() if row.half == name]
        for name in ("choosing", "reporting")
    }
    reported = rates(halves["reporting"])
    wrong = {row.mineral: (row.true, row.first) for row in halves["reporting"] if row.place}
    return dict(
        value=reported["first"],
        unit="share",
        **reported,
        choosing=rates(halves["choosing"]),
        wrong=wrong,
    )


@benchmark(
    "profile",
    floor=0.4,
    better="lower",
    about="median CPU seconds to prepare a measured pattern and fit its cell to it",
)
def bench_profile():
    seconds = [row.seconds for row in eval_symbols.measured()]
    return dict(
        value=float(np.median(seconds)),
        unit="s",
        n=len(seconds),
        percentile_95=float(np.percentile(seconds, 95)),
    )
