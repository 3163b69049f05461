"""Observed peaks, calculated lines, and the ones beside the others, as a result shows them."""

from dataclasses import replace
from typing import NamedTuple

import gemmi
import numpy as np

from ddi.forward import lattice
from ddi.forward.bragg import q2_of, two_theta, wavelength_reaching
from ddi.forward.lines import nearest_line
from ddi.index.constants import RANKING
from ddi.index.observed import prepare
from ddi.index.show import CELL_COLUMNS


def present(cell, group, q2_max):
    """Return the indices (n, 3) and q2 (n,) in A^-2 of all lines of a cell up to `q2_max` that a
    `gemmi.SpaceGroup` allows: in no order, equivalent ones apart, -h -k -l not beside h k l.
    """
    hkl = gemmi.make_miller_array(
        gemmi.UnitCell(*map(float, cell)), gemmi.SpaceGroup("P 1"), 1 / np.sqrt(q2_max), 0, True
    )
    hkl = hkl[~np.asarray(group.operations().systematic_absences(hkl), dtype=bool)]
    return hkl, lattice.q2(hkl, np.asarray(cell, dtype=float))


def calculated_lines(cell, bravais, q2_max):
    """Return the distinct q2 (n,) in A^-2 of a lattice's lines up to `q2_max`, and an index (n, 3)
    for each, the simplest one.
    """
    group = gemmi.SpaceGroup("R 3:H" if bravais == "hR" else f"{bravais[1]} 1")
    hkl, q2 = present(cell, group, q2_max)
    order = np.lexsort((*-np.sign(hkl.T), -hkl[:, 0], np.round(q2 / q2_max, 7)))
    _, first = np.unique(np.round(q2[order] / q2_max, 7), return_index=True)
    return q2[order][first], hkl[order][first]


def heights(peaks):
    """Return the intensities of peaks, shape (n,); ones where none are known."""
    return np.ones(len(peaks)) if peaks.intensity is None else peaks.intensity


def chosen(peaks, which, **changes):
    """Return the `ddi.index.peaks.Peaks` that a mask or a slice chooses, with other changes."""
    listed = {name: getattr(peaks, name) for name in ("q2", "sigma_q2", "intensity")}
    taken = {name: None if values is None else values[which] for name, values in listed.items()}
    return replace(peaks, **taken, **changes)


def without_shift(q2, wavelength, shift):
    """Return q2 (n,) in A^-2 with a zero shift in degrees 2theta taken off, if there is one; the
    wavelength is in Angstrom.
    """
    if not np.isfinite(shift) or shift == 0:
        return q2
    return q2_of(two_theta(q2, wavelength) - shift, wavelength)


def nominal(peaks):
    """Return the wavelength of peaks in A or, where none is known, that as if with which spacings
    were measured, as the search takes it.
    """
    return peaks.wavelength or wavelength_reaching(float(peaks.q2.max()))


def corrected(peaks, shift):
    """Return the q2 (n_peaks,) in A^-2 of peaks with a zero shift in degrees 2theta taken off."""
    return without_shift(peaks.q2, nominal(peaks), shift)


def positions(peaks, q2=None):
    """Return where peaks, or others of their pattern, stand: 2theta in degrees if the wavelength is
    known, else q2 in A^-2.
    """
    q2 = peaks.q2 if q2 is None else q2
    return two_theta(q2, peaks.wavelength) if peaks.wavelength else q2


def as_searched(peaks):
    """Return all peaks as `ddi.index.observed.Peaks`, without their intensities."""
    return prepare(peaks.q2, peaks.sigma_q2, None, peaks.wavelength, len(peaks))


def tolerance(peaks):
    """What a line may miss its peak by, in A^-2, shape (n_peaks,): the search's own rule."""
    return RANKING.indexed_sigmas * as_searched(peaks).sigma


class Matched(NamedTuple):
    """Each peak and the line of a cell that is nearest to it: q2 (n,) in A^-2, observed (zero shift
    taken off) and calculated, indices (n, 3), and whether it is near enough (n,).
    """

    observed: np.ndarray
    calculated: np.ndarray
    hkl: np.ndarray
    indexed: np.ndarray


def matched(peaks, row):
    """Return the `Matched` peaks of a cell, a row of `Result.cells`."""
    observed = corrected(peaks, row.zero_shift)
    q2, hkl = calculated_lines(cell_of(row), row.bravais, observed.max() * 1.1)
    nearest = nearest_line(observed, q2)
    indexed = np.abs(observed - q2[nearest]) <= tolerance(peaks)
    return Matched(observed, q2[nearest], hkl[nearest], indexed)


def cell_of(row):
    """Return the six cell parameters of a row of `Result.cells`."""
    return np.array([row[name] for name in CELL_COLUMNS], dtype=float)
