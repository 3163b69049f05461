"""Perturbations have the spread they claim, and only cells that stay as the reindexing leaves them
count as valid.
"""

import numpy as np
import pytest

from ddi.data.perturb import Perturbation, b_placed, is_valid, shrinkage
from ddi.forward import lattice


@pytest.fixture
def free():
    rng = np.random.default_rng(0)
    a = rng.lognormal(2, 0.3, 500)
    return np.column_stack([a, 1.5 * a + rng.normal(0, 0.5, 500)])


@pytest.mark.parametrize(
    "method, expected", [("random", lambda s: np.eye(2)), ("covariance", lambda s: np.cov(s.T))]
)
def test_noise_has_the_stated_covariance(free, method, expected):
    made = Perturbation.fit(free, "tetragonal", method, strength=0.2)
    noise = np.random.default_rng(1).standard_normal((200_000, 2)) @ made.spread
    assert np.cov(noise.T) == pytest.approx(0.04 * expected(made.scaler.forward(free)), abs=0.001)


def test_svd_noise_is_independent_along_the_training_sets_axes(free):
    made = Perturbation.fit(free, "tetragonal", "svd")
    scaled = made.scaler.forward(free)
    basis = np.linalg.svd(scaled, full_matrices=False)[2]
    noise = np.random.default_rng(1).standard_normal((200_000, 2)) @ made.spread
    assert (noise @ basis.T).std(axis=0) == pytest.approx(
        0.2 * (scaled @ basis.T).std(axis=0), rel=0.01
    )
    assert np.corrcoef((noise @ basis.T).T)[0, 1] == pytest.approx(0, abs=0.01)


def test_the_default_is_random_for_one_parameter_and_svd_otherwise(free):
    assert Perturbation.fit(free[:, :1], "cubic").method == "random"
    assert Perturbation.fit(free, "tetragonal").method == "svd"


def test_draws_centre_on_the_parent(free):
    parent = np.tile(free[:1], (50_000, 1))
    drawn = Perturbation.fit(free, "tetragonal").draw(parent, np.random.default_rng(2))
    assert drawn.mean(axis=0) == pytest.approx(free[0], rel=0.01)


def test_b_placed_exchanges_the_unique_axis_and_undoes_itself():
    cells = np.array(
        [
            [1, 2, 3, 95, 90, 90],
            [1, 2, 3, 90, 95, 90],
            [1, 2, 3, 90, 90, 95],
            [1, 2, 3, 80, 85, 95.0],
        ]
    )
    axes = [0, 1, 2, -1]
    placed = b_placed(cells, axes)
    assert (
        (placed[:3, 4] == 95).all()
        and (placed[:3, 1] == [1, 2, 3]).all()
        and (placed[3] == cells[3]).all()
    )
    assert (b_placed(placed, axes) == cells).all()
    hkl = np.random.default_rng(0).integers(-5, 6, (4, 3))
    q2 = [lattice.q2(h, cell) for h, cell in zip(hkl, cells[:3])]
    assert [
        lattice.q2(h, cell) for h, cell in zip(b_placed(hkl, axes), placed[:3])
    ] == pytest.approx(q2)


@pytest.mark.parametrize(
    "cell, system, valid",
    [
        ([5, 6, 7, 90, 90, 90], "orthorhombic", True),
        ([6, 5, 7, 90, 90, 90], "orthorhombic", False),
        ([6, 6, 5, 90, 90, 90], "tetragonal", True),
        ([5, 6, 7, 100, 90, 90], "monoclinic", True),
        ([5, 6, 7, 80, 90, 90], "monoclinic", False),
        ([5, 6, 7, 80, 85, 88], "triclinic", True),
        ([5, 6, 7, 80, 95, 88], "triclinic", False),
        ([5, 6, 7, 120, 130, 140], "triclinic", False),
        ([1.5, 1.5, 1.5, 90, 90, 90], "cubic", False),
    ],
)
def test_valid_is_what_the_reindexing_leaves_alone(cell, system, valid):
    assert is_valid([cell], system)[0] == valid


def test_no_line_falls_further_than_the_shrinkage_says():
    rng = np.random.default_rng(5)
    parents = np.tile([5, 6, 7, 80, 85, 88.0], (20, 1))
    children = parents + rng.normal(0, 1, parents.shape) * [0.3, 0.3, 0.3, 3, 3, 3]
    hkl = rng.integers(-9, 10, (3000, 3))
    hkl = hkl[hkl.any(axis=1)]
    ratio = lattice.q2(hkl, children) / lattice.q2(hkl, parents)
    least = shrinkage(parents, children)
    assert (ratio >= least[:, None] - 1e-12).all() and (ratio.min(axis=1) < 1.05 * least).all()
