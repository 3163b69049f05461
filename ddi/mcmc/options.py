"""What a run of chains does in every iteration: its options, said once, and the arrays that the
compiled loop reads.
"""

from dataclasses import dataclass

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import CU_KALPHA1
from ddi.mcmc import state
from ddi.mcmc.constants import CONSTANTS

ACCEPT = {"metropolis": 1.0, "always": np.inf, "greedy": 1e-300}
ASSIGN = {"nearest": state.NEAREST, "resample": state.RESAMPLE, "marginal": state.MARGINAL}
WEIGHTS = {"sigma": state.SIGMA, "coelho": state.COELHO}
SUBSAMPLE_BY = {"uniform": state.UNIFORM, "confidence": state.CONFIDENCE}
PRIORS = {"uniform": state.NEAREST, "softmax": state.SOFTMAX, "drawn": state.DRAWN}


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
        Nearest line; a line drawn from a Gaussian of its distance; all lines at once, each by its
        share (the mixture of 2.4.1); or a `ddi.models.assigners.Assigner` on the same reference
        indices.
    prior : "uniform", "softmax" or "drawn"
        rho(H | c) in the likelihood and in the acceptance. Uniform: 1 / sqrt(number of lines)
        (`ddi.mcmc.likelihood.log_prior`); an assigner is then asked every
        ``CONSTANTS.reassign_every`` iterations, with nearest lines in between. Softmax: the
        assigner labels every proposal, and its probability stands in the likelihood, as written in
        2.4.1. Drawn: the same with labels drawn from its probabilities (2.4.3).
    accept : "metropolis", "always" or "greedy"
    weights : "sigma" or "coelho"
        Of the least squares: 1/sigma^2 of the errata, or (d^m |d 2theta| I)^2 with m drawn from
        0..4 in every step.
    annealing : float
        The temperature of the acceptance falls geometrically from this to 1 over the chain.
    widths : (float, float)
        First and last width of the softmax and of the mixture, as a fraction of q2.
    restarts : int
        Times a chain goes back to its start, disturbed by ``CONSTANTS.jitter``.
    seed : int
    eps : float
        Of sigma^2, in A^-2.
    """

    n_iterations: int = 100
    subsample: int = CONSTANTS.subsample
    subsample_by: str = "uniform"
    assign: object = "nearest"
    prior: str = "uniform"
    accept: str = "metropolis"
    weights: str = "sigma"
    annealing: float = 1.0
    widths: tuple = CONSTANTS.widths
    restarts: int = 0
    seed: int = 0
    eps: float = CONSTANTS.eps_q2

    def __post_init__(self):
        for name, known in (
            ("accept", ACCEPT),
            ("weights", WEIGHTS),
            ("subsample_by", SUBSAMPLE_BY),
            ("assign", ASSIGN),
            ("prior", PRIORS),
        ):
            value = getattr(self, name)
            if isinstance(value, str) and value not in known:
                raise DDIError(f"{name}={value!r} is not known; use one of {', '.join(known)}")
        if self.prior != "uniform" and self.assigner is None:
            raise DDIError(
                f"prior={self.prior!r} needs an assigner; pass one as assign=, or leave prior out"
            )

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
    settings : ddi.mcmc.state.Settings
    temperature, width : ndarray, shape (n_iterations,)
        Of the acceptance; and the width of the softmax of RESAMPLE and of the mixture of MARGINAL
        as a fraction of q2.
    """

    options: Options
    settings: state.Settings
    temperature: np.ndarray
    width: np.ndarray

    @property
    def softmax(self):
        """Whether an assigner's probabilities stand in the likelihood."""
        return self.options.prior != "uniform"

    @classmethod
    def of(cls, problem, **options):
        """Spell `Options` out as arrays."""
        given = Options(**options)
        size = min(given.subsample, len(problem.q2))
        mode = PRIORS[given.prior] if given.assigner else ASSIGN[given.assign]
        by = (
            state.GIVEN
            if given.assigner and given.subsample_by == "confidence"
            else SUBSAMPLE_BY[given.subsample_by]
        )
        weighting = WEIGHTS[given.weights]
        settings = state.Settings(given.eps, CU_KALPHA1 / 2, size, by, weighting, mode)
        temperature = ACCEPT[given.accept] * np.geomspace(given.annealing, 1.0, given.n_iterations)
        return cls(given, settings, temperature, np.geomspace(*given.widths, given.n_iterations))
