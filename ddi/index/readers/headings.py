"""What the names of columns mean, with their units, and numbers with their uncertainty."""

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
    "ii0 relint cts cps yobs intcps inta heightcts net netintensity",
    "sigma": "sigma sig esd error err uncertainty sigmapos posesd",
}
_COLUMN = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
POSITIONS = ("q2", "q?", "q", "q2pi", "d", "2theta", "theta")
_GREEK = str.maketrans(
    {"\u03b8": "theta", "\u03d1": "theta", "\u0398": "theta", "\u00b2": "2", "\u00f6": "o"}
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?(\((\d+)\))?")


class Heading(NamedTuple):
    """What the names of columns mean."""

    names: tuple  # a name of `_ALIASES` or None for each column
    scale: float  # of the position, to Angstrom or 1/Angstrom
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
    where = next(k for k, name in enumerate(names) if name in POSITIONS)
    return Heading(names, _scale(fields[where], names[where]), bool(separated))


def _words(line):
    """Split a heading at blanks, but keep `2 theta`, `d [nm]` and `q (1/A)` together."""
    line = re.sub(r"(?i)\b2[ -]*(theta|th)\b", "2theta", line.translate(_GREEK))
    line = re.sub(r"(?i)\bd\s+(?=(value|spacing|wert|obs)\b)", "d", line)
    line = re.sub(r"(?i)\b(net|gross|rel\.?|integrated)\s+(?=[a-z])", r"\1", line)
    line = re.sub(r"\s+(?=[\[(])", "", line)
    return re.sub(r"[\[(][^\])]*[\])]", lambda unit: unit[0].replace(" ", ""), line).split()


def column_name(field):
    """The meaning of one name of a column, or None."""
    plain = field.lower().translate(_GREEK)
    plain = re.sub(r"[\[(][^\])]*[\])]?|/(deg|a|å)\w*$|,?\s*(deg|degrees|°)\.?$", "", plain)
    key = re.sub(r"[^a-z0-9]", "", plain)
    if re.search(r"\[\s*°\s*2\s*th|[\[(]deg.*2th", field.lower().translate(_GREEK)):
        return "2theta" if key in ("pos", "position", "") else None
    return _COLUMN.get(key)


def _scale(field, name):
    """The factor to Angstrom or 1/Angstrom that the unit of a name means."""
    unit = field.lower()
    if not re.search(r"nm|nanom", unit) or name in ("2theta", "theta"):
        return 1.0
    return {"d": 10.0, "q2": 0.01}.get(name, 0.1)


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
