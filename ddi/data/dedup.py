"""Which entries are the same crystal, and which of them is kept (write-up 2.1.1; errata, decision
3).

Two entries are duplicates if they belong to the same crystal family, every length and angle of
their Niggli-reduced primitive cells agrees within 5 % (ratio at most 1.05), and the contents of
their unit cells differ by at most so many atoms. The unit cell is the standard one of the Bravais
lattice (four lattice points for F, three for R), so that the setting a database chose does not
matter. Contents differ by the larger of what must be added and what must be taken away: one atom
exchanged for another counts as one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ddi.base.files import atomic
from ddi.data.constants import DATA
from ddi.data.leaders import leaders
from ddi.data.sources.catalogue import ORDER
from ddi.forward import lattice, settings, symmetry

DEFINITIONS = {"same composition": 0, "one atom": 1}
"""Name of a definition -> atoms by which the contents of duplicates may differ."""
STRICTER = "one atom"

_FAMILIES = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")


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
    """Return the `Features` of a sequence of `ddi.data.entry.Entry`."""
    elements = {
        element: column
        for column, element in enumerate(
            sorted({e for entry in entries for e in entry.composition})
        )
    }
    family = []
    cells = []
    rows = []
    columns = []
    counts = []
    for i, entry in enumerate(entries):
        setting = settings.reindex(entry.cell, entry.operations)
        standard = lattice.POINTS[setting.bravais[1]] / symmetry.centring(entry.operations)[1]
        family.append(
            _FAMILIES.index("hexagonal" if setting.system == "rhombohedral" else setting.system)
        )
        cells.append(lattice.reduced_cell(setting.cell, setting.centring))
        for element, count in entry.composition.items():
            rows.append(i), columns.append(elements[element]), counts.append(count * standard)
    contents = csr_matrix((counts, (rows, columns)), shape=(len(entries), len(elements)))
    return Features(np.array(family, dtype=int), np.array(cells).reshape(-1, 6), contents)


def priority(entries):
    """Return positions from most to least wanted: source in merge order, lowest R-factor (missing
    last), smallest identifier.
    """
    keys = [
        (ORDER.index(e.source), np.inf if np.isnan(e.r_factor) else e.r_factor, e.identifier)
        for e in entries
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=int)


def components(these, atoms):
    """Return the label of each entry's single-link cluster, shape (n,): what chains of duplicates
    would join.

    For information: a component may link entries that are no duplicates of each other, and listing
    all pairs takes longer than `leaders` where duplicates are many.
    """
    n_atoms = np.asarray(these.contents.sum(axis=1))
    allowed = atoms + DATA.rounding
    points = np.column_stack(
        [4.0 * these.family, np.log(these.cell) / np.log1p(DATA.duplicate_cell), n_atoms / allowed]
    )
    pairs = cKDTree(points, balanced_tree=False).query_pairs(
        1 + 1e-9, p=np.inf, output_type="ndarray"
    )
    difference = these.contents[pairs[:, 0]] - these.contents[pairs[:, 1]]
    more, less = (
        np.asarray((sign * difference).maximum(0).sum(axis=1)).ravel() for sign in (1, -1)
    )
    pairs = pairs[np.maximum(more, less) <= allowed]
    links = csr_matrix(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(these.family),) * 2
    )
    return connected_components(links, directed=False)[1]


def clusters(entries, definition=STRICTER, these=None):
    """Find duplicates and who is kept.

    Parameters
    ----------
    entries : sequence of ddi.data.entry.Entry
    definition : str
        One of `DEFINITIONS`.
    these : Features, optional
        Of the same entries, if they are at hand.

    Returns
    -------
    DataFrame
        One row an entry, in the order given: ``identifier``, ``source``, ``representative`` (its
        own identifier if kept), ``kept``, ``cluster_size`` (how many entries share the
        representative).
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
    table = pq.read_table(source).append_column(
        "cluster_size", pa.array(found.cluster_size.to_numpy(), pa.int32())
    )
    with atomic(path) as temporary:
        pq.write_table(table.filter(pa.array(found.kept.to_numpy())), temporary, compression="zstd")
