"""Nearest lines and refinement, compiled, against brute force in plain numpy."""

import numpy as np
import pytest

from ddi.base.algebra import solved_ridged
from ddi.forward import lattice
from ddi.forward.reflections import reference_hkl
from ddi.mcmc import likelihood, nearest
from ddi.mcmc.problem import Problem
from tests.mcmc.test_sampler import TRUE, disturbed, pattern


def around(values, q2_obs):
    """Lines as one number each through `neighbours`: below, above, their places, and the count."""
    table, scale = nearest.lookup(q2_obs)
    n_peaks = len(q2_obs)
    below, above = (np.empty(n_peaks + 1) for _ in range(2))
    i_below, i_above = (np.empty(n_peaks + 1, dtype=np.int64) for _ in range(2))
    lines = np.ascontiguousarray(np.stack([values / 2, values / 2]))
    q2 = np.full(len(values), np.nan)
    rest = q2, below, above, i_below, i_above
    count = nearest.neighbours(np.ones(2), lines, q2_obs, table, scale, *rest)
    np.testing.assert_allclose(q2, values)
    return below[:-1], above[:-1], i_below[:-1], i_above[:-1], count


def expected_around(q2, q2_obs):
    lower = np.where((q2 > 0) & (q2 < q2_obs[:, None]), q2, -np.inf)
    upper = np.where((q2 > 0) & (q2 >= q2_obs[:, None]), q2, np.inf)
    return lower.max(axis=1), upper.min(axis=1), np.sum((q2 > 0) & (q2 < q2_obs[-1]))


@pytest.mark.parametrize("seed", range(6))
def test_neighbours_are_the_nearest_lines_on_either_side(seed):
    rng = np.random.default_rng(seed)
    q2_obs = np.sort(rng.uniform(0.02, 0.3, 20))
    n_lines = (1, 3, 10, 60, 300, 300)[seed]
    q2 = rng.uniform(-0.1, 0.5 if seed < 5 else 0.05, n_lines)
    below, above, i_below, i_above, count = around(q2, q2_obs)
    lower, upper, expected = expected_around(q2, q2_obs)
    np.testing.assert_allclose(below, lower)
    np.testing.assert_allclose(above, upper)
    assert count == expected
    for place, value in ((i_below, lower), (i_above, upper)):
        there = np.isfinite(value)
        np.testing.assert_allclose(q2[place[there]], value[there])
        assert (place[~there] == -1).all()


def test_a_line_on_a_peak_is_the_one_above_it_and_lines_without_length_are_none():
    for line in (0.25, 0.2503):  # at the start of a bin and not
        found = around(np.array([line, 0.0, -0.125, 0.75]), np.array([0.125, line, 0.5]))
        below, above, i_below, i_above, count = found
        assert below.tolist() == [-np.inf, -np.inf, line] and above.tolist() == [line, line, 0.75]
        assert i_below.tolist() == [-1, -1, 0] and i_above.tolist() == [0, 0, 3] and count == 1


def test_every_bin_holds_the_number_of_peaks_below_its_start():
    q2_obs = np.array([0.01, 0.25, 0.2501, 1.0])  # the second and the last at starts of bins
    table, scale = nearest.lookup(q2_obs)
    starts = np.arange(len(table)) / scale
    assert len(table) == nearest.N_BINS + 1 and starts[-1] == 1
    assert table.tolist() == [int((q2_obs <= start).sum()) for start in starts]


def test_the_nearer_line_is_chosen_and_of_two_equally_near_the_lower():
    q2_obs = np.array([1.0, 2.0, 3.0, 4.0])
    below, above = np.array([0.5, 1.0, 2.5, -np.inf]), np.array([1.25, 3.5, 3.5, 5.0])
    label = np.empty(4, dtype=np.int64)
    nearest.choose(q2_obs, below, above, np.arange(4), np.arange(10, 14), label)
    assert label.tolist() == [10, 1, 2, 13]


def test_normal_equations_add_up_over_peaks_with_weight():
    rng = np.random.default_rng(3)
    lines = rng.uniform(0, 9, (3, 40))
    label = rng.integers(0, 40, 12)
    q2_obs, calculated, weight = rng.uniform(0.1, 1, (3, 12))
    weight[[2, 7]] = 0
    weight[9] = -1
    normal = np.full((3, 3), 0.5)
    gradient = np.full(3, 0.25)
    nearest.normal_equations(label, calculated, lines, q2_obs, weight, normal, gradient)
    H = lines.T[label]
    used = weight.clip(0)
    np.testing.assert_allclose(gradient - 0.25, H.T @ (used * (q2_obs - calculated)))
    expected = (H.T * used) @ H
    np.testing.assert_allclose(np.tril(normal - 0.5), np.tril(expected))
    assert (np.triu(normal, 1) == np.triu(np.full((3, 3), 0.5), 1)).all()


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_bounds_are_those_of_cells(system):
    rng = np.random.default_rng(len(system))
    cells = np.column_stack([rng.uniform(1.5, 9, (300, 3)), rng.uniform(50, 130, (300, 3))])
    cells[::9, 0] *= 80
    cells[1::9, 1] *= 80
    cells[2::9, 2] *= 80
    cells = lattice.full_cell(lattice.free_cell(cells, system), system)
    cells = cells[np.isfinite(lattice.volume(cells))]
    x = lattice.free_x(lattice.cell_to_x(cells), system)
    x[3::7] *= rng.choice([-1, 1], x[3::7].shape)
    ties = lattice.ties(system)
    found = [bool(nearest.in_bounds(row, ties, 2.0, 500.0)) for row in x]
    assert found == likelihood.in_bounds(x, system).tolist()
    assert 0.1 < np.mean(found) < 0.95


def test_angles_that_no_cell_has_are_out_of_bounds():
    ties = lattice.ties("triclinic")
    wide = np.array([0.04, 0.04, 0.04, -0.06, -0.06, -0.06])  # each pair of axes alone is possible
    assert not nearest.in_bounds(wide, ties, 2.0, 500.0)
    assert nearest.in_bounds(wide / np.array([1, 1, 1, 2, 2, 2]), ties, 2.0, 500.0)
    for volume, inside in ((1e-8, False), (1e-4, True)):  # relative, of nearly parallel axes
        flat = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 2 * np.sqrt(1 - volume)])
        assert nearest.in_bounds(flat, ties, 1e-9, 1e9) == inside
    for pair in range(3):
        too_far = np.array([0.04, 0.04, 0.04, 0.0, 0.0, 0.0])
        too_far[3 + pair] = 0.09
        assert not nearest.in_bounds(too_far, ties, 0.1, 1e9)


def polished(problem, x, widths, bounds):
    """Rounds of assignment and weighted least squares in numpy."""
    x = x.copy()
    H = problem.H
    for width in widths:
        label = assigned(problem, x)
        miss = problem.q2 - np.einsum("ckf,cf->ck", H[label], x)
        weight = 1 / (problem.sigma * (1 + (miss / width / problem.sigma) ** 2)) ** 2
        normal = np.einsum("ck,ckf,ckg->cfg", weight, H[label], H[label])
        gradient = np.einsum("ck,ckf,ck->cf", weight, H[label], miss)
        moved = x + solved_ridged(normal, gradient)
        inside = likelihood.in_bounds(moved, problem.system, *bounds)
        x = np.where(inside[:, None], moved, x)
    return x, assigned(problem, x)


def assigned(problem, x):
    q2 = np.where(x @ problem.H.T > 0, x @ problem.H.T, np.inf)
    return np.abs(problem.q2[:, None] - q2[:, None, :]).argmin(axis=2)


@pytest.mark.parametrize("bounds", [(2.0, 500.0), (6.29, 500.0)])
def test_polishing_is_weighted_least_squares_round_after_round(bounds):
    hkl = reference_hkl("monoclinic")[:120]
    sigma = np.linspace(2e-5, 8e-5, 20)
    problem = Problem(pattern(), "monoclinic", hkl, sigma)
    x = lattice.free_x(lattice.cell_to_x(disturbed(20, 0.01)), "monoclinic")
    widths = np.array([20.0, 5.0, 2.0])
    found = x.copy()
    label = np.zeros((20, 20), dtype=np.int64)
    count = np.zeros(20, dtype=np.int64)
    fixed = problem.q2, problem.lines, problem.ties, problem.table, problem.scale
    nearest.polish_all(found, label, count, *fixed, np.array(bounds), problem.sigma, widths)
    expected, labels = polished(problem, x, widths, bounds)
    same = np.isclose(found, expected, rtol=1e-6).all(axis=1)
    assert same.mean() >= 0.9  # a line half way between two peaks may go either way by rounding
    np.testing.assert_array_equal(label[same], labels[same])
    lines = found @ problem.H.T
    np.testing.assert_array_equal(count, ((lines > 0) & (lines < problem.q2[-1])).sum(axis=1))
    held = (found == x).all(axis=1).mean()
    assert held == 0 if bounds[0] == 2.0 else 0 < held < 1


def test_polishing_reaches_the_cell_of_exact_peaks():
    problem = Problem(pattern(noise=0.0), "monoclinic")
    x = lattice.free_x(lattice.cell_to_x(TRUE), "monoclinic")
    found = np.array([x * 1.0005])
    rest = problem.q2, problem.lines, problem.ties, problem.table, problem.scale, problem.bounds
    label, count = np.zeros((1, 20), dtype=np.int64), np.zeros(1, dtype=np.int64)
    nearest.polish_all(found, label, count, *rest, problem.sigma, np.array([5.0, 2.0, 2.0]))
    np.testing.assert_allclose(found[0], x, rtol=1e-6)
