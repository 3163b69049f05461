"""From candidate cells to optimised ones: subsample - optimise - reassign - accept (write-up, sections 2.4.2 and 2.4.3).

`optimize` runs many chains at once in compiled code (`ddi.chains`); `advance_numpy` is the same loop written plainly.
"""

import time
from dataclasses import dataclass

import numba
import numpy as np

from ddi import chains, lattice, likelihood
from ddi.errors import DDIError
from ddi.fom import m20
from ddi.optimisers import closed_form
from ddi.ranking import PARAMETER_COST, peak_gains
from ddi.reflections import reference_hkl

WAVELENGTH = 1.5406  # A
SIGMA_2THETA = 0.02  # degrees; turned into an error of q2 where none is given
POLISH_ROUNDS = 8
POLISH_START = 20.0  # sigmas; half-width of the weights in the first round of `polish`
ACCEPT = {"metropolis": 1.0, "always": np.inf, "greedy": 1e-300}
ASSIGN = {"nearest": chains.NEAREST, "resample": chains.RESAMPLE, "marginal": chains.MARGINAL}
WEIGHTS = {"sigma": chains.SIGMA, "coelho": chains.COELHO}
SUBSAMPLE_BY = {"uniform": chains.UNIFORM, "confidence": chains.CONFIDENCE}


@dataclass(frozen=True)
class Result:
    """Optimised cells, best score first.

    Attributes
    ----------
    cells : ndarray, shape (n, 6)
    x : ndarray, shape (n, n_free)
        A^-2.
    hkl : ndarray of int, shape (n, n_peaks, 3)
        Assignment of the peaks in ascending q2.
    log_likelihood : ndarray, shape (n,)
        Of section 2.4.1, as the chain reached it.
    score : ndarray, shape (n,)
        `chance_score`, which sorts the rows: the log-likelihood alone favours large cells.
    M20 : ndarray, shape (n,)
    trace : dict or None
        With ``keep_trace``: "log_likelihood" (n_iterations, n_chains), "x" (n_iterations, n_chains, n_free), "accepted" (n_chains,).
    seconds : float
    """

    cells: np.ndarray
    x: np.ndarray
    hkl: np.ndarray
    log_likelihood: np.ndarray
    score: np.ndarray
    M20: np.ndarray
    trace: dict | None
    seconds: float


def sigma_q2(q2, sigma_2theta=SIGMA_2THETA, wavelength=WAVELENGTH):
    """Return the error of q2 in A^-2 that an error of 2theta (degrees) means: (2/lambda^2) sin(2theta) d(2theta)."""
    sine = np.clip(wavelength / 2 * np.sqrt(q2), 0, 0.999)
    slope = 2 / wavelength**2 * np.sin(2 * np.arcsin(sine))
    return np.radians(sigma_2theta) * np.maximum(slope, 0.05 * np.max(slope))


class Problem:
    """One pattern and one lattice system, prepared for the compiled loops.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        A^-2; sorted here.
    system : str
    hkl : ndarray of int, shape (n_ref, 3), optional
        Reference indices; `ddi.reflections.reference_hkl` if not given.
    sigma : array_like, shape (n_peaks,), optional
        Errors of q2 in A^-2.
    intensity : array_like, shape (n_peaks,), optional
    """

    def __init__(self, q2_obs, system, hkl=None, sigma=None, intensity=None):
        q2_obs = np.asarray(q2_obs, dtype=float)
        n_free = lattice.ties(system).shape[1]
        if q2_obs.ndim != 1 or len(q2_obs) <= n_free or not (np.isfinite(q2_obs).all() and (q2_obs > 0).all()):
            raise DDIError(f"read {q2_obs.size} values of q2; {system} needs a list of more than {n_free} positive numbers in A^-2")
        order = np.argsort(q2_obs, kind="stable")
        self.system, self.q2 = system, np.ascontiguousarray(q2_obs[order])
        self.sigma = sigma_q2(self.q2) if sigma is None else np.broadcast_to(np.asarray(sigma, dtype=float), order.shape)[order]
        intensity = np.ones(len(order)) if intensity is None else np.asarray(intensity, dtype=float)[order]
        self.intensity = intensity / intensity.max()
        self.hkl = reference_hkl(system) if hkl is None else np.asarray(hkl)
        self.H = lattice.design(self.hkl, system)
        self.lines = np.ascontiguousarray(self.H.T)
        self.ties = lattice.ties(system)
        self.table, self.scale = chains.lookup(self.q2)
        self.bounds = np.array([lattice.MIN_LENGTH, lattice.MAX_LENGTH])

    def nearest(self, x):
        """Return labels (n_cand, n_peaks) of the nearest lines and the number of lines below the last peak (n_cand,)."""
        label, count = np.zeros((len(x), len(self.q2)), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
        chains.assign_all(np.ascontiguousarray(x), label, count, self.q2, self.lines, self.table, self.scale)
        return label, count

    def log_likelihood(self, x, label, count, eps=likelihood.EPS_Q2):
        """Log of the one-assignment posterior (2.4.1), every line below the last peak equally likely beforehand."""
        H = self.H[label]
        variance = likelihood.sigma2(self.q2, (H @ x[..., None])[..., 0], eps)
        prior = -np.log(np.maximum(count, 1))[:, None]
        return likelihood.assigned(x, H, self.q2, variance, prior)[0]

    def chance_score(self, x, label, count):
        """Log odds of 'a line or spurious' against 'chance', summed over the peaks, less a cost of each free parameter.

        Unlike M20 it is bounded for a spurious peak and punishes dense line lists (`ddi.ranking.peak_gains`).
        """
        miss = self.q2 - (self.H[label] @ x[..., None])[..., 0]
        density = 1.5 * np.maximum(count, 1)[:, None] * np.sqrt(self.q2) / self.q2[-1] ** 1.5
        return peak_gains(miss, self.sigma, density).sum(axis=1) - PARAMETER_COST * x.shape[1]


def merge(x, label):
    """Average the candidates that have the same assignment (section 2.4.2); order of first appearance is kept.

    Returns
    -------
    x : ndarray, shape (n, n_free)
        Mean over equals: q2 is linear in x, so the mean has the mean of their lines.
    label : ndarray, shape (n, n_peaks)
    """
    _, first, group, count = np.unique(label, axis=0, return_index=True, return_inverse=True, return_counts=True)
    total = np.zeros((len(first), x.shape[1]))
    np.add.at(total, group.ravel(), x)
    order = np.argsort(first)
    return (total / count[:, None])[order], label[first][order]


def polish(problem, x, rounds=POLISH_ROUNDS):
    """Reassign and solve with all peaks, weights falling off beyond a width that shrinks to two sigma: spurious peaks let go."""
    for width in np.geomspace(POLISH_START, 2.0, rounds):
        label, _ = problem.nearest(x)
        H = problem.H[label]
        z = (problem.q2 - (H @ x[..., None])[..., 0]) / (width * problem.sigma)
        moved = closed_form(x, H, problem.q2, 1 / (problem.sigma * (1 + z**2)) ** 2)
        x = np.where(likelihood.in_bounds(moved, problem.system)[:, None], moved, x)
    return x


def optimize(
    q2_obs,
    cells,
    system,
    *,
    n_iterations=100,
    subsample=15,
    subsample_by="uniform",
    assign="nearest",
    accept="metropolis",
    weights="sigma",
    annealing=1.0,
    spread=(0.03, 0.001),
    restarts=0,
    seed=0,
    keep_trace=False,
    time_budget=None,
    hkl=None,
    sigma=None,
    intensity=None,
    eps=likelihood.EPS_Q2,
    n_best=100,
    n_jobs=None,
):
    """Optimise candidate cells against the observed peaks.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2.
    cells : array_like, shape (n_cand, 6)
        A and degrees; monoclinic b-unique, rhombohedral in rhombohedral axes.
    system : str
    n_iterations : int
        Of each chain.
    subsample : int
        Peaks a step; the others are drawn anew each time.
    subsample_by : "uniform" or "confidence"
        Confidence: the softmax between the two nearest lines decides how readily a peak is left out.
    assign : "nearest", "resample", "marginal" or an assigner
        Nearest line; a line drawn from softmax(-delta^2 / 2 sigma^2); all lines at once, each by its share (the mixture of 2.4.1);
        or an object with ``predict(q2_obs, x) -> (labels, confidence)`` on the same reference indices, `ddi.assign`.
    accept : "metropolis", "always" or "greedy"
    weights : "sigma" or "coelho"
        Of the least squares: 1/sigma^2 of the errata, or (d^m |d 2theta| I)^2 with m drawn from 0..4 in every step.
    annealing : float
        The temperature of the acceptance falls geometrically from this to 1 over the chain.
    spread : (float, float)
        First and last width of the softmax and of the mixture, as a fraction of q2.
    restarts : int
        Times a chain goes back to its start, disturbed by 3 %.
    seed : int
    keep_trace : bool
    time_budget : float, optional
        Seconds; the only option that makes the result depend on the machine.
    hkl, sigma, intensity
        See `Problem`.
    eps : float
        Of sigma^2, in A^-2.
    n_best : int
        Rows returned at most.
    n_jobs : int, optional
        Threads; the result does not depend on it.

    Returns
    -------
    Result

    Raises
    ------
    DDIError
        For fewer peaks than unknowns or an unknown name.
    """
    for name, value, known in (("accept", accept, ACCEPT), ("weights", weights, WEIGHTS), ("subsample_by", subsample_by, SUBSAMPLE_BY)):
        if value not in known:
            raise DDIError(f"{name}={value!r} is not known; use one of {', '.join(known)}")
    started = time.perf_counter()
    threads = numba.get_num_threads()
    numba.set_num_threads(min(n_jobs or threads, numba.config.NUMBA_NUM_THREADS))
    try:
        problem = Problem(q2_obs, system, hkl, sigma, intensity)
        state = start(problem, cells, assign, eps)
        plan = Plan.of(problem, n_iterations, subsample, subsample_by, assign, accept, weights, annealing, spread, restarts, seed, eps)
        trace = run(problem, state, plan, keep_trace, None if time_budget is None else started + time_budget)
        return finish(problem, state, n_best, trace, started)
    finally:
        numba.set_num_threads(threads)


@dataclass
class State:
    """Chains: present and best x and labels, scores (present, best, accepted) and the names of their random streams."""

    x: np.ndarray
    best_x: np.ndarray
    label: np.ndarray
    best_label: np.ndarray
    scores: np.ndarray
    identity: np.ndarray
    origin: np.ndarray

    def take(self, chosen):
        """Keep the chosen chains only."""
        for name in self.__dataclass_fields__:
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[chosen]))


def start(problem, cells, assign="nearest", eps=likelihood.EPS_Q2):
    """Turn candidate cells, shape (n_cand, 6), into chains: invalid ones dropped, equal assignments merged."""
    x = lattice.free_x(lattice.cell_to_x(np.asarray(cells, dtype=float).reshape(-1, 6)), problem.system)
    x = x[likelihood.in_bounds(x, problem.system)]
    label = _assign(problem, x, assign)
    x, label = merge(x, label)
    _, count = problem.nearest(x)
    scores = np.zeros((len(x), 3))
    scores[:, 0] = scores[:, 1] = problem.log_likelihood(x, label, count, eps)
    return State(x, x.copy(), label, label.copy(), scores, np.arange(len(x), dtype=np.uint64), x.copy())


def _assign(problem, x, assign):
    return problem.nearest(x)[0] if assign in ASSIGN else assign.predict(problem.q2, x)[0].astype(np.int64)


@dataclass(frozen=True)
class Plan:
    """What a run does in every iteration, in the form that the compiled loop reads."""

    settings: np.ndarray
    temperature: np.ndarray
    spread: np.ndarray
    restarts: int
    seed: int
    assign: object

    @classmethod
    def of(cls, problem, n_iterations, subsample, subsample_by, assign, accept, weights, annealing, spread, restarts, seed, eps):
        """Spell the options of `optimize` out as arrays."""
        size = min(subsample, len(problem.q2))
        mode = ASSIGN[assign] if isinstance(assign, str) else chains.NEAREST
        settings = np.array([eps, WAVELENGTH / 2, size, SUBSAMPLE_BY[subsample_by], WEIGHTS[weights], mode], dtype=float)
        temperature = ACCEPT[accept] * np.geomspace(annealing, 1.0, n_iterations) if n_iterations else np.empty(0)
        return cls(settings, temperature, np.geomspace(*spread, max(n_iterations, 1)), restarts, seed, assign)


REASSIGN_EVERY = 10  # iterations between two calls of an assignment network, which would otherwise set the pace
JITTER = 0.03


def run(problem, state, plan, keep_trace=False, deadline=None):
    """Advance the chains through the plan, in place; return the trace or None."""
    n = len(plan.temperature)
    legs = np.linspace(0, n, plan.restarts + 2).astype(int)
    network = not isinstance(plan.assign, str)
    step = 1 if keep_trace else REASSIGN_EVERY if network else max(1, n // 10) if deadline else max(n, 1)
    stops = sorted({*range(0, n, step), *legs[:-1].tolist(), n})
    kept = {"log_likelihood": [], "x": []}
    for first, last in zip(stops, stops[1:]):
        if deadline is not None and time.perf_counter() > deadline:
            break
        if first and first in legs:
            _restart(problem, state, plan, first)
        if network and first:
            state.label[:] = _assign(problem, state.x, plan.assign)
        _advance(problem, state, plan, first, last)
        if keep_trace:
            kept["log_likelihood"].append(state.scores[:, 0].copy())
            kept["x"].append(state.x.copy())
    return {name: np.array(rows) for name, rows in kept.items()} | {"accepted": state.scores[:, 2].copy()} if keep_trace else None


def _advance(problem, state, plan, first, last, advance=chains.advance):
    advance(
        state.x, state.best_x, state.label, state.best_label, state.scores, state.identity,
        problem.q2, problem.lines, problem.ties, problem.table, problem.scale, problem.bounds, problem.intensity,
        plan.settings, plan.temperature[first:last], plan.spread[first:last], np.uint64(plan.seed), first,
    )  # fmt: skip


def _restart(problem, state, plan, first):
    rng = np.random.default_rng([plan.seed, first])
    x = state.origin * (1 + JITTER * rng.standard_normal(state.origin.shape))
    state.x[:] = np.where(likelihood.in_bounds(x, problem.system)[:, None], x, state.origin)
    label, count = problem.nearest(state.x)
    state.label[:] = label
    state.scores[:, 0] = problem.log_likelihood(state.x, label, count, plan.settings[0])


def finish(problem, state, n_best, trace, started):
    """Polish the best states, score them, drop repetitions and sort."""
    x = polish(problem, _distinct(state.best_x, state.scores[:, 1])[0])
    x, reached = _distinct(polish(problem, x, 1), np.zeros(len(x)))
    label, count = problem.nearest(x)
    score = problem.chance_score(x, label, count)
    order = np.argsort(-score, kind="stable")[:n_best]
    x, label, count = x[order], label[order], count[order]
    lines = x @ problem.H.T
    figure = m20(problem.q2, np.where(lines > 0, lines, np.inf)) if len(x) else np.zeros(0)
    reached = problem.log_likelihood(x, label, count)
    cells = lattice.x_to_cell(lattice.full_x(x, problem.system))
    return Result(cells, x, problem.hkl[label], reached, score[order], figure, trace, time.perf_counter() - started)


def _distinct(x, score, digits=5):
    """Return one of each group of equal x (to five digits), the best scored, and its score."""
    order = np.argsort(-score, kind="stable")
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(x[order]).max(axis=1, keepdims=True))))
    _, first = np.unique(np.round(x[order] * scale), axis=0, return_index=True)
    chosen = order[np.sort(first)]
    return x[chosen], score[chosen]


def advance_numpy(x, best_x, label, best_label, scores, identity, q2_obs, lines, ties, table, scale, bounds, intensity, settings, temperature, spread, seed, first):
    """Do what `ddi.chains.advance` does for nearest-line assignment, one array operation after another (the plain version)."""
    eps, half_wave = settings[:2]
    subsample, by, weighting = settings[2:5].astype(int)
    n_peaks, n_ref = label.shape[1], lines.shape[1]
    draw = lambda number: chains.hashed_uniform(seed, identity, np.uint64(number))  # noqa: E731
    probability = np.ones(label.shape)
    for t in range(len(temperature)):
        counter = (first + t) * (64 + 4 * n_peaks + 4 * n_ref)
        H = lines.T[label]
        calculated = (H @ x[..., None])[..., 0]
        error = np.abs(q2_obs - calculated)
        weight = 1 / (q2_obs * (error + eps))
        if weighting == chains.COELHO:
            shift = 2 * np.abs(np.arcsin(np.minimum(1, half_wave * np.sqrt(calculated))) - np.arcsin(half_wave * np.sqrt(q2_obs)))
            weight = (q2_obs ** (-2 * draw(counter)[:, None]) * shift * intensity) ** 2
        key = -np.log(np.stack([draw(counter + 1 + k) for k in range(n_peaks)], axis=1)) / probability
        np.put_along_axis(weight, np.argsort(-key, axis=1, kind="stable")[:, : n_peaks - subsample], 0.0, axis=1)
        moved = closed_form(x, H, q2_obs, weight)
        q2 = moved @ lines
        delta = np.abs(q2_obs[:, None] - np.where(q2 > 0, q2, np.inf)[:, None, :])
        chosen = delta.argmin(axis=2)
        near = np.take_along_axis(delta, chosen[..., None], axis=2)[..., 0]
        variance = q2_obs * (near + eps)
        count = ((q2 > 0) & (q2 < q2_obs[-1])).sum(axis=1)
        score = -0.5 * (near**2 / variance + np.log(2 * np.pi * variance)).sum(axis=1) - n_peaks * np.log(np.maximum(count, 1))
        lucky = np.log(draw(counter + n_peaks + 8)) * temperature[t] <= score - scores[:, 0]
        taken = lucky & _numpy_bounds(moved, ties, bounds)
        if by == chains.CONFIDENCE:
            probability[taken] = _confidence(q2_obs, np.where(q2 > 0, q2, np.inf)[taken], near[taken], eps)
        x[taken], label[taken], scores[taken, 0] = moved[taken], chosen[taken], score[taken]
        scores[taken, 2] += 1
        best = taken & (score > scores[:, 1])
        best_x[best], best_label[best], scores[best, 1] = x[best], label[best], score[best]


def _numpy_bounds(x, ties, bounds):
    cells = lattice.x_to_cell(x @ ties.T)
    return np.isfinite(cells).all(axis=1) & (cells[:, :3] >= bounds[0]).all(axis=1) & (cells[:, :3] <= bounds[1]).all(axis=1)


def _confidence(q2_obs, q2, near, eps):
    below = np.where(q2[:, None, :] <= q2_obs[:, None], q2_obs[:, None] - q2[:, None, :], np.inf).min(axis=2)
    above = np.where(q2[:, None, :] > q2_obs[:, None], q2[:, None, :] - q2_obs[:, None], np.inf).min(axis=2)
    far = np.maximum(below, above)
    return 1 / (1 + np.exp(-np.minimum(50.0, (far**2 - near**2) / (2 * q2_obs * (near + eps) * eps))))
