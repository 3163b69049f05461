"""The scale-free network: a mixture over cell shapes, learned from synthetic patterns without end.

It reads a pattern divided by its own mean q2 and answers with the distribution of the cell's shape:
logarithms of the lengths times the root of that mean, and angles. So one network serves a whole
lattice system and every volume. It is trained on `ddi.models.synthetic`, where no pattern comes
twice, so there is nothing to overfit but the training families' shapes and absences.
"""

from ast import literal_eval
from dataclasses import astuple

import numpy as np

from ddi.forward import lattice
from ddi.models.cells import in_order, make_valid
from ddi.models.generator import Generator, Group
from ddi.models.mixture import Mixture, features
from ddi.models.synthetic import Source


class ScaleFree(Generator):
    """One mixture network for a lattice system; `fit` reads `ddi.models.synthetic.training`.

    Parameters
    ----------
    steps, batch : int
        Training steps, and new synthetic patterns in each.
    rate : float
        Of Adam at first; it falls to zero along half a cosine.
    **design
        Of `ddi.models.mixture.Mixture`.
    """

    name = "scale_free"

    def __init__(self, steps=3000, batch=512, rate=2e-3, **design):
        self.steps = steps
        self.batch = batch
        self.rate = rate
        self.options = design

    def _fit(self, train, seeds):
        from ddi.models.mixture_training import fit

        self.groups = [Group("all", len(train))]
        rng = np.random.default_rng(seeds)
        source = Source.of(train, self.system)
        n_free = len(lattice.SYSTEM[self.system].free)
        self.design = Mixture(lattice.N_PEAKS[self.system], n_free, **self.options)
        shapes = self._shapes(*source.batch(20_000, rng))
        self.scaler = np.stack([shapes.mean(axis=0), shapes.std(axis=0)])

        def draw():
            q2, cells = source.batch(self.batch, rng)
            return features(q2), self.scaled(q2, cells)

        self.weights, self.losses = fit(self.design, draw, self.steps, self.rate, rng)

    @property
    def _angles(self):
        return np.array(lattice.SYSTEM[self.system].free) >= 3

    def _shapes(self, q2, cells):
        """Free parameters of usable cells without a scale, shape (n, n_free)."""
        free = lattice.free_cell(self._usable(cells), self.system)
        lengths = np.where(self._angles, 1.0, free) * np.sqrt(q2.mean(axis=1))[:, None]
        return np.where(self._angles, np.radians(free - 90), np.log(lengths))

    def _usable(self, cells):
        cells = make_valid(cells)
        monoclinic = self.system == "monoclinic"
        return lattice.b_unique(cells, 1) if monoclinic else in_order(cells, self.system)

    def predict(self, q2):
        """Return logits (n, n_components) and mu, alpha, beta of the scaled shape, each
        (n, n_components, n_free).
        """
        return self.design.outputs(self.weights, features(q2))

    def scaled(self, q2, cells):
        """Return the scaled shapes of usable cells beside their patterns, shape (n, n_free)."""
        return (self._shapes(q2, cells) - self.scaler[0]) / self.scaler[1]

    def likelihood(self, q2, cells):
        """Return the negative log-likelihood of cells in scaled space, shape (n,)."""
        return self.design.nll(self.scaled(q2, cells), *self.predict(q2))

    def _draw(self, _group, q2, n, rng):
        """A component, a variance, then the shape from the Normal, scaled to the pattern."""
        logits, *law = self.predict(q2)
        chance = np.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
        level = rng.random((len(q2), n, 1)) * chance[:, None, -1:]
        chosen = (chance[:, None, :] > level).argmax(axis=2)
        mu, alpha, beta = (part[np.arange(len(q2))[:, None], chosen] for part in law)
        spread = np.sqrt(beta / rng.standard_gamma(alpha))
        shape = mu + spread * rng.standard_normal(mu.shape)
        shape = shape * self.scaler[1] + self.scaler[0]
        lengths = np.exp(shape.clip(-5, 5)) / np.sqrt(q2.mean(axis=1))[:, None, None]
        free = np.where(self._angles, np.degrees(shape) + 90, lengths)
        return self._usable(lattice.full_cell(free, self.system))

    def arrays(self):
        """Return what was learned, by name; weights in half precision."""
        stored = {f"weight_{k:02d}": w.astype(np.float16) for k, w in enumerate(self.weights)}
        design = np.array(repr(astuple(self.design)))
        return stored | {"scaler": self.scaler, "design": design, "losses": self.losses}

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        self.design = Mixture(*literal_eval(str(arrays["design"])))
        self.scaler = arrays["scaler"]
        self.losses = arrays["losses"]
        names = sorted(name for name in arrays if name.startswith("weight_"))
        self.weights = [arrays[name].astype(np.float32) for name in names]
