"""The probability that a cell of the ranked list is right, from all scores of the list."""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

CALIBRATION = Path(__file__).with_name("calibration.json")


class Calibration(NamedTuple):
    """How scores become probabilities.

    Attributes
    ----------
    temperature : float
        Log units of score that are one log unit of probability.
    null : float
        Score of "none of these".
    doubt : float
        Share of patterns whose true lattice does not show (superstructures without a visible line).
    n : int
        Patterns on which the three were fitted.
    """

    temperature: float
    null: float
    doubt: float
    n: int = 0


@lru_cache(maxsize=1)
def calibration():
    """Return the `Calibration` shipped with the package."""
    return Calibration(**json.loads(CALIBRATION.read_text(encoding="utf-8")))


def probabilities(scores, given=None):
    """Return the probability of each candidate to be the right lattice, shape (n,).

    A softmax of the scores with a temperature and a "none of these", all of it less the share of
    patterns whose true lattice does not show.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Of one pattern's candidates.
    given : Calibration, optional
        That of `calibration` if not given.
    """
    given = given or calibration()
    levels = np.append(np.asarray(scores, dtype=float), given.null) / given.temperature
    weights = np.exp(levels - levels.max())
    return (1 - given.doubt) * (weights / weights.sum())[:-1]


def reweighted(chances, gains, given=None):
    """Return the probabilities of candidates whose scores rose by `gains`, both of shape (n,).

    Examples
    --------
    >>> sure = Calibration(temperature=1.0, null=0.0, doubt=0.0)
    >>> reweighted([0.5, 0.25], [0.0, np.log(2)], sure).round(3).tolist()
    [0.4, 0.4]
    """
    given = given or calibration()
    weights = np.asarray(chances, dtype=float) / (1 - given.doubt)
    none = max(1 - weights.sum(), 0.0)
    weights = weights * np.exp(np.asarray(gains, dtype=float) / given.temperature)
    return (1 - given.doubt) * weights / (weights.sum() + none)


def calibrate(scores, right):
    """Return the `Calibration` that makes the right candidates likeliest.

    Parameters
    ----------
    scores : list of array_like
        The scores of each pattern's candidates.
    right : list of int
        Which candidate is right, -1 for none.
    """
    from scipy.optimize import minimize

    def named(parameters):
        log_temperature, null, logit = map(float, parameters)
        temperature = float(np.exp(log_temperature))
        return Calibration(temperature, null, float(1 / (1 + np.exp(-logit))), len(right))

    def loss(parameters):
        found = [probabilities(s, named(parameters)) for s in scores]
        chances = [np.append(p, 1 - p.sum())[k] for p, k in zip(found, right)]
        return -np.log(np.clip(chances, 1e-9, None)).mean()

    options = dict(maxiter=2000)
    return named(minimize(loss, [1.0, 10.0, -3.0], method="Nelder-Mead", options=options).x)
