"""Columns as people write them: separators, decimal commas, remarks, rows of numbers."""

import re
from typing import NamedTuple

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.headings import POSITIONS, Heading, _number, heading, number
from ddi.index.readers.literals import in_rows_of
from ddi.index.readers.markup import without_statements
from ddi.index.readers.prose import in_sentence
from ddi.index.readers.separators import PLAIN, REMARKS, strip_remark, style
from ddi.index.readers.unnamed import one_a_row, side_by_side
from ddi.index.readers.widths import check_order, check_widths, padded, usual
from ddi.index.readers.written import tidied, without_count

_MOST_ROWS = 60_000  # that are no plain table of numbers; chosen
_MOST_PARAMETERS = 5  # rows of a program's parameters above the peaks; chosen
_FEWEST_NUMBERS = 4  # decimals in a line that is a list, no heading; chosen
_LONGEST = 2000  # characters that are looked at in a line of words; chosen
_MOST_REMARKS = 200  # among which names of columns are looked for; chosen


class Table(NamedTuple):
    """Rows of numbers and what was said above them."""

    values: np.ndarray  # (n, columns)
    sigma: np.ndarray | None  # (n, columns), of numbers with brackets, else nan
    heading: Heading | None
    remarks: tuple


def table(name, text):
    """Read the rows of numbers of a text; return a `Table`.

    Raises
    ------
    DDIError
        If a row is no row of numbers, or the file has none.
    """
    lines = without_count(text.split("\n"))
    fast = _plain(lines) if len(lines) > 2000 else None
    if fast is not None:
        return fast
    if len(lines) > _MOST_ROWS:
        raise DDIError(
            f"{name} has {len(lines)} lines that are no plain table of numbers; export two columns "
            "of text, 2theta and intensity"
        )
    lines[-1] = lines[-1].rstrip("\x1a\0")
    lines = ["" if _NEW_PAGE.fullmatch(line) else line for line in lines]
    lines = without_statements("\n".join(lines)).split("\n")
    lines = in_rows_of("\n".join(lines)) or lines
    try:
        plain = tidied(name, lines)
        return _joined(name, *_read(name, plain, style(name, plain)))
    except DDIError:
        found = in_sentence("\n".join(lines))
        if found is None or not re.search(r"[^\W\d_]{2}|[\u00b0\u03b8]", text):
            raise  # numbers alone are no sentence
        return Table(found[0], None, found[1], tuple(lines))


def _read(name, lines, how):
    """Return the rows of numbers, the `Heading` and the remarks. Words may follow the last row."""
    rows = []
    remarks = []
    head = None
    unsure = None  # the first title, and the first line of words behind the rows
    odd = footer = None  # the first line above the rows that only names of columns excuse
    for count, line in enumerate(lines, 1):
        line = line.strip()
        if not line:
            continue
        kind, content = _row(line, how, bool(rows), head)
        if kind == "row" and footer:
            raise _no_row(name, *footer, rows)
        if kind == "row":
            rows.append(content)
        elif kind == "remark":
            if content and line not in remarks and len(rows) <= _MOST_PARAMETERS:
                rows.clear()  # numbers above the names of columns are no rows of theirs
            remarks.append(line)
            head = _fuller(head, content)
        elif kind == "title":
            remarks.append(line)
            unsure = unsure or (count, line)
        elif not rows and head is None:
            odd = odd or (count, line)
        elif len(rows) >= 6 and (not re.search(r"\d[.,]\d|^\W*\d", line) or _FOOTER.match(line)):
            footer = footer or (count, line)
            remarks.append(line)
        else:
            raise _no_row(name, count, line, rows)
    if odd and head is None or unsure and len(rows) < 6:
        raise _no_row(name, *(odd or unsure))
    return rows, head, remarks


def _plain(lines):
    """The table of a long file of plain numbers, or None."""
    first = next((k for k, line in enumerate(lines[:300]) if _is_row(line)), None)
    if first is None:
        return None
    comma = "," in lines[first]
    try:
        values = np.loadtxt(
            lines[first:], comments=list("#!"), delimiter="," if comma else None, ndmin=2
        )
    except ValueError:
        return None
    values, first = _with_wider_rows(values, lines, first)
    remarks = tuple(line for line in lines[:first] if line.strip())
    heads = [heading(_bare(line)) for line in remarks]
    head = next((found for found in heads[::-1] if found), None)
    return Table(values, None, _fitting(head, remarks, values.shape[1]), remarks)


def _with_wider_rows(values, lines, first):
    """The table with the rows above it that continue it and only hold more, as FullProf's do that
    name reflections; and the first line of it.
    """
    above = []
    step = values[1, 0] - values[0, 0] if len(values) > 1 else 0.0
    for line in reversed(lines[:first]):
        row = [number(field) for field in PLAIN.fields(line)[: values.shape[1]]]
        expected = (above[-1][0] if above else values[0, 0]) - step
        if len(row) < values.shape[1] or None in row or not abs(row[0] - expected) < step / 2:
            break
        above.append(row)
    return np.vstack([*above[::-1], values]), first - len(above)


def _bare(line):
    """A remark without its mark: #, or #L of SPEC."""
    return re.sub(r"^L\s+(?=\S)", "", line.lstrip(REMARKS + "; \t"))


def _fitting(head, remarks, width):
    """The `Heading` that has a name for each of `width` columns, if any does; a sentence with a
    colon that happens to name a position is none.
    """
    if head and len(head.names) == width:
        return head
    remarks = remarks[:_MOST_REMARKS]
    found = None
    for line in reversed(remarks):
        found = _fuller(found, heading(_bare(line), width))
    if found is None and head and not head.separated:
        told = [heading(_bare(line)) for line in remarks if ":" not in line]
        return head if head in told else None
    return found or head


def _is_row(line):
    fields = PLAIN.fields(line)
    return len(fields) > 0 and all(number(field) is not None for field in fields)


def _fuller(head, other):
    """The heading that names more; a line of units below it may look like one, too."""
    if head is None or other is None:
        return head or other
    named = [sum(name is not None for name in one.names) for one in (head, other)]
    return other if named[1] >= named[0] else head


def _row(line, how, started, head):
    """Say what a line is: a row with its numbers, a remark with the `Heading` in it, a title that
    stands above the rows, or nothing.
    """
    if line[0] in REMARKS or (line[0] == ";" and how.separator != ";"):
        return "remark", heading(_bare(line))
    body = strip_remark(line)
    if ";" in body and how.separator == r"[,;\s]+" and not re.search(r";\s*[\d.+-]", body):
        body = body.split(";")[0]
    found = [_number(field) for field in how.fields(body)]
    if found and all(found):
        return "row", found
    if head and _has_position(found, head):
        return "row", [pair or (np.nan, None) for pair in found]
    if not started or not found or found[0] is None:
        if found and found[0] is None and sum(map(_decimal, found)) >= _FEWEST_NUMBERS:
            return "nothing", None
        named = heading(line)
        if named or not started and (found[:1] or [None])[0] is None and _speaks(line):
            return "remark", named
        if not started and not re.search(r"\d", how.fields(body)[0] if found else line):
            return "title", None
        if not started and _TITLE.fullmatch(line):
            return "title", None
    if head and len(found) >= len(head.names) and _absent(body, how, head):
        if not any(found):
            return "remark", None
        return "row", [pair or (np.nan, None) for pair in found]
    return "nothing", None


def _has_position(found, head):
    """Whether a row with words has as many cells as the heading, and numbers as its positions."""
    where = [k for k, name in enumerate(head.names) if name in POSITIONS]
    enough = len(found) >= len(head.names) if head.separated else len(found) == len(head.names)
    return enough and all(found[k] for k in where)


def _decimal(pair):
    return pair is not None and pair[0] % 1 > 0


def _absent(line, how, head):
    """Whether the words among the positions of a row say that there is none: `n.o.`, `nan`, `-`."""
    fields = how.fields(line)
    cells = [fields[k] for k, name in enumerate(head.names) if name in POSITIONS]
    if len(head.names) == 1 and any(number(field) is not None for field in fields[1:]):
        return False  # `2.83 / 2.78`
    return all(number(cell) is not None or _NONE.fullmatch(cell) for cell in cells)


# a formula or a number of a card, but nothing with decimals, which may be a spoilt row
_TITLE = re.compile(r"[A-Z][A-Za-z]*\d(?!.*\d[.,]\d).*|[A-Za-z]{3,}\W.*|\d+ [A-Za-z]{3,}.*=.*")
_FOOTER = re.compile(r"(?:[A-Za-z]{2,}\d*\W+){3}|[A-Za-z][A-Za-z ]{2,40}:")  # a sentence or a label
# `- 14 -`, `Page 3`, `TABLE 2 (continued)`
_NEW_PAGE = re.compile(
    r"(?i)\s*(?:[-\u2013] ?\d{1,4} ?[-\u2013]|(?:page|seite) \d+(?: of \d+)?"
    r"|(?!.*\d[.,]\d).{0,60}\(cont(?:inued|\.|'d)\))\s*"
)
_NONE = re.compile(r"(?i)[-\u2013\u2014.*/]+|n/?[ad]|n\.? ?(?:o|obs|a|d)\.?|nan|absent|none|null")


def _speaks(line):
    """Whether a line without a mark says something about the rows below it."""
    return bool(
        re.search(
            r"wave ?length|lambda|peak search|\[(?!\s*[-\d.]+,).*\]|filter|^-+$|=",
            line[:_LONGEST],
            re.I,
        )
    )


def _no_row(name, count, line, rows=()):
    """What to say of a line among or above the rows that is none."""
    said = f"{name}, line {count}: '{line[:60]}' is not a row of numbers"
    if rows:
        first = "  ".join(f"{value:g}" for value, _ in rows[0][:4])
        return DDIError(
            f"{said} like those before it, which begin with {first}; correct it, or start it with #"
        )
    return DDIError(
        f"{said}, nor are its words names of columns that are known here; start it with # if it is "
        "a remark, and name columns d, q, q2, theta or 2theta, with their units"
    )


def _joined(name, rows, head, remarks):
    if not rows:
        begins = f", and begins with '{remarks[0][:60]}'" if remarks else ""
        raise DDIError(f"{name} holds no row of numbers{begins}; 6 positions at least are expected")
    lengths = {len(row) for row in rows}
    broken = min(lengths) == 1 and max(lengths) > 1 and (not head or len(head.names) == 1)
    if broken or max(lengths) > 1 and sum(map(len, rows)) >= 6 and not head:
        rows = one_a_row(name, rows)
    widths = [len(row) for row in rows]
    head = _fitting(head, remarks, usual(widths))
    if head and head.blocks > 1 and max(widths) == len(head.names):  # the last block is shorter
        rows = padded(rows)
    widest = max(widths)
    whole = [[value for value, _ in row] for row in rows if len(row) == widest]
    if head is None and min(widths) < widest and side_by_side(np.array(whole)):
        rows = padded(rows)  # without names, too
    width = min(map(len, rows))
    hkl = head and head.names[-1] in (None, "none") and width > len(head.names)
    if not hkl:  # once or twice
        check_widths(name, [len(row) for row in rows], named=head is not None)
        check_order(name, rows)
    values = np.array([[value for value, _ in row[:width]] for row in rows])
    spread = np.array([[np.nan if s is None else s for _, s in row[:width]] for row in rows])
    return Table(values, spread, head, tuple(remarks))
