"""Success rates with their intervals, and how well probabilities are calibrated."""

import numpy as np


def wilson(k, n, z=1.959963984540054):
    """Return the Wilson score interval of a success rate k/n.

    Parameters
    ----------
    k, n : int or array_like of int
        Successes and trials.
    z : float
        Normal quantile; 1.96 gives 95 %.

    Returns
    -------
    low, high : float or ndarray
        (0, 1) where n is 0.

    Notes
    -----
    Wilson, E. B. (1927), J. Am. Stat. Assoc. 22, 209-212.
    """
    k = np.asarray(k, dtype=float)
    n = np.asarray(n, dtype=float)
    m = np.maximum(n, 1)
    p = k / m
    centre = (p + z**2 / (2 * m)) / (1 + z**2 / m)
    half = z / (1 + z**2 / m) * np.sqrt(p * (1 - p) / m + z**2 / (4 * m**2))
    low = np.clip(centre - half, 0, 1)
    high = np.clip(centre + half, 0, 1)
    return np.where(n > 0, low, 0.0)[()], np.where(n > 0, high, 1.0)[()]


def calibration_error(probability, right, n_bins=10):
    """Return the mean distance of probability from frequency over equal bins, weighted by how many
    fall into each.

    Parameters
    ----------
    probability : array_like, shape (n,)
        Between 0 and 1.
    right : array_like of bool, shape (n,)
    n_bins : int
    """
    probability = np.asarray(probability, dtype=float)
    right = np.asarray(right, dtype=float)
    place = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    return float(np.abs(np.bincount(place, probability - right)).sum() / len(right))


def rate(k, n):
    """Return ``'83.3 % (75.2-89.2), n = 90'`` for k of n."""
    low, high = wilson(k, n)
    return f"{100 * k / max(n, 1):.1f} % ({100 * low:.1f}-{100 * high:.1f}), n = {n}"
