"""Which entries are the same crystal, and which of them is kept (write-up 2.1.1; errata, decision 3).

Two entries are duplicates if they belong to the same crystal family, every length and angle of their Niggli-reduced primitive cells
agrees within 5 % (ratio at most 1.05), and the contents of their unit cells differ by at most so many atoms. The unit cell is the
standard one of the Bravais lattice (four lattice points for F, three for R), so that the setting a database chose does not matter.
Contents differ by the larger of what must be added and what must be taken away: one atom exchanged for another counts as one.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit
from scipy.sparse import csr_matrix, diags
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ddi import crystal, lattice, settings
from ddi.files import atomic
from ddi.sources import ORDER

CELL_TOLERANCE = 0.05  # relative, of reduced lengths and angles
ROUNDING = 0.05  # atoms; occupancies are given with two or three digits
DEFINITIONS = {"same composition": 0, "one atom": 1}
"""Name of a definition -> atoms by which the contents of duplicates may differ."""
STRICTER = "one atom"

_FAMILIES = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")
_LATTICE_POINTS = {"P": 1, "C": 2, "I": 2, "R": 3, "F": 4}
_GRID = 1 << 14  # boxes an axis, more than any number of atoms / 2


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


def priority(entries):
    """Return positions from most to least wanted: source in merge order, lowest R-factor (missing last), smallest identifier."""
    keys = [(ORDER.index(e.source), np.inf if np.isnan(e.r_factor) else e.r_factor, e.identifier) for e in entries]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=int)


def leaders(these, atoms, order):
    """Return for each of n entries the one that represents it, itself if it is kept, shape (n,).

    Going from most to least wanted, an entry is kept unless it duplicates one already kept. No two kept entries are duplicates,
    every other is a duplicate of the one that represents it, and chains of near-duplicates are not swallowed whole. The order of the
    input does not matter, because `order` is total. Entries are compared only with kept ones in their own and the neighbouring boxes
    of a grid over family, number of atoms and logarithms of the lengths, so that the time is near-linear however many duplicates there are.

    Parameters
    ----------
    these : Features
    atoms : float
        By which contents may differ; `ROUNDING` is added.
    order : ndarray of int, shape (n,)
        As `priority` returns it.
    """
    if not len(these.family):
        return np.empty(0, dtype=int)
    logs = np.log(these.cell) / np.log1p(CELL_TOLERANCE)  # of duplicates, within one in each
    contents = these.contents.sorted_indices()
    n_atoms = np.asarray(contents.sum(axis=1)).ravel()
    boxes = these.family.astype(np.int64)
    for coordinate in (n_atoms / (atoms + 1), *logs[:, :3].T):
        boxes = boxes * _GRID + np.floor(coordinate).astype(np.int64)
    occupied, box = np.unique(boxes, return_inverse=True)
    near = _neighbours(occupied)
    content = contents.indptr, contents.indices, contents.data
    return _leaders(order, box, near.indptr, near.indices, logs, n_atoms, *content, atoms + ROUNDING)


def _neighbours(occupied):
    """For each box, which of the occupied boxes touch it, itself included, as the rows of a sparse matrix."""
    rows, columns = [], []
    for step in product((-1, 0, 1), repeat=4):
        wanted = occupied + np.dot(step, _GRID ** np.arange(4))
        place = np.minimum(np.searchsorted(occupied, wanted), len(occupied) - 1)
        there = np.flatnonzero(occupied[place] == wanted)
        rows.append(there), columns.append(place[there])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(len(occupied),) * 2)


@njit(cache=True)
def _leaders(order, box, near_start, near, logs, n_atoms, start, element, count, allowed):
    leader, rank = np.full(len(order), -1), np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    first, after = np.full(len(near_start) - 1, -1), np.full(len(order), -1)  # linked lists of the kept entries of each box
    for i in order:
        leader[i] = i
        for j in near[near_start[box[i]] : near_start[box[i] + 1]]:
            other = first[j]
            while other >= 0:
                better = leader[i] == i or rank[other] < rank[leader[i]]
                if better and _duplicates(i, other, logs, n_atoms, start, element, count, allowed):
                    leader[i] = other
                other = after[other]
        if leader[i] == i:
            after[i] = first[box[i]]
            first[box[i]] = i
    return leader


@njit(cache=True)
def _duplicates(i, j, logs, n_atoms, start, element, count, allowed):
    if abs(n_atoms[i] - n_atoms[j]) > allowed:
        return False
    for k in range(6):
        if abs(logs[i, k] - logs[j, k]) > 1 + 1e-9:
            return False
    more, less, a, b = 0.0, 0.0, start[i], start[j]
    while a < start[i + 1] or b < start[j + 1]:
        ahead = a < start[i + 1] and (b == start[j + 1] or element[a] <= element[b])
        behind = b < start[j + 1] and (a == start[i + 1] or element[b] <= element[a])
        difference = (count[a] if ahead else 0.0) - (count[b] if behind else 0.0)
        more, less = more + max(difference, 0.0), less + max(-difference, 0.0)
        a, b = a + ahead, b + behind
    return max(more, less) <= allowed


def replicate(these, n, seed=0):
    """Draw n pretended crystals from real ones, to see how the time grows: a stretched, slightly sheared cell with contents to match.

    Parameters
    ----------
    these : Features
        Real ones.
    n, seed : int

    Returns
    -------
    Features
        Lengths scaled by one log-normal factor a crystal (standard deviation 0.25) and one a length (0.1), angles by one each
        (0.01); numbers of atoms scaled by the volume and rounded.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(these.family), size=n)
    stretch = np.exp(rng.normal(0, 0.25, (n, 1)) + rng.normal(0, 0.1, (n, 3)))
    cell = these.cell[chosen] * np.hstack([stretch, np.exp(rng.normal(0, 0.01, (n, 3)))])
    contents = diags(stretch.prod(axis=1)) @ these.contents[chosen]
    contents.data = np.maximum(np.rint(contents.data), 1)
    return Features(these.family[chosen], cell, csr_matrix(contents))


def components(these, atoms):
    """Return the label of each entry's single-link cluster, shape (n,): what chains of duplicates would join.

    For information: a component may link entries that are no duplicates of each other, and listing all pairs takes longer than
    `leaders` where duplicates are many.
    """
    n_atoms, allowed = np.asarray(these.contents.sum(axis=1)), atoms + ROUNDING
    points = np.column_stack([4.0 * these.family, np.log(these.cell) / np.log1p(CELL_TOLERANCE), n_atoms / allowed])
    pairs = cKDTree(points, balanced_tree=False).query_pairs(1 + 1e-9, p=np.inf, output_type="ndarray")
    difference = these.contents[pairs[:, 0]] - these.contents[pairs[:, 1]]
    more, less = (np.asarray((sign * difference).maximum(0).sum(axis=1)).ravel() for sign in (1, -1))
    pairs = pairs[np.maximum(more, less) <= allowed]
    links = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(these.family),) * 2)
    return connected_components(links, directed=False)[1]


def clusters(entries, definition=STRICTER, these=None):
    """Find duplicates and who is kept.

    Parameters
    ----------
    entries : sequence of ddi.entry.Entry
    definition : str
        One of `DEFINITIONS`.
    these : Features, optional
        Of the same entries, if they are at hand.

    Returns
    -------
    DataFrame
        One row an entry, in the order given: ``identifier``, ``source``, ``representative`` (its own identifier if kept), ``kept``,
        ``cluster_size`` (how many entries share the representative).
    """
    these = these or features(entries)
    leader = leaders(these, DEFINITIONS[definition], priority(entries))
    identifiers = np.array([entry.identifier for entry in entries], dtype=object)
    return pd.DataFrame(
        {
            "identifier": identifiers,
            "source": [entry.source for entry in entries],
            "representative": identifiers[leader],
            "kept": leader == np.arange(len(entries)),
            "cluster_size": np.bincount(leader, minlength=len(entries))[leader],
        }
    )


def write_unique(source, path, found):
    """Copy the kept entries of an entries file, with ``cluster_size`` added.

    Parameters
    ----------
    source, path : str or Path
        ``entries.parquet`` and the file to write.
    found : DataFrame
        As `clusters` returns it for the entries of `source`, in their order.
    """
    table = pq.read_table(source).append_column("cluster_size", pa.array(found.cluster_size.to_numpy(), pa.int32()))
    with atomic(path) as temporary:
        pq.write_table(table.filter(pa.array(found.kept.to_numpy())), temporary, compression="zstd")
