"""What joint assignment buys the chains: starts 5 % off, led to the true lattice by chains and by
joint assignment, and what each costs (08_assignment, table 08_chains).
"""

import time

import numpy as np
import pandas as pd

from ddi.base.stats import wilson
from ddi.forward import lattice
from ddi.mcmc.problem import Problem, polish
from ddi.models.assignment_data import free_x
from ddi.models.assignment_training import controls
from ddi.models.joint import JointAssignment
from ddi.study import convergence
from ddi.study.damage import disturbed_cells
from ddi.study.eval_optimisation import patterns

ERROR = 0.05  # of lengths, relative, and of angles, radians
NOISE = 0.02  # of a peak's position, degrees 2theta
CHAINS = {
    "misfit weights": {"weights": "coelho", "accept": "always"},
    "softmax of the line prior": {"prior": "softmax", "accept": "metropolis"},
}
COLUMNS = ["system", "way", "share", "seconds"]
BOTH = "joint, then misfit weights"


def joint_of(problem, prior, seed):
    """Return the `JointAssignment` of starts `ERROR` off, learned from training entries."""
    cells = disturbed_cells(problem.train.cells, problem.system, ERROR, [seed, 1])
    known = problem.cell_scaler, free_x(cells, problem.system), problem.train.x
    return JointAssignment.of(prior, *known, noise=NOISE)


def improved(joint, q2, cells):
    """Return the x that joint assignment makes of each cell, shape (n, n_free), A^-2: that of its
    most probable history.
    """
    x = free_x(cells, joint.system)
    spreads = joint.covariances(x)
    return np.array([joint.histories(q2, *each)[2][0] for each in zip(x, spreads)])


def compared(study, problem, prior, *, n_patterns, n_starts, n_iterations=100, seed=0):
    """Return the share of starts that arrive, and the seconds of CPU a start, of each way on each
    test pattern (DataFrame).
    """
    joint = joint_of(problem, prior, seed)
    found = patterns(study, problem.system, n_patterns, seed, NOISE)
    ways = _ways(joint, prior, n_iterations, seed)
    rows = []
    for pattern in [*found[:1], *found]:  # the first once more: what compiles is not counted
        same = np.repeat(pattern["cell"][None], n_starts, axis=0)
        cells = disturbed_cells(same, problem.system, ERROR, [seed, pattern["number"]])
        for name, way in ways.items():
            began = time.process_time()
            share = way(pattern, cells).mean()
            cost = (time.process_time() - began) / n_starts
            rows.append({"system": problem.system, "way": name, "share": share, "seconds": cost})
    return pd.DataFrame(rows[len(ways) :], columns=COLUMNS)


def compared_all(study, problems, systems, level, *, seed, **options):
    """Return `compared` of some lattice systems' problems, with the line prior of a level of
    error.
    """
    parts = []
    for system in (system for system in systems if system in problems):
        prior = controls(problems[system], level, seed)["line prior"]
        parts.append(compared(study, problems[system], prior, seed=seed, **options))
    return pd.concat(parts) if parts else pd.DataFrame(columns=COLUMNS)


def _ways(joint, prior, n_iterations, seed):
    """Functions of a pattern and its starts: which arrive."""

    def chain(pattern, cells, **options):
        truth = pattern["system"], pattern["cell"]
        return convergence.converged(pattern["q2"], cells, *truth, seed=seed, **options)

    def once(pattern, cells):
        problem = Problem(pattern["q2"], joint.system, joint.reference)
        x = polish(problem, improved(joint, pattern["q2"], cells))[0]
        return convergence.are_true(x, pattern["system"], pattern["cell"])

    def both(pattern, cells):
        x = improved(joint, pattern["q2"], cells)
        better = lattice.x_to_cell(lattice.full_x(x, joint.system))
        kept = np.where(lattice.is_possible(better)[:, None], better, cells)
        return chain(pattern, kept, n_iterations=n_iterations // 10, **CHAINS["misfit weights"])

    def softmax(pattern, cells):
        given = {"assign": prior, "hkl": prior.reference, "n_iterations": n_iterations}
        return chain(pattern, cells, **given, **CHAINS["softmax of the line prior"])

    def misfit(pattern, cells):
        return chain(pattern, cells, n_iterations=n_iterations, **CHAINS["misfit weights"])

    ways = {"joint": once, BOTH: both, "misfit weights": misfit}
    return ways | {"softmax of the line prior": softmax}


def table(rows):
    """Return the mean share that arrives, with the interval of the patterns, the cost of a start,
    and how many arrive in a second of CPU.
    """
    out = []
    for (system, way), part in rows.groupby(["system", "way"], sort=False):
        low, high = wilson(part["share"].sum(), len(part))
        share = part["share"].mean()
        arrive = f"{100 * share:.0f} ({100 * low:.0f}-{100 * high:.0f})"
        cost = part["seconds"].mean()
        about = {"lattice system": system, "from starts 5 % off": way, "patterns": len(part)}
        about |= {"arrive / %": arrive, "ms a start": f"{1000 * cost:.1f}"}
        out.append(about | {"arrive a second": f"{share / cost:,.0f}"})
    return pd.DataFrame(out)


def numbers(rows):
    """Return what 08_assignment quotes: shares that arrive, and the error of the starts (%)."""
    words = dict(zip(("joint", BOTH, *CHAINS), ("Joint", "Both", "Misfit", "Softmax")))
    share = 100 * rows.groupby(["system", "way"])["share"].mean()
    found = {"ChainsError": f"{100 * ERROR:.0f}"}
    for system in ("orthorhombic", "monoclinic"):
        for way, word in words.items():
            known = (system, way) in share.index
            value = f"{share[system, way]:.0f}" if known else "--"
            found[f"Chains{system.title()}{word}"] = value
    return found
