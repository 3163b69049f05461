"""The optimisation: the compiled loop against the plain one, determinism, merging, and that it
finds what is there.
"""

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.forward import lattice, relations
from ddi.forward.bragg import sigma_q2
from ddi.forward.reflections import reference_hkl
from ddi.mcmc import chains, draws, plain, problem, running
from ddi.mcmc import sampler as mcmc
from ddi.mcmc import starts as svdindex
from ddi.mcmc.options import Plan

TRUE = np.array([6.312, 9.187, 11.42, 90, 104.3, 90])


def pattern(cell=TRUE, system="monoclinic", noise=0.01, seed=3, n=20):
    """Twenty lines, each fourth left out, positions off by `noise` degrees 2theta."""
    rng = np.random.default_rng(seed)
    lines = np.unique(np.round(lattice.q2(reference_hkl(system)[:-1], cell), 9))
    q2 = lines[np.arange(len(lines)) % 4 != 2][:n]
    return np.sort(q2 + sigma_q2(q2, noise) * rng.standard_normal(n))


def disturbed(n=60, error=0.03, seed=0, cell=TRUE):
    rng = np.random.default_rng(seed)
    return cell * (1 + error * rng.standard_normal((n, 6)) * (np.array(cell) != 90))


class Doubtful:
    """An assigner that labels as the nearest line does sure of all peaks but five."""

    def __init__(self, problem):
        self.problem = problem

    def predict(self, q2_obs, x):
        confidence = np.where(np.arange(len(q2_obs)) < 5, 1e-9, 1.0)
        return self.problem.nearest(x)[0], np.broadcast_to(confidence, (len(x), len(q2_obs)))


@pytest.mark.parametrize("weights", ["sigma", "coelho"])
@pytest.mark.parametrize("by", ["uniform", "confidence", "an assigner's"])
def test_compiled_chains_are_the_plain_chains(weights, by):
    this = problem.Problem(pattern(), "monoclinic")
    given = {"assign": Doubtful(this)} if by == "an assigner's" else {}
    plan = Plan.of(
        this,
        n_iterations=8,
        weights=weights,
        subsample_by="uniform" if by == "uniform" else "confidence",
        seed=7,
        annealing=3.0,
        **given,
    )
    one = running.start(this, disturbed(), plan)
    other = running.start(this, disturbed(), plan)
    running.advance(this, one, plan, 0, 8, chains.advance)
    running.advance(this, other, plan, 0, 8, plain.advance)
    np.testing.assert_array_equal(one.label, other.label)
    apart = np.abs(one.x / other.x - 1).max(axis=1)
    assert (
        np.quantile(apart, 0.95) < 1e-7 and apart.max() < 1e-3
    )  # a nearly singular step multiplies rounding
    np.testing.assert_array_equal(one.accepted, other.accepted)
    np.testing.assert_array_equal(one.best_label, other.best_label)
    np.testing.assert_allclose(one.log_likelihood, other.log_likelihood, rtol=1e-3)
    np.testing.assert_allclose(one.best_log_likelihood, other.best_log_likelihood, rtol=1e-3)
    assert 0 < one.accepted.mean() < 8


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_nearest_line_is_the_brute_force_one(system):
    cells = svdindex.random_cells(system, 600.0, 50, seed=1)
    this = problem.Problem(np.sort(np.random.default_rng(2).uniform(0.01, 0.3, 20)), system)
    x = lattice.free_x(lattice.cell_to_x(cells), system)
    label, count = this.nearest(x)
    lines = np.where(x @ this.H.T > 0, x @ this.H.T, np.inf)
    delta = np.abs(this.q2[:, None] - lines[:, None, :])
    np.testing.assert_allclose(
        np.take_along_axis(delta, label[..., None], 2)[..., 0], delta.min(axis=2), atol=1e-14
    )
    np.testing.assert_array_equal(count, (lines < this.q2[-1]).sum(axis=1))


@pytest.mark.parametrize("assign", ["nearest", "resample", "marginal"])
@pytest.mark.parametrize("by", ["uniform", "confidence"])
def test_same_seed_same_chains_whatever_the_threads(assign, by):
    runs = [
        mcmc.optimize(
            pattern(),
            disturbed(),
            "monoclinic",
            assign=assign,
            subsample_by=by,
            n_iterations=15,
            seed=5,
            n_jobs=jobs,
        )
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(runs[0].cells, runs[1].cells)
    np.testing.assert_array_equal(runs[0].score, runs[1].score)
    other = mcmc.optimize(
        pattern(),
        disturbed(),
        "monoclinic",
        assign=assign,
        subsample_by=by,
        n_iterations=15,
        seed=6,
        keep_trace=True,
    )
    again = mcmc.optimize(
        pattern(),
        disturbed(),
        "monoclinic",
        assign=assign,
        subsample_by=by,
        n_iterations=15,
        seed=5,
        keep_trace=True,
    )
    np.testing.assert_array_equal(
        again.cells, runs[0].cells
    )  # stepping one by one for the trace changes nothing
    assert again.trace["x"].shape == (15, *again.trace["x"].shape[1:])
    assert assign == "marginal" or not np.array_equal(other.trace["x"], again.trace["x"])


@pytest.mark.parametrize(("by", "moves"), [("confidence", False), ("uniform", True)])
def test_confidence_of_the_assigner_decides_which_peaks_are_left_out(by, moves):
    q2 = pattern(noise=0.0)
    this = problem.Problem(q2, "monoclinic")
    this.q2[:5] *= 1.002  # the five that the assigner doubts are wrong, the other fifteen exact
    plan = Plan.of(
        this, n_iterations=1, accept="always", assign=Doubtful(this), subsample_by=by, seed=3
    )
    state = running.start(this, np.repeat(TRUE[None], 20, axis=0), plan, merge_equal=False)
    running.run(this, state, plan)
    apart = np.abs(state.x / lattice.free_x(lattice.cell_to_x(TRUE), "monoclinic") - 1).max(axis=1)
    assert (np.median(apart) > 1e-5) == moves and (moves or apart.max() < 1e-6)


def test_a_chain_does_not_depend_on_its_companions():
    this = problem.Problem(pattern(), "monoclinic")
    plan = Plan.of(this, n_iterations=10, seed=1)
    all_of_them, some = (
        running.start(this, disturbed(), plan, merge_equal=False) for _ in range(2)
    )
    some = some._make(array[10:20].copy() for array in some)
    running.run(this, all_of_them, plan)
    running.run(this, some, plan)
    np.testing.assert_array_equal(all_of_them.x[10:20], some.x)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weights": "coelho", "accept": "always"},
        {"assign": "resample"},
        {"assign": "marginal", "accept": "always"},
        {"restarts": 2},
    ],
)
def test_finds_the_true_cell_from_three_percent_off(options):
    result = mcmc.optimize(
        pattern(), disturbed(200), "monoclinic", n_iterations=60, seed=2, **options
    )
    assert relations.same_lattice(result.cells[0], TRUE)
    assert result.M20[0] > 20
    assert (np.diff(result.score) <= 0).all()
    np.testing.assert_allclose(lattice.q2(result.hkl[0], result.cells[0]), pattern(), atol=2e-3)


def test_centring_is_recognised():
    cell = np.array([5.21, 8.94, 13.3, 90, 90, 90])
    hkl = reference_hkl("orthorhombic")
    lines = np.unique(np.round(lattice.q2(hkl[problem.allowed(hkl, "C")][:-1], cell), 9))[:20]
    result = mcmc.optimize(
        lines, disturbed(100, 0.01, cell=cell), "orthorhombic", weights="coelho", accept="always"
    )
    assert relations.same_lattice(result.cells[0], cell) and result.centring[0] == "C"


def test_merge_averages_equal_assignments():
    x, label, first = running.merge(
        np.array([[1.0], [5.0], [3.0]]), np.array([[1, 2], [4, 4], [1, 2]])
    )
    assert (
        x.tolist() == [[2.0], [5.0]]
        and label.tolist() == [[1, 2], [4, 4]]
        and first.tolist() == [0, 1]
    )


def test_uniform_hash_is_uniform_and_uncorrelated():
    found = draws.hashed_uniform(
        np.full(1, 3, dtype=np.uint64),
        np.arange(200, dtype=np.uint64)[:, None],
        np.arange(500, dtype=np.uint64),
    )
    assert abs(found.mean() - 0.5) < 0.005 and abs(found.var() - 1 / 12) < 0.003
    assert np.abs(np.corrcoef(found[:20]) - np.eye(20)).max() < 0.2
    assert np.histogram(found, 10, (0, 1))[0].std() < 0.02 * found.size / 10


def test_score_does_not_favour_larger_cells():
    this = problem.Problem(pattern(), "monoclinic")
    true = lattice.free_x(lattice.cell_to_x(TRUE), "monoclinic")[None]
    double = lattice.free_x(lattice.cell_to_x(TRUE * np.array([1, 2, 1, 1, 1, 1])), "monoclinic")[
        None
    ]
    assert problem.scored(this, true)[1] > problem.scored(this, double)[1] + 5


@pytest.mark.parametrize("bad", [[0.1] * 3, [np.nan] * 20, [-0.1] * 20, [[0.1] * 20]])
def test_bad_peaks_are_refused(bad):
    with pytest.raises(DDIError, match="q2"):
        mcmc.optimize(bad, disturbed(2), "monoclinic")


def test_unknown_names_are_refused():
    for option in ("accept", "weights", "subsample_by", "assign", "prior"):
        with pytest.raises(DDIError, match=option):
            mcmc.optimize(pattern(), disturbed(2), "monoclinic", **{option: "no such"})


def test_impossible_cells_give_an_empty_result():
    result = mcmc.optimize(pattern(), np.array([[1.0, 1, 1, 90, 90, 90]]), "monoclinic")
    assert len(result.cells) == 0 and len(result.M20) == 0


def test_peaks_beyond_those_searched_vote():
    cell = np.array([5.2, 6.9, 16.4, 90, 90, 90])
    hkl = reference_hkl("orthorhombic")[:-1]
    lines = np.unique(np.round(lattice.q2(hkl, cell), 9))
    even = np.unique(np.round(lattice.q2(hkl[hkl[:, 2] % 2 == 0], cell), 9))
    q2 = np.concatenate(
        [even[:20], lines[lines > even[19]][:20]]
    )  # the odd layers show only beyond the twentieth peak
    half = cell * np.array([1, 1, 0.5, 1, 1, 1])
    starts = np.concatenate([disturbed(60, 0.01, cell=c) for c in (cell, half)])
    options = {"weights": "coelho", "accept": "always", "n_iterations": 30, "seed": 1}
    twenty = mcmc.optimize(q2[:20], starts, "orthorhombic", **options)
    voted = mcmc.optimize(q2, starts, "orthorhombic", n_search=20, **options)
    assert relations.same_lattice(twenty.cells[0], half) and relations.same_lattice(
        voted.cells[0], cell
    )
    assert voted.hkl.shape[1] == 40


def test_of_equal_cells_the_best_scored_stays_and_the_best_come_first():
    x = np.array([[3e-2, 4e-2], [1e-2, 2e-2], [1e-2, 2e-2 + 1e-9], [5e-2, 6e-2]])
    score = np.array([1.0, 0.0, 5.0, -2.0])
    assert problem.distinct(x, score, index=True).tolist() == [2, 0, 3]
    np.testing.assert_array_equal(problem.distinct(x, score), x[[2, 0, 3]])


@pytest.mark.parametrize("length, inside", [(1.9, False), (2.1, True), (499, True), (501, False)])
def test_axes_out_of_bounds_are_seen_by_both_loops(length, inside):
    from ddi.mcmc import nearest

    arrays = problem.Problem(pattern(), "monoclinic").arrays()
    x = lattice.free_x(lattice.cell_to_x(np.array([length, 5, 6, 90, 95, 90])), "monoclinic")
    assert plain._in_bounds(x[None], arrays).tolist() == [inside]
    assert nearest.in_bounds(x, arrays.ties, *arrays.bounds) == inside


def test_a_direction_that_rounding_alone_determines_is_left_alone():
    from ddi.mcmc import steps

    first = np.arange(1.0, 8)
    H = np.stack([first, first / 3], axis=1)[None]
    x = np.array([[0.02, 0.03]])
    moved = steps.svd_step(x, H, 0.031 * first, np.ones((1, 7)))
    np.testing.assert_allclose(moved, x + 0.001 * np.array([[0.9, 0.3]]), rtol=1e-9)


def test_a_peak_without_weight_is_left_out_by_scipy_too():
    from ddi.mcmc import steps

    rng = np.random.default_rng(4)
    H, x = rng.uniform(1, 9, (2, 8, 3)), np.full((2, 3), 0.02)
    q2 = np.linspace(0.1, 0.9, 8)
    weight = np.full((2, 8), 1e4)
    weight[:, 2] = 0
    moved = steps.by_name(x, H, q2, weight)
    assert np.isfinite(moved).all()
    np.testing.assert_allclose(moved, steps.closed_form(x, H, q2, weight), rtol=1e-5)
