"""A variance network whose answer is a mixture: weights, and mu, alpha and beta of each component.

Each component is that of section 2.2.2: independent Student's t for the scaled parameters of a
cell. A mixture, because a pattern with two explanations needs two answers, not their mean. Input is
a pattern divided by its own mean q2.
"""

from dataclasses import dataclass

import numpy as np

from ddi.models import dense
from ddi.models.constants import CONSTANTS
from ddi.models.variance import InverseGamma


@dataclass(frozen=True)
class Mixture:
    """The shape of a network; its functions take the weights as a list of arrays or tensors.

    Attributes
    ----------
    n_peaks, n_free : int
    n_components : int
    width, depth : int
        Units of a hidden layer, and the number of these; from the second on, each is added to what
        it reads.
    """

    n_peaks: int
    n_free: int
    n_components: int = 16
    width: int = 384
    depth: int = 3

    def initial(self, rng):
        """Return fresh weights; the components' means are spread out, so that they can differ."""
        n_in = self.n_peaks + self.n_peaks - 1 + self.n_peaks + CONSTANTS.n_bins
        layers = [
            dense.fresh_layer(rng, n_in if k == 0 else self.width, self.width)
            for k in range(self.depth)
        ]
        size = self.n_components * self.n_free
        kernel, bias = dense.fresh_layer(
            rng, self.width, self.n_components + 3 * size, normalised=False
        )
        bias[self.n_components : self.n_components + size] = 0.7 * rng.standard_normal(size)
        layers.append([kernel, bias])
        return [weight.astype(np.float32) for layer in layers for weight in layer]

    def outputs(self, weights, x, library=dense.Numpy):
        """Return logits (n, n_components) and mu, alpha, beta, each (n, n_components, n_free), of
        features x (`features`).
        """
        *hidden, kernel, bias = weights
        values = x
        for k in range(self.depth):
            fresh = dense.hidden(library, values, hidden[4 * k : 4 * k + 4])
            values = values + fresh if k else fresh
        values = values @ kernel + bias
        n = self.n_components
        shape = (-1, n, 3, self.n_free)
        parts = library.reshape(values[:, n:], shape)
        alpha = 1.5 + library.softplus(parts[:, :, 1])
        beta = library.softplus(parts[:, :, 2] - 1) + CONSTANTS.least_beta
        return values[:, :n], parts[:, :, 0], alpha, beta

    def nll(self, y, logits, mu, alpha, beta, library=dense.Numpy):
        """Return the negative log-likelihood of scaled cells y, shape (n, n_free), one a row."""
        each = library.total(InverseGamma.nll(y[:, None, :], mu, alpha, beta, library))
        return library.log_total(logits) - library.log_total(logits - each)


def features(q2):
    """Return what the network reads of patterns q2, shape (n, n_peaks): peaks over their mean, the
    logarithms of these, their distances, and the pattern as a smooth density over q.

    The density changes little where a line is missed or added, while all later peaks move up.
    """
    scaled = (q2 / q2.mean(axis=1, keepdims=True)).astype(np.float32)
    grid = np.linspace(0.05, 1.5, CONSTANTS.n_bins, dtype=np.float32)
    away = (np.sqrt(scaled)[:, :, None] - grid) / (grid[1] - grid[0])
    density = np.exp(-0.5 * away**2).sum(axis=1)
    logs = np.log(np.maximum(scaled, 1e-6))
    return np.concatenate([1.5 * (scaled - 1), logs, 10 * np.diff(scaled, axis=1), density], axis=1)
