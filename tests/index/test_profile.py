"""The whole-pattern fit: derivatives, solver, and what it recovers from simulated patterns."""

from dataclasses import replace

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice, lines
from ddi.index import pattern_constants, pawley, picking, profile, refinement
from ddi.index.peaks import from_pattern

CELL = np.array([5.61, 9.02, 7.33, 90, 104.2, 90])
LAMBDA = bragg.CU_KALPHA1


def simulated(seed, zero=0.03, displacement=0.0, counts=4000.0):
    """A monochromatic pattern of `CELL`, pseudo-Voigt profiles, with counting noise."""
    rng = np.random.default_rng(seed)
    _, q2 = lines.distinct_lines(lattice.cell_to_x(CELL), "mP", bragg.q2_of(62, LAMBDA))
    place = bragg.two_theta(q2, LAMBDA)
    place = place + zero + displacement * np.cos(np.radians(place / 2))
    area = np.random.default_rng(7).exponential(1.0, len(q2))
    x = np.arange(8, 60, 0.02)
    y = np.zeros_like(x)
    for at, height in zip(place, area):
        u = (x - at) / (0.09 + 0.05 * np.tan(np.radians(at / 2)))
        y += height * (0.5 / (1 + 4 * u**2) + 0.5 * np.exp(-4 * np.log(2) * u**2))
    return x, rng.poisson(counts * y / y.max() + 200).astype(float)


def fitted(seed):
    """A fit to a pattern whose zero shift and displacement are what the priors say."""
    rng = np.random.default_rng(100 + seed)
    spread = pattern_constants.PROFILE.zero_spread, pattern_constants.PROFILE.displacement_spread
    zero, displacement = rng.normal(0, spread)
    prepared = picking.prepare(*simulated(seed, zero, displacement), LAMBDA, doublet=False)
    start = lattice.cell_to_x(CELL * np.array([1.0004, 0.9996, 1.0004, 1, 1, 1]))
    return profile.fit(prepared, LAMBDA, "mP", start, zero + displacement, model_error=0.0)


def test_profile_has_unit_area_and_its_derivatives():
    grid = np.linspace(-200, 200, 400_001)
    values = np.array([pawley.pseudo_voigt(u, 0.7, 0.4)[0] for u in grid])
    assert np.trapezoid(values, grid) == pytest.approx(1, abs=2e-3)
    at, fwhm, eta, h = 0.31, 0.7, 0.4, 1e-6
    value, *slopes = pawley.pseudo_voigt(at, fwhm, eta)
    moved = [(at - h, fwhm, eta), (at, fwhm + h, eta), (at, fwhm, eta + h)]
    for slope, there in zip(slopes, moved):
        assert slope == pytest.approx((pawley.pseudo_voigt(*there)[0] - value) / h, rel=1e-4)


def test_gradient_is_half_the_fall_of_the_cost():
    prepared = picking.prepare(*simulated(0), bragg.ANODES[0].mean)
    x = lattice.cell_to_x(CELL)
    problem = refinement.Problem(prepared, LAMBDA, "mP", x, 0.02, 50.0, (21.3,), 0.04)
    rng = np.random.default_rng(1)
    n = problem.n_columns + 1
    state = refinement.State(
        rng.uniform(1, 50, n), rng.normal(0, 5, len(problem.knots)), problem.first + 1e-4
    )
    gradient = refinement.equations_at(problem, state).gradient
    size = np.concatenate([np.full(n, 1e-3), np.full(len(problem.knots), 1e-3), problem.spread])
    for k in [0, n // 2, n - 1, n + 2, *range(n + len(problem.knots), len(gradient))]:
        step = np.zeros(len(gradient))
        step[k] = 1e-4 * size[k] if k >= n + len(problem.knots) else size[k]
        ahead, behind = (
            refinement.equations_at(problem, state.moved(s * step)).cost for s in (1, -1)
        )
        assert gradient[k] == pytest.approx((behind - ahead) / (4 * step[k]), rel=2e-2, abs=1e-3)


def test_envelope_solver_agrees_with_numpy():
    rng = np.random.default_rng(2)
    band = np.triu(np.tril(rng.normal(size=(30, 30)), 2), -2)
    matrix = band @ band.T + 5 * np.eye(30)
    matrix[-1] = matrix[:, -1] = 1.0
    matrix[-1, -1] = 40.0
    right = rng.normal(size=30)
    made = refinement.factorised(np.tril(matrix))
    found = right.copy()
    pawley.solve_factorised(*made, found)
    inverse = np.empty((30, 30))
    pawley.invert_factorised(*made, inverse)
    assert np.allclose(found, np.linalg.solve(matrix, right), rtol=1e-6, atol=1e-9)
    assert np.allclose(inverse, np.linalg.inv(matrix), rtol=1e-6, atol=1e-8)


def test_cell_is_recovered_within_its_uncertainties():
    found = [fitted(seed) for seed in range(24)]
    off = np.array([fit.cell - CELL for fit in found])[:, [0, 1, 2, 4]]
    stated = np.array([fit.cell_su for fit in found])[:, [0, 1, 2, 4]]
    assert np.abs(off).max() < 8e-3
    assert np.sqrt(np.mean((off / stated) ** 2)) == pytest.approx(1, abs=0.3)
    assert all(fit.misfit / len(fit.two_theta) < 1.5 for fit in found)


def test_a_foreign_line_takes_what_the_cell_leaves():
    x, y = simulated(3)
    y += 3000 * np.exp(-4 * np.log(2) * ((x - 17.0) / 0.11) ** 2)
    prepared = picking.prepare(x, y, LAMBDA, doublet=False)
    with_it, without = (
        profile.fit(prepared, LAMBDA, "mP", lattice.cell_to_x(CELL), 0.03, foreign=foreign)
        for foreign in ((17.0,), ())
    )
    assert with_it.misfit < 0.7 * without.misfit and with_it.n_foreign == 1
    assert with_it.amplitude[-1] > 10 * with_it.amplitude_su[-1]


def test_what_cannot_be_fitted_is_refused():
    prepared = picking.prepare(*simulated(0), LAMBDA, doublet=False)
    with pytest.raises(DDIError, match="points below"):
        profile.fit(prepared, LAMBDA, "mP", lattice.cell_to_x(CELL), end=8.1)
    tiny = lattice.cell_to_x(np.array([1.1, 1.1, 1.1, 90, 90, 90]))
    with pytest.raises(DDIError, match="no line"):
        profile.fit(prepared, LAMBDA, "cP", tiny, end=40.0)


def test_peaks_with_a_pattern_are_fitted_and_others_are_not():
    x, y = simulated(0)
    y += 3000 * np.exp(-4 * np.log(2) * ((x - 17.0) / 0.11) ** 2)
    peaks = from_pattern(x, y, LAMBDA, radiation="monochromatic")
    asked = [("mP", CELL, 0.03), ("cP", [1.0, 1.0, 1.0, 90, 90, 90], 0.0)]
    fit, nothing = profile.of_peaks(peaks, asked)
    assert nothing is None and fit.n_foreign >= 1 and fit.rwp < 0.15
    strongest = fit.lines.two_theta[fit.lines.intensity.argmax()]
    assert np.abs(bragg.two_theta(peaks.q2, LAMBDA) - strongest).min() < 0.02
    assert profile.of_peaks(replace(peaks, pattern=None), asked) == [None, None]
