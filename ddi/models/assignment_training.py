"""Training of the assignment networks (write-up, section 2.3.3); the only module of assignment that
imports TensorFlow, when used.

A series of networks is trained for each lattice system: on the cells that the entry's own group's
variance network predicts, and on true cells with Gaussian noise on the scaled parameters, drawn
anew each epoch (`ddi.models.assignment.LEVELS`). All share one compiled training step: weights and
the optimiser's state are assigned afresh, so nothing is retraced and memory stays flat.
"""

from functools import cache

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.parallel import progress
from ddi.forward import reflections
from ddi.models import dense
from ddi.models.assigners import AdaptivePrior, LinePrior, NearestLine, closeness
from ddi.models.assignment import AssignmentNetwork
from ddi.models.assignment_data import free_x
from ddi.models.joint import JointAssignment

UNITS = (200, 200, 200, 100)
DROPOUT = 0.25
RATE = 0.002
BATCH = 256
EPSILON = {"predicted": 0.01, "0.1": 0.01, "0.05": 0.0075, "0.025": 0.01, "0.01": 0.005}
"""Section 2.3.3 gives these for monoclinic and the four noise levels; they serve the other systems
and the predicted cells too.
"""


def new_weights(n_peaks, n_ref, rng, units=UNITS):
    """Return fresh weights (`ddi.models.dense.fresh_layer`), in the order that `AssignmentNetwork`
    keeps.
    """
    weights = []
    for n_in, n_out in zip((n_ref, *units), units):
        weights += dense.fresh_layer(rng, n_in, n_out)
    weights += [dense.glorot(rng, (n_peaks, units[-1], n_ref)), np.zeros((n_peaks, 1, n_ref))]
    return [weight.astype(np.float32) for weight in weights]


class Trainer:
    """The compiled training step for one shape of problem; `trainer` keeps one for each.

    Parameters
    ----------
    n_peaks, n_ref : int
    units : tuple of int
    """

    def __init__(self, n_peaks, n_ref, units):
        self.layers = dense.tensorflow()
        tf = self.tf = self.layers.tf
        self.shape = n_peaks, n_ref
        rng = np.random.default_rng(0)
        self.variables = [tf.Variable(w) for w in new_weights(n_peaks, n_ref, rng, units)]
        self.optimizer = tf.keras.optimizers.Adam(RATE)
        self.optimizer.build(self.variables)
        self.at_start = [tf.identity(value) for value in self.optimizer.variables]
        pairs = tf.TensorSpec((n_peaks, None, n_ref))
        labels = tf.TensorSpec((n_peaks, None), tf.int32)
        signature = [pairs, pairs, labels, tf.TensorSpec((), tf.int32), tf.TensorSpec(())]
        self.step = tf.function(self._step, input_signature=signature)

    def reset(self, weights):
        """Take fresh weights, and forget the optimiser's moments."""
        for variable, value in zip(
            self.variables + self.optimizer.variables, weights + self.at_start
        ):
            variable.assign(value)

    def weights(self):
        """Return the weights as arrays."""
        return [variable.numpy() for variable in self.variables]

    def logits(self, near, dropout=lambda values, _: values):
        """Return log-probabilities up to a constant, shape (n_peaks, n, n_ref)."""
        n_peaks, n_ref = self.shape
        *blocks, kernels, biases = self.variables
        hidden = self.tf.reshape(near, (-1, n_ref))
        for number, layer in enumerate(zip(*[iter(blocks)] * 4)):
            hidden = dropout(dense.hidden(self.layers, hidden, layer), number)
        return self.tf.reshape(hidden, (n_peaks, -1, hidden.shape[-1])) @ kernels + biases

    def _step(self, near, prior, labels, seed, rate):
        tf = self.tf
        drop = self.layers.dropout(DROPOUT)
        self.optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            logits = self.logits(near, lambda values, k: drop(values, tf.stack([seed, k])))
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits + prior)
            )
        self.optimizer.apply(tape.gradient(loss, self.variables), self.variables)
        return loss


@cache
def trainer(n_peaks, n_ref, units):
    """Return the one trainer of a shape of problem in this process."""
    return Trainer(n_peaks, n_ref, units)


def constant(epoch, epochs):
    """Return the rate of section 2.3.3, 0.002 throughout."""
    return RATE


def cosine(epoch, epochs):
    """Return a rate that falls from 0.002 to zero along half a cosine, for fewer epochs."""
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
    step = trainer(labels.shape[1], len(network.reference), tuple(units))
    fresh = new_weights(labels.shape[1], len(network.reference), rng, units)
    if network.prior:
        fresh[-2] *= 0  # start as the prior
    step.reset(fresh)
    history = []
    count = 0
    for epoch in progress(range(epochs), f"assignment, {train.system}, cells {network.level}"):
        q2_ref = (free_x(draw(rng), train.system) @ network.H_ref().T).astype(np.float32)
        rate = np.float32(schedule(epoch, epochs))
        losses = []
        for rows in np.array_split(rng.permutation(len(labels)), -(-len(labels) // batch)):
            near, prior = _inputs(network, train.q2[rows], q2_ref[rows])
            losses.append(step.step(near, prior, labels[rows].T, count, rate))
            count += 1
        history.append({"epoch": epoch + 1, "step": count, "loss": float(np.mean(losses))})
        if test is not None and ((epoch + 1) % every == 0 or epoch + 1 == epochs):
            network.weights = step.weights()
            history[-1] |= evaluate(network, *test)
    network.weights = [weight.astype(np.float16).astype(np.float32) for weight in step.weights()]
    network.trained_on = train.digest()
    return pd.DataFrame(history)


def _inputs(network, q2_obs, q2_ref):
    """The network's input and the prior's logits, both (n_peaks, n, n_ref)."""
    delta = q2_obs.astype(np.float32)[:, :, None] - q2_ref[:, None, :]
    prior = network.prior.logits(delta) if network.prior else np.zeros_like(delta)
    return closeness(delta, network.width).swapaxes(0, 1), prior.swapaxes(0, 1)


def evaluate(network, peaks, x):
    """Return cross-entropy and top-1 accuracy on `Peaks` with the cells x, shape (n, n_free)."""
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
        "predicted", a generator's name in ``problem.predicted``, or noise such as "0.05".
    steps : int
        Steps of 256 entries, rounded up to whole epochs.
    seed : int
    prior : bool
        False: section 2.3.3 as it stands. True: a `LinePrior` is added to the network's output,
        whose last layer starts at zero, and the learning rate falls to zero; a tenth of the steps.
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
        problem.system, problem.reference, epsilon(problem, level) * problem.q2_std, level
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


def epsilon(problem, level):
    """Return epsilon in units of scaled q2 (`EPSILON`); draws of a generator have that of predicted
    cells.
    """
    level = "predicted" if level in problem.predicted else level
    if level not in EPSILON:
        raise DDIError(
            f"no assignment network has level '{level}'; use one of {', '.join(EPSILON)}"
        )
    return EPSILON[level]


def controls(problem, level, seed):
    """Return what stands beside a network, by name, fitted to the same entries and one draw of the
    same cells.
    """
    labels = reflections.labels(problem.train.hkl, problem.reference, problem.system)
    learned = problem.train.q2, labels, problem.x("train", level, seed)
    kinds = {"nearest line": NearestLine, "line prior": LinePrior, "own width": AdaptivePrior}
    ways = {
        name: kind(problem.system, problem.reference).fit(*learned) for name, kind in kinds.items()
    }
    x, prior = learned[-1], ways["line prior"]
    return ways | {"joint": JointAssignment.of(prior, problem.cell_scaler, x, problem.train.x)}
