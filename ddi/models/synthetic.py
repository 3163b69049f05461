"""Synthetic patterns without end, around the cells of the training families (for
`ddi.models.scale_free`).

The map from a cell to its lines is the forward equation. Only three things are learned from data,
and only from training entries: the shapes of cells (each one a kernel of a density, families
weighing alike but for a root), the lines that symmetry extinguishes, and the lines that are seen.
Volumes are free: the models read patterns divided by their own scale.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddi.data import dataset
from ddi.forward import bragg, lattice, reflections
from ddi.forward.constants import FORWARD
from ddi.models.cells import cell_matrix, usable_cells
from ddi.models.constants import CONSTANTS


def training(study, system):
    """Return the real training rows of a lattice system as `Source.of` reads them: those of
    `ddi.data.dataset.training` with the lines that are not extinct, their indices, and the family.
    """
    columns = ["identifier", "lattice_system", "bravais", "unique_axis", "cell"]
    rows = dataset.load(study, [*columns, "q2_1", "hkl_1", "q2_2"]).rename(columns={"q2_2": "q2"})
    path = study.interim / "groups.parquet"
    groups = pd.read_parquet(path, columns=["identifier", "group", "family", "split"])
    rows = rows[rows.lattice_system == system].merge(groups, on="identifier")
    enough = rows.q2.map(len) >= lattice.N_PEAKS[system]
    rows = rows[enough & (rows.split == "train")].reset_index(drop=True)
    return rows.assign(augmented=False, parent=rows.identifier)


@dataclass
class Source:
    """Training crystals of one lattice system as seeds of synthetic ones.

    Attributes
    ----------
    system : str
    cells : ndarray, shape (n, 6)
        Usable cells.
    design : ndarray of float32, shape (n, n_lines, n_free)
        Of the lines that are not extinct.
    known, seen : ndarray of bool, shape (n, n_lines)
        Which lines there are, and which of them peak list 2 holds.
    share : ndarray, shape (n,)
        Cumulative probability of being drawn.
    """

    system: str
    cells: np.ndarray
    design: np.ndarray
    known: np.ndarray
    seen: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, rows, system):
        """Read the rows that `training` returns."""
        n_lines = CONSTANTS.n_lines
        hkl = np.zeros((len(rows), n_lines, 3))
        known = np.zeros((len(rows), n_lines), dtype=bool)
        seen = known.copy()
        for k, row in enumerate(rows.itertuples()):
            lines = np.asarray(row.q2_1, dtype=float)[:n_lines]
            hkl[k, : len(lines)] = np.reshape(row.hkl_1, (-1, 3))[:n_lines]
            known[k, : len(lines)] = True
            seen[k, : len(lines)] = np.isclose(lines[:, None], row.q2, rtol=1e-6).any(axis=1)
        axes = rows["unique_axis"].to_numpy(int)
        if (axes >= 0).any():
            hkl = reflections.b_unique_hkl(hkl, cell_matrix(rows), axes)
        design = lattice.design(hkl, system).astype(np.float32)
        counts = rows["family"].map(rows["family"].value_counts()).to_numpy(float)
        share = np.cumsum(counts**-0.5)
        cells = usable_cells(rows, system)
        return cls(system, cells, design, known, seen, share / share[-1])

    def batch(self, n, rng):
        """Draw about n synthetic patterns and their cells, shapes (m, n_peaks) in A^-2 and (m, 6);
        those with too few lines are left out.
        """
        seed = np.searchsorted(self.share, rng.random(n)).clip(max=len(self.cells) - 1)
        cells = self._reshaped(seed, rng)
        x = lattice.free_x(lattice.cell_to_x(cells), self.system).astype(np.float32)
        q2 = np.einsum("nlf,nf->nl", self.design[seed], x)
        q2 = np.where(self._visible(seed, rng) & (q2 > 0), q2, np.inf)
        q2 = _resolved(np.sort(q2, axis=1))[:, : lattice.N_PEAKS[self.system]]
        enough = np.isfinite(q2[:, -1])
        noise = 1 + CONSTANTS.noise * rng.standard_normal(q2.shape)
        return np.sort((q2 * noise)[enough], axis=1), cells[enough]

    def _reshaped(self, seed, rng):
        """Cells around the seeds: kernels of differing width in log lengths and in angles."""
        cells = self.cells[seed]
        free = lattice.free_cell(cells, self.system)
        angle = np.array(lattice.SYSTEM[self.system].free) >= 3
        width = CONSTANTS.spread * rng.random((len(seed), 1))
        moved = width * rng.standard_normal(free.shape)
        size = np.exp(CONSTANTS.spread * rng.standard_normal((len(seed), 1)))
        free = np.where(angle, free + np.degrees(moved) / 2, free * np.exp(moved) * size)
        fresh = lattice.full_cell(free, self.system)
        return np.where(lattice.is_possible(fresh)[:, None], fresh, cells)

    def _visible(self, seed, rng):
        """Which lines are seen: those of the seed, or as many at random; some change sides."""
        known = self.known[seed]
        rate = self.seen[seed].sum(axis=1) / known.sum(axis=1)
        own = rng.random((len(seed), 1)) < CONSTANTS.own_lines
        lucky = rng.random(known.shape) < rate[:, None]
        flip = rng.random(known.shape) < CONSTANTS.flipped * rng.random((len(seed), 1))
        return (np.where(own, self.seen[seed], lucky) ^ flip) & known


def _resolved(q2):
    """Sorted lines without those that the one before covers (section 2.1.1, peak list 2)."""
    finite = np.where(np.isfinite(q2), q2, 1.0)
    wavelength = bragg.WRITEUP_WAVELENGTH
    slope = bragg.q2_slope(np.minimum(finite, 3.9 / wavelength**2), wavelength)
    gap = np.diff(finite, axis=1, prepend=-1.0)
    return np.sort(np.where(gap < slope * FORWARD.min_separation, np.inf, q2), axis=1)
