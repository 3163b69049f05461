"""Rows of lines with one long axis: their unit, where they begin, and the cells made of them."""

import numpy as np
import pytest

from ddi.forward import bragg, lattice, lines, relations
from ddi.index import zones
from ddi.index.observed import Zero, prepare
from ddi.models.template_axes import reciprocally_reduced

CU = 1.540593
CELLS = {
    "mP": [8.7, 39.5, 7.0, 90, 102.5, 90],
    "aP": [6.4, 25.4, 4.7, 91.7, 101.5, 114.4],
}


def peaks_of(cell, bravais, n=30, shift=0.03):
    _, q2 = lines.distinct_lines(lattice.cell_to_x(np.array(cell, dtype=float)), bravais, 0.4)
    q2 = q2[np.diff(q2, prepend=0.0) > 1e-6 * q2][:n]
    return prepare(bragg.q2_of(bragg.two_theta(q2, CU) + shift, CU), wavelength=CU)


def shortest(cell):
    """q2 of the first order along the longest axis."""
    return float(lattice.cell_to_x(reciprocally_reduced(np.array(cell, dtype=float)))[:3].min())


@pytest.mark.parametrize("bravais", CELLS)
def test_unit_and_zero_shift_follow_from_the_orders(bravais):
    first = zones.all_series(peaks_of(CELLS[bravais], bravais), Zero())[0]
    assert first.unit == pytest.approx(shortest(CELLS[bravais]), rel=3e-3)
    assert abs(first.zero - 0.03) < 0.03


def test_a_row_is_found_through_two_peaks():
    unit = 6e-4
    order = np.arange(-6, 7)
    row = np.sort(0.02 + unit * (order + 0.2) ** 2)
    others = np.random.default_rng(0).uniform(0.02, 0.05, 8)
    q2 = np.sort(np.concatenate([row, others]))
    rows = zones.rows_of(unit, q2, np.full(len(q2), 1e-5))
    assert rows.start[0] == pytest.approx(0.02, abs=2e-5)
    assert rows.offset[0] == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("bravais", CELLS)
def test_cells_of_rows_hold_the_right_one(bravais):
    peaks = peaks_of(CELLS[bravais], bravais)
    x, shifts = zones.candidates(peaks, bravais, Zero(), thorough=True)
    assert len(x) == len(shifts) > 0
    found = (relations.same_lattice(cell, CELLS[bravais]) for cell in lattice.x_to_cell(x))
    assert any(found)


def test_no_rows_where_no_line_has_orders():
    peaks = peaks_of([5.1, 6.2, 7.3, 90, 101, 90], "mP")
    x, shifts = zones.candidates(peaks, "mP", Zero())
    assert x.shape == (0, 6) and shifts.shape == (0,)
    assert len(zones.candidates(peaks, "cF", Zero(), thorough=True)[0]) == 0


def test_wide_zero_shifts_stay_on_the_near_side_of_the_beam():
    first = bragg.q2_of(np.array([0.5, 0.7, 0.9, 1.1]), CU)
    wide = Zero.wide().within(prepare(first, wavelength=CU))
    assert max(abs(shift) for shift in wide.trials) < 0.25 and wide.sigma < 0.1
    far = prepare(bragg.q2_of(np.array([20.0, 30.0, 40.0, 50.0]), CU), wavelength=CU)
    assert Zero().within(far) == Zero() and Zero.known(0.4).within(far) == Zero.known(0.4)
