"""The distinct lines of a lattice, counted out row by row: how many there are and where they lie.

With ``q2 = d_l (l + kl k + hl h)^2 + d_k (k + hk h)^2 + d_h h^2`` (the Cholesky form, section 1.1)
the indices inside the ellipsoid ``q2 <= q2_max`` are found one row at a time, so a long axis needs
no long list of reference indices. `Kind` says which of the equivalent indices of a Bravais lattice
is counted. The compiled functions serve the inner loops; `distinct_lines` is for everything else.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from ddi.forward import lattice
from ddi.forward.constants import FORWARD

MAX_LINES = FORWARD.max_lines
_LEAST = FORWARD.least_metric
# lines written at once by `positions`; 2.6 to 4.0 a row in the search of the example list
LANES = 4
_CENTRING = {"P": 0, "C": 1, "I": 2, "F": 3, "R": 4}


class Rule(NamedTuple):
    """Which of a lattice's equivalent indices is counted; h is never negative.

    Attributes
    ----------
    k_from_zero, l_from_zero : bool
        Neither index is negative.
    k_up_to_h, l_up_to_k : bool
        Axes that may be exchanged are ordered.
    centring : int
        0 to 4 for P, C, I, F and R (hexagonal axes, both settings).
    """

    k_from_zero: bool
    l_from_zero: bool
    k_up_to_h: bool
    l_up_to_k: bool
    centring: int


@dataclass(frozen=True)
class Kind:
    """How one Bravais lattice counts its distinct lines.

    Attributes
    ----------
    system : str
        Whose ties x obeys; hexagonal for hR, which is searched in hexagonal axes.
    rule : Rule
    n_lattice_points : int
        In the cell.
    """

    system: str
    rule: Rule
    n_lattice_points: int


_ORDERED = {
    "cubic": (True, True, True, True),
    "tetragonal": (True, True, True, False),
    "hexagonal": (True, True, True, False),
    "rhombohedral": (True, True, True, False),
    "orthorhombic": (True, True, False, False),
    "monoclinic": (True, False, False, False),
    "triclinic": (False, False, False, False),
}
KINDS = {
    bravais: Kind(
        "hexagonal" if bravais == "hR" else system,
        Rule(*_ORDERED[system], _CENTRING[centring]),
        lattice.POINTS[centring],
    )
    for bravais, (system, centring) in lattice.BRAVAIS.items()
}
"""Bravais lattice -> `Kind`."""


class Form(NamedTuple):
    """The numbers of that sum of squares; d in A^-2."""

    d_l: float
    d_k: float
    d_h: float
    kl: float
    hl: float
    hk: float


compiled = numba.njit(cache=True, nogil=True, fastmath={"contract", "arcp", "nsz"})
"""How the inner loops are compiled: roundoff may differ, NaN and infinity are respected."""


@compiled
def sum_of_squares(x):
    """Return whether x, shape (6,), is positive definite, and its `Form`."""
    none = Form(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if not x[2] > _LEAST:
        return False, none
    kl = 0.5 * x[3] / x[2]
    hl = 0.5 * x[4] / x[2]
    d_k = x[1] - x[2] * kl * kl
    if not d_k > _LEAST:
        return False, none
    hk = (0.5 * x[5] - x[2] * kl * hl) / d_k
    d_h = x[0] - x[2] * hl * hl - d_k * hk * hk
    return d_h > _LEAST, Form(x[2], d_k, d_h, kl, hl, hk)


@compiled
def _ks(form, rule, q2_max, h):
    """Return the first and the last k of the lines that begin with h."""
    reach = np.sqrt(max(q2_max - form.d_h * h * h, 0.0) / form.d_k)
    low = int(np.ceil(-form.hk * h - reach))
    high = int(np.floor(-form.hk * h + reach))
    if rule.k_from_zero or h == 0:
        low = max(low, 0)
    if rule.k_up_to_h:
        high = min(high, h)
    if rule.centring == 1 or rule.centring == 3:
        low += (h + low) & 1
    return low, high


@compiled
def _ls(form, rule, h, k, left):
    """Return the least and the largest l of the row h k, centring aside."""
    centre = form.kl * k + form.hl * h
    reach = np.sqrt(max(left, 0.0) / form.d_l)
    low = int(np.ceil(-centre - reach))
    high = int(np.floor(-centre + reach))
    if rule.l_from_zero or (rule.k_from_zero and h == 0):
        low = max(low, 0)
    if rule.l_up_to_k:
        high = min(high, k)
    if h == 0 and k == 0:
        low = max(low, 1)
    return low, high


@compiled
def _allowed(h, k, l, centring):
    """Say whether the centring allows l in a row h k that it does not forbid as a whole."""
    if centring == 2:
        return (h + k + l) % 2 == 0
    if centring == 3:
        return (k + l) % 2 == 0
    return centring != 4 or (k + l - h) % 3 == 0 or (k - l - h) % 3 == 0


@compiled
def enumerate_lines(form, rule, q2_max, q2, hkl):
    """Write the distinct lines up to q2_max (A^-2) and their indices.

    Parameters
    ----------
    form : Form
    rule : Rule
    q2_max : float
    q2 : ndarray, shape (n_max,)
    hkl : ndarray of int16, shape (n_max, 3)

    Returns
    -------
    int
        How many there are, or -1 if they are more than `n_max`.
    """
    k_step = 2 if rule.centring == 1 or rule.centring == 3 else 1
    n = 0
    for h in range(int(np.sqrt(q2_max / form.d_h)) + 1):
        k_low, k_high = _ks(form, rule, q2_max, h)
        for k in range(k_low, k_high + 1, k_step):
            base = form.d_h * h * h + form.d_k * (k + form.hk * h) ** 2
            centre = form.kl * k + form.hl * h
            l_low, l_high = _ls(form, rule, h, k, q2_max - base)
            for l in range(l_low, l_high + 1):
                if _allowed(h, k, l, rule.centring):
                    if n == len(q2):
                        return -1
                    q2[n] = base + form.d_l * (l + centre) ** 2
                    obverse = rule.centring != 4 or (k + l - h) % 3 == 0
                    hkl[n, 0] = h if obverse else k
                    hkl[n, 1] = k if obverse else h
                    hkl[n, 2] = l
                    n += 1
    return n


@compiled
def _series(low, high, h, k, centring, second):
    """Return the first l from `low` on that the centring allows in the row h k, and how many there
    are up to `high`; an R lattice has a second series of them where h and k differ modulo 3.
    """
    if centring == 2 or centring == 3:
        first = low + ((low + k + (h if centring == 2 else 0)) & 1)
        return first, (high - first + 2) >> 1
    if centring == 4:
        first = low + ((k - h if second else h - k) - low) % 3
        return first, (high - first + 3) // 3
    return low, high - low + 1


@compiled
def positions(form, rule, q2_max, max_lines, q2):
    """Write where the lines of `enumerate_lines` lie, in no order and without their indices.

    A row of three or four lines ends in a branch that no processor predicts; here it is written in
    blocks of `LANES`, and what stands beyond its end is overwritten by the next row. Screening the
    640,000 templates of the example list takes 217 ms of CPU so, and 336 ms with the other.

    Parameters as there; `q2` has the shape (max_lines + LANES,). Returns how many lines there are,
    or -1 if they are more than `max_lines`.
    """
    centring = rule.centring
    k_step = 2 if centring == 1 or centring == 3 else 1
    l_step = 2.0 if centring == 2 or centring == 3 else 3.0 if centring == 4 else 1.0
    n = 0
    for h in range(int(np.sqrt(q2_max / form.d_h)) + 1):
        k_low, k_high = _ks(form, rule, q2_max, h)
        for k in range(k_low, k_high + 1, k_step):
            base = form.d_h * h * h + form.d_k * (k + form.hk * h) ** 2
            low, high = _ls(form, rule, h, k, q2_max - base)
            for second in range(2 if centring == 4 and (h - k) % 3 != 0 else 1):
                first, count = _series(low, high, h, k, centring, second)
                if n + count > max_lines:
                    return -1
                l = first + (form.kl * k + form.hl * h)
                at = np.uint64(n)  # an index that has no sign need not be checked for one
                for _ in range(0, count, LANES):
                    for lane in range(LANES):
                        at_l = l + l_step * lane
                        q2[at + np.uint64(lane)] = base + form.d_l * (at_l * at_l)
                    l += l_step * LANES
                    at += np.uint64(LANES)
                n += max(count, 0)
    return n


def distinct_lines(x, bravais, q2_max, max_lines=4096):
    """Return the distinct lines of a lattice in ascending order.

    Parameters
    ----------
    x : array_like, shape (6,)
        Reciprocal metric in A^-2 on the axes of the search (conventional; hexagonal for hR).
    bravais : str
    q2_max : float
        In A^-2.
    max_lines : int

    Returns
    -------
    hkl : ndarray of int, shape (n, 3)
    q2 : ndarray, shape (n,)
        Both empty if x is not positive definite or has more than `max_lines` lines.

    Examples
    --------
    The first lines of copper, a = 3.615 A, as d spacings:

    >>> from ddi.forward import lattice
    >>> x = lattice.cell_to_x([3.615, 3.615, 3.615, 90, 90, 90])
    >>> hkl, q2 = distinct_lines(x, "cF", 0.9)
    >>> [tuple(index) for index in hkl.tolist()]
    [(1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1)]
    >>> (q2**-0.5).round(3)
    array([2.087, 1.808, 1.278, 1.09 ])
    """
    q2 = np.empty(max_lines)
    hkl = np.empty((max_lines, 3), dtype=np.int16)
    positive, form = sum_of_squares(np.asarray(x, dtype=float))
    n = max(enumerate_lines(form, KINDS[bravais].rule, q2_max, q2, hkl), 0) if positive else 0
    order = np.argsort(q2[:n], kind="stable")
    return hkl[order].astype(int), q2[order]


def nearest_line(peaks, lines):
    """Return the place of the line nearest to each peak, the first of equally near ones.

    Parameters
    ----------
    peaks : array_like, shape (n_peaks,)
    lines : ndarray, shape (n_lines,)
        In the same unit; at least one.

    Returns
    -------
    ndarray of int, shape (n_peaks,)

    Examples
    --------
    >>> nearest_line([0.11, 0.19, 0.4], np.array([0.1, 0.2, 0.3]))
    array([0, 1, 2])
    """
    return np.abs(np.asarray(peaks, dtype=float)[:, None] - lines).argmin(axis=1)
