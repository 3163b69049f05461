"""Cells by gradient ascent of the marginal likelihood, differentiated through the assignment
network (write-up, section 2.4.3, to do).

The likelihood is that of `ddi.mcmc.likelihood.marginal` with the network's probabilities as the
prior of every line: the network sees the differences between peaks and lines, so the prior depends
on the cell, and TensorFlow carries the gradient through both. The analytic mixture, whose prior is
flat, is ``assign="marginal"`` of `ddi.mcmc.sampler.optimize`.
"""

import numpy as np

from ddi.forward import lattice
from ddi.mcmc import likelihood
from ddi.mcmc.constants import CONSTANTS
from ddi.models import dense
from ddi.models.assigners import ranks


class Ascent:
    """Gradient ascent for one assignment network.

    Parameters
    ----------
    network : ddi.models.assignment.AssignmentNetwork
    """

    def __init__(self, network):
        self.layers = dense.tensorflow()
        tf = self.tf = self.layers.tf
        self.network = network
        self.H = np.asarray(lattice.design(network.reference, network.system), dtype=np.float32)
        self._slope = tf.function(self._slope_of, reduce_retracing=True)

    def value_and_gradient(self, x, q2_obs, sigma):
        """Return the log likelihood (n_cand,) and its gradient in x, shape (n_cand, n_free).

        Parameters
        ----------
        x : ndarray, shape (n_cand, n_free)
            Free components of the reciprocal metric, A^-2.
        q2_obs, sigma : ndarray, shape (n_peaks,)
            A^-2.
        """
        value, gradient = self._slope(
            *(self.tf.constant(array, dtype=self.tf.float32) for array in (x, q2_obs, sigma))
        )
        return value.numpy().astype(float), gradient.numpy().astype(float)

    def ascend(self, x, q2_obs, *, n_steps=40, widths=CONSTANTS.widths, eps=likelihood.EPS_Q2):
        """Return x after `n_steps` of Adam (Kingma & Ba 2015) while the lines narrow from the first
        of the `widths`, fractions of q2, to the last.

        A cell that leaves the bounds of `ddi.mcmc.likelihood.in_bounds` stays where it started.
        """
        start = np.asarray(x, dtype=float)
        x = start.copy()
        scale = np.maximum(
            np.abs(start), CONSTANTS.ascent_floor * np.abs(start).max(axis=1, keepdims=True)
        )
        keep, keep_square = CONSTANTS.ascent_decay
        first = np.zeros_like(x)
        second = np.zeros_like(x)
        for step, width in enumerate(np.geomspace(*widths, n_steps), 1):
            slope = self.value_and_gradient(x, q2_obs, width * q2_obs + eps)[1] * scale
            first = keep * first + (1 - keep) * slope
            second = keep_square * second + (1 - keep_square) * slope**2
            x += (
                scale
                * CONSTANTS.ascent_step
                * width
                * (first / (1 - keep**step))
                / (np.sqrt(second / (1 - keep_square**step)) + CONSTANTS.ascent_least)
            )
        return np.where(likelihood.in_bounds(x, self.network.system)[:, None], x, start)

    def _slope_of(self, x, q2_obs, sigma):
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            value = self._value(x, q2_obs, sigma)
        return value, tape.gradient(value, x)

    def _value(self, x, q2_obs, sigma):
        tf = self.tf
        delta = q2_obs[:, None] - (x @ self.H.T)[:, None, :]
        prior = tf.nn.log_softmax(self._logits(delta, q2_obs), axis=-1)
        line = -0.5 * (delta / sigma[:, None]) ** 2 - tf.math.log(
            sigma[:, None] * np.float32(np.sqrt(2 * np.pi))
        )
        return tf.reduce_sum(tf.reduce_logsumexp(prior + line, axis=-1), axis=-1)

    def _logits(self, delta, q2_obs):
        """`AssignmentNetwork.logits` in TensorFlow."""
        tf = self.tf
        width = np.float32(self.network.width)
        *blocks, kernels, biases = self.network.weights
        hidden = tf.reshape(width / (tf.abs(delta) + width), (-1, delta.shape[-1]))
        for layer in zip(*[iter(blocks)] * 4):
            hidden = dense.hidden(self.layers, hidden, layer)
        hidden = tf.reshape(hidden, (-1, delta.shape[1], hidden.shape[-1]))
        head = ranks(delta.shape[1], len(kernels))
        output = tf.einsum("cku,kuh->ckh", hidden, kernels[head]) + biases[head][:, 0]
        return output + self._line_prior(delta, q2_obs) if self.network.prior else output

    def _line_prior(self, delta, q2_obs):
        """`LinePrior.logits` in TensorFlow; the last label is (000), with the peak for it."""
        tf = self.tf
        prior = self.network.prior
        peaks = tf.broadcast_to(q2_obs[None, :, None], tf.shape(delta[..., -1:]))
        lines = tf.concat(
            [tf.maximum(q2_obs[:, None] - delta[..., :-1], CONSTANTS.least_q2), peaks], axis=-1
        )
        missed = tf.concat(
            [
                tf.abs(delta[..., :-1]) / lines[..., :-1],
                tf.fill(tf.shape(peaks), np.float32(prior.width)),
            ],
            axis=-1,
        )
        base = np.asarray(prior.log_prior, dtype=np.float32)[
            ranks(delta.shape[1], len(prior.log_prior))
        ]
        return base - tf.math.log(lines) - missed / np.float32(prior.width)
