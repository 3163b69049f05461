"""Assignment: accuracy and speed of the network against the nearest line, with the study's own
models and test entries.
"""

import numpy as np

from ddi.base.paths import Study
from ddi.bench.registry import benchmark
from ddi.models import assignment
from ddi.models.assignment_data import load_problem
from ddi.models.assignment_training import controls
from ddi.study import eval_assignment

SYSTEM = "monoclinic"
LEVEL = "0.05"
SEED = 2026


@benchmark(
    "assign",
    floor=1.1,
    better="higher",
    about="right indices, network over nearest line; candidates a second of each",
)
def bench_assign():
    """Compare on up to 300 monoclinic test entries with a noise of 0.05 on the scaled cell."""
    study = Study()
    problem = load_problem(study, SYSTEM, SEED, max_test=300)
    network = assignment.AssignmentNetwork.load(assignment.path_of(study, SYSTEM, LEVEL), SYSTEM)
    ways = controls(problem, LEVEL, SEED) | {"network": network}
    table, _ = eval_assignment.compare(problem, LEVEL, ways, SEED)
    table = table.set_index("assigner")
    q2 = problem.test.q2[0]
    x = np.repeat(problem.x("test", LEVEL, SEED)[:1], 20000, axis=0)
    compiled = eval_assignment.nearest, q2, x, problem.reference, SYSTEM
    eval_assignment.seconds_of(*compiled)
    nearest_rate = len(x) / min(eval_assignment.seconds_of(*compiled) for _ in range(3))
    rates = {
        name: 512 / min(eval_assignment.seconds_of(way.predict, q2, x[:512]) for _ in range(3))
        for name, way in ways.items()
    }
    return {
        "value": table.top1["network"] / table.top1["nearest line"],
        "unit": "ratio of top-1 accuracy",
        "n": int(table.n.iloc[0]),
        "top1": table.top1.round(4).to_dict(),
        "top5": table.top5.round(4).to_dict(),
        "solved": (table.after / table.n).round(4).to_dict(),
        "candidates_per_second": {"nearest (compiled)": round(nearest_rate)}
        | {name: round(rate) for name, rate in rates.items()},
    }
