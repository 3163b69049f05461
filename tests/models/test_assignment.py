"""Assignment: limits of the simple ways, the network against Keras, and files that do not fit."""

import itertools

import numpy as np
import pandas as pd
import pytest
from crystals import SKEW
from scipy.stats import chi2

from ddi.base.errors import DDIError
from ddi.data.scaling import CellScaler
from ddi.forward import lattice, reflections
from ddi.models.assigners import AdaptivePrior, LinePrior, NearestLine, closeness, pairwise, softmax
from ddi.models.assignment import AssignmentNetwork, load_prior
from ddi.models.assignment_data import (
    Peaks,
    Problem,
    draw_from,
    free_x,
    noisy_cells,
    predict_from,
)
from ddi.models.assignment_training import (
    DROPOUT,
    EPSILON,
    epsilon,
    fit,
    new_weights,
    trainer,
)
from ddi.models.generator import Group
from ddi.study.eval_assignment import (
    calibration_error,
    compare_series,
    flatness,
    found,
    nearest,
    refine,
    reliability,
    score,
    solve,
)


def toy(system="orthorhombic", n=120, n_peaks=20, seed=0):
    """Patterns of random cells with a tenth of their lines missing."""
    rng = np.random.default_rng(seed)
    free = np.array(SKEW[system]) * rng.uniform(0.93, 1.07, (n, len(SKEW[system])))
    cells = lattice.full_cell(free, system)
    forms = reflections.forms(system)[:400]
    lines = np.where(rng.random((n, 400)) < 0.1, np.inf, lattice.q2(forms, cells))
    order = np.argsort(lines, axis=1)[:, :n_peaks]
    names = np.array([f"toy:{i}" for i in range(n)])
    return Peaks(
        system,
        names,
        np.array(["toy"] * n),
        np.take_along_axis(lines, order, axis=1),
        forms[order],
        cells,
    )


def random_network(system="orthorhombic", n_ref=60, n_peaks=20, units=(8, 8, 8, 4)):
    rng = np.random.default_rng(4)
    weights = [
        w + 0.1 * rng.standard_normal(w.shape).astype(np.float32)
        for w in new_weights(n_peaks, n_ref, rng, units)
    ]
    weights = [w.astype(np.float16).astype(np.float32) for w in weights]
    return AssignmentNetwork(
        system, reflections.reference_hkl(system, n_ref), 2e-4, "0.05", weights, "digest"
    )


def test_true_cells_assign_themselves():
    """The write-up's remark: with the true cell the assignment is perfect."""
    for system in lattice.SYSTEMS:
        peaks = toy(system, n=20, n_peaks=lattice.N_PEAKS[system])
        reference = reflections.reference_hkl(system, order_by=peaks.cells)
        truth = reflections.labels(peaks.hkl, reference, system)
        H = lattice.design(reference, system)
        answer = np.concatenate(
            [nearest(q2, x[None], reference, system) for q2, x in zip(peaks.q2, peaks.x)]
        )
        found_q2 = np.einsum("npf,nf->np", H[answer], peaks.x)
        listed = truth < len(reference) - 1
        np.testing.assert_allclose(found_q2[listed], peaks.q2[listed], rtol=1e-12)


def test_nearest_line_in_the_common_interface():
    peaks = toy(n=12)
    reference = reflections.reference_hkl("orthorhombic")
    x = peaks.x * 1.01
    assigner = NearestLine("orthorhombic", reference)
    expected = np.concatenate(
        [nearest(q2, one[None], reference, "orthorhombic") for q2, one in zip(peaks.q2, x)]
    )
    assert (
        assigner.predict(peaks.q2, x)[0] == expected
    ).mean() > 0.99  # float32 may break ties otherwise
    five = assigner.top(peaks.q2, x, 5)
    assert (five[..., 0] == assigner.predict(peaks.q2, x)[0]).mean() > 0.99
    distance = np.abs(pairwise(peaks.q2, x, assigner.H_ref()))
    distance[..., -1] = np.inf
    np.testing.assert_allclose(
        np.take_along_axis(distance, five, -1), np.sort(distance, axis=-1)[..., :5], atol=1e-7
    )


def test_closeness_is_between_zero_and_one():
    delta = np.array([0.0, 1e-3, -1e-3, 1.0], dtype=np.float32)
    np.testing.assert_allclose(closeness(delta, 1e-3), [1, 0.5, 0.5, 1e-3 / 1.001], rtol=1e-5)


def test_network_does_not_depend_on_chunks_or_on_other_candidates():
    peaks = toy(n=150)
    network = random_network()
    together, confidence = network.predict(peaks.q2, peaks.x)
    for i in (0, 63, 64, 149):
        alone, sure = network.predict(peaks.q2[i], peaks.x[i])
        np.testing.assert_array_equal(alone[0], together[i])
        np.testing.assert_allclose(sure[0], confidence[i], rtol=1e-5)
    chance = network.probabilities(peaks.q2, peaks.x)
    np.testing.assert_allclose(chance.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(chance.max(axis=-1), confidence, rtol=1e-5)
    np.testing.assert_array_equal(network.top(peaks.q2, peaks.x, 3)[..., 0], together)


def test_the_network_is_the_keras_model_of_section_2_3_3():
    """Dense, LayerNormalization, GELU, Dropout on every peak, then a softmax head for each."""
    keras = pytest.importorskip("keras")
    network = random_network(n_ref=60, n_peaks=4)
    peaks = toy(n=6, n_peaks=4)
    near = closeness(pairwise(peaks.q2, peaks.x, network.H_ref()), network.width)
    *blocks, kernels, biases = network.weights
    inputs = keras.Input((4, 60))
    values = inputs
    for kernel, bias, gain, offset in zip(*[iter(blocks)] * 4):
        for layer, given in (
            (keras.layers.Dense(kernel.shape[1]), [kernel, bias]),
            (keras.layers.LayerNormalization(), [gain, offset]),
        ):
            values = layer(values)
            layer.set_weights(given)
        values = keras.layers.Dropout(0.25)(keras.layers.Activation("gelu")(values))
    heads = []
    for peak in range(4):
        head = keras.layers.Dense(60, activation="softmax")
        heads.append(head(values[:, peak]))
        head.set_weights([kernels[peak], biases[peak, 0]])
    theirs = np.stack(keras.Model(inputs, heads).predict(near, verbose=0), axis=1)
    ours = network.probabilities(peaks.q2, peaks.x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    step = trainer(4, 60, (8, 8, 8, 4))
    step.reset(network.weights)
    logits = step.logits(near.swapaxes(0, 1)).numpy().swapaxes(0, 1)
    np.testing.assert_allclose(softmax(logits), theirs, rtol=1e-4, atol=1e-6)


def test_training_drops_a_quarter_of_the_units():
    """The loss of the same batch differs from seed to seed, and by the rate of section 2.3.3."""
    network = random_network(n_ref=60, n_peaks=4)
    peaks = toy(n=6, n_peaks=4)
    near = closeness(pairwise(peaks.q2, peaks.x, network.H_ref()), network.width).swapaxes(0, 1)
    step = trainer(4, 60, (8, 8, 8, 4))
    losses = []
    for seed in (1, 1, 2):
        step.reset(network.weights)
        labels = np.zeros((4, 6), np.int32)
        losses.append(float(step.step(near, np.zeros_like(near), labels, seed, np.float32(0))))
    assert losses[0] == losses[1] != losses[2]
    kept = step.layers.dropout(DROPOUT)(np.ones((200, 200), np.float32), [1, 2]).numpy()
    assert DROPOUT == 0.25 and (kept == 0).mean() == pytest.approx(0.25, abs=0.02)


def test_labels_are_drawn_from_the_softmax():
    """Frequencies of 4,000 draws against the probabilities: chi-squared over the likely labels."""
    peaks = toy(n=1)
    network = random_network()
    x = np.repeat(peaks.x, 4000, axis=0)
    labels, chance = network.draw(peaks.q2[0], x, np.random.default_rng(1))
    given = network.probabilities(peaks.q2[0], peaks.x)[0].astype(float)
    np.testing.assert_allclose(chance, given[np.arange(20), labels], rtol=1e-4)
    for peak in (0, 7, 19):
        expected = 4000 * given[peak]
        seen = np.bincount(labels[:, peak], minlength=60)
        common = expected > 5
        distance = (seen[common] - expected[common]) ** 2 / expected[common]
        assert chi2(common.sum()).sf(distance.sum()) > 1e-3


def test_predicted_cells_are_the_mean_under_the_entrys_own_group():
    class Two:
        groups = [Group("a", 5), Group("b", 50)]
        cell_scaler = CellScaler(0.0, 1.0, 1.0, np.zeros(3, bool))

        def mean(self, q2, group):
            return np.full((len(q2), 3), {"a": 5.0, "b": 7.0}[group.name])

    peaks = toy(n=6)
    peaks.group = np.array(list("aabbcc"))
    cells = predict_from(Two(), peaks)
    assert cells.shape == (6, 1, 6)
    np.testing.assert_array_equal(cells[:, 0, 0], [5, 5, 7, 7, 7, 7])


def test_unknown_levels_are_refused():
    peaks = toy(n=20)
    problem = Problem.of(peaks, peaks, 60)
    problem.predicted["forest"] = (peaks.cells[:, None], peaks.cells[:, None])
    assert epsilon(problem, "forest") == epsilon(problem, "predicted") == EPSILON["predicted"]
    with pytest.raises(DDIError, match="no assignment network has level '0.7'"):
        epsilon(problem, "0.7")


def test_series_go_from_coarse_to_fine():
    """Each assigner is asked once, in the order given, before the nearest lines."""
    asked = []

    class Told(NearestLine):
        def predict(self, q2_obs, x):
            asked.append(self.width)
            return super().predict(q2_obs, x)

    peaks = toy(n=8)
    problem = Problem.of(peaks, peaks, 200)
    series = [Told("orthorhombic", problem.reference, width) for width in (1e-2, 1e-3, 1e-4)]
    table = compare_series(problem, ["0.01"], {"series": series, "nearest": []}, seed=1)
    assert asked == [1e-2, 1e-3, 1e-4]
    assert list(table.series) == ["series", "nearest"] and (table.after >= table.before).all()


def test_blocks_share_one_kernel_and_heads_do_not():
    """Swapping two peaks and their heads swaps their probabilities, and nothing else."""
    peaks = toy(n=5)
    network = random_network()
    swapped = network.probabilities(peaks.q2[:, [1, 0, *range(2, 20)]], peaks.x)
    plain = network.probabilities(peaks.q2, peaks.x)
    np.testing.assert_allclose(swapped[:, 2:], plain[:, 2:], rtol=1e-5)
    assert np.abs(swapped[:, [1, 0]] - plain[:, :2]).max() > 1e-4
    for head in (-1, -2):
        network.weights[head] = network.weights[head][[1, 0, *range(2, 20)]]
    np.testing.assert_allclose(
        network.probabilities(peaks.q2[:, [1, 0, *range(2, 20)]], peaks.x)[:, [1, 0]],
        plain[:, :2],
        rtol=1e-4,
    )


def test_saved_and_loaded_gives_the_same(tmp_path):
    network = random_network()
    peaks = toy(n=10)
    network.prior = LinePrior(
        "orthorhombic", network.reference, np.zeros((20, 60), np.float32), 0.01
    )
    network.save(tmp_path / "a.npz")
    again = AssignmentNetwork.load(tmp_path / "a.npz", "orthorhombic")
    assert (again.level, again.trained_on, again.width) == ("0.05", "digest", 2e-4)
    np.testing.assert_allclose(
        again.probabilities(peaks.q2, peaks.x), network.probabilities(peaks.q2, peaks.x), atol=1e-6
    )
    prior = load_prior(tmp_path / "a.npz", "orthorhombic")
    np.testing.assert_array_equal(
        prior.predict(peaks.q2, peaks.x)[0], network.prior.predict(peaks.q2, peaks.x)[0]
    )


def test_wrong_files_are_refused_by_name(tmp_path):
    network = random_network()
    network.save(tmp_path / "good.npz")
    with pytest.raises(DDIError, match="good.npz assigns orthorhombic"):
        AssignmentNetwork.load(tmp_path / "good.npz", "cubic")
    with pytest.raises(DDIError, match="none.npz does not exist"):
        AssignmentNetwork.load(tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:500])
    with pytest.raises(DDIError, match="cut.npz is no assignment network"):
        AssignmentNetwork.load(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(DDIError, match="other.npz has format None"):
        AssignmentNetwork.load(tmp_path / "other.npz")
    network.reference = network.reference[1:]
    network.save(tmp_path / "short.npz")
    with pytest.raises(DDIError, match="short.npz"):
        AssignmentNetwork.load(tmp_path / "short.npz")


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_noise_has_the_stated_size_and_the_systems_shape(system):
    cells = np.repeat(lattice.full_cell([SKEW[system]], system), 4000, axis=0)
    scaler = CellScaler(10.0, 2.0, 0.1, np.array(lattice.SYSTEM[system].free) >= 3)
    noisy = noisy_cells(cells, system, 0.05, scaler, np.random.default_rng(0))
    free = lattice.free_cell(noisy, system)
    np.testing.assert_allclose(lattice.full_cell(free, system), noisy)
    np.testing.assert_allclose(
        (scaler.forward(free) - scaler.forward(lattice.free_cell(cells, system))).std(axis=0),
        0.05,
        rtol=0.05,
    )


def test_more_and_fewer_peaks_than_in_training():
    peaks = toy(n=5, n_peaks=25)
    network = random_network()
    network.prior = LinePrior(
        "orthorhombic", network.reference, np.zeros((20, 60), np.float32), 0.01
    )
    longer = network.probabilities(peaks.q2, peaks.x)
    shorter = network.probabilities(peaks.q2[:, :12], peaks.x)
    np.testing.assert_allclose(longer[:, :12], shorter, rtol=1e-5)
    assert longer.shape == (5, 25, 60)


def test_entries_without_a_draw_leave_only_the_width():
    """A generator that is slow draws for some entries; the widths come from those, the base rates
    from all.
    """

    class Twice:
        groups = ()

        def pooled(self, q2, n, *, seed):
            return np.repeat(
                peaks.cells[[np.flatnonzero((peaks.q2 == one).all(axis=1))[0] for one in q2]][
                    :, None
                ]
                * 1.01,
                n,
                axis=1,
            )

    peaks = toy(n=80)
    drawn = draw_from(Twice(), peaks, 3, seed=0, most=30)
    some = np.isfinite(drawn).all(axis=(1, 2))
    assert drawn.shape == (80, 3, 6) and some.sum() == 30 and np.isnan(drawn[~some]).all()
    np.testing.assert_array_equal(draw_from(Twice(), peaks, 3, seed=0)[some], drawn[some])
    reference = reflections.reference_hkl("orthorhombic", order_by=peaks.cells)
    truth = reflections.labels(peaks.hkl, reference, "orthorhombic")
    x = free_x(drawn[:, 0], "orthorhombic")
    for kind in (NearestLine, LinePrior):
        mine, subset = (
            kind("orthorhombic", reference).fit(peaks.q2[rows], truth[rows], x[rows])
            for rows in (slice(None), some)
        )
        assert mine.width == pytest.approx(subset.width) and np.isfinite(mine.width)
    whole = LinePrior("orthorhombic", reference).fit(peaks.q2, truth, peaks.x * 1.01)
    np.testing.assert_array_equal(
        LinePrior("orthorhombic", reference).fit(peaks.q2, truth, x).log_prior, whole.log_prior
    )


def test_flatness_is_the_gain_of_the_last_third():
    steps = np.arange(1, 10) * 100
    curve = pd.DataFrame(
        {
            "step": steps,
            "test_accuracy": np.minimum(steps / 1000, 0.6),
            "nearest line": 0.3,
            "cpu_seconds": 90,
        }
    )
    row = flatness(curve)
    assert row["right / %"] == pytest.approx(60) and row["last third / points"] == pytest.approx(10)
    assert (row["steps"], row["nearest / %"], row["CPU / min"]) == (900, 30, 1.5)


def test_line_prior_limits():
    """With cells that hardly err it is the nearest line; with useless cells it is the base rate."""
    peaks = toy(n=200)
    reference = reflections.reference_hkl("orthorhombic", order_by=peaks.cells)
    truth = reflections.labels(peaks.hkl, reference, "orthorhombic")
    sharp = LinePrior("orthorhombic", reference).fit(peaks.q2, truth, peaks.x * (1 + 1e-5))
    assert sharp.width == pytest.approx(1e-5, rel=1e-2)
    assert score(sharp, peaks, peaks.x * (1 + 1e-5)).first.mean() > 0.99
    blunt = LinePrior(
        "orthorhombic",
        reference,
        np.log(np.full((20, 500), 1e-6) + np.eye(20, 500)).astype(np.float32),
        1e3,
    )
    np.testing.assert_array_equal(blunt.predict(peaks.q2, peaks.x)[0][0, 1:], np.arange(1, 20))


def test_own_width_follows_the_candidate():
    """Exact and erring candidates of one batch are each assigned as by the prior of their own
    width.
    """
    peaks = toy(n=60)
    reference = reflections.reference_hkl("orthorhombic", order_by=peaks.cells)
    flat = np.where(np.arange(500) < 499, 0, -20).astype(np.float32) * np.ones(
        (20, 1), dtype=np.float32
    )
    x = np.where(np.arange(60)[:, None] % 2, 1.0, 1.03) * peaks.x
    adaptive = AdaptivePrior("orthorhombic", reference, flat, 1.0)
    assert score(adaptive, peaks, x).first[1::2].mean() > 0.98
    _, confidence = adaptive.predict(peaks.q2, x)
    assert confidence[1::2].mean() > confidence[::2].mean() + 0.2
    together = adaptive.predict(peaks.q2, x)[0]
    alone = adaptive.predict(peaks.q2[:1], x[:1])[0]
    np.testing.assert_array_equal(together[0], alone[0])


def test_calibration_table():
    peaks = toy(n=50)
    scores = score(
        NearestLine("orthorhombic", reflections.reference_hkl("orthorhombic")),
        peaks,
        peaks.x * 1.02,
    )
    table = reliability(scores)
    assert table.n.sum() == 1000 and 0 <= calibration_error(table) <= 1
    assert np.average(table.accuracy, weights=table.n) == pytest.approx(scores.first.mean())
    assert (scores.five >= scores.first).all()


def test_solve_finds_the_true_cell_from_true_indices():
    peaks = toy("monoclinic", n=20)
    H = lattice.design(peaks.hkl, "monoclinic")
    x = peaks.x * 1.05
    for _ in range(2):
        x = solve(peaks.q2, H, x)
    np.testing.assert_allclose(x, peaks.x, rtol=1e-6, atol=1e-9)
    assert found(x, peaks).all() and not found(peaks.x * 1.05, peaks).any()


def test_refine_pulls_small_errors_in():
    peaks = toy(n=40)
    x = free_x(
        peaks.cells
        * (1 + 0.003 * np.random.default_rng(0).standard_normal((40, 6)) * [1, 1, 1, 0, 0, 0]),
        "orthorhombic",
    )
    assert (
        found(refine([], peaks, x, reflections.reference_hkl("orthorhombic")), peaks, 1e-3).mean()
        > 0.9
    )


def test_refine_reads_labels_by_each_assigners_own_list():
    peaks = toy(n=20)
    ordered = reflections.reference_hkl("orthorhombic", order_by=peaks.cells)
    other = reflections.reference_hkl("orthorhombic")
    x = free_x(peaks.cells * 1.002, "orthorhombic")
    after = refine([NearestLine("orthorhombic", other, 1e-4)] * 2, peaks, x, ordered, rounds=2)
    assert found(after, peaks, 2e-3).mean() > 0.9


@pytest.mark.slow
def test_a_network_learns_and_repeats_itself():
    """Training is deterministic, numpy carries its weights on, and a toy problem is learned beyond
    chance.
    """
    train = toy("tetragonal", 400, 8, seed=1)
    test = toy("tetragonal", 100, 8, seed=2)
    reference = reflections.reference_hkl("tetragonal", 30, order_by=train.cells)
    scaler = CellScaler.fit(lattice.free_cell(train.cells, "tetragonal"), "tetragonal")
    x = free_x(
        noisy_cells(test.cells, "tetragonal", 0.3, scaler, np.random.default_rng(3)), "tetragonal"
    )
    networks = []
    for _ in range(2):
        network = AssignmentNetwork("tetragonal", reference, 1e-3, "0.3")

        def draw(rng):
            return noisy_cells(train.cells, "tetragonal", 0.3, scaler, rng)

        history = fit(
            network,
            train,
            draw,
            epochs=30,
            seed=5,
            test=(test, x),
            every=30,
            units=(32, 16),
            batch=64,
        )
        networks.append(network)
    for first, second in itertools.zip_longest(*(network.weights for network in networks)):
        np.testing.assert_array_equal(first, second)
    right = score(network, test, x).first.mean()
    truth = reflections.labels(train.hkl, reference, "tetragonal")
    base_rate = np.mean([np.bincount(column).max() / len(column) for column in truth.T])
    assert right > base_rate + 0.1 and right > 0.5
    assert right == pytest.approx(
        history.test_accuracy.iloc[-1], abs=0.01
    )  # before and after rounding to half precision
    assert history.loss.iloc[-1] < history.loss.iloc[0]
