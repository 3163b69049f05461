"""The variance network as a function: its design, its likelihood, and its output in plain numpy
(write-up, section 2.2.2).

Three parallel networks read the scaled peaks and give mu, alpha and beta. The variance is
inverse-gamma(alpha, beta), so the marginal of a cell parameter is Student's t with 2 alpha degrees
of freedom, centre mu and scale sqrt(beta / alpha).
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import erf, gammaln

# padded sizes, those of the triclinic system
N_IN = 20
N_OUT = 6
EPSILON = 1e-3  # of the layer normalisation


@dataclass(frozen=True)
class Design:
    """What is built and how it is trained; the defaults are the write-up's.

    Attributes
    ----------
    mean_units, variance_units : tuple of int
        Hidden layers of the mean network, and of the alpha and beta networks.
    dropout, learning_rate : float
    batch : int
    exponent : float
        Of the stopped factor of the beta-NLL; 0 is the plain NLL (ingredient 4).
    gamma : bool
        False: a point variance instead of an inverse-gamma distribution, beta being the variance
        (ingredient 1).
    parallel : bool
        False: one network with three outputs (ingredient 2).
    cyclic : bool
        False: mu, alpha and beta are trained together, for as many steps in all (ingredient 3).
    """

    mean_units: tuple = (200, 100, 60)
    variance_units: tuple = (100, 60)
    dropout: float = 0.5
    learning_rate: float = 1e-4
    batch: int = 64
    exponent: float = 0.5
    gamma: bool = True
    parallel: bool = True
    cyclic: bool = True

    def networks(self):
        """Return the layer widths of each network, input and output included."""
        if not self.parallel:
            return [(N_IN, *self.mean_units, 3 * N_OUT)]
        return [(N_IN, *self.mean_units, N_OUT), *[(N_IN, *self.variance_units, N_OUT)] * 2]

    def shapes(self):
        """Return the shapes of all weights in order: kernel, bias, then gain and shift of a hidden
        layer's normalisation.
        """
        shapes = []
        for widths in self.networks():
            for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
                shapes += [(n_in, n_out), (n_out,)] + (
                    [(n_out,), (n_out,)] if k < len(widths) - 2 else []
                )
        return shapes

    def initial(self, rng):
        """Return fresh weights as one vector: Glorot's uniform kernels, gains of one, else zeros."""
        parts = []
        for widths in self.networks():
            for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
                limit = np.sqrt(6 / (n_in + n_out))
                parts += [rng.uniform(-limit, limit, n_in * n_out), np.zeros(n_out)]
                parts += [np.ones(n_out), np.zeros(n_out)] if k < len(widths) - 2 else []
        return np.concatenate(parts).astype(np.float32)


TUNED = Design(dropout=0.1, learning_rate=1.2e-3, exponent=1.0)
"""The best settings of the search (05_neural_networks) that cost no more than the write-up's, whose
layers these are.
"""


def nll(y, mu, alpha, beta):
    """Return the exact negative log-likelihood of y, elementwise: the equation L_NLL of section
    2.2.2, in numpy.

    Equals minus the log density of Student's t with 2 alpha degrees of freedom, centre mu and scale
    sqrt(beta / alpha).
    """
    rest = (alpha + 0.5) * np.log(beta + 0.5 * (y - mu) ** 2)
    return (
        0.5 * np.log(2 * np.pi)
        - alpha * np.log(beta)
        - gammaln(alpha + 0.5)
        + gammaln(alpha)
        + rest
    )


def normal_nll(y, mu, variance):
    """Return the negative log-likelihood of a Normal with a point estimate of the variance,
    elementwise.
    """
    return 0.5 * np.log(2 * np.pi * variance) + 0.5 * (y - mu) ** 2 / variance


def forward(design, weights, x):
    """Return mu, alpha, beta, each (n, 6), for scaled and padded peaks x (n, 20); plain numpy, no
    dropout.
    """
    arrays = iter(
        np.split(weights, np.cumsum([int(np.prod(shape)) for shape in design.shapes()])[:-1])
    )
    outputs = []
    for widths in design.networks():
        values = x
        for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
            values = values @ next(arrays).reshape(n_in, n_out) + next(arrays)
            if k < len(widths) - 2:
                centred = values - values.mean(axis=-1, keepdims=True)
                values = centred / np.sqrt(
                    (centred**2).mean(axis=-1, keepdims=True) + EPSILON
                ) * next(arrays) + next(arrays)
                values = 0.5 * values * (1 + erf(values / np.sqrt(2)))
        outputs.append(values)
    mu, alpha, beta = outputs if design.parallel else np.split(outputs[0], 3, axis=-1)
    return mu, 1 + np.logaddexp(0, alpha), np.logaddexp(0, beta) + 1e-6


def describe(design):
    """Return a design's settings that differ from the write-up's, as text."""
    usual = asdict(Design())
    return (
        ", ".join(f"{key}={value}" for key, value in asdict(design).items() if value != usual[key])
        or "as written"
    )
