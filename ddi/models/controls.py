"""Three controls that learn next to nothing and stand beside every generator's result.

Random training cells, the same rescaled to the pattern, and the cells of the nearest training
patterns.
"""

import numpy as np

from ddi.models.cells import make_valid, pattern_matrix, usable_cells
from ddi.models.generator import Generator, Group


class Random(Generator):
    """Control: cells of training entries drawn at random."""

    name = "random"

    def _fit(self, train, _seeds):
        real = train[~train["augmented"].astype(bool)] if "augmented" in train else train
        self.groups = [Group("all", len(real))]
        self.cells = usable_cells(real, self.system)
        self.q2 = pattern_matrix(real, self.system)

    def arrays(self):
        """Return what was learned, by name."""
        return {"cells": self.cells, "q2": self.q2}

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        self.cells = arrays["cells"]
        self.q2 = arrays["q2"]

    def _draw(self, _group, q2, n, rng):
        return self.cells[rng.integers(len(self.cells), size=(len(q2), n))]


class Rescaled(Random):
    """Control: cells of random training entries, each scaled so that its own mean q2 becomes the
    pattern's.
    """

    name = "rescaled"

    def _draw(self, _group, q2, n, rng):
        picks = rng.integers(len(self.cells), size=(len(q2), n))
        return rescale(
            self.cells[picks], np.sqrt(self.q2.mean(axis=1)[picks] / q2.mean(axis=1)[:, None])
        )


class Nearest(Random):
    """Control: cells of the training entries whose patterns are nearest in q2, nearest first."""

    name = "nearest"

    def _draw(self, _group, q2, n, rng):
        from scipy.spatial import cKDTree

        k = min(n, len(self.cells))
        nearest = cKDTree(self.q2).query(q2, k=k)[1].reshape(len(q2), k)
        return self.cells[nearest[:, np.arange(n) % k]]


def rescale(cells, factors):
    """Multiply the lengths of cells, shape (..., 6), by factors, shape (...)."""
    return make_valid(
        cells
        * np.concatenate(
            [np.repeat(factors[..., None], 3, axis=-1), np.ones((*factors.shape, 3))], axis=-1
        )
    )
