"""Crystallography Open Database, from a local mirror in COD's own layout (cif/1/00/00/1000000.cif).

An entry is refused, with the reason, where the file is no CIF, holds no atoms with coordinates,
where COD itself flags an error (``_cod_error_flag`` errors or retracted) or names the entry it
duplicates (``_cod_duplicate_entry``), or where the structure was calculated instead of measured
(``_cod_struct_determination_method`` theoretical).
"""

import os
import re
from pathlib import Path

import gemmi
import numpy as np

from ddi.base.errors import DDIError
from ddi.base.parallel import map_parallel
from ddi.data.composition import (
    b_from_u,
    cell_contents,
    hill,
    left_out,
    parse_formula,
    site_element,
)
from ddi.data.entry import REFUSED, Entry, evenly, guarded
from ddi.data.sources import chunks
from ddi.forward import symmetry

R_FACTORS = (
    *(f"_refine_ls_R_factor_{name}" for name in ("gt", "obs", "all")),
    *(f"_refine_ls_wR_factor_{name}" for name in ("gt", "obs", "all", "ref")),
)
"""The first of these that holds a number is the R-factor: unweighted before weighted, observed
reflections before all.
"""

OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
)
NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
SYMBOL = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_ref",
)
SYSTEM = ("_space_group_crystal_system", "_symmetry_cell_setting")
NAME = ("_chemical_name_mineral", "_chemical_name_common", "_chemical_name_systematic")
FORMULA = ("_chemical_formula_sum",)
ERROR = ("_cod_error_flag", "_[local]_cod_error_flag")
DUPLICATE = ("_cod_duplicate_entry", "_[local]_cod_duplicate_entry")
METHOD = ("_cod_struct_determination_method",)
CELL = tuple(
    f"_cell_{kind}"
    for kind in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
BATCH = 500  # files a task and a chunk


def cod(mirror, *, limit=None, n_jobs=1, cluster=None, keep=None):
    """Iterate over the entries of a mirror, in the order of their numbers.

    Parameters
    ----------
    mirror : str or Path
        The folder that holds ``cif``, or ``cif`` itself.
    limit, n_jobs, cluster
        As in `ddi.data.sources.catalogue.read`, which says also what is yielded; every worker must
        see the mirror.
    keep : str or Path, optional
        Folder of finished batches (`ddi.data.sources.chunks`); one is known by the names, sizes and
        times of its files.

    Raises
    ------
    DDIError
        If the folder is missing or holds no file of that layout.
    """
    files = evenly(_files(Path(mirror)), limit)
    tasks = [(files[start : start + BATCH], keep) for start in range(0, len(files), BATCH)]
    for batch in map_parallel(
        _read_batch, tasks, n_jobs=n_jobs, desc="reading cod", cluster=cluster
    ):
        yield from batch


def _files(mirror):
    if not mirror.is_dir():
        raise DDIError(
            f"{mirror} is no folder; give the mirror of COD (DDI_COD), "
            "which holds cif/1/00/00/1000000.cif and so on"
        )
    top = mirror / "cif" if (mirror / "cif").is_dir() else mirror
    found = []
    for folder, subfolders, names in os.walk(top):
        subfolders.sort()
        found += [os.path.join(folder, name) for name in names if re.fullmatch(r"\d{7}\.cif", name)]
    if not found:
        raise DDIError(
            f"{mirror} holds no file like cif/1/00/00/1000000.cif; "
            "data/README.md says how to mirror COD with rsync"
        )
    return sorted(found, key=lambda path: os.path.basename(path))


def _read_batch(task):
    files, keep = task
    seen = [
        f"{os.path.basename(file)} {os.stat(file).st_size} {os.stat(file).st_mtime_ns}"
        for file in files
    ]
    return chunks.kept(
        keep,
        "\n".join(seen).encode(),
        __file__,
        lambda: [guarded(read_cif, *_names(file), file) for file in files],
    )


def _names(file):
    return f"cod:{Path(file).stem}", "cod"


def read_cif(file):
    """Return the entry of one COD file.

    Parameters
    ----------
    file : str or Path

    Returns
    -------
    Entry
        Empty but for a flag with the reason, where the file cannot be used.
    """
    identifier, source = _names(file)
    try:
        block = _block(
            gemmi.cif.read_string(Path(file).read_bytes().decode("utf-8", errors="replace"))
        )
    except (ValueError, RuntimeError) as error:
        return Entry(identifier, source, flags=(f"{REFUSED}no valid CIF: {_short(error)}",))
    if block is None:
        return Entry(identifier, source, flags=(f"{REFUSED}no data block with a cell",))
    return _entry(identifier, source, block)


def _block(document):
    """Return the first block with a cell, preferably also with atoms."""
    with_cell = [block for block in document if block.find_value("_cell_length_a")]
    with_atoms = [block for block in with_cell if block.find_values("_atom_site_fract_x")]
    return next(iter(with_atoms + with_cell), None)


def _short(error):
    return re.sub(r"^\S*:\d+:\d+\(\d+\):\s*", "", str(error)).splitlines()[0][:120]


def _entry(identifier, source, block):
    cell = np.array([_number(_first(block, (tag,))) for tag in CELL])
    operations, origin = _operations(block, cell)
    number, symbol = symmetry.space_group(operations) if operations else (0, "")
    listed = frozenset(parse_formula(_first(block, FORMULA)))
    elements, contents, xyz, occupancy, b_iso, flags = _atoms(block, listed)
    volume = _number(_first(block, ("_cell_volume",)))
    r_factor = _r_factor(block)
    flags = (*_refusals(block), *flags, *origin, *(() if np.isfinite(volume) else ("no volume",)))
    composition = _composition(block, cell, operations, xyz, occupancy, contents)
    return Entry(
        identifier=identifier,
        source=source,
        name=_first(block, NAME).replace("\n", " ").strip(),
        formula=hill(composition),
        composition=composition,
        sg_number=int(_number(_first(block, NUMBER), number)),
        sg_symbol=symbol,
        operations=operations,
        cell=cell,
        volume=volume if np.isfinite(volume) else symmetry.cell_volume(cell),
        elements=elements,
        xyz=xyz,
        occupancy=occupancy,
        b_iso=b_iso,
        r_factor=r_factor,
        year=int(_number(_first(block, ("_journal_year",)), 0)),
        crystal_system=_first(block, SYSTEM).lower(),
        flags=flags,
    )


def _first(block, tags):
    """Return the first of the tags that has a value, as a string; empty if none has."""
    for tag in tags:
        value = block.find_value(tag)
        if value is not None and value not in ("?", "."):
            return gemmi.cif.as_string(value).strip()
    return ""


def _number(text, default=np.nan):
    value = gemmi.cif.as_number(text) if text else np.nan
    return value if np.isfinite(value) else default


def _r_factor(block):
    for tag in R_FACTORS:
        value = _number(_first(block, (tag,)))
        if value > 0:
            return value / 100 if value >= 1 else value  # some authors give per cent
    return np.nan


def _operations(block, cell):
    """Return the whole group and flags: from the operations listed, else from the Hall symbol, else
    from the Hermann-Mauguin symbol.
    """
    for tag in OPERATIONS:
        listed = [gemmi.cif.as_string(value).strip("'\" ") for value in block.find_values(tag)]
        operations = symmetry.canonical_operations(tuple(listed)) if listed else ()
        if operations:
            return operations, ()
    operations = symmetry.hall_operations(_first(block, HALL))
    if not operations:
        found = (
            gemmi.find_spacegroup_by_name(_first(block, SYMBOL), *cell[[3, 5]])
            if np.isfinite(cell).all()
            else None
        )
        operations = symmetry.triplets(found.operations()) if found else ()
    return operations, ("operations from the symbol",) if operations else ()


def _atoms(block, listed):
    """Return elements, contents of the sites, coordinates, occupancies, B in A^2 and flags of the
    atoms that have a place.
    """
    sites = gemmi.make_small_structure_from_block(block).sites
    dummies = {
        label
        for label, kind in block.find(["_atom_site_label", "_atom_site_calc_flag"])
        if kind.lower() == "dum"
    }
    named = [
        ("", {}) if site.label in dummies else _element(site, listed) for site in sites
    ]  # a dummy is, say, a ring's centre
    xyz = np.array([site.fract.tolist() for site in sites]).reshape(-1, 3)
    placed = np.isfinite(xyz).all(axis=1) & np.array(
        [element != "" for element, _ in named], dtype=bool
    )
    kept = [(site, *name) for site, name, keep in zip(sites, named, placed) if keep]
    occupancy = np.array([site.occ if np.isfinite(site.occ) else 1.0 for site, _, _ in kept])
    b_iso = b_from_u([site.u_iso for site, _, _ in kept])
    flags = left_out([element for element, _ in named], placed)
    return (
        tuple(element for _, element, _ in kept),
        [contents for _, _, contents in kept],
        xyz[placed],
        occupancy,
        b_iso,
        flags,
    )


def _element(site, listed):
    """Return element and contents of a site: from its type, else from its label."""
    typed = site.element.name if site.element.atomic_number else ""
    return site_element(typed or site.label, listed)


def _composition(block, cell, operations, xyz, occupancy, contents):
    """Return what the cell holds: the listed formula times Z where both are given, else what the
    atoms add up to.
    """
    listed = parse_formula(_first(block, FORMULA))
    z = _number(_first(block, ("_cell_formula_units_Z",)), 0)
    if listed and z > 0:
        return {element: z * count for element, count in sorted(listed.items())}
    return (
        cell_contents(cell, operations, xyz, occupancy, contents)
        if operations and np.isfinite(cell).all()
        else {}
    )


def _refusals(block):
    error = _first(block, ERROR).lower()
    original = _first(block, DUPLICATE)
    method = _first(block, METHOD).lower()
    reasons = {
        f"COD flags {error}": error in ("errors", "retracted"),
        f"COD says it duplicates {original}": bool(original),
        "calculated, not measured": method == "theoretical",
    }
    warned = (
        (f"COD flags {error}",) if error and error not in ("errors", "retracted", "none") else ()
    )
    return (*(REFUSED + reason for reason, holds in reasons.items() if holds), *warned)
