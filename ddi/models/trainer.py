"""The one training step that all variance networks share (write-up, section 2.2.2).

One vector of weights and one state of Adam, reassigned for each model, inputs and outputs padded to
one size, and an epoch inside one graph. So nothing is compiled twice and memory stays flat, where
compiling a model a cycle loses hundreds of MiB a model. The only module of the variance networks
that imports TensorFlow, when used.
"""

from functools import lru_cache

import numpy as np

from ddi.models import dense
from ddi.models.constants import CONSTANTS
from ddi.models.variance import N_IN, N_OUT, outputs


class Trainer:
    """The one training step of a design: a weight vector, Adam's moments, and an epoch as one graph
    for each phase.

    `trainer` keeps one for each design; a new model reassigns `weights` and traces nothing.
    """

    def __init__(self, design):
        self.layers = dense.tensorflow()
        tf = self.layers.tf
        self.tf = tf
        self.design = design
        size = sum(int(np.prod(shape)) for shape in design.shapes())
        self.weights, self.first, self.second = (tf.Variable(tf.zeros(size)) for _ in range(3))
        signature = [tf.TensorSpec(shape, kind) for shape, kind in self._arguments()]
        self.epochs = {
            phase: tf.function(self._epoch(phase), input_signature=signature)
            for phase in ("mean", "variance", "both")
        }

    def _arguments(self):
        tf = self.tf
        return (
            ([None, N_IN], tf.float32),
            ([None, N_OUT], tf.float32),
            ([N_OUT], tf.float32),
            ([None], tf.int32),
            ([], tf.float32),
            ([2], tf.int32),
        )

    def reset(self):
        """Forget Adam's moments, as compiling a model anew does."""
        for moment in (self.first, self.second):
            moment.assign(self.tf.zeros_like(moment))

    def outputs(self, x, seed):
        """Return mu, alpha, beta for a batch, with dropout."""
        drop = self.layers.dropout(self.design.dropout)

        def dropout(values, layer):
            return drop(values, seed + self.tf.constant([layer, 0]))

        return outputs(self.design, self.weights, x, self.layers, dropout)

    def loss(self, phase, y, mask, mu, alpha, beta):
        """Return the phase's target, summed over cell parameters: the beta-NLL moves mu, the NLL
        moves alpha and beta.
        """
        tf = self.tf
        law = self.design.likelihood
        total = 0.0
        if phase != "variance":
            still = [tf.stop_gradient(value) for value in (alpha, beta)]
            variance = tf.clip_by_value(
                law.variance(*still), CONSTANTS.least_variance, CONSTANTS.most_variance
            )
            factor = tf.stop_gradient(variance**self.design.exponent)
            total += factor * law.nll(y, mu, *still, self.layers)
        if phase != "mean":
            total += law.nll(y, tf.stop_gradient(mu), alpha, beta, self.layers)
        return tf.reduce_mean(tf.reduce_sum(total * mask, axis=-1))

    def _epoch(self, phase):
        tf = self.tf
        batch = self.design.batch
        rate = self.design.learning_rate

        def epoch(x, y, mask, order, done, seed):
            n_steps = tf.shape(order)[0] // batch
            total = tf.zeros([])
            for step in tf.range(n_steps):
                rows = order[step * batch : (step + 1) * batch]
                with tf.GradientTape() as tape:
                    value = self.loss(
                        phase,
                        tf.gather(y, rows),
                        mask,
                        *self.outputs(tf.gather(x, rows), seed + tf.stack([0, step])),
                    )
                self._adam(
                    tape.gradient(value, self.weights), done + tf.cast(step + 1, tf.float32), rate
                )
                total += value
            return total / tf.cast(n_steps, tf.float32)

        return epoch

    def _adam(self, gradient, t, rate):
        tf = self.tf
        self.first.assign(0.9 * self.first + 0.1 * gradient)
        self.second.assign(0.999 * self.second + 0.001 * gradient**2)
        step = rate * tf.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        self.weights.assign_sub(step * self.first / (tf.sqrt(self.second) + 1e-7))

    def run(self, phase, x, y, mask, n_epochs, rng):
        """Run a phase of some epochs from fresh moments; return the mean loss of each epoch."""
        self.reset()
        losses = []
        done = 0
        for _ in range(n_epochs):
            order = filled(rng, len(x), self.design.batch)
            losses.append(
                self.epochs[phase](
                    x,
                    y,
                    mask,
                    order,
                    np.float32(done),
                    rng.integers(2**31 - 10**6, size=2, dtype=np.int32),
                )
            )
            done += len(order) // self.design.batch
        return [float(loss) for loss in losses]


def filled(rng, n, batch):
    """Return a random order of n rows, filled up with more random rows to whole batches."""
    order = rng.permutation(n)
    while len(order) % batch:
        order = np.concatenate([order, rng.permutation(n)[: batch - len(order) % batch]])
    return order.astype(np.int32)


@lru_cache(maxsize=None)
def trainer(design):
    """Return the one trainer of a design in this process."""
    return Trainer(design)
