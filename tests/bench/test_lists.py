"""Simulated peak lists of the kinds that people bring."""

import numpy as np
import pytest

from ddi.bench import lists
from ddi.forward import bragg, lattice
from ddi.forward import lines as lattice_lines

CELL = np.array([7.1, 9.3, 11.2, 90.0, 90.0, 90.0])


@pytest.fixture
def crystal():
    q2 = lattice_lines.distinct_lines(lattice.cell_to_x(CELL), "oP", 0.3)[1][:60]
    return lists.Crystal("x", "oP", CELL, "P", q2, np.ones(len(q2)))


@pytest.mark.parametrize("kind", lists.KINDS)
def test_a_list_is_as_its_kind_says(crystal, kind):
    how = lists.KINDS[kind]
    for seed in range(5):
        if (made := lists.simulated(crystal, kind, seed)) is None:
            continue
        values, intensity, zero = made
        assert len(values) == len(intensity) <= how.n_peaks[1]
        assert (np.diff(values) > 0).all()
        np.testing.assert_allclose(values, values.round(how.decimals), atol=1e-12)
        again = lists.simulated(crystal, kind, seed)
        assert all(np.array_equal(one, other) for one, other in zip(made, again))


def test_errors_and_zero_shift_are_those_of_the_kind(crystal):
    how = lists.KINDS["scale1"]
    true = bragg.two_theta(crystal.q2_1, how.wavelength)
    misses = []
    for seed in range(60):
        values, _, zero = lists.simulated(crystal, "scale1", seed)
        miss = values - zero
        miss = miss - true[np.abs(miss[:, None] - true).argmin(axis=1)]
        misses.append(miss[np.abs(miss) < 0.04])
    assert np.std(np.concatenate(misses)) == pytest.approx(how.error, rel=0.25)


def test_absent_lists_have_no_lattice(crystal):
    true = bragg.two_theta(crystal.q2_1, lists.CU)
    seen = []
    for seed in range(20):
        values, _, zero = lists.simulated(crystal, "absent", seed)
        seen.append(np.mean(np.abs(values[:, None] - zero - true).min(axis=1) < 0.05))
    assert np.mean(seen) < 0.5
