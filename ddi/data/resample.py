"""Peak resampling: which of the lines a crystal could show a pattern shows (write-up, section
2.1.5).

Along the lines that are not systematically absent, in order of q2, the first peak is drawn from how
many lines real patterns skip; every next line is then accepted with a probability rho(dq2) of its
separation from the peak accepted last.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit

EDGES = np.geomspace(1e-4, 10**-1.75, 101)
"""Edges of the hundred bins of separation, in A^-2."""

# r0 times the last edge: the curve should have come within exp(-3) = 5 % of its plateau inside the
# bins
SATURATION = 3.0
MISFIT = 0.1  # largest acceptable root-mean-square deviation of the curve from the binned fraction


def curve(dq2, r0, r1):
    """Return rho = (1 - exp(-r0 dq2))^r1 (write-up, section 2.1.5)."""
    return (-np.expm1(-r0 * np.asarray(dq2, dtype=float))) ** r1


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
    r0, r1 : float
        Of the fitted `curve`; r0 in A^2.
    misfit : float
        Root-mean-square deviation of curve and fraction, weighted by visits.
    degenerate : bool
        Then the binned fraction is used.
    """

    first: np.ndarray
    fraction: np.ndarray
    visits: np.ndarray
    r0: float
    r1: float
    misfit: float
    degenerate: bool

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
        r0, r1, _, misfit = _fit_curve(fraction, visits)
        return cls(
            first,
            fraction,
            visits,
            r0,
            r1,
            misfit,
            bool(r0 * EDGES[-1] < SATURATION or not misfit <= MISFIT),
        )

    def with_plateau(self):
        """Return r0 (A^2), r1, plateau and misfit of plateau * `curve`, which allows for lines too
        weak to be seen at any separation.
        """
        return _fit_curve(self.fraction, self.visits, plateau=True)

    def acceptance(self, dq2):
        """Return the probability of accepting a line `dq2` (A^-2) beyond the last peak."""
        if not self.degenerate:
            return curve(dq2, self.r0, self.r1)
        return self.fraction[
            np.clip(np.searchsorted(EDGES, dq2, side="right") - 1, 0, len(EDGES) - 2)
        ]

    def draw(self, lines, rng):
        """Choose peaks.

        Parameters
        ----------
        lines : ndarray, shape (n, n_lines)
            Ascending q2 in A^-2, padded with infinity.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of bool, shape (n, n_lines)
        """
        n, n_lines = lines.shape
        start = np.minimum(rng.choice(len(self.first), size=n, p=self.first), n_lines - 1)
        chosen = np.zeros(lines.shape, dtype=bool)
        last = np.full(n, np.nan)
        for column, q2 in enumerate(lines.T):
            accept = (column == start) | (
                (column > start) & (rng.random(n) < self.acceptance(np.maximum(q2 - last, 0)))
            )
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


def _fit_curve(fraction, visits, plateau=False):
    """Return r0, r1, plateau and misfit, bins weighted by their visits; the last bin also holds
    what lies beyond and is left out.
    """
    inner = np.flatnonzero(visits[:-1])
    if len(inner) < 4:
        return (np.nan,) * 4
    centres = np.sqrt(EDGES[:-1] * EDGES[1:])[inner]
    values = fraction[inner]
    weights = visits[inner]

    def model(dq2, log_r0, log_r1, top=1.0):
        return top * curve(dq2, np.exp(log_r0), np.exp(log_r1))

    n = 3 if plateau else 2
    start = (np.log(1 / np.average(centres, weights=weights)), 0.0, 0.9)[:n]
    bounds = ((0, -6, 0)[:n], (16, 6, 1)[:n])
    best, _ = curve_fit(model, centres, values, start, 1 / np.sqrt(weights), bounds=bounds)
    misfit = np.sqrt(np.average((model(centres, *best) - values) ** 2, weights=weights))
    return (
        float(np.exp(best[0])),
        float(np.exp(best[1])),
        float(best[2]) if plateau else 1.0,
        float(misfit),
    )
