"""Lists of one line's orders: lamellar samples, films, and powders that show 00l alone.

Such a list determines one length and no more, whatever cell happens to pass through its lines.
"""

from dataclasses import dataclass

import numpy as np

from ddi.index.constants import LAMELLAR, SEARCH


@dataclass(frozen=True)
class OneLength:
    """The period of a one-dimensional list.

    Attributes
    ----------
    period, su : float
        In Angstrom.
    zero_shift : float
        Degrees 2theta; 0 where none could be fitted.
    orders : ndarray of int, shape (n,)
        Of each peak; 0 for one that is no order.
    """

    period: float
    su: float
    zero_shift: float
    orders: np.ndarray

    @property
    def said(self):
        """The answer in words."""
        n = int(np.count_nonzero(self.orders))
        seen = ", ".join(str(order) for order in self.orders if order)
        return (
            f"The list is one-dimensional: {n} of {len(self.orders)} peaks are orders ({seen}) of "
            f"one line with d = {self.period:.4f} +- {self.su:.4f} A. They determine this one "
            "length and no more: any cell with such a spacing fits, and none is likelier than "
            "another. Measure other directions (another texture, in-plane or single-crystal data)"
        )


def find(peaks):
    """Return the `OneLength` of a list that is one-dimensional, or None.

    Nearly all peaks must be orders of one line, in all of a list's orders few may lack, and so few
    coincidences must be likely by chance that the orders mean something.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    """
    n = len(peaks.q2)
    if n < LAMELLAR.fewest:
        return None
    best = None
    for first in range(min(LAMELLAR.first, n)):
        for order in range(1, LAMELLAR.highest_first + 1):
            for zero in (0.0, *SEARCH.trial_shifts) if peaks.wavelength else (0.0,):
                found = _fitted(peaks, first, order, zero)
                if found and (best is None or _worth(found) > _worth(best)):
                    best = found
    return best


def _worth(found):
    """More orders are better, then the shorter period: every multiple of it fits as well."""
    return np.count_nonzero(found.orders), -found.period


def _fitted(peaks, first, order, zero):
    """The period that gives one peak an order, refined with a zero shift; None if it fits few."""
    unit = (peaks.q2[first] - zero * peaks.slope[first]) / order**2
    if unit <= 0:
        return None
    for sigmas in LAMELLAR.narrowing:
        orders = _orders(peaks, unit, zero, sigmas)
        if _too_few(orders):
            return None
        unit, zero, su = _least_squares(peaks, orders, orders > 0)
        if unit <= 0:
            return None
    orders = _orders(peaks, unit, zero, LAMELLAR.narrowing[-1])
    if _too_few(orders) or _is_chance(peaks, orders, unit) or abs(zero) > LAMELLAR.most_zero:
        return None
    zero = zero if peaks.wavelength else 0.0
    return OneLength(unit**-0.5, 0.5 * su * unit**-1.5, zero, orders)


def _orders(peaks, unit, zero, sigmas):
    """The order of each peak, 0 where it is none or another peak is nearer to it."""
    q2 = peaks.q2 - zero * peaks.slope
    exact = np.sqrt(np.maximum(q2, 0) / unit)
    orders = np.rint(exact).astype(int)
    miss = np.abs(q2 - orders**2 * unit) / peaks.sigma
    fits = (miss <= sigmas) & (np.abs(exact - orders) < LAMELLAR.between)
    orders = np.where(fits, orders, 0)
    for k in np.argsort(-miss):
        if (orders == orders[k]).sum() > 1:
            orders[k] = 0
    return orders


def _too_few(orders):
    """Whether peaks are missing or foreign as often as in a list of many directions: there, lines
    that are no orders soon outnumber those that are.
    """
    present = orders[orders > 0]
    foreign = np.flatnonzero(orders == 0)
    if len(present) < max(LAMELLAR.fewest, LAMELLAR.share * len(orders)):
        return True
    if len(foreign) and (orders[foreign[0] :] > 0).sum() < LAMELLAR.after * len(foreign):
        return True
    return len(present) < LAMELLAR.filled * present.max()


def _is_chance(peaks, orders, unit):
    """Whether windows of orders cover too much of the axis, or a shorter period does as well."""
    members = orders > 0
    half = LAMELLAR.narrowing[-1] * peaks.sigma[members]
    covered = 2 * half / (2 * np.sqrt(unit * peaks.q2[members]))
    return covered.mean() > LAMELLAR.chance or np.gcd.reduce(orders[members]) > 1


def _least_squares(peaks, orders, members):
    """q2 = unit order^2 + zero slope, the zero shift with the search's prior; unit, zero, su."""
    design = (
        np.column_stack([orders[members] ** 2, peaks.slope[members]]) / peaks.sigma[members, None]
    )
    target = peaks.q2[members] / peaks.sigma[members]
    spread = SEARCH.zero_sigma if peaks.wavelength else 1e-9  # degrees
    normal = design.T @ design + np.diag([0, spread**-2])
    (unit, zero), covariance = np.linalg.solve(normal, design.T @ target), np.linalg.inv(normal)
    scatter = np.sqrt(np.mean((design @ [unit, zero] - target) ** 2))
    return float(unit), float(zero), float(np.sqrt(covariance[0, 0]) * max(scatter, 0.1))
