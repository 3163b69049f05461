"""What a network reads of a pattern beside its peaks: which of them stand in the ratios and sums
that lattices make.

The lines of a row are 1, 4, 9 times the first; those of a zone with a right angle are sums; any two
lines and their sum and difference obey 2 (Q1 + Q2) = Q3 + Q4 (de Wolff, 1957). A dense network
finds such a coincidence, good to a part in a thousand, only with very many examples; here it is
told of each by two bumps, one narrow and one wide. No cell is assumed.
"""

import numpy as np
from numba import njit

from ddi.models.constants import CONSTANTS
from ddi.models.mixture import features

_RATIOS = np.array(CONSTANTS.ratios)
_SUMS = np.array([[1.0, 1.0], [1.0, 4.0], [4.0, 1.0]])
_NARROW, _WIDE = CONSTANTS.bumps
_NONE = 1e9


def reading(q2):
    """Return the features of `ddi.models.mixture.features` and the coincidences, float32, shape
    (n, n_features), of patterns q2 (A^-2), shape (n, n_peaks); the scale does not matter.
    """
    first = min(CONSTANTS.first_peaks, q2.shape[1])
    n_pairs = first * (first - 1) // 2
    count = 2 * (first * len(_RATIOS) + n_pairs * (len(_SUMS) + 1))
    bumps = np.empty((len(q2), count), dtype=np.float32)
    _coincide(np.ascontiguousarray(q2, dtype=float), first, bumps)
    return np.concatenate([features(q2), bumps], axis=1)


@njit(cache=True)
def _miss(q2, value):
    """Distance of the nearest peak as a fraction of the value; huge beyond the last."""
    if value > 1.005 * q2[-1]:
        return _NONE
    above = np.searchsorted(q2, value)
    best = _NONE
    for i in range(max(above - 1, 0), min(above + 1, q2.shape[0])):
        best = min(best, abs(q2[i] - value))
    return best / value


@njit(cache=True)
def _miss_pair(q2, value):
    """The same for the nearest sum of two peaks."""
    low = 0
    high = q2.shape[0] - 1
    best = _NONE
    while low <= high:
        away = q2[low] + q2[high] - value
        best = min(best, abs(away))
        if away > 0:
            high -= 1
        else:
            low += 1
    return best / value


@njit(cache=True)
def _write(out, at, miss, narrower):
    """Two bumps of a miss, narrow and wide; return the next place."""
    out[at] = 1 / (1 + (miss / (narrower * _NARROW)) ** 2)
    out[at + 1] = 1 / (1 + (miss / (narrower * _WIDE)) ** 2)
    return at + 2


@njit(cache=True)
def _coincide(q2, first, out):
    for s in range(q2.shape[0]):
        q = q2[s]
        at = 0
        for i in range(first):
            for ratio in _RATIOS:
                at = _write(out[s], at, _miss(q, ratio * q[i]), 1.0)
            for j in range(i + 1, first):
                for k in range(_SUMS.shape[0]):
                    value = _SUMS[k, 0] * q[i] + _SUMS[k, 1] * q[j]
                    at = _write(out[s], at, _miss(q, value), 1.0)
                at = _write(out[s], at, _miss_pair(q, 2 * (q[i] + q[j])), 0.4)
