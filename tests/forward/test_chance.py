"""The likelihood-ratio score: densities that integrate to one, bounds, and what chance is worth."""

import numpy as np
import pytest
from numba import njit
from scipy import stats

from ddi.forward.chance import SCORE, error_density, line_density, log_odds

GRID = np.linspace(-1, 1, 200001)


def test_the_error_is_a_mixture_of_two_normal_curves():
    expected = 0.85 * stats.norm.pdf(GRID, scale=0.02) + 0.15 * stats.norm.pdf(GRID, scale=0.06)
    assert error_density(GRID, 0.02) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_the_density_counts_the_lines():
    q2 = np.linspace(0, 0.2, 20001)
    assert np.trapezoid(line_density(40, q2, 0.2), q2) == pytest.approx(40, rel=1e-4)
    assert line_density(80, 0.1, 0.2) == pytest.approx(2 * line_density(40, 0.1, 0.2))
    assert line_density(0, 0.1, 0.2) == line_density(1, 0.1, 0.2)


def test_twice_as_many_lines_cost_log_2_and_no_line_costs_log_of_the_prior():
    worth = error_density(0.0, 1e-5) / line_density(np.array([20, 40]), 0.1, 0.2)
    few, many = log_odds(worth, SCORE.spurious)
    assert few - many == pytest.approx(np.log(2), rel=1e-3)
    assert log_odds(0.0, SCORE.spurious) == pytest.approx(np.log(SCORE.spurious))


def test_peaks_anywhere_score_less_than_nothing_on_the_mean():
    """The score is a log likelihood ratio, so under its null its mean is below zero and the mean of
    its exponential is one: E[exp(log odds)] over a peak that could be anywhere between two lines.
    """
    density = 50.0  # lines 0.02 apart
    offset = np.linspace(-0.5 / density, 0.5 / density, 100001)
    near = error_density(offset, 0.001) / density
    for k in (-2, -1, 1, 2):
        near = near + error_density(offset + k / density, 0.001) / density
    assert np.exp(log_odds(near, 0.04)).mean() == pytest.approx(1, rel=1e-4)
    assert log_odds(near, 0.04).mean() < 0


def test_compiled_code_reads_the_same_functions():
    @njit
    def compiled(miss, sigma, n, q2, last):
        return log_odds(error_density(miss, sigma) / line_density(n, q2, last), 0.04)

    given = 3e-4, 2e-4, 33, 0.1, 0.2
    plain = log_odds(error_density(*given[:2]) / line_density(*given[2:]), 0.04)
    assert compiled(*given) == pytest.approx(plain, rel=1e-12)
