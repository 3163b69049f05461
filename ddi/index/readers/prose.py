"""A list that stands in a sentence: `peaks at 2theta = 30.1, 35.5, ... and 62.6 correspond to ...`.

Only a text that is no table is read so, and only if it holds one such list and no other number that
could belong to it.
"""

import re

import numpy as np

from ddi.index.readers.headings import Heading, column_name

_LONGEST = 5000  # characters of a text of sentences; chosen
_FEWEST = 4  # positions
_BEFORE = 60  # characters before the list in which its name is looked for; chosen
_DEGREES = "\u00b0\u00ba\u2070\u02da"  # the sign and what is taken for it
_VALUE = rf"\d+(?:\.\d+)?\s?[{_DEGREES}]?"
_BRACKETS = r"(?: ?,? ?\((?:[-\d\s,;%]*|v{0,2}[swm]|sh|br)\)){0,2}"  # intensity and indices
_STRENGTH = r"(?: (?:v{0,2}[swm]|sh|br)\b)?"
_AND = r"(?:and|und|et|y|e|&)\s"
_ABOUT = r"(?:about |ca\.? |approximately |~ ?)?"
_BETWEEN = rf"(?: ?[,;\n]\s?(?:{_AND})?|\s{_AND}|(?<=\)) ){_ABOUT}"
_ITEM = rf"{_VALUE}{_BRACKETS}{_STRENGTH}"
_LIST = re.compile(rf"(?<![\w.\-/]){_ITEM}(?:{_BETWEEN}{_ITEM})*(?![\w/%])")
_POSITION = re.compile(rf"(\d+(?:\.\d+)?)\s?([{_DEGREES}]?){_BRACKETS}")
_NAMES = r"2\s?-?(?:\u03b8|\u03d1|[Tt]heta)|\bd(?:[- ](?:spacings?|values?))?\b"
_NAME = re.compile(_NAMES)
_EQUATION = re.compile(rf"(?:{_NAMES})[^=\w]*=\s*$")
_UNIT = re.compile(r"\bd\s*(?:in\s|[/\[(,])\s*([np]m)\b[^=:]*[=:]?\s*$")
_HEIGHT = re.compile(r"(?<=[\d.\u00b0]) ?,? ?\((\d{1,3}) ?%?\)")
_ONE_A_LINE = re.compile(r"[^,;\s]\n(?!(?:and|und|et|y|e)\s)")
_BROKEN = re.compile(r"\d\S*[,;]\s*$")  # a word with digits that the list would go on from
_CONTINUED = re.compile(r"\s*(?:[,;]|\band\b)\s*[^\s(\[]*\d")
_MATHEMATICS = re.compile(r"\$([^$\n]*)\$")
_TOLERANCE = re.compile(r"\(?\s*\u00b1\s*[\d.]+\s*[%s]?\s*\)?" % _DEGREES)


def in_sentence(text):
    """The positions of a list in a sentence, and intensities behind them, (n, columns), and their
    `Heading` or None; or None.

    Examples
    --------
    >>> in_sentence("Peaks at d = 3.14, 1.92, 1.64 and 1.36 are of silicon.")[0][:, 0].tolist()
    [3.14, 1.92, 1.64, 1.36]
    """
    if len(text) > _LONGEST:
        return None
    text, commas = _bare(text)
    lists = [found for found in _LIST.finditer(text) if _positions(found[0])]
    long = [found for found in lists if len(_positions(found[0])) >= _FEWEST]
    if len(long) != 1:
        return None
    start, end = long[0].span()
    values = [value for value, _ in _positions(long[0][0])]
    rises = values[0] < values[-1]
    steps = np.diff(values) * (1 if rises else -1)
    others = [float(value) for value in re.findall(r"\d+\.\d+", f"{text[:start]} | {text[end:]}")]
    if (steps <= 0).any() or any((value > values[0]) == rises for value in others):
        return None
    if _BROKEN.search(text[:start]) or _CONTINUED.match(text[end:]):
        return None
    alone = re.search(r"(?:^|[\n:=])\s*$", text[:start]) and not text[end:].strip() and not others
    if _ONE_A_LINE.search(long[0][0]) and (commas or not alone):
        return None  # a table with a row that is none, or `15,917` that may be two columns
    if re.search(r"=\s*$", text[:start]) and not _EQUATION.search(text[:start]):
        return None  # `a = 5.43, 5.44`
    named = [found[0] for found in _NAME.finditer(text, 0, start) if start - found.end() < _BEFORE]
    name = column_name(named[-1]) if named else None
    scale = 1.0
    if name == "d" and re.search(r"\b[np]m\b", text):
        unit = _UNIT.search(text[:start])
        if not unit or len(re.findall(r"\b[np]m\b", text)) > 1:
            return None  # in which unit is not told where it would be looked for
        scale = 10.0 if unit[1] == "nm" else 0.01
    told = re.search(r"\(I\b|[Ii]nt", text[:start])
    heights = _intensities(long[0][0], len(values), bool(told))
    columns = [values] if heights is None else [values, heights]
    names = (name, "intensity")[: len(columns)]
    heading = Heading(names, (scale, 1.0)[: len(columns)], False) if name else None
    return np.array(columns).T, heading


def _intensities(words, count, told):
    """The relative intensity in brackets behind each position, (n,), or None where nothing has told
    of them and none is 100.
    """
    found = [int(height) for height in _HEIGHT.findall(words)]
    return found if len(found) == count and (told or max(found) == 100) else None


def _bare(text):
    """A text without tolerances, mathematics and needless blanks, and whether its commas were
    decimal ones and are points now.
    """
    text = _TOLERANCE.sub(" ", _MATHEMATICS.sub(_without_mathematics, text))
    text = re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", "\n", text))
    commas = not re.search(r"\d\.\d", text) and len(re.findall(r"\d,\d", text)) >= _FEWEST
    return re.sub(r"(?<=\d),(?=\d)", ".", text) if commas else text, commas


def _positions(words):
    """(value, whether it looks like a position) of each number of a list; none if a number at its
    ends is whole, as those of figures and phases are.
    """
    pairs = [(float(value), "." in value or bool(sign)) for value, sign in _POSITION.findall(words)]
    return pairs if pairs and pairs[0][1] and pairs[-1][1] else []


def _without_mathematics(found):
    """`3 1 . 8 5 ^ { \\circ }` without blanks and macros."""
    bare = re.sub(r"[\s{}^]|\\[,;!]", "", found[1].replace("\\circ", "\u00b0"))
    return bare.replace("\\theta", "\u03b8")
