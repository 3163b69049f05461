"""A crystal structure as a database gives it, and the file that holds many."""

import traceback
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ddi.base.errors import DDIError
from ddi.base.files import atomic

REFUSED = "refused: "
"""How the flag begins that says why an entry is not to be used, whatever the rules say."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A crystal structure as a database gives it.

    Attributes
    ----------
    identifier : str
        Source and the source's own name, e.g. ``"amcsd:0000123"``.
    source : str
        One of `ORDER`.
    name : str
        Mineral or compound; empty if there is none.
    formula : str
        Contents of the unit cell in Hill order; empty if unknown.
    composition : dict
        Element -> atoms in the conventional cell; the listed formula times Z where both are given,
        else counted from the atoms. Deuterium counts as hydrogen.
    sg_number : int
        Number listed, else that of the operations; 0 if unknown.
    sg_symbol : str
        Hermann-Mauguin symbol of the setting the operations are in; empty if the setting is in no
        table.
    operations : tuple of str
        The whole group with centring, as triplets such as ``"-x,y+1/2,-z"``.
    cell : ndarray, shape (6,)
        A and degrees; NaN where missing.
    volume : float
        In A^3, as given; computed from the cell, with flag ``"no volume"``, where it is not.
    elements : tuple of str
        Of the n atoms of the asymmetric unit.
    xyz : ndarray, shape (n, 3)
        Fractional coordinates.
    occupancy, b_iso : ndarray, shape (n,)
        b_iso in A^2; `B_ISO` where it is missing.
    r_factor : float
        As a fraction (0.05, not 5 %); NaN if unknown.
    year : int
        Of publication; 0 if unknown.
    crystal_system : str
        As given; empty if not.
    flags : tuple of str
        Whatever quality control or a reader should know.
    """

    identifier: str
    source: str
    name: str = ""
    formula: str = ""
    composition: dict = field(default_factory=dict)
    sg_number: int = 0
    sg_symbol: str = ""
    operations: tuple = ()
    cell: np.ndarray = field(default_factory=lambda: np.full(6, np.nan))
    volume: float = np.nan
    elements: tuple = ()
    xyz: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    occupancy: np.ndarray = field(default_factory=lambda: np.empty(0))
    b_iso: np.ndarray = field(default_factory=lambda: np.empty(0))
    r_factor: float = np.nan
    year: int = 0
    crystal_system: str = ""
    flags: tuple = ()


@dataclass(frozen=True)
class Crash:
    """An entry whose reading or checking raised an unforeseen exception."""

    identifier: str
    source: str
    traceback: str


def guarded(function, identifier, source, *arguments):
    """Return ``function(*arguments)``, or a `Crash` with the traceback if it raises."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001 - counted apart; it must not stop the other entries
        return Crash(identifier, source, traceback.format_exc())


def evenly(items, limit=None):
    """Return `limit` of the items, evenly spread from first to last; all without a limit."""
    items = list(items)
    if limit is None or limit >= len(items):
        return items
    return (
        [items[i] for i in np.linspace(0, len(items) - 1, limit).round().astype(int)]
        if limit
        else []
    )


_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("identifier", "source", "name", "formula")),
        ("elements", pa.list_(pa.string())),
        ("counts", pa.list_(pa.float64())),
        ("sg_number", pa.int16()),
        ("sg_symbol", pa.string()),
        ("operations", pa.list_(pa.string())),
        ("cell", pa.list_(pa.float64())),
        ("volume", pa.float64()),
        ("atom_elements", pa.list_(pa.string())),
        *((name, pa.list_(pa.float64())) for name in ("xyz", "occupancy", "b_iso")),
        ("r_factor", pa.float64()),
        ("year", pa.int16()),
        ("crystal_system", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)
_PLAIN = (
    "identifier",
    "source",
    "name",
    "formula",
    "sg_number",
    "sg_symbol",
    "volume",
    "r_factor",
    "year",
    "crystal_system",
)


def write_entries(path, entries):
    """Write entries as parquet.

    Parameters
    ----------
    path : str or Path
    entries : iterable of Entry

    Notes
    -----
    Columns are those of `Entry`, but the composition is ``elements`` and ``counts``, the atoms'
    elements are ``atom_elements``, and ``xyz`` is flattened to 3n numbers.
    """
    entries = list(entries)
    columns = {name: [getattr(entry, name) for entry in entries] for name in _PLAIN}
    columns["elements"] = [list(entry.composition) for entry in entries]
    columns["counts"] = [list(entry.composition.values()) for entry in entries]
    columns["atom_elements"] = [list(entry.elements) for entry in entries]
    for name in ("operations", "flags"):
        columns[name] = [list(getattr(entry, name)) for entry in entries]
    for name in ("cell", "xyz", "occupancy", "b_iso"):
        columns[name] = [np.ravel(getattr(entry, name)) for entry in entries]
    with atomic(path) as temporary:
        pq.write_table(pa.table(columns, schema=_SCHEMA), temporary, compression="zstd")


def read_entries(path):
    """Return the list of `Entry` that `write_entries` wrote.

    Raises
    ------
    DDIError
        If the file is missing or is no such file.
    """
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except FileNotFoundError as error:
        raise DDIError(
            f"{path} does not exist; run notebook 01 first (python -m ddi study --only 01)"
        ) from error
    except pa.ArrowInvalid as error:
        raise DDIError(
            f"{path} is no file of entries ({error}); delete it and run notebook 01 again"
        ) from error
    return [_from_row(row) for row in table.to_pylist()]


def _from_row(row):
    return Entry(
        **{name: row[name] for name in _PLAIN},
        composition=dict(zip(row["elements"], row["counts"])),
        operations=tuple(row["operations"]),
        cell=np.array(row["cell"]),
        elements=tuple(row["atom_elements"]),
        xyz=np.array(row["xyz"], dtype=float).reshape(-1, 3),
        occupancy=np.array(row["occupancy"], dtype=float),
        b_iso=np.array(row["b_iso"], dtype=float),
        flags=tuple(row["flags"]),
    )
