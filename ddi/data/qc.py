"""Quality control: the seven rules of section 2.1.1, each with its own verdict and reason.

A rule takes an `Entry` and returns ``""`` where the entry passes, else the reason in a few words.
Nothing is raised for a bad entry; what is raised is a bug, and is kept apart as a `Crash` (section
"bugs are not rejections" of notebook 01).
"""

from functools import partial

import gemmi
import numpy as np
import pandas as pd

from ddi.base.files import atomic
from ddi.base.parallel import map_parallel
from ddi.data.constants import DATA
from ddi.data.entry import REFUSED, Crash, guarded
from ddi.forward import lattice, symmetry

_RULE_7 = DATA.volume_per_atom
VOLUME_PER_ATOM = {"csd": _RULE_7, "cod": _RULE_7, "amcsd": None, "core_mof": None}
"""Limit of rule 7 in A^3 for each source; None: measured, not applied (errata 2)."""

SYSTEMS = {
    "triclinic": 1,
    "monoclinic": 3,
    "orthorhombic": 16,
    "tetragonal": 75,
    "trigonal": 143,
    "hexagonal": 168,
    "cubic": 195,
}
"""Crystal system -> its first space-group number."""
_ALIASES = {name: name for name in SYSTEMS} | {
    "rhombohedral": "trigonal",
    "isometric": "cubic",
    "anorthic": "triclinic",
}


def usable(entry):
    """Rule 0: the source could read the entry, holds atoms of it, and does not itself call it
    wrong, a copy or calculated.
    """
    refused = [flag.removeprefix(REFUSED) for flag in entry.flags if flag.startswith(REFUSED)]
    return refused[0] if refused else "" if entry.elements else "no atoms with coordinates"


def formula_listed(entry):
    """Rule 1: a chemical formula is listed, or follows from the atoms."""
    return "" if entry.composition else "no formula and no atoms to count"


def number_listed(entry):
    """Rule 2: a space-group number is listed, or follows from the operations, and lies between 1
    and 230.
    """
    return (
        "" if 1 <= entry.sg_number <= 230 else f"space-group number {entry.sg_number or 'missing'}"
    )


def symbol_obtainable(entry):
    """Rule 3: the operations are a setting with a Hermann-Mauguin symbol, that of the number
    listed.
    """
    if not entry.sg_symbol:
        return (
            "setting is in no table"
            if entry.operations
            else "no symmetry operations that make a group, and no known symbol"
        )
    found = gemmi.find_spacegroup_by_name(entry.sg_symbol)
    if found is None:
        return f"symbol {entry.sg_symbol} unknown"
    return (
        ""
        if found.number == entry.sg_number
        else f"number {entry.sg_number} listed, but {entry.sg_symbol} is {found.number}"
    )


def crystal_system(number):
    """Return the crystal system of a space-group number between 1 and 230."""
    return [name for name, first in SYSTEMS.items() if first <= number][-1]


def system_compatible(entry):
    """Rule 4: the crystal system (listed, else that of the space group) fits the space group and
    the cell parameters.
    """
    if not 1 <= entry.sg_number <= 230:
        return "no crystal system"
    system = crystal_system(entry.sg_number)
    listed = _ALIASES.get(entry.crystal_system.lower(), "")  # a misspelt name counts as none
    if listed and listed != system and {listed, system} != {"trigonal", "hexagonal"}:
        return f"listed as {listed}, but number {entry.sg_number} is {system}"
    if not np.isfinite(entry.cell).all() or not entry.operations:
        return "no cell or no operations"
    lengths, angles = symmetry_misfit(entry.cell, entry.operations)
    if lengths > DATA.broken_length or angles > DATA.broken_angle:
        return f"cell breaks {system} symmetry by {100 * lengths:.1f} % and {angles:.1f} degrees"
    return ""


def symmetry_misfit(cell, operations):
    """Return by how much the symmetry operations change a cell: largest relative length and largest
    angle in degrees.
    """
    rotations = symmetry.rotations(tuple(operations))
    images = rotations.transpose(0, 2, 1) @ lattice.metric(cell) @ rotations
    lengths = np.sqrt(np.diagonal(images, axis1=1, axis2=2))
    cosines = (images / (lengths[:, :, None] * lengths[:, None, :]))[:, (1, 0, 0), (2, 2, 1)]
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return np.abs(lengths / cell[:3] - 1).max(), np.abs(angles - cell[3:]).max()


def reducible(entry):
    """Rule 5: the conventional cell can be turned into a reduced one, of the right fraction of its
    volume.
    """
    if not np.isfinite(entry.cell).all() or not lattice.is_possible(entry.cell, 0.1, np.inf):
        return "no possible cell"
    if not entry.operations:
        return "no symmetry operations"
    centring, points = symmetry.centring(entry.operations)
    if centring == "0":
        return "centring has no letter"
    reduced = lattice.reduced_cell(entry.cell, centring)
    ratio = lattice.volume(reduced) * points / lattice.volume(entry.cell)
    return "" if abs(ratio - 1) < 1e-6 else f"reduced cell has {ratio:.3f} of the volume expected"


def volume_matches(entry):
    """Rule 6: the volume computed from the cell matches the volume given."""
    computed = symmetry.cell_volume(entry.cell)
    if not (np.isfinite(computed) and np.isfinite(entry.volume) and entry.volume > 0):
        return "no volume"
    ratio = computed / entry.volume
    return (
        ""
        if abs(ratio - 1) <= DATA.volume_mismatch
        else f"cell gives {computed:.1f} A^3, listed are {entry.volume:.1f}"
    )


def volume_per_atom(entry):
    """Return the given volume over the atoms in the cell in A^3, what rule 7 limits; NaN if either
    is unknown.
    """
    atoms = sum(entry.composition.values())
    return entry.volume / atoms if atoms > 0 else np.nan


def volume_plausible(entry, limit=DATA.volume_per_atom):
    """Rule 7: the volume is at most `limit` A^3 for each atom of the cell."""
    value = volume_per_atom(entry)
    return "" if value <= limit else f"{value:.1f} A^3 an atom"


RULES = {
    "0 usable": usable,
    "1 formula": formula_listed,
    "2 number": number_listed,
    "3 symbol": symbol_obtainable,
    "4 system": system_compatible,
    "5 reduction": reducible,
    "6 volume": volume_matches,
    "7 volume per atom": volume_plausible,
}
LAST = "7 volume per atom"
COLUMNS = ("identifier", "source", *RULES, "volume_per_atom", "accepted", "rejected_by", "reason")
"""The rules in the order of the write-up, after the one that makes an entry an entry."""


def check(entry, limits=VOLUME_PER_ATOM):
    """Return the verdict on one entry.

    Parameters
    ----------
    entry : Entry or Crash
    limits : dict
        Source -> limit of rule 7 in A^3 an atom; None counts what 18 would reject, but rejects
        nothing.

    Returns
    -------
    dict
        ``identifier``, ``source``, for each rule its reason (``""`` passed), ``volume_per_atom``,
        ``accepted``, ``rejected_by`` (first rule failed, ``"crash"`` or ``""``) and ``reason``.
    """
    outcome = (
        entry
        if isinstance(entry, Crash)
        else guarded(_judge, entry.identifier, entry.source, entry, limits)
    )
    if isinstance(outcome, Crash):
        nothing = {**dict.fromkeys(RULES, ""), "volume_per_atom": np.nan, "accepted": False}
        outcome = {**nothing, "rejected_by": "crash", "reason": outcome.traceback}
    return {"identifier": entry.identifier, "source": entry.source, **outcome}


def _judge(entry, limits):
    limit = limits[entry.source]
    if refused := usable(entry):  # nothing else can be said of it
        reasons = dict.fromkeys(RULES, "") | {"0 usable": refused}
    else:
        reasons = {rule: function(entry) for rule, function in RULES.items() if rule != LAST}
        reasons[LAST] = volume_plausible(entry, DATA.volume_per_atom if limit is None else limit)
    applied = [rule for rule in RULES if reasons[rule] and not (rule == LAST and limit is None)]
    first = applied[0] if applied else ""
    value = volume_per_atom(entry)
    return {
        **reasons,
        "volume_per_atom": value,
        "accepted": not first,
        "rejected_by": first,
        "reason": reasons.get(first, ""),
    }


BATCH = 500  # entries a task


def run(entries, limits=VOLUME_PER_ATOM, *, n_jobs=1, cluster=None):
    """Check many entries.

    Parameters
    ----------
    entries : iterable of Entry or Crash
    limits : dict
        As in `check`.
    n_jobs, cluster
        As in `ddi.base.parallel.map_parallel`.

    Returns
    -------
    pandas.DataFrame
        One row an entry in the order given, columns as in `check`.
    """
    entries = list(entries)
    batches = [entries[start : start + BATCH] for start in range(0, len(entries), BATCH)]
    checked = map_parallel(
        partial(_check_batch, limits=limits),
        batches,
        n_jobs=n_jobs,
        desc="checking entries",
        cluster=cluster,
    )
    return pd.DataFrame([verdict for batch in checked for verdict in batch], columns=COLUMNS)


def _check_batch(batch, limits):
    return [check(entry, limits) for entry in batch]


def write_crashes(path, verdicts):
    """Write identifier and traceback of every crash to a text file, an empty one if there was none;
    return their number.
    """
    crashes = verdicts[verdicts.rejected_by == "crash"]
    with atomic(path) as temporary:
        temporary.write_text(
            "".join(f"{row.identifier}\n{row.reason}\n" for row in crashes.itertuples()),
            encoding="utf-8",
        )
    return len(crashes)


def write_verdicts(path, verdicts):
    """Write the verdicts as parquet."""
    with atomic(path) as temporary:
        verdicts.to_parquet(temporary, index=False, compression="zstd")
