"""The write-up's wishes at equal time: resampled assignments, the mixture, and the gradient
through the assignment network, beside the nearest line.
"""

from functools import partial

import numpy as np
import pandas as pd

from ddi.base.paths import Study
from ddi.bench.registry import benchmark
from ddi.forward import lattice, relations
from ddi.index import known
from ddi.study import eval_optimisation, start_cells

SYSTEMS = ("tetragonal", "orthorhombic", "monoclinic")
N_PATTERNS = 10
BUDGET = 3.0
N_CLIMBED = 30
METHODS = ("misfit weights", "nearest line", "resampled", "drawn from softmax", "marginal")


def compare(study, *, budget=BUDGET, n=N_PATTERNS, seed=2026):
    """Solve the same patterns from the same starts with each method, `budget` seconds of CPU each;
    return a row each (DataFrame).

    Chains read 300 starts a round, the gradient climbs from `N_CLIMBED` of them; the indexer's
    ranking judges both.
    """
    from ddi.mcmc.ascent import Ascent

    rows = []
    eval_optimisation.warm_up()
    for system in SYSTEMS:
        if (found := eval_optimisation.assigner(study.models, system, "network")) is None:
            continue
        ascent = Ascent(found["assign"])
        for number, pattern in enumerate(eval_optimisation.patterns(study, system, n, seed)):
            if number == 0:  # compiles; with no budget no round would begin
                _climb(study, ascent, pattern, budget=1.0, seed=seed)
            attempt = partial(eval_optimisation.attempt, study, pattern, "both")
            tried = {name: attempt(name, seed=seed, time_budget=budget) for name in METHODS}
            tried["through the network"] = _climb(study, ascent, pattern, budget=budget, seed=seed)
            rows += [
                {"system": system, "method": name, "solved": row["solved"], "rounds": row["rounds"]}
                for name, row in tried.items()
            ]
    return pd.DataFrame(rows)


def _climb(study, ascent, pattern, *, budget, seed):
    sample = start_cells.sampler(study, "both", pattern, seed)

    def climbed(number):
        cells = sample(number)
        some = np.random.default_rng([seed, number]).permutation(len(cells))[:N_CLIMBED]
        x = lattice.free_x(lattice.cell_to_x(cells[some]), pattern["system"])
        return lattice.x_to_cell(lattice.full_x(ascent.ascend(x, pattern["q2"]), pattern["system"]))

    options = {"n_iterations": 0, "centrings": "P", "n_jobs": 1, "seed": seed}
    options |= {"time_budget": budget, "clock": eval_optimisation.CLOCK}
    finds = known.solve(pattern["peaks"], pattern["system"], climbed, **options)
    first = [row.reduced for row in finds.rows[:1]]
    solved = any(relations.same_lattice(cell, pattern["reduced"]) for cell in first)
    return {"solved": solved, "rounds": finds.rounds}


@benchmark(
    "wishes",
    floor=0.5,
    about="share of patterns that misfit weights solve in 3 s of CPU; beside it the nearest line, "
    "resampled, the mixture, and through the network",
)
def bench_wishes():
    rows = compare(Study("default"))
    share = rows.groupby("method", sort=False)["solved"].mean()
    by_system = rows.groupby(["method", "system"], sort=False)["solved"].sum().unstack()
    rounds = rows.groupby("method", sort=False)["rounds"].mean().round(1).to_dict()
    return {
        "value": share["misfit weights"],
        "unit": "share",
        "n": len(rows) // (len(METHODS) + 1),
        "by_method": share.round(3).to_dict(),
        "solved": by_system.to_dict("index"),
        "rounds": rounds,
    }
