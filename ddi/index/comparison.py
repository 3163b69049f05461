"""Calculated lines beside observed peaks, as a result shows them."""

import gemmi
import numpy as np

from ddi.forward import lattice
from ddi.forward.bragg import q2_of, two_theta
from ddi.index.constants import RANKING
from ddi.index.observed import prepare
from ddi.index.show import CELL_COLUMNS


def calculated_lines(cell, bravais, q2_max):
    """Return the distinct q2 (n,) in A^-2 of a lattice's lines up to `q2_max`, and an index (n, 3)
    for each, the simplest one.
    """
    letter = "R 3:H" if bravais == "hR" else f"{bravais[1]} 1"
    unit_cell = gemmi.UnitCell(*map(float, cell))
    hkl = gemmi.make_miller_array(unit_cell, gemmi.SpaceGroup("P 1"), 1 / np.sqrt(q2_max), 0, True)
    hkl = hkl[
        ~np.asarray(gemmi.SpaceGroup(letter).operations().systematic_absences(hkl), dtype=bool)
    ]
    q2 = lattice.q2(hkl, np.asarray(cell, dtype=float))
    order = np.lexsort((*-np.sign(hkl.T), -hkl[:, 0], np.round(q2 / q2_max, 7)))
    _, first = np.unique(np.round(q2[order] / q2_max, 7), return_index=True)
    return q2[order][first], hkl[order][first]


def corrected(peaks, zero_shift):
    """Observed q2 with the zero shift (degrees 2theta) taken off."""
    if not peaks.wavelength or not np.isfinite(zero_shift) or zero_shift == 0:
        return peaks.q2
    return q2_of(two_theta(peaks.q2, peaks.wavelength) - zero_shift, peaks.wavelength)


def tolerance(peaks):
    """What a line may miss its peak by, in A^-2, shape (n_peaks,): the search's own rule."""
    sigma = prepare(peaks.q2, peaks.sigma_q2, None, peaks.wavelength, len(peaks)).sigma
    return RANKING.indexed_sigmas * sigma


def cell_of(row):
    """Return the six cell parameters of a row of `Result.cells`."""
    return np.array([row[name] for name in CELL_COLUMNS], dtype=float)
