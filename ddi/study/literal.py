"""The chain of the write-up to the letter beside what was made of it, from starts 5 % off
(09_optimize, table 09_literal).

*As written* (sections 2.4.1 and 2.4.3): the assignment network of section 2.3.3 labels every
proposal, its softmax is rho(H | c) in the likelihood and in the Metropolis ratio, 15 of 20 peaks a
step, sigma fixed during a step, whose minimum is taken in closed form. Where no such network is
trained, the line prior's softmax stands in its place, and the table says so.

Beside the chains stands what section 2.4.1 wishes for: all lines at once, each with the network's
probability, climbed along the gradient through the network (`ddi.mcmc.ascent`).
"""

import time
from functools import lru_cache, partial

import numpy as np
import pandas as pd

from ddi.base.parallel import map_parallel
from ddi.base.stats import wilson
from ddi.forward import lattice
from ddi.mcmc.ascent import Ascent
from ddi.mcmc.problem import Problem, polish
from ddi.mcmc.starts import exact_pattern
from ddi.models.assignment_data import load_problem
from ddi.models.assignment_training import controls
from ddi.study import convergence
from ddi.study.damage import disturbed_cells
from ddi.study.eval_optimisation import assigner

LEVEL = "0.05"  # relative error of the starts, and of the cells that the assigners are trained on
MISFIT = {"weights": "coelho", "accept": "always"}
MARGINAL = "marginal through the network"
N_STEPS = 40  # of the ascent; chosen, not measured
CHAINS = {
    "nearest line": (None, {}),
    "as written": ("network_literal", {"prior": "softmax"}),
    "as written, indices drawn": ("network_literal", {"prior": "drawn"}),
    "line prior": ("line prior", {"prior": "softmax"}),
    MARGINAL: ("network_literal", None),
    "misfit weights": (None, MISFIT),
    "network and misfit weights": ("network_literal", {"prior": "softmax", **MISFIT}),
    "line prior and misfit weights": ("line prior", {"prior": "softmax", **MISFIT}),
}
"""Who assigns in every step and stands in the likelihood, and `ddi.mcmc.options.Options`; None for
the gradient ascent, which is no chain."""


@lru_cache(maxsize=16)
def line_prior(study, system, seed=0):
    """Return the `ddi.models.assigners.LinePrior` counted on the training entries of a lattice
    system; None if it has none.
    """
    problem = load_problem(study, system, seed)
    return controls(problem, LEVEL, seed)["line prior"] if problem else None


def _options(study, system, name):
    """Return the options of an assigner and who it is."""
    if name is None:
        return {}, ""
    found = assigner(study.models, system, name, LEVEL) if name == "network_literal" else None
    if found is not None:
        return found, "network"
    prior = line_prior(study, system)
    return {"assign": prior, "hkl": prior.reference}, "line prior"


@lru_cache(maxsize=16)
def _ascent(network):
    return Ascent(network)


def climbed(q2_obs, cells, system, true_cell, network, **options):
    """Say which cells arrive when they climb the marginal likelihood through a network.

    Parameters
    ----------
    q2_obs : ndarray, shape (n_peaks,)
        A^-2.
    cells : ndarray, shape (n, 6)
    system : str
    true_cell : ndarray, shape (6,)
    network : ddi.models.assignment.AssignmentNetwork
    **options
        Of `ddi.mcmc.ascent.Ascent.ascend`.

    Returns
    -------
    ndarray of bool, shape (n,)
        Judged as chains are: polished with the nearest lines, then compared.
    """
    x = lattice.free_x(lattice.cell_to_x(cells), system)
    x = _ascent(network).ascend(x, q2_obs, **options)
    return convergence.are_true(
        polish(Problem(q2_obs, system, network.reference), x)[0], system, true_cell
    )


def _way(study, system, name, seed):
    """Return who assigns, and a function of q2_obs, cells, the true cell and a number of iterations
    that says which cells arrive; None where the gradient has no network to go through.
    """
    asked, options = CHAINS[name]
    given, who = _options(study, system, asked)
    if name == MARGINAL:

        def climb(q2, cells, true, n_steps):
            return climbed(q2, cells, system, true, given["assign"], n_steps=n_steps)

        return who, climb if who == "network" else None

    def chain(q2, cells, true, n_iterations):
        chosen = {"n_iterations": n_iterations, "seed": seed} | given | options
        return convergence.converged(q2, cells, system, true, **chosen)

    return who, chain


@lru_cache(maxsize=128)
def _warmed(study, system, name, n_starts):
    """Run a way once on a pattern that does not count, so that compiling is in nobody's time."""
    q2, cell = exact_pattern(system, 0, lattice.N_PEAKS[system])
    _way(study, system, name, 0)[1](q2, np.repeat(cell[None], n_starts, axis=0), cell, 2)


def _converged(pattern, study, chains, n_starts, n_iterations, seed):
    system = pattern["system"]
    same = np.repeat(pattern["cell"][None], n_starts, axis=0)
    cells = disturbed_cells(same, system, float(LEVEL), [seed, pattern["number"]])
    rows = []
    for name in chains:
        who, way = _way(study, system, name, seed)
        if way is None:
            continue
        _warmed(study, system, name, n_starts)
        n = N_STEPS if name == MARGINAL else n_iterations
        began = time.process_time()
        share = way(pattern["q2"], cells, pattern["cell"], n).mean()
        cost = (time.process_time() - began) / n_starts
        about = {"system": system, "chain": name, "assigner": who}
        rows.append(about | {"share": share, "seconds": cost})
    return rows


def literal_chains(
    study, patterns, *, chains=tuple(CHAINS), n_starts=20, n_iterations=60, seed=0, n_jobs=1
):
    """Return the share of the starts 5 % off that end in the true lattice (DataFrame, a row a
    pattern and chain).

    Parameters
    ----------
    study : ddi.base.paths.Study
    patterns : list of dict
        Of `ddi.study.eval_optimisation.patterns`, with the cell on the axes of its system.
    chains : sequence of str
        Of `CHAINS`.
    n_starts, n_iterations, seed, n_jobs : int

    Returns
    -------
    DataFrame
        system, chain, assigner ("network", "line prior" or ""), share, seconds (of CPU, a start).
    """
    options = {"study": study, "n_starts": n_starts, "n_iterations": n_iterations, "seed": seed}
    loops = tuple(name for name in chains if name != MARGINAL)
    trial = partial(_converged, chains=loops, **options)
    parts = map_parallel(trial, patterns, n_jobs=n_jobs, desc="literal chains")
    if MARGINAL in chains:  # in this process: TensorFlow is loaded and its graphs are built once
        trial = partial(_converged, chains=(MARGINAL,), **options)
        parts += map_parallel(trial, patterns, desc="marginal likelihood")
    return pd.DataFrame([row for part in parts for row in part])


def literal_table(rows):
    """Return the mean share in per cent by chain and lattice system, and over all with a Wilson
    interval.

    The starts of one pattern are alike, so the interval counts patterns, not starts.
    """
    systems = [system for system in lattice.SYSTEMS if (rows["system"] == system).any()]
    by = 100 * rows.groupby(["chain", "system"])["share"].mean()
    table = []
    for chain in rows["chain"].unique():
        shares = rows.loc[rows["chain"] == chain, "share"]
        low, high = wilson(shares.sum(), len(shares))
        total = f"{100 * shares.mean():.0f} ({100 * low:.0f}-{100 * high:.0f})"
        table.append(
            {"chain": chain}
            | {s: f"{by.get((chain, s), np.nan):.0f}" for s in systems}
            | {"all": total}
        )
    return pd.DataFrame(table)


def literal_time_table(rows):
    """Return what each way costs: starts that arrive with the interval of the patterns, CPU time a
    start, and how many arrive in a second of CPU.

    Patterns weigh alike, in time as in arrivals, so that the last column is what a search with that
    way alone would see at equal seconds.
    """
    table = []
    for chain, part in rows.groupby("chain", sort=False):
        low, high = wilson(part["share"].sum(), len(part))
        share = part["share"].mean()
        cost = part["seconds"].mean()
        arrive = f"{100 * share:.0f} ({100 * low:.0f}-{100 * high:.0f})"
        row = {"chain": chain, "patterns": len(part), "arrive / %": arrive}
        row |= {"CPU ms a start": f"{1000 * cost:.1f}", "arrive a CPU second": share / cost}
        table.append(row)
    table = pd.DataFrame(table).sort_values("arrive a CPU second", ascending=False, kind="stable")
    table["arrive a CPU second"] = table["arrive a CPU second"].map("{:.1f}".format)
    return table.reset_index(drop=True)


def literal_caption(rows):
    """Return the caption of `literal_table`: how many patterns, and where no network was there."""
    first = rows["chain"] == rows["chain"].iloc[0]
    n = rows[first].groupby("system").size()
    without = rows[(rows["chain"] == "as written") & (rows["assigner"] != "network")]
    missing = ", ".join(without["system"].unique())
    note = f" In {missing} the line prior stands for the network." if missing else ""
    many = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
    return (
        f"Starts 5 % off that end in the true lattice, per cent (mean over {many} patterns a "
        f"lattice system; all: n = {n.sum()}, Wilson interval of the patterns), by who assigns in "
        f"every step and stands in the likelihood.{note}"
    )


def literal_numbers(rows):
    """Return the mean shares in per cent for the paper: LiteralAsWrittenMonoclinic ..."""
    by = rows.groupby(["chain", "system"])["share"].mean() * 100
    total = rows.groupby("chain")["share"].mean() * 100
    found = {(chain, "all"): share for chain, share in total.items()} | by.to_dict()
    return {
        "Literal" + f"{chain} {system}".replace(",", "").title().replace(" ", ""): f"{share:.0f}"
        for (chain, system), share in found.items()
    } | _literal_rates(rows)


def _literal_rates(rows):
    """Starts that arrive in a second of CPU: LiteralRateAsWritten ..."""
    means = rows.groupby("chain")[["share", "seconds"]].mean()
    return {
        "LiteralRate" + chain.replace(",", "").title().replace(" ", ""): f"{rate:.0f}"
        for chain, rate in (means["share"] / means["seconds"]).items()
    }
