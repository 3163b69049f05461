"""Cells of a table: which are empty or hold several words, tables of HTML, and tables that were
pasted with one cell a line.
"""

import html
import re
from itertools import takewhile

from ddi.index.readers.headings import POSITIONS, column_name, heading, number
from ddi.index.readers.separators import REMARKS
from ddi.index.readers.unnamed import in_order

_SEPARATORS = ";\t,"
_FEWEST = 6  # peaks
_MOST_ABOVE = 40  # lines above the names of columns; chosen
_UNIT = re.compile(
    r"(?i)(?:deg\w*\.?|\u00b0|[np]m|\u00e5|a|ang\w*|counts?|cts|cps|%|a\.?u\.?|rel\.?|m?rad"
    r"|1/(?:\u00e5|a|nm)|(?:\u00e5|a|nm) ?\^?-1|-|\u2013|)"
)
_MOST_NAMES = 12  # of columns, one a line; chosen
_ROW = re.compile(r"(?i)<tr\b[^<>]*>")
_CELL = re.compile(r"(?i)<t[dh]\b[^<>]*>")


def table_of_html(text):
    """The first table of a page that names a position, as text with tabs; or None."""
    for part in re.split(r"(?i)<table\b", text)[1:] or [text]:
        part = re.split(r"(?i)</table", part, maxsplit=1)[0]
        rows = [_CELL.split(row)[1:] for row in _ROW.split(part)[1:]]
        lines = ["\t".join(map(_bare_cell, row)) for row in rows if row]
        for k, line in enumerate(lines):
            if heading(line):
                return "\n".join(lines[k:])
    return None


def _bare_cell(cell):
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", cell)).split())


def in_rows(lines):
    """Put together what was pasted with one cell a line: some names, then as many numbers or words
    for each peak. So it is where all numbers together are in no order, and either the positions are
    or two names are known.
    """
    cells = [line.strip() for line in lines if line.strip()]
    names = list(takewhile(_is_name, cells[: _MOST_NAMES + 1]))
    width = len(names)
    if not 2 <= width <= _MOST_NAMES or len(cells) % width or len(cells) < 7 * width:
        return lines
    meanings = [column_name(name) for name in names]
    where = next((k for k, meaning in enumerate(meanings) if meaning in POSITIONS), None)
    if where is None or len(set(meanings)) < 2:
        return lines
    rows = [cells[k : k + width] for k in range(0, len(cells), width)]
    positions = [number(row[where]) for row in rows[1:]]
    every = [number(cell) for cell in cells[width:]]
    known = len(names) - meanings.count(None)
    if (in_order(positions) or known > 1) and not in_order(every):
        return ["\t".join(row) for row in rows]
    return lines


def with_units(lines):
    """The lines with the units of a row of their own below the names put behind these."""
    for k, line in enumerate(lines[:_MOST_ABOVE]):
        separator = next((one for one in _SEPARATORS if one in line), None)
        if separator is None or k + 1 == len(lines) or not heading(line.lstrip(REMARKS + " ")):
            continue
        names = line.split(separator)
        units = [cell.strip(" ()[]") for cell in lines[k + 1].lstrip(REMARKS).split(separator)]
        if len(units) == len(names) and all(_UNIT.fullmatch(unit) for unit in units):
            bare = [
                name.strip()
                if re.search(r"[\[(]", name) or unit in ("", "-")
                else f"{name} [{unit}]"
                for name, unit in zip(names, units)
            ]
            return [*lines[:k], separator.join(bare), *lines[k + 2 :]]
    return lines


def in_columns(lines):
    """Put side by side what was pasted one column after the other, each below its name, or below
    positions as many whole numbers without any.
    """
    cells = [line.strip() for line in lines if line.strip()]
    values = [number(cell) for cell in cells]
    starts = [k for k, value in enumerate(values) if value is None]
    half = len(cells) // 2
    if not starts and len(cells) == 2 * half and half >= _FEWEST:
        later = values[half:]
        named = in_order(values[:half]) and not in_order(later) and values[0] % 1
        blocks = [cells[:half], cells[half:]] if named and not any(v % 1 for v in later) else []
    else:
        blocks = [cells[k:end] for k, end in zip(starts, [*starts[1:], len(cells)])]
        if not starts or starts[0] or column_name(cells[0]) not in POSITIONS:
            return lines
    if len(blocks) < 2 or len(set(map(len, blocks))) > 1 or len(blocks[0]) < _FEWEST:
        return lines
    return ["\t".join(row) for row in zip(*blocks)]


def turned(lines):
    """A table of few lines, each a name and all numbers of its column, with a column for each."""
    found = [_OF_NAME.match(line) for line in lines if line.strip()]
    if not 2 <= len(found) <= _MOST_NAMES or not all(found):
        return lines
    rows = [re.split(r"[\s,;]+", re.sub(r"[\[\](){}]", " ", row[2]).strip(" ,;")) for row in found]
    numbers = all(number(cell) is not None for row in rows for cell in row)
    if not numbers or len(set(map(len, rows))) > 1 or len(rows[0]) < _FEWEST:
        return lines
    named = column_name(found[0][1]) in POSITIONS
    names = ["\t".join(row[1] for row in found)] if named else []
    return names + ["\t".join(row) for row in zip(*rows)]


_OF_NAME = re.compile(
    r"\s*([^=:\t\d][^=:\t]{0,30}|2[^=:\t\d.]{2,30})(?:=|:|<- ?c?|\t)\s*([^a-z]+)$"
)


def _is_name(cell):
    return number(cell) is None and len(cell) < 30 and not re.search(r"[\t;,]|\s\d", cell)


def whole_cells(lines):
    """Write `nan` into empty cells of rows with as many cells as the heading, and `-` into its own,
    and join the words of a cell: otherwise later columns would move.
    """
    for k, line in enumerate(lines[:200]):
        separator = next((mark for mark in _SEPARATORS if mark in line), None)
        if not separator or not heading(_names(line, separator).lstrip(REMARKS + " ")):
            continue
        line = _names(line, separator)
        wanted = line.count(separator)
        named = max(j for j, cell in enumerate(line.split(separator)) if cell.strip())
        joined = separator != "," or any(re.search(r"\d\.\d", row) for row in lines[k + 1 :])
        rows = [
            _filled(_joined(row, separator) if joined else row, separator, "nan", named)
            if row.count(separator) == wanted
            else row
            for row in lines[k + 1 :]
        ]
        return [*lines[:k], _filled(line, separator, "-"), *rows]
    return lines


def _names(line, separator):
    """A heading without other separators in its cells: `2theta, deg` becomes `2theta [deg]`."""
    if separator != "\t":
        return line
    return re.sub(r"[,;]\s*(?!\d)([^\t,;]*)", r" [\1]", line)


def _joined(row, separator):
    """A row whose cells hold no blanks, nor what would begin a remark: `1 0 1` is no three columns,
    `2.31 (4)` and `78 %` are one number each.
    """
    if not re.search(r"\S \S", row):
        return row
    return separator.join(map(_one_word, row.split(separator)))


def _one_word(cell):
    cell = re.sub(r"\s+(?=\(\d+\)$)|(?<=\d)\s+%$", "", cell.strip(" "))
    return cell if " " not in cell else re.sub(r"[#!*%]", "", re.sub(r" +", "_", cell))


def _filled(line, separator, text, least=0):
    cells = line.split(separator)
    if all(map(str.strip, cells)):
        return line
    last = max((k for k, cell in enumerate(cells) if cell.strip()), default=-1)
    last = max(last, least) if last >= 0 else last
    return separator.join(cell if cell.strip() else text for cell in cells[: last + 1])
