"""The shape generator: no scale, spoilt patterns, cells that settle on their lines."""

import numpy as np
import pytest
from training_rows import CELLS, frame

from ddi.forward import lattice
from ddi.forward.noise import spoil
from ddi.models.cells import pattern_matrix, usable_cells
from ddi.models.shape import Shape
from ddi.models.snap import distinct, snap
from ddi.study import eval_generators


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_a_cell_two_per_cent_off_settles_on_the_true_one(system):
    true = usable_cells(frame(system, 1), system)
    q2 = pattern_matrix(frame(system, 1), system)[0]
    rng = np.random.default_rng(0)
    rough = lattice.full_cell(
        lattice.free_cell(true, system)
        * (1 + 0.01 * rng.uniform(-1, 1, (40, len(lattice.SYSTEM[system].free)))),
        system,
    )
    cells, scores = snap(q2, rough, system)
    best = cells[np.argmax(scores)]
    assert eval_generators.cell_error(best[None, None], true)[0, 0] < 1e-4
    assert scores.max() > 10 + snap(q2, true * [1.37, 1.37, 1.37, 1, 1, 1], system, rounds=())[1][0]


def test_snapping_solves_the_normal_equations():
    q2 = np.array([1, 2, 3, 4, 5, 6, 8, 9, 10, 11]) / 25.0
    cells, _ = snap(q2, np.array([[5.05, 5.05, 5.05, 90, 90, 90]]), "cubic")
    np.testing.assert_allclose(cells[0, :3], 5, rtol=1e-5)


def test_a_cell_that_is_none_comes_back_with_no_score():
    cells = np.array([[400.0, 400, 400, 90, 90, 90]])
    snapped, scores = snap(np.linspace(0.2, 1, 20), cells, "orthorhombic")
    np.testing.assert_array_equal(snapped, cells)
    assert scores[0] == -np.inf


def test_distinct_cells():
    cells = np.array([[5, 5, 5], [5.001, 5, 5], [6, 5, 5], [5, 5, 5], [7, 5, 5.0]])
    assert distinct(cells, 3, 0.005).tolist() == [0, 2, 4]
    assert distinct(cells, 5, 0.005).tolist() == [0, 2, 4, 4, 4]


class TestSpoil:
    q2 = np.linspace(0.05, 1.0, 60)

    def test_nothing_asked_nothing_done(self):
        np.testing.assert_allclose(
            spoil(self.q2, 20, np.random.default_rng(0), missing=0, spurious=0, zero=0),
            self.q2[:20],
        )

    def test_lines_are_lost_and_later_ones_move_up(self):
        spoilt = spoil(self.q2, 20, np.random.default_rng(0), missing=0.3, spurious=0, zero=0)
        assert (
            len(spoilt) == 20
            and np.isclose(spoilt[:, None], self.q2).any(axis=1).all()
            and spoilt[-1] > self.q2[19]
        )

    def test_ascending_and_long_enough_or_none(self):
        assert (np.diff(spoil(self.q2, 20, np.random.default_rng(1))) >= 0).all()
        assert spoil(self.q2[:20], 20, np.random.default_rng(0), missing=0.5) is None


@pytest.mark.parametrize("system", ["cubic", "hexagonal", "monoclinic", "triclinic"])
def test_same_after_saving_and_for_the_same_seed(tmp_path, system):
    rows = frame(system)

    def make():
        return Shape(n_trees=10, n_proposals=50).fit(rows, system=system, seed=2)

    model = make()
    q2 = pattern_matrix(rows, system)[:4]
    cells = model.sample(q2, 5, seed=1)
    assert cells.shape == (4, 5, 6) and lattice.is_possible(cells).all()
    model.save(tmp_path / "shape.npz")
    np.testing.assert_allclose(
        Shape.load(tmp_path / "shape.npz", system=system).sample(q2, 5, seed=1), cells, rtol=1e-6
    )
    np.testing.assert_array_equal(make().sample(q2, 5, seed=1), cells)


def test_draws_do_not_know_the_unit_of_length():
    rows = frame("orthorhombic")
    model = Shape(n_trees=10).fit(rows, system="orthorhombic")
    q2 = pattern_matrix(rows, "orthorhombic")[:3]
    small, large = (model.propose(q2 / k**2, 8, np.random.default_rng(0)) for k in (1, 3))
    np.testing.assert_allclose(large[..., :3], 3 * small[..., :3], rtol=1e-5)


def test_finds_cells_it_has_not_seen():
    rows = frame("orthorhombic", 200)
    held = frame("orthorhombic", 20, seed=9)
    model = Shape(n_trees=20, n_proposals=200).fit(rows, system="orthorhombic")
    cells = model.sample(pattern_matrix(held, "orthorhombic"), 10)
    assert (
        eval_generators.cell_error(cells, usable_cells(held, "orthorhombic")).min(axis=1) < 0.01
    ).mean() > 0.8


def test_cells_come_best_first():
    rows = frame("orthorhombic", 200)
    q2 = pattern_matrix(frame("orthorhombic", 6, seed=9), "orthorhombic")
    model = Shape(n_trees=20, n_proposals=300).fit(rows, system="orthorhombic")
    for pattern, cells in zip(q2, model.sample(q2, 12)):
        scores = snap(pattern, cells, "orthorhombic", rounds=())[1]
        assert (np.diff(scores) <= 0.05).all() and scores[0] > scores[-1]


def test_real_rows_are_copied_augmented_ones_once_and_few_enough_are_kept():
    rows = frame("orthorhombic", 20)
    rows["augmented"] = np.arange(20) >= 12
    rows["q2"] = [np.linspace(0.05, 1.0, 60)] * 20  # long enough for every spoilt copy
    for most, expected in ((1000, 20 + 12 * 4 + 8), (30, 30), (5, 20)):
        model = Shape(copies=4, max_rows=most)
        model.system = "orthorhombic"
        q2, cells = model._patterns(rows, np.random.default_rng(0))
        assert len(q2) == len(cells) == expected
    np.testing.assert_array_equal(q2, np.stack(rows["q2"])[:, :20])


def test_donors_are_jittered_by_log_lengths_and_radians():
    rows = frame("triclinic", 40)
    q2 = pattern_matrix(rows, "triclinic")[:1]
    model = Shape(n_trees=5, jitter=0.01).fit(rows, system="triclinic", seed=1)
    model.donors[:] = model.donors[:1] * 0 + np.float32([7, 8, 9, 80, 95, 100])
    free = model.propose(q2, 4000, np.random.default_rng(2))[0]
    assert np.log(free[:, :3]).std(axis=0) == pytest.approx(0.01, rel=0.1)
    assert free[:, 3:].std(axis=0) == pytest.approx(np.degrees(0.01), rel=0.1)


def test_as_many_cells_as_asked_for_though_fewer_are_proposed():
    rows = frame("orthorhombic", 60)
    model = Shape(n_trees=5, n_proposals=3).fit(rows, system="orthorhombic")
    cells = model.sample(pattern_matrix(rows, "orthorhombic")[:1], 12)[0]
    assert cells.shape == (12, 6) and len(np.unique(np.round(cells, 3), axis=0)) > 3


def test_cells_that_are_returned_differ_by_half_a_per_cent():
    rows = frame("orthorhombic", 200)
    q2 = pattern_matrix(frame("orthorhombic", 4, seed=9), "orthorhombic")
    model = Shape(n_trees=20, n_proposals=300).fit(rows, system="orthorhombic")
    for cells in model.sample(q2, 6):
        apart = np.abs(cells[:, None, :3] / cells[None, :, :3] - 1).max(axis=2)
        assert apart[~np.eye(6, dtype=bool)].min() > 0.004


def test_every_parameter_weighs_alike_in_the_trees(monkeypatch):
    import sklearn.ensemble

    targets = []

    class Spy(sklearn.ensemble.ExtraTreesRegressor):
        def fit(self, x, y):
            targets.append(y)
            return super().fit(x, y)

    monkeypatch.setattr(sklearn.ensemble, "ExtraTreesRegressor", Spy)
    Shape(n_trees=2).fit(frame("monoclinic", 40), system="monoclinic")
    np.testing.assert_allclose(targets[0].std(axis=0), 1, rtol=1e-4)


def test_all_systems_have_a_cell():
    assert set(CELLS) == set(lattice.SYSTEMS)
