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
_WORDS = (
    r"wave[ _]?length|wellenl(?:\u00e4|ae)nge|longueurs? d.onde|longitud de onda|lunghezza d.onda"
    r"|comprimento de onda|golflengte|v\u00e5gl\u00e4ngd|hull\u00e1mhossz|dalga boyu"
    r"|vlnov\u00e1 d\u00e9lka|d\u0142ugo\u015b\u0107 fali"
    r"|\u0434\u043b\u0438\u043d\u0430 \u0432\u043e\u043b\u043d\u044b"
    r"|\u6ce2\u957f|\u6ce2\u9577|\ud30c\uc7a5"
)
_WAVELENGTH = re.compile(
    rf"(?:(?:{_WORDS}|lambda|\bwl|\u03bb)[ _-]?1?|(?:alpha|\u03b1)[ _-]?1)\)?(?![\d.])"
    rf"{_NUMBER}",
    re.I,
)
_ANGSTROM = {"nm": 10.0, "pm": 0.01, "m": 1e10, "": 1.0}  # in each unit
_LINE = r"\b(cu|co|fe|cr|mo|ag)[ _-]*k[ _-]*(?:a|alpha|\u03b1)"
# the 1 or 2 of a line, and none of a number, an angle or a time behind it
_TUBE = (
    _LINE + r"(?:[ _-]*([12])(?![\w.,\u00b0\u03b8]|[ -]?(?:\u03b8|theta|th|kw|h|deg|\u00b0)\b)"
    r"|(?![a-z\d]))"
)
_OF_TUBE = re.compile(_LINE + r"[ _-]?[12]?(?![.\d])[^\d\n]{0,20}?([0-2]\.\d{3,6})(?!\d)", re.I)
_ENERGY = re.compile(
    r"\b(?:energ[a-z\u00ed]*|E)\b[^\d\n]{0,16}?(\d+[.,]?\d*)\s*(k?eV)\b"
    r"|\benerg[a-z\u00ed]*[^\d\n(\[]{0,12}[(\[](k?eV)[)\]][^\d\n]{0,6}(\d+[.,]?\d*)",
    re.I,
)
_ANODE = (
    r"(?:(?<![a-z])anode(?: material)?|target(?:[ _]name)?|(?<![a-z])radiation)[\s\"':=,;]{1,20}"
    r"(cu|co|fe|cr|mo|ag)\b"
)
_COLUMN = r"2[ -]?(?:theta|th|\u03b8)\s?[\[(_,/ ]{1,2}\s?(cu|co|fe|cr|mo|ag)(?![b-jl-z])"
_OTHER = set(
    "omega chi phi psi rocking wavenumber ramanshift wave wavelength energy ev kev channel time "
    "timeofflight tof temperature temp field pixel radius distance r gr bindingenergy".split()
)

_OTHER_UNIT = re.compile(
    r"[\w ,.]{1,20}[\[(/]\s*(k?eV|cm\s*\^?[-\u2212\u207b](1|\u00b9)|[m\u00b5\u03bcu]?s|sec|K"
    r"|pixels?)\s*[\])]?\s*|r ?[\[(]\$?(?:\\AA|\u00c5|A)\$?[\])]|XUNITS\s*:\s*k?eV"
)
_PHASE = ("phase", "phases", "phase name", "sample", "compound", "specimen", "mineral")
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
    if energy := _ENERGY.search(text):
        value = float((energy[1] or energy[4]).replace(",", "."))
        value = value if (energy[2] or energy[3])[0] in "kK" else value / 1000
        return as_wavelength(f"{value:.8g} keV") if 1 < value < 200 else None
    for tube, digits in _OF_TUBE.findall(text):  # `CuKa 1.5418`
        if (near := anode(float(digits))) and near.name.lower() == tube.lower():
            return float(digits)
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


def phases_of_rows(lines):
    """What a column of phases or samples says, sorted: of `2theta I Phase`, the names below it."""
    for k, line in enumerate(lines[:_MOST_LINES]):
        separator = next((one for one in ";\t," if one in line), None)
        names = [name.strip(" \"'#").lower() for name in line.split(separator)]
        at = next((i for i, name in enumerate(names) if name in _PHASE), None)
        if at is not None and len(names) > 1:
            rows = [row.split(separator) for row in lines[k + 1 :]]
            return sorted({row[at].strip() for row in rows if len(row) == len(names)} - {"", "-"})
    return []


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
        if re.sub(r"[\[(/].*|[^a-z]", "", fields[0].lower()) in _OTHER:
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
