"""A likelihood-ratio score that accounts for accidental coincidences.

An observed peak is one of the lines a cell allows, with a normal error, or, with a small
probability, spurious; against that stands a peak that could be anywhere. A line at a distance r is
worth ``N(r; sigma) / rho``, with rho the density of lines in q2: twice as many lines cost log 2 a
peak, and a peak without a line costs log(1/e), so that the score is bounded where M20 is not, and
compares cells of different volume and lattice. Search (`ddi.index`), chains (`ddi.mcmc`) and
snapping (`ddi.models.snap`) share it, so it stands in the lowest room that all of them may import.

The functions work on arrays and, called from compiled code, on numbers.
"""

import numpy as np
from numba.extending import register_jitable

from ddi.forward.constants import SCORE

_TAIL = SCORE.tail
_TAIL_WIDTH = SCORE.tail_width
_ROOT_2PI = np.sqrt(2 * np.pi)


@register_jitable
def error_density(miss, sigma):
    """Return the probability density of a peak's error: two normal curves, the outer one for the
    odd bad peak.

    Examples
    --------
    >>> float(np.trapezoid(error_density(np.linspace(-9, 9, 1001), 1.0), dx=0.018).round(3))
    1.0
    """
    z = (miss / sigma) ** 2
    inner = np.exp(-0.5 * z)
    outer = np.exp(-0.5 * z / _TAIL_WIDTH**2) / _TAIL_WIDTH
    return ((1 - _TAIL) * inner + _TAIL * outer) / (_ROOT_2PI * sigma)


@register_jitable
def line_density(n_lines, q2, last):
    """Return lines per A^-2 at each q2 of a lattice with n_lines up to `last`: their number goes as
    q2^(3/2).

    Examples
    --------
    >>> q2 = np.linspace(0, 0.2, 1001)
    >>> float(np.trapezoid(line_density(40, q2, 0.2), q2).round(2))
    40.0
    """
    return 1.5 * np.maximum(n_lines, 1) * np.sqrt(q2) / last**1.5


@register_jitable
def log_odds(worth, spurious):
    """Return the log likelihood ratio of a peak that is explained by `worth` = density of the
    error over density of the lines, or is spurious with the prior probability given.

    Examples
    --------
    No line near costs log(1/e), however far the nearest one is:

    >>> float(log_odds(0.0, 0.04).round(2))
    -3.22
    """
    return np.log((1 - spurious) * worth + spurious)
