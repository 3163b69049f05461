"""RRUFF's measured powder patterns with the cells they belong to, read from RRUFF's own downloads.

The files are looked for in the folder named by the environment variable ``DDI_RRUFF``, then in
``data/raw/rruff``: the archives ``XY_Processed.zip`` and ``DIF.zip`` as they are downloaded, or
folders that hold their files. A DIF file gives the cell and the space group; it is read by its
headings, because RRUFF adds lines of locality, density and atoms between them.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.paths import ROOT
from ddi.data.sources.archives import read_zip
from ddi.forward import lattice

ARCHIVES = {"xy": "XY_Processed.zip", "dif": "DIF.zip"}
_NAME = re.compile(
    r"^(?P<mineral>.+?)__(?P<id>[^_]+)__Powder__(?P<kind>DIF_File|Xray_Data_XY_Processed)"
    r"__(?P<number>\d+)\.(txt|rtf|dif|xy)$",
    re.I,
)
_NUMBER = r"[-+]?\d*\.?\d+(?:\(\d+\))?"
_LETTERS = {
    "triclinic": "a",
    "monoclinic": "m",
    "orthorhombic": "o",
    "tetragonal": "t",
    "trigonal": "h",
    "hexagonal": "h",
    "cubic": "c",
}


@dataclass(frozen=True)
class Pattern:
    """A measured pattern and the lattice it is known to come from.

    Attributes
    ----------
    id, mineral : str
    two_theta, intensity : ndarray, shape (n,)
        Degrees and arbitrary units.
    wavelength : float
        In Angstrom, as the file gives it; for Cu this is the weighted mean of the K-alpha doublet.
    cell : ndarray, shape (6,)
        Conventional cell in Angstrom and degrees.
    space_group : str
        As written in the DIF file.
    bravais : str
        One of `ddi.forward.lattice.BRAVAIS`.
    centring : str
        Letter that goes with `cell`, as `ddi.forward.lattice.reduced_cell` wants it.
    """

    id: str
    mineral: str
    two_theta: np.ndarray
    intensity: np.ndarray
    wavelength: float
    cell: np.ndarray
    space_group: str
    bravais: str
    centring: str


def folder():
    """Return the folder that holds RRUFF's files, or None where there is none."""
    for place in (os.environ.get("DDI_RRUFF"), ROOT / "data" / "raw" / "rruff"):
        if (
            place
            and Path(place).is_dir()
            and all(any(True for _ in _files(Path(place), kind)) for kind in ARCHIVES)
        ):
            return Path(place)
    return None


def half(mineral):
    """Return "choosing" or "reporting": constants of the whole-pattern fit are chosen on the first
    half of the minerals, rates are reported on the other; the last bit of the SHA-256 of the
    lower-case name decides.

    Examples
    --------
    >>> half("Quartz"), half("Barite")
    ('reporting', 'reporting')
    """
    digest = hashlib.sha256(mineral.lower().encode()).digest()
    return ("choosing", "reporting")[digest[-1] % 2]


def load(place=None, ids=None):
    """Read every pattern that has both a measured pattern and a DIF file.

    Parameters
    ----------
    place : str or Path, optional
        Folder with the archives or their files; `folder()` if not given.
    ids : collection of str, optional
        Read these only.

    Returns
    -------
    list of Pattern
        Sorted by id; a pattern whose files make no sense is left out.

    Raises
    ------
    DDIError
        If there is no such folder.
    """
    place = Path(place) if place else folder()
    if place is None:
        raise DDIError(
            "no RRUFF data found; set DDI_RRUFF to a folder with XY_Processed.zip and DIF.zip, "
            "downloaded from the address in data/sources.yml"
        )
    cells = {}
    patterns = []
    for name, text in _files(place, "dif"):
        cells.setdefault(_key(name), text)
    for name, text in _files(place, "xy"):
        key = _key(name)
        if key not in cells or (ids is not None and key[1] not in ids):
            continue
        try:
            patterns.append(_pattern(key, text, cells[key]))
        except DDIError:
            continue
    return sorted(
        {pattern.id: pattern for pattern in reversed(patterns)}.values(),
        key=lambda pattern: pattern.id,
    )


def _key(name):
    match = _NAME.match(name)
    return match["mineral"], match["id"]


def _files(place, kind):
    """Yield (name, text) of the files of one kind, from the archive if it is there, else from
    folders.
    """
    wanted = "DIF_File" if kind == "dif" else "Xray_Data_XY_Processed"
    archive = place / ARCHIVES[kind]
    if archive.is_file():
        for item, data in read_zip(archive, lambda item: _is(wanted, item)):
            yield item.rsplit("/", 1)[-1], data.decode("utf-8", "replace")
        return
    for path in sorted(place.rglob(f"*__{wanted}__*")):
        if _NAME.match(path.name):
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


def _is(wanted, item):
    """Say whether an archive's member is a file of the kind wanted."""
    match = _NAME.match(item.rsplit("/", 1)[-1])
    return bool(match) and match["kind"].lower() == wanted.lower()


def _pattern(key, xy, dif):
    two_theta, intensity = read_xy(xy)
    header = read_dif(dif)
    bravais, centring = bravais_lattice(header["space_group"], header["cell"])
    known = (header["wavelength"], header["cell"], header["space_group"], bravais, centring)
    return Pattern(key[1], key[0], two_theta, intensity, *known)


def read_xy(text):
    """Return (two_theta, intensity) of RRUFF's XY text: lines of two numbers after ``##KEY=value``
    lines.

    Raises
    ------
    DDIError
        If fewer than 100 lines hold two finite numbers in rising order.
    """
    body = re.sub(r"^\s*#.*$", "", text, flags=re.M).replace(",", " ")
    try:
        table = np.array(body.split(), dtype=float).reshape(-1, 2)
    except ValueError as error:
        raise DDIError(f"a line of the XY pattern is no pair of numbers: {error}") from error
    if len(table) < 100 or not np.isfinite(table).all() or not (np.diff(table[:, 0]) > 0).all():
        raise DDIError(
            "an XY pattern wants at least 100 lines '2theta, intensity' with rising 2theta"
        )
    return table[:, 0], table[:, 1]


def read_dif(text):
    """Read a DIF file by its headings.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict
        ``cell`` (6,) in Angstrom and degrees, ``space_group`` str, ``wavelength`` float (1.541838
        if not given) and ``lines``, a DataFrame with columns two_theta, intensity, d, h, k, l.

    Raises
    ------
    DDIError
        If there is no complete CELL PARAMETERS line.
    """
    cell = [
        float(value.split("(")[0])
        for value in re.findall(_NUMBER, _heading(text, "CELL PARAMETERS"))
    ]
    if len(cell) < 6 or not lattice.is_possible(cell[:6]):
        raise DDIError("the DIF file has no line 'CELL PARAMETERS:' with six sensible numbers")
    wavelength = re.search(_NUMBER, _heading(text, "X-RAY WAVELENGTH"))
    return {
        "cell": np.array(cell[:6]),
        "space_group": _heading(text, "SPACE GROUP"),
        "wavelength": float(wavelength[0]) if wavelength else 1.541838,
        "lines": _dif_lines(text),
    }


def _heading(text, name):
    """What stands after ``name:`` at the start of a line; prose above the table may hold the same
    words.
    """
    found = re.search(rf"^[ \t#]*{name}[ \t]*[:=](.*)$", text, re.M | re.I)
    return found[1].strip() if found else ""


def _dif_lines(text):
    """The table under the heading 2-THETA, up to the first line that is not six numbers."""
    heading = re.search(r"^.*2-THETA.*$", text, re.I | re.M)
    rows = []
    for line in text[heading.end() :].splitlines()[1:] if heading else ():
        fields = line.split()
        if len(fields) < 6 or not all(re.fullmatch(_NUMBER, field) for field in fields[:6]):
            break
        rows.append([float(field) for field in fields[:6]])
    return pd.DataFrame(rows, columns=["two_theta", "intensity", "d", "h", "k", "l"])


def bravais_lattice(space_group, cell):
    """Return the Bravais lattice and the centring letter of a cell, from a space-group symbol.

    Parameters
    ----------
    space_group : str
        Hermann-Mauguin symbol as mineralogists write it: ``P2_1/c``, ``*C2/c``, ``I41/acd%var1%``,
        ``Fm3m`` are understood.
    cell : array_like, shape (6,)
        Decides between the axes of a rhombohedral lattice.

    Returns
    -------
    bravais, centring : str

    Raises
    ------
    DDIError
        If the symbol belongs to no known space group.
    """
    symbol = re.sub(r"%.*|[_*~\s]|\(.*\)", "", space_group)
    group = gemmi.find_spacegroup_by_name(symbol, float(cell[3]), float(cell[5]))
    if group is None:
        # C-1 and the like are in no table; a triclinic lattice is aP whatever letter its cell
        # carries.
        if re.fullmatch("[PABCFI]-?1", symbol):
            return "aP", symbol[0]
        raise DDIError(f"'{space_group}' is no space group that gemmi knows")
    letter = _LETTERS[group.crystal_system_str()]
    centring = group.centring_type()
    if group.hm[0] == "R":
        return "hR", "R" if abs(cell[5] - 120) < 0.01 else "P"
    standard = "P" if letter == "a" else "C" if centring in "AB" else centring
    return letter + standard, centring


def reference(place=None):
    """Return the table ``index.csv`` beside the archives (id, grade, n_matched_of_first_20, n_first
    ...), or None.
    """
    place = Path(place) if place else folder()
    table = place / "index.csv" if place else None
    return pd.read_csv(table, dtype={"id": str}) if table and table.is_file() else None
