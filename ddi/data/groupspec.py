"""GroupSpec files: which group every setting belongs to, as a workbook that a crystallographer can
read and edit (write-up, section 2.1.2).
"""

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.styles import Alignment, Font

from ddi.base.errors import DDIError
from ddi.base.files import atomic

SPEC_COLUMNS = {
    "group": 10,
    "bravais": 9,
    "unique_axis": 12,
    "number": 9,
    "symbol": 16,
    "conditions": 60,
    "entries": 9,
}
"""Columns of a GroupSpec and their widths."""

_NOTE = """\
One row for each Hermann-Mauguin symbol in the reindexed setting (a <= b <= c where the three
lengths are free). group: which generator learns from the entries of this symbol. Change it, save,
and run notebook 03 again. A new name makes a new group. A group stays within one Bravais lattice
and one unique axis. conditions: what the operations forbid beyond the centring; conditions that
others imply are left out. entries: unique entries when this file was written; not read back.
A symbol that is not listed joins the group of its conditions, or of the nearest ones, and the
notebook lists it."""


def spec_path(folder, system):
    """Return where the GroupSpec of a lattice system is."""
    return Path(folder) / f"GroupSpec_{system}.xlsx"


def write_spec(folder, system, table):
    """Write a GroupSpec file: one row a reindexed symbol, sorted by group, with a second sheet that
    says how to edit it.

    Parameters
    ----------
    folder : str or Path
    system : str
        One of `ddi.forward.lattice.SYSTEMS`.
    table : pandas.DataFrame
        From `ddi.data.grouping.setting_table`, with a column group.
    """
    rows = table.sort_values(["group", "number", "symbol", "conditions"]).copy()
    rows["unique_axis"] = rows["unique_axis"].map(dict(enumerate("abc"))).fillna("")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "groups"
    sheet.append(list(SPEC_COLUMNS))
    for row in rows[list(SPEC_COLUMNS)].itertuples(index=False, name=None):
        sheet.append([value.item() if isinstance(value, np.generic) else value for value in row])
    for cell, width in zip(sheet[1], SPEC_COLUMNS.values()):
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    note = book.create_sheet("how to edit")
    note["A1"] = _NOTE
    note["A1"].alignment = Alignment(wrap_text=True, vertical="top")
    note.column_dimensions["A"].width = 110
    with atomic(spec_path(folder, system)) as path:
        book.save(path)


def read_spec(folder, system):
    """Read a GroupSpec file.

    Returns
    -------
    pandas.DataFrame or None
        Columns group, block, bravais, symbol, conditions, entries; None where there is no such
        file.

    Raises
    ------
    DDIError
        If it is no workbook, lacks a column, leaves a group empty, lists a symbol twice, or mixes
        blocks in a group.
    """
    path = spec_path(folder, system)
    if not path.exists():
        return None
    try:
        spec = pd.read_excel(path, keep_default_na=False)
    except Exception as error:  # openpyxl and zipfile raise a dozen kinds
        raise DDIError(
            f"{path} is not a workbook that can be read ({error}); restore it from git"
        ) from error
    missing = [column for column in SPEC_COLUMNS if column not in spec]
    if missing:
        raise DDIError(
            f"{path} has no column {', '.join(missing)}; "
            f"the first sheet needs {', '.join(SPEC_COLUMNS)}"
        )
    spec["group"] = spec["group"].astype(str).str.strip()
    spec["block"] = spec["bravais"] + spec["unique_axis"]
    spec["entries"] = pd.to_numeric(spec["entries"], errors="coerce").fillna(0)
    _check_spec(path, spec)
    return spec


def _check_spec(path, spec):
    empty = spec.index[spec["group"] == ""]
    if len(empty):
        raise DDIError(f"{path} row {empty[0] + 2}: no group; name one for every symbol")
    twice = spec.index[spec.duplicated(["block", "symbol", "conditions"])]
    if len(twice):
        raise DDIError(
            f"{path} row {twice[0] + 2}: {spec['symbol'][twice[0]]} is listed twice; keep one row"
        )
    blocks = spec.groupby("group")["block"].unique()
    for group, mixed in blocks[blocks.map(len) > 1].items():
        raise DDIError(
            f"{path}: group {group} mixes {' and '.join(mixed)}; "
            "a group stays within one lattice and unique axis"
        )
