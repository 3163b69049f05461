"""Forests: stored nodes say what scikit-learn says, sizes fit the group."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from training_rows import frame

from ddi.forward import lattice
from ddi.models import controls
from ddi.models.cells import cells_from_free, pattern_matrix, usable_cells
from ddi.models.forest import Forest, ForestLiteral, Trees
from ddi.study import eval_generators


def test_stored_nodes_equal_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.random((300, 5)).astype(np.float32)
    y = rng.random((300, 2))
    forest = RandomForestRegressor(7, min_samples_leaf=3, random_state=0).fit(x, y)
    trees = Trees.from_sklearn(forest)
    fresh = rng.random((50, 5)).astype(np.float32)
    np.testing.assert_allclose(
        trees.value[trees.apply(fresh)].mean(axis=1), forest.predict(fresh), rtol=1e-5
    )
    np.testing.assert_array_equal(trees.apply(fresh), forest.apply(fresh) + trees.root)


def test_sizes_as_written_and_for_small_groups():
    assert ForestLiteral().sizes(2000) == (200, 10) and ForestLiteral().sizes(60) == (6, 10)
    assert ForestLiteral().n_trees == 80
    assert Forest().sizes(2000) == (200, 10)
    assert Forest(min_rows=0).sizes(60) == (6, 10)
    assert Forest().sizes(60) == (60, 3)
    assert Forest().sizes(400) == (100, 5)
    assert Forest(min_rows=5).sizes(8) == (5, 1) and Forest(min_rows=0).sizes(3) == (1, 10)


def test_a_feature_on_the_threshold_goes_left():
    one = np.zeros(3, np.int32)
    trees = Trees(np.zeros(1, np.int32), np.array([0, -1, -1]), np.float32([0.5, 0, 0]),
                  one + [1, 0, 0], one + [2, 0, 0], np.float32([[0], [1], [2]]))  # fmt: skip
    assert trees.apply([[0.5], [0.25], [0.75]]).ravel().tolist() == [1, 1, 2]


def test_only_leaves_keep_their_means():
    rng = np.random.default_rng(0)
    x = rng.random((60, 3)).astype(np.float32)
    trees = Trees.from_sklearn(RandomForestRegressor(2, random_state=0).fit(x, 1 + x[:, :2]))
    inner = trees.feature >= 0
    assert inner.any() and (trees.value[inner] == 0).all() and (trees.value[~inner] >= 1).all()


@pytest.mark.parametrize("system", ["cubic", "monoclinic", "triclinic"])
def test_same_after_saving_and_for_the_same_seed(tmp_path, system):
    rows = frame(system)
    model = Forest(n_trees=12).fit(rows, system=system, seed=5)
    model.save(tmp_path / "forest.npz")
    q2 = pattern_matrix(rows, system)[:9]
    cells = model.sample(q2, 6, seed=1)
    assert cells.shape == (9, 12, 6) and lattice.is_possible(cells).all()
    np.testing.assert_allclose(
        Forest.load(tmp_path / "forest.npz", system=system).sample(q2, 6, seed=1), cells, rtol=1e-6
    )
    np.testing.assert_array_equal(
        Forest(n_trees=12).fit(rows, system=system, seed=5).sample(q2, 6, seed=1), cells
    )


def test_draws_use_every_tree_before_one_comes_again():
    rows = frame("orthorhombic", groups=1)
    model = Forest(n_trees=9).fit(rows, system="orthorhombic")
    drawn = model.sample(pattern_matrix(rows, "orthorhombic")[:1], 9)[0]
    trees = model.predictions(pattern_matrix(rows, "orthorhombic")[:1], model.groups[0])[0]
    lengths = cells_from_free(model.cell_scaler.inverse(trees), "orthorhombic")
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(lengths, axis=0))


def test_after_the_last_tree_all_come_again():
    rows = frame("orthorhombic", groups=1)
    model = Forest(n_trees=9).fit(rows, system="orthorhombic")
    q2 = pattern_matrix(rows, "orthorhombic")[:1]
    twice = model.sample(q2, 18)[0]
    first, second = (np.sort(part, axis=0) for part in (twice[:9], twice[9:]))
    np.testing.assert_allclose(first, second)
    assert not np.array_equal(twice[:9], twice[9:])


def test_a_group_draws_the_same_alone_and_in_company():
    rows = frame("orthorhombic")
    model = Forest(n_trees=9).fit(rows, system="orthorhombic")
    q2 = pattern_matrix(rows, "orthorhombic")[:4]
    np.testing.assert_array_equal(model.sample(q2, 5, groups=["g1"]), model.sample(q2, 5)[:, 5:])


def test_learns_where_there_is_something_to_learn():
    rows = frame("cubic", 400, groups=1)
    held = frame("cubic", 100, seed=1, groups=1)
    q2 = pattern_matrix(held, "cubic")
    true = usable_cells(held, "cubic")
    error = [
        eval_generators.cell_error(kind().fit(rows, system="cubic").sample(q2, 1), true).mean()
        for kind in (Forest, controls.Random)
    ]
    assert error[0] < 0.5 * error[1]
