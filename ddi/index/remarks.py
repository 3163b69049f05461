"""What is to be said of a result besides its cells."""

from dataclasses import replace

import numpy as np

from ddi.index import lamellar, partners
from ddi.index.comparison import cell_of, nominal
from ddi.index.constants import LAMELLAR, RANKING, REMARKS, SEARCH
from ddi.index.observed import prepare

NORMAL_QUARTILE = 0.6745  # standard deviations within which half of normal errors lie


def with_remarks(result, contents=None):
    """Return a `ddi.index.result.Result` with what its list and its first cell imply.

    A one-dimensional list leaves no cell likely. Of a cell, the lattices with the same lines are
    named, and what a formula makes of its volume.

    Parameters
    ----------
    result : ddi.index.result.Result
    contents : ddi.index.contents.Contents, optional
        Of the formula that the user gave.
    """
    one = one_length(result.peaks)
    if one is not None:
        most = LAMELLAR.most_likely
        rows = [row.but(probability=min(row.probability, most)) for row in result.rows]
        return replace(result, rows=rows, one_length=one)
    if not result.rows:
        return result
    first = result.rows[0]
    notes = [contents.said(float(first.volume))] if contents is not None else []
    found = partners.partners(first.bravais, cell_of(first), float(result.peaks.q2[-1]))
    notes += removed_shift(result)
    notes += partners.said(found, result.peaks.wavelength) if result.convinces else []
    notes += scatter(result) if result.convinces else []
    return with_later_peaks(replace(result, notes=tuple(notes)))


def scatter(result):
    """Return a sentence, in a list, with the error of the positions that the first cell implies;
    none for calculated positions.
    """
    lines = result.lines(1)
    name, unit = ("two_theta_diff", "degrees") if result.peaks.wavelength else ("d_diff", "A")
    miss = np.abs(lines[name][: SEARCH.max_verify])
    error = np.median(miss) / NORMAL_QUARTILE
    if error < REMARKS.exact:
        return []
    return [f"The positions scatter by {error:.2g} {unit} about the lines of this cell."]


def removed_shift(result):
    """Return a sentence, in a list, where a zero shift was taken off spacings whose wavelength is
    not known.
    """
    shift = result.rows[0].zero_shift
    if result.peaks.wavelength or not abs(shift) >= REMARKS.least_shift:
        return []
    measured = f"as if measured at {nominal(result.peaks):.4f} A"
    return [f"The spacings were read {measured}, a zero shift of {shift:+.2f} degrees taken off."]


def with_later_peaks(result):
    """Return a result whose first cell is no longer likely if it explains too few of the peaks that
    come after those that search and verify.
    """
    later = result.lines(1)["indexed"][SEARCH.max_verify :]
    if len(later) < REMARKS.least_later or later.mean() > REMARKS.explained:
        return result
    first, *others = result.rows
    first = first.but(probability=min(first.probability, RANKING.most_doubtful))
    said = f"It explains {later.sum()} of the {len(later)} peaks after the first"
    note = f"{said} {SEARCH.max_verify}, too few to be likely."
    return replace(result, rows=[first, *others], notes=(*result.notes, note))


def one_length(peaks):
    """Return the `ddi.index.lamellar.OneLength` of `ddi.index.peaks.Peaks`, or None."""
    return lamellar.find(prepare(peaks.q2, peaks.sigma_q2, None, peaks.wavelength))
