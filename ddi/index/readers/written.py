"""Ways of writing a table that are none of a table of numbers: pipes, brackets, quoted decimal
commas, grouped thousands, units and marks behind numbers, `1)`, a name before the numbers, empty
cells. Put into plain rows, so that no column moves.
"""

import re

from ddi.base.errors import DDIError
from ddi.index.readers.cells import in_columns, in_rows, turned, whole_cells
from ddi.index.readers.headings import POSITIONS, column_name
from ddi.index.readers.literals import in_pairs

_QUOTED = re.compile(r'"([+-]?\d+),(\d+)"')
_CELL = re.compile(r'"[^"]*"')
_NAMED = re.compile(r"^\s*([^:=\d][^:=]*|[12] ?[^:=\d\s][^:=]*)[:=]\s*([\d.,;\s+\-eE()\[\]]+)$")
_MARKS = "#!%'/*"
_MOST_ABOVE = 5  # lines above a count of rows; chosen
_THOUSANDS = re.compile(
    r"(?<=\d)[\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))"  # Swiss, and blanks that nobody types
    r"|(?:(?<=[\t;])|^)(\d{1,3}(?: \d{3})+(?:[.,]\d+)?)(?=[\t;]|$)"
    r'|"(\d{1,3}(?:,\d{3})+\.\d*)"'
)
_GERMAN = re.compile(r"(?<=[\t;])\d{1,3}(?:\.\d{3})+,\d+(?=[\t;]|$)")
_IN_TABS = re.compile(r"(?:(?<=[\t;])|^)\d{1,3}(?:,\d{3})+(?:\.\d+)?(?=[\t;]|$)")
# what stands behind a number: its unit, or a mark of doubt before the next number
_BEHIND = re.compile(
    r"(?<=\d)\s*(?:[\u00b0\u00c5\u212b]|deg\.?)(?=[\s;,\"]|$)|(?<=\d)[*?](?=\s+[\d.])"
    r"|(?<=\d)(?:sh|br|v?[bsw])(?=[\s;,]|$)"
)
_BROAD = re.compile(r"(\d\.\d+)[BD](?=[\s;,]|$)")  # broad and diffuse, of cards
_STRENGTH = re.compile(r"(?<=\d)\s+\((?:v{0,2}[swm]|sh|br)\)(?=\s*[;,]|\s*$)")  # `3.44 (vs)`
# degrees, minutes and seconds of arc, as films were read: `19\u00b058'`, `19 58' 30"`
_OF_ARC = re.compile(
    r"(?<![\w.])(\d{1,3})(?:\s?[\u00b0\u00ba]\s?|\s)([0-5]?\d(?:\.\d+)?)\s?['\u2019\u2032]"
    r"(?:\s?([0-5]?\d(?:\.\d+)?)\s?(?:\"|\u201d|\u2033|''))?(?!\d)"
)
_TWO_COLUMNS_OF_ARC = re.compile(r"(?i)[\W\d]*(?:2?theta\W+)?deg(?:rees?)?\W+min(?:utes?)?\b")
_CAPTION = re.compile(
    r"^(\s*)(?:d ?= ?[\d.,]+|[Pp]eak #?\d+[ \t]*[:=]?|%_\d+[ \t]+\w+)(?=[\t;]|(?<=[:=]))"
)
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
_LATEX = re.compile(
    r"\\\\.*$|\\(?:h|top|mid|bottom)(?:line|rule)|\\(?:begin|end)\{.*|\$|\\(?=theta)"
    r"|\\(?:mathrm|mathit|text|num)\b|[{}_]|\\[,;!]|\\(?=%)|\^(?=\\circ)"
)
_PAIR = re.compile(r"[\[({]\s*(-?\d+\.?\d*)\s*,\s*(-?\d+\.?\d*)\s*[\])}]")
_TOLERANCE = re.compile(r"(?<=[\d\s(])\(?\u00b1[\d.]+\s*\u00b0?\)?\s*$")  # behind a whole list
_EQUATIONS = re.compile(r"\s*(?:[A-Za-z][\w/]*\s*=\s*\d+\.?\d*[\s,;]*){2,}")
_SLASHES = re.compile(r"(?<=\d)\s*/\s*(?=\d+\.\d)")


def without_count(lines):
    """The lines without one above the rows that holds nothing but how many they are."""
    for k, line in enumerate(lines[:_MOST_ABOVE]):
        if re.fullmatch(r"\s*\d{1,7}\s*", line) and int(line) >= 6:
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
    if any(_TWO_COLUMNS_OF_ARC.match(line) for line in lines[:_MOST_ABOVE]):
        raise DDIError(f"{name} has columns of degrees and of minutes; write decimal degrees")
    lines = [_plain_numbers(line) for line in in_pairs(lines)]
    if any('"' in line for line in lines):
        lines = _decimal_points(name, lines)
    if sum("&" in line and "\\\\" in line for line in lines) > 0.5 * len(lines):
        lines = [_without_latex(line).replace("&", "\t") for line in lines]
    if sum("|" in line for line in lines) > 0.5 * len(lines):
        lines = [line.replace("||", "|") if line.startswith("||") else line for line in lines]
        lines = [
            line.strip().strip("|").replace("|", "\t").replace("**", "")
            for line in lines
            if not _is_rule(line)
        ]
        lines = [re.sub(r"^\s*#\s*(?=\t)", "No", line) for line in lines]
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


def _plain_numbers(line):
    """A line without groups of thousands and without what stands behind its numbers."""
    line = re.sub(r"^\s*\[\d{1,5}\]\s+(?=\d)", "", line)  # R's count of the numbers printed
    line = re.sub(r"(?<=\d)\u00b7(?=\d)", ".", line)
    line = _OF_ARC.sub(_in_degrees, line)
    line = re.sub(r"[ \t]*(?:\u00b1|\+/-|\+-)[ \t]*", "\u00b1", line)
    line = re.sub(r"(?<=\d)[ \t]+\((0?\.0\d+)\)", "\u00b1\\1", line)  # `8.197 (0.003)`
    line = re.sub(r"(?<=\d) ?[\u00d7x*] ?10\^([+-]?\d+)", r"e\1", line)
    line = _GERMAN.sub(lambda found: found[0].replace(".", ""), line)
    line = _THOUSANDS.sub(lambda found: re.sub(r"[\s\",'\u2019]", "", found[0]), line)
    if re.search(r"\d\.\d", line):  # so a comma is no decimal one
        line = _IN_TABS.sub(lambda found: found[0].replace(",", ""), line)
    line = re.sub(r"(?<![\w.])[<~\u2248](?=\d)", "", line)  # `<1`
    line = _STRENGTH.sub("", line)
    return _CAPTION.sub(r"\g<1>0", _BEHIND.sub("", _BROAD.sub(r"\1", line)))


def _in_degrees(found):
    """Degrees of `19\u00b058'30"`, with a decimal point."""
    degrees, minutes, seconds = (float(part or 0) for part in found.groups())
    return f"{degrees + minutes / 60 + seconds / 3600:.5f}"


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
        or any(_UNITS.fullmatch(row[2].strip()) for row in behind)
        or not plain
        and any("," in row[2] for row in behind)  # a table of another kind
    ):
        return lines
    widths = {len(re.split(r"[\s,;]+", " ".join(row).strip(" ,;"))) for row in plain}
    widths |= {len(re.split(r"[\s,;]+", row[1].strip())) for row in behind}
    if len(widths) > 1:
        return lines
    return [row[1] if row else line for row, line in zip(found, lines)]


def _decimal_points(name, lines):
    """Quoted numbers with a comma: decimal ones, unless they look like grouped thousands."""
    quoted = [found for line in lines for found in _QUOTED.findall(line)]
    points = any(re.search(r"\d\.\d", line) for line in lines if _QUOTED.search(line))
    if quoted and points and all(len(tail) == 3 for _, tail in quoted):
        raise DDIError(
            f'{name}: "{quoted[0][0]},{quoted[0][1]}" seems to group thousands with commas; take '
            "them out"
        )
    lines = [_QUOTED.sub(r"\1.\2", line) for line in lines]
    return [_CELL.sub(_unbroken, line) for line in lines]


def _without_latex(line):
    line = line.replace("\\AA", "\u00c5").replace("\\circ", "\u00b0").replace("\\num", "")
    return _LATEX.sub("", line)


def _unbroken(cell):
    """A quoted cell with separators in it, without them."""
    return re.sub(r"[,;\s]", "_", cell[0]) if re.search(r"[,;]", cell[0]) else cell[0]


def _is_rule(line):
    """A line of dashes below the heading of a table with pipes."""
    return bool(re.fullmatch(r"[\s|:+=-]+", line)) and "-" in line


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
