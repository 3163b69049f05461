"""What a chain holds and what it is told, as the compiled loop and the plain one read them."""

from typing import NamedTuple

import numpy as np

NEAREST = 0  # how peaks are assigned
RESAMPLE = 1
MARGINAL = 2
SOFTMAX = 3  # the most probable line, its probability in the likelihood
DRAWN = 4  # a line drawn by its probability, which is in the likelihood
SIGMA = 0  # weights of the least squares
COELHO = 1
UNIFORM = 0  # which peaks sit a step out
CONFIDENCE = 1
GIVEN = 2


class Settings(NamedTuple):
    """What the compiled loop is told beside the pattern.

    Attributes
    ----------
    eps : float
        Of sigma^2, A^-2.
    half_wave : float
        Half the wavelength, A.
    subsample : int
        Peaks a step.
    by : int
        UNIFORM, CONFIDENCE (softmax of the two nearest lines) or GIVEN (by the assigner).
    weighting : int
        SIGMA or COELHO.
    assign : int
        NEAREST, RESAMPLE, MARGINAL, SOFTMAX or DRAWN; in compiled code the last two are those of
        the line prior (`ddi.mcmc.softmax`).
    """

    eps: float
    half_wave: float
    subsample: int
    by: int
    weighting: int
    assign: int


class Chain(NamedTuple):
    """One chain or, with one more axis in front, all of them; updated in place.

    Attributes
    ----------
    x, best_x : ndarray, shape (n_free,)
        Present and best state, A^-2.
    label, best_label : ndarray of int64, shape (n_peaks,)
        Index into the reference lines of every peak.
    log_likelihood, best_log_likelihood : ndarray, shape (1,)
    accepted : ndarray of int64, shape (1,)
        Steps so far.
    identity : uint64
        Names the random stream.
    confidence : ndarray, shape (n_peaks,)
        Of the assigner in the labels, above 0.
    origin : ndarray, shape (n_free,)
        Where the chain started, A^-2; a restart goes back to it.
    """

    x: np.ndarray
    best_x: np.ndarray
    label: np.ndarray
    best_label: np.ndarray
    log_likelihood: np.ndarray
    best_log_likelihood: np.ndarray
    accepted: np.ndarray
    identity: np.ndarray
    confidence: np.ndarray
    origin: np.ndarray
