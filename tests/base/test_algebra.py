"""The compiled solver against scipy, and what the ridge promises."""

import numpy as np
import pytest
import scipy.linalg

from ddi.base.algebra import RIDGE, solve_ridged, solved_ridged

RNG = np.random.default_rng(11)


def stepped(normal, gradient):
    step = np.full(len(gradient), np.nan)
    solve_ridged(normal.copy(), gradient.copy(), step)
    return step


@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_both_solvers_equal_scipy_s_least_squares(n):
    for _ in range(20):
        design = RNG.standard_normal((20, n)) * 10.0 ** RNG.uniform(-3, 3, n)
        target = RNG.standard_normal(20)
        expected = scipy.linalg.lstsq(design, target)[0]
        normal, gradient = design.T @ design, design.T @ target
        assert stepped(normal, gradient) == pytest.approx(expected, rel=1e-6)
        assert solved_ridged(normal, gradient) == pytest.approx(expected, rel=1e-6)


def test_only_the_lower_triangle_is_read():
    design = RNG.standard_normal((9, 4))
    normal, gradient = design.T @ design, RNG.standard_normal(4)
    assert stepped(np.tril(normal), gradient) == pytest.approx(stepped(normal, gradient))


def test_undetermined_directions_stay():
    rows = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]])  # nothing tells x0 from x1; nothing asks x2
    step = stepped(rows.T @ rows, rows.T @ np.array([1.0, 2.0]))
    assert step == pytest.approx([0.5, 0.5, 0.0], abs=1e-5)
    assert step[2] == 0
    assert solved_ridged(rows.T @ rows, rows.T @ np.array([1.0, 2.0])) == pytest.approx(
        step, abs=1e-5
    )
    assert stepped(np.zeros((3, 3)), np.zeros(3)) == pytest.approx(np.zeros(3))


def test_the_ridge_is_relative():
    normal = np.array([[1.0, 0.999999], [0.999999, 1.0]])
    gradient = np.array([1.0, -1.0])
    scale = np.array([1e-6, 1e4])
    scaled = stepped(normal * np.outer(scale, scale), gradient * scale)
    assert scaled * scale == pytest.approx(stepped(normal, gradient), rel=1e-6)
    assert RIDGE < 1e-6
