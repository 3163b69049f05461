"""Assignment with what the peaks tell each other, against the nearest line, at each level of noise
and on generators' own cells.
"""

from dataclasses import replace

import numpy as np

from ddi.base.paths import Study
from ddi.bench.registry import benchmark
from ddi.models import assignment, generator
from ddi.models.assignment_data import NOISE, draw_from, load_problem
from ddi.models.assignment_training import controls
from ddi.study import eval_assignment

SYSTEMS = ("orthorhombic", "monoclinic", "triclinic")
LEVEL = "0.05"
DRAWERS = ("forest", "template_network")
N_DRAWN = 300  # training entries that a generator's size of error is learned from
SEED = 2026


@benchmark(
    "assign_shared",
    floor=5.0,
    better="higher",
    about="right indices at noise 0.05, joint assignment less nearest line, in points",
)
def bench_assign_shared(n=300):
    """Compare on up to n test entries of the three lowest systems; the value is the least gain."""
    study = Study()
    found = {}
    for system in SYSTEMS:
        problem = load_problem(study, system, SEED, max_test=n)
        levels = [*map(str, NOISE), *_drawn(study, problem)]
        found[system] = {level: _right(problem, level) for level in levels}
        found[system]["n"] = len(problem.test)
    at_level = {system: each[LEVEL] for system, each in found.items()}
    gains = {name: round(row["joint"] - row["nearest line"], 1) for name, row in at_level.items()}
    return {"value": min(gains.values()), "unit": "points", "gains": gains, "right": found}


def _drawn(study, problem):
    """Add the cells that trained generators draw, one an entry; return whose."""
    chosen = [name for name in DRAWERS if generator.path_of(study, name, problem.system).exists()]
    for name in chosen:
        model = generator.load(study, name, problem.system)
        problem.predicted[name] = [
            draw_from(model, side, 1, SEED, most)
            for side, most in ((problem.train, N_DRAWN), (problem.test, 0))
        ]
    return chosen


def _right(problem, level):
    """Right indices in per cent, and twice the standard error over patterns: also by the same beam
    with each peak judged by the candidate's error alone, and by the network as written where the
    study has kept one.
    """
    ways = controls(problem, level, SEED)
    ways["each peak alone"] = replace(ways["joint"], shared=False)
    path = assignment.path_of(Study(), problem.system, level, literal=True)
    if path.exists():
        ways["as written"] = assignment.AssignmentNetwork.load(path, problem.system)
    x = problem.x("test", level, SEED)
    row = {}
    for name, way in ways.items():
        right = 100 * eval_assignment.score(way, problem.test, x).first.mean(axis=1)
        row |= {name: round(right.mean(), 1)}
        row |= {f"{name} +-": round(2 * right.std() / np.sqrt(len(right)), 1)}
    return row
