"""Which peaks the index templates are applied to: all of them, and lists in which fewer are in the
way.

A template assumes indices for some of the first peaks. Where those are orders of one line, as a
long axis makes them, no template fits, although the rest of the list would do. A *view* is a choice
of peaks that stands for the list while candidates are made; each candidate is judged by all peaks.
"""

import numpy as np

from ddi.index.constants import VIEWS


def orders_of_one_line(q2, sigma):
    """Return the peaks that are orders of one line, the longest such series.

    Parameters
    ----------
    q2, sigma : ndarray, shape (n,)
        Ascending, in A^-2.

    Returns
    -------
    ndarray of int
        Places in the list, ascending; empty where fewer than `min_orders` belong together. The
        series may begin with the second or third order.

    Examples
    --------
    >>> d = np.array([28.0, 14.0, 9.333, 7.4, 7.0, 5.1])
    >>> orders_of_one_line(d**-2, 2e-5 + 0 * d)
    array([0, 1, 2, 4])
    """
    longest = np.empty(0, dtype=int)
    for first in range(min(VIEWS.first, len(q2))):
        for order in (1, 2, 3):
            unit = q2[first] / order**2
            n = np.rint(np.sqrt(q2 / unit))
            error = np.hypot(sigma, n**2 / order**2 * sigma[first])
            fits = (np.abs(q2 - n**2 * unit) < VIEWS.sigmas * error) & (n <= VIEWS.max_order)
            least = max(VIEWS.min_orders, len(longest) + 1)
            if np.count_nonzero(fits) < least:
                continue
            members = _one_an_order(np.flatnonzero(fits), n)
            enough = len(members) >= least
            if enough and members[0] == first and len(members) >= VIEWS.filled * n[members[-1]]:
                longest = members
    return longest


def _one_an_order(members, n):
    return members[np.unique(n[members], return_index=True)[1]]


def without_orders(q2, sigma):
    """Return the views in which a series of orders is one peak, or two; none where no series fills
    half of the first peaks.
    """
    series = orders_of_one_line(q2, sigma)
    if np.sum(series < VIEWS.blocked) < VIEWS.min_orders:
        return []
    everything = np.arange(len(q2))
    return [np.setdiff1d(everything, series[1:]), np.setdiff1d(everything, series[2:])]


def strongest(intensity, sizes):
    """Return the views of the strongest peaks, those of one phase where another is weaker.

    Parameters
    ----------
    intensity : ndarray, shape (n,)
    sizes : sequence of int
        How many peaks each view holds; none of as many as there are peaks, or more.

    Examples
    --------
    >>> strongest(np.array([5.0, 1.0, 9.0, 7.0]), (2, 4))
    [array([2, 3])]
    """
    falling = np.argsort(-intensity, kind="stable")
    return [np.sort(falling[:size]) for size in sizes if size < len(intensity)]
