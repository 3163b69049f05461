"""Cells with one long axis, from the rows of their lines.

Where one axis c is long, the lines with the same (h, k) form a row that begins at some P and goes
on as ``q2 = P + u (l + delta)^2`` with u = c*^2, and P and delta are a quadratic and a linear form
in (h, k). So u comes from the orders of one line, each row from two peaks, and a cell from two rows
and one more peak: a few ten thousand candidates, where templates, which look at the first peaks
only, see orders of one line and little else.
"""

from typing import NamedTuple

import numpy as np

from ddi.forward import lattice
from ddi.forward.chance import error_density, log_odds
from ddi.forward.lines import KINDS
from ddi.index import screening
from ddi.index.constants import SEARCH, ZONES


class Series(NamedTuple):
    """The orders of one line: u in A^-2, the zero shift in degrees 2theta at which they fit best,
    and their gain in log units.
    """

    unit: float
    zero: float
    gain: float


class Rows(NamedTuple):
    """Rows of lines, best first, shape (n,) each: where they begin in A^-2, and their offset
    between 0 and 1/2.
    """

    start: np.ndarray
    offset: np.ndarray


def candidates(peaks, bravais, zero, thorough=False):
    """Return x (n, 6) and zero shifts (n,) of the best cells with one long axis; none where no line
    has enough orders or the lattice is none of those that templates miss.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    bravais : str
    zero : ddi.index.observed.Zero
    thorough : bool
        Whether a series that may be chance counts.
    """
    least = ZONES.least_gain if thorough else ZONES.sure_gain
    found = [(np.empty((0, 6)), np.empty(0))]
    if bravais in _CELLS:
        for series in all_series(peaks, zero, least):
            x = _cells_of(series, peaks, bravais)
            found.append((x, np.full(len(x), series.zero)))
    return tuple(np.concatenate(part) for part in zip(*found))


def all_series(peaks, zero, least_gain=ZONES.least_gain):
    """Return the likeliest `Series`, at most `ZONES.n_series`, the best first, each more than
    `least_gain` log units better than chance.
    """
    sigma = _sigma(peaks)
    found = []
    orders = np.arange(1, ZONES.highest_first + 1) ** 2
    for trial in zero.trials:
        q2 = peaks.q2 - trial * peaks.slope
        units = (q2[: ZONES.first, None] / orders).ravel()
        rough = [_gain(unit, q2, 2 * sigma) for unit in units]
        for unit in units[np.argsort(rough)[-ZONES.n_adjusted :]]:
            unit, shift = _adjusted(unit, trial, peaks, sigma, zero)
            gain = _gain(unit, peaks.q2 - shift * peaks.slope, sigma)
            found.append(Series(unit, shift, gain))
    kept = []
    for series in sorted(found, key=lambda series: -series.gain):
        apart = [abs(np.log(series.unit / other.unit)) for other in kept]
        if series.gain > least_gain and min(apart, default=1) > ZONES.same_unit:
            kept.append(series)
    return kept[: ZONES.n_series]


def _sigma(peaks):
    return np.maximum(peaks.sigma, ZONES.sigma * peaks.fineness * peaks.slope)


def _adjusted(unit, shift, peaks, sigma, zero):
    """The unit and the zero shift by least squares over the peaks that are orders of it."""
    for _ in range(3):
        q2 = peaks.q2 - shift * peaks.slope
        order = np.rint(np.sqrt(np.maximum(q2, 0) / unit))
        near = (np.abs(q2 - order**2 * unit) < 3 * sigma) & (order > 0)
        design = np.column_stack([order**2, peaks.slope])[near] / sigma[near, None]
        prior = np.diag([0.0, zero.sigma**-2])
        right = design.T @ (peaks.q2[near] / sigma[near]) + prior @ [0.0, zero.mean]
        if near.sum() > 1:
            unit, shift = np.linalg.solve(design.T @ design + prior, right).tolist()
    return unit, shift


def _gain(unit, q2, sigma):
    """That of the orders of one line, which are a row that begins at zero."""
    return float(_gains(np.zeros(1), np.zeros(1), unit, q2, sigma)[0])


def _gains(start, offset, unit, q2, sigma):
    """How much better than chance rows explain the peaks beyond their start, log units, (n,)."""
    beyond = q2 - start[:, None]
    root = np.sqrt(np.maximum(beyond, 1e-12) / unit)
    offset = offset[:, None]
    misses = []
    for sign in (1, -1):
        order = np.rint(root - sign * offset) + sign * offset
        misses.append(np.abs(beyond - unit * order**2))
    both = np.where((offset < 1e-6) | (offset > 0.5 - 1e-6), 1.0, 2.0)
    density = both / (2 * np.maximum(root, 0.5) * unit)
    worth = error_density(np.minimum(*misses), sigma) / density
    return np.where(beyond > -3 * sigma, log_odds(worth, ZONES.others), 0.0).sum(axis=1)


def rows_of(unit, q2, sigma, straight=False):
    """Return the likeliest `Rows` of lines with a given unit: those through one peak that have the
    offset 0 or, unless they must be straight, 1/2, and those through each two peaks.
    """
    order = np.arange(int(np.sqrt(q2[-1] / unit)) + 2)
    starts = [(q2[:, None] - unit * order**2).ravel()]
    offsets = [np.zeros(starts[0].size)]
    if not straight:
        starts.append((q2[:, None] - unit * (order + 0.5) ** 2).ravel())
        offsets.append(np.full(starts[1].size, 0.5))
        i, j = np.triu_indices(len(q2), 1)
        for step in range(1, 2 * len(order)):
            place = ((q2[j] - q2[i]) / (unit * step) - step) / 2  # order and offset of the first
            starts.append(q2[i] - unit * place**2)
            offsets.append(np.abs(place - np.rint(place)))
    start = np.concatenate(starts)
    offset = np.concatenate(offsets)
    good = (start > ZONES.least_start * unit) & (start < q2[-1])
    start = start[good]
    offset = offset[good]
    gains = _gains(start, offset, unit, q2, sigma)
    best = np.argsort(-gains, kind="stable")[: 20 * ZONES.n_rows]
    marks = np.column_stack([start[best] / (2 * np.median(sigma)), offset[best] / 0.03]).round()
    first = np.sort(np.unique(marks, axis=0, return_index=True)[1])[: ZONES.n_rows]
    return Rows(start[best][first], offset[best][first])


def _triclinic(unit, q2, sigma):
    """Two rows, one of them perhaps twice, and one more peak on the row of their sum."""
    return _combined(unit, rows_of(unit, q2, sigma), q2)


def _combined(unit, rows, q2):
    i, j = np.triu_indices(len(rows.start))
    order = np.arange(int(np.sqrt(q2[-1] / unit)) + 2)
    found = []
    for sign in (1.0, -1.0):
        p, q = rows.start[i], rows.start[j]
        delta = rows.offset[j] * sign
        offset = np.abs(rows.offset[i] + delta)
        beyond = np.concatenate([order[:, None] + offset, order[:, None] - offset])
        both = q2[:, None, None] - unit * beyond**2
        both = both.reshape(len(q2) * len(beyond), len(i))
        cross = both - p - q
        peak, pair = np.nonzero(np.abs(cross) <= np.minimum(p, q) * 1.02)
        one, two = rows.offset[i][pair], delta[pair]
        x = np.empty((len(pair), 6))
        x[:, 0] = p[pair] + unit * one**2
        x[:, 1] = q[pair] + unit * two**2
        x[:, 2] = unit
        x[:, 3] = 2 * unit * two
        x[:, 4] = 2 * unit * one
        x[:, 5] = cross[peak, pair] + 2 * unit * one * two
        found.append(x)
    return np.concatenate(found)


def _monoclinic(unit, q2, sigma):
    """The long axis is c, with any row and one of offset 0, or b, with two rows of offset 0 and one
    more peak.
    """
    rows = rows_of(unit, q2, sigma)
    straight = rows_of(unit, q2, sigma, straight=True)
    i, j = np.indices((len(rows.start), len(straight.start))).reshape(2, -1)
    along_c = np.zeros((len(i), 6))
    along_c[:, 0] = rows.start[i] + unit * rows.offset[i] ** 2
    along_c[:, 1] = straight.start[j]
    along_c[:, 2] = unit
    along_c[:, 4] = 2 * unit * rows.offset[i]
    along_b = _combined(unit, straight, q2)[:, [0, 2, 1, 3, 5, 4]]
    return np.concatenate([along_c, along_b])


_CELLS = {"aP": _triclinic, "mP": _monoclinic}


def _cells_of(series, peaks, bravais):
    """The best cells of one series, screened against all peaks."""
    sigma = _sigma(peaks)
    q2 = peaks.q2 - series.zero * peaks.slope
    x = _CELLS[bravais](series.unit, q2, sigma)
    x = x[lattice.is_positive(x)]
    kind = KINDS[bravais]
    volumes = SEARCH.min_volume, SEARCH.max_volume
    scores = screening.screen(x, q2, sigma, kind, volumes, SEARCH.screen_lines)
    best = np.argsort(-scores, kind="stable")[: ZONES.n_kept]
    return x[best[scores[best] > 0]]
