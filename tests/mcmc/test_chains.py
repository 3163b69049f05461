"""The compiled loop against the plain one, where lines are drawn by distance, drawn from the
softmax of the line prior or shared, where bounds stop a step, and piece by piece.
"""

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from ddi.base.algebra import solved_ridged
from ddi.forward import lattice
from ddi.forward.reflections import reference_hkl
from ddi.mcmc import chains, draws, likelihood, plain, running, state
from ddi.mcmc.constants import CONSTANTS
from ddi.mcmc.options import Plan
from ddi.mcmc.problem import Problem
from ddi.models.assigners import LinePrior
from tests.mcmc.test_sampler import disturbed, pattern

N_STEPS = 6
HKL = reference_hkl("monoclinic")[np.r_[:150, -1]]


def problem():
    """A pattern with intensities, few reference lines, and bounds that stop some of the steps."""
    intensity = np.random.default_rng(1).uniform(0.2, 1, 20)
    this = Problem(pattern(), "monoclinic", HKL, intensity=intensity)
    this.bounds = np.array([6.2, 11.6])
    return this


def line_prior(this):
    weight = np.random.default_rng(0).gamma(0.5, size=(len(this.q2), len(this.hkl))) + 1e-3
    log_prior = np.log(weight / weight.sum(axis=1, keepdims=True))
    return LinePrior("monoclinic", this.hkl, log_prior, 0.02)


def log_density(prior, q2_obs, q2):
    """Log of the line prior's softmax, shape (n_peaks, n_ref), in double precision."""
    line = np.maximum(q2, CONSTANTS.least_q2)
    logits = prior.log_prior - np.log(line) - np.abs(q2_obs[:, None] - q2) / (line * prior.width)
    logits[:, -1] = prior.log_prior[:, -1] - np.log(q2_obs) - 1
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def by_inverse(prior, q2_obs, q2, luck):
    """The line at which the sum of the probabilities passes each peak's random number."""
    log_chance = log_density(prior, q2_obs, q2)
    total = np.exp(log_chance).cumsum(axis=1)
    label = (total <= luck[:, None] * total[:, -1:]).sum(axis=1)
    return label, np.exp(np.take_along_axis(log_chance, label[:, None], 1)[:, 0])


def by_reservoir(q2_obs, q2, sigma, luck, nearest):
    """One pass over the lines: each takes its turn at the peaks below it, then at those above."""
    label = nearest.copy()
    mass = np.zeros(len(q2_obs))
    counter = 0
    window = CONSTANTS.window
    for r in np.flatnonzero((q2 > 0) & (q2 <= q2_obs[-1] + window * sigma[-1])):
        z = np.abs(q2[r] - q2_obs) / sigma
        first = np.searchsorted(q2_obs, q2[r], side="right")
        for peaks in (range(first - 1, -1, -1), range(first, len(q2_obs))):
            for k in peaks:
                if z[k] > window:
                    break
                weight = np.exp(-0.5 * z[k] ** 2)
                mass[k] += weight
                counter += 1
                if luck(counter)[0] * mass[k] < weight:
                    label[k] = r
    return label


class Twin:
    """How the plain loop labels its proposals as the compiled one does; called once a step."""

    def __init__(self, this, plan, identity, prior=None):
        self.this = this
        self.plan = plan
        self.identity = identity
        self.prior = prior
        self.step = 0
        self.seed = np.uint64(plan.options.seed)

    def luck(self, candidate, number):
        size = draws.per_iteration(len(self.this.q2), len(self.this.hkl))
        first = self.step * size + draws.OF_LINES + len(self.this.q2)
        numbers = np.atleast_1d(np.uint64(first) + np.asarray(number, dtype=np.uint64))
        return draws.hashed_uniform(self.seed[None], candidate[None], numbers)

    def __call__(self, pattern, x):
        label, chance, log_rho = plain.nearest(pattern, x)
        for c, candidate in enumerate(self.identity):
            q2 = x[c] @ pattern.lines
            if self.prior is not None:
                luck = self.luck(candidate, np.arange(len(pattern.q2)))
                label[c], chance[c] = by_inverse(self.prior, pattern.q2, q2, luck)
            elif self.plan.settings.assign == state.RESAMPLE:
                sigma = self.plan.width[self.step] * pattern.q2 + self.plan.settings.eps
                luck = partial(self.luck, candidate)
                label[c] = by_reservoir(pattern.q2, q2, sigma, luck, label[c])
        self.step += 1
        return label, chance, log_rho if self.prior is None else np.log(chance).sum(axis=1)


def shared(this, plan):
    """A step of all lines at once, in place of `closed_form`."""
    steps = iter(plan.width)

    def solve(x, H, q2_obs, weight):
        sigma = next(steps) * q2_obs + plan.settings.eps
        q2 = x @ this.H.T
        z = (q2_obs[:, None] - q2[:, None, :]) / sigma[:, None]
        reached = (q2 > 0) & (q2 <= q2_obs[-1] + CONSTANTS.window * sigma[-1])
        near = (np.abs(z) <= CONSTANTS.window) & reached[:, None, :]
        share = np.where(near, np.exp(-0.5 * z**2), 0)
        share /= share.sum(axis=2, keepdims=True) + np.exp(-0.5 * CONSTANTS.background**2)
        share *= (weight > 0)[..., None]
        pull = np.einsum("ckh,hf->cf", share * z / sigma[:, None], this.H)
        curve = (share / sigma[:, None] ** 2).sum(axis=1)
        return x + solved_ridged(np.einsum("ch,hf,hg->cfg", curve, this.H, this.H), pull)

    return solve


GIVEN = {
    "nearest": {"weights": "coelho"},
    "resample": {"assign": "resample"},
    "marginal": {"assign": "marginal"},
    "drawn": {"assign": "line prior", "prior": "drawn"},
}


@pytest.mark.parametrize("by", ["uniform", "confidence"])
@pytest.mark.parametrize("name", GIVEN)
def test_compiled_chains_are_the_plain_ones_however_lines_are_assigned(name, by, monkeypatch):
    this = problem()
    prior = line_prior(this) if name == "drawn" else None
    given = GIVEN[name] | ({"assign": prior} if prior else {})
    options = {"n_iterations": N_STEPS, "annealing": 5.0, "seed": 7, "subsample": 16}
    plan = Plan.of(this, subsample_by=by, widths=(0.02, 0.005), **options, **given)
    one, other = (running.start(this, disturbed(16), plan, merge_equal=False) for _ in range(2))
    running.advance(this, one, plan, 0, N_STEPS, chains.advance)
    if name == "marginal":
        monkeypatch.setattr(plain, "closed_form", shared(this, plan))
    twin = Twin(this, plan, other.identity, prior)
    running.advance(this, other, plan, 0, N_STEPS, lambda *args: plain.advance(*args, assign=twin))
    same = (one.label == other.label).all(axis=1) & (one.accepted == other.accepted)
    assert same.mean() > 0.9  # rounding may decide between two lines
    for field in ("x", "log_likelihood", "best_x", "best_log_likelihood", "confidence"):
        mine, theirs = (getattr(chain, field)[same] for chain in (one, other))
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, err_msg=field)
    np.testing.assert_array_equal(one.best_label[same], other.best_label[same])
    assert 0 < one.accepted.mean() < N_STEPS
    assert (one.best_log_likelihood >= one.log_likelihood).all()
    assert name == "marginal" or (one.best_log_likelihood > one.log_likelihood).any()


def test_a_step_out_of_bounds_is_not_taken():
    this = problem()
    options = {"n_iterations": 1, "accept": "always", "seed": 2}
    plan = Plan.of(this, **options)
    chain = running.start(this, disturbed(40), plan, merge_equal=False)
    before = chain.x.copy()
    running.run(this, chain, plan)
    assert 0 < chain.accepted.mean() < 1
    stays = chain.accepted == 0
    np.testing.assert_array_equal(chain.x[stays], before[stays])
    this.bounds = np.array([2.0, 500.0])
    free = running.start(this, disturbed(40), plan, merge_equal=False)
    running.run(this, free, plan)
    assert free.accepted.all()
    low, high = 6.2, 11.6
    for x, accepted in zip(free.x, chain.accepted):
        assert likelihood.in_bounds(x[None], "monoclinic", low, high)[0] == bool(accepted)


def test_score_of_a_chain_is_the_normal_density_and_one_over_the_root_of_its_lines():
    this = problem()
    plan = Plan.of(this, n_iterations=2, accept="always", seed=3)
    chain = running.start(this, disturbed(12), plan, merge_equal=False)
    running.run(this, chain, plan)
    calculated = np.einsum("ckf,cf->ck", this.H[chain.label], chain.x)
    sigma = np.sqrt(this.q2 * (np.abs(this.q2 - calculated) + CONSTANTS.eps_q2))
    lines = chain.x @ this.H.T
    count = ((lines > 0) & (lines < this.q2[-1])).sum(axis=1)
    expected = norm.logpdf(this.q2, calculated, sigma).sum(axis=1) - 0.5 * 20 * np.log(count)
    moved = chain.accepted == 2
    assert moved.sum() > 3
    np.testing.assert_allclose(chain.log_likelihood[moved], expected[moved], rtol=1e-9)


def test_temperature_is_that_of_metropolis():
    """Of steps worse by a few log units a share exp(-loss / temperature) is accepted."""
    this = problem()
    this.bounds = np.array([2.0, 500.0])
    climbed = running.start(this, disturbed(1, 0.004), Plan.of(this))
    running.run(this, climbed, Plan.of(this, n_iterations=100))
    best = lattice.x_to_cell(lattice.full_x(climbed.best_x, "monoclinic"))
    cells = np.repeat(best, 3000, axis=0)
    shares = []
    for annealing in (1.0, 8.0):
        plans = [
            Plan.of(this, n_iterations=2, annealing=annealing, seed=4, accept=accept)
            for accept in ("metropolis", "always")
        ]
        taken, always = (running.start(this, cells, plan, merge_equal=False) for plan in plans)
        first = always.log_likelihood.copy()
        for chain, plan in zip((taken, always), plans):
            running.advance(this, chain, plan, 0, 1)
        loss = np.maximum(first - always.log_likelihood, 0)
        shares.append(np.exp(-loss / annealing).mean())
        assert abs(taken.accepted.mean() - shares[-1]) < 0.03
    assert 0.05 < shares[0] < shares[1] - 0.05
