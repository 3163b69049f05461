"""Target function and optimisers: gradient and Hessian against finite differences and automatic
differentiation, steps against each other.
"""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from ddi.forward import lattice
from ddi.forward.reflections import reference_hkl
from ddi.mcmc import likelihood, steps

CELLS = {
    "cubic": [9.1, 9.1, 9.1, 90, 90, 90],
    "tetragonal": [6.2, 6.2, 11.3, 90, 90, 90],
    "hexagonal": [7.1, 7.1, 12.9, 90, 90, 120],
    "rhombohedral": [8.3, 8.3, 8.3, 71, 71, 71],
    "orthorhombic": [5.1, 8.7, 12.2, 90, 90, 90],
    "monoclinic": [6.3, 9.2, 11.4, 90, 104, 90],
    "triclinic": [6.1, 7.9, 9.6, 81, 96, 103],
}


def case(system, seed=0, n=4):
    """A pattern of twenty peaks, n disturbed candidates, assigned rows and variances."""
    rng = np.random.default_rng(seed)
    x_true = lattice.free_x(lattice.cell_to_x(CELLS[system]), system)
    H_ref = lattice.design(reference_hkl(system)[:-1], system)
    q2_obs = np.unique(np.round(H_ref @ x_true, 9))[:20] * (1 + 1e-3 * rng.standard_normal(20))
    x = x_true * (1 + 0.005 * rng.standard_normal((n, len(x_true))))
    label = np.abs(q2_obs[:, None] - (x @ H_ref.T)[:, None, :]).argmin(axis=2)
    H = H_ref[label]
    return q2_obs, x, H, H_ref, likelihood.sigma2(q2_obs, (H @ x[..., None])[..., 0])


def test_sigma_is_positive_and_as_corrected():
    assert likelihood.sigma2(0.2, 0.25, 1e-4) == pytest.approx(0.2 * (0.05 + 1e-4))
    assert (likelihood.sigma2(np.full(9, 0.3), np.linspace(0, 0.6, 9)) > 0).all()


@pytest.mark.parametrize("system", lattice.SYSTEMS)
@pytest.mark.parametrize("target", ["assigned", "marginal"])
def test_gradient_and_hessian_equal_central_differences(system, target):
    q2_obs, x, H, H_ref, variance = case(system)
    rows = H[:1] if target == "assigned" else H_ref
    function = getattr(likelihood, target)
    scale = np.abs(x[0])

    def at(y, part):
        return function((y * scale)[None], rows, q2_obs, variance[:1])[part][0]

    _, gradient, hessian = (part[0] for part in function(x[:1], rows, q2_obs, variance[:1]))
    start = x[0] / scale
    step = 1e-6
    shift = step * np.eye(len(start))
    by_value = np.array([(at(start + s, 0) - at(start - s, 0)) / (2 * step) for s in shift])
    by_gradient = np.array([(at(start + s, 1) - at(start - s, 1)) / (2 * step) for s in shift])
    np.testing.assert_allclose(
        by_value, gradient * scale, rtol=1e-6, atol=1e-6 * np.abs(gradient * scale).max()
    )
    np.testing.assert_allclose(
        by_gradient,
        hessian * scale[:, None],
        rtol=1e-6,
        atol=1e-6 * np.abs(hessian * scale[:, None]).max(),
    )
    assert approx_fprime(start, at, 1e-8, 0) == pytest.approx(
        gradient * scale, rel=1e-2, abs=1e-3 * np.abs(gradient * scale).max()
    )


@pytest.mark.parametrize("target", ["assigned", "marginal"])
def test_gradient_and_hessian_equal_automatic_differentiation(target):
    tf = pytest.importorskip("tensorflow")
    q2_obs, x, H, H_ref, variance = case("monoclinic")
    rows = H[:1] if target == "assigned" else H_ref
    free = tf.Variable(x[0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            lines = tf.linalg.matvec(tf.constant(rows[0] if target == "assigned" else rows), free)
            delta = q2_obs - lines if target == "assigned" else q2_obs[:, None] - lines[None]
            s2 = variance[0] if target == "assigned" else variance[0][:, None]
            log_normal = -0.5 * (delta**2 / s2 + np.log(2 * np.pi * s2))
            value = tf.reduce_sum(
                log_normal
                if target == "assigned"
                else tf.reduce_logsumexp(log_normal - np.log(len(H_ref)), axis=1)
            )
        slope = inner.gradient(value, free)
    curvature = outer.jacobian(slope, free)
    ours = [part[0] for part in getattr(likelihood, target)(x[:1], rows, q2_obs, variance[:1])]
    for mine, theirs in zip(ours, (value, slope, curvature)):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-8, atol=1e-8 * np.abs(mine).max())


def test_marginal_with_one_line_is_the_assigned_posterior():
    q2_obs, x, H, H_ref, variance = case("triclinic")
    one = likelihood.marginal(x, H_ref[3:4], q2_obs, variance)
    other = likelihood.assigned(x, np.broadcast_to(H_ref[3], H.shape), q2_obs, variance)
    for mine, theirs in zip(one, other):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


def test_bounds():
    cells = np.array(
        [
            [1.9, 5, 5, 90, 90, 90],
            [5, 5, 5, 90, 90, 90],
            [5, 5, 501, 90, 90, 90],
            [5, 6, 7, 80, 95, 100],
        ]
    )
    x = lattice.cell_to_x(cells)
    assert likelihood.in_bounds(x, "triclinic").tolist() == [False, True, False, True]
    assert not likelihood.in_bounds(-x, "triclinic").any()


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_optimisers_agree_on_well_posed_cases(system):
    q2_obs, x, H, _, variance = case(system)
    expected = steps.closed_form(x, H, q2_obs, 1 / variance)
    np.testing.assert_allclose(
        steps.svd_step(x, H, q2_obs, 1 / variance), expected, rtol=1e-8, atol=1e-10
    )
    for method in ("dogleg", "trust-exact", "Newton-CG"):
        options = {"xtol": 1e-12} if method == "Newton-CG" else {"gtol": 1e-9}
        np.testing.assert_allclose(
            steps.by_name(x, H, q2_obs, 1 / variance, method, **options),
            expected,
            rtol=1e-8,
            atol=1e-10,
        )


def test_singular_systems_move_only_where_the_peaks_say():
    q2_obs, x, H, _, variance = case("orthorhombic")
    H = H.copy()
    H[..., 2] = 0  # no index has l: x_ll is undetermined
    for step in (steps.closed_form, steps.svd_step, steps.by_name):
        moved = step(x, H, q2_obs, 1 / variance)
        assert np.isfinite(moved).all()
        np.testing.assert_allclose(moved[:, 2], x[:, 2], rtol=1e-12)
        assert np.abs(moved[:, :2] / x[:, :2] - 1).max() > 1e-4
    nothing = np.zeros_like(variance)
    np.testing.assert_array_equal(steps.closed_form(x, H, q2_obs, nothing), x)
