"""The chain of the write-up to the letter beside what was made of it, from starts 5 % off
(09_optimize, table 09_literal).

*As written* (sections 2.4.1 and 2.4.3): the assignment network of section 2.3.3 labels every
proposal, its softmax is rho(H | c) in the likelihood and in the Metropolis ratio, 15 of 20 peaks a
step, sigma fixed during a step, whose minimum is taken in closed form. Where no such network is
trained, the line prior's softmax stands in its place, and the table says so.
"""

from functools import lru_cache, partial

import numpy as np
import pandas as pd

from ddi.base.parallel import map_parallel
from ddi.base.stats import wilson
from ddi.forward import lattice
from ddi.models.assignment_data import load_problem
from ddi.models.assignment_training import controls
from ddi.study import convergence
from ddi.study.damage import disturbed_cells
from ddi.study.eval_optimisation import assigner

LEVEL = "0.05"  # relative error of the starts, and of the cells that the assigners are trained on
MISFIT = {"weights": "coelho", "accept": "always"}
CHAINS = {
    "nearest line": (None, {}),
    "as written": ("network_literal", {"prior": "softmax"}),
    "as written, indices drawn": ("network_literal", {"prior": "drawn"}),
    "line prior": ("line prior", {"prior": "softmax"}),
    "misfit weights": (None, MISFIT),
    "network and misfit weights": ("network_literal", {"prior": "softmax", **MISFIT}),
    "line prior and misfit weights": ("line prior", {"prior": "softmax", **MISFIT}),
}
"""Who assigns in every step and stands in the likelihood, and `ddi.mcmc.options.Options`."""


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


def _converged(pattern, study, chains, n_starts, n_iterations, seed):
    system = pattern["system"]
    same = np.repeat(pattern["cell"][None], n_starts, axis=0)
    cells = disturbed_cells(same, system, float(LEVEL), [seed, pattern["number"]])
    rows = []
    for name in chains:
        asked, options = CHAINS[name]
        given, who = _options(study, system, asked)
        good = convergence.converged(
            pattern["q2"],
            cells,
            system,
            pattern["cell"],
            **{"n_iterations": n_iterations, "seed": seed} | given | options,
        )
        rows.append({"system": system, "chain": name, "assigner": who, "share": good.mean()})
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
        system, chain, assigner ("network", "line prior" or ""), share.
    """
    trial = partial(
        _converged,
        study=study,
        chains=chains,
        n_starts=n_starts,
        n_iterations=n_iterations,
        seed=seed,
    )
    parts = map_parallel(trial, patterns, n_jobs=n_jobs, desc="literal chains")
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
            {"chain": chain} | {s: f"{by[chain, s]:.0f}" for s in systems} | {"all": total}
        )
    return pd.DataFrame(table)


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
    }
