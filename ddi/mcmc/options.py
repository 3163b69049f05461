"""What a run of chains does in every iteration: its options, said once, and the arrays that the
compiled loop reads.
"""

from dataclasses import dataclass

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import CU_KALPHA1
from ddi.mcmc import chains, likelihood

ACCEPT = {"metropolis": 1.0, "always": np.inf, "greedy": 1e-300}
ASSIGN = {"nearest": chains.NEAREST, "resample": chains.RESAMPLE, "marginal": chains.MARGINAL}
WEIGHTS = {"sigma": chains.SIGMA, "coelho": chains.COELHO}
SUBSAMPLE_BY = {"uniform": chains.UNIFORM, "confidence": chains.CONFIDENCE}


@dataclass(frozen=True)
class Options:
    """The options of a chain; the defaults are the write-up's (section 2.4.3).

    Attributes
    ----------
    n_iterations : int
        Of each chain.
    subsample : int
        Peaks a step; the others are drawn anew each time.
    subsample_by : "uniform" or "confidence"
        Confidence: how sure a peak's label is decides how rarely the peak is left out. That is what
        the assigner in use says of its labels or, for lines assigned by distance, the softmax
        between the two nearest ones.
    assign : "nearest", "resample", "marginal" or an assigner
        Nearest line; a line drawn from softmax(-delta^2 / 2 sigma^2); all lines at once, each by
        its share (the mixture of 2.4.1); or an object with ``predict(q2_obs, x) -> (labels,
        confidence)`` on the same reference indices (`ddi.models.assignment`), which is asked every
        `ddi.mcmc.sampler.REASSIGN_EVERY` iterations, with nearest lines in between.
    accept : "metropolis", "always" or "greedy"
    weights : "sigma" or "coelho"
        Of the least squares: 1/sigma^2 of the errata, or (d^m |d 2theta| I)^2 with m drawn from
        0..4 in every step.
    annealing : float
        The temperature of the acceptance falls geometrically from this to 1 over the chain.
    spread : (float, float)
        First and last width of the softmax and of the mixture, as a fraction of q2.
    restarts : int
        Times a chain goes back to its start, disturbed by 3 %.
    seed : int
    eps : float
        Of sigma^2, in A^-2.
    """

    n_iterations: int = 100
    subsample: int = 15
    subsample_by: str = "uniform"
    assign: object = "nearest"
    accept: str = "metropolis"
    weights: str = "sigma"
    annealing: float = 1.0
    spread: tuple = (0.03, 0.001)
    restarts: int = 0
    seed: int = 0
    eps: float = likelihood.EPS_Q2

    def __post_init__(self):
        for name, known in (
            ("accept", ACCEPT),
            ("weights", WEIGHTS),
            ("subsample_by", SUBSAMPLE_BY),
            ("assign", ASSIGN),
        ):
            value = getattr(self, name)
            if isinstance(value, str) and value not in known:
                raise DDIError(f"{name}={value!r} is not known; use one of {', '.join(known)}")

    @property
    def assigner(self):
        """The object that assigns, or None where lines are assigned by distance."""
        return None if isinstance(self.assign, str) else self.assign


@dataclass(frozen=True)
class Plan:
    """Options, and their form for the compiled loop.

    Attributes
    ----------
    options : Options
    settings : ndarray, shape (6,)
        eps (A^-2), wavelength/2 (A), peaks a step, UNIFORM, CONFIDENCE or GIVEN, SIGMA or COELHO,
        NEAREST, RESAMPLE or MARGINAL (`ddi.mcmc.chains`).
    temperature, spread : ndarray, shape (n_iterations,)
        Of the acceptance; and the width of the softmax of RESAMPLE and of the mixture of MARGINAL
        as a fraction of q2.
    """

    options: Options
    settings: np.ndarray
    temperature: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, problem, **options):
        """Spell `Options` out as arrays."""
        given = Options(**options)
        size = min(given.subsample, len(problem.q2))
        mode = ASSIGN["nearest" if given.assigner else given.assign]
        by = (
            chains.GIVEN
            if given.assigner and given.subsample_by == "confidence"
            else SUBSAMPLE_BY[given.subsample_by]
        )
        settings = np.array(
            [given.eps, CU_KALPHA1 / 2, size, by, WEIGHTS[given.weights], mode], dtype=float
        )
        temperature = ACCEPT[given.accept] * np.geomspace(given.annealing, 1.0, given.n_iterations)
        return cls(given, settings, temperature, np.geomspace(*given.spread, given.n_iterations))
