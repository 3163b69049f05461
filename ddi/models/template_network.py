"""The template network: a distribution over index sets, learned from synthetic patterns without
end.

A mixture in the space of cells (`ddi.models.scale_free`) must learn divisions and differences of
peaks to a few per cent. Here they are exact: the network only says how likely it is that certain
peaks carry certain indices (`ddi.models.index_sets`), and the linear equation gives the cell. It
reads one pattern, not the lines of any cell: no draw is compared with the peaks or refined.

Several sets are right for a pattern, any of which will do, so what is maximised is the logarithm of
their summed probability.
"""

from ast import literal_eval
from dataclasses import astuple, dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ddi.base.paths import ROOT
from ddi.forward import lattice
from ddi.models import dense, index_sets
from ddi.models.cells import in_order, make_valid
from ddi.models.coincidences import reading
from ddi.models.generator import Generator, Group
from ddi.models.synthetic import Source

SHIPPED = ROOT / "data" / "pretrained"
BUILT = {
    "cubic": {"steps": 60, "batch": 400, "n_sets": 300, "width": 256, "n_patterns": 6000},
    "tetragonal": {"steps": 400, "batch": 400, "n_sets": 800, "width": 384, "n_patterns": 6000},
    "hexagonal": {"steps": 150, "batch": 400, "n_sets": 800, "width": 384, "n_patterns": 6000},
    "rhombohedral": {"steps": 120, "batch": 400, "n_sets": 800, "width": 384, "n_patterns": 6000},
    "orthorhombic": {"steps": 300, "batch": 400, "n_sets": 2000, "n_patterns": 5000},
    "monoclinic": {"steps": 700, "batch": 400, "rate": 3e-3, "n_sets": 3000, "n_patterns": 6000},
    "triclinic": {"steps": 400, "batch": 400, "rate": 3e-3, "n_sets": 3000, "n_patterns": 8000},
}
"""How the shipped networks were made (`build`): small enough for minutes on one core; chosen."""
_UNLIKELY = -30.0  # the least log probability that counts in training


@dataclass(frozen=True)
class Choice:
    """The shape of a network whose answer is one logit for each index set; weights as a list.

    Attributes
    ----------
    n_in, n_sets : int
    width, depth : int
        Units of a hidden layer, and the number of these; from the second on, each is added to what
        it reads.
    """

    n_in: int
    n_sets: int
    width: int = 512
    depth: int = 3

    def initial(self, rng):
        """Return fresh weights."""
        layers = [
            dense.fresh_layer(rng, self.width if k else self.n_in, self.width)
            for k in range(self.depth)
        ]
        kernel, bias = dense.fresh_layer(rng, self.width, self.n_sets, normalised=False)
        layers.append([0.3 * kernel, bias])
        return [weight.astype(np.float32) for layer in layers for weight in layer]

    def outputs(self, weights, x, library=dense.Numpy):
        """Return the logits of readings x, a tuple of one, shape (n, n_sets)."""
        *hidden, kernel, bias = weights
        values = x
        for k in range(self.depth):
            fresh = dense.hidden(library, values, hidden[4 * k : 4 * k + 4])
            values = values + fresh if k else fresh
        return (values @ kernel + bias,)

    def nll(self, right, logits, library=dense.Numpy):
        """Return minus the log probability of the right sets, (n, n_sets) of ones and zeros, one a
        row.
        """
        those = library.log_total(logits + (1 - right) * -1e4)
        return library.least(library.log_total(logits) - those, -_UNLIKELY)


def packed(weights):
    """Return weights by name: a kernel in eight bits with a scale for each column, all else in half
    precision.
    """
    stored = {}
    for k, weight in enumerate(weights):
        if weight.ndim == 2:
            scale = np.maximum(np.abs(weight).max(axis=0) / 127, 1e-12).astype(np.float32)
            stored[f"scale_{k:02d}"] = scale
            stored[f"weight_{k:02d}"] = np.round(weight / scale).astype(np.int8)
        else:
            stored[f"weight_{k:02d}"] = weight.astype(np.float16)
    return stored


def unpacked(arrays):
    """Return the weights that `packed` stored, float32, in order."""
    names = sorted(name for name in arrays if name.startswith("weight_"))
    scales = [arrays.get(name.replace("weight", "scale"), np.float32(1)) for name in names]
    return [arrays[name].astype(np.float32) * scale for name, scale in zip(names, scales)]


class TemplateNetwork(Generator):
    """One network for a lattice system; `fit` reads `ddi.models.synthetic.training`.

    Parameters
    ----------
    steps, batch : int
        Training steps, and new synthetic patterns in each.
    rate : float
        Of Adam at first; it falls to zero along half a cosine.
    n_sets, n_patterns : int
        Index sets, and the synthetic patterns they are taken from.
    width, depth : int
        Of `Choice`.
    """

    name = "template_network"

    def __init__(
        self, steps=300, batch=500, rate=2e-3, n_sets=2000, n_patterns=3000, width=512, depth=3
    ):
        self.steps = steps
        self.batch = batch
        self.rate = rate
        self.n_sets = n_sets
        self.n_patterns = n_patterns
        self.width = width
        self.depth = depth

    def _fit(self, train, seeds):
        from ddi.models.mixture_training import fit

        self.groups = [Group("all", len(train))]
        self.identifiers = np.unique(train["identifier"].to_numpy(str))
        rng = np.random.default_rng(seeds)
        source = Source.of(train, self.system)
        self.peaks, self.hkl = index_sets.chosen(source, self.n_sets, self.n_patterns, rng)
        n_in = reading(source.batch(4, rng)[0]).shape[1]
        self.design = Choice(n_in, len(self.peaks), self.width, self.depth)

        def draw():
            q2, cells = source.batch(self.batch, rng)
            right = index_sets.right(q2, cells, self.spread, self.peaks)
            some = right.any(axis=1)
            return reading(q2[some]), right[some]

        weights, self.losses = fit(self.design, draw, self.steps, self.rate, rng)
        self.weights = unpacked(packed(weights))

    @cached_property
    def spread(self):
        """The matrices of the index sets (`ddi.models.index_sets.spread`)."""
        return index_sets.spread(self.hkl, self.system)

    def predict(self, q2):
        """Return the logits of the index sets, shape (n, n_sets)."""
        return self.design.outputs(self.weights, reading(q2))[0]

    def _draw(self, _group, q2, n, rng):
        """Index sets without replacement, by Gumbel's trick; sets of a cell drawn already are
        passed over.
        """
        logits = self.predict(q2)
        keys = logits - np.log(rng.standard_exponential(logits.shape, dtype=np.float32))
        most = min(6 * n + 20, keys.shape[1])
        order = np.argpartition(-keys, most - 1, axis=1)[:, :most]
        sorted_keys = np.argsort(-np.take_along_axis(keys, order, axis=1), axis=1)
        order = np.take_along_axis(order, sorted_keys, axis=1)
        return self.usable(index_sets.first_cells(q2, order, self.spread, self.peaks, n))

    def usable(self, cells):
        """Return cells as consumers read them (`ddi.models.cells.usable_cells`)."""
        cells = make_valid(cells)
        monoclinic = self.system == "monoclinic"
        return lattice.b_unique(cells, 1) if monoclinic else in_order(cells, self.system)

    def arrays(self):
        """Return what was learned, by name; kernels in eight bits, and what it learned from."""
        stored = packed(self.weights)
        named = {"design": np.array(repr(astuple(self.design))), "identifiers": self.identifiers}
        sets = {"peaks": self.peaks, "hkl": self.hkl}
        return stored | named | sets | {"losses": self.losses}

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        self.design = Choice(*literal_eval(str(arrays["design"])))
        self.peaks = arrays["peaks"]
        self.hkl = arrays["hkl"]
        self.losses = arrays["losses"]
        self.identifiers = arrays["identifiers"]
        self.weights = unpacked(arrays)


def shipped(study, system):
    """Return the network that comes with the repository (`data/pretrained`), or None: where there
    is none, and where it learned from entries that this study tests on.
    """
    path = SHIPPED / f"{TemplateNetwork.name}_{system}.npz"
    if not path.exists():
        return None
    model = TemplateNetwork.load(path, system=system)
    sides = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    test = sides.identifier[sides.split == "test"]
    if known := np.isin(test.to_numpy(str), model.identifiers).sum():
        print(f"{path.name} learned from {known} entries that this study tests on: left out")
        return None
    return model


def build(study, folder=SHIPPED, seed=2026, systems=tuple(BUILT)):
    """Train the networks that are shipped on the training entries of a study and write them."""
    from ddi.models import synthetic

    for system in systems:
        rows = synthetic.training(study, system)
        network = TemplateNetwork(**BUILT[system]).fit(rows, system=system, seed=seed)
        network.save(folder / f"{network.name}_{system}.npz")
