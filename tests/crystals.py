"""Crystals for tests: made ones in every setting gemmi knows, and real ones where a study has read
its sources.
"""

import gemmi
import numpy as np
import pyarrow.parquet as pq

from ddi.base.paths import Study
from ddi.data.composition import cell_contents, hill
from ddi.data.constants import DATA
from ddi.data.entry import Entry, read_entries
from ddi.forward import lattice, settings, symmetry

_CELLS = {
    "cubic": (9, 9, 9, 90, 90, 90),
    "tetragonal": (9, 9, 12, 90, 90, 90),
    "hexagonal": (8, 8, 13, 90, 90, 120),
    "trigonal": (8, 8, 13, 90, 90, 120),
    "orthorhombic": (9, 7, 8, 90, 90, 90),
    "triclinic": (9, 8, 11, 95, 102, 71),
}
SKEW = {
    "cubic": [7.3],
    "tetragonal": [7.3, 5.1],
    "hexagonal": [7.3, 5.1],
    "rhombohedral": [7.3, 77.0],
    "orthorhombic": [5.3, 7.1, 11.9],
    "monoclinic": [5.3, 7.1, 11.9, 103.0],
    "triclinic": [5.3, 7.1, 11.9, 81.0, 97.0, 104.0],
}
"""Free lengths (A) and angles (degrees) of a cell of each lattice system that is near no other."""


def made(group, seed=0):
    """Return an `Entry` in a gemmi space-group setting: one atom at the origin, three anywhere."""
    operations = tuple(op.triplet() for op in group.operations())
    cell = np.array(_CELLS.get(group.crystal_system_str(), (9, 7, 8, 90, 90, 90)), dtype=float)
    if group.crystal_system_str() == "monoclinic":
        cell[3 + group.monoclinic_unique_axis().encode()[0] - ord("a")] = 74
    if group.ext == "R":
        cell[:] = 8, 8, 8, 71, 71, 71
    rng = np.random.default_rng(seed)
    xyz = np.vstack([np.zeros(3), rng.random((3, 3))])
    elements = ("Fe", "O", "Si", "O")
    occupancy = np.array([1, 0.7, 1, 1])
    b_iso = np.array([0.5, 1.0, 0.8, 2.0])
    composition = cell_contents(
        cell, operations, xyz, occupancy, [{element: 1} for element in elements]
    )
    return Entry(
        identifier=f"amcsd:{group.number:03d}{group.xhm().replace(' ', '')}",
        source="amcsd",
        formula=hill(composition),
        composition=composition,
        sg_number=group.number,
        sg_symbol=group.hm,
        operations=operations,
        cell=cell,
        volume=symmetry.cell_volume(cell),
        elements=elements,
        xyz=xyz,
        occupancy=occupancy,
        b_iso=b_iso,
    )


def settings_of(step=1):
    """Return every `step`-th setting of gemmi's table."""
    return list(gemmi.spacegroup_table())[::step]


def some(n, folder, seed=0):
    """Return n entries: random accepted ones of a study if there is one, else made ones."""
    for profile in ("default", "smoke"):
        path = Study(profile).interim / "entries.parquet"
        if path.exists():
            table = pq.read_table(path)
            chosen = np.sort(
                np.random.default_rng(seed).choice(len(table), min(n, len(table)), replace=False)
            )
            pq.write_table(table.take(chosen), folder / "some.parquet")
            return read_entries(folder / "some.parquet")
    return [made(group, seed) for group in settings_of(max(1, 564 // n))][:n]


def reindexed(entry):
    """An entry's `Setting` and its atoms, as `ddi.forward.powder.simulate` takes them."""
    setting = settings.reindex(entry.cell, entry.operations)
    return setting, (entry.elements, setting.move(entry.xyz), entry.occupancy, entry.b_iso)


def everything(cell, operations, q2_max):
    """All indices within a sphere that gemmi does not call absent, in no particular order."""
    largest = (np.asarray(cell)[:3] * np.sqrt(q2_max) + 1).astype(int)
    axes = [np.arange(-n, n + 1) for n in largest]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)
    q2 = lattice.q2(hkl, cell)
    hkl = hkl[(q2 > 1e-9) & (q2 <= q2_max * (1 + 1e-12))]
    group = gemmi.GroupOps([gemmi.Op(op) for op in operations])
    return hkl[~group.systematic_absences(hkl)]


def are_duplicates(these, i, j, atoms):
    """Say by the definition itself whether rows i and j of `ddi.data.dedup.Features` are
    duplicates.
    """
    ratio = np.maximum(these.cell[i] / these.cell[j], these.cell[j] / these.cell[i])
    if these.family[i] != these.family[j] or ratio.max() > 1.05:
        return False
    difference = these.contents[i].toarray() - these.contents[j].toarray()
    return max(difference.clip(0).sum(), (-difference).clip(0).sum()) <= atoms + DATA.rounding
