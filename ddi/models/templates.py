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
from pathlib import Path

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.forward import lattice
from ddi.forward.lines import KINDS, compiled
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

    def usable(self, bravais, n_peaks):
        """Return the templates that look no further than the first n_peaks.

        Returns
        -------
        peaks : ndarray of int8, shape (n, p)
        hkl : ndarray of int8, shape (n, p, 3)
        """
        p = lattice.ties(KINDS[bravais].system).shape[1]
        none = np.empty((0, p), np.int8), np.empty((0, p, 3), np.int8)
        peaks, hkl = self.tables.get(bravais, none)
        usable = (peaks < n_peaks).all(axis=1)
        return (peaks, hkl) if usable.all() else (peaks[usable], hkl[usable])


@compiled
def _solve(peaks, hkl, q2, ties, x):
    n_free = ties.shape[1]
    system = np.empty((n_free, n_free + 1))
    for i in range(len(peaks)):
        for row in range(n_free):
            h = float(hkl[i, row, 0])
            k = float(hkl[i, row, 1])
            l = float(hkl[i, row, 2])
            for a in range(n_free):
                system[row, a] = h * h * ties[0, a] + k * k * ties[1, a] + l * l * ties[2, a]
                system[row, a] += k * l * ties[3, a] + h * l * ties[4, a] + h * k * ties[5, a]
            system[row, n_free] = q2[peaks[i, row]]
        for a in range(n_free):  # Gauss elimination; the largest of the column is the pivot
            best = a
            for row in range(a + 1, n_free):
                if abs(system[row, a]) > abs(system[best, a]):
                    best = row
            for c in range(a, n_free + 1):
                system[a, c], system[best, c] = system[best, c], system[a, c]
            for row in range(a + 1, n_free):
                factor = system[row, a] / system[a, a]
                for c in range(a + 1, n_free + 1):
                    system[row, c] -= factor * system[a, c]
        for a in range(n_free - 1, -1, -1):
            for c in range(a + 1, n_free):
                system[a, n_free] -= system[a, c] * system[c, n_free]
            system[a, n_free] /= system[a, a]
        for c in range(6):
            x[i, c] = 0.0
            for a in range(n_free):
                x[i, c] += ties[c, a] * system[a, n_free]


def cells(peaks, hkl, q2, bravais):
    """Return the cells that templates propose: x, shape (n, 6), in A^-2.

    Solved anew at each call: the inverses of all shipped templates would take 107 MB and half a
    second.

    Parameters
    ----------
    peaks, hkl : ndarray
        As from `Templates.usable`; independent index triples.
    q2 : ndarray, shape (n_peaks,)
        Observed, in A^-2.
    bravais : str
    """
    x = np.empty((len(peaks), 6))
    ties = np.ascontiguousarray(lattice.ties(KINDS[bravais].system), dtype=float)
    places = np.ascontiguousarray(peaks, dtype=np.int16)  # one type and layout, compiled once
    _solve(places, np.ascontiguousarray(hkl), q2, ties, x)
    return x


def build(study, path=SHIPPED, seed=0, without=()):
    """Learn the shipped templates from the training entries of a study (`ddi.data.dataset`,
    `ddi.data.split`) and write them.

    Test entries and their relatives stay out, and entries with a name in `without` (the minerals
    whose measured patterns judge the search: ``rruff.reference().mineral``), so that both kinds of
    test are fair.
    """
    import pandas as pd  # the search itself needs no tables, and reads no data set

    from ddi.data import dataset

    rows = dataset.load(study, ["identifier", "name", "bravais", "cell", "unique_axis", "q2_2"])
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    rows = rows.merge(groups[groups.split == "train"], on="identifier").rename(
        columns={"q2_2": "q2"}
    )
    rows = rows[~rows.name.str.lower().isin({name.lower() for name in without})]
    Templates().fit(rows[[len(q2) >= 4 for q2 in rows.q2]], seed=seed).save(path)
