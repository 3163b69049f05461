"""What assignment is trained and tested on: true peaks, true indices, and cells that err (write-up,
section 2.3.3).
"""

import hashlib
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import pandas as pd

from ddi.data.scaling import CellScaler, Q2Scaler
from ddi.forward import lattice, reflections
from ddi.models.cells import cells_from_free

NOISE = (0.10, 0.05, 0.025, 0.01)


@dataclass
class Peaks:
    """Unaugmented entries of one lattice system, ready for assignment.

    Attributes
    ----------
    system : str
    identifier, group : ndarray of str, shape (n,)
    q2 : ndarray, shape (n, n_peaks)
        A^-2.
    hkl : ndarray of int, shape (n, n_peaks, 3)
    cells : ndarray, shape (n, 6)
        Model cells, monoclinic ones b unique, A and degrees.
    """

    system: str
    identifier: np.ndarray
    group: np.ndarray
    q2: np.ndarray
    hkl: np.ndarray
    cells: np.ndarray

    def __len__(self):
        return len(self.cells)

    def __getitem__(self, chosen):
        return Peaks(
            self.system,
            *(
                getattr(self, name)[chosen]
                for name in ("identifier", "group", "q2", "hkl", "cells")
            ),
        )

    @property
    def x(self):
        """Free components of the reciprocal metric in A^-2, shape (n, n_free)."""
        return free_x(self.cells, self.system)

    def digest(self):
        """Return a short hash of entries, peaks and cells."""
        parts = (
            "\n".join(self.identifier).encode(),
            np.round(self.q2, 9).tobytes(),
            np.round(self.cells, 6).tobytes(),
        )
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def free_x(cells, system):
    """Return the free components of x, A^-2, of cells (..., 6)."""
    return lattice.free_x(lattice.cell_to_x(cells), system)


def load_peaks(study, system, split):
    """Return the `Peaks` of one side of the split: entries of the dataset with enough lines in peak
    list 2.

    Parameters
    ----------
    study : ddi.base.paths.Study
    system : str
    split : str
        "train" or "test".
    """
    columns = ["identifier", "lattice_system", "unique_axis", "cell", "q2_2", "hkl_2"]
    filters = [("lattice_system", "==", system)]
    rows = pd.read_parquet(study.interim / "dataset.parquet", columns=columns, filters=filters)
    groups = pd.read_parquet(
        study.interim / "groups.parquet", columns=["identifier", "group", "split"]
    )
    rows = rows.merge(groups, on="identifier", validate="one_to_one")
    n_peaks = lattice.N_PEAKS[system]
    rows = rows[(rows.q2_2.map(len) >= n_peaks) & (rows.split == split)].sort_values("identifier")
    q2 = np.array([q[:n_peaks] for q in rows.q2_2], dtype=float).reshape(-1, n_peaks)
    hkl = np.array([h[: 3 * n_peaks] for h in rows.hkl_2], dtype=int).reshape(-1, n_peaks, 3)
    cells = np.array(rows.cell.tolist(), dtype=float).reshape(-1, 6)
    if (rows.unique_axis >= 0).any():
        axis = rows.unique_axis.to_numpy()
        hkl = reflections.b_unique_hkl(hkl, cells, axis)
        cells = lattice.b_unique(cells, axis)
    return Peaks(system, rows.identifier.to_numpy(str), rows.group.to_numpy(str), q2, hkl, cells)


def noisy_cells(cells, system, noise, scaler, rng):
    """Return cells with Gaussian noise on their scaled free parameters (section 2.3.3).

    Parameters
    ----------
    cells : ndarray, shape (n, 6)
    system : str
    noise : float
        Standard deviation in units of the scaler.
    scaler : ddi.data.scaling.CellScaler
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, 6)
        A draw that is no possible cell is replaced by the unperturbed one.
    """
    free = lattice.free_cell(cells, system)
    moved = lattice.full_cell(
        scaler.inverse(scaler.forward(free) + noise * rng.standard_normal(free.shape)), system
    )
    return np.where(lattice.is_possible(moved)[:, None], moved, cells)


@dataclass
class Problem:
    """The assignment problem of one lattice system.

    Attributes
    ----------
    train, test : Peaks
    reference : ndarray of int, shape (n_ref, 3)
        Ordered by the training cells.
    cell_scaler : ddi.data.scaling.CellScaler
    q2_std : float
        Standard deviation of the training peaks in A^-2: the unit of scaled q2.
    predicted : dict
        "predicted" or the name of a generator -> ``(cells of train, cells of test)``, each
        (n, k, 6): k cells an entry by its own group's model.
    """

    train: Peaks
    test: Peaks
    reference: np.ndarray
    cell_scaler: CellScaler
    q2_std: float
    predicted: dict = field(default_factory=dict)

    @classmethod
    def of(cls, train, test, n_ref=None):
        """Fit scalers and the order of the reference indices to the training entries."""
        reference = reflections.reference_hkl(train.system, n_ref, order_by=train.cells)
        scaler = CellScaler.fit(lattice.free_cell(train.cells, train.system), train.system)
        return cls(train, test, reference, scaler, Q2Scaler.fit(train.q2).std)

    @property
    def system(self):
        """Name of the lattice system."""
        return self.train.system

    def erring(self, side, level, rng):
        """Return cells (n, 6) that err as `level` says: a generator's name in `predicted`, or noise
        such as "0.05".

        Parameters
        ----------
        side : str
            "train" or "test".
        level : str
        rng : numpy.random.Generator
        """
        peaks = getattr(self, side)
        if level in self.predicted:
            pool = self.predicted[level][("train", "test").index(side)]
            return pool[np.arange(len(pool)), rng.integers(pool.shape[1], size=len(pool))]
        return noisy_cells(peaks.cells, self.system, float(level), self.cell_scaler, rng)

    def x(self, side, level, seed):
        """Return one fixed draw of `erring` as x, shape (n, n_free); the same for every way of
        assigning.
        """
        rng = np.random.default_rng([seed, crc32(f"{self.system} {side} {level}".encode())])
        return free_x(self.erring(side, level, rng), self.system)


def load_problem(study, system, seed=0, max_train=None, max_test=None):
    """Return the `Problem` of a lattice system from the study's files, thinned at random where a
    maximum is given.
    """
    sides = []
    for split, most in (("train", max_train), ("test", max_test)):
        peaks = load_peaks(study, system, split)
        chosen = np.random.default_rng(seed).permutation(len(peaks))[: most or len(peaks)]
        sides.append(peaks[np.sort(chosen)])
    return Problem.of(*sides) if min(map(len, sides)) else None


def predict_from(network, peaks):
    """Return the cell that a variance network predicts for each entry, (n_entries, 1, 6): the mean
    under the entry's own group (section 2.3.3); under the largest group where there is no model of
    its own.
    """
    groups = {group.name: group for group in network.groups}
    largest = max(network.groups, key=lambda group: group.n_entries)
    cells = np.empty((len(peaks), 1, 6))
    for name in np.unique(peaks.group):
        group = groups.get(name, largest)
        rows = peaks.group == name
        free = network.cell_scaler.inverse(network.mean(peaks.q2[rows], group))
        cells[rows, 0] = cells_from_free(free, peaks.system, group.unique_axis)
    return cells


def draw_from(generator, peaks, n, seed, most=0):
    """Return n cells an entry, (n_entries, n, 6), from a generator's model of the entry's own group
    (from all, if it has none).

    Parameters
    ----------
    generator : ddi.models.generator.Generator
    peaks : Peaks
    n, seed : int
    most : int
        Draw for so many entries only, chosen at random; the others get NaN, which the fits of
        `ddi.models.assigners` leave out. 0: all.
    """
    cells = np.full((len(peaks), n, 6), np.nan)
    wanted = np.argsort(np.random.default_rng(seed).permutation(len(peaks))) < (most or len(peaks))
    known = {group.name for group in generator.groups}
    for group in np.unique(peaks.group[wanted]):
        rows = wanted & (peaks.group == group)
        one = {"groups": [group]} if group in known else {}
        cells[rows] = (generator.sample if one else generator.pooled)(
            peaks.q2[rows], n, seed=seed, **one
        )
    return cells
