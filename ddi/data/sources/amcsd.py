"""American Mineralogist Crystal Structure Database, from the sqlite file inside the `larixite`
package.

Coordinates, occupancies and displacements are base64 of int32, in units of 1/4,000,000; 2 and 3
stand for a missing number. The symmetry operations are trusted, not the symbol beside them: one
symbol often has several origins.
"""

import base64
import json
import re
import sqlite3
from functools import lru_cache

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.parallel import map_parallel
from ddi.data.composition import b_from_u, cell_contents, hill, left_out, site_element
from ddi.data.entry import Entry, evenly, guarded
from ddi.forward import symmetry

SCALE = 4e6
MISSING = 1.9  # numbers from here on say "missing"
BATCH = 250  # entries a task

_QUERY = """
SELECT cif.id AS id, minerals.name AS name, cif.formula AS formula, publications.year AS year,
spacegroups.hm_notation AS symbol,
       spacegroups.symmetry_xyz AS operations, a, b, c, alpha, beta, gamma, cell_volume,
       atoms_sites, atoms_x, atoms_y, atoms_z, atoms_occupancy, atoms_u_iso
FROM cif LEFT JOIN minerals ON minerals.id = cif.mineral_id LEFT JOIN publications ON
publications.id = cif.publication_id
         LEFT JOIN spacegroups ON spacegroups.id = cif.spacegroup_id
WHERE cif.id IN ({})
"""


def amcsd(path, *, limit=None, n_jobs=1, cluster=None):
    """Iterate over the entries of the database, in the order of their numbers.

    Parameters
    ----------
    path : str or Path
        ``amcsd_cif1.db``; `ddi.data.sources.fetch.fetch` puts it into data/raw.
    limit, n_jobs, cluster
        As in `ddi.data.sources.catalogue.read`, which says also what is yielded.

    Raises
    ------
    DDIError
        If the file is no such database.
    """
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            numbers = [number for (number,) in database.execute("SELECT id FROM cif ORDER BY id")]
    except sqlite3.Error as error:
        raise DDIError(
            f"{path} is no AMCSD database ({error}); delete it, and the next run fetches it again"
        ) from error
    numbers = evenly(numbers, limit)
    batches = [(path, numbers[start : start + BATCH]) for start in range(0, len(numbers), BATCH)]
    for batch in map_parallel(
        _read_batch, batches, n_jobs=n_jobs, desc="reading amcsd", cluster=cluster
    ):
        yield from batch


def _read_batch(task):
    path, numbers = task
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        rows = {
            row["id"]: row for row in database.execute(_QUERY.format(",".join(map(str, numbers))))
        }
    return [guarded(_entry, f"amcsd:{number:07d}", "amcsd", rows[number]) for number in numbers]


def _entry(row):
    cell = np.array([_number(row[key]) for key in ("a", "b", "c", "alpha", "beta", "gamma")])
    operations = _operations(row["operations"] or "[]")
    number, symbol = symmetry.space_group(operations) if operations else (0, "")
    elements, contents, xyz, occupancy, b_iso, flags = _atoms(row)
    volume = _number(row["cell_volume"])
    if not np.isfinite(volume):
        volume = symmetry.cell_volume(cell)
        flags = (*flags, "no volume")
    composition = (
        cell_contents(cell, operations, xyz, occupancy, contents)
        if operations and np.isfinite(cell).all()
        else {}
    )
    return Entry(
        identifier=f"amcsd:{row['id']:07d}",
        source="amcsd",
        name="" if row["name"] in (None, "<missing>") else row["name"],
        formula=hill(composition),
        composition=composition,
        sg_number=number,
        sg_symbol=symbol,
        operations=operations,
        cell=cell,
        volume=volume,
        elements=elements,
        xyz=xyz,
        occupancy=occupancy,
        b_iso=b_iso,
        year=int(row["year"] or 0),
        flags=flags,
    )


@lru_cache(maxsize=1000)
def _operations(text):
    return symmetry.canonical_operations(tuple(json.loads(text)))


def _atoms(row):
    """Return elements, contents of the sites, coordinates, occupancies, B in A^2 and flags of the
    atoms that have a place.
    """
    sites = json.loads(row["atoms_sites"]) if row["atoms_sites"] not in (None, "<missing>") else []
    listed = frozenset(re.findall("[A-Z][a-z]?", row["formula"] or ""))
    named = [site_element(site, listed) for site in sites]
    xyz = np.column_stack([_decode(row[f"atoms_{axis}"], len(sites), np.nan) for axis in "xyz"])
    occupancy, u_iso = (
        _decode(row[column], len(sites), default)
        for column, default in (("atoms_occupancy", 1.0), ("atoms_u_iso", 0))
    )
    placed = np.isfinite(xyz).all(axis=1) & np.array(
        [element != "" for element, _ in named], dtype=bool
    )
    flags = left_out([element for element, _ in named], placed)
    kept = [name for name, keep in zip(named, placed) if keep]
    return (
        tuple(e for e, _ in kept),
        [c for _, c in kept],
        xyz[placed],
        occupancy[placed],
        b_from_u(u_iso)[placed],
        flags,
    )


def _decode(text, n, default):
    """Return n numbers; `default` where they are missing."""
    if text in (None, "0", "") or "missing" in text:
        return np.full(n, default, dtype=float)
    values = np.frombuffer(base64.b64decode(text), dtype="<i4") / SCALE
    if len(values) != n:
        raise ValueError(f"{len(values)} numbers for {n} atoms")
    return np.where(values > MISSING, default, values)


def _number(text):
    try:
        return float(re.sub(r"\(.*", "", str(text)))
    except ValueError:
        return np.nan
