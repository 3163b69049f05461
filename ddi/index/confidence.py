"""The probability that a cell of the ranked list is right, from all scores of the list."""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

CALIBRATION = Path(__file__).with_name("calibration.json")
_WORST = 100.0  # log units below `null`: nothing is that bad, and exp() stays finite


class Calibration(NamedTuple):
    """How scores become probabilities.

    Attributes
    ----------
    temperature : float
        Log units of score that are one log unit of probability.
    null : float
        Score of "none of these".
    null_temperature : float
        Log units of the best score above `null` that are one log unit against "none of these":
        wrong cells that stand alone reach higher scores than wrong ones beside the right one.
    doubt : float
        Share of patterns whose true lattice does not show (superstructures without a visible line).
    n : int
        Patterns and lists on which these were fitted.
    """

    temperature: float
    null: float
    null_temperature: float
    doubt: float
    n: int = 0


@lru_cache(maxsize=2)
def calibration(whole=False):
    """Return the `Calibration` shipped with the package, that of lists of peaks or that of whole
    patterns, whose scores know less of lines without a peak: see `ddi.index.score.completeness`.
    """
    of_kind = json.loads(CALIBRATION.read_text(encoding="utf-8"))
    return Calibration(**of_kind["patterns" if whole else "lists"])


def probabilities(scores, given=None):
    """Return the probability of each candidate to be the right lattice, shape (n,).

    A softmax of the scores with a temperature, and "none of these" beside the best of them with a
    temperature of its own, all of it less the share of patterns whose true lattice does not show.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Of one pattern's candidates.
    given : Calibration, optional
        That of lists if not given.
    """
    given = given or calibration()
    scores = np.asarray(scores, dtype=float)
    best = max(np.max(scores, initial=-np.inf), given.null - _WORST)
    weights = np.exp((scores - best) / given.temperature)
    none = np.exp((given.null - best) / given.null_temperature)
    return (1 - given.doubt) * weights / (weights.sum() + none)


def reweighted(chances, gains, given):
    """Return the probabilities of candidates whose scores rose by `gains`, both of shape (n,),
    under the `Calibration` that gave the first ones.

    Examples
    --------
    >>> sure = Calibration(temperature=1.0, null=0.0, null_temperature=1.0, doubt=0.0)
    >>> reweighted([0.5, 0.25], [0.0, np.log(2)], sure).round(3).tolist()
    [0.4, 0.4]
    """
    weights = np.asarray(chances, dtype=float) / (1 - given.doubt)
    none = max(1 - weights.sum(), 0.0)
    weights = weights * np.exp(np.asarray(gains, dtype=float) / given.temperature)
    return (1 - given.doubt) * weights / (weights.sum() + none)


def of_family(rows):
    """Return the probability that the first cell of a ranked table or one of its sub- and
    supercells is right; 0 without any.

    Parameters
    ----------
    rows : sequence of ddi.index.rows.Row
        Of `ddi.index.ranking.listed`.
    """
    return float(np.sum([row.probability for row in rows if row.family == 1]))


def calibrate(scores, right, temperature=None):
    """Return the `Calibration` that makes the right candidates likeliest.

    Parameters
    ----------
    scores : list of array_like
        The scores of each pattern's candidates.
    right : list of int
        Which candidate is right, -1 for none.
    temperature : float, optional
        Kept as it is, if given.
    """
    from scipy.optimize import minimize

    def named(parameters):
        null, log_slope, logit, log_temperature = map(float, parameters)
        kept = float(np.exp(log_temperature)) if temperature is None else temperature
        doubt = float(1 / (1 + np.exp(-logit)))
        return Calibration(kept, null, float(np.exp(log_slope)), doubt, len(right))

    def loss(parameters):
        found = [probabilities(s, named(parameters)) for s in scores]
        chances = [np.append(p, 1 - p.sum())[k] for p, k in zip(found, right)]
        return -np.log(np.clip(chances, 1e-9, None)).mean()

    options = dict(maxiter=2000)
    start = [10.0, 1.0, -3.0, 1.0]
    return named(minimize(loss, start, method="Nelder-Mead", options=options).x)
