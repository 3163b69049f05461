"""Variance networks: the likelihood is Student's t, gradients are right, one step trains every
model.
"""

import numpy as np
import pytest
from scipy import stats
from training_rows import frame

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.models import generator
from ddi.models.cells import pattern_matrix
from ddi.models.dense import Numpy
from ddi.models.network import Network, NetworkLiteral, Tuned, padded
from ddi.models.trainer import Trainer, filled, trainer
from ddi.models.variance import TUNED, Design, InverseGamma, PointVariance, describe, outputs

SMALL = Design(mean_units=(16, 8), variance_units=(8,), batch=32, learning_rate=3e-3, dropout=0.1)


def test_likelihood_is_students_t():
    rng = np.random.default_rng(0)
    y, mu = rng.normal(size=(2, 500))
    alpha = 1 + rng.gamma(1, 5, 500)
    beta = rng.gamma(1, 2, 500) + 1e-3
    expected = -stats.t.logpdf(y, 2 * alpha, loc=mu, scale=np.sqrt(beta / alpha))
    np.testing.assert_allclose(
        InverseGamma.nll(y, mu, alpha, beta), expected, rtol=1e-10, atol=1e-10
    )


def test_likelihood_integrates_the_variance_out():
    y = 0.7
    mu = 0.2
    alpha = 3.0
    beta = 1.5
    variance = stats.invgamma(alpha, scale=beta)
    density = variance.expect(lambda v: stats.norm.pdf(y, mu, np.sqrt(v)), lb=1e-6, ub=np.inf)
    assert np.isclose(-np.log(density), InverseGamma.nll(y, mu, alpha, beta), rtol=1e-6)


def test_point_variance_is_the_normal():
    np.testing.assert_allclose(
        PointVariance.nll(1.0, 0.3, None, 2.0), -stats.norm.logpdf(1.0, 0.3, np.sqrt(2)), rtol=1e-12
    )


def test_order_is_filled_to_whole_batches():
    order = filled(np.random.default_rng(0), 150, 64)
    assert len(order) == 192 and set(order[:150]) == set(range(150))
    assert len(filled(np.random.default_rng(0), 5, 64)) == 64


@pytest.mark.parametrize("design", [Design(), Design(parallel=False), SMALL], ids=describe)
def test_numpy_and_tensorflow_agree(design):
    tf = pytest.importorskip("tensorflow")
    still = Design(**{**design.__dict__, "dropout": 0.0})
    rng = np.random.default_rng(0)
    weights = still.initial(rng) + 0.05 * rng.standard_normal(len(still.initial(rng))).astype(
        np.float32
    )
    x = rng.standard_normal((7, 20)).astype(np.float32)
    step = trainer(still)
    step.weights.assign(weights)
    for ours, theirs in zip(
        outputs(still, weights, x), step.outputs(tf.constant(x), tf.constant([0, 0]))
    ):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("parallel", [True, False])
def test_the_network_is_the_keras_model_of_section_2_2_2(parallel):
    """Dense, LayerNormalization, GELU, Dropout, with Keras' own layers and the same weights."""
    keras = pytest.importorskip("keras")
    design = Design(parallel=parallel)
    rng = np.random.default_rng(3)
    weights = design.initial(rng) + 0.1 * rng.standard_normal(len(design.initial(rng)))
    weights = weights.astype(np.float32)
    model = keras_twin(keras, design, Numpy.unpack(weights, design.shapes()))
    x = rng.standard_normal((9, 20)).astype(np.float32)
    for ours, theirs in zip(outputs(design, weights, x), model.predict(x, verbose=0)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def keras_twin(keras, design, weights):
    """The variance network in Keras' layers, with given weights; outputs mu, alpha, beta."""
    weights = iter(weights)

    def add(layer, values):
        result = layer(values)
        layer.set_weights([next(weights) for _ in layer.get_weights()])
        return result

    peaks = keras.Input((20,))
    ends = []
    for widths in design.networks():
        values = peaks
        for units in widths[1:-1]:
            values = add(keras.layers.Dense(units), values)
            values = add(keras.layers.LayerNormalization(), values)
            values = keras.layers.Activation("gelu")(values)
            values = keras.layers.Dropout(design.dropout)(values)
        ends.append(add(keras.layers.Dense(widths[-1]), values))
    if not design.parallel:
        ends = [ends[0][:, 6 * k : 6 * k + 6] for k in range(3)]
    mu, alpha, beta = ends
    soft = keras.ops.softplus
    return keras.Model(peaks, [mu, 1 + soft(alpha), soft(beta) + 1e-6])


def test_dropout_drops_half_of_the_units_and_keeps_their_mean():
    """The rate is applied in training, differs from step to step, and is off in numpy."""
    tf = pytest.importorskip("tensorflow")
    step = trainer(Design())
    rng = np.random.default_rng(0)
    weights = Design().initial(rng)
    step.weights.assign(weights)
    x = tf.constant(rng.standard_normal((50, 20)).astype(np.float32))
    first, again, other = (
        step.outputs(x, tf.constant(seed))[0].numpy() for seed in ([1, 0], [1, 0], [2, 0])
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05
    kept = step.layers.dropout(0.5)(tf.ones((100, 100)), tf.constant([1, 2])).numpy()
    assert set(np.unique(kept)) == {0.0, 2.0} and abs(kept.mean() - 1) < 0.03
    mean = np.mean([step.outputs(x, tf.constant([k, 0]))[0].numpy() for k in range(300)], axis=0)
    still = outputs(Design(), weights, x.numpy())[0]
    assert np.abs(mean - still).mean() < np.abs(first - still).mean() / 2


@pytest.mark.parametrize("kind", [Network, NetworkLiteral])
def test_draws_have_the_law_of_the_network(kind):
    """Drawn cells follow Student's t with 2 alpha degrees of freedom; to the letter, the Normal
    with the mean variance. Kolmogorov-Smirnov at 20,000 draws tells them apart.
    """
    rows = frame("cubic", 60, groups=1)
    model = kind(design=SMALL, cycles=1, epochs=1).fit(rows, system="cubic")
    group = model.groups[0]
    q2 = pattern_matrix(rows, "cubic")[:1]
    law = np.array([[0.0]]), np.array([[1.5]]), np.array([[0.01]])
    model.predict = lambda *_: law
    free = model.sample(q2, 20_000, seed=4, groups=[group.name])[0, :, :1]
    drawn = model.cell_scaler.forward(free)[:, 0]
    student = stats.t(3.0, scale=np.sqrt(0.01 / 1.5))
    normal = stats.norm(scale=np.sqrt(0.01 / 0.5))
    right, wrong = (student, normal) if kind is Network else (normal, student)
    assert stats.kstest(drawn, right.cdf).pvalue > 1e-3
    assert stats.kstest(drawn, wrong.cdf).pvalue < 1e-6


def test_a_point_variance_is_drawn_as_such():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(PointVariance.draw(9.0, np.full(5, 2.0), rng), 2.0)
    drawn = InverseGamma.draw(np.full(40_000, 5.0), 2.0, rng)
    assert stats.kstest(drawn, stats.invgamma(5.0, scale=2.0).cdf).pvalue > 1e-3
    assert drawn.mean() == pytest.approx(InverseGamma.variance(5.0, 2.0), rel=0.02)


def test_to_the_letter_means_ten_epochs_five_times():
    model = NetworkLiteral()
    assert (model.cycles, model.design, model.patience) == (5, Design(), 0)
    assert [model.epochs_of(n) for n in (5, 100, 10_000)] == [10, 10, 10]


@pytest.mark.parametrize("phase", ["mean", "variance", "both"])
def test_gradients_against_finite_differences(phase):
    tf = pytest.importorskip("tensorflow")
    step = trainer(SMALL)
    rng = np.random.default_rng(1)
    values = [
        rng.normal(size=(4, 6)),
        rng.normal(size=(4, 6)),
        1.2 + rng.random((4, 6)),
        0.3 + rng.random((4, 6)),
    ]
    y, mu, alpha, beta = (tf.constant(value) for value in values)
    mask = tf.constant(np.array([1.0, 1, 1, 1, 0, 0]))
    with tf.GradientTape() as tape:
        tape.watch([mu, alpha, beta])
        loss = step.loss(phase, y, mask, mu, alpha, beta)
    gradients = tape.gradient(loss, [mu, alpha, beta])
    factor = (values[3] / (values[2] - 1)) ** 0.5 if phase != "variance" else 1.0
    for k, gradient in enumerate(gradients, start=1):
        moved = {"mean": k == 1, "variance": k > 1, "both": True}[phase]
        expected = np.zeros((4, 6))
        if moved:
            up, down = ([v + s * 1e-6 * (i == k) for i, v in enumerate(values)] for s in (1, -1))
            expected = (
                (InverseGamma.nll(*up) - InverseGamma.nll(*down))
                / 2e-6
                * (factor if k == 1 else 1.0)
                * mask.numpy()
                / 4
            )
        np.testing.assert_allclose(
            0 if gradient is None else gradient.numpy(), expected, rtol=1e-5, atol=1e-8
        )


@pytest.mark.parametrize("system", ["cubic", "monoclinic"])
def test_same_after_saving_and_for_the_same_seed(tmp_path, system):
    rows = frame(system)

    def make():
        return Network(design=SMALL, cycles=1, epochs=2, min_steps=10).fit(
            rows, system=system, seed=4
        )

    model = make()
    q2 = pattern_matrix(rows, system)[:5]
    cells = model.sample(q2, 6, seed=1)
    assert cells.shape == (5, 12, 6) and lattice.is_possible(cells).all()
    model.save(tmp_path / "network.npz")
    again = Network.load(tmp_path / "network.npz", system=system)
    np.testing.assert_allclose(again.sample(q2, 6, seed=1), cells, rtol=1e-6)
    assert again.design == SMALL
    np.testing.assert_allclose(make().sample(q2, 6, seed=1), cells, rtol=1e-6)


def test_one_trace_serves_all_systems():
    for system in ("cubic", "orthorhombic", "triclinic"):
        Network(design=SMALL, cycles=1, epochs=1, min_steps=1).fit(frame(system), system=system)
    step = trainer(SMALL)
    assert [
        step.epochs[phase].experimental_get_tracing_count() for phase in ("mean", "variance")
    ] == [1, 1]


def test_learns_and_says_how_well():
    rows = frame("cubic", 600, groups=1)
    held = frame("cubic", 200, seed=1, groups=1)
    model = Network(design=SMALL, cycles=2, epochs=10, min_steps=200, patience=2).fit(
        rows, system="cubic"
    )
    group = model.groups[0]
    untaught = Network(design=SMALL, cycles=1, epochs=1, min_steps=1, max_steps=1).fit(
        rows, system="cubic"
    )
    assert model.likelihood(held, group).mean() < untaught.likelihood(held, group).mean() - 0.5
    assert model.history["held_out"].notna().any()


def test_small_groups_get_enough_steps():
    assert Network(min_steps=0).epochs_of(100) == 10
    assert Network(min_steps=200).epochs_of(100) == 100
    assert Network(min_steps=200, max_steps=600).epochs_of(6400) == 6


def test_padding():
    np.testing.assert_array_equal(padded(np.ones((2, 3)), 6), [[1, 1, 1, 0, 0, 0]] * 2)


def test_memory_stays_flat_over_twenty_models():
    """The write-up's leak: hundreds of MiB a recompiled model. Here at most 60 MiB over twenty
    models.
    """
    from ddi.bench.generators import gained

    assert gained(20, warm=2) <= 60


def test_a_trainer_is_shared():
    assert trainer(SMALL) is trainer(SMALL) and isinstance(trainer(SMALL), Trainer)


def test_stops_early_and_keeps_the_best():
    """A rate that is far too high makes things worse: training ends before its cycles do, with the
    weights of the best one.
    """
    wild = Design(**{**SMALL.__dict__, "learning_rate": 0.5})
    rows = frame("cubic", 200, groups=1)
    model = Network(design=wild, cycles=12, epochs=1, min_steps=5, patience=2).fit(
        rows, system="cubic", seed=1
    )
    scores = model.history["held_out"].dropna().to_numpy()
    assert len(scores) < 12 and scores.argmin() == len(scores) - 3
    patient = Network(design=wild, cycles=12, epochs=1, min_steps=5).fit(
        rows, system="cubic", seed=1
    )
    assert patient.history["cycle"].max() == 11 and patient.history["held_out"].isna().all()


def test_tuned_networks_are_a_kind_of_their_own(tmp_path):
    model = Tuned(cycles=1, epochs=1, min_steps=2).fit(frame("cubic"), system="cubic", seed=1)
    model.save(tmp_path / "tuned_cubic.npz")
    again = generator.kind("tuned").load(tmp_path / "tuned_cubic.npz")
    q2 = pattern_matrix(frame("cubic"), "cubic")[:5]
    assert again.design == TUNED != Design()
    np.testing.assert_allclose(again.sample(q2, 4), model.sample(q2, 4), rtol=1e-6)
    with pytest.raises(DDIError, match="tuned_cubic.npz: its kind is 'tuned', expected 'network'"):
        Network.load(tmp_path / "tuned_cubic.npz")


def test_a_design_is_described_by_what_differs():
    assert describe(Design()) == "reference"
    assert describe(Design(cyclic=False, dropout=0.1)) == "dropout=0.1, cyclic=False"
    same = Design(mean_units=tuple(list(Design().mean_units)))
    assert describe(same) == "reference"


def test_the_scale_of_the_variance_stays_above_zero():
    weights = SMALL.initial(np.random.default_rng(0))
    n_out = SMALL.networks()[-1][-1]
    weights[-n_out:] = -1000  # the bias of the last layer of beta
    beta = outputs(SMALL, weights, np.zeros((2, SMALL.networks()[0][0]), np.float32))[2]
    assert (beta > 0).all() and (beta < 1e-3).all()
