"""The hidden layer that every network here is made of, in numpy and in TensorFlow (write-up,
sections 2.2.2 and 2.3.3).

A hidden layer is a dense layer, layer normalisation, GELU and dropout, in this order. `hidden` says
so once; the two libraries differ in four small functions. Trained networks are evaluated in numpy;
TensorFlow is imported where one is trained or differentiated.
"""

import os
from functools import lru_cache, partial

import numpy as np
from scipy.special import erf, gammaln, logsumexp

from ddi.models.constants import CONSTANTS


def hidden(library, values, weights):
    """Return GELU(normalise(values @ kernel + bias) * gain + shift).

    Parameters
    ----------
    library : Numpy or TensorFlow
    values : array or tensor, shape (n, n_in)
    weights : sequence of 4
        Kernel (n_in, n_out), bias, gain and shift (n_out,).
    """
    kernel, bias, gain, shift = weights
    return library.gelu(library.normalise(values @ kernel + bias) * gain + shift)


def fresh_layer(rng, n_in, n_out, normalised=True):
    """Return fresh weights: Glorot's uniform kernel, bias of zeros and, of a hidden layer, gains of
    one and shifts of zero.
    """
    layer = [glorot(rng, (n_in, n_out)), np.zeros(n_out)]
    return layer + [np.ones(n_out), np.zeros(n_out)] if normalised else layer


def glorot(rng, shape):
    """Return a kernel, shape (..., n_in, n_out), drawn from Glorot's uniform law."""
    limit = np.sqrt(6 / (shape[-2] + shape[-1]))
    return rng.uniform(-limit, limit, shape)


class Numpy:
    """The functions of the networks in numpy, without dropout."""

    log = staticmethod(np.log)
    lgamma = staticmethod(gammaln)

    @staticmethod
    def normalise(values):
        """Return values with mean 0 and variance 1 over the last axis."""
        centred = values - values.mean(axis=-1, keepdims=True)
        return centred / np.sqrt(
            np.square(centred).mean(axis=-1, keepdims=True) + CONSTANTS.epsilon
        )

    @staticmethod
    def gelu(values):
        """Return values times the Normal distribution function of them."""
        return 0.5 * values * (1 + erf(values * 0.5**0.5))

    @staticmethod
    def softplus(values):
        """Return log(1 + exp(values))."""
        return np.logaddexp(0, values)

    reshape = staticmethod(np.reshape)
    least = staticmethod(np.minimum)

    @staticmethod
    def total(values):
        """Return the sum over the last axis."""
        return values.sum(axis=-1)

    @staticmethod
    def log_total(values):
        """Return the logarithm of the sum of exponentials over the last axis."""
        return logsumexp(values, axis=-1)

    @staticmethod
    def unpack(vector, shapes):
        """Cut a vector of weights into arrays of the given shapes."""
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends), shapes)]

    @staticmethod
    def thirds(values):
        """Cut the last axis into three."""
        return np.split(values, 3, axis=-1)


class TensorFlow:
    """The functions of the networks in TensorFlow; `tensorflow` gives the one instance."""

    def __init__(self):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import tensorflow as tf

        self.tf = tf
        self.log = tf.math.log
        self.lgamma = tf.math.lgamma
        self.gelu = tf.nn.gelu
        self.softplus = tf.nn.softplus
        self.reshape = tf.reshape
        self.least = tf.minimum
        self.total = partial(tf.reduce_sum, axis=-1)
        self.log_total = partial(tf.reduce_logsumexp, axis=-1)

    def normalise(self, values):
        """Return values with mean 0 and variance 1 over the last axis."""
        mean, variance = self.tf.nn.moments(values, axes=[-1], keepdims=True)
        return (values - mean) * self.tf.math.rsqrt(variance + CONSTANTS.epsilon)

    def unpack(self, vector, shapes):
        """Cut a vector of weights into tensors of the given shapes."""
        parts = self.tf.split(vector, [int(np.prod(shape)) for shape in shapes])
        return [self.tf.reshape(part, shape) for part, shape in zip(parts, shapes)]

    def thirds(self, values):
        """Cut the last axis into three."""
        return self.tf.split(values, 3, axis=-1)

    def dropout(self, rate):
        """Return the function ``(values, seed) -> values`` that drops a share of the units."""
        drop = self.tf.nn.experimental.stateless_dropout
        return (lambda values, seed: drop(values, rate, seed)) if rate else lambda values, _: values


def one_thread():
    """Let TensorFlow, where this process has not imported it yet, use one core: for one process of
    several, whose steps are too small to share.
    """
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


@lru_cache(maxsize=None)
def tensorflow():
    """Return the one `TensorFlow`, imported when first asked for."""
    return TensorFlow()
