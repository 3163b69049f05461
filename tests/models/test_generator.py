"""Generators' common ground: cells are usable, budgets are fair, files are refused by name."""

import numpy as np
import pytest
from training_rows import frame

from ddi.base.errors import DDIError
from ddi.base.paths import Study
from ddi.forward import lattice
from ddi.models import controls, generator
from ddi.models.cells import (
    cell_matrix,
    cells_from_free,
    free_parameters,
    in_order,
    make_valid,
    pattern_matrix,
    usable_cells,
)
from ddi.study import eval_generators


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_free_parameters_return_to_the_usable_cells(system):
    rows = frame(system)
    axis = int(rows["unique_axis"].iloc[0])
    cells = cell_matrix(rows)
    again = cells_from_free(free_parameters(cells, system, axis), system, axis)
    expected = in_order(usable_cells(rows, system), system)
    np.testing.assert_allclose(again, expected, rtol=1e-12)


@pytest.mark.parametrize("name", generator.CONTROLS)
@pytest.mark.parametrize("system", ["cubic", "monoclinic", "triclinic"])
def test_controls_give_valid_cells_repeatably(name, system):
    rows = frame(system)
    model = generator.kind(name)().fit(rows, system=system, seed=1)
    q2 = pattern_matrix(rows, system)[:7]
    cells = model.sample(q2, 5, seed=3)
    assert cells.shape == (7, 5, 6) and lattice.is_possible(cells).all()
    np.testing.assert_array_equal(cells, model.sample(q2, 5, seed=3))


def test_nearest_finds_the_pattern_itself():
    rows = frame("orthorhombic")
    model = controls.Nearest().fit(rows, system="orthorhombic")
    cells = model.sample(pattern_matrix(rows, "orthorhombic"), 1)
    np.testing.assert_allclose(cells[:, 0], cell_matrix(rows))


def test_nearest_begins_anew_after_the_last_training_cell():
    rows = frame("orthorhombic").head(3)
    model = controls.Nearest().fit(rows, system="orthorhombic")
    cells = model.sample(pattern_matrix(rows, "orthorhombic"), 7)
    np.testing.assert_array_equal(cells[:, 3:6], cells[:, :3])
    np.testing.assert_array_equal(cells[:, 6], cells[:, 0])
    assert len(np.unique(cells[0, :3], axis=0)) == 3


def test_rescaled_cells_do_not_know_the_unit_of_length():
    rows = frame("orthorhombic")
    model = controls.Rescaled().fit(rows, system="orthorhombic")
    q2 = pattern_matrix(rows, "orthorhombic")[:5]
    np.testing.assert_allclose(
        model.sample(q2 / 4, 6)[..., :3], 2 * model.sample(q2, 6)[..., :3], rtol=1e-12
    )


def test_impossible_cells_are_made_possible():
    wild = [
        [1, 700, 5, 90, 90, 90],
        [4, 5, 6, 20, 20, 170],
        [np.nan, 5, 6, 90, np.nan, 90],
        [4, 5, 6, 10, 150, 10],
    ]
    cells = make_valid(wild)
    assert lattice.is_possible(cells).all() and np.isfinite(cells).all()
    np.testing.assert_array_equal(make_valid(cells), cells)
    # lengths and angles within bounds stay; what does not close is drawn to 90 in steps
    kept = np.array([[2.0, 500, 5, 90, 90, 170], [4, 5, 6, 10, 90, 90]])
    np.testing.assert_array_equal(make_valid(kept), kept)
    np.testing.assert_allclose(cells[1, 3:], 90 + 0.8**5 * np.array([-70, -70, 80]))
    np.testing.assert_array_equal(cells[2], [90, 5, 6, 90, 90, 90])


def test_axes_take_their_angles_along():
    cells = in_order(np.array([[7.0, 5, 6, 70, 80, 100]]), "triclinic")
    np.testing.assert_array_equal(cells, [[5, 6, 7, 80, 100, 70]])


def test_groups_take_turns_from_the_middle_of_their_shares():
    # three of the first four cells are the larger group's, and it comes first
    assert generator.turns(np.array([[3.0, 1.0]]), 8).tolist() == [[0, 0, 1, 0, 0, 0, 1, 0]]
    assert generator.turns(np.array([[1.0, 3.0]]), 4).tolist() == [[1, 0, 1, 1]]


def test_a_group_of_augmented_rows_alone_counts_as_one_entry():
    rows = frame("cubic", 6)
    rows["augmented"] = rows["group"] == rows["group"].iloc[-1]
    counts = {group.name: group.n_entries for group in generator.groups_of(rows)}
    assert counts[rows["group"].iloc[-1]] == 1


def test_best_of_n_by_hand():
    true = np.array([[10.0, 10, 10, 90, 90, 90], [5, 6, 7, 90, 100, 90]])
    cells = np.array(
        [
            [[11.5, 10, 10, 90, 90, 90], [10.3, 10, 9.8, 90, 90, 90]],
            [[5, 6, 7, 90, 105, 90], [5, 6, 7, 90, 102, 90]],
        ]
    )
    table = eval_generators.best_of_n(cells, true).set_index(["tolerance", "n"])["k"]
    assert [table[t, 1] for t in eval_generators.TOLERANCES] == [0, 0, 0, 1]
    assert [table[t, 2] for t in eval_generators.TOLERANCES] == [0, 0, 2, 2]


def test_best_of_n_never_falls():
    rows = frame("monoclinic")
    cells = (
        controls.Random()
        .fit(rows, system="monoclinic")
        .sample(pattern_matrix(rows, "monoclinic"), 40)
    )
    table = eval_generators.best_of_n(cells, usable_cells(rows, "monoclinic"))
    assert all(part["k"].is_monotonic_increasing for _, part in table.groupby("tolerance"))
    assert (table["low"] <= table["rate"]).all() and (table["rate"] <= table["high"]).all()


def test_a_budget_is_shared_by_numbers_of_entries():
    class Named(generator.Generator):
        name = "named"

        def _draw(self, group, q2, n, rng):
            return np.full((len(q2), n, 6), float(group.name))

    model = Named()
    model.system = "orthorhombic"
    model.groups = [generator.Group("1", 300), generator.Group("2", 100)]
    cells = model.pooled(np.ones((3, 20)), 40)[0, :, 0]
    assert [(cells[:k] == 1).sum() for k in (4, 20, 40)] == [3, 15, 30]


class TestFiles:
    def saved(self, folder):
        path = folder / "nearest_cubic.npz"
        model = controls.Nearest().fit(frame("cubic"), system="cubic")
        model.save(path)
        return path, model

    def test_come_back_as_they_were(self, tmp_path):
        path, model = self.saved(tmp_path)
        again = controls.Nearest.load(path, system="cubic", data=model.data)
        q2 = pattern_matrix(frame("cubic"), "cubic")
        np.testing.assert_array_equal(again.sample(q2, 4), model.sample(q2, 4))
        assert again.groups == model.groups

    @pytest.mark.parametrize("expected", [{"system": "monoclinic"}, {"data": "0123456789abcdef"}])
    def test_are_refused_by_name(self, tmp_path, expected):
        path, _ = self.saved(tmp_path)
        with pytest.raises(DDIError, match="nearest_cubic.npz.*" + next(iter(expected))):
            controls.Nearest.load(path, **expected)

    def test_of_another_kind_or_version_are_refused(self, tmp_path, monkeypatch):
        path, _ = self.saved(tmp_path)
        with pytest.raises(DDIError, match="kind"):
            controls.Random.load(path)
        monkeypatch.setattr(generator, "FORMAT", generator.FORMAT + 1)
        with pytest.raises(DDIError, match="format"):
            controls.Nearest.load(path)

    @pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04broken"])
    def test_that_are_broken_or_missing_are_refused(self, tmp_path, content):
        path = tmp_path / "forest_cubic.npz"
        with pytest.raises(DDIError, match="does not exist"):
            controls.Nearest.load(path)
        path.write_bytes(content)
        with pytest.raises(DDIError, match="not a model"):
            controls.Nearest.load(path)


ONE_MISSING = np.where(np.arange(20) == 19, np.nan, np.ones((2, 20)))


@pytest.mark.parametrize("q2", [np.ones((2, 5)), np.full((2, 20), np.nan), ONE_MISSING])
def test_patterns_too_short_or_not_finite_are_refused(q2):
    model = controls.Random().fit(frame("orthorhombic"), system="orthorhombic")
    with pytest.raises(DDIError, match="20 peaks"):
        model.sample(q2, 3)


def test_no_rows_and_unknown_groups_are_refused():
    with pytest.raises(DDIError, match="no training rows"):
        controls.Random().fit(frame("cubic")[:0], system="cubic")
    with pytest.raises(DDIError, match="no group g9"):
        controls.Random().fit(frame("cubic"), system="cubic").chosen(["g9"])


def test_the_default_models_fit_into_100_megabytes_and_load():
    """What a default run left, where there is one: small, each for its own system, and refused for
    another.
    """
    study = Study("default")
    paths = [
        generator.path_of(study, name, system)
        for name in generator.LEARNED
        for system in lattice.SYSTEMS
    ]
    if not (paths := [path for path in paths if path.exists()]):
        pytest.skip("no default run yet")
    assert sum(path.stat().st_size for path in study.models.glob("*.npz")) <= 100e6
    for path in paths:
        name, system = path.stem.rsplit("_", 1)
        assert generator.kind(name).load(path, system=system).groups
        with pytest.raises(DDIError, match=path.name):
            generator.kind(name).load(
                path, system=next(other for other in lattice.SYSTEMS if other != system)
            )
