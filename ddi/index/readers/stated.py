"""What remarks above the numbers state: wavelength, radiation, what q means, another axis; a
wavelength alone in its line, and words behind the numbers.
"""

import re

from ddi.forward.bragg import anode
from ddi.index.instrument import as_wavelength
from ddi.index.peaks import FEWEST, MOST
from ddi.index.readers.headings import number
from ddi.index.readers.unnamed import in_order

_NUMBER = r"[^\d\n]{0,24}?(\d+,\d{3,}|\d*\.\d+(?:[eE][+-]?\d+)?)[ \t]*(nm|pm|m)?\b"
_WAVELENGTH = re.compile(
    r"(?:(?:wave[ _]?length|lambda|\bwl|\u03bb)[ _-]?1?|(?:alpha|\u03b1)[ _-]?1)\)?(?![\d.])"
    rf"{_NUMBER}",
    re.I,
)
_ANGSTROM = {"nm": 10.0, "pm": 0.01, "m": 1e10, "": 1.0}  # in each unit
_TUBE = r"\b(cu|co|fe|cr|mo|ag)[ _-]*k[ _-]*(?:a|alpha|\u03b1)[ _-]*([12]?)(?![a-z\d])"
_ANODE = (
    r"(?:(?<![a-z])anode(?: material)?|target(?:[ _]name)?|(?<![a-z])radiation)[\s\"':=,;]{1,20}"
    r"(cu|co|fe|cr|mo|ag)\b"
)
_COLUMN = r"2[ -]?(?:theta|th|\u03b8)\s?[\[(_,/ ]{1,2}\s?(cu|co|fe|cr|mo|ag)(?![b-jl-z])"
_OTHER = set(
    "omega chi phi psi rocking wavenumber ramanshift wave wavelength energy ev kev channel time "
    "timeofflight tof temperature field pixel radius distance r gr bindingenergy".split()
)

_OTHER_UNIT = re.compile(
    r"[\w ,.]{1,20}[\[(/]\s*(k?eV|cm\s*\^?[-\u2212\u207b](1|\u00b9)|[m\u00b5\u03bcu]?s|sec|K"
    r"|pixels?)\s*[\])]?\s*|r ?[\[(]\$?(?:\\AA|\u00c5|A)\$?[\])]|XUNITS\s*:\s*k?eV"
)
_MOST_LINES = 400  # of a list; chosen
_MOST_WORDS = 4  # that are quoted, of
_LONGEST_WORD = 30  # characters
_WORD = re.compile(
    r"[\s|\"'\[({]*\d{1,5}[.,]\d[^A-Za-z#!*%\n]{0,80}?[\s,;|(\[\"'&]"
    r"([^\W\d_][^#!*%|\t\n\";]{0,60}|\?+(?=\s|$))"
)
_FEWEST_ROWS = 60  # below a wavelength that stands alone; chosen
_FAR = 3.0  # wavelengths: no list in which a tube's stands has positions below; chosen
_WITH_TUBE = re.compile(r"radiation\s*[:=]\s*[a-z]{0,2}[\s,]{0,4}(\d\.\d{3,})\b", re.I)


def stated_wavelength(text):
    """The wavelength in Angstrom that a remark states, or None."""
    for digits, unit in _WAVELENGTH.findall(text):
        value = float(digits.replace(",", ".")) * _ANGSTROM[unit.lower()]
        value = value * 1e10 if value < 1e-8 else value  # metres without their unit
        if 0.01 < value < 100:
            return value
    if beside := _WITH_TUBE.search(text):  # `Radiation : Cu , 1.54060`
        return float(beside[1])
    energy = re.search(
        r"\benergy\b(?:[^\d\n]{0,12}?\bkeV\b)?[^\d\n]{0,12}?(\d+\.?\d*)\s*(keV\b)?", text, re.I
    )
    if energy and "kev" in energy[0].lower():
        return as_wavelength(f"{energy[1]} keV")
    named = {(anode.lower(), line) for anode, line in re.findall(_TUBE, text, re.I)}
    named = named or {(tube.lower(), "1") for tube in re.findall(_ANODE, text, re.I)}
    named = named or {(tube, "1") for tube in tubes_of_columns(text)}
    return as_wavelength("Ka".join(named.pop())) if len(named) == 1 else None


def tubes_of_columns(text):
    """The tubes that names of columns tell, sorted: of `2theta (Co)`, `2theta (Cu)` co and cu."""
    return sorted({tube.lower() for tube in re.findall(_COLUMN, text, re.I)})


def stated_radiation(text):
    """The radiation that a remark names, or None."""
    for word, radiation in (
        (r"neutron", "neutron"),
        (r"synchrotron|beam ?line", "synchrotron"),
        (r"monochromati[cs]|k-?a(?:lpha)?1 only|monochromator.*\bge(rmanium)?\b", "monochromatic"),
    ):
        if re.search(word, text, re.I):
            return radiation
    return None


def states_two_pi(text):
    """Say whether a remark defines q as 2 pi/d or 4 pi sin(theta)/lambda."""
    return bool(re.search(r"\b[24] ?\*? ?(?:pi|\u03c0)\b", text, re.I))


def states_inverse_nm(text):
    """Say whether remarks speak of 1/nm, and not of 1/Angstrom."""
    inverse = r"1 ?/ ?({0})\b|\b({0}) ?\^?[-\u2212\u207b] ?[1\u00b9]"
    units = "nm", r"\u00c5|\u212b|A|[Aa]ng(?:strom)?"
    return [bool(re.search(inverse.format(unit), text)) for unit in units] == [True, False]


def other_axis(remarks, by_unit=False):
    """The name of a first column that is no position of powder lines, as a remark gives it; only if
    its unit says so where `by_unit`.
    """
    for line in remarks:
        bare = re.sub(r"^[#!*%'/;\" \t]+(L\s)?", "", line.strip(" \t\"'"))
        first = re.split(r"[,;\t]|\s{2,}", bare)[0].strip()
        if _OTHER_UNIT.fullmatch(first):
            return first
        fields = re.split(r"[,;\t]+|\s+", bare)
        if by_unit or not 2 <= len(fields) <= 6 or re.search(r"[:=]|(^|\s)[\d.]+(\s|$)", line):
            continue
        if re.sub(r"[\[(].*|[^a-z]", "", fields[0].lower()) in _OTHER:
            return fields[0]
    return None


def without_wavelength(text):
    """A pattern without the wavelength alone in its first line (DASH), a list without that of a
    tube alone in its first or last line, and that or None.
    """
    first, _, rest = text.partition("\n")
    alone = re.fullmatch(r"\s*([0-4]\.\d{3,})\s*", first)
    rows = rest.split("\n", _FEWEST_ROWS)[:_FEWEST_ROWS]
    pattern = len(rows) == _FEWEST_ROWS and all(len(row.split()) in (2, 3) for row in rows)
    if alone and pattern:
        return rest, float(alone[1])
    lines = text.split("\n", MOST + 1)
    rows = [k for k, line in enumerate(lines) if line.strip()]
    for at, others in ((rows[0], rows[1:]), (rows[-1], rows[:-1])) if rows else ():
        value = number(lines[at].strip())
        if len(lines) > MOST or value is None or not value % 1 or not anode(value):
            continue
        beside = [number(re.split(r"[\s,;]+", lines[k].strip())[0]) for k in others]
        beside = [x for x in beside if x is not None]
        breaks = in_order(beside) and not in_order(
            [value, *beside] if at == rows[0] else [*beside, value]
        )
        if len(beside) >= FEWEST and (breaks or min(beside) > _FAR * value):
            return "\n".join(lines[k] for k in others), value
    return text, None


def words_behind(text):
    """A sentence, in a tuple, that names the words behind the numbers of a list: nobody is to
    believe that `26.6 impurity` was obeyed. Empty if there are none, or the same in all rows.

    Examples
    --------
    >>> words_behind("26.6 100 quartz\\n31.2 40\\n")
    ("words behind numbers have no effect: 'quartz' (line 1)",)
    """
    lines = text.split("\n", _MOST_LINES + 1)
    found = {}
    for count, line in enumerate(lines[:_MOST_LINES], 1):
        if word := _WORD.match(line):
            found.setdefault(" ".join(word[1].split()).rstrip(" |,;)\\&"), []).append(count)
    rows = sum(bool(re.match(r"\W*\d", line)) for line in lines)
    if not found or len(lines) > _MOST_LINES or len(found) == 1 and rows == len(*found.values()):
        return ()
    said = [
        f"'{word[:_LONGEST_WORD]}' (line{'s' * (len(at) > 1)} {', '.join(map(str, at[:3]))}"
        f"{', ...' * (len(at) > 3)})"
        for word, at in list(found.items())[:_MOST_WORDS]
    ]
    more = f" and {len(found) - _MOST_WORDS} more" * (len(found) > _MOST_WORDS)
    return (f"words behind numbers have no effect: {', '.join(said)}{more}",)
