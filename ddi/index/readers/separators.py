"""How the fields of rows are separated, and whether a comma is a decimal one."""

import re
from typing import NamedTuple

from ddi.base.errors import DDIError

_REMARK = re.compile(r"\s*(?:[#!*%]|//).*$")
# a number with a comma, and behind a blank another one or a word between two
_SPACED = re.compile(
    r"\d,\d+(?:\(\d+\)|[eE][+-]?\d+)?(?:(?:,?\s+|;)\s*[\d\"]|\t *\w|\s+[^\W\d_]+\s+\d)"
)
_FEWEST = 4  # rows; chosen
REMARKS = "#!%'/*"


class Style(NamedTuple):
    """How the rows of a file separate their fields."""

    separator: str  # a regular expression
    decimal_comma: bool

    def fields(self, line):
        """The fields of a row."""
        fields = [field.strip(" \"'") for field in re.split(self.separator, line)]
        if self.decimal_comma:
            fields = [field.replace(",", ".") for field in fields]
        return [field for field in fields if field]


PLAIN = Style(r"[,;\s]+", False)


def style(name, lines):
    """Find how the rows of numbers among `lines` are written, or raise what is ambiguous."""
    rows = [strip_remark(line) for line in lines[:2000]]
    rows = [row for row in rows if re.match(r"\s*[\"'+-]?\.?\d", row)]
    rows = [row for row in rows if re.fullmatch(r"[\d\s.,;eEdD+()\u00b1\"'-]+", row)] or rows
    commas = [row for row in rows if "," in row]
    if len(commas) < max(1, 0.5 * len(rows)):
        _check_odd_commas(name, commas)
        return PLAIN
    semicolons = sum(";" in row for row in rows) > 0.5 * len(rows)
    joined = [re.findall(r"\d,\d", row) for row in commas]
    if any(re.search(r"\d\.\d", row) for row in commas) or not any(joined):
        return _with_points(name, commas, semicolons)
    spaced = sum(bool(_SPACED.search(row)) for row in commas)
    if semicolons:
        return Style(r";", True)
    if spaced > 0.5 * len(commas):
        return Style(r",?\s+", True)
    return _only_commas(name, commas)


def _check_odd_commas(name, rows):
    """Refuse a comma within one of the first two numbers of a row, where most rows have none."""
    for row in rows:
        cells = re.split(r"[;\s]+", row.strip())
        if any(re.fullmatch(r"\d{1,3},\d+", cell) for cell in cells[:2]):
            raise DDIError(
                f"{name}: '{row.strip()[:40]}' has a comma where other rows have none; write a "
                "point if it is a decimal one, or a blank behind it if it separates"
            )


def _with_points(name, rows, semicolons):
    """Commas beside decimal points separate fields, unless they group thousands."""
    for row in rows:
        if re.search(r"(?:^|\s|;)\d{1,3}(,\d{3})+\.\d+(?:\s|;|$)", row) and re.search(r"\s|;", row):
            raise DDIError(
                f"{name}: '{row.strip()[:40]}' seems to group thousands with commas; take them out"
            )
    mixed = [re.match(r"\s*\d+,\d+(?:\(\d+\))?\s+\d*\.?\d", row) for row in rows]
    if all(mixed):
        raise DDIError(
            f"{name}: '{rows[0].strip()[:40]}' has a decimal comma or a separating one beside "
            "decimal points; write decimal points only"
        )
    return Style(r"[;]" if semicolons else r"[,\s]+", False)


def _only_commas(name, rows):
    """Rows such as `15,917`: a decimal comma, or two whole numbers; `20,86,2` may be both."""
    pieces = [row.strip().split(",") for row in rows]
    several = [len(piece) > 2 and all(part.isdecimal() for part in piece) for piece in pieces]
    if len(rows) >= _FEWEST and sum(several) > 0.5 * len(rows):
        raise DDIError(
            f"{name}: '{rows[several.index(True)].strip()[:40]}' may hold decimal commas beside "
            "separating ones; save it with semicolons, tabs or decimal points"
        )
    if all(len(piece) == 2 for piece in pieces):
        tails = [piece[1].strip() for piece in pieces]
        if any(len(tail) > 1 and tail[0] == "0" for tail in tails):
            return Style(r"\s+", True)
        if len({len(tail) for tail in tails}) == 1 and len(tails) > 2 or len(tails[0]) > 3:
            raise DDIError(
                f"{name}: '{rows[0].strip()[:40]}' may be one number with a decimal comma or two "
                "numbers; write decimal points, or a blank after a separating comma"
            )
    return PLAIN


def strip_remark(line):
    """The row without a trailing remark after #, !, %, * or //."""
    return _REMARK.sub("", line) if line[:1] not in REMARKS else line
