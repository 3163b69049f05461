"""Peaks are lost, added and moved as often and as far as asked."""

import numpy as np
import pytest

from ddi.forward import bragg, noise

Q2 = np.linspace(0.02, 0.5, 40)
WAVELENGTH = bragg.CU_KALPHA1


def test_the_share_lost_is_the_share_asked_for():
    rng = np.random.default_rng(0)
    lost = np.mean([(~noise.kept(40, 0.1, rng)).mean() for _ in range(500)])
    assert lost == pytest.approx(0.1, abs=4 * np.sqrt(0.1 * 0.9 / 20000))


def test_a_shift_is_a_shift_in_two_theta_and_back():
    there = noise.moved(Q2, 0.05, WAVELENGTH)
    angles = bragg.two_theta(there, WAVELENGTH) - bragg.two_theta(Q2, WAVELENGTH)
    np.testing.assert_allclose(angles, 0.05, atol=1e-10)
    np.testing.assert_allclose(noise.moved(there, -0.05, WAVELENGTH), Q2, rtol=1e-12)
    assert np.isfinite(noise.moved([1e-9, 2.0], [-1.0, 200.0], WAVELENGTH)).all()


def test_an_unspoilt_pattern_is_itself():
    same = noise.spoil(Q2, 20, np.random.default_rng(0), missing=0, spurious=0, zero=0)
    np.testing.assert_allclose(same, Q2[:20], rtol=1e-12)


def test_foreign_peaks_push_the_last_ones_out():
    rng = np.random.default_rng(1)
    spoilt = noise.spoil(Q2, 20, rng, missing=0, spurious=0.5, zero=0)
    own = np.isclose(spoilt[:, None], Q2, rtol=1e-9).any(axis=1)
    assert len(spoilt) == 20 and 3 < (~own).sum() < 18 and (np.diff(spoilt) > 0).all()


def test_too_few_lines_left_give_none():
    assert noise.spoil(Q2[:20], 20, np.random.default_rng(0), missing=0.9) is None
