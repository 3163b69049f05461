"""The scale-free network: synthetic patterns are those of their cells, the mixture has the stated
law, and draws follow the pattern's scale.
"""

import dataclasses

import gemmi
import numpy as np
import pytest
from scipy import stats
from training_rows import frame

from ddi.forward import lattice, symmetry
from ddi.models import synthetic
from ddi.models.cells import cell_matrix, pattern_matrix, usable_cells
from ddi.models.constants import CONSTANTS
from ddi.models.dense import Numpy, tensorflow
from ddi.models.mixture import Mixture, features
from ddi.models.scale_free import ScaleFree
from ddi.models.synthetic import Source
from ddi.study.eval_generators import cell_error, mixture_calibration

GRID = np.stack(np.meshgrid(*[np.arange(-7, 8)] * 3), axis=-1).reshape(-1, 3)


GROUPS = {
    "cubic": "P m -3 m",
    "tetragonal": "P 4/m m m",
    "hexagonal": "P 6/m m m",
    "rhombohedral": "R -3 m:R",
    "orthorhombic": "P m m m",
    "monoclinic": "P 1 1 2/m",
    "triclinic": "P -1",
}


def rows_of(system, n=60, seed=0, lost=0.2):
    """Training rows of groups without absences, a fifth of the lines unseen."""
    rows = frame(system, n, seed=seed)
    rng = np.random.default_rng(seed)
    operations = symmetry.triplets(gemmi.SpaceGroup(GROUPS[system]).operations())
    lines = [synthetic.first_lines(tuple(cell), operations, 60)[0] for cell in cell_matrix(rows)]
    seen = [q2[rng.random(len(q2)) >= lost] for q2 in lines]
    family = [f"family{k // 2}" for k in range(n)]
    return rows.assign(operations=[list(operations)] * n, q2=seen, family=family)


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_every_peak_is_a_line_of_its_cell(system):
    source = Source.of(rows_of(system), system)
    q2, hkl, cells = source.indexed(40, np.random.default_rng(1))
    assert len(q2) > 20 and q2.shape[1] == lattice.N_PEAKS[system]
    true = (synthetic.products(hkl) @ lattice.cell_to_x(cells)[:, :, None])[..., 0]
    own = hkl.any(axis=2)
    assert own.mean() > 0.95 and (np.diff(q2, axis=1) >= 0).all()
    whole = own.all(axis=1)
    away = np.abs(q2 / np.where(own, true, np.nan) - 1)
    assert np.nanmedian(away) < 2 * CONSTANTS.noise and np.nanmax(away) < 0.02
    assert whole.mean() > 0.5 and lattice.is_possible(cells).all()
    if system == "triclinic":
        again = [lattice.reduced_cell(cell) for cell in cells]
        np.testing.assert_allclose(cells, again, rtol=1e-6)


def test_a_cell_longer_than_its_seed_has_all_its_lines(monkeypatch):
    """With every line seen, a pattern is the first twenty distinct lines of its cell."""
    rows = rows_of("orthorhombic", lost=0.0)
    exact = dataclasses.replace(CONSTANTS, damaged=0.0, flipped=0.0, noise=0.0)
    monkeypatch.setattr(synthetic, "CONSTANTS", exact)
    q2, cells = Source.of(rows, "orthorhombic").batch(200, np.random.default_rng(2))
    every = lattice.q2(GRID, cells)
    lines = [np.unique(np.round(v[v > 0], 8)) for v in every]
    missed = [20 - np.isclose(v[:25, None], p, rtol=1e-5).any(0).sum() for v, p in zip(lines, q2)]
    assert np.mean(np.array(missed) == 0) > 0.9


def test_no_two_batches_are_alike_and_a_seed_repeats_them():
    source = Source.of(rows_of("orthorhombic"), "orthorhombic")
    first, again, other = (source.batch(50, np.random.default_rng(k))[0] for k in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first[:, 0], other[:, 0]).any()


def test_shapes_spread_around_the_seeds_and_families_share_the_weight():
    rows = rows_of("orthorhombic", 40).assign(family=["one"] * 36 + list("abcd"))
    source = Source.of(rows, "orthorhombic")
    weight = np.diff(source.share, prepend=0)
    assert weight[-1] / weight[0] == pytest.approx(6)
    _, cells = source.batch(4000, np.random.default_rng(0))
    ratio = np.log(np.sort(cells[:, :3], axis=1)[:, [1, 2]] / cells[:, :3].min(axis=1)[:, None])
    known = np.log(source.cells[:, [1, 2]] / source.cells[:, :1])
    assert (ratio.std(axis=0) > known.std(axis=0)).all()


def test_entries_of_the_test_side_are_no_seeds(tmp_path, monkeypatch):
    rows = rows_of("cubic", 12).assign(lattice_system="cubic")
    rows["operations_reindexed"] = rows["operations"]
    sides = rows[["identifier", "group", "family"]].assign(split=["train", "test"] * 6)
    sides.to_parquet(tmp_path / "groups.parquet")
    monkeypatch.setattr(
        synthetic.dataset,
        "load",
        lambda _study, columns: rows.rename(columns={"q2": "q2_2"})[columns],
    )
    study = type("Study", (), {"interim": tmp_path})
    found = synthetic.training(study, "cubic")
    assert list(found.identifier) == list(rows.identifier[::2]) and not found.augmented.any()


def test_mixture_likelihood_against_scipy_and_in_both_libraries():
    design = Mixture(20, 3, n_components=4, width=16, depth=2)
    rng = np.random.default_rng(0)
    weights = [
        w + 0.1 * rng.standard_normal(w.shape).astype(np.float32) for w in design.initial(rng)
    ]
    x = features(np.sort(rng.uniform(0.1, 1, (7, 20)), axis=1))
    y = rng.standard_normal((7, 3))
    logits, mu, alpha, beta = (v.astype(float) for v in design.outputs(weights, x))
    density = stats.t.pdf(y[:, None], 2 * alpha, mu, np.sqrt(beta / alpha)).prod(axis=2)
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log((chance * density).sum(axis=1))
    np.testing.assert_allclose(design.nll(y, logits, mu, alpha, beta, Numpy), expected, rtol=1e-9)
    library = tensorflow()
    ours = design.outputs([library.tf.constant(w) for w in weights], x, library)
    theirs = design.nll(library.tf.constant(y, library.tf.float32), *ours, library)
    np.testing.assert_allclose(theirs.numpy(), expected, rtol=1e-4)


def test_features_change_little_where_a_line_is_missed():
    q2 = np.arange(1, 22)[None] / 20.0
    whole, one_less = features(q2[:, :20]), features(np.delete(q2, 5, axis=1))
    positions, density = (slice(0, 20), slice(59, None))
    moved = [np.abs(whole[:, part] - one_less[:, part]).mean() for part in (positions, density)]
    assert whole.shape == (1, 59 + CONSTANTS.n_bins) and moved[1] < 0.7
    np.testing.assert_allclose(features(9 * q2[:, :20]), whole, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module", params=["cubic", "orthorhombic", "monoclinic"])
def trained(request):
    system = request.param
    model = ScaleFree(steps=120, batch=128, width=48, n_components=4)
    return model.fit(rows_of(system, 100), system=system, seed=3), system


def test_learns_the_shapes(trained):
    """Synthetic patterns that training has not seen: better than the untrained, near for most."""
    model, system = trained
    held = rows_of(system, 40, seed=9)
    q2 = pattern_matrix(held, system)
    cells = model.sample(q2, 30, seed=1)
    assert cells.shape == (40, 30, 6) and lattice.is_possible(cells).all()
    near = cell_error(cells, usable_cells(held, system)).min(axis=1)
    assert model.losses[-10:].mean() < model.losses[:10].mean() - 0.5
    assert np.median(near) < {"cubic": 0.05, "orthorhombic": 0.2, "monoclinic": 0.3}[system]


def test_the_truth_is_anywhere_in_its_distribution(trained):
    """The probability below the truth of fresh synthetic patterns is nearly uniform: no systematic
    error of the mean, and the spread right within a quarter.
    """
    model, system = trained
    held = rows_of(system, 100, seed=8)
    below = mixture_calibration(model, held, system)["below"]
    assert 0.3 < below.mean() < 0.7 and 0.12 < below.std() < 0.4


def test_draws_follow_the_scale_of_the_pattern(trained):
    model, system = trained
    q2 = pattern_matrix(rows_of(system, 5, seed=4), system)
    small, large = (model.sample(q2 / k**2, 6, seed=2) for k in (1, 2))
    np.testing.assert_allclose(large[..., :3], 2 * small[..., :3], rtol=1e-4)
    np.testing.assert_allclose(large[..., 3:], small[..., 3:], atol=1e-2)


def test_same_after_saving(trained, tmp_path):
    model, system = trained
    model.save(tmp_path / "scale_free.npz")
    again = ScaleFree.load(tmp_path / "scale_free.npz", system=system)
    q2 = pattern_matrix(rows_of(system, 5, seed=4), system)
    np.testing.assert_array_equal(again.sample(q2, 6, seed=2), model.sample(q2, 6, seed=2))


def test_draws_have_the_law_of_the_mixture():
    model = ScaleFree()
    model.system = "cubic"
    model.scaler = np.array([[0.0], [1.0]])
    one = np.ones((1, 2, 1))
    law = np.log([[0.25, 0.75]]), one * [[[-1.0], [1.0]]], 3 * one, 0.02 * one
    model.predict = lambda _: law
    lengths = model._draw(None, np.ones((1, 10)), 40_000, np.random.default_rng(0))[0, :, 0]
    drawn = np.log(lengths[lengths > 2.001])
    kept = stats.t(6, loc=1.0, scale=np.sqrt(0.02 / 3))
    floor = np.log(2.001)
    wanted = 0.75 * kept.sf(floor) * 40_000
    assert len(drawn) == pytest.approx(wanted, rel=0.03)
    inside = (kept.cdf(drawn) - kept.cdf(floor)) / kept.sf(floor)
    assert stats.kstest(inside, "uniform").pvalue > 1e-3
