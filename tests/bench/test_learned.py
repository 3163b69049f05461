"""Joint assignment of spoilt cells as the benchmark of learned generators uses it."""

import numpy as np

from ddi.bench import learned
from ddi.forward import bragg, lattice, lines
from ddi.index import search

CU = 1.540593
CELL = np.array([7.1, 9.3, 5.6, 90, 103, 90])


def spoilt_peaks(rng):
    q2 = lines.distinct_lines(lattice.cell_to_x(CELL), "mP", 0.4)[1]
    q2 = q2[rng.random(len(q2)) < 0.85][:22]
    angles = bragg.two_theta(q2, CU) + 0.02 + 0.005 * rng.standard_normal(len(q2))
    return search.prepare(bragg.q2_of(np.sort(angles), CU), wavelength=CU)


def test_joint_assignment_leads_cells_three_per_cent_off_to_the_right_one():
    rng = np.random.default_rng(0)
    peaks = spoilt_peaks(rng)
    zero = search.Zero().within(peaks)
    error = learned.ERROR * rng.uniform(-1, 1, (10, 4))
    cells = np.tile(CELL, (10, 1))
    cells[:, :3] *= 1 + error[:, :3]
    cells[:, 4] += np.degrees(error[:, 3])
    x = lattice.cell_to_x(cells)
    arrived = learned.refined(learned.joined(x, peaks, "mP", zero), peaks, "mP", zero)
    right = [learned.is_among(each[None], "mP", CELL, "P") for each in arrived]
    alone = learned.refined(x, peaks, "mP", zero)
    by_refinement = [learned.is_among(each[None], "mP", CELL, "P") for each in alone]
    assert sum(right) >= 8 > sum(by_refinement)


def test_a_cell_is_right_as_a_lattice_and_not_by_its_axes():
    turned = np.array([[5.6, 9.3, 7.1, 90, 103, 90], [7.1, 9.3, 5.8, 90, 103, 90]])
    x = lattice.cell_to_x(turned)
    assert learned.is_among(x, "mP", CELL, "P")
    assert not learned.is_among(x[1:], "mP", CELL, "P")


def test_slopes_are_those_of_finite_differences():
    x = lattice.cell_to_x(CELL)
    slope = learned._slope(x)
    assert np.allclose(slope[0, 0], -2 * x[0], rtol=1e-3)
    assert np.allclose(slope[1, 1], -2 * x[1], rtol=1e-3)
