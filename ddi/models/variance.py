"""The variance network as a function: its design, its likelihood and its output (write-up, section
2.2.2).

Three parallel networks read the scaled peaks and give mu, alpha and beta. The variance is
inverse-gamma(alpha, beta), so the marginal of a cell parameter is Student's t with 2 alpha degrees
of freedom, centre mu and scale sqrt(beta / alpha).
"""

from dataclasses import asdict, dataclass

import numpy as np

from ddi.models import dense
from ddi.models.constants import CONSTANTS

# padded sizes, those of the triclinic system
N_IN = 20
N_OUT = 6


class InverseGamma:
    """y is Normal(mu, v) and its variance v is inverse-gamma(alpha, beta)."""

    @staticmethod
    def nll(y, mu, alpha, beta, library=dense.Numpy):
        """Return the equation L_NLL of section 2.2.2, elementwise: v is integrated out.

        Equals minus the log density of Student's t with 2 alpha degrees of freedom, centre mu and
        scale sqrt(beta / alpha).
        """
        gammas = library.lgamma(alpha) - library.lgamma(alpha + 0.5)
        half = alpha + 0.5
        rest = half * library.log(beta + 0.5 * (y - mu) ** 2)
        return 0.5 * float(np.log(2 * np.pi)) - alpha * library.log(beta) + gammas + rest

    @staticmethod
    def variance(alpha, beta):
        """Return the mean of v."""
        return beta / (alpha - 1)

    @staticmethod
    def draw(alpha, beta, rng):
        """Draw v."""
        return beta / rng.standard_gamma(alpha)


class PointVariance:
    """y is Normal(mu, beta): the control for ingredient 1."""

    @staticmethod
    def nll(y, mu, _alpha, beta, library=dense.Numpy):
        """Return minus the log density of the Normal, elementwise."""
        return 0.5 * (float(np.log(2 * np.pi)) + library.log(beta)) + 0.5 * (y - mu) ** 2 / beta

    @staticmethod
    def variance(_alpha, beta):
        """Return the variance."""
        return beta

    @staticmethod
    def draw(_alpha, beta, _rng):
        """Return the variance, which has no distribution."""
        return beta


@dataclass(frozen=True)
class Design:
    """What is built and how it is trained; the defaults are those of section 2.2.2.

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

    @property
    def likelihood(self):
        """The law of a scaled cell parameter."""
        return InverseGamma if self.gamma else PointVariance

    def networks(self):
        """Return the layer widths of each network, input and output included."""
        if not self.parallel:
            return [(N_IN, *self.mean_units, 3 * N_OUT)]
        return [(N_IN, *self.mean_units, N_OUT), *[(N_IN, *self.variance_units, N_OUT)] * 2]

    def initial(self, rng):
        """Return fresh weights (`ddi.models.dense.fresh_layer`) as one vector."""
        layers = [
            dense.fresh_layer(rng, n_in, n_out, normalised=k < len(widths) - 2)
            for widths in self.networks()
            for k, (n_in, n_out) in enumerate(zip(widths, widths[1:]))
        ]
        return np.concatenate([np.ravel(w) for layer in layers for w in layer]).astype(np.float32)

    def shapes(self):
        """Return the shapes of all weights in order: kernel, bias, and a hidden layer's gain and
        shift.
        """
        shapes = []
        for widths in self.networks():
            for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
                shapes += [(n_in, n_out)] + [(n_out,)] * (3 if k < len(widths) - 2 else 1)
        return shapes


TUNED = Design(dropout=0.1, learning_rate=1.2e-3, exponent=1.0)
"""The best settings of the search (05_neural_networks) at no higher cost, with the layers of
`Design`: 4 seeds, families held out, kept in data/results/full/05_finalists.csv.
"""


def outputs(design, weights, x, library=dense.Numpy, dropout=lambda values, _: values):
    """Return mu, alpha and beta of a variance network, each (n, 6).

    Parameters
    ----------
    design : Design
    weights : array or tensor
        One vector, as `Design.initial` returns it.
    x : array or tensor, shape (n, 20)
        Scaled and padded peaks.
    library : Numpy or TensorFlow
    dropout : callable, optional
        ``(values, number of the layer) -> values``.
    """
    arrays = iter(library.unpack(weights, design.shapes()))
    ends = []
    for number, widths in enumerate(design.networks()):
        values = x
        for k in range(len(widths) - 2):
            layer = [next(arrays) for _ in range(4)]
            values = dropout(dense.hidden(library, values, layer), 10 * number + k)
        ends.append(values @ next(arrays) + next(arrays))
    mu, alpha, beta = ends if design.parallel else library.thirds(ends[0])
    return mu, 1 + library.softplus(alpha), library.softplus(beta) + CONSTANTS.least_beta


def describe(design):
    """Return a design's settings that differ from the reference, section 2.2.2, as text."""
    usual = asdict(Design())
    changed = {key: value for key, value in asdict(design).items() if value != usual[key]}
    return ", ".join(f"{key}={value}" for key, value in changed.items()) or "reference"
