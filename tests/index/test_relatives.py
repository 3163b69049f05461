"""Sub- and supercells of the first candidate that explain the peaks better."""

import numpy as np
import pytest

from ddi.forward import bragg, lattice, lines, relations
from ddi.index import ranking, relatives
from ddi.index.candidates import Candidate
from ddi.index.observed import Zero, prepare

CU = 1.540593
LONG = {
    "hP": [4.4, 4.4, 51.2, 90, 90, 120],
    "tP": [5.1, 5.1, 47.3, 90, 90, 90],
}


def peaks_of(cell, bravais, error=0.02, seed=0):
    """The first thirty lines that are seen of a lattice, with errors in degrees 2theta."""
    rng = np.random.default_rng(seed)
    _, q2 = lines.distinct_lines(lattice.cell_to_x(np.array(cell, dtype=float)), bravais, 0.4)
    q2 = q2[rng.random(len(q2)) > 0.15][:30]
    angle = bragg.two_theta(q2, CU)
    angle = np.sort(angle + error * rng.standard_normal(len(angle)))
    return prepare(bragg.q2_of(angle, CU), wavelength=CU)


@pytest.mark.parametrize("bravais", LONG)
def test_a_cell_doubled_along_a_and_b_is_halved_again(bravais):
    cell = np.array(LONG[bravais], dtype=float)
    peaks = peaks_of(cell, bravais)
    doubled = lattice.cell_to_x(cell * [2, 2, 2, 1, 1, 1])
    first = ranking.judged(peaks, Candidate(bravais, doubled, 0.0, 0.0, "templates"))
    best = relatives.climb(peaks, [first], Zero(), (bravais,))[0]
    assert best.bravais == bravais
    assert relations.same_lattice(best.cell, cell)


def test_a_right_cell_is_not_halved():
    peaks = peaks_of(LONG["tP"], "tP")
    x = lattice.cell_to_x(np.array(LONG["tP"], dtype=float))
    first = ranking.judged(peaks, Candidate("tP", x, 0.0, 0.0, "templates"))
    best = relatives.climb(peaks, [first], Zero())[0]
    assert relations.same_lattice(best.cell, LONG["tP"])
