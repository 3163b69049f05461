"""Crystal structures from four databases behind one interface: each source is an iterator of
`Entry`.

``amcsd`` and ``core_mof`` rest on data files inside two packages (`ddi.data.sources.fetch`),
``cod`` on a local mirror, ``csd`` on the vendor's Python API. An entry that cannot be used still
comes, with the reason in its flags, so that quality control can count it. A `Crash` stands for an
entry whose reading raised an exception nobody foresaw: a bug or an oddity worth knowing, never a
rejection.
"""

import os
from pathlib import Path

from ddi.base.errors import DDIError
from ddi.base.paths import ROOT
from ddi.data.entry import Crash, Entry, evenly, read_entries, write_entries
from ddi.data.sources.amcsd import amcsd
from ddi.data.sources.cod import cod
from ddi.data.sources.core_mof import core_mof
from ddi.data.sources.csd import csd
from ddi.data.sources.fetch import fetch

ORDER = ("csd", "cod", "amcsd", "core_mof")
"""Order in which databases are merged: an entry gives way to its duplicate in an earlier one
(write-up 2.1.1, errata 1).
"""

__all__ = [
    "ORDER",
    "Crash",
    "Entry",
    "amcsd",
    "cod",
    "core_mof",
    "csd",
    "evenly",
    "fetch",
    "read",
    "read_entries",
    "write_entries",
]


def read(
    name, *, raw=ROOT / "data" / "raw", mirror=None, limit=None, n_jobs=1, cluster=None, keep=None
):
    """Iterate over one source, fetching its data first where needed.

    Parameters
    ----------
    name : str
        One of `ORDER`.
    raw : str or Path
        Where fetched files are kept.
    mirror : str or Path, optional
        Of COD; the environment variable DDI_COD if not given.
    limit : int, optional
        Read only so many entries, evenly spread.
    n_jobs, cluster
        As in `ddi.base.parallel.map_parallel`; the result does not depend on them.
    keep : str or Path, optional
        Folder below which finished batches of the long sources are kept, as ``<source>_chunks``.

    Yields
    ------
    Entry or Crash

    Raises
    ------
    DDIError
        If there is no such source or its data cannot be had.
    """
    how = {"limit": limit, "n_jobs": n_jobs, "cluster": cluster}
    kept = {**how, "keep": Path(keep) / f"{name}_chunks" if keep else None}
    if name == "amcsd":
        yield from amcsd(fetch(name, raw)["amcsd_cif1.db"], **how)
    elif name == "core_mof":
        fetch(name, raw)
        yield from core_mof(raw, **kept)
    elif name == "cod":
        yield from cod(_mirror(mirror), **kept)
    elif name == "csd":
        yield from csd(**kept)
    else:
        raise DDIError(f"there is no source '{name}'; choose among {', '.join(ORDER)}")


def _mirror(mirror):
    place = mirror or os.environ.get("DDI_COD")
    if not place:
        raise DDIError(
            "where is the mirror of COD? Set DDI_COD to the folder that holds cif; "
            "data/README.md says how to get one"
        )
    return place
