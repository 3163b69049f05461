"""Peak resampling: which of the lines a crystal could show a pattern shows (write-up, section
2.1.5).

Along the lines that are not systematically absent, in order of q2, the first peak is drawn from how
many lines real patterns skip; every next line is then accepted with a probability rho(dq2) of its
separation from the peak accepted last.

The write-up's rho = (1 - exp(-r0 dq2))^r1 rises to one. On the default data it degenerates in all
seven lattice systems (r1 of 0.05 to 0.3, misfit up to 0.12): lines far from any other are seen with
a probability of 0.66 to 0.76 only, because some are too weak at any separation. It is therefore
replaced by plateau * rho with the plateau fitted (misfit 0.02 to 0.05); a plateau of 0.95 misfits
as the written form does. Lists resampled with the fitted plateau have separations as near to real
ones as those from the binned fraction, or nearer, in six of seven systems (04_augment).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import curve_fit

from ddi.data.constants import DATA

EDGES = np.geomspace(1e-4, 10**-1.75, 101)
"""Edges of the hundred bins of separation, in A^-2."""


PLATEAUS = {"as written": 1.0, "plateau 0.95": 0.95, "plateau fitted": None}
USED = ("as written", "plateau fitted")
"""Curves that may be used, the first that is not degenerate."""


class Curve(NamedTuple):
    """rho = plateau (1 - exp(-r0 dq2))^r1; the write-up's has a plateau of one.

    Attributes
    ----------
    r0 : float
        A^2.
    r1, plateau : float
    misfit : float
        Root-mean-square deviation from the binned fraction, weighted by visits.
    """

    r0: float
    r1: float
    plateau: float = 1.0
    misfit: float = 0.0

    def __call__(self, dq2):
        """Return the probability of accepting a line `dq2` (A^-2) beyond the last peak."""
        return self.plateau * (-np.expm1(-self.r0 * np.asarray(dq2, dtype=float))) ** self.r1

    @property
    def degenerate(self):
        """Whether the curve misses the fraction, or its plateau lies beyond the bins."""
        return not (self.r0 * EDGES[-1] >= DATA.saturation and self.misfit <= DATA.misfit)


def pad(lists, width=None):
    """Return lists of unequal length as rows of one array, filled with infinity; cut at `width`."""
    width = width or max(map(len, lists), default=0)
    padded = np.full((len(lists), width), np.inf)
    for row, values in zip(padded, lists):
        row[: min(len(values), width)] = values[:width]
    return padded


def observed(lines, peaks, tolerance=1e-6):
    """Say which lines (rows padded with infinity) are among the peaks of the same row, within a
    relative tolerance in q2.
    """
    found = np.zeros(lines.shape, dtype=bool)
    for row, line, peak in zip(found, lines, peaks):
        known = np.isfinite(line)
        at = np.searchsorted(peak, line[known] * (1 - tolerance))
        row[known] = peak[np.minimum(at, len(peak) - 1)] <= line[known] * (1 + tolerance)
        row[known] &= at < len(peak)
    return found


@dataclass(frozen=True)
class Resampler:
    """First-peak distribution and acceptance of one lattice system.

    Attributes
    ----------
    first : ndarray, shape (n_lines,)
        Probability that the first peak is line 0, 1, 2 ...
    fraction, visits : ndarray, shape (100,)
        Accepted fraction and number of lines looked at in each bin of `EDGES`.
    curves : dict of Curve
        Fitted to the fraction: "as written", "plateau 0.95", "plateau fitted".
    """

    first: np.ndarray
    fraction: np.ndarray
    visits: np.ndarray
    curves: dict

    @classmethod
    def fit(cls, lines, peaks, q2_max=np.inf):
        """Fit to training entries.

        Parameters
        ----------
        lines : sequence of array_like
            Peak list 1 of each entry: q2 of the lines that are not absent, ascending, in A^-2.
        peaks : sequence of array_like
            Peak list 2 of the same entries.
        q2_max : float
            End of the simulated patterns; lines beyond it could not have been seen and are not
            counted.

        Returns
        -------
        Resampler

        Notes
        -----
        The fraction counts what the resampling does: starting from each observed peak, every
        following line is visited until one is accepted. (The write-up's fraction, of neighbours in
        list 2 that are neighbours in list 1, falls with separation, while its curve rises.)
        """
        lines = pad(lines)
        lines[lines > q2_max] = np.inf
        seen = observed(lines, [np.asarray(peak, dtype=float) for peak in peaks])
        usable = seen.any(axis=1)
        lines = lines[usable]
        seen = seen[usable]
        first = (
            np.bincount(seen.argmax(axis=1), minlength=1) / max(len(seen), 1)
            if len(seen)
            else np.ones(1)
        )
        dq2, accepted = _visits(lines, seen)
        bins = np.clip(np.searchsorted(EDGES, dq2, side="right") - 1, 0, len(EDGES) - 2)
        visits = np.bincount(bins, minlength=len(EDGES) - 1)
        fraction = _filled(np.bincount(bins, accepted, minlength=len(EDGES) - 1), visits)
        curves = {name: _fit_curve(fraction, visits, top) for name, top in PLATEAUS.items()}
        return cls(first, fraction, visits, curves)

    @property
    def used(self):
        """Name of the curve used: as written, else with a plateau, else "binned fraction"."""
        sound = (name for name in USED if not self.curves[name].degenerate)
        return next(sound, "binned fraction")

    def acceptance(self, dq2):
        """Return the probability of accepting a line `dq2` (A^-2) beyond the last peak."""
        return self.accept_by(self.used, dq2)

    def accept_by(self, name, dq2):
        """Return the acceptance by a curve of `curves` or by the "binned fraction"."""
        if name != "binned fraction":
            return self.curves[name](dq2)
        bins = np.searchsorted(EDGES, dq2, side="right") - 1
        return self.fraction[np.clip(bins, 0, len(EDGES) - 2)]

    def draw(self, lines, rng, by=None):
        """Choose peaks.

        Parameters
        ----------
        lines : ndarray, shape (n, n_lines)
            Ascending q2 in A^-2, padded with infinity.
        rng : numpy.random.Generator
        by : str, optional
            As in `accept_by`; `used` if not given.

        Returns
        -------
        ndarray of bool, shape (n, n_lines)
        """
        by = by or self.used
        n, n_lines = lines.shape
        start = np.minimum(rng.choice(len(self.first), size=n, p=self.first), n_lines - 1)
        chosen = np.zeros(lines.shape, dtype=bool)
        last = np.full(n, np.nan)
        for column, q2 in enumerate(lines.T):
            lucky = rng.random(n) < self.accept_by(by, np.maximum(q2 - last, 0))
            accept = (column == start) | ((column > start) & lucky)
            chosen[:, column] = accept & np.isfinite(q2)
            last = np.where(chosen[:, column], q2, last)
        return chosen


def _visits(lines, seen):
    """Return separation from the peak before it, and whether it was seen, of every line after a
    row's first peak.
    """
    columns = np.arange(lines.shape[1])
    before = np.maximum.accumulate(np.where(seen, columns, -1), axis=1)[:, :-1]
    visited = (before >= 0) & np.isfinite(lines[:, 1:])
    separation = (
        lines[:, 1:][visited] - np.take_along_axis(lines, np.maximum(before, 0), axis=1)[visited]
    )
    return separation, seen[:, 1:][visited]


def _filled(accepted, visits):
    """Return the fraction per bin; an empty bin takes the nearest filled one's."""
    filled = np.flatnonzero(visits)
    if not len(filled):
        return np.ones(len(visits))
    nearest = filled[np.abs(np.arange(len(visits))[:, None] - filled).argmin(axis=1)]
    return accepted[nearest] / visits[nearest]


def _fit_curve(fraction, visits, plateau):
    """Return the `Curve` of least squares, bins weighted by their visits; a plateau of None is
    fitted. The last bin also holds what lies beyond and is left out.
    """
    inner = np.flatnonzero(visits[:-1])
    if len(inner) < 4:
        return Curve(*(np.nan,) * 4)
    centres = np.sqrt(EDGES[:-1] * EDGES[1:])[inner]
    values = fraction[inner]
    weights = visits[inner]

    def model(dq2, log_r0, log_r1, top=plateau):
        return Curve(np.exp(log_r0), np.exp(log_r1), top)(dq2)

    n = 3 if plateau is None else 2
    start = (np.log(1 / np.average(centres, weights=weights)), 0.0, 0.9)[:n]
    bounds = ((0, -6, 0)[:n], (16, 6, 1)[:n])
    best, _ = curve_fit(model, centres, values, start, 1 / np.sqrt(weights), bounds=bounds)
    misfit = np.sqrt(np.average((model(centres, *best) - values) ** 2, weights=weights))
    top = best[2] if plateau is None else plateau
    return Curve(*map(float, (*np.exp(best[:2]), top, misfit)))
