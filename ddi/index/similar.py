"""Cells of isostructural compounds as starts of a search."""

import numpy as np

from ddi.forward import lattice
from ddi.index import written_cells
from ddi.index.constants import KNOWN


class Similar:
    """A generator (`ddi.models.generator`) of cells like a given one: the cell itself, then copies
    with all axes scaled together and each a little by itself.

    Parameters
    ----------
    cell : ddi.index.written_cells.WrittenCell
    """

    name = "like"

    def __init__(self, cell):
        self.bravais, conventional = cell.standard()
        self.system = lattice.BRAVAIS[self.bravais][0]
        if self.bravais == "hR":  # the axes of generators are rhombohedral
            conventional = _rhombohedral(*conventional[[0, 2]])
        self.free = lattice.free_cell(conventional, self.system)

    def sample(self, q2, n, *, seed=0):
        """Return cells, shape (n_patterns, n, 6), the same for every pattern."""
        rng = np.random.default_rng(seed)
        lengths = np.array(lattice.SYSTEM[self.system].free) < 3
        common = rng.normal(0, KNOWN.like_scale, (n, 1))
        own = rng.normal(0, KNOWN.like_axis, (n, len(lengths)))
        angles = rng.normal(0, KNOWN.like_angle, (n, len(lengths)))
        moved = np.where(lengths, self.free * np.exp(common + own), self.free + angles)
        moved[0] = self.free
        cells = lattice.full_cell(moved, self.system)
        return np.broadcast_to(cells, (len(q2), *cells.shape))


def _rhombohedral(a, c):
    """The rhombohedral cell (6,) of hexagonal axes a and c."""
    length = np.sqrt(a**2 / 3 + c**2 / 9)
    angle = np.degrees(2 * np.arcsin(a / 2 / length))
    return np.array([length] * 3 + [angle] * 3)


def generators(known):
    """Return what `ddi.index.search.run` takes: lattice system -> generators.

    Parameters
    ----------
    known : str or sequence of str
        Cells and CIFs as `ddi.index.written_cells.read` takes them.
    """
    found = {}
    for text in [known] if isinstance(known, str) else known:
        similar = Similar(written_cells.read(text))
        found.setdefault(similar.system, []).append(similar)
    return found
