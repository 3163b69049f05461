"""Excel workbooks: the first sheet that reads as a table of positions, cell by cell as a text."""

import datetime
import io
import re
from dataclasses import replace

from ddi.base.errors import DDIError
from ddi.index.readers.text import read_table

_MOST_COLUMNS = 64  # more than any table of peaks has
_INSTEAD = "save its sheet as CSV"


def read_workbook(source, archive):
    """Read the first sheet that holds positions.

    Parameters
    ----------
    source : ddi.index.readers.opening.Input
    archive : ddi.index.readers.opening.Archive
        The same file, whose members are checked before anything is unpacked.

    Raises
    ------
    DDIError
        If openpyxl is missing, the workbook is damaged, or no sheet can be read; then with what the
        first sheet lacks.
    """
    for name in archive.names:
        archive.read(name)
    try:
        import openpyxl
    except ImportError as error:
        raise DDIError(
            f"{source.name} is an Excel workbook, which the package openpyxl reads: "
            f"pip install openpyxl, or {_INSTEAD}"
        ) from error
    refused = None
    for title, text in _sheets(openpyxl, source):
        where = f"{source.name}, sheet {title!r}"
        try:
            found = read_table(replace(source, name=where, content=text.encode()))
        except DDIError as error:
            refused = refused or error
        else:
            return replace(found, format=f"Excel, sheet {title!r}")
    raise refused or DDIError(f"{source.name} is an Excel workbook with empty sheets")


def _sheets(openpyxl, source):
    """Yield the title of each sheet that is not empty, and its cells as text with tabs."""
    try:
        options = dict(read_only=True, data_only=True)
        for sheet in openpyxl.load_workbook(io.BytesIO(source.content), **options).worksheets:
            sheet.reset_dimensions()
            every = sheet.iter_rows(max_col=_MOST_COLUMNS + 1, values_only=True)
            rows = [[_text(value) for value in row] for row in every if row.count(None) < len(row)]
            used = [
                k for k in range(_MOST_COLUMNS + 1) if any(row[k : k + 1] > [""] for row in rows)
            ]
            if _MOST_COLUMNS in used:
                raise DDIError(f"{source.name} has more than {_MOST_COLUMNS} columns; {_INSTEAD}")
            lines = ["\t".join(row[k] for k in used if k < len(row)) for row in rows]
            if lines:
                yield re.sub(r"\W+", " ", sheet.title).strip(), "\n".join(lines) + "\n"
    except DDIError:
        raise
    except Exception as error:  # openpyxl raises what its parsers raise
        raise DDIError(
            f"{source.name} is an Excel workbook that cannot be opened; {_INSTEAD}"
        ) from error


def _text(value):
    if value is None:
        return ""
    if isinstance(value, (datetime.date, datetime.time)):  # what Excel makes of 12.5 or 3.9
        return value.isoformat()
    return " ".join(str(value).split())
