"""How far a start may be off: the distance of a cell to the true lattice, the convergence curve
over it, and the success it predicts.

The distance is the same for starts that were disturbed on purpose and for what a generator draws,
so that a curve measured on the former can be put under the latter: a start at distance d arrives
with probability p(d), and a pattern is solved with 1 - prod(1 - p(d_i)) over its starts.
"""

import numpy as np
import pandas as pd

from ddi.base.stats import wilson
from ddi.forward import lattice, relations
from ddi.mcmc import running, starts
from ddi.mcmc.options import Plan
from ddi.mcmc.problem import Problem, polish
from ddi.mcmc.starts import random_cells, volumes
from ddi.study.damage import disturbed_cells
from ddi.study.eval_optimisation import METHODS, attempt
from ddi.study.start_cells import sampler
from ddi.study.svd_index import OPTIONS

EDGES = np.array(
    [0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 1.0, np.inf]
)
"""Of the bins of distance; the curve is constant in each."""
SHARED = 2.0  # starts that a lattice system's common curve is worth in a bin of one pattern's own


def equivalents(true_cell, system):
    """Return the settings of a lattice that have the form of its system, shape (n, 6): bases with
    coefficients -1, 0, 1, once each.
    """
    bases = lattice.unimodular()
    cells = lattice.from_metric(bases @ lattice.metric(true_cell) @ bases.transpose(0, 2, 1))
    formed = lattice.full_cell(lattice.free_cell(cells, system), system)
    kept = (np.abs(cells - formed) < 1e-3).all(axis=1)
    return np.unique(np.round(cells[kept], 6), axis=0)


def distance(cells, true_cell, system):
    """Return the root mean square strain that turns the true lattice into each cell, shape (n,),
    the least over its settings.

    With G the metric of the cell and L L^T that of a setting of the truth, it is |L^-1 G L^-T - 1|
    / sqrt(12) (Frobenius): about the mean relative error of lengths and error of angles in radians,
    in whatever axes.
    """
    roots = np.linalg.inv(np.linalg.cholesky(lattice.metric(equivalents(true_cell, system))))
    least = np.full(len(cells), np.inf)
    for root in roots:
        strain = root @ lattice.metric(cells) @ root.T - np.eye(3)
        least = np.minimum(least, np.sqrt((strain**2).sum(axis=(1, 2)) / 12))
    return least


def trials(pattern, errors, method, *, n_starts, seed, n_iterations=100):
    """Start `n_starts` chains at each size of error and as many from random cells of growing
    volume.

    Returns
    -------
    distance : ndarray, shape (n,)
    arrived : ndarray of bool, shape (n,)
    """
    cell = pattern["cell"]
    system = pattern["system"]
    near = [
        disturbed_cells(np.repeat(cell[None], n_starts, axis=0), system, error, [seed, k])
        for k, error in enumerate(errors)
    ]
    shells = np.resize(starts.volumes(pattern["q2"], system), n_starts)
    cells = np.concatenate(
        [*near, starts.random_cells(system, shells, n_starts, [seed, len(errors)])]
    )
    return distance(cells, cell, system), arrived(
        pattern, cells, method, seed=seed + 1, n_iterations=n_iterations
    )


def arrived(pattern, cells, method, **options):
    """Say which starts end in the true lattice."""
    return converged(
        pattern["q2"], cells, pattern["system"], pattern["cell"], **{**METHODS[method], **options}
    )


def _bin(far):
    return np.searchsorted(EDGES, far, side="right") - 1


def curve(far, hit, common=None):
    """Return the share of starts that arrive in each bin of `EDGES`.

    Parameters
    ----------
    far, hit : ndarray, shape (n,)
        Of one pattern or of many.
    common : ndarray, shape (n_bins,), optional
        Curve to lean on where a pattern has few starts of its own, as if by `SHARED` starts.

    Returns
    -------
    ndarray, shape (n_bins,)
        An empty bin takes the value of the bin before it.
    """
    place = _bin(far)
    n, k = (
        np.bincount(place, weights, minlength=len(EDGES) - 1)
        for weights in (None, hit.astype(float))
    )
    if common is not None:
        return (k + SHARED * common) / (n + SHARED)
    share = k / np.maximum(n, 1)
    last = np.maximum.accumulate(np.where(n > 0, np.arange(len(n)), 0))
    return share[last]


def predicted(far, shares):
    """Return the chance that one start at least arrives, given the distances of all, shape (n,),
    and the curve, shape (n_bins,).
    """
    return 1 - np.prod(1 - shares[_bin(far)])


def tested(study, pattern, start, shares, method, *, seed, n_iterations=100):
    """Predict what the first round of a start does, and do it.

    Returns
    -------
    dict
        predicted (chance that a start arrives), arrived (one did), starts predicted and starts
        arrived (their number), in_ten and solved (the true lattice among the first ten, or first,
        of the round).
    """
    cells = sampler(study, start, pattern, seed)(0)
    far = distance(cells, pattern["cell"], pattern["system"])
    hit = arrived(pattern, cells, method, seed=seed, n_iterations=n_iterations)
    row = {
        "system": pattern["system"],
        "start": start,
        "predicted": predicted(far, shares),
        "arrived": hit.any(),
    }
    row |= {"starts predicted": shares[_bin(far)].sum(), "starts arrived": hit.sum()}
    found = attempt(
        study,
        pattern,
        start,
        method,
        seed=seed,
        max_rounds=1,
        time_budget=1e9,
        n_iterations=n_iterations,
        centrings="P",
    )
    return row | {name: found[name] for name in ("in_ten", "solved")}


def calibration(rows, edges=(0, 0.1, 0.5, 0.9, 0.99, 1)):
    """Return how often a start arrived, with Wilson interval, in classes of the predicted chance
    (DataFrame).
    """
    place = np.clip(np.searchsorted(edges, rows["predicted"], side="right"), 1, len(edges) - 1)
    by = rows.groupby(place)
    table = pd.DataFrame(
        {"predicted": by["predicted"].mean(), "arrived": by["arrived"].mean(), "n": by.size()}
    ).reset_index(drop=True)
    table["low"], table["high"] = wilson(table["arrived"] * table["n"], table["n"])
    return table


def radius(pattern, errors, method, *, n_starts, seed, n_iterations=100, **options):
    """Return the share of starts that end in the true lattice, for each size of their error, shape
    (n_errors,).
    """
    given = {"n_iterations": n_iterations, "seed": seed, **METHODS[method], **options}
    shares = []
    for k, error in enumerate(errors):
        cells = disturbed_cells(
            np.repeat(pattern["cell"][None], n_starts, axis=0), pattern["system"], error, [seed, k]
        )
        shares.append(
            converged(pattern["q2"], cells, pattern["system"], pattern["cell"], **given).mean()
        )
    return np.array(shares)


PUBLISHED_CALLS = {
    "cubic": 1.3,
    "hexagonal": 8,
    "tetragonal": 26,
    "orthorhombic": 63,
    "monoclinic": 78,
    "triclinic": 105,
}
"""Mean number of starts to a solution with 20 lines, from the paper."""


def calls_to_solution(q2_obs, system, true_cell, *, n_starts=500, n_iterations=100, seed=0):
    """Return the number of the first start that ends in the true lattice, inf if none does.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
    true_cell : array_like, shape (6,)
        b unique if monoclinic; only judges.
    n_starts, n_iterations, seed : int
        One start at each of `volumes`, smallest first, again and again.

    Notes
    -----
    A start is one cell run through the chains once. Coelho (2003) counts calls of his procedure,
    with volumes and weights that the paper only describes, so that the two numbers compare no
    better than by their order.
    """
    cells = random_cells(system, np.resize(volumes(q2_obs, system), n_starts), n_starts, [seed, 1])
    reached = converged(
        q2_obs,
        cells,
        system,
        true_cell,
        seed=seed,
        n_iterations=n_iterations,
        subsample=len(q2_obs),
        **OPTIONS,
    )
    return float(np.argmax(reached) + 1) if reached.any() else np.inf


def converged(q2_obs, cells, system, true_cell, hkl=None, **options):
    """Say which candidates end in the true lattice.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        A^-2.
    cells : array_like, shape (n, 6)
        Starts; none are merged.
    system : str
    true_cell : array_like, shape (6,)
    hkl : ndarray of int, shape (n_ref, 3), optional
        Reference indices, those of the assigner if there is one.
    **options
        Of `ddi.mcmc.options.Options`.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for cells out of bounds.
    """
    problem = Problem(q2_obs, system, hkl)
    plan = Plan.of(problem, **options)
    state = running.start(problem, cells, plan, merge_equal=False)
    running.run(problem, state, plan)
    x = polish(problem, state.best_x)[0]
    answer = np.zeros(len(cells), dtype=bool)
    answer[state.identity.astype(int)] = are_true(x, system, true_cell)
    return answer


def are_true(x, system, true_cell):
    """Say which x, shape (n, n_free), are the true lattice; equal ones are judged once."""
    _, first, group = np.unique(
        np.round(x / np.abs(x).max(axis=0), 5), axis=0, return_index=True, return_inverse=True
    )
    cells = lattice.x_to_cell(lattice.full_x(x[first], system))
    near = np.abs(lattice.volume(cells) / lattice.volume(true_cell) - 1) < 0.05
    same = np.array(
        [close and relations.same_lattice(cell, true_cell) for cell, close in zip(cells, near)],
        dtype=bool,
    )
    return same[group.ravel()]
