"""SVD-Index: its cells, its volumes, and that it behaves as published."""

import numpy as np
import pytest

from ddi.forward import lattice, relations
from ddi.forward.bragg import sigma_q2
from ddi.forward.reflections import reference_hkl
from ddi.index import search
from ddi.mcmc import starts
from ddi.study import convergence, svd_index

CELLS = {
    "cubic": [9.13, 9.13, 9.13, 90, 90, 90],
    "orthorhombic": [5.14, 8.72, 12.23, 90, 90, 90],
    "monoclinic": [6.31, 9.19, 11.42, 90, 104.3, 90],
}


def lines(system, n=20):
    return np.unique(np.round(lattice.q2(reference_hkl(system)[:-1], CELLS[system]), 9))[:n]


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_random_cells_have_the_volume_and_the_system(system):
    cells = starts.random_cells(system, 500.0, 200, seed=0)
    np.testing.assert_allclose(lattice.volume(cells), 500.0, rtol=1e-9)
    np.testing.assert_allclose(lattice.full_cell(lattice.free_cell(cells, system), system), cells)
    assert np.array_equal(cells, starts.random_cells(system, 500.0, 200, seed=0))


@pytest.mark.parametrize("system", CELLS)
def test_volume_is_estimated_within_the_range_searched(system):
    volumes = starts.volumes(lines(system), system)
    assert volumes[0] < lattice.volume(np.array(CELLS[system])) < volumes[-1]
    assert (np.diff(np.log(volumes)) <= np.log(starts.GROWTH) + 1e-12).all()


@pytest.mark.parametrize("system", CELLS)
def test_finds_the_cell_and_needs_about_as_many_calls_as_published(system):
    cell = np.array(CELLS[system])
    peaks = search.prepare(lines(system), sigma_q2(lines(system), 0.02))
    found = svd_index.index(peaks, system, seed=1, time_budget=20)
    assert relations.same_lattice(found.rows[0].reduced, cell)
    calls = [
        convergence.calls_to_solution(lines(system), system, cell, n_starts=400, seed=seed)
        for seed in range(5)
    ]
    assert np.median(calls) < 3 * convergence.PUBLISHED_CALLS[system] + 3


def test_rounds_of_svd_index_go_through_the_growing_volumes(monkeypatch):
    asked = {}
    monkeypatch.setattr(svd_index, "solve", lambda peaks, system, sample, **given: asked.update(
        volumes=[lattice.volume(sample(number)) for number in range(40)], **given))  # fmt: skip
    q2 = lines("monoclinic")
    svd_index.index(search.prepare(q2, sigma_q2(q2, 0.02)), "monoclinic", per_volume=3)
    shells = starts.volumes(q2, "monoclinic")
    expected = [np.full(3, shells[number % len(shells)]) for number in range(40)]
    np.testing.assert_allclose(asked["volumes"], expected, rtol=1e-9)
    assert asked["weights"] == "coelho" and asked["accept"] == "always"
    assert asked["subsample"] == len(q2)


def test_exact_pattern_is_the_first_lines_of_its_cell():
    q2, cell = starts.exact_pattern("monoclinic", 4)
    lines = np.sort(lattice.q2(reference_hkl("monoclinic")[:-1], cell))
    assert (
        len(q2) == 20
        and (np.diff(q2) > 0).all()
        and q2[0] == pytest.approx(lines[0])
        and 200 <= lattice.volume(cell) <= 2000
    )
    assert np.isin(np.round(q2, 9), np.round(lines, 9)).all()


def test_sampler_starts_between_each_volume_and_the_next():
    q2 = lines("orthorhombic")
    shells = np.repeat(starts.volumes(q2, "orthorhombic"), 50)
    sample = starts.sampler(q2, "orthorhombic", seed=3, per_volume=50)
    ratio = lattice.volume(sample(0)) / shells
    assert 1 <= ratio.min() < 1.03 and starts.GROWTH - 0.03 < ratio.max() <= starts.GROWTH
    assert not np.array_equal(sample(0), sample(1))
    assert np.array_equal(sample(1), sample(1))


@pytest.mark.parametrize("system", ["monoclinic", "triclinic", "tetragonal"])
def test_exact_patterns_are_of_cells_in_the_axes_of_their_system(system):
    _, cell = starts.exact_pattern(system, 2)
    free = lattice.free_cell(lattice.full_cell(lattice.free_cell(cell, system), system), system)
    np.testing.assert_allclose(lattice.full_cell(free, system), cell)
    if system == "monoclinic":
        assert cell[[3, 5]] == pytest.approx(90) and cell[4] != 90
    if system == "triclinic":
        assert not np.isclose(cell[3:], 90).any()
        volume = np.exp(np.random.default_rng(2).uniform(np.log(200), np.log(2000)))
        assert np.array_equal(cell, starts.random_cells(system, volume, 1, 2)[0])
