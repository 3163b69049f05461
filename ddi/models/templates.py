"""Index templates: which of the first lines carry which Miller indices in real crystals, learned
from data.

q2 is linear in the reciprocal metric, so p observed lines with p assumed indices give a cell by one
small inverse (p = 1, 2, 3, 4 or 6). A template is such an assumption: p peak numbers and p index
triples. Templates are counted over training patterns whose lines were dropped and joined by
spurious ones at random, and chosen so that every pattern is met several times by templates that
also predict its other lines well. Axes are those in which low lines have low indices: conventional,
hexagonal for hR, and the shortest reciprocal vectors where the lattice leaves a choice.
"""

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import gemmi
import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.forward import lattice
from ddi.forward import lines as cell_lines

SHIPPED = Path(__file__).with_name("templates.npz")
REACH = {1: 5, 2: 6, 3: 7, 4: 8, 6: 9}
"""How far templates look: free parameters -> number of first peaks they choose from."""
N_PATTERNS = 30_000
MAX_REACH = 13
ENOUGH = 3
"""How far they may look where the first peaks give fewer than so many choices a free parameter."""
AMPLIFICATION = 8.0
"""How much more than an observed line's error a template may be off at the first twenty lines (root
mean square).
"""


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
            Disturbed copies of each pattern; so many that there are about `N_PATTERNS` a Bravais
            lattice if not given.
        """
        for bravais, rows in sorted(train.groupby("bravais"), key=lambda item: item[0]):
            if system in (None, lattice.BRAVAIS[bravais][0]):
                patterns = indexed_patterns(rows, bravais)
                copies = n_copies or int(np.clip(N_PATTERNS / max(len(patterns), 1), 4, 40))
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
                f"{path} is no templates file ({error}); ddi.models.templates.build(Study()) writes one"
            ) from error

    @lru_cache(maxsize=64)
    def systems(self, bravais, n_peaks):
        """Return what the screening kernel needs of the templates that look no further than
        n_peaks.

        Returns
        -------
        spread : ndarray, shape (n, 6, p)
            ``x = spread @ q2[peaks]``.
        peaks : ndarray of int16, shape (n, p)
        """
        axes = cell_lines.KINDS[bravais].system
        ties = lattice.ties(axes).astype(float)
        peaks, hkl = self.tables.get(
            bravais,
            (np.empty((0, ties.shape[1]), np.int8), np.empty((0, ties.shape[1], 3), np.int8)),
        )
        usable = (peaks < n_peaks).all(axis=1)
        spread = ties @ np.linalg.inv(lattice.design(hkl[usable], axes))
        return np.ascontiguousarray(spread), peaks[usable].astype(np.int16)


def _usable(cells, bravais):
    """From the axes of the search to those that generators return."""
    from ddi.models.generator import in_order

    system = lattice.BRAVAIS[bravais][0]
    cells = (
        lattice.hexagonal_to_rhombohedral(cells)
        if bravais == "hR"
        else lattice.b_unique(cells, 1)
        if system == "monoclinic"
        else cells
    )
    return in_order(cells, system)


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


def indexed_patterns(rows, bravais):
    """Return for each entry (q2, hkl) of its observable lines on the axes of the search.

    Parameters
    ----------
    rows : DataFrame
        As for `Templates.fit`.
    bravais : str

    Returns
    -------
    list of (ndarray (n,), ndarray of int (n, 3))
    """
    patterns = []
    unique_axes = rows["unique_axis"] if "unique_axis" in rows else itertools.repeat(-1)
    for cell, q2, unique_axis in zip(rows["cell"], rows["q2"], unique_axes):
        q2 = np.asarray(q2, dtype=float)[:40]
        for axes in settings(np.asarray(cell, dtype=float), bravais, unique_axis):
            hkl, lines = cell_lines.lines(lattice.cell_to_x(axes), bravais, 1.001 * q2[-1])
            if not len(lines):
                continue
            nearest = np.abs(lines[:, None] - q2).argmin(axis=0)
            if np.abs(lines[nearest] - q2).max() < 1e-4 * q2[-1]:
                patterns.append((q2, hkl[nearest]))
                break
    return patterns


def settings(cell, bravais, unique_axis=-1):
    """Return a reindexed cell on the axes of the search, a list with the likeliest first where the
    centred face is not known.
    """
    system, centring = lattice.BRAVAIS[bravais]
    return (
        _SETTINGS[system](cell, centring, unique_axis)
        if system in _SETTINGS
        else [lattice.conventional(cell, bravais)]
    )


def _faces(cell, centring, _):
    """Every choice of the centred face."""
    return [lattice.permute(cell, order) for order in ((0, 1, 2), (0, 2, 1), (1, 2, 0))][
        : 3 if centring == "C" else 1
    ]


_IN_PLANE = [
    np.array(m).reshape(2, 2)
    for m in itertools.product((-1, 0, 1), repeat=4)
    if abs(m[0] * m[3] - m[1] * m[2]) == 1
]


def _in_plane(cell, centring, unique_axis):
    """Axes of the plane across b, the shortest first; a centred cell has one among them whose face
    C is centred.
    """
    flat = lattice.b_unique(cell, unique_axis if unique_axis in (0, 1, 2) else None)
    cells = [
        lattice.change_basis(flat, [[p, 0, q], [0, 1, 0], [r, 0, s]])
        for (p, q), (r, s) in _IN_PLANE
    ]
    cells = [c for c in cells if c[4] >= 90 - 1e-9 and (centring != "P" or c[0] <= c[2])]
    return sorted(cells, key=lambda c: (round(c[0] ** 2 + c[2] ** 2, 6), c[0]))[
        : 1 if centring == "P" else None
    ]


def reciprocally_reduced(cell):
    """Return the cell whose reciprocal basis is Niggli-reduced: its shortest reciprocal vectors are
    the axes.
    """
    reciprocal = gemmi.UnitCell(
        *lattice.reduced_cell(gemmi.UnitCell(*map(float, cell)).reciprocal().parameters)
    )
    return np.array(reciprocal.reciprocal().parameters)


_SETTINGS = {
    "orthorhombic": _faces,
    "monoclinic": _in_plane,
    "triclinic": lambda cell, centring, _: [reciprocally_reduced(cell)],
}


def learn(patterns, bravais, *, n_max, n_copies, seed, drop=0.2, spurious=0.05):
    """Return (peaks, hkl) of the templates that meet the patterns best; see the module's first
    lines.
    """
    n_free = lattice.ties(cell_lines.KINDS[bravais].system).shape[1]
    rng = np.random.default_rng(seed)
    keys = []
    peaks = []
    hkl = []
    owner = []
    for number, (copy, (q2, indices)) in enumerate(itertools.product(range(n_copies), patterns)):
        seen, where = disturb(len(q2), rng, *((drop, spurious) if copy else (0, 0)))
        chosen, places = usable_subsets(q2[seen], indices[seen], where, bravais, n_free)
        peaks.append(places)
        hkl.append(indices[seen][chosen])
        owner.append(np.full(len(chosen), number))
    peaks = np.concatenate(peaks).astype(np.int8)
    hkl = np.concatenate(hkl).astype(np.int8)
    owner = np.concatenate(owner)
    if not len(peaks):
        return peaks.reshape(0, n_free), hkl.reshape(0, n_free, 3)
    code = np.concatenate([peaks[..., None], hkl], axis=-1).reshape(len(peaks), -1).astype(np.int64)
    keys = code @ rng.integers(1, 2**40, code.shape[1])
    _, first, template = np.unique(keys, return_index=True, return_inverse=True)
    best = cover(template, owner, n_max)
    return peaks[first[best]], hkl[first[best]]


def disturb(n, rng, drop, spurious):
    """Return which of n lines stay, and the number each then has among the peaks, spurious ones
    counted.
    """
    stays = rng.random(n) >= drop
    extra = rng.random(n) < spurious
    places = np.cumsum(stays + extra) - 1
    return np.flatnonzero(stays), places[stays]


def usable_subsets(q2, hkl, places, bravais, n_free):
    """Return the choices of n_free lines that fix the cell well, and their peak numbers.

    They are sought among the first `REACH` peaks; where these lie in a zone or row and fix too
    little, further on.
    """
    design = lattice.design(hkl[:20], cell_lines.KINDS[bravais].system)
    error = np.sqrt(q2[:20])
    for reach in range(REACH[n_free], MAX_REACH + 1, 2):
        near = np.flatnonzero(places[:20] < reach)
        subsets = np.array(list(itertools.combinations(near, n_free)), dtype=int).reshape(
            -1, n_free
        )
        subsets = subsets[np.abs(np.linalg.det(design[subsets])) > 0.5]
        if not len(subsets):
            continue
        gain = design @ np.linalg.inv(design[subsets]) * error[subsets][:, None, :] / error[:, None]
        subsets = subsets[np.sqrt((gain**2).sum(axis=2).mean(axis=1)) < AMPLIFICATION]
        if len(subsets) >= ENOUGH * n_free:
            break
    return subsets, places[subsets]


def cover(template, pattern, n_max, depth=12, rounds=60):
    """Return template numbers, best first: in rounds, those that meet most patterns not yet met
    `depth` times.

    Parameters
    ----------
    template, pattern : ndarray of int, shape (n,)
        Which template meets which pattern.
    n_max, depth, rounds : int

    Returns
    -------
    ndarray of int
    """
    n_templates = template.max() + 1
    met = np.zeros(pattern.max() + 1)
    taken = np.zeros(n_templates, dtype=bool)
    order = []
    for _ in range(rounds):
        gain = np.bincount(
            template, weights=np.maximum(1 - met[pattern] / depth, 0), minlength=n_templates
        )
        gain[taken] = 0
        batch = np.argsort(-gain, kind="stable")[: max(n_max // rounds, 1)]
        batch = batch[gain[batch] > 0]
        taken[batch] = True
        order.append(batch)
        met = np.bincount(pattern, weights=taken[template], minlength=len(met))
    return np.concatenate(order)[:n_max]
