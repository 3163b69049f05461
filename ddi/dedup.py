"""Which entries are the same crystal, and which of them is kept (write-up 2.1.1; errata, decision 3).

Two entries are duplicates if they belong to the same crystal family, every length and angle of their Niggli-reduced primitive cells
agrees within 5 % (ratio at most 1.05), and the contents of their unit cells differ by at most so many atoms. The unit cell is the
standard one of the Bravais lattice (four lattice points for F, three for R), so that the setting a database chose does not matter.
Contents differ by the larger of what must be added and what must be taken away: one atom exchanged for another counts as one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ddi import crystal, lattice, settings
from ddi.sources import ORDER

CELL_TOLERANCE = 0.05  # relative, of reduced lengths and angles
ROUNDING = 0.05  # atoms; occupancies are given with two or three digits
DEFINITIONS = {"same composition": 0, "one atom": 1}
"""Name of a definition -> atoms by which the contents of duplicates may differ."""
STRICTER = "one atom"

_FAMILIES = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")
_LATTICE_POINTS = {"P": 1, "C": 2, "I": 2, "R": 3, "F": 4}
_BATCH = 200_000  # pairs compared at a time


@dataclass(frozen=True, eq=False)
class Features:
    """What decides about duplicates, for n entries.

    Attributes
    ----------
    family : ndarray of int, shape (n,)
        Crystal family; hexagonal and rhombohedral lattices are one.
    cell : ndarray, shape (n, 6)
        Niggli-reduced primitive cells in A and degrees.
    contents : scipy.sparse.csr_matrix, shape (n, n_elements)
        Atoms of each element in the standard conventional cell.
    """

    family: np.ndarray
    cell: np.ndarray
    contents: csr_matrix


def features(entries):
    """Return the `Features` of a sequence of `ddi.entry.Entry`."""
    elements = {element: column for column, element in enumerate(sorted({e for entry in entries for e in entry.composition}))}
    family, cells, rows, columns, counts = [], [], [], [], []
    for i, entry in enumerate(entries):
        setting = settings.reindex(entry.cell, entry.operations)
        standard = _LATTICE_POINTS[setting.bravais[1]] / crystal.centring(entry.operations)[1]
        family.append(_FAMILIES.index("hexagonal" if setting.system == "rhombohedral" else setting.system))
        cells.append(lattice.reduced_cell(setting.cell, setting.centring))
        for element, count in entry.composition.items():
            rows.append(i), columns.append(elements[element]), counts.append(count * standard)
    contents = csr_matrix((counts, (rows, columns)), shape=(len(entries), len(elements)))
    return Features(np.array(family, dtype=int), np.array(cells).reshape(-1, 6), contents)


def duplicate_pairs(these, atoms):
    """Return all pairs of duplicates, shape (n_pairs, 2), each once.

    A k-d tree over family, logarithms of the cell and number of atoms finds, with the maximum norm, every pair that can qualify;
    only those are compared element by element. That keeps the time near-linear in the number of entries.

    Parameters
    ----------
    these : Features
    atoms : float
        By which contents may differ, plus `ROUNDING`.
    """
    allowed = atoms + ROUNDING
    n_atoms = np.asarray(these.contents.sum(axis=1))
    points = np.column_stack([4.0 * these.family, np.log(these.cell) / np.log1p(CELL_TOLERANCE), n_atoms / allowed])
    tree = cKDTree(points, balanced_tree=False)
    pairs = tree.query_pairs(1 + 1e-9, p=np.inf, output_type="ndarray").reshape(-1, 2)
    keep = [_difference(these.contents, pairs[start : start + _BATCH]) <= allowed for start in range(0, len(pairs), _BATCH)]
    return pairs[np.concatenate(keep)] if keep else pairs


def _difference(contents, pairs):
    difference = contents[pairs[:, 0]] - contents[pairs[:, 1]]
    more, less = difference.maximum(0).sum(axis=1), (-difference).maximum(0).sum(axis=1)
    return np.maximum(np.asarray(more), np.asarray(less)).ravel()


def priority(entries):
    """Return positions from most to least wanted: source in merge order, lowest R-factor (missing last), smallest identifier."""
    keys = [(ORDER.index(e.source), np.inf if np.isnan(e.r_factor) else e.r_factor, e.identifier) for e in entries]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=int)


def leaders(n, pairs, order):
    """Return for each of n entries the one that represents it, itself if it is kept, shape (n,).

    Going from most to least wanted, an entry is kept unless it duplicates one already kept. No two kept entries are duplicates,
    every other is a duplicate of the one that represents it, and chains of near-duplicates are not swallowed whole. The order of the
    input does not matter, because `order` is total.

    Parameters
    ----------
    n : int
    pairs : ndarray of int, shape (n_pairs, 2)
    order : ndarray of int, shape (n,)
        As `priority` returns it.
    """
    graph = _graph(n, pairs)
    leader = np.full(n, -1)
    for i in order:
        if leader[i] < 0:
            leader[i] = i
            near = graph.indices[graph.indptr[i] : graph.indptr[i + 1]]
            leader[near[leader[near] < 0]] = i
    return leader


def components(n, pairs):
    """Return the label of each entry's connected component, shape (n,): single-link clusters."""
    return connected_components(_graph(n, pairs), directed=False)[1]


def _graph(n, pairs):
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return csr_matrix((np.ones(len(both), dtype=np.int8), (both[:, 0], both[:, 1])), shape=(n, n))


def clusters(entries, these=None, definition=STRICTER):
    """Find duplicates and who is kept.

    Parameters
    ----------
    entries : sequence of ddi.entry.Entry
    these : Features, optional
        Of the same entries, if they are at hand.
    definition : str
        One of `DEFINITIONS`.

    Returns
    -------
    DataFrame
        One row an entry, in the order given: ``identifier``, ``source``, ``representative`` (its own identifier if kept), ``kept``,
        ``cluster_size`` (how many entries share the representative), ``component_size`` (entries linked by chains of duplicates).
    """
    these = these or features(entries)
    pairs = duplicate_pairs(these, DEFINITIONS[definition])
    leader, label = leaders(len(entries), pairs, priority(entries)), components(len(entries), pairs)
    identifiers = np.array([entry.identifier for entry in entries], dtype=object)
    return pd.DataFrame(
        {
            "identifier": identifiers,
            "source": [entry.source for entry in entries],
            "representative": identifiers[leader],
            "kept": leader == np.arange(len(entries)),
            "cluster_size": np.bincount(leader, minlength=len(entries))[leader],
            "component_size": np.bincount(label)[label],
        }
    )
