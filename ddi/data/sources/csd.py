"""Cambridge Structural Database, through the vendor's `ccdc` Python API.

The API comes with a CSD licence and is imported only when this source is asked for. It could not be
run where this was written: the tests use a stand-in module with the same calls. What is called:
``ccdc.io.EntryReader("CSD")``, ``len(reader)``, ``reader[i]``; of an entry ``identifier``,
``has_3d_structure``, ``has_disorder``, ``formula``, ``chemical_name``, ``r_factor`` (per cent),
``publication.year``, ``crystal``; of a crystal ``cell_lengths``, ``cell_angles``, ``cell_volume``,
``z_value``, ``crystal_system``, ``spacegroup_number_and_setting``, ``spacegroup_symbol``,
``symmetry_operators``, ``asymmetric_unit_molecule.atoms``; of an atom ``label``, ``atomic_symbol``,
``fractional_coordinates``, ``occupancy``.
"""

import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.parallel import map_parallel
from ddi.data.composition import B_ISO, hill, is_element, parse_formula
from ddi.data.entry import REFUSED, Entry, evenly, guarded
from ddi.data.sources import chunks
from ddi.forward import symmetry

BATCH = 500  # entries a task and a chunk


def csd(database="CSD", *, limit=None, n_jobs=1, cluster=None, keep=None):
    """Iterate over the entries of the CSD, in its own order.

    Parameters
    ----------
    database : str
        What `ccdc.io.EntryReader` opens: ``"CSD"``, or a file of the user's own.
    limit, n_jobs, cluster
        As in `ddi.data.sources.catalogue.read`, which says also what is yielded; every worker needs
        the API and a licence.
    keep : str or Path, optional
        Folder of finished batches (`ddi.data.sources.chunks`); one is known by its identifiers.

    Raises
    ------
    DDIError
        If the API is not installed or has no licence.
    """
    positions = evenly(range(len(_reader(database))), limit)
    tasks = [
        (database, positions[start : start + BATCH], keep)
        for start in range(0, len(positions), BATCH)
    ]
    for batch in map_parallel(
        _read_batch, tasks, n_jobs=n_jobs, desc="reading csd", cluster=cluster
    ):
        yield from batch


def _reader(database):
    try:
        from ccdc import io
    except ImportError as error:
        raise DDIError(
            "the CSD needs the vendor's Python API (package csd-python-api, module ccdc) and a "
            "licence; install it as the CCDC describes, or leave csd out of the sources"
        ) from error
    try:
        return io.EntryReader(database)
    except RuntimeError as error:  # what the API raises without a licence or database
        raise DDIError(
            f"ccdc cannot open {database} ({error}); check the licence with the CCDC's own tools"
        ) from error


def _read_batch(task):
    database, positions, keep = task
    entries = [_reader(database)[position] for position in positions]
    content = "\n".join(entry.identifier for entry in entries).encode()
    return chunks.kept(
        keep,
        content,
        __file__,
        lambda: [guarded(_entry, f"csd:{entry.identifier}", "csd", entry) for entry in entries],
    )


def _entry(csd_entry):
    identifier = f"csd:{csd_entry.identifier}"
    if not csd_entry.has_3d_structure:
        return Entry(identifier, "csd", flags=(f"{REFUSED}no coordinates in the database",))
    given = csd_entry.crystal
    cell = np.array([*given.cell_lengths, *given.cell_angles], dtype=float)
    operations = symmetry.canonical_operations(tuple(given.symmetry_operators))
    number, symbol = symmetry.space_group(operations) if operations else (0, "")
    atoms = [atom for atom in given.asymmetric_unit_molecule.atoms if _placed(atom)]
    composition = {
        e: given.z_value * n for e, n in sorted(parse_formula(_expanded(csd_entry.formula)).items())
    }
    r_factor = csd_entry.r_factor
    return Entry(
        identifier=identifier,
        source="csd",
        name=csd_entry.chemical_name or "",
        formula=hill(composition),
        composition=composition,
        sg_number=_number(given) or number,
        sg_symbol=symbol,
        operations=operations,
        cell=cell,
        volume=float(given.cell_volume),
        elements=tuple("H" if atom.atomic_symbol == "D" else atom.atomic_symbol for atom in atoms),
        xyz=np.array([tuple(atom.fractional_coordinates) for atom in atoms], dtype=float).reshape(
            -1, 3
        ),
        occupancy=np.array(
            [1.0 if atom.occupancy is None else atom.occupancy for atom in atoms], dtype=float
        ),
        b_iso=np.full(len(atoms), B_ISO),
        r_factor=np.nan if r_factor is None else r_factor / 100,
        year=int(getattr(csd_entry.publication, "year", 0) or 0),
        crystal_system=given.crystal_system or "",
        flags=("disorder",) if csd_entry.has_disorder else (),
    )


def _placed(atom):
    """Say whether an atom counts: it has a place, and its label does not end in ``?``, the CSD's
    sign of the minor disorder part.
    """
    return (
        atom.fractional_coordinates is not None
        and not atom.label.endswith("?")
        and is_element(atom.atomic_symbol)
    )


def _number(given):
    try:
        return given.spacegroup_number_and_setting[0]
    except RuntimeError:  # the API raises it for settings it has no number for
        return 0


_MOLECULE = re.compile(r"\s*([\d.]*)\s*n?\s*\(?([^()]*)\)?.*")


def _expanded(formula):
    """Write a formula of several molecules, ``"(C8 H4 O4 Zn1)n,2n(H2 O1)"``, as one that
    `ddi.data.composition.parse_formula` adds up; a polymer's n counts as one, a molecule whose
    number is unknown (``x``) is left out.
    """
    parts = []
    for part in (formula or "").split(","):
        times, inside = _MOLECULE.fullmatch(part).groups()
        counts = parse_formula(inside)
        parts += [f"{element}{count * float(times or 1):g}" for element, count in counts.items()]
    return " ".join(parts)
