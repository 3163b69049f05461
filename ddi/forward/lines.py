"""kernel: to be described."""

from dataclasses import dataclass

import numba
import numpy as np

from ddi.forward import lattice

MAX_LINES = 1024
_CENTRING = {"P": 0, "C": 1, "I": 2, "F": 3, "R": 4}


@dataclass(frozen=True)
class Kind:
    """How one Bravais lattice counts its distinct lines.

    Attributes
    ----------
    system : str
        Whose ties x obeys; hexagonal for hR, which is searched in hexagonal axes.
    rule : tuple of int
        k from 0, l from 0, k <= h, l <= k (each 0 or 1), centring number.
    order : float
        Volume in reciprocal space a line stands for, in units of the primitive cell: the order of
        the Laue group.
    multiple : int
        Lattice points in the cell.
    """

    system: str
    rule: tuple
    order: float
    multiple: int


def _kinds():
    shape = {
        "cubic": (1, 1, 1, 1, 48), "tetragonal": (1, 1, 1, 0, 16), "hexagonal": (1, 1, 1, 0, 24), "rhombohedral": (1, 1, 1, 0, 12),
        "orthorhombic": (1, 1, 0, 0, 8), "monoclinic": (1, 0, 0, 0, 4), "triclinic": (0, 0, 0, 0, 2),
    }  # fmt: skip
    for bravais, (system, centring) in lattice.BRAVAIS.items():
        *rule, order = shape[system]
        axes = "hexagonal" if bravais == "hR" else system
        yield bravais, Kind(axes, (*rule, _CENTRING[centring]), order, lattice.POINTS[centring])


KINDS = dict(_kinds())
"""Bravais lattice -> `Kind`."""

_jit = numba.njit(cache=True, nogil=True, fastmath={"contract", "arcp", "nsz"})


@_jit
def _allowed(h, k, l, centring):
    if centring == 0:
        return True
    if centring == 1:
        return (h + k) % 2 == 0
    if centring == 2:
        return (h + k + l) % 2 == 0
    if centring == 3:
        return (h + k) % 2 == 0 and (k + l) % 2 == 0
    return (k + l - h) % 3 == 0 or (k - l - h) % 3 == 0


@_jit
def _cholesky(x, out):
    """Fill (D_l, D_k, D_h, kl, hl, B): q2 = D_l (l + kl k + hl h)^2 + D_k (k + B h)^2 + D_h h^2;
    False if x is not positive.
    """
    if not x[2] > 1e-9:
        return False
    kl = 0.5 * x[3] / x[2]
    hl = 0.5 * x[4] / x[2]
    d_k = x[1] - x[2] * kl * kl
    if not d_k > 1e-9:
        return False
    b = (0.5 * x[5] - x[2] * kl * hl) / d_k
    d_h = x[0] - x[2] * hl * hl - d_k * b * b
    out[0] = x[2]
    out[1] = d_k
    out[2] = d_h
    out[3] = kl
    out[4] = hl
    out[5] = b
    return d_h > 1e-9


@_jit
def _lines(form, rule, q2_max, q2, hkl):
    """Write the distinct lines up to q2_max and their indices; return how many, or -1 if they do
    not fit.
    """
    d_l, d_k, d_h, kl, hl, b = form
    k_positive, l_positive, k_below, l_below, centring = rule
    n = 0
    for h in range(int(np.sqrt(q2_max / d_h)) + 1):
        left = q2_max - d_h * h * h
        reach = np.sqrt(max(left, 0.0) / d_k)
        k_low = int(np.ceil(-b * h - reach))
        k_high = int(np.floor(-b * h + reach))
        if k_positive or h == 0:
            k_low = max(k_low, 0)
        if k_below:
            k_high = min(k_high, h)
        for k in range(k_low, k_high + 1):
            base = d_h * h * h + d_k * (k + b * h) ** 2
            centre = kl * k + hl * h
            reach = np.sqrt(max(q2_max - base, 0.0) / d_l)
            l_low = int(np.ceil(-centre - reach))
            l_high = int(np.floor(-centre + reach))
            if l_positive or (k_positive and h == 0):
                l_low = max(l_low, 0)
            if l_below:
                l_high = min(l_high, k)
            if h == 0 and k == 0:
                l_low = max(l_low, 1)
            for l in range(l_low, l_high + 1):
                if _allowed(h, k, l, centring):
                    if n == len(q2):
                        return -1
                    q2[n] = base + d_l * (l + centre) ** 2
                    obverse = centring != 4 or (k + l - h) % 3 == 0
                    hkl[n, 0] = h if obverse else k
                    hkl[n, 1] = k if obverse else h
                    hkl[n, 2] = l
                    n += 1
    return n


def lines(x, bravais, q2_max, max_lines=4096):
    """Return the distinct lines of a lattice in ascending order.

    Parameters
    ----------
    x : array_like, shape (6,)
        Reciprocal metric in A^-2 on the axes of the search (conventional; hexagonal for hR).
    bravais : str
    q2_max : float
        In A^-2.

    Returns
    -------
    hkl : ndarray of int, shape (n, 3)
    q2 : ndarray, shape (n,)
        Both empty if x is not positive definite or has more than `max_lines` lines.
    """
    q2 = np.empty(max_lines)
    hkl = np.empty((max_lines, 3), dtype=np.int16)
    form = np.empty(6)
    n = (
        _lines(form, KINDS[bravais].rule, q2_max, q2, hkl)
        if _cholesky(np.asarray(x, dtype=float), form)
        else 0
    )
    order = np.argsort(q2[: max(n, 0)], kind="stable")
    return hkl[order].astype(int), q2[order]
