"""Training of the assignment networks (write-up, section 2.3.3); the only module of assignment that
imports TensorFlow, when used.

A series of networks is trained for each lattice system: on the cells that the entry's own group's
variance network predicts, and on true cells with Gaussian noise on the scaled parameters, drawn
anew each epoch. All share one compiled training step: weights and the optimiser's state are
assigned afresh, so nothing is retraced and memory stays flat.
"""

import os
from functools import cache

import numpy as np
import pandas as pd

from ddi.base.parallel import progress
from ddi.forward import reflections
from ddi.models.assigners import AdaptivePrior, LinePrior, NearestLine, closeness
from ddi.models.assignment import AssignmentNetwork
from ddi.models.assignment_data import free_x

UNITS = (200, 200, 200, 100)
DROPOUT = 0.25
RATE = 0.002
BATCH = 256
EPSILON = {"network": 0.01, "0.1": 0.01, "0.05": 0.0075, "0.025": 0.01, "0.01": 0.005}
"""Section 2.3.3 gives these for monoclinic and the four noise levels; they serve the other systems
and the predicted cells too.
"""


def new_weights(n_peaks, n_ref, rng, units=UNITS):
    """Return freshly drawn weights (Glorot uniform kernels, unit gains, zero biases) in
    `AssignmentNetwork.weights`' order.
    """
    weights = []
    for n_in, n_out in zip((n_ref, *units), units):
        weights += [_glorot(rng, (n_in, n_out)), np.zeros(n_out), np.ones(n_out), np.zeros(n_out)]
    weights += [_glorot(rng, (n_peaks, units[-1], n_ref)), np.zeros((n_peaks, 1, n_ref))]
    return [weight.astype(np.float32) for weight in weights]


def _glorot(rng, shape):
    limit = np.sqrt(6 / (shape[-2] + shape[-1]))
    return rng.uniform(-limit, limit, shape)


@cache
def _trainer(n_peaks, n_ref, units):
    """The compiled step for one shape of problem: ``reset(weights)``, ``step(near, prior, labels,
    seed, rate) -> loss``, ``weights()``.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    variables = [
        tf.Variable(weight)
        for weight in new_weights(n_peaks, n_ref, np.random.default_rng(0), units)
    ]
    optimizer = tf.keras.optimizers.Adam(RATE)
    optimizer.build(variables)
    at_start = [tf.identity(value) for value in optimizer.variables]

    def logits(near, seed):
        hidden = tf.reshape(near, (-1, n_ref))
        for i in range(len(units)):
            kernel, bias, gain, offset = variables[4 * i : 4 * i + 4]
            hidden = hidden @ kernel + bias
            mean, variance = tf.nn.moments(hidden, -1, keepdims=True)
            hidden = tf.nn.gelu((hidden - mean) * tf.math.rsqrt(variance + 1e-3) * gain + offset)
            hidden = tf.nn.experimental.stateless_dropout(hidden, DROPOUT, seed=tf.stack([seed, i]))
        return tf.reshape(hidden, (n_peaks, -1, units[-1])) @ variables[-2] + variables[-1]

    pairs = tf.TensorSpec((n_peaks, None, n_ref))
    signature = [
        pairs,
        pairs,
        tf.TensorSpec((n_peaks, None), tf.int32),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec(()),
    ]

    @tf.function(input_signature=signature)
    def step(near, prior, labels, seed, rate):
        optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits(near, seed) + prior)
            )
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def reset(weights):
        for variable, value in zip(variables + optimizer.variables, weights + at_start):
            variable.assign(value)

    return reset, step, lambda: [variable.numpy() for variable in variables]


def constant(epoch, epochs):
    """The write-up's rate, 0.002 throughout."""
    return RATE


def cosine(epoch, epochs):
    """A rate falling from 0.002 to zero along half a cosine: the same end in fewer epochs."""
    return RATE * 0.5 * (1 + np.cos(np.pi * epoch / epochs))


def fit(
    network,
    train,
    draw,
    *,
    epochs,
    seed,
    test=None,
    schedule=constant,
    every=1,
    units=UNITS,
    batch=BATCH,
):
    """Train an assignment network with sparse cross-entropy and Adam.

    Parameters
    ----------
    network : AssignmentNetwork
        Its weights are set, rounded to the half precision they are saved with.
    train : Peaks
    draw : callable
        ``draw(rng) -> cells (n, 6)``: the erring cells of one epoch.
    epochs, seed : int
    test : tuple, optional
        ``(Peaks, x)``, evaluated every `every` epochs; never used to choose weights.
    schedule : callable
        ``(epoch, epochs) -> learning rate``.
    units : tuple of int
    batch : int

    Returns
    -------
    pandas.DataFrame
        Columns epoch, step, loss, and, where evaluated, test_loss and test_accuracy.
    """
    rng = np.random.default_rng(seed)
    labels = reflections.labels(train.hkl, network.reference, train.system).astype(np.int32)
    n, n_peaks = labels.shape
    reset, step, weights = _trainer(n_peaks, len(network.reference), tuple(units))
    fresh = new_weights(n_peaks, len(network.reference), rng, units)
    if network.prior:
        fresh[-2] *= 0  # start as the prior
    reset(fresh)
    history = []
    count = 0
    for epoch in progress(range(epochs), f"assignment, {train.system}, cells {network.level}"):
        q2_ref = (free_x(draw(rng), train.system) @ network.H_ref().T).astype(np.float32)
        losses = []
        for rows in np.array_split(rng.permutation(n), -(-n // batch)):
            delta = train.q2[rows].T[:, :, None].astype(np.float32) - q2_ref[rows]
            prior = _by_peak(network.prior.logits, delta) if network.prior else np.zeros_like(delta)
            losses.append(
                step(
                    closeness(delta, network.width),
                    prior,
                    labels[rows].T,
                    count,
                    np.float32(schedule(epoch, epochs)),
                )
            )
            count += 1
        history.append({"epoch": epoch + 1, "step": count, "loss": float(np.mean(losses))})
        if test is not None and ((epoch + 1) % every == 0 or epoch + 1 == epochs):
            network.weights = weights()
            history[-1] |= evaluate(network, *test)
    network.weights = [weight.astype(np.float16).astype(np.float32) for weight in weights()]
    network.trained_on = train.digest()
    return pd.DataFrame(history)


def _by_peak(logits, delta):
    return logits(delta.swapaxes(0, 1)).swapaxes(0, 1)


def evaluate(network, peaks, x):
    """Return cross-entropy and top-1 accuracy of a network on `Peaks` with the cells x (n, n_free)."""
    truth = reflections.labels(peaks.hkl, network.reference, peaks.system)
    loss = []
    right = []
    for start in range(0, len(peaks), 64):
        part = slice(start, start + 64)
        chance = network.probabilities(peaks.q2[part], x[part])
        loss.append(-np.log(np.take_along_axis(chance, truth[part][..., None], -1) + 1e-30).ravel())
        right.append((chance.argmax(-1) == truth[part]).ravel())
    return {
        "test_loss": float(np.concatenate(loss).mean()),
        "test_accuracy": float(np.concatenate(right).mean()),
    }


def train_network(problem, level, *, steps, seed, prior=False, test_x=None, every=1):
    """Train one network of the series on the cells that `level` names.

    Parameters
    ----------
    problem : ddi.models.assignment_data.Problem
    level : str
        A generator's name in ``problem.predicted``, or noise such as "0.05".
    steps : int
        Steps of 256 entries, rounded up to whole epochs.
    seed : int
    prior : bool
        False: as written. True: a `LinePrior` is added to the network's output, whose last layer
        starts at zero, and the learning rate falls to zero; converges in a tenth of the steps.
    test_x : ndarray, optional
        Cells of the test entries for the learning curve.
    every : int
        Epochs between points of the learning curve.

    Returns
    -------
    network : AssignmentNetwork
    history : pandas.DataFrame
    """
    epochs = -(-steps // -(-len(problem.train) // BATCH))
    network = AssignmentNetwork(
        problem.system, problem.reference, EPSILON.get(level, 0.01) * problem.q2_std, level
    )
    if prior:
        network.prior = controls(problem, level, seed)["line prior"]
    history = fit(
        network,
        problem.train,
        lambda rng: problem.erring("train", level, rng),
        epochs=epochs,
        seed=seed,
        test=None if test_x is None else (problem.test, test_x),
        schedule=cosine if prior else constant,
        every=every,
    )
    return network, history


def controls(problem, level, seed):
    """Return what stands beside a network, by name, fitted to the same entries and one draw of the
    same cells.
    """
    labels = reflections.labels(problem.train.hkl, problem.reference, problem.system)
    learned = problem.train.q2, labels, problem.x("train", level, seed)
    kinds = {"nearest line": NearestLine, "line prior": LinePrior, "own width": AdaptivePrior}
    return {
        name: kind(problem.system, problem.reference).fit(*learned) for name, kind in kinds.items()
    }
