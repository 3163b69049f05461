"""Training of the scale-free networks on patterns that are made as they are needed (TensorFlow)."""

import numpy as np

from ddi.base.parallel import progress
from ddi.models import dense


def fit(design, draw, steps, rate, rng):
    """Train a network with Adam at a rate that rises over a tenth of the steps, 200 at most, and
    falls to zero along half a cosine.

    Parameters
    ----------
    design : ddi.models.mixture.Mixture or ddi.models.template_network.Choice
    draw : callable
        ``draw() -> (features, targets)`` of one step.
    steps : int
    rate : float
    rng : numpy.random.Generator
        Of the fresh weights.

    Returns
    -------
    weights : list of ndarray
        Rounded to the half precision they are saved with.
    losses : ndarray, shape (steps,)
        Mean negative log-likelihood of each step, on patterns that were never seen before.
    """
    library = dense.tensorflow()
    tf = library.tf
    weights = [tf.Variable(weight) for weight in design.initial(rng)]
    optimizer = tf.keras.optimizers.Adam(rate)
    optimizer.build(weights)

    @tf.function(reduce_retracing=True)
    def step(x, y, now):
        optimizer.learning_rate.assign(now)
        with tf.GradientTape() as tape:
            outputs = design.outputs(weights, x, library)
            loss = tf.reduce_mean(design.nll(y, *outputs, library))
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    losses = []
    for count in progress(range(steps), "scale-free network"):
        x, y = draw()
        warm = min(1.0, (count + 1) / min(200, 1 + steps / 10))
        now = rate * warm * 0.5 * (1 + np.cos(np.pi * count / steps))
        losses.append(step(*(tf.constant(v, tf.float32) for v in (x, y, now))))
    rounded = [weight.numpy().astype(np.float16).astype(np.float32) for weight in weights]
    return rounded, np.array(losses, dtype=np.float32)
