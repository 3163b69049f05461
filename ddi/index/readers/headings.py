"""What the names of columns mean, with their units, and numbers with their uncertainty."""

import math
import re
from typing import NamedTuple

_ALIASES = {
    "d": "d dobs dspacing dvalue dwert dhkl dexp dmeas da",
    "2theta": "2theta 2th 2thetaobs tth twotheta ttheta 2thobs 2thetadeg angle pos position "
    "2thetaangle angle2theta 2thetascale 2thdeg 2thetadegrees tthdeg",
    "theta": "theta th thetadeg",
    "q2": "q2 q2obs qsquared 1d2 q2calc",
    "q?": "q qobs qvalue s scatteringvector",
    "q": "1d",
    "q2pi": "2pid 2pi/d",
    "intensity": "intensity int i iobs height hohe area counts irel relintensity intensities "
    "hauteur altura altezza ii0 relint cts cps yobs intcps inta heightcts net netintensity",
    "sigma": "sigma sig esd error err uncertainty sigmapos posesd",
}
_COLUMN = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
POSITIONS = ("q2", "q2e4", "sin2", "q?", "q", "q2pi", "d", "2theta", "theta")
_GREEK = str.maketrans(
    {
        "\u03b8": "theta",
        "\u03d1": "theta",
        "\u0398": "theta",
        "\u00b2": "2",
        "\u2074": "4",
        "\u00d7": "x",
        "\u00f6": "o",
    }
)
_TEN_THOUSAND = re.compile(
    r"(10\^?4|10000|1e4)[*x]?(q|/?d\^?2|/d)|^q\w*[=(]*[x*]?\(?(10\^?4|10000|1e4)"
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?(\((\d+)\))?")


class Heading(NamedTuple):
    """What the names of columns mean."""

    names: tuple  # a name of `_ALIASES` or None for each column
    scales: tuple  # of each column, to Angstrom, 1/Angstrom, 1/Angstrom^2 or degrees
    separated: bool  # by commas, semicolons or tabs, so that blanks belong to the names


def heading(line):
    """Return the `Heading` of a line that names a position, or None."""
    separated = re.search(r"[,;\t]", line)
    fields = [
        field.strip(" \"'")
        for field in (re.split(r"[,;\t]+", line) if separated else _words(line))
        if field.strip(" \"'")
    ]
    names = tuple(column_name(field) for field in fields)
    if not any(name in POSITIONS for name in names) or all(_number(field) for field in fields):
        return None
    scales = tuple(_scale(field, name) for field, name in zip(fields, names))
    names = tuple("q2" if name == "q2e4" else name for name in names)
    return Heading(names, scales, bool(separated))


def _words(line):
    """Split a heading at blanks, but keep `2 theta`, `d [nm]` and `q (1/A)` together."""
    line = re.sub(r"(?i)\b2[ -]*(theta|th)\b", "2theta", line.translate(_GREEK))
    line = re.sub(r"(?i)\bq\s*[*x]\s*(?=10\^?4\b)", "qx", line)
    line = re.sub(r"(?i)\b(10\^?4|1e4)\s*[*x]?\s*(?=q\b)", r"\1", line)
    line = re.sub(r"(?i)\bd\s+(?=(value|spacing|wert|obs)\b)", "d", line)
    line = re.sub(r"(?i)\b(net|gross|rel\.?|integrated)\s+(?=[a-z])", r"\1", line)
    line = re.sub(r"\s+(?=[\[(])", "", line)
    return re.sub(r"[\[(][^\])]*[\])]", lambda unit: unit[0].replace(" ", ""), line).split()


def column_name(field):
    """The meaning of one name of a column, or None."""
    plain = field.lower().translate(_GREEK)
    bare = re.sub(r"\s+", "", plain)
    if _TEN_THOUSAND.search(bare):
        return "q2e4"
    if re.match(r"sin\^?2?\^?\(?(theta|th)", bare):
        return "sin2" if "2" in bare else None
    unit = r"[/_](deg|a|å|nm|pm)[-\u207b^\d\u00b9]*\w*$"
    plain = re.sub(rf"[\[(][^\])]*[\])]?|{unit}|,?\s*(deg|degrees|°)\.?$", "", plain)
    key = re.sub(r"[^a-z0-9]", "", plain)
    if re.search(r"\[\s*°\s*2\s*th|[\[(]deg.*2th", field.lower().translate(_GREEK)):
        return "2theta" if key in ("pos", "position", "") else None
    return _COLUMN.get(key)


def _scale(field, name):
    """The factor to Angstrom, 1/Angstrom, 1/Angstrom^2 or degrees that the unit of a name means."""
    unit = field.lower()
    if name in ("2theta", "theta"):
        radian = re.search(r"\b(m?)rad\b", unit)
        return 1.0 if not radian else math.degrees(0.001 if radian[1] else 1.0)
    if name not in POSITIONS or name == "sin2":
        return 1.0
    factor = 10.0 if re.search(r"nm|nanom", unit) else 0.01 if re.search(r"\bpm\b", unit) else 1.0
    power = {"d": 1, "q2": -2, "q2e4": -2}.get(name, -1)
    return factor**power * (1e-4 if name == "q2e4" else 1.0)


def _number(field):
    """A number and its standard deviation (None if not given), or None."""
    if "\u00b1" in field:
        pair = [number(part) for part in field.split("\u00b1")]
        return tuple(pair) if len(pair) == 2 and None not in pair else None
    match = _NUMBER.fullmatch(field.strip(" \"'"))
    if not match:
        return _unusual(field)
    mantissa = match[1] + (match[2] or "").replace("d", "e").replace("D", "e")
    value = float(("-" if match[0][0] == "-" else "") + mantissa)
    if not match[4]:
        return value, None
    decimals = len(match[1].partition(".")[2])
    return value, float(match[4]) * 10.0**-decimals


def _unusual(field):
    """nan, inf and what else Python reads as a number."""
    try:
        return float(field.replace("_", "x")), None
    except ValueError:
        return None


def number(field):
    """The number that a field is, or None."""
    found = _number(field)
    return found[0] if found else None
