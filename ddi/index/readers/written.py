"""Ways of writing a list that are none of a table of numbers: brackets, `1)`, words behind numbers,
a name before the numbers, empty cells. Put into plain rows, so that no column moves.
"""

import re

from ddi.index.readers.cells import in_columns, in_rows, turned, whole_cells, with_units
from ddi.index.readers.headings import POSITIONS, column_name
from ddi.index.readers.literals import in_pairs
from ddi.index.readers.markup import without_markup
from ddi.index.readers.numerals import plain_numbers

_NAMED = re.compile(r"^\s*([^:=\d][^:=]*|[12] ?[^:=\d\s][^:=]*)[:=]\s*([\d.,;\s+\-eE()\[\]]+)$")
_MARKS = "#!%'/*"
_MOST_ABOVE = 5  # lines above a count of rows; chosen
_WITH_INTENSITY = re.compile(r"(\d+\.\d+)\s+\((\d+) ?%?\)")  # `8.84 (65), 5.52 (31)`
_CAPTIONED = re.compile(r"^\s*d ?= ?\d+[.,]\d+\s{2,}(?=\d)")  # where each line begins so
_FEWEST = 6  # lines written alike; chosen
# `7.17 (100)`, one a line
_BEHIND_ONE = re.compile(r"^\s*(\d+\.\d+)\s+\(\s*(-?\d{1,3})\s*%?\s*\)\s*$")
_TRIPLE = re.compile(r"(?<=[\s\d])[(\[]\s*(?:-?\d{1,2}[\s,]+){2}-?\d{1,2}\s*[)\]]")  # `( 0 2 0)`
_TRIPLE_NAME = re.compile(r"[(\[]\s*h[\s,]+k[\s,]+l\s*[)\]]", re.I)
_ROW = re.compile(r"(?=.*\d)[\s\d.,;+\-]+")
_WORDS_BEHIND = re.compile(
    r"(\s*\d+[.,]\d+(?:[\s,;]+\d+(?:\.\d+)?)*)[\s,;]+(?:[-\u2013]\s+)?"
    r"(\(?[^\W\d_](?:[^\d]|(?<=[A-Za-z)\d])\d)*|\?+\s*)"
)
_UNITS = re.compile(r"(?i)n?m|pm|\u00b5m|a|\u00c5|ang\w*|deg\w*|m?rad\w*|k?ev|s")
_PAIR = re.compile(r"[\[({]\s*(-?\d+\.?\d*)\s*,\s*(-?\d+\.?\d*)\s*[\])}]")
_TOLERANCE = re.compile(r"(?<=[\d\s(])\(?\u00b1[\d.]+\s*\u00b0?\)?\s*$")  # behind a whole list
_SLASHES = re.compile(r"(?<=\d)\s*/\s*(?=\d+\.\d)")
_EQUATIONS = re.compile(r"\s*(?:[A-Za-z][\w/]*\s*=\s*\d+\.?\d*[\s,;]*){2,}")


def without_count(lines):
    """The lines without one above the rows that holds nothing but how many they are."""
    for k, line in enumerate(lines[:_MOST_ABOVE]):
        if re.fullmatch(r"[ \t\r]*\d{1,7}[ \t\r]*", line) and int(line) >= 6:
            count = sum(1 for row in lines[k + 1 :] if row.strip() and row.strip()[0] not in _MARKS)
            return lines[:k] + lines[k + 1 :] if count == int(line) else lines
    return lines


def tidied(name, lines):
    """Return the lines with such writing put into plain rows.

    Raises
    ------
    DDIError
        If quoted commas may group thousands, or columns are of degrees and of minutes.
    """
    lines = with_units(lines)
    lines = plain_numbers(name, in_pairs(without_markup(lines)))
    if any(len(_SLASHES.findall(line)) >= _FEWEST for line in lines):
        lines = [_SLASHES.sub("  ", line.rstrip("/ ")) for line in lines]
    if sum(bool(_CAPTIONED.match(line)) for line in lines) >= _FEWEST:
        lines = [_CAPTIONED.sub("0  ", line) for line in lines]
    if sum(bool(_BEHIND_ONE.match(line)) for line in lines) >= _FEWEST:
        lines = _without_brackets(lines)
    if sum(bool(_TRIPLE.search(line)) for line in lines) >= _FEWEST:
        lines = [_TRIPLE_NAME.sub("", _TRIPLE.sub("", line)) for line in lines]
    lines = _without_words(lines)
    parts = [part for line in turned(lines) for part in _unwrapped(line)]
    return whole_cells(in_columns(in_rows(parts)))


def _without_brackets(lines):
    """Rows `7.17 (100)` with the intensity as a column; without what is there if all are h k l."""
    found = [_BEHIND_ONE.match(line) for line in lines]
    indices = _are_indices([pair[2] for pair in found if pair])
    return [
        line if not pair else pair[1] if indices else f"{pair[1]} {pair[2]}"
        for line, pair in zip(lines, found)
    ]


def _are_indices(brackets):
    """Whether what stands in brackets are indices such as 110: all of three digits, and unequal."""
    return all(len(digits) == 3 for digits in brackets) and len(set(brackets)) > 1


def _without_words(lines):
    """Rows without a word behind their numbers (`38.4  Nb`), where all have as many numbers."""
    plain = [line.split() for line in lines if _ROW.fullmatch(line)]
    found = [_WORDS_BEHIND.fullmatch(line) for line in lines]
    behind = [row for row in found if row]
    if (
        len(behind) == 0
        or len(behind) + len(plain) < _FEWEST
        or len({row[2] for row in behind}) == 1
        and _UNITS.fullmatch(behind[0][2].strip())
        or not plain
        and any("," in row[2] for row in behind)  # a table of another kind
        or not plain
        and all("\t" in line for line, row in zip(lines, found) if row)  # a column of words
    ):
        return lines
    widths = {len(re.split(r"[\s,;]+", " ".join(row).strip(" ,;"))) for row in plain}
    widths |= {len(re.split(r"[\s,;]+", row[1].strip())) for row in behind}
    if len(widths) > 1:
        return lines
    return [row[1] if row else line for row, line in zip(found, lines)]


def _unwrapped(line):
    """A line without list brackets and `1)`; a name before its numbers becomes a heading."""
    line = re.sub(r"^(\s*\d+)[):](?=\s)", r"\1", line)
    line = re.sub(r"^\s*([\w.]+)\s*=\s*[\[{]\s*$", r"\1", line)  # `x = [`, and its end
    line = re.sub(r"^\s*[\]}][;,]?\s*$", "", line)
    line = re.sub(r"^\s*[\w.]+\s*(?:<-|=)\s*c\((.*)\)\s*$", r"[\1]", line)
    line = re.sub(r"^\s*[-\u2022]\s+(?=\d)", "", line)
    line = re.sub(r"^\s*\((?:-?\d+[ ,]*){1,3}\)\s+(?=\d)", "0 ", line)  # h k l
    line = re.sub(r"\b(?:np|numpy)\.array\((.*)\)\s*$", r"\1", line)
    if _EQUATIONS.fullmatch(line):  # `d = 3.44 I = 100`
        names, numbers = zip(*re.findall(r"([A-Za-z][\w/]*)\s*=\s*([\d.]+)", line))
        return (
            ["\t".join(names), "\t".join(numbers)] if column_name(names[0]) in POSITIONS else [line]
        )
    pairs = _PAIR.findall(line)
    if len(pairs) >= _FEWEST and not re.search(r"\d", _PAIR.sub("", line)):
        return [f"{value} {height}" for value, height in pairs]
    pairs = _WITH_INTENSITY.findall(line)
    if len(pairs) > 2 and not re.search(r"\d", _WITH_INTENSITY.sub("", line)):
        name = re.split(r"[:=]", line)[0]
        named = column_name(name.strip()) in POSITIONS
        if _are_indices([behind for _, behind in pairs]):
            return [name] * named + [value for value, _ in pairs]
        head = [f"{name}; I"] * named
        return head + [f"{value} {height}" for value, height in pairs]
    found = _NAMED.match(_TOLERANCE.sub("", line))
    if found and column_name(found[1].strip()) in POSITIONS:
        numbers = found[2].strip(" ,;[]")
        if re.search(r"\d\.\d", numbers):
            return [found[1].strip(), *filter(None, re.split(r"[,;\s]+", numbers))]
        parts = (part.strip(",").replace(",", ".") for part in re.split(r"[;\s]+", numbers))
        return [found[1].strip(), *filter(None, parts)]
    bare = line.strip().rstrip(",;")
    if bare[:1] in ("[", "(") and bare[-1:] in ("]", ")") and len(bare.split(",")) > 1:
        return [bare.strip("[]()")]
    return [line]
