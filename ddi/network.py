"""Variance networks as generators of cells: a mean and a distribution of the variance for each cell parameter (write-up, section 2.2.2).

Three parallel networks read the scaled peaks and give mu, alpha and beta. The variance is inverse-gamma(alpha, beta), so the marginal
of a cell parameter is Student's t with 2 alpha degrees of freedom, centre mu and scale sqrt(beta / alpha). They take turns: ten epochs for
mu under the beta-NLL, ten for alpha and beta under the NLL, five times.

Every model is trained by one shared `Trainer`: one vector of weights and one state of Adam, reassigned for each model, inputs
and outputs padded to one size, and an epoch inside one graph. So nothing is compiled twice and memory stays flat, where compiling a
model a cycle loses hundreds of MiB a model. TensorFlow is imported to train only; sampling is plain numpy.
"""

from dataclasses import asdict, astuple, dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import erf, gammaln

from ddi import lattice
from ddi.generators import Generator, cell_matrix, cells_from_free, crystals, free_parameters, pattern_matrix
from ddi.parallel import progress
from ddi.scaling import CellScaler, Q2Scaler

N_IN, N_OUT = 20, 6  # padded sizes, those of the triclinic system
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
        False: a point variance instead of an inverse-gamma distribution, beta being the variance (ingredient 1).
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
        """Return the shapes of all weights in order: kernel, bias, then gain and shift of a hidden layer's normalisation."""
        shapes = []
        for widths in self.networks():
            for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
                shapes += [(n_in, n_out), (n_out,)] + ([(n_out,), (n_out,)] if k < len(widths) - 2 else [])
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


def nll(y, mu, alpha, beta):
    """Return the exact negative log-likelihood of y, elementwise: the equation L_NLL of section 2.2.2, in numpy.

    Equals minus the log density of Student's t with 2 alpha degrees of freedom, centre mu and scale sqrt(beta / alpha).
    """
    rest = (alpha + 0.5) * np.log(beta + 0.5 * (y - mu) ** 2)
    return 0.5 * np.log(2 * np.pi) - alpha * np.log(beta) - gammaln(alpha + 0.5) + gammaln(alpha) + rest


def normal_nll(y, mu, variance):
    """Return the negative log-likelihood of a Normal with a point estimate of the variance, elementwise."""
    return 0.5 * np.log(2 * np.pi * variance) + 0.5 * (y - mu) ** 2 / variance


def forward(design, weights, x):
    """Return mu, alpha, beta, each (n, 6), for scaled and padded peaks x (n, 20); plain numpy, no dropout."""
    arrays = iter(np.split(weights, np.cumsum([int(np.prod(shape)) for shape in design.shapes()])[:-1]))
    outputs = []
    for widths in design.networks():
        values = x
        for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
            values = values @ next(arrays).reshape(n_in, n_out) + next(arrays)
            if k < len(widths) - 2:
                centred = values - values.mean(axis=-1, keepdims=True)
                values = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON) * next(arrays) + next(arrays)
                values = 0.5 * values * (1 + erf(values / np.sqrt(2)))
        outputs.append(values)
    mu, alpha, beta = outputs if design.parallel else np.split(outputs[0], 3, axis=-1)
    return mu, 1 + np.logaddexp(0, alpha), np.logaddexp(0, beta) + 1e-6


class Trainer:
    """The one training step of a design: a weight vector, Adam's moments, and an epoch as one graph for each phase.

    `ddi.network.trainer` keeps one for each design; a new model reassigns `weights` and traces nothing.
    """

    def __init__(self, design):
        import tensorflow as tf

        self.tf, self.design = tf, design
        size = sum(int(np.prod(shape)) for shape in design.shapes())
        self.weights, self.first, self.second = (tf.Variable(tf.zeros(size)) for _ in range(3))
        signature = [tf.TensorSpec(shape, kind) for shape, kind in self._arguments()]
        self.epochs = {phase: tf.function(self._epoch(phase), input_signature=signature) for phase in ("mean", "variance", "both")}

    def _arguments(self):
        tf = self.tf
        return ([None, N_IN], tf.float32), ([None, N_OUT], tf.float32), ([N_OUT], tf.float32), ([None], tf.int32), ([], tf.float32), ([2], tf.int32)

    def reset(self):
        """Forget Adam's moments, as compiling a model anew does."""
        for moment in (self.first, self.second):
            moment.assign(self.tf.zeros_like(moment))

    def outputs(self, x, seed):
        """Return mu, alpha, beta for a batch, with dropout."""
        tf, design = self.tf, self.design
        shapes = design.shapes()
        arrays = iter(tf.split(self.weights, [int(np.prod(shape)) for shape in shapes]))
        outputs = []
        for network, widths in enumerate(design.networks()):
            values = x
            for k, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
                values = values @ tf.reshape(next(arrays), (n_in, n_out)) + next(arrays)
                if k < len(widths) - 2:
                    values = self._hidden(values, next(arrays), next(arrays), seed + tf.constant([10 * network + k, 0]))
            outputs.append(values)
        mu, alpha, beta = outputs if design.parallel else tf.split(outputs[0], 3, axis=-1)
        return mu, 1 + tf.nn.softplus(alpha), tf.nn.softplus(beta) + 1e-6

    def _hidden(self, values, gain, shift, seed):
        """Layer normalisation, GELU, dropout."""
        tf = self.tf
        mean, variance = tf.nn.moments(values, axes=[-1], keepdims=True)
        values = tf.nn.gelu((values - mean) * tf.math.rsqrt(variance + EPSILON) * gain + shift)
        return tf.nn.experimental.stateless_dropout(values, self.design.dropout, seed) if self.design.dropout else values

    def likelihood(self, y, mu, alpha, beta):
        """Return the negative log-likelihood and the variance, elementwise."""
        tf, two_pi = self.tf, float(np.log(2 * np.pi))
        square = 0.5 * (y - mu) ** 2
        if not self.design.gamma:
            return 0.5 * (two_pi + tf.math.log(beta)) + square / beta, beta
        gammas = tf.math.lgamma(alpha) - tf.math.lgamma(alpha + 0.5)
        return 0.5 * two_pi - alpha * tf.math.log(beta) + gammas + (alpha + 0.5) * tf.math.log(beta + square), beta / (alpha - 1)

    def loss(self, phase, y, mask, mu, alpha, beta):
        """Return the phase's target, summed over cell parameters: the beta-NLL moves mu, the NLL moves alpha and beta."""
        tf, total = self.tf, 0.0
        if phase != "variance":
            value, variance = self.likelihood(y, mu, tf.stop_gradient(alpha), tf.stop_gradient(beta))
            total += tf.stop_gradient(tf.clip_by_value(variance, 1e-6, 1e3) ** self.design.exponent) * value
        if phase != "mean":
            total += self.likelihood(y, tf.stop_gradient(mu), alpha, beta)[0]
        return tf.reduce_mean(tf.reduce_sum(total * mask, axis=-1))

    def _epoch(self, phase):
        tf, batch, rate = self.tf, self.design.batch, self.design.learning_rate

        def epoch(x, y, mask, order, done, seed):
            n_steps, total = tf.shape(order)[0] // batch, tf.zeros([])
            for step in tf.range(n_steps):
                rows = order[step * batch : (step + 1) * batch]
                with tf.GradientTape() as tape:
                    value = self.loss(phase, tf.gather(y, rows), mask, *self.outputs(tf.gather(x, rows), seed + tf.stack([0, step])))
                self._adam(tape.gradient(value, self.weights), done + tf.cast(step + 1, tf.float32), rate)
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
        losses, done = [], 0
        for _ in range(n_epochs):
            order = filled(rng, len(x), self.design.batch)
            losses.append(self.epochs[phase](x, y, mask, order, np.float32(done), rng.integers(2**31 - 10**6, size=2, dtype=np.int32)))
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
        A phase takes at least this many steps: a group of 100 rows makes two steps an epoch, and twenty steps learn nothing.
        0 is the write-up to the letter.
    max_steps : int
        A phase takes at most about this many steps; 0 for no limit.
    patience : int
        Stop after so many cycles without a better validation likelihood and take the best; 0 trains all cycles on all rows.
    """

    name = "network"

    def __init__(self, design=Design(), cycles=5, epochs=10, min_steps=200, max_steps=0, patience=0):
        self.design, self.cycles, self.epochs = design, cycles, epochs
        self.min_steps, self.max_steps, self.patience = min_steps, max_steps, patience
        self.weights, self.history = {}, pd.DataFrame()

    def epochs_of(self, n_rows):
        """Return the epochs of a phase for a group of `n_rows`."""
        steps = -(-n_rows // self.design.batch)
        epochs = max(self.epochs, -(-self.min_steps // steps))
        return max(1, min(epochs, self.max_steps // steps)) if self.max_steps else epochs

    def _fit(self, train, seeds):
        self.q2_scaler = Q2Scaler.fit(pattern_matrix(train, self.system))
        frees = [free_parameters(cell_matrix(rows), self.system, group.unique_axis) for group, rows in self._by_group(train)]
        self.cell_scaler = CellScaler.fit(np.concatenate(frees), self.system)
        history = []
        for (group, rows), free, seed in zip(progress(self._by_group(train), f"{self.system} networks"), frees, seeds.spawn(len(self.groups))):
            x, y = self._inputs(pattern_matrix(rows, self.system)), self.cell_scaler.forward(free)
            self.weights[group.name], curve = self._train(x, y, crystals(rows), np.random.default_rng(seed))
            history.append(curve.assign(group=group.name, rows=len(rows)))
        self.history = pd.concat(history, ignore_index=True)

    def _by_group(self, train):
        return [(group, train[train["group"] == group.name]) for group in self.groups]

    def _inputs(self, q2):
        return padded(self.q2_scaler.forward(q2), N_IN)

    def _train(self, x, y, parents, rng):
        """Train one model; return its weights and learning curve (loss by phase, likelihood of a tenth that is held out)."""
        step, n_free = trainer(self.design), y.shape[1]
        weights = self.design.initial(rng)
        step.weights.assign(weights)
        names = np.unique(parents)
        held = np.isin(parents, rng.permutation(names)[: len(names) // 10]) if self.patience else np.zeros(len(x), dtype=bool)
        data = x[~held], padded(y, N_OUT)[~held], (np.arange(N_OUT) < n_free).astype(np.float32)
        n_epochs, best, waited, rows = self.epochs_of(len(data[0])), np.inf, 0, []
        for cycle in range(self.cycles):
            for phase, times in (("mean", 1), ("variance", 1)) if self.design.cyclic else (("both", 2),):
                losses = step.run(phase, *data, times * n_epochs, rng)
                rows += [(cycle, phase, epoch, loss, np.nan) for epoch, loss in enumerate(losses)]
            fresh = step.weights.numpy()
            value = self._score(fresh, x[held], y[held]) if held.any() else -cycle
            rows[-1] = (*rows[-1][:4], value if held.any() else np.nan)
            weights, best, waited = (fresh, value, 0) if value < best else (weights, best, waited + 1)
            if self.patience and waited >= self.patience:
                break
        return weights, pd.DataFrame(rows, columns=["cycle", "phase", "epoch", "loss", "held_out"])

    def _score(self, weights, x, y):
        """Mean negative log-likelihood an entry, over its cell parameters."""
        mu, alpha, beta = (values[:, : y.shape[1]] for values in forward(self.design, weights, x))
        return float((nll(y, mu, alpha, beta) if self.design.gamma else normal_nll(y, mu, beta)).sum(axis=1).mean())

    def predict(self, q2, group):
        """Return mu, alpha, beta in scaled space for a group, each (n_patterns, n_free)."""
        n_free = len(lattice.SYSTEM[self.system].free)
        return tuple(values[:, :n_free] for values in forward(self.design, self.weights[group.name], self._inputs(q2)))

    def mean(self, q2, group):
        """Return the mean in scaled space, shape (n_patterns, n_free)."""
        return self.predict(q2, group)[0]

    def likelihood(self, frame, group):
        """Return the negative log-likelihood of a frame's cells in scaled space under a group, shape (n, n_free)."""
        y = self.cell_scaler.forward(free_parameters(cell_matrix(frame), self.system, group.unique_axis))
        mu, alpha, beta = self.predict(pattern_matrix(frame, self.system), group)
        return nll(y, mu, alpha, beta) if self.design.gamma else normal_nll(y, mu, beta)

    def _draw(self, group, q2, n, rng):
        """A variance from its inverse-gamma, then a cell from the Normal (section 2.4.2)."""
        mu, alpha, beta = (values[:, None, :].repeat(n, axis=1) for values in self.predict(q2, group))
        variance = beta / rng.standard_gamma(alpha) if self.design.gamma else beta
        scaled = mu + np.sqrt(variance) * rng.standard_normal(mu.shape)
        return cells_from_free(self.cell_scaler.inverse(scaled), self.system, group.unique_axis)

    def arrays(self):
        """Return what was learned, by name."""
        stored = {f"q2.{key}": value for key, value in self.q2_scaler.to_dict().items()}
        stored |= {f"cell.{key}": value for key, value in self.cell_scaler.to_dict().items()}
        stored["design"] = np.array(repr(astuple(self.design)))
        return stored | {f"weights.{k}": self.weights[group.name] for k, group in enumerate(self.groups)}

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        from ast import literal_eval

        self.design = Design(*literal_eval(str(arrays["design"])))
        self.q2_scaler, self.cell_scaler = (
            kind.from_dict({key[len(prefix) :]: value for key, value in arrays.items() if key.startswith(prefix)})
            for kind, prefix in ((Q2Scaler, "q2."), (CellScaler, "cell."))
        )
        self.weights = {group.name: arrays[f"weights.{k}"] for k, group in enumerate(self.groups)}


def describe(design):
    """Return a design's settings that differ from the write-up's, as text."""
    usual = asdict(Design())
    return ", ".join(f"{key}={value}" for key, value in asdict(design).items() if value != usual[key]) or "as written"
