"""Variance networks as generators of cells: a mean and a distribution of the variance for each cell
parameter (write-up, section 2.2.2).

The networks take turns: ten epochs for mu under the beta-NLL, ten for alpha and beta under the NLL,
five times. What they compute is in `ddi.models.variance`, the training step in
`ddi.models.trainer`; TensorFlow is imported to train only, sampling is plain numpy. Three kinds:
`NetworkLiteral` is section 2.2.2 to the letter, `Network` takes enough steps for small groups and
draws from the whole distribution, `Tuned` has the settings that a search found.
"""

from ast import literal_eval
from dataclasses import astuple

import numpy as np
import pandas as pd

from ddi.base.parallel import progress
from ddi.data.scaling import CellScaler, Q2Scaler
from ddi.forward import lattice
from ddi.models.cells import (
    cell_matrix,
    cells_from_free,
    crystals,
    free_parameters,
    pattern_matrix,
)
from ddi.models.generator import Generator
from ddi.models.trainer import trainer
from ddi.models.variance import N_IN, N_OUT, TUNED, Design, outputs


def padded(values, width):
    """Return values, shape (n, m), with columns of zeros added to `width`, in float32."""
    return np.pad(values, ((0, 0), (0, width - values.shape[1]))).astype(np.float32)


class Network(Generator):
    """A variance network for each group.

    Parameters
    ----------
    design : Design
    cycles, epochs : int
        Cycles, and epochs of each of the two phases in a cycle.
    min_steps : int
        A phase takes at least this many steps: a group of 100 rows makes two steps an epoch, and
        twenty steps learn nothing.
    max_steps : int
        A phase takes at most about this many steps; 0 for no limit.
    patience : int
        Stop after so many cycles without a better validation likelihood and take the best; 0 trains
        all cycles on all rows.
    """

    name = "network"

    def __init__(
        self, design=Design(), cycles=5, epochs=10, min_steps=200, max_steps=0, patience=0
    ):
        self.design = design
        self.cycles = cycles
        self.epochs = epochs
        self.min_steps = min_steps
        self.max_steps = max_steps
        self.patience = patience
        self.weights = {}
        self.history = pd.DataFrame()

    def epochs_of(self, n_rows):
        """Return the epochs of a phase for a group of `n_rows`."""
        steps = -(-n_rows // self.design.batch)
        epochs = max(self.epochs, -(-self.min_steps // steps))
        return max(1, min(epochs, self.max_steps // steps)) if self.max_steps else epochs

    def _fit(self, train, seeds):
        self.q2_scaler = Q2Scaler.fit(pattern_matrix(train, self.system))
        frees = [
            free_parameters(cell_matrix(rows), self.system, group.unique_axis)
            for group, rows in self.by_group(train)
        ]
        self.cell_scaler = CellScaler.fit(np.concatenate(frees), self.system)
        history = []
        for (group, rows), free, seed in zip(
            progress(self.by_group(train), f"{self.system} networks"),
            frees,
            seeds.spawn(len(self.groups)),
        ):
            x = self._inputs(pattern_matrix(rows, self.system))
            y = self.cell_scaler.forward(free)
            self.weights[group.name], curve = self._train(
                x, y, crystals(rows), np.random.default_rng(seed)
            )
            history.append(curve.assign(group=group.name, rows=len(rows)))
        self.history = pd.concat(history, ignore_index=True)

    def _inputs(self, q2):
        return padded(self.q2_scaler.forward(q2), N_IN)

    def _train(self, x, y, parents, rng):
        """Train one model; return its weights and learning curve (loss by phase, likelihood of a
        tenth that is held out).
        """
        step = trainer(self.design)
        n_free = y.shape[1]
        weights = self.design.initial(rng)
        step.weights.assign(weights)
        names = np.unique(parents)
        held = (
            np.isin(parents, rng.permutation(names)[: len(names) // 10])
            if self.patience
            else np.zeros(len(x), dtype=bool)
        )
        data = x[~held], padded(y, N_OUT)[~held], (np.arange(N_OUT) < n_free).astype(np.float32)
        n_epochs = self.epochs_of(len(data[0]))
        best = np.inf
        waited = 0
        rows = []
        for cycle in range(self.cycles):
            for phase, times in (
                (("mean", 1), ("variance", 1)) if self.design.cyclic else (("both", 2),)
            ):
                losses = step.run(phase, *data, times * n_epochs, rng)
                rows += [(cycle, phase, epoch, loss, np.nan) for epoch, loss in enumerate(losses)]
            fresh = step.weights.numpy()
            value = self._score(fresh, x[held], y[held]) if held.any() else -cycle
            rows[-1] = (*rows[-1][:4], value if held.any() else np.nan)
            weights, best, waited = (
                (fresh, value, 0) if value < best else (weights, best, waited + 1)
            )
            if self.patience and waited >= self.patience:
                break
        return weights, pd.DataFrame(rows, columns=["cycle", "phase", "epoch", "loss", "held_out"])

    def _score(self, weights, x, y):
        """Mean negative log-likelihood an entry, over its cell parameters."""
        found = (values[:, : y.shape[1]] for values in outputs(self.design, weights, x))
        return float(self.design.likelihood.nll(y, *found).sum(axis=1).mean())

    def predict(self, q2, group):
        """Return mu, alpha, beta in scaled space for a group, each (n_patterns, n_free)."""
        n_free = len(lattice.SYSTEM[self.system].free)
        found = outputs(self.design, self.weights[group.name], self._inputs(q2))
        return tuple(values[:, :n_free] for values in found)

    def mean(self, q2, group):
        """Return the mean in scaled space, shape (n_patterns, n_free)."""
        return self.predict(q2, group)[0]

    def likelihood(self, frame, group):
        """Return the negative log-likelihood of a frame's cells in scaled space under a group,
        shape (n, n_free).
        """
        y = self.cell_scaler.forward(
            free_parameters(cell_matrix(frame), self.system, group.unique_axis)
        )
        found = self.predict(pattern_matrix(frame, self.system), group)
        return self.design.likelihood.nll(y, *found)

    def _draw(self, group, q2, n, rng):
        """A variance, then a cell from the Normal with it."""
        mu, alpha, beta = (
            values[:, None, :].repeat(n, axis=1) for values in self.predict(q2, group)
        )
        spread = np.sqrt(self._variance(alpha, beta, rng))
        scaled = mu + spread * rng.standard_normal(mu.shape)
        return cells_from_free(self.cell_scaler.inverse(scaled), self.system, group.unique_axis)

    def _variance(self, alpha, beta, rng):
        """Drawn from its own distribution, so that a cell parameter follows Student's t."""
        return self.design.likelihood.draw(alpha, beta, rng)

    def arrays(self):
        """Return what was learned, by name."""
        stored = {f"q2.{key}": value for key, value in self.q2_scaler.to_dict().items()}
        stored |= {f"cell.{key}": value for key, value in self.cell_scaler.to_dict().items()}
        stored["design"] = np.array(repr(astuple(self.design)))
        return stored | {
            f"weights.{k}": self.weights[group.name] for k, group in enumerate(self.groups)
        }

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        self.design = Design(*literal_eval(str(arrays["design"])))
        self.q2_scaler, self.cell_scaler = (
            kind.from_dict(
                {
                    key[len(prefix) :]: value
                    for key, value in arrays.items()
                    if key.startswith(prefix)
                }
            )
            for kind, prefix in ((Q2Scaler, "q2."), (CellScaler, "cell."))
        )
        self.weights = {group.name: arrays[f"weights.{k}"] for k, group in enumerate(self.groups)}


class NetworkLiteral(Network):
    """The write-up's network to the letter: five cycles of ten epochs a phase however small the
    group, and Normal draws with the mean variance beta / (alpha - 1) (sections 2.2.2 and 2.4.2).
    """

    name = "network_literal"

    def __init__(self, design=Design(), cycles=5, epochs=10, max_steps=0):
        super().__init__(design, cycles, epochs, min_steps=0, max_steps=max_steps)

    def _variance(self, alpha, beta, _rng):
        return self.design.likelihood.variance(alpha, beta)


class Tuned(Network):
    """A variance network for each group with the settings that a search found
    (`ddi.models.variance.TUNED`).
    """

    name = "tuned"

    def __init__(self, design=TUNED, **options):
        super().__init__(design, **options)
