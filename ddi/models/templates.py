"""Index templates: which of the first lines carry which Miller indices in real crystals, learned
from data.

q2 is linear in the reciprocal metric, so p observed lines with p assumed indices give a cell by one
small inverse (p = 1, 2, 3, 4 or 6). A template is such an assumption: p peak numbers and p index
triples. Templates are counted over training patterns whose lines were dropped and joined by
spurious ones at random, and chosen so that every pattern is met several times by templates that
also predict its other lines well (`ddi.models.template_learning`), on the axes of
`ddi.models.template_axes`.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.forward import lattice
from ddi.forward.lines import KINDS
from ddi.models.constants import CONSTANTS
from ddi.models.template_axes import indexed_patterns
from ddi.models.template_learning import learn

SHIPPED = Path(__file__).with_name("templates.npz")


@dataclass(eq=False)
class Templates:
    """A generator of cells from learned index sets, one table a Bravais lattice, best templates
    first.

    Attributes
    ----------
    tables : dict
        Bravais lattice -> (peaks, hkl): int8 arrays of shapes (n, p) and (n, p, 3).
    """

    tables: dict = field(default_factory=dict)
    name = "templates"

    def fit(self, train, *, system=None, seed=0, n_max=150_000, n_copies=None):
        """Learn the tables of one lattice system, or of all.

        Parameters
        ----------
        train : DataFrame
            Columns bravais, cell (reindexed), q2 and, for monoclinic cells, unique_axis.
        system : str, optional
        seed : int
        n_max : int
            Most templates kept a Bravais lattice.
        n_copies : int, optional
            Disturbed copies of each pattern; if not given, so many that there are about
            `CONSTANTS.n_patterns` a Bravais lattice.
        """
        for bravais, rows in sorted(train.groupby("bravais"), key=lambda item: item[0]):
            if system in (None, lattice.BRAVAIS[bravais][0]):
                patterns = indexed_patterns(rows, bravais)
                share = CONSTANTS.n_patterns / max(len(patterns), 1)
                copies = n_copies or int(np.clip(share, 4, 40))
                self.tables[bravais] = learn(
                    patterns, bravais, n_max=n_max, n_copies=copies, seed=seed
                )
        return self

    def save(self, path):
        """Write the tables to an .npz file."""
        arrays = {
            f"{bravais}_{name}": array
            for bravais, pair in self.tables.items()
            for name, array in zip(("peaks", "hkl"), pair)
        }
        with atomic(path) as temporary:
            np.savez_compressed(temporary, **arrays)

    @classmethod
    def load(cls, path=SHIPPED):
        """Read the tables; those shipped with the package by default."""
        try:
            with np.load(path) as arrays:
                return cls(
                    {
                        name[:2]: (arrays[name], arrays[f"{name[:2]}_hkl"])
                        for name in arrays.files
                        if name.endswith("_peaks")
                    }
                )
        except (OSError, ValueError, KeyError) as error:
            raise DDIError(
                f"{path} is no templates file ({error}); "
                "ddi.models.templates.build(Study()) writes one"
            ) from error

    def systems(self, bravais, n_peaks):
        """Return what the screening kernel needs of the templates that look no further than
        n_peaks.

        Returns
        -------
        spread : ndarray, shape (n, 6, p)
            ``x = spread @ q2[peaks]``.
        peaks : ndarray of int16, shape (n, p)
        """
        spread, peaks = self._spread(bravais)
        usable = (peaks < n_peaks).all(axis=1)
        return (spread, peaks) if usable.all() else (spread[usable], peaks[usable])

    @lru_cache(maxsize=len(lattice.BRAVAIS))
    def _spread(self, bravais):
        """What `systems` returns of all templates, made once a lattice and not once a length of
        list.
        """
        axes = KINDS[bravais].system
        ties = lattice.ties(axes).astype(float)
        none = np.empty((0, ties.shape[1]), np.int8), np.empty((0, ties.shape[1], 3), np.int8)
        peaks, hkl = self.tables.get(bravais, none)
        spread = ties @ np.linalg.inv(_design(hkl, axes))
        return np.ascontiguousarray(spread), peaks.astype(np.int16)


def _design(hkl, axes):
    """`ddi.forward.lattice.design`, looked up: a million index triples are few different ones."""
    most = int(np.abs(hkl).max(initial=0))
    span = 2 * most + 1
    h, k, l = np.moveaxis(hkl.astype(int) + most, -1, 0)
    triples = np.stack(np.unravel_index(np.arange(span**3), (span,) * 3), axis=-1) - most
    return lattice.design(triples, axes)[(h * span + k) * span + l]


def build(study, path=SHIPPED, seed=0, without=()):
    """Learn the shipped templates from the training entries of a study (`ddi.data.dataset`,
    `ddi.data.split`) and write them.

    Test entries and their relatives stay out, and entries with a name in `without` (the minerals
    whose measured patterns judge the search: ``rruff.reference().mineral``), so that both kinds of
    test are fair.
    """
    from ddi.data import dataset  # the search itself reads no data set

    rows = dataset.load(study, ["identifier", "name", "bravais", "cell", "unique_axis", "q2_2"])
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    rows = rows.merge(groups[groups.split == "train"], on="identifier").rename(
        columns={"q2_2": "q2"}
    )
    rows = rows[~rows.name.str.lower().isin({name.lower() for name in without})]
    Templates().fit(rows[[len(q2) >= 4 for q2 in rows.q2]], seed=seed).save(path)
