"""The chains of one pattern and lattice system from start to end: started from cells, advanced
through a plan, sent back to their starts, traced.
"""

import time
from functools import partial
from itertools import pairwise

import numpy as np

from ddi.forward import lattice
from ddi.mcmc import chains, likelihood, plain
from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.state import Chain


def merge(x, label):
    """Average the candidates that have the same assignment (section 2.4.2); order of first
    appearance is kept.

    Returns
    -------
    x : ndarray, shape (n, n_free)
        Mean over equals: q2 is linear in x, so the mean has the mean of their lines.
    label : ndarray, shape (n, n_peaks)
    first : ndarray, shape (n,)
        Place of the first of the equals.
    """
    _, first, group, count = np.unique(
        label, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    total = np.zeros((len(first), x.shape[1]))
    np.add.at(total, group.ravel(), x)
    order = np.argsort(first)
    return (total / count[:, None])[order], label[first][order], first[order]


def start(problem, cells, plan, merge_equal=True):
    """Turn candidate cells, shape (n_cand, 6), into chains: invalid ones dropped, equal assignments
    merged.

    A chain's identity is its place among the cells or, merged, among the distinct assignments.
    """
    x = lattice.free_x(
        lattice.cell_to_x(np.asarray(cells, dtype=float).reshape(-1, 6)), problem.system
    )
    identity = np.flatnonzero(likelihood.in_bounds(x, problem.system)).astype(np.uint64)
    x = x[identity.astype(int)]
    label, confidence = assigned(problem, x, plan.options.assigner)
    if merge_equal:
        x, label, first = merge(x, label)
        identity = np.arange(len(x), dtype=np.uint64)
        confidence = confidence[first]
    score = _log_likelihood(problem, x, label, confidence, plan)
    accepted = np.zeros(len(x), dtype=np.int64)
    return Chain(
        x,
        x.copy(),
        label,
        label.copy(),
        score,
        score.copy(),
        accepted,
        identity,
        confidence,
        origin=x.copy(),
    )


def assigned(problem, x, assigner=None):
    """Return labels and confidences, both (n_cand, n_peaks): an assigner's, or the nearest lines
    and ones.
    """
    if assigner is None or not len(x):
        return problem.nearest(x)[0], np.ones((len(x), len(problem.q2)))
    label, confidence = assigner.predict(problem.q2, x)
    return label.astype(np.int64), np.clip(confidence.astype(float), CONSTANTS.least_chance, 1.0)


def _log_likelihood(problem, x, label, confidence, plan):
    """Log of equation 2.4.1 with the prior rho(H | c) that the plan asks for."""
    log_prior = likelihood.log_prior(problem.nearest(x)[1])[:, None]
    if plan.softmax:
        log_prior = np.log(confidence)
    return problem.log_likelihood(x, label, log_prior, plan.options.eps)


def run(problem, chain, plan, keep_trace=False, deadline=None):
    """Advance the chains through the plan, in place; return the trace or None.

    Parameters
    ----------
    problem : ddi.mcmc.problem.Problem
    chain : ddi.mcmc.state.Chain
    plan : ddi.mcmc.options.Plan
    keep_trace : bool
    deadline : float
        On the clock of `time.perf_counter`, in seconds.
    """
    n = len(plan.temperature)
    legs = np.linspace(0, n, plan.options.restarts + 2).astype(int)
    asked = plan.options.assigner is not None and not plan.softmax
    step = _stride(n, keep_trace, asked, deadline)
    stops = sorted({*range(0, n, step), *legs[:-1].tolist(), n})
    loop = loop_of(problem, plan)
    kept = {"log_likelihood": [], "x": []}
    for first, last in pairwise(stops):
        if deadline is not None and time.perf_counter() > deadline:
            break
        if first and first in legs:
            _restart(problem, chain, plan, first)
        if asked and first and first % CONSTANTS.reassign_every == 0:
            chain.label[:], chain.confidence[:] = assigned(problem, chain.x, plan.options.assigner)
        advance(problem, chain, plan, first, last, loop)
        if keep_trace:
            kept["log_likelihood"].append(chain.log_likelihood.copy())
            kept["x"].append(chain.x.copy())
    if not keep_trace:
        return None
    trace = {name: np.array(rows) for name, rows in kept.items()}
    return trace | {"accepted": chain.accepted.copy()}


def _stride(n, keep_trace, asked, deadline):
    """Return after how many iterations something else than the compiled loop has a turn."""
    if keep_trace:
        return 1
    if asked:
        return CONSTANTS.reassign_every
    return max(1, n // 10) if deadline else max(n, 1)


def loop_of(problem, plan):
    """Return the compiled loop, or the plain one where an assigner that is not compiled labels
    every proposal.
    """
    if not plan.softmax or line_prior(plan.options.assigner) is not None:
        return chains.advance
    rng = np.random.default_rng([plan.options.seed, len(problem.q2)])
    return partial(plain.advance, assign=partial(_softmax, plan.options, rng))


def line_prior(assigner):
    """Return the assigner if it is a `ddi.models.assigners.LinePrior` itself, which the compiled
    loop knows, else None.
    """
    if assigner is None:
        return None
    from ddi.models.assigners import LinePrior

    return assigner if type(assigner) is LinePrior else None


def _softmax(options, rng, pattern, x):
    """Labels of an assigner, their probabilities, and the sum of their logarithms."""
    if options.prior == "drawn":
        label, chance = options.assigner.draw(pattern.q2, x, rng)
    else:
        label, chance = options.assigner.predict(pattern.q2, x)
    chance = np.clip(chance.astype(float), CONSTANTS.least_chance, 1.0)
    return label.astype(np.int64), chance, np.log(chance).sum(axis=1)


def advance(problem, chain, plan, first, last, loop=chains.advance):
    """Take the chains from iteration `first` to `last`, in place, by the compiled loop or the plain
    one.
    """
    prior = line_prior(plan.options.assigner) if plan.softmax else None
    arrays = plan.settings, plan.temperature[first:last], plan.width[first:last]
    loop(chain, problem.arrays(prior), *arrays, np.uint64(plan.options.seed), first)


def _restart(problem, chain, plan, first):
    rng = np.random.default_rng([plan.options.seed, first])
    x = chain.origin * (1 + CONSTANTS.jitter * rng.standard_normal(chain.origin.shape))
    chain.x[:] = np.where(likelihood.in_bounds(x, problem.system)[:, None], x, chain.origin)
    assigner = plan.options.assigner if plan.softmax else None
    chain.label[:], confidence = assigned(problem, chain.x, assigner)
    if plan.softmax:
        chain.confidence[:] = confidence
    chain.log_likelihood[:] = _log_likelihood(problem, chain.x, chain.label, confidence, plan)
