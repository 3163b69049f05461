"""Probabilities of lines in the loop: each compiled piece against its formula in plain numpy."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.mcmc import chains, plain, running, softmax, steps
from ddi.mcmc import sampler as mcmc
from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.options import Plan
from ddi.mcmc.problem import Problem
from ddi.models.assigners import LinePrior
from tests.mcmc.test_sampler import TRUE, disturbed, pattern

X_TRUE = lattice.free_x(lattice.cell_to_x(TRUE), "monoclinic")[None]


def line_prior(this):
    """A line prior with made-up frequencies."""
    weight = np.random.default_rng(0).gamma(0.5, size=(len(this.q2), len(this.hkl))) + 1e-3
    log_prior = np.log(weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return LinePrior("monoclinic", this.hkl, log_prior, 0.02)


def exactly(prior, pattern, x):
    """Labels and probabilities of a line prior in double precision, from its logits."""
    logits = prior.logits(pattern.q2[:, None] - (x @ pattern.lines)[:, None, :])
    chance = np.exp(logits - logits.max(axis=-1, keepdims=True))
    chance /= chance.sum(axis=-1, keepdims=True)
    top = np.maximum(chance.max(axis=-1), CONSTANTS.least_chance)
    return logits.argmax(axis=-1), top, np.log(top).sum(axis=1)


@pytest.mark.parametrize("weights", ["sigma", "coelho"])
@pytest.mark.parametrize("by", ["uniform", "confidence"])
def test_compiled_line_prior_is_the_plain_loop_with_its_softmax(weights, by):
    this = Problem(pattern(), "monoclinic")
    prior = line_prior(this)
    given = {"assign": prior, "prior": "softmax", "weights": weights, "subsample_by": by}
    plan = Plan.of(this, n_iterations=6, seed=7, annealing=3.0, **given)
    one, other = (running.start(this, disturbed(), plan) for _ in range(2))
    assert running.loop_of(this, plan) is chains.advance
    running.run(this, one, plan)

    def twin(*args):
        plain.advance(*args, assign=lambda arrays, x: exactly(prior, arrays, x))

    running.advance(this, other, plan, 0, 6, twin)
    same = (one.label == other.label).all(axis=1)
    assert same.mean() > 0.95  # float32 frequencies may tie
    np.testing.assert_allclose(one.x[same], other.x[same], rtol=1e-3)
    np.testing.assert_allclose(one.log_likelihood[same], other.log_likelihood[same], rtol=1e-3)
    assert 0 < one.accepted.mean() < 6


@pytest.mark.parametrize("name", ["compiled", "plain"])
def test_likelihood_of_the_chain_as_written_is_normal_density_times_softmax(name):
    this = Problem(pattern(), "monoclinic")
    prior = line_prior(this)
    assigner = prior if name == "compiled" else type("Other", (LinePrior,), {})(**vars(prior))
    plan = Plan.of(this, n_iterations=5, seed=3, assign=assigner, prior="softmax")
    state = running.start(this, disturbed(20), plan)
    running.run(this, state, plan)
    chance = prior.probabilities(this.q2, state.x).max(axis=-1)
    calculated = np.einsum("ckf,cf->ck", this.H[state.label], state.x)
    sigma = np.sqrt(this.q2 * (np.abs(this.q2 - calculated) + CONSTANTS.eps_q2))  # errata
    expected = norm.logpdf(this.q2, calculated, sigma) + np.log(chance)
    np.testing.assert_allclose(state.log_likelihood, expected.sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(state.confidence, chance, rtol=1e-3)


def test_step_of_a_chain_is_that_of_scipys_dogleg():
    this = Problem(pattern(), "monoclinic")
    plan = Plan.of(this, n_iterations=1, accept="always", subsample=20)
    state = running.start(this, disturbed(30), plan, merge_equal=False)
    H = this.H[state.label]
    calculated = np.einsum("ckf,cf->ck", H, state.x)
    weight = 1 / (this.q2 * (np.abs(this.q2 - calculated) + CONSTANTS.eps_q2))
    expected = steps.by_name(state.x, H, this.q2, weight)
    running.run(this, state, plan)
    moved = state.accepted > 0
    assert moved.mean() > 0.8
    np.testing.assert_allclose(state.x[moved], expected[moved], rtol=1e-4, atol=1e-7)


def test_misfit_weights_draw_another_exponent_for_each_candidate_and_step():
    this = Problem(pattern(), "monoclinic")
    plan = Plan.of(this, n_iterations=1, accept="always", subsample=20, weights="coelho")
    cells = np.repeat(TRUE[None] * 1.01, 20, axis=0)
    state = running.start(this, cells, plan, merge_equal=False)
    running.run(this, state, plan)
    assert len(np.unique(np.round(state.x[:, 0], 9))) > 10


def drawn(function, n=4000):
    """Labels that a compiled function draws for peak after peak, shape (n, n_peaks)."""
    labels = np.empty((n, 20), dtype=np.int64)
    for number in range(n):
        function(np.uint64(number), labels[number])
    return labels


def test_lines_drawn_by_distance_follow_the_gaussian():
    this = Problem(pattern(), "monoclinic")
    arrays = this.arrays()
    q2 = (X_TRUE @ arrays.lines)[0]
    sigma = 0.02 * this.q2 + CONSTANTS.eps_q2
    z = (this.q2[:, None] - q2) / sigma[:, None]
    share = np.where((np.abs(z) <= CONSTANTS.window) & (q2 > 0), np.exp(-0.5 * z**2), 0)
    share /= share.sum(axis=1, keepdims=True)
    mass = np.empty(20)
    seed = np.uint64(1)
    zero = np.uint64(0)
    labels = drawn(lambda c, out: softmax.resample(seed, c, zero, q2, arrays, sigma, out, mass))
    for k in (3, 9, 15, 19):
        found = np.bincount(labels[:, k], minlength=len(q2)) / len(labels)
        np.testing.assert_allclose(found, share[k], atol=0.04)
        assert found.max() < 0.98 or share[k].max() > 0.95  # not the nearest line


def test_lines_drawn_from_the_softmax_follow_it():
    this = Problem(pattern(), "monoclinic")
    prior = line_prior(this)
    arrays = this.arrays(prior)
    q2 = (X_TRUE @ arrays.lines)[0]
    share = prior.probabilities(this.q2, X_TRUE)[0]
    chance = np.empty(20)
    rest = np.uint64(1), q2, arrays, True
    labels = drawn(lambda c, out: softmax.by_line_prior(np.uint64(1), c, *rest, out, chance))
    for k in (0, 7, 19):
        found = np.bincount(labels[:, k], minlength=len(q2)) / len(labels)
        np.testing.assert_allclose(found, share[k], atol=0.04)
    np.testing.assert_allclose(chance, share[np.arange(20), labels[-1]], rtol=1e-3)


def test_each_peak_draws_its_line_with_a_number_of_its_own():
    this = Problem(pattern(), "monoclinic")
    arrays = this.arrays(line_prior(this))
    alike = arrays._replace(q2=np.full(20, 0.1), log_prior=np.tile(arrays.log_prior[:1], (20, 1)))
    q2 = (X_TRUE @ arrays.lines)[0]
    chance = np.empty(20)
    rest = np.uint64(1), q2, alike, True
    labels = drawn(lambda c, out: softmax.by_line_prior(np.uint64(1), c, *rest, out, chance), 2000)
    found = np.bincount(labels.ravel(), minlength=len(q2)) / labels.size
    for one, other in ((0, 1), (3, 4), (0, 19)):
        equal = (labels[:, one] == labels[:, other]).mean()
        assert abs(equal - (found**2).sum()) < 0.04 and equal < 0.9


def test_line_prior_takes_no_line_without_length_and_leaves_none_out():
    this = Problem(pattern(), "monoclinic")
    prior = line_prior(this)
    prior.width = 2.0  # wide enough for a line of the other sign, were it taken for one
    arrays = this.arrays(prior)
    q2 = (X_TRUE @ arrays.lines)[0]
    q2[[2, 5]] = -0.05, 0.0
    chance = np.empty(20)
    label = np.empty(20, dtype=np.int64)
    softmax.by_line_prior(
        np.uint64(1), np.uint64(2), np.uint64(3), q2, arrays, False, label, chance
    )
    line = np.maximum(q2, CONSTANTS.least_q2)
    logits = arrays.log_prior - np.log(line) - np.abs(this.q2[:, None] - q2) / (line * prior.width)
    logits[:, -1] = arrays.log_prior[:, -1] - np.log(this.q2) - 1
    np.testing.assert_array_equal(label, logits.argmax(axis=1))
    np.testing.assert_allclose(np.log(chance), logits.max(axis=1) - logsumexp(logits, axis=1))


def test_mixture_pulls_by_the_shares_of_all_lines():
    this = Problem(pattern(), "monoclinic")
    arrays = this.arrays()
    q2 = (X_TRUE * 1.02 @ arrays.lines)[0]
    sigma = 0.03 * this.q2 + CONSTANTS.eps_q2
    used = (np.arange(20) % 4 > 0).astype(float)
    normal = np.zeros((4, 4))
    gradient = np.zeros(4)
    softmax.mixture(q2, arrays, sigma, used, np.empty(20), normal, gradient)
    z = (this.q2[:, None] - q2) / sigma[:, None]
    share = np.where((np.abs(z) <= CONSTANTS.window) & (q2 > 0), np.exp(-0.5 * z**2), 0)
    share /= share.sum(axis=1, keepdims=True) + np.exp(-0.5 * CONSTANTS.background**2)
    share *= used[:, None]
    H = this.H
    np.testing.assert_allclose(gradient, ((share * z / sigma[:, None]).sum(axis=0)) @ H, rtol=1e-9)
    curve = (share / sigma[:, None] ** 2).sum(axis=0)
    expected = np.tril(np.einsum("h,hf,hg->fg", curve, H, H))
    np.testing.assert_allclose(np.tril(normal), expected, rtol=1e-9)
    assert ((share > 0.05).sum(axis=1) > 1).mean() > 0.3  # more lines than the nearest take part


class WrongAtFirst:
    """An assigner that gives one line to all peaks when first asked, then the true labels."""

    def __init__(self, this):
        self.right = this.nearest(X_TRUE)[0][0]
        self.asked = 0

    def predict(self, q2_obs, x):
        labels = self.right if self.asked else np.full_like(self.right, self.right[3])
        self.asked += 1
        shape = len(x), len(q2_obs)
        return np.broadcast_to(labels, shape), np.full(shape, 0.5)


def test_a_network_at_low_cadence_is_asked_again_and_its_labels_are_used():
    this = Problem(pattern(noise=0.0), "monoclinic")
    assigner = WrongAtFirst(this)
    n = CONSTANTS.reassign_every
    options = {"assign": assigner, "accept": "always", "subsample": 20}
    plan = Plan.of(this, n_iterations=2 * n + 1, **options)
    state = running.start(this, disturbed(5, 0.08), plan, merge_equal=False)
    running.run(this, state, plan)
    assert assigner.asked == 3
    near = np.abs(state.x / X_TRUE - 1).max(axis=1)
    assert near.max() < 1e-3


def test_softmax_without_an_assigner_is_refused():
    with pytest.raises(DDIError, match="assigner"):
        mcmc.optimize(pattern(), disturbed(2), "monoclinic", prior="softmax")


def one_step(assign):
    """Cells, labels and lines after one iteration of 40 chains in which every peak counts."""
    this = Problem(pattern(), "monoclinic")
    options = {"assign": assign, "accept": "always", "subsample": 20, "seed": 3}
    plan = Plan.of(this, n_iterations=1, **options)
    state = running.start(this, disturbed(40, 0.04), plan, merge_equal=False)
    before = state.x.copy()
    running.run(this, state, plan)
    return this, plan, before, state


def test_chains_that_resample_keep_other_lines_than_the_nearest():
    shares = {}
    for assign in ("nearest", "resample"):
        this, _, _, state = one_step(assign)
        shares[assign] = (state.label == this.nearest(state.x)[0]).mean()
    assert shares["nearest"] == 1
    assert 0.05 < shares["resample"] < 0.95


def test_marginal_chains_solve_the_equations_of_all_lines():
    this, plan, before, state = one_step("marginal")
    arrays = this.arrays()
    sigma = plan.width[0] * this.q2 + CONSTANTS.eps_q2
    moved = state.accepted > 0
    assert moved.mean() > 0.8
    for x, after in zip(before[moved], state.x[moved]):
        normal = np.zeros((4, 4))
        gradient = np.zeros(4)
        weights = np.ones(20), np.empty(20)
        softmax.mixture(x @ arrays.lines, arrays, sigma, *weights, normal, gradient)
        full = np.tril(normal) + np.tril(normal, -1).T
        np.testing.assert_allclose(after, x + np.linalg.solve(full, gradient), rtol=1e-4)
