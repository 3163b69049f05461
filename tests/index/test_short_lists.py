"""Lists of a few peaks: what their length says, and positions written with few decimals."""

import numpy as np
import pytest

from ddi.forward import bragg
from ddi.forward.lattice import BRAVAIS
from ddi.index import short_lists
from ddi.index.api import index_peaks
from ddi.index.observed import prepare
from ddi.index.short_lists import SHORT

CU = 1.540593
FCC = np.array([3, 4, 8, 11, 12, 16, 19, 20])
BCC = np.array([2, 4, 6, 8, 10, 12, 14, 16])


def angles(sums, a, zero=0.03):
    return bragg.two_theta(sums / a**2, CU) + zero


@pytest.mark.parametrize("n", [4, 5])
@pytest.mark.parametrize("sums, a, bravais", [(FCC, 3.5238, "cF"), (FCC, 4.0495, "cF"),
                                              (BCC, 3.1652, "cI")])  # fmt: skip
def test_four_lines_of_a_metal_are_enough(n, sums, a, bravais):
    found = index_peaks(np.round(angles(sums[:n], a), 3), unit="2theta", wavelength=CU)
    first = found.rows[0]
    assert first.bravais == bravais and abs(first.volume / a**3 - 1) < 0.01


@pytest.mark.parametrize("sums, a, bravais", [(FCC, 4.0495, "cF"), (BCC, 3.1652, "cI")])
def test_rough_lines_of_a_simple_metal_are_not_taken_for_a_distorted_one(sums, a, bravais):
    errors = np.array([0.05, -0.06, 0.02, 0.07, -0.05, 0.04, -0.03])
    rough = np.round(angles(sums[:7], a) + errors, 1)
    assert index_peaks(rough, unit="2theta", wavelength=CU).rows[0].bravais == bravais


def test_share_of_a_lattice_is_that_of_its_system_in_the_table():
    q2 = np.linspace(0.1, 0.75, 6)
    counts = short_lists.table()["counts"][-1]
    told = short_lists.of_list(q2)
    cubic = counts["cP"] + counts["cI"] + counts["cF"]
    expected = np.log((counts["hP"] + SHORT.unseen) / (cubic + SHORT.unseen))
    assert told["cF"][0] == told["cI"][0] == 0 and told["hP"][0] == pytest.approx(expected)
    assert set(told) == set(BRAVAIS)
    small, large = short_lists.log_ratio(told, "hP", np.array([1.0, 100.0]))
    assert large == pytest.approx(expected) and small == pytest.approx(large - SHORT.too_small)


def test_longer_lists_and_early_ends_say_nothing():
    assert short_lists.of_list(np.linspace(0.1, 0.7, SHORT.most + 1)) is None
    assert short_lists.of_list(np.linspace(0.001, 0.05, 6)) is None
    stated = prepare(np.linspace(0.1, 0.7, 6), 1e-4)
    assert stated.shares is None and prepare(np.linspace(0.1, 0.7, 6)).shares is not None


def test_spacings_of_two_decimals_err_by_their_rounding():
    d = np.array([4.69, 2.73, 2.35, 1.77, 1.59, 1.38])
    written, exact = (prepare(1 / one**2) for one in (d, d + 1e-4 * np.pi))
    expected = 2 / d**3 * 0.01 / np.sqrt(12)
    assert written.sigma == pytest.approx(np.maximum(expected, exact.sigma), rel=1e-2)
    assert (written.sigma > 1.5 * exact.sigma).any() and written.coarse


def test_angles_of_one_decimal_err_by_their_rounding_and_stated_errors_stand():
    angle = np.array([38.5, 44.7, 65.1, 78.2, 82.4, 99.1])
    q2 = bragg.q2_of(angle, CU)
    found = prepare(q2, wavelength=CU)
    assert found.sigma / found.slope == pytest.approx(np.full(6, 0.1 / np.sqrt(12)))
    assert prepare(q2, 1e-5, wavelength=CU).sigma == pytest.approx(np.full(6, 1e-5))
