"""Synthetic patterns without end, around the cells of the training families (for
`ddi.models.scale_free`).

The map from a cell to its lines is the forward equation. Only three things are learned from data,
and only from training entries: the shapes of cells (each one a kernel of a density, families
weighing alike but for a root), the lines that symmetry extinguishes, and the lines that are seen.
Volumes are free: the models read patterns divided by their own scale.

The lines of a reshaped cell are those of the seed's space group, `CONSTANTS.n_lines` of them, so
that a cell drawn longer than its seed still has all of its first twenty.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from ddi.data import dataset
from ddi.forward import bragg, lattice, reflections, scattering
from ddi.forward.constants import FORWARD
from ddi.models.cells import cell_matrix, usable_cells
from ddi.models.constants import CONSTANTS


def training(study, system):
    """Return the real training rows of a lattice system as `Source.of` reads them: those of
    `ddi.data.dataset.training` with the operations of the space group and the family.
    """
    columns = ["identifier", "lattice_system", "bravais", "unique_axis", "cell"]
    rows = dataset.load(study, [*columns, "operations_reindexed", "q2_2"])
    rows = rows.rename(columns={"operations_reindexed": "operations", "q2_2": "q2"})
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
    hkl : ndarray of int8, shape (n, n_lines, 3)
        Of the lines that are not extinct, on the axes of the cells.
    known, seen : ndarray of bool, shape (n, n_lines)
        Which lines there are, and which of them peak list 2 holds.
    reach : ndarray of int, shape (n,)
        How many lines lie within peak list 2; of those beyond it is not known which are seen.
    share : ndarray, shape (n,)
        Cumulative probability of being drawn.
    """

    system: str
    cells: np.ndarray
    hkl: np.ndarray
    known: np.ndarray
    seen: np.ndarray
    reach: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, rows, system):
        """Read the rows that `training` returns."""
        n_lines = CONSTANTS.n_lines
        hkl = np.zeros((len(rows), n_lines, 3), dtype=np.int64)
        known = np.zeros((len(rows), n_lines), dtype=bool)
        seen = known.copy()
        reach = np.zeros(len(rows), dtype=int)
        models = cell_matrix(rows)
        for k, (cell, operations, q2) in enumerate(
            zip(models.tolist(), rows["operations"], rows["q2"])
        ):
            lines, indices = first_lines(tuple(cell), tuple(operations), n_lines)
            hkl[k, : len(lines)] = indices
            known[k, : len(lines)] = True
            seen[k, : len(lines)] = np.isclose(lines[:, None], q2, rtol=1e-6).any(axis=1)
            reach[k] = np.searchsorted(lines, q2[-1] * (1 + 1e-6))
        axes = rows["unique_axis"].to_numpy(int)
        if (axes >= 0).any():
            hkl = reflections.b_unique_hkl(hkl, models, axes)
        counts = rows["family"].map(rows["family"].value_counts()).to_numpy(float)
        share = np.cumsum(counts**-0.5)
        cells = usable_cells(rows, system)
        return cls(system, cells, hkl.astype(np.int8), known, seen, reach, share / share[-1])

    def batch(self, n, rng):
        """Draw about n synthetic patterns and their cells, shapes (m, n_peaks) in A^-2 and (m, 6);
        those with too few lines are left out.
        """
        q2, _, cells = self.indexed(n, rng)
        return q2, cells

    def indexed(self, n, rng):
        """Draw as `batch` does, with the indices of the peaks, shape (m, n_peaks, 3): zeros where a
        peak is foreign.
        """
        seed = np.searchsorted(self.share, rng.random(n)).clip(max=len(self.cells) - 1)
        cells = self._reshaped(seed, rng)
        x = lattice.cell_to_x(cells).astype(np.float32)
        hkl = self.hkl[seed]
        q2 = (products(hkl) @ x[:, :, None])[..., 0]
        q2 = np.where(self._visible(seed, rng) & (q2 > 0), q2, np.inf)
        order = np.argsort(q2, axis=1)
        q2 = _resolved(np.take_along_axis(q2, order, axis=1))
        last = np.argsort(q2, axis=1)[:, : lattice.N_PEAKS[self.system]]
        q2 = np.take_along_axis(q2, last, axis=1)
        enough = np.isfinite(q2[:, -1])
        order = np.take_along_axis(order, last, axis=1)[enough]
        indices = np.take_along_axis(hkl[enough], order[..., None], axis=1)
        return *measured(q2[enough].astype(float), indices, rng), cells[enough]

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
        fresh = np.where(lattice.is_possible(fresh)[:, None], fresh, cells)
        if self.system == "triclinic":
            fresh = np.array([lattice.reduced_cell(cell) for cell in fresh])
        return fresh

    def _visible(self, seed, rng):
        """Which lines are seen: those of the seed, or as many at random; some change sides."""
        known = self.known[seed]
        rate = self.seen[seed].sum(axis=1) / self.reach[seed]
        own = rng.random((len(seed), 1)) < CONSTANTS.own_lines
        own = own & (np.arange(known.shape[1]) < self.reach[seed][:, None])
        lucky = rng.random(known.shape) < rate[:, None]
        flip = rng.random(known.shape) < CONSTANTS.flipped * rng.random((len(seed), 1))
        return (np.where(own, self.seen[seed], lucky) ^ flip) & known


def products(hkl):
    """Return h2, k2, l2, kl, hl, hk of indices, float32, shape (..., 6)."""
    h, k, l = np.moveaxis(hkl.astype(np.float32), -1, 0)
    return np.stack([h * h, k * k, l * l, k * l, h * l, h * k], axis=-1)


@lru_cache(maxsize=5000)
def first_lines(cell, operations, n):
    """Return q2 (A^-2) and indices of the first n lines that a space group does not extinguish,
    equivalent and coincident ones once.
    """
    density = 2 / 3 * np.pi * lattice.volume(cell) / len(operations)
    q2_max = (1.2 * n / density) ** (2 / 3)
    while True:
        hkl, _ = scattering.reflections(cell, operations, q2_max)
        q2 = lattice.q2(hkl, cell)
        _, first = np.unique(np.round(q2 / q2_max, 9), return_index=True)
        if len(first) >= n:
            return q2[first[:n]], hkl[first[:n]]
        q2_max *= 1.6


def measured(q2, hkl, rng):
    """Return peaks as a measurement gives them, with their indices, both sorted again.

    All have errors. Of a share of the patterns these are larger, the zero is shifted, and some
    peaks are foreign (their indices are zeros).
    """
    n = len(q2)
    bad = rng.random((n, 1)) < CONSTANTS.damaged
    error = CONSTANTS.noise * np.where(bad, 1 + 4 * rng.random((n, 1)), 1.0)
    shift = np.where(bad, CONSTANTS.shift * rng.standard_normal((n, 1)), 0.0)
    values = q2 * (1 + error * rng.standard_normal(q2.shape))
    values += shift * np.sqrt(q2 * q2.mean(axis=1, keepdims=True))
    foreign = (rng.random(q2.shape) < CONSTANTS.spurious * rng.random((n, 1))) & bad
    anywhere = q2[:, :1] * 0.5 + (q2[:, -1:] - q2[:, :1] * 0.5) * rng.random(q2.shape)
    values = np.where(foreign, anywhere, values)
    order = np.argsort(values, axis=1)
    hkl = np.where(foreign[..., None], 0, hkl)
    return np.take_along_axis(values, order, 1), np.take_along_axis(hkl, order[..., None], 1)


def _resolved(q2):
    """Sorted lines without those that the one before covers (section 2.1.1, peak list 2)."""
    finite = np.where(np.isfinite(q2), q2, 1.0)
    wavelength = bragg.WRITEUP_WAVELENGTH
    slope = bragg.q2_slope(np.minimum(finite, 3.9 / wavelength**2), wavelength)
    gap = np.diff(finite, axis=1, prepend=-1.0)
    return np.where(gap < slope * FORWARD.min_separation, np.inf, q2)
