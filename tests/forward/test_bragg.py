"""Bragg's law, its derivative, and errors through it."""

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.forward import bragg

ANGLES = np.linspace(1.0, 170.0, 40)


def test_angle_and_back():
    for wavelength in (0.7, bragg.CU_KALPHA1, 2.29):
        q2 = bragg.q2_of(ANGLES, wavelength)
        assert bragg.two_theta(q2, wavelength) == pytest.approx(ANGLES, rel=1e-10)
    assert np.isnan(bragg.two_theta(10.0, bragg.CU_KALPHA1))
    q2 = bragg.q2_of(ANGLES, bragg.wavelength_reaching(9.0))
    assert np.isfinite(bragg.two_theta(9.0, bragg.wavelength_reaching(9.0))) and (q2 > 0).all()


def test_slope_against_finite_differences():
    step = 1e-5
    either = (bragg.q2_of(ANGLES + sign * step, 1.54) for sign in (1, -1))
    above, below = either
    slope = bragg.q2_slope(bragg.q2_of(ANGLES, 1.54), 1.54)
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6)


def test_an_error_of_the_angle_is_one_of_q2():
    q2 = bragg.q2_of(np.array([20.0, 60.0, 90.0]), bragg.CU_KALPHA1)
    rng = np.random.default_rng(0)
    angles = bragg.two_theta(q2, bragg.CU_KALPHA1) + 0.02 * rng.standard_normal((20000, 3))
    scatter = bragg.q2_of(angles, bragg.CU_KALPHA1).std(axis=0)
    assert bragg.sigma_q2(q2, 0.02) == pytest.approx(scatter, rel=0.02)
    assert (bragg.sigma_q2(np.array([1e-6, 1.0, 5.0]), 0.02) > 0).all()


def test_tubes():
    for tube in bragg.ANODES:
        assert tube.beta < tube.alpha1 < tube.mean < tube.alpha2
        assert bragg.anode(tube.alpha1) is bragg.anode(round(tube.mean, 4)) is tube
        assert bragg.alpha1_wavelength(tube.mean) == tube.alpha1
    assert bragg.anode(1.3) is None and bragg.alpha1_wavelength(1.3) == 1.3


def test_a_line_moves_with_its_wavelength():
    ratio = bragg.ANODES[0].alpha2 / bragg.CU_KALPHA1
    moved = bragg.moved(40.0, ratio)
    assert bragg.q2_of(moved, bragg.ANODES[0].alpha2) == pytest.approx(
        bragg.q2_of(40.0, bragg.CU_KALPHA1)
    )
    assert np.isnan(bragg.moved(179.0, 1.1))


@pytest.mark.parametrize("given", [[0.1, -0.2], [0.1, np.nan], [[0.1, 0.2]], [0.1]])
def test_what_is_no_pattern_is_refused(given):
    with pytest.raises(DDIError, match="values of q2; expected a list of at least 2 positive"):
        bragg.as_q2(given, 2)
