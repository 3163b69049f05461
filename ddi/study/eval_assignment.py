"""How good an assignment is: accuracy by rank, calibration of its confidence, and what one solve
makes of it (section 2.3.4).
"""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddi.base.algebra import solved_ridged
from ddi.forward import lattice, reflections
from ddi.mcmc.problem import Problem
from ddi.mcmc.sampler import threads


@dataclass
class Scores:
    """Outcome for every peak of every pattern, each array (n_patterns, n_peaks).

    Attributes
    ----------
    first, five : ndarray of bool
        The true label is the most probable one; is among the five most probable.
    confidence : ndarray
        Probability of the most probable label.
    true_chance : ndarray
        Probability of the true label.
    listed : ndarray of bool
        The true index is in the reference list.
    """

    first: np.ndarray
    five: np.ndarray
    confidence: np.ndarray
    true_chance: np.ndarray
    listed: np.ndarray

    def summary(self):
        """Return top-1, top-5 and whole-pattern accuracy, cross-entropy in nats and expected
        calibration error.
        """
        return {
            "top1": self.first.mean(),
            "top5": self.five.mean(),
            "whole": self.first.all(axis=1).mean(),
            "nats": -np.log(np.maximum(self.true_chance, 1e-12)).mean(),
            "ece": calibration_error(reliability(self)),
        }


def score(assigner, peaks, x):
    """Score an `ddi.models.assigners.Assigner` on `ddi.models.assignment_data.Peaks` with the
    erring cells x, shape (n, n_free).
    """
    truth = reflections.labels(peaks.hkl, assigner.reference, peaks.system)
    parts = []
    for start in range(0, len(peaks), 64):
        rows = slice(start, start + 64)
        chance = assigner.probabilities(peaks.q2[rows], x[rows])
        true_chance = np.take_along_axis(chance, truth[rows][..., None], -1)
        above = (chance > true_chance).sum(
            axis=-1
        )  # labels that are more probable than the true one
        first = chance.argmax(-1) == truth[rows]
        parts.append((first, above < 5, chance.max(-1), true_chance[..., 0]))
    joined = [np.concatenate(column) for column in zip(*parts)]
    return Scores(*joined, truth < len(assigner.reference) - 1)


def reliability(scores, bins=10):
    """Return how often confidence is right: a table of confidence, accuracy and count in equal bins
    of confidence.
    """
    edges = np.minimum((scores.confidence * bins).astype(int), bins - 1).ravel()
    table = pd.DataFrame(
        {"bin": edges, "confidence": scores.confidence.ravel(), "accuracy": scores.first.ravel()}
    )
    grouped = table.groupby("bin")
    return grouped.mean().assign(n=grouped.size()).reset_index(drop=True)


def calibration_error(table):
    """Return the mean distance of confidence from accuracy, weighed by count, of a `reliability`
    table.
    """
    return float(np.average(np.abs(table.confidence - table.accuracy), weights=table.n))


def nearest(q2_obs, x, reference, system):
    """Return the labels of the nearest lines by the chains' compiled function, on one core.

    Parameters
    ----------
    q2_obs : ndarray, shape (n_peaks,)
        One pattern, A^-2.
    x : ndarray, shape (n, n_free)
    reference : ndarray of int, shape (n_ref, 3)
    system : str

    Returns
    -------
    ndarray of int, shape (n, n_peaks)
    """
    with threads(1):
        return Problem(q2_obs, system, reference).nearest(np.ascontiguousarray(x))[0]


def solve(q2_obs, H, x, weight=1.0):
    """Return the weighted least-squares x of assigned lines, pulled very weakly towards the present
    x.

    Parameters
    ----------
    q2_obs : ndarray, shape (n, n_peaks)
        A^-2.
    H : ndarray, shape (n, n_peaks, n_free)
        Design rows of the assigned indices.
    x : ndarray, shape (n, n_free)
    weight : ndarray, shape (n, n_peaks), or float
        Multiplies 1/q2^2, the weight of a relative error; the confidence of an assignment, say.
    """
    root = np.sqrt(weight) * np.ones_like(q2_obs)
    scaled = H * (root / q2_obs)[..., None]
    miss = root - (scaled @ x[..., None])[..., 0]
    gradient = np.einsum("nkf,nk->nf", scaled, miss)
    return x + solved_ridged(scaled.swapaxes(1, 2) @ scaled, gradient)


def refine(assigners, peaks, x, reference, rounds=6):
    """Assign and solve, once with each of `assigners` and then with the nearest lines.

    Parameters
    ----------
    assigners : sequence of ddi.models.assigners.Assigner
        From those for large errors to those for small ones; their confidences are the weights.
        Empty: nearest lines alone.
    peaks : ddi.models.assignment_data.Peaks
    x : ndarray, shape (n, n_free)
    reference : ndarray of int, shape (n_ref, 3)
        For the nearest lines.
    rounds : int
        In all.

    Returns
    -------
    ndarray, shape (n, n_free)
    """
    for assigner in assigners[:rounds]:  # each labels by its own list
        label, weight = assigner.predict(peaks.q2, x)
        x = solve(peaks.q2, assigner.H_ref()[label], x, weight)
    H_ref = lattice.design(reference, peaks.system)
    for _ in range(rounds - len(assigners)):
        label = np.concatenate(
            [nearest(q2, one[None], reference, peaks.system) for q2, one in zip(peaks.q2, x)]
        )
        x = solve(peaks.q2, H_ref[label], x)
    return x


def found(x, peaks, tolerance=0.01):
    """Say which x, shape (n, n_free), have every line of the pattern's own indices within
    `tolerance` of q2, relatively.
    """
    q2 = np.einsum("npf,nf->np", lattice.design(peaks.hkl, peaks.system), x)
    return (np.abs(q2 / peaks.q2 - 1) < tolerance).all(axis=1)


def compare(problem, level, assigners, seed, own_rounds=4, rounds=8):
    """Score several ways of assigning on the same erring cells of the test entries.

    Parameters
    ----------
    problem : ddi.models.assignment_data.Problem
    level : str
        As in `ddi.models.assignment_data.Problem.erring`.
    assigners : dict of str -> ddi.models.assigners.Assigner
    seed : int
    own_rounds, rounds : int
        Of `refine`; an assigner is used `Assigner.rounds` times at most.

    Returns
    -------
    table : pandas.DataFrame
        One row an assigner: system, level, assigner, n (patterns), `Scores.summary`, se (standard
        error of top1 over patterns), before and after (patterns with all their lines within 1 % of
        q2, before and after `refine`) and plain (nearest lines without weights).
    scores : dict of str -> Scores
    """
    peaks = problem.test
    x = problem.x("test", level, seed)
    scores = {name: score(assigner, peaks, x) for name, assigner in assigners.items()}
    before, plain = (
        found(y, peaks).sum() for y in (x, refine([], peaks, x, problem.reference, rounds))
    )
    rows = []
    for name, result in scores.items():
        way = assigners[name]
        after = found(
            refine([way] * min(own_rounds, way.rounds), peaks, x, problem.reference, rounds), peaks
        ).sum()
        spread = result.first.mean(axis=1).std() / np.sqrt(len(peaks))
        about = {"system": problem.system, "level": level, "assigner": name, "n": len(peaks)}
        rows.append(
            about
            | result.summary()
            | {"se": spread, "before": before, "plain": plain, "after": after}
        )
    return pd.DataFrame(rows), scores


def compare_series(problem, levels, series, seed, rounds=8):
    """Refine erring cells of the test entries with several series of assigners at equal rounds.

    Parameters
    ----------
    problem : ddi.models.assignment_data.Problem
    levels : sequence of str
        What the cells are, as in `ddi.models.assignment_data.Problem.erring`.
    series : dict of str -> list of ddi.models.assigners.Assigner
        One a round, from coarse to fine; nearest lines for the rounds that are left.
    seed, rounds : int

    Returns
    -------
    DataFrame
        One row a level and series: system, level, series, n, and the patterns with all their lines
        within 1 % of q2 before and after.
    """
    peaks = problem.test
    rows = []
    for level in levels:
        x = problem.x("test", level, seed)
        about = {"system": problem.system, "level": level, "n": len(peaks)}
        about |= {"before": found(x, peaks).sum()}
        for name, assigners in series.items():
            end = refine(assigners, peaks, x, problem.reference, rounds)
            rows.append(about | {"series": name, "after": found(end, peaks).sum()})
    return pd.DataFrame(rows)


def seconds_of(function, *arguments):
    """Return how long one call takes, in seconds."""
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def by_rank(scores):
    """Return top-1 and top-5 accuracy of each rank of the peaks (rank 1 is the lowest q2)."""
    return pd.DataFrame(
        {
            "rank": np.arange(scores.first.shape[1]) + 1,
            "top1": scores.first.mean(axis=0),
            "top5": scores.five.mean(axis=0),
        }
    )


def flatness(curve):
    """Say what the last third of a learning curve still added.

    Parameters
    ----------
    curve : pandas.DataFrame
        Points of one network's curve in order: step, test_accuracy, "nearest line" and cpu_seconds
        (the whole training's).

    Returns
    -------
    dict
        steps; right / %, the mean of the last three points; last third / points, that less the mean
        of the three points up to two thirds of the steps; nearest / %; CPU / min.
    """
    early = curve[curve.step <= curve.step.max() * 2 / 3]
    last, before = (
        100 * part.test_accuracy.tail(3).mean() for part in (curve, early if len(early) else curve)
    )
    about = {
        "steps": int(curve.step.max()),
        "right / %": last,
        "last third / points": last - before,
    }
    return about | {
        "nearest / %": 100 * curve["nearest line"].iloc[0],
        "CPU / min": curve.cpu_seconds.iloc[0] / 60,
    }
