"""How many patterns are solved that nobody looked at while the solving was built: those drawn after
the first 200 of a lattice system. One with no more than those (rhombohedral: 198 in all)
is solved with errors drawn anew, and counted beside the others, not among them.
"""

from functools import partial

import pandas as pd

from ddi.base.parallel import map_parallel
from ddi.base.paths import Study
from ddi.base.stats import wilson
from ddi.bench.registry import benchmark
from ddi.forward import lattice
from ddi.study import eval_optimisation

LOOKED_AT = 200
N_FRESH = 120
REDRAWN = 2027  # seed of the errors of crystals that were looked at
HIGH = ("cubic", "tetragonal", "hexagonal", "orthorhombic")


def solved(study, system, *, first=LOOKED_AT, n=N_FRESH, seed=2026):
    """Solve the test patterns of a lattice system from number `first` on as notebook 09 does;
    return a row each (DataFrame).
    """
    fresh = eval_optimisation.patterns(study, system, first + n, seed)[first:]
    rows = map_parallel(partial(_attempt, study, seed=seed), fresh, n_jobs=2, desc=system)
    return pd.DataFrame(rows, columns=["system", "solved", "correct_from", "seconds"])


def _attempt(study, pattern, seed):
    eval_optimisation.warm_up()
    return eval_optimisation.attempt(
        study, pattern, "both+shape+random", "misfit weights", seed=seed
    )


@benchmark(
    "unseen",
    floor=0.97,
    about="share of default-profile test patterns, cubic, tetragonal, hexagonal and "
    "orthorhombic, beyond those looked at, solved in 10 s (needs `make study`; 5 min)",
)
def bench_unseen():
    study = Study("default")
    by_system = {system: solved(study, system)["solved"] for system in lattice.SYSTEMS}
    high = pd.concat([by_system[system] for system in HIGH])
    none = [system for system, right in by_system.items() if not len(right)]
    again = {system: solved(study, system, first=0, seed=REDRAWN)["solved"] for system in none}
    return {
        "value": high.mean(),
        "unit": "share",
        "n": len(high),
        "interval": wilson(high.sum(), len(high)),
        "by_system": _counts(by_system),
        "errors_drawn_anew": _counts(again),
    }


def _counts(by_system):
    """Solved patterns of all, by lattice system, where there are any."""
    found = {system: right for system, right in by_system.items() if len(right)}
    return {system: f"{int(right.sum())}/{len(right)}" for system, right in found.items()}
