"""The template network: index sets give the cells they say, repeats are passed over, draws have the
law of the logits, and what was learned survives saving; the shipped models saw no test entry.
"""

import numpy as np
import pandas as pd
import pytest
from test_scale_free import rows_of

from ddi.base.paths import Study
from ddi.forward import lattice
from ddi.models import index_sets
from ddi.models.cells import pattern_matrix, usable_cells
from ddi.models.coincidences import reading
from ddi.models.dense import Numpy, tensorflow
from ddi.models.synthetic import Source
from ddi.models.template_network import (
    BUILT,
    SHIPPED,
    Choice,
    TemplateNetwork,
    packed,
    shipped,
    unpacked,
)
from ddi.study.eval_generators import cell_error


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_a_set_that_fits_gives_the_cell(system):
    """Sets taken from a pattern's own indices give its cell; `right` agrees with `cell_error`."""
    source = Source.of(rows_of(system), system)
    rng = np.random.default_rng(0)
    peaks, hkl = index_sets.frequent(source, 150, rng)
    spread = index_sets.spread(hkl, system)
    q2, indices, cells = source.indexed(30, rng)
    right = index_sets.right(q2, cells, spread, peaks)
    own = (indices[:, peaks] == hkl).all(axis=(2, 3))
    assert own.any() and right[own].mean() > 0.95
    k, t = np.nonzero(right)
    x = np.einsum("nrp,np->nr", spread[t], q2[k[:, None], peaks[t]])
    assert cell_error(lattice.x_to_cell(x)[:, None], cells[k]).max() <= 0.05 + 1e-9
    wrong = np.array([lattice.x_to_cell(s @ q2[0, p]) for s, p in zip(spread, peaks)])
    error = cell_error(np.nan_to_num(wrong, nan=1e9)[None], cells[:1])[0]
    np.testing.assert_array_equal(error <= 0.05, right[0])


def test_first_cells_are_distinct_and_in_order():
    source = Source.of(rows_of("orthorhombic"), "orthorhombic")
    rng = np.random.default_rng(3)
    peaks, hkl = index_sets.chosen(source, 200, 200, rng)
    spread = index_sets.spread(hkl, "orthorhombic")
    q2, _ = source.batch(5, rng)
    order = np.argsort(rng.random((len(q2), len(peaks))), axis=1)
    cells = index_sets.first_cells(q2, order, spread, peaks, 12)
    for row in cells:
        away = np.abs(row[:, None, :3] / row[None, :, :3] - 1).max(axis=2)
        assert (away + np.eye(12) > 0.02).all()
    first = lattice.x_to_cell(spread[order[0, 0]] @ q2[0, peaks[order[0, 0]]])
    if np.isfinite(first).all() and first[:3].min() > 2:
        np.testing.assert_allclose(cells[0, 0], first, rtol=1e-9)


def test_few_sets_are_repeated_and_none_is_ever_nan():
    one = index_sets.spread(np.array([[[1, 0, 0]]]), "cubic")
    q2 = np.linspace(0.01, 0.1, 10)[None]
    order = np.zeros((1, 1), dtype=int)
    cells = index_sets.first_cells(q2, order, one, np.array([[0]]), 3)
    np.testing.assert_allclose(cells[0], [[10, 10, 10, 90, 90, 90]] * 3)
    none = index_sets.first_cells(-q2, order, one, np.array([[0]]), 2)
    assert np.isfinite(none).all()


def test_likelihood_by_hand_and_in_both_libraries():
    design = Choice(7, 5, width=8, depth=2)
    rng = np.random.default_rng(0)
    weights = design.initial(rng)
    x = rng.standard_normal((4, 7)).astype(np.float32)
    right = np.eye(5, dtype=np.float32)[[0, 1, 2, 3]] + np.eye(5, dtype=np.float32)[4]
    (logits,) = design.outputs(weights, x)
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log((chance * right).sum(axis=1))
    np.testing.assert_allclose(design.nll(right, logits, Numpy), expected, rtol=1e-5)
    library = tensorflow()
    ours = design.outputs([library.tf.constant(w) for w in weights], x, library)
    theirs = design.nll(library.tf.constant(right), *ours, library)
    np.testing.assert_allclose(theirs.numpy(), expected, rtol=1e-4)


def test_readings_tell_coincidences_and_know_no_scale():
    q2 = np.sort(np.random.default_rng(0).uniform(0.1, 1, (1, 20)), axis=1)
    np.testing.assert_allclose(reading(7 * q2), reading(q2), rtol=1e-3, atol=1e-3)
    doubled = q2.copy()
    doubled[0, 9] = 2 * doubled[0, 1] if 2 * q2[0, 1] < q2[0, 19] else doubled[0, 9]
    doubled.sort(axis=1)
    at = 20 + 19 + 20 + 96
    assert reading(doubled)[0, at:].max() > 0.999


@pytest.fixture(scope="module", params=["cubic", "orthorhombic", "monoclinic"])
def trained(request):
    system = request.param
    options = {"steps": 60, "batch": 128, "width": 48, "n_sets": 200, "n_patterns": 300}
    return TemplateNetwork(**options).fit(rows_of(system, 100), system=system, seed=3), system


def test_learns_which_sets_are_right(trained):
    model, system = trained
    held = rows_of(system, 40, seed=9)
    q2 = pattern_matrix(held, system)
    true = usable_cells(held, system)
    cells = model.sample(q2, 30, seed=1)
    assert cells.shape == (40, 30, 6) and lattice.is_possible(cells).all()
    found = (cell_error(cells, true).min(axis=1) <= 0.05).mean()
    fresh = model.weights
    model.weights = model.design.initial(np.random.default_rng(0))
    untrained = (cell_error(model.sample(q2, 30, seed=1), true).min(axis=1) <= 0.05).mean()
    model.weights = fresh
    assert model.losses[-10:].mean() < model.losses[:5].mean() - 0.3
    assert found >= max(untrained, {"cubic": 0.9, "orthorhombic": 0.4, "monoclinic": 0.2}[system])


def test_same_after_saving_and_another_seed_differs(trained, tmp_path):
    model, system = trained
    model.save(tmp_path / "model.npz")
    again = TemplateNetwork.load(tmp_path / "model.npz", system=system)
    q2 = pattern_matrix(rows_of(system, 5, seed=4), system)
    drawn = model.sample(q2, 6, seed=2)
    np.testing.assert_array_equal(again.sample(q2, 6, seed=2), drawn)
    assert not np.array_equal(again.sample(q2, 6, seed=3), drawn)


def test_eight_bits_keep_a_kernel_within_half_a_step():
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((30, 7)).astype(np.float32), np.ones(7, dtype=np.float32)]
    stored = packed(weights)
    found = unpacked(stored)
    assert stored["weight_00"].dtype == np.int8
    assert (np.abs(found[0] - weights[0]) <= np.abs(weights[0]).max(axis=0) / 253).all()
    np.testing.assert_array_equal(found[1], weights[1])
    again = unpacked(packed(found))
    np.testing.assert_allclose(again[0], found[0], rtol=1e-6)


def test_first_draws_have_the_law_of_the_logits(trained):
    """Without replacement, the first draw of each pattern is one of the softmax."""
    model, system = trained
    q2 = pattern_matrix(rows_of(system, 1, seed=4), system)
    logits = model.predict(q2)[0].astype(float)
    chance = np.exp(logits - logits.max())
    best = model.peaks[logits.argmax()], model.spread[logits.argmax()]
    cell = model.usable(lattice.x_to_cell(best[1] @ q2[0, best[0]]))
    same = np.isfinite(logits)
    for t in range(len(logits)):
        other = lattice.x_to_cell(model.spread[t] @ q2[0, model.peaks[t]])
        good = lattice.is_possible(np.nan_to_num(other))
        same[t] = good and np.allclose(model.usable(other), cell, rtol=1e-6)
        chance[t] *= good
    many = model.sample(np.repeat(q2, 3000, axis=0), 1, seed=5)[:, 0]
    share = np.isclose(many, cell, rtol=1e-6).all(axis=1).mean()
    assert share == pytest.approx(chance[same].sum() / chance.sum(), abs=0.04)


def test_a_model_that_saw_test_entries_is_left_out(trained, tmp_path, monkeypatch, capsys):
    model, system = trained
    monkeypatch.setattr("ddi.models.template_network.SHIPPED", tmp_path)
    study = type("Study", (), {"interim": tmp_path})
    assert shipped(study, system) is None
    model.save(tmp_path / f"template_network_{system}.npz")
    sides = pd.DataFrame({"identifier": ["crystal3", "other"], "split": ["train", "test"]})
    sides.to_parquet(tmp_path / "groups.parquet")
    assert shipped(study, system).system == system
    sides.assign(split="test").to_parquet(tmp_path / "groups.parquet")
    assert shipped(study, system) is None
    assert "learned from 1 entries" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.npz")), ids=lambda path: path.stem)
def test_shipped_models_saw_training_entries_only(path):
    """No identifier of the default study's test side, nor a relative of one, in their training."""
    system = path.stem.rsplit("_", 1)[1]
    model = TemplateNetwork.load(path, system=system)
    assert len(model.identifiers) > 100 and np.isfinite(model.losses).all()
    assert len(model.losses) == BUILT[system]["steps"]
    path = Study("default").interim / "groups.parquet"
    if not path.exists():
        pytest.skip("no default data: run notebooks 01 to 04")
    groups = pd.read_parquet(path, columns=["identifier", "family", "split", "lattice_system"])
    groups = groups[groups.lattice_system == system]
    own = groups[groups.identifier.isin(model.identifiers)]
    test = groups[groups.split == "test"]
    assert not own.identifier.isin(test.identifier).any()
    assert not own.family.isin(test.family).any()
    assert len(own) > 0.9 * len(model.identifiers)
