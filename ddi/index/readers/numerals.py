"""Numbers as people write them: grouped thousands, decimal commas in quotes, degrees and minutes of
arc, powers of ten, units and marks behind a number, intensities in brackets. Put into plain ones.
"""

import re

from ddi.base.errors import DDIError

_MOST_ABOVE = 5  # lines among which names of columns are looked for; chosen
_FEWEST = 6  # lines written alike; chosen
_QUOTED = re.compile(r'"([+-]?\d+),(\d+)"')
_CELL = re.compile(r'"[^"]*"')
_THOUSANDS = re.compile(
    r"(?<=\d)[\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))"  # Swiss, and blanks that nobody types
    r"|(?:(?<=[\t;])|^)(\d{1,3}(?: \d{3})+(?:[.,]\d+)?)(?=[\t;]|$)"
    r'|"(\d{1,3}(?:,\d{3})+\.\d*)"'
)
_GERMAN = re.compile(r"(?<=[\t;])\d{1,3}(?:\.\d{3})+,\d+(?=[\t;]|$)")
_GROUPED = re.compile(r"(?:(?<=[\t;])|^)[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?=[\t;]|$)")
_AFTER_BLANKS = re.compile(r"(?<=\s)[1-9]\d{0,2}(?:,\d{3})+(?=\s|$)")
_NUMERIC = re.compile(r"(?=.*\d)[\s\d.,;%+\-]+")
_POINTS = re.compile(r"(?<![\d.,])(\d+)\.(\d+)(?![\d.,])")
# what stands behind a number: its unit, or a mark of doubt before the next number
_BEHIND = re.compile(
    r"(?<=\d)\s*(?:[\u00b0\u00c5\u212b]|deg\.?)(?=[\s;,\"]|$)|(?<=\d)[*?](?=\s+[\d.])"
    r"|(?<=\d)(?:sh|br|v?[bsw])(?=[\s;,]|$)"
    r"|(?:(?<=\s\d)|(?<=\s\d\d)|(?<=\s\d{3}))\+(?=\s*$)"
)
_BROAD = re.compile(r"(\d\.\d+)[BD](?=[\s;,]|$)")  # broad and diffuse, of cards
_STRENGTH = re.compile(r"(?<=\d)\s+\((?:v{0,2}[swm]|sh|br)\)(?=\s*[;,]|\s*$)")  # `3.44 (vs)`
# degrees, minutes and seconds of arc, as films were read: `19\u00b058'`, `19 58' 30"`
_OF_ARC = re.compile(
    r"(?<![\w.])(\d{1,3})(?:\s?[\u00b0\u00ba]\s?|\s)([0-5]?\d(?:\.\d+)?)\s?['\u2019\u2032]"
    r"(?:\s?([0-5]?\d(?:\.\d+)?)\s?(?:\"|\u201d|\u2033|''))?(?!\d)"
)
_TWO_COLUMNS_OF_ARC = re.compile(r"(?i)[\W\d]*(?:2?theta\W+)?deg(?:rees?)?\W+min(?:utes?)?\b")
_IN_BRACKETS = re.compile(r"(?<=\d)\((\d{1,3})\)")
_FACTOR = re.compile(r"\s*1\.0e([+-]\d\d)\s*\*\s*")
_CAPTION = re.compile(
    r"^(\s*)(?:d ?= ?[\d.,]+|[Pp]eak #?\d+[ \t]*[:=]?|%_\d+[ \t]+\w+)(?=[\t;]|(?<=[:=]))"
)


def plain_numbers(name, lines):
    """Return the lines with their numbers written plainly.

    Raises
    ------
    DDIError
        If quoted commas may group thousands, or columns are of degrees and of minutes.
    """
    if any(_TWO_COLUMNS_OF_ARC.match(line) for line in lines[:_MOST_ABOVE]):
        raise DDIError(f"{name} has columns of degrees and of minutes; write decimal degrees")
    lines = _scaled(_without_points(lines))
    if _are_intensities([one for line in lines for one in _IN_BRACKETS.findall(line)]):
        lines = [_IN_BRACKETS.sub(r" (\1)", line) for line in lines]
    lines = [_plain_line(line) for line in lines]
    return _decimal_points(name, lines) if any('"' in line for line in lines) else lines


def _are_intensities(brackets):
    """Whether numbers in brackets are relative intensities and no standard deviations: nobody
    writes one of a hundred last digits, and the strongest line has that.
    """
    return len(brackets) >= _FEWEST and max(map(int, brackets)) == 100


def _without_points(lines):
    """The lines without the points that group thousands beside decimal commas: each has three
    digits behind it, and a number is too large for a spacing.
    """
    rows = [line for line in lines if _NUMERIC.fullmatch(line)]
    points = [pair for row in rows for pair in _POINTS.findall(row)]
    commas = re.findall(r"\d,(\d+)", "\n".join(rows))
    grouped = len(points) >= _FEWEST and all(len(tail) == 3 for _, tail in points)
    if not grouped or len(commas) < _FEWEST or max(int(whole) for whole, _ in points) < 100:
        return lines
    return [_POINTS.sub(r"\1\2", line) if _NUMERIC.fullmatch(line) else line for line in lines]


def _scaled(lines):
    """The lines without a common factor above them, `1.0e+03 *`, as MATLAB prints it."""
    at = next((k for k, line in enumerate(lines) if _FACTOR.fullmatch(line)), None)
    if at is None:
        return lines
    power = int(_FACTOR.fullmatch(lines[at])[1])
    rows = [
        re.sub(r"\S+", lambda one: f"{float(one[0]) * 10**power:.8g}", line)
        if re.fullmatch(r"(?:\s*-?\d+\.?\d*)+\s*", line)
        else line
        for line in lines[at + 1 :]
    ]
    return [*lines[:at], *rows]


def _plain_line(line):
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
        line = _GROUPED.sub(_without_commas, line)
        if "," not in _AFTER_BLANKS.sub("", line):
            line = _AFTER_BLANKS.sub(_without_commas, line)
    line = re.sub(r"(?<![\w.])[<~\u2248](?=\d)", "", line)  # `<1`
    line = _STRENGTH.sub("", line)
    return _CAPTION.sub(r"\g<1>0", _BEHIND.sub("", _BROAD.sub(r"\1", line)))


def _without_commas(found):
    return found[0].replace(",", "")


def _in_degrees(found):
    """Degrees of `19\u00b058'30"`, with a decimal point."""
    degrees, minutes, seconds = (float(part or 0) for part in found.groups())
    return f"{degrees + minutes / 60 + seconds / 3600:.5f}"


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


def _unbroken(cell):
    """A quoted cell with separators in it, without them."""
    return re.sub(r"[,;\s]", "_", cell[0]) if re.search(r"[,;]", cell[0]) else cell[0]
