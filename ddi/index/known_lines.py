"""Lines of something that is known to be in the sample, left out before indexing."""

from dataclasses import replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import two_theta
from ddi.index import written_cells
from ddi.index.comparison import chosen, corrected, tolerance, without_shift
from ddi.index.constants import KNOWN, SEARCH
from ddi.index.peaks import FEWEST


def without(peaks, known, unit=None, wavelength=None):
    """Return `Peaks` without the lines of known substances; a warning says which were left out.

    Parameters
    ----------
    peaks : ddi.index.peaks.Peaks
    known : str or sequence of str
        Each a list of peaks (a file), a CIF, or a cell as `ddi.index.written_cells` reads it.
    unit, wavelength
        Of lists that do not say them.

    Returns
    -------
    ddi.index.peaks.Peaks

    Raises
    ------
    DDIError
        If one cannot be read, or fewer than `FEWEST` peaks are left.
    """
    for text in [known] if isinstance(known, (str, bytes)) or not np.iterable(known) else known:
        lines = lines_of(text, peaks, unit, wavelength)
        peaks = _without_lines(peaks, lines, str(text))
    return peaks


def lines_of(text, peaks, unit=None, wavelength=None):
    """Return the q2 (n_lines,) in A^-2 of one known substance up to a little beyond
    the last of `peaks`; the arguments are those of `without`.
    """
    end = 1.1 * peaks.q2[-1]
    if written_cells.is_cell(text) or str(text).lower().endswith(".cif"):
        return written_cells.read(text).lines(end)
    from ddi.index import readers

    try:
        listed = readers.read_peaks(text)
    except DDIError:  # a list that does not say its unit
        listed = readers.read_peaks(text, unit, wavelength)
    return listed.q2[listed.q2 < end]


def matched(q2, lines, tolerances):
    """Say which peaks are one of the lines: the nearest peak of each line, if near enough.

    Parameters
    ----------
    q2 : ndarray, shape (n,)
        Of the peaks, in A^-2.
    lines : ndarray, shape (m,)
    tolerances : ndarray, shape (n,)
        In A^-2.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    found = np.zeros(len(q2), dtype=bool)
    if len(lines):
        nearest = np.abs(q2[:, None] - lines).argmin(axis=0)
        found[nearest[np.abs(q2[nearest] - lines) <= tolerances[nearest]]] = True
    return found


def _without_lines(peaks, lines, name):
    tolerances = tolerance(peaks)
    shift = _common_shift(peaks, lines, tolerances)
    out = matched(corrected(peaks, shift), lines, tolerances)
    if out.sum() > len(peaks) - FEWEST:
        raise DDIError(
            f"without the lines of {name} {len(peaks) - out.sum()} of {len(peaks)} peaks are left, "
            f"of which no cell follows (at least {FEWEST} are needed); give only its strong lines, "
            "as a list of peaks"
        )
    return chosen(
        peaks,
        ~out,
        faint=_faint_without(peaks, lines, shift),
        left_out=np.append(peaks.left_out, peaks.q2[out]),
        warnings=(*peaks.warnings, _said(peaks, out, lines, tolerances, name, shift)),
    )


def from_shift(peaks, shift):
    """Return `Peaks` with a zero shift in degrees 2theta taken off, exactly: where it is half a
    degree, a search that takes it for small would miss lines by a hundredth.
    """
    faint = peaks.faint
    if faint is not None:
        faint = np.array([without_shift(faint[0], peaks.wavelength, shift), *faint[1:]])
    return replace(peaks, q2=corrected(peaks, shift), faint=faint)


def _common_shift(peaks, lines, tolerances):
    """The zero shift in degrees 2theta under which most peaks are lines; small ones preferred."""
    if not peaks.wavelength or not len(lines):
        return 0.0
    best, highest = 0.0, -np.inf
    for shift in KNOWN.shifts:
        miss = np.abs(corrected(peaks, shift)[:, None] - lines).min(axis=1)
        fit = np.exp(-0.5 * (miss / (tolerances / 3)) ** 2).sum()
        worth = fit - 0.5 * ((shift - SEARCH.zero_mean) / SEARCH.zero_sigma) ** 2
        if worth > highest:
            best, highest = shift, worth
    return best


def _faint_without(peaks, lines, shift):
    if peaks.faint is None or not len(lines):
        return peaks.faint
    q2, sigma, _ = peaks.faint
    miss = np.abs(without_shift(q2, peaks.wavelength, shift)[:, None] - lines).min(axis=1)
    return peaks.faint[:, miss > 3 * sigma]


def _said(peaks, out, lines, tolerances, name, shift):
    """The sentence that says what was left out, and how much of it may be chance."""
    if not out.any():
        return f"no peak is a line of {name}; nothing was left out"
    if peaks.wavelength:
        where = "2theta = " + ", ".join(
            f"{angle:.3f}" for angle in two_theta(peaks.q2[out], peaks.wavelength)
        )
        where += f" (zero shift {shift:+.2f} degrees)" if shift else ""
    else:
        where = "d = " + ", ".join(f"{d:.4f}" for d in peaks.d[out])
    said = f"left out as lines of {name}: {where}"
    span = peaks.q2[-1] - min(peaks.q2[0], lines[0])
    chance = float(np.minimum(2 * tolerances * len(lines) / span, 1).sum())
    if chance > 0.5 * out.sum():
        said += (
            f"; about {chance:.0f} of these {out.sum()} would be met by chance, since it has "
            f"{len(lines)} lines here: a list of its strong lines is safer"
        )
    return said
