"""Figures of merit against hand sums."""

import numpy as np
import pytest

from ddi.forward import bragg, fom


def test_m20_by_hand():
    lines = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    obs = np.array([1.01, 2.98, 4.0])
    assert fom.m20(obs, lines, n=3) == pytest.approx(4.0 / (2 * 0.01 * 4))
    padded = np.array([lines, [1.0, 3.0, 4.0, np.nan, np.inf]])
    assert fom.m20(obs, padded, n=3) == pytest.approx([4.0 / (2 * 0.01 * 4), 4.0 / (2 * 0.01 * 3)])


def test_equal_lines_count_once():
    assert fom.m20([1.0, 2.001], [1.0, 1.0, 2.0]) == pytest.approx(
        fom.m20([1.0, 2.001], [1.0, 2.0])
    )


def test_f_n_by_hand():
    wavelength = 1.540593
    angles = np.array([10.0, 20.0, 30.0, 40.0])
    lines = bragg.q2_of(angles, wavelength)
    obs = bragg.q2_of(angles[[0, 1, 3]] + [0.01, -0.02, 0.03], wavelength)
    assert fom.f_n(obs, lines, wavelength) == pytest.approx(3 / (0.02 * 4))
    assert np.isnan(bragg.two_theta(10.0, wavelength))
