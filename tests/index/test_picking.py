"""Peak picking on patterns whose lines are known: positions, errors, doublets, ghosts."""

import time

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.forward import bragg
from ddi.index import linefit, picking
from ddi.study import damage

CU = bragg.ANODES[0]
X = np.arange(10, 80, 0.02)


def measured(
    lines, heights, *, ratio=CU.alpha2 / CU.alpha1, fwhm=0.1, noise=2.0, beta=0.0, hump=0.0, seed=1
):
    """Gaussian doublets with noise, a K-beta ghost and a broad hump."""
    y = 20 + hump * np.exp(-0.5 * ((X - 22) / 4) ** 2)
    for line, height in zip(lines, heights):
        shape = lambda at, h: h * np.exp(-4 * np.log(2) * ((X - at) / fwhm) ** 2)  # noqa: E731
        y = (
            y
            + shape(line, height)
            + shape(bragg.moved(line, ratio), height / 2)
            + shape(bragg.moved(line, CU.beta / CU.alpha1), height * beta)
        )
    return y + np.random.default_rng(seed).normal(0, noise, len(X))


LINES = np.array([14.2, 21.7, 26.30, 26.55, 33.1, 41.8, 52.4, 60.0, 60.24, 71.5])
HEIGHTS = np.array([300, 1000, 200, 400, 150, 500, 250, 300, 200, 100.0])


def test_positions_are_alpha1_and_within_their_errors():
    found = picking.pick(X, measured(LINES, HEIGHTS, hump=60), CU.alpha1)
    assert len(found.two_theta) == len(LINES)
    miss = found.two_theta - LINES
    assert np.abs(miss).max() < 0.01
    assert np.abs(miss / found.sigma).max() < 3
    np.testing.assert_allclose(found.height, HEIGHTS, rtol=0.1)


def test_errors_scatter_as_they_say():
    misses = [
        (found := picking.pick(X, measured(LINES, HEIGHTS / 25, seed=seed))).two_theta[0] - LINES[0]
        for seed in range(10)
    ]
    assert 0.3 < np.std(misses) / found.sigma[0] < 1.5


def test_monochromatic_lines_keep_a_neighbour_at_the_alpha2_place():
    near = bragg.moved(60.0, CU.alpha2 / CU.alpha1)
    y = measured([60.0, near], [500, 250], ratio=1e-9)
    assert len(picking.pick(X, y, 1.2).two_theta) == 2
    assert len(picking.pick(X, y, CU.alpha1).two_theta) == 1


def test_beta_ghosts_go():
    found = picking.pick(X, measured([45.0], [3000], beta=0.02)).two_theta
    assert len(found) == 1 and abs(found[0] - 45.0) < 0.005


def test_scale_and_background_do_not_matter():
    y = measured(LINES, HEIGHTS)
    first = picking.pick(X, y)
    second = picking.pick(X, 50 * y + 3000)
    np.testing.assert_allclose(first.two_theta, second.two_theta, atol=1e-3)


@pytest.mark.parametrize("y", [np.zeros(len(X)), np.full(len(X), 5.0)])
def test_nothing_to_pick_is_said(y):
    with pytest.raises(DDIError, match="no peak"):
        picking.pick(X, y)


def test_broken_patterns_are_refused():
    for x, y in ((X[::-1], X), (X[:50], X[:50]), (X, np.where(X < 20, np.nan, X))):
        with pytest.raises(DDIError, match="at least 100 points"):
            picking.pick(x, y)


def test_degraded_patterns_are_shifted_and_reproducible():
    q2 = np.linspace(0.02, 0.4, 25)
    intensity = np.linspace(1, 0.1, 25)
    calm = damage.Conditions(zero_mean=0.1, zero_sigma=0.0, spurious=0.0, counts=1e5)
    found, zero = damage.peaks(q2, intensity, seed=3, conditions=calm)
    expected = np.degrees(2 * np.arcsin(np.sqrt(q2) * CU.alpha1 / 2)) + zero
    observed = np.degrees(2 * np.arcsin(np.sqrt(found.q2) * CU.alpha1 / 2))
    assert (
        zero == pytest.approx(0.1) and np.abs(observed[:, None] - expected).min(axis=1).max() < 0.02
    )
    again, _ = damage.peaks(q2, intensity, seed=3, conditions=calm)
    np.testing.assert_array_equal(found.q2, again.q2)
    noisy = [len(damage.peaks(q2, intensity, seed=seed)[0]) for seed in range(4)]
    assert min(noisy) >= 12


def sharp(x, fwhm, spacing=0.35, seed=0):
    """A synchrotron's pattern: sharp Lorentzian lines `spacing` degrees apart."""
    lines = np.arange(x[0] + 1, x[-1] - 1, spacing)
    y = np.full(len(x), 200.0)
    for line in lines:
        y += 3000 / (1 + 4 * ((x - line) / fwhm) ** 2)
    return lines, np.random.default_rng(seed).poisson(y).astype(float)


def test_sharp_lines_are_found_by_their_own_width():
    x = np.arange(2, 27, 0.001)
    lines, y = sharp(x, 0.008)
    found = picking.pick(x, y, 0.4135, doublet=False, max_peaks=200)
    np.testing.assert_allclose(found.two_theta, lines, atol=1e-3)
    assert found.sigma.max() < 0.002  # degrees; a laboratory's floor would be 0.006


def test_a_million_points_are_averaged_and_end_in_seconds():
    x = np.linspace(2, 60, 1_000_000)
    lines, y = sharp(x, 0.05, spacing=1.5)
    started = time.process_time()
    found = picking.pick(x, y, 0.7, doublet=False)
    assert time.process_time() - started < 10
    np.testing.assert_allclose(found.two_theta, lines, atol=2e-3)


def test_without_a_doublet_a_line_at_the_alpha2_place_stays():
    near = bragg.moved(60.0, CU.alpha2 / CU.alpha1)
    y = measured([60.0, near], [500, 250], ratio=1e-9)
    assert len(picking.pick(X, y, CU.alpha1, doublet=False).two_theta) == 2


def test_low_angle_tails_and_masked_ends_give_no_ghosts():
    lines = np.array([24.0, 35.0, 47.0, 61.0])
    y = measured(lines, [3000, 5000, 2500, 2000]) + measured(lines - 0.09, [450, 800, 380, 300])
    y[:150] = 0.0  # a beam stop
    found = picking.pick(X, y, CU.alpha1)
    assert len(found.two_theta) == len(lines)
    np.testing.assert_allclose(found.two_theta, lines, atol=0.02)


def test_unequal_steps_do_not_fill_the_memory():
    x = np.concatenate([np.linspace(10, 10.0001, 150), np.linspace(11, 80, 3000)])
    y = np.interp(x, X, measured(LINES, HEIGHTS))
    assert len(picking.pick(x, y).two_theta) >= len(LINES) - 2


def test_noise_that_was_smoothed_is_no_peak():
    rng = np.random.default_rng(4)
    lines = np.array([20.0, 35.0, 52.0, 71.0])
    counts = rng.poisson(1500 + measured(lines, [9000, 6000, 4000, 3000], noise=0.0)).astype(float)
    smooth = np.convolve(counts, np.ones(3) / 3, mode="same")
    smooth[[0, -1]] = smooth[[1, -2]]
    prepared = picking.prepare(X, smooth, CU.alpha1)
    listed = picking.strong(prepared)
    np.testing.assert_allclose(listed.two_theta, lines, atol=0.01)
    assert len(picking.faint(prepared, listed.two_theta).two_theta) <= 6


def test_the_first_lines_of_a_long_monochromatic_pattern_are_kept():
    lines = np.arange(12, 79, 0.9)
    heights = np.linspace(40, 1000, len(lines))  # as neutrons give them
    y = measured(lines, heights, ratio=1e-9)
    found = picking.pick(X, y, 1.2)
    assert len(lines) > len(found.two_theta) == 60
    np.testing.assert_allclose(found.two_theta[:30], lines[:30], atol=0.02)


def test_one_line_that_dwarfs_all_others_hides_none():
    heights = np.r_[50_000, HEIGHTS[1:]]  # of an oriented plate
    found = picking.pick(X, measured(LINES, heights, noise=1.0), CU.alpha1)
    np.testing.assert_allclose(found.two_theta, LINES, atol=0.02)


def test_a_start_beside_a_line_does_not_take_its_height():
    y = measured([40.0], [5000], fwhm=0.3, ratio=1e-9)
    prepared = picking.prepare(X, y, 1.2)
    starts = np.array([39.6, 40.0, 40.1])
    lines, _ = linefit.fit_all(prepared.flat, starts, prepared.width, None)
    highest = lines.take(np.argmax(lines.height))
    assert highest.height == pytest.approx(5000, rel=0.02) and highest.snr > 50
    assert abs(highest.two_theta - 40) < 0.005
