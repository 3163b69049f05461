"""CoRE MOF 2014 and 2019: metal-organic frameworks, from the three archives of CIFs inside the
`core-mof` package.

The CIFs are in P1, so the symmetry is found with spglib and the cell is brought to spglib's
standardised conventional setting. The same structure often is in several archives; then the one
with free solvent removed is taken (bound solvent kept: nearest to the measured crystal), else that
with all solvent removed, else that of 2014. Which is the same structure is told by the name without
its treatment, usually the CSD refcode, before any CIF is parsed; what that misses is left to
`ddi.data.dedup`.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import gemmi
import numpy as np
import spglib

from ddi.base.parallel import map_parallel, progress
from ddi.data.composition import B_ISO, cell_contents, hill
from ddi.data.entry import REFUSED, Entry, evenly, guarded
from ddi.data.sources import chunks
from ddi.data.sources.archives import read_tar
from ddi.forward.constants import FORWARD
from ddi.forward.symmetry import canonical_operations, space_group

ARCHIVES = ("2019-FSR.tar.xz", "2019-ASR.tar.xz", "2014.tar.xz")
"""In order of preference."""
SYMPREC = 0.05  # A; the errata's tolerance for finding symmetry
BATCH = 100  # structures a task and a chunk file

_TREATMENT = re.compile(
    r"(_(clean|manual|SL|charged|ion|b|h|auto|neutral|part|min|freeONLY|clean5b|5b))+$"
)


def core_mof(folder, *, limit=None, n_jobs=1, cluster=None, keep=None):
    """Iterate over the distinct structures of the three archives, in the order of their names.

    Parameters
    ----------
    folder : str or Path
        Holds `ARCHIVES`; `ddi.data.sources.fetch.fetch` puts them into data/raw.
    limit, n_jobs, cluster
        As in `ddi.data.sources.catalogue.read`, which says also what is yielded.
    keep : str or Path, optional
        Folder of finished batches (`ddi.data.sources.chunks`); one is known by the CIFs in it.

    Raises
    ------
    DDIError
        If an archive is missing or damaged.
    """
    texts = evenly(unpack(folder).items(), limit)
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    tasks = [(batch, keep) for batch in batches]
    for batch in map_parallel(
        _read_batch, tasks, n_jobs=n_jobs, desc="reading core_mof", cluster=cluster
    ):
        yield from batch


def structure_name(file):
    """Return a file's name without folder, ending and treatment: ``"ABAVIJ_clean.cif"`` gives
    ``"ABAVIJ"``.
    """
    return _TREATMENT.sub("", Path(file).name.removesuffix(".cif"))


def unpack(folder):
    """Return structure name -> CIF as bytes, from the preferred archive, ordered by name."""
    with ThreadPoolExecutor() as threads:  # lzma lets go of the interpreter lock
        texts = {}
        for archive in threads.map(_unpack, [Path(folder) / archive for archive in ARCHIVES]):
            texts = archive | texts
    return dict(sorted(texts.items()))


def _unpack(path):
    """Return structure name -> CIF as bytes of one archive."""
    files = read_tar(path, lambda name: name.endswith(".cif"))
    return {structure_name(name): text for name, text in progress(files, f"unpacking {path.name}")}


def _read_batch(task):
    batch, keep = task
    content = b"".join(name.encode() + text for name, text in batch)

    def read():
        return [
            guarded(read_cif, f"coremof:{name}", "core_mof", name, text) for name, text in batch
        ]

    return chunks.kept(keep, content, __file__, read)


def read_cif(name, text):
    """Return the entry of one CIF, given its structure name and its bytes."""
    identifier = f"coremof:{name}"
    try:
        structure = _parse(text)
    except (ValueError, RuntimeError, IndexError) as error:
        return Entry(identifier, "core_mof", name, flags=(f"{REFUSED}no CIF ({error})",))
    vectors = np.array(structure.cell.orth.mat.tolist()).T
    positions = np.array([site.fract.tolist() for site in structure.sites]).reshape(-1, 3)
    numbers = [site.element.atomic_number for site in structure.sites]
    if not numbers or 0 in numbers:
        return Entry(
            identifier, "core_mof", name, flags=(f"{REFUSED}no atoms, or one of no element",)
        )
    found = _symmetry(vectors, positions, numbers)
    if found is None:
        return Entry(
            identifier,
            "core_mof",
            name,
            flags=(f"{REFUSED}atoms on top of each other, spglib finds no symmetry",),
        )
    return _standardised(identifier, name, found, structure.cell.volume / len(numbers))


def _parse(text):
    """Return gemmi's small structure; the symmetry is P1 whatever the file calls it, and some call
    it what no CIF may.
    """
    text = re.sub(r"(?m)^_symmetry_space_group_name_H-M.*$", "", text.decode("latin-1"))
    return gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())


def _symmetry(vectors, positions, numbers):
    try:
        return spglib.get_symmetry_dataset((vectors, positions, numbers), symprec=SYMPREC)
    except spglib.SpglibError:
        return None


def _standardised(identifier, name, found, volume_per_atom):
    """Return the entry in spglib's standardised conventional cell, its asymmetric unit one atom of
    each orbit.
    """
    operations = _database_operations(found.hall_number)
    orbit_of = np.empty(found.mapping_to_primitive.max() + 1, dtype=int)
    orbit_of[found.mapping_to_primitive] = found.crystallographic_orbits
    _, first = np.unique(orbit_of[found.std_mapping_to_primitive], return_index=True)
    first.sort()
    cell = np.array(gemmi.UnitCell(*_parameters(found.std_lattice)).parameters)
    xyz = found.std_positions[first]
    elements = tuple(gemmi.Element(int(number)).name for number in found.std_types[first])
    elements = tuple("H" if element == "D" else element for element in elements)
    composition = cell_contents(
        cell, operations, xyz, np.ones(len(first)), [{element: 1} for element in elements]
    )
    number, symbol = space_group(operations)
    lost = round(sum(composition.values())) != len(found.std_types)
    return Entry(
        identifier=identifier,
        source="core_mof",
        name=name,
        formula=hill(composition),
        composition=composition,
        sg_number=number,
        sg_symbol=symbol,
        operations=operations,
        cell=cell,
        volume=volume_per_atom * len(found.std_types),
        elements=elements,
        xyz=xyz,
        occupancy=np.ones(len(first)),
        b_iso=np.full(len(first), B_ISO),
        flags=(f"{REFUSED}two atoms less than {FORWARD.same_site} A apart",) if lost else (),
    )


def _parameters(vectors):
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = [
        vectors[i] @ vectors[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    return (*lengths, *np.degrees(np.arccos(cosines)).round(9))


@lru_cache(maxsize=530)
def _database_operations(hall_number):
    symmetry = spglib.get_symmetry_from_database(hall_number)
    triplets = []
    for rotation, translation in zip(symmetry["rotations"], symmetry["translations"]):
        operation = gemmi.Op("x,y,z")
        operation.rot = (rotation * gemmi.Op.DEN).tolist()
        operation.tran = np.round(translation * gemmi.Op.DEN).astype(int).tolist()
        triplets.append(operation.triplet())
    return canonical_operations(tuple(triplets))
