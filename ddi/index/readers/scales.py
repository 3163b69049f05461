"""Units behind the names of columns: their factors, and those that no position has."""

import math
import re

from ddi.index.readers.vocabulary import POSITIONS

_ANGLES = {"gon": 0.9, "arcmin": 1 / 60, "arcsec": 1 / 3600, "mdeg": 0.001, "mrad": 0.18 / math.pi}
_ANGLES |= {"rad": 180 / math.pi}
_UNIT_OF_ANGLE = re.compile(rf"(?<![a-z])({'|'.join(_ANGLES)})(?![a-z])")
_PART_OF_DEGREE = re.compile(r"[\[(]\s*(0?\.\d+)\s*(?:deg|\u00b0)")
_NO_LENGTH = re.compile(r"[\[(,/]\s*(?:[\u00b5\u03bcumc]m|mi(?:cro|kro)\w*)\s*[\])]?\s*$")
KX = 1.00202  # A; as of 1947 (Bragg, J. Sci. Instrum. 24, 27)
_NO_ANGLE = re.compile(
    r"[\[(,/]\s*(?:[mc]m|ch(?:annels?)?|pixels?|px|steps?|turns?|points?)\s*[\])]?\s*$"
)


def is_none(plain, name):
    """Whether a name of an angle or a spacing has the unit of something else: channels, microns."""
    unit = {"2theta": _NO_ANGLE, "theta": _NO_ANGLE, "d": _NO_LENGTH}.get(name)
    return unit is not None and unit.search(plain) is not None


def scale_of(unit, name):
    """The factor to Angstrom, 1/Angstrom, 1/Angstrom^2 or degrees that a column's unit means."""
    if name in ("2theta", "theta"):
        part = _PART_OF_DEGREE.search(unit)
        other = _UNIT_OF_ANGLE.search(unit)
        return float(part[1]) if part else _ANGLES[other[1]] if other else 1.0
    if name == "sin2":
        power = re.search(r"(?:^|[*x])\s*(?:10\^?|1e)([2-6])(?!\d)", unit)
        return 10.0 ** -int(power[1]) if power else 1.0
    if name not in POSITIONS:
        return 1.0
    of_sine = re.match(r"sin\^?2?theta/lambda", re.sub(r"[\s()]", "", unit))
    sines = {"q2": 4.0}.get(name, 2.0) if of_sine else 1.0
    if name == "d" and re.search(r"\bkx\b", unit):
        return KX
    factor = 10.0 if re.search(r"nm|nanom", unit) else 0.01 if re.search(r"\bpm\b", unit) else 1.0
    power = {"d": 1, "q2": -2, "q2?": -2, "q2e4": -2}.get(name, -1)
    return factor**power * sines * (1e-4 if name == "q2e4" else 1.0)
