"""Random numbers of the chains: a hash of (seed, candidate, counter).

A chain depends on nothing else, neither on the number of threads nor on which other candidates run
beside it.
"""

import numba as nb
import numpy as np


def hashed_uniform(seed, candidate, counter):
    """Return a number in (0, 1) that depends on three unsigned 64-bit integers only (the finaliser
    of splitmix64, twice).

    Works on numpy arrays as it stands and, compiled, on scalars.
    """
    z = seed * np.uint64(0x9E3779B97F4A7C15) + candidate * np.uint64(0xD1342543DE82EF95) + counter
    for _ in range(2):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)) + np.float64(0.5)) * np.float64(2.0**-53)


uniform = nb.njit(cache=True)(hashed_uniform)
"""`hashed_uniform`, compiled."""


def per_iteration(n_peaks, n_ref):
    """Return how many counters one iteration of a chain may use."""
    return 64 + 4 * n_peaks + 4 * n_ref


OF_ACCEPTANCE = 8  # counter of the acceptance's draw, beyond those of the peaks
OF_LINES = 64  # first counter of the draws of lines, beyond those of the peaks


@nb.njit(cache=True, error_model="numpy", inline="always")
def drop(seed, candidate, counter, weight, probability, n_drop, key):
    """Give `n_drop` peaks, drawn without replacement, weight zero; sure ones (probability near 1)
    are rarely among them.
    """
    for k in range(weight.size):
        key[k] = -np.log(uniform(seed, candidate, counter + np.uint64(k))) / probability[k]
    for _ in range(n_drop):
        worst = np.argmax(key)
        key[worst] = -1.0
        weight[worst] = 0.0
