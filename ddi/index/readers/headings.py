"""What the names of columns mean, with their units, and numbers with their uncertainty."""

import re
import unicodedata
from typing import NamedTuple

from ddi.index.readers.scales import is_none, scale_of
from ddi.index.readers.vocabulary import ABROAD, COLUMN, GREEK, POSITIONS

_TWICE = r"(deux|dos|due|dois|doi|zwei|double|two(times)?|ket|dva|dwa|dve|tva|to)"
_TEN_THOUSAND = re.compile(
    r"(10\^?4|10000|1e4)[*x]?(q|/?d\^?2|/d)|^q\w*[=(]*[x*]?\(?(10\^?4|10000|1e4)"
)
_QUALIFIER = re.compile(
    r"uncorr(ected)?|corr(ected)?|raw|observed|measured|experimental|peaks?|obs|meas|exp|relative"
    r"|normalized|integrated|net(to|te|ta|a)"
)
_OTHER = re.compile(
    r"cal|ber|theor|sim|delta|dif(?!fraction)|fwhm|width|breit|half|hwb|esd|err|sig|bkg|backg|unter|fon"
    r"|shift|zero|step|start|end|range|min|max|left|right|edge|onset|low|upper|high|first|last"
)
_FORMULAS = {
    r"sin\^?2\(?theta\)?/lambda\^?2": "q2",
    r"sin\(?theta\)?/lambda": "q",
    r"4pi\*?sin\(?theta\)?/lambda": "q2pi",
    r"2\*?sin\(?theta\)?/lambda": "q",
    r"4\*?sin\^?2\(?theta\)?/lambda\^?2": "q2",
}
# in brackets behind a name: of another quantity than the name's, so that it is kept
_NOT_OBSERVED = re.compile(r"[\[(]\s*(calc|cal\b|ber|theor)[^\])]*[\])]")
_ONE_END = re.compile(r"[\[(]\s*(min|max|left|right|start|end|low|high)\.?\s*[\])]")
_CORRECTED = re.compile(r"(?<!un)corr|(?<!un)kor+")
_Q_SQUARED = re.compile(r"\s*(?:Q2|[Qq]\s?(?:\u00b2|\^\{?2|\*\*2))(?![\d])(?!.*1\s*/\s*d)")
_UNIT_BEHIND_COMMA = re.compile(
    r",\s*(m?rad|deg\w*|\u00b0|gon|arcmin|mdeg|\u00c5|nm|pm)\s*(?=[;\t]|$)"
)
_INVERSE = re.compile(r"1 ?/ ?(?:[\u00e5a]|nm)\b|(?:[\u00e5a]|nm) ?\^?[-\u2212\u207b] ?[1\u00b9]")
_LONGEST = 2000  # characters of a line of names; chosen
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?(\((\d+)\))?")


class Heading(NamedTuple):
    """What the names of columns mean."""

    names: tuple  # a name of `_ALIASES` or None for each column
    scales: tuple  # of each column, to Angstrom, 1/Angstrom, 1/Angstrom^2 or degrees
    separated: bool  # by commas, semicolons or tabs, so that blanks belong to the names

    @property
    def blocks(self):
        """How many times the same names follow each other: tables side by side."""
        return max(
            (-(-len(self.names) // size) for size in range(1, len(self.names)) if self._by(size)),
            default=1,
        )

    def _by(self, size):
        """Whether the names repeat after `size` columns; at the end names may be missing."""
        block = self.names[:size]
        padded = self.names + (None,) * (-len(self.names) % size)
        named = any(name in POSITIONS for name in block)
        return named and padded == block * (len(padded) // size) and len(padded) > size


def heading(line, columns=None):
    """Return the `Heading` of a line that names a position, or None.

    Names with blanks in them (`Int. I`) are split at two or more blanks, and a label (`Scan: `) is
    left out, where this gives as many names as there are `columns`.
    """
    if len(line) > _LONGEST:
        return None
    line = _UNIT_BEHIND_COMMA.sub(r" [\1]", line) if re.search(r"[;\t]", line) else line
    separated = re.search(r"[,;\t]", line)
    label = re.match(r"[\w ]+:\s+(?=\S)", line)
    ways = [re.split(r"[,;\t]+", line) if separated else _words(line)]
    if columns is not None:
        ways += [re.split(r"\s{2,}|\t", line.strip()), _words(line[label.end() if label else 0 :])]
        ways = ways[2:] if label else ways
    fields = ()
    for way in ways:
        fields = [field.strip(" \"'") for field in way if field.strip(" \"'")]
        if len(fields) == columns:
            break
    else:
        if columns is not None:
            return None
    if label and columns is None and not separated:
        return None  # `x_units: 2theta`
    names = _preferred([column_name(field) for field in fields], fields)
    first = next((k for k, name in enumerate(names) if name in POSITIONS), None)
    if first is None or any(_number(field) for field in fields[: first if separated else None]):
        return None  # `8.88 s`
    if names[first] == "x" and "intensity" not in names:
        return None
    if fields[first] == "S" and len(fields) > 2 and not separated:
        return None  # `Ba S O4`
    scales = tuple(scale_of(_plain(field), name) for field, name in zip(fields, names))
    names = tuple("q2" if name == "q2e4" else name for name in names)
    return Heading(names, scales, bool(separated))


def _preferred(names, fields):
    """The names of columns without those of positions that stand corrected in another column."""
    corrected = [name for name, field in zip(names, fields) if _CORRECTED.search(_plain(field))]
    return tuple(
        None
        if name in POSITIONS and name in corrected and not _CORRECTED.search(_plain(field))
        else name
        for name, field in zip(names, fields)
    )


def _words(line):
    """Split a heading at blanks, but keep `2 theta`, `d [nm]` and `q (1/A)` together."""
    line = re.sub(r"(?i)\b2[ -]*(theta|th)\b", "2theta", line.translate(GREEK))
    line = re.sub(r"(?i)\bq\s*[*x]\s*(?=10\^?4\b)", "qx", line)
    line = re.sub(r"(?i)\b(10\^?4|1e4)\s*[*x]?\s*(?=q\b)", r"\1", line)
    line = re.sub(r"(?i)\b(10\^?[2-6]|1e[2-6])\s*[*x]?\s*(?=sin)", r"\1", line)
    line = re.sub(r"(?i)\bsin\^?2\s*\(?(theta|th)\b\)?\s*[*x]\s*(?=1)", "sin2thetax", line)
    line = re.sub(r"(?i)\bd\s+(?=(value|spacings?|space|wert)\b)", "d", line)
    line = re.sub(r"(?i)\b(d|2theta|i|q)\s+(?=(obs|calc|exp|meas)\b)", r"\1", line)
    line = re.sub(r"(?i)\b(net|gross|rel(ative)?|int(egrated)?|peak)\.?\s+(?=[a-z])", r"\1", line)
    line = re.sub(r"\s+(?=[\[(])", "", line)
    return re.sub(r"[\[(][^\])]*[\])]", lambda unit: unit[0].replace(" ", ""), line).split()


def column_name(field):
    """The meaning of one name of a column, or None."""
    if _Q_SQUARED.match(field):
        return "q2?"
    plain = re.sub(r"^q\s*=\s*(?=\S)", "", _plain(field))
    bare = re.sub(r"\s+", "", plain)
    if _TEN_THOUSAND.search(bare):
        return "q2e4"
    if re.match(r"(10\^?[2-6]|1e[2-6])?[*x]?sin\^?2?\^?\(?(theta|th)(?!.*lambda)", bare):
        return "sin2" if "2" in bare else None
    if re.fullmatch(r"q_(nm|a)\^?-1", bare):
        return "q2pi"  # pyFAI, which defines q so
    for formula, meaning in _FORMULAS.items():
        if re.match(formula, bare):
            return meaning
    unit = r"[/_]\s*(deg|m?rad|gon|arcmin|mdeg|a|å|nm|pm)[-\u207b^\d\u00b9]*\w*$"
    plain = re.sub(r"^\((i/i[o01])\)", r"\1", plain)
    plain = _ONE_END.sub(r"\1", _NOT_OBSERVED.sub(r"\1", plain))
    plain = re.sub(r"[\[(]\s*\u00b0?\s*2 ?theta\s*[\])]", "2theta", plain)
    plain = re.sub(rf"[\[(][^\])]*[\])]?|{unit}|,?\s*(deg|degrees|°)\.?$", "", plain)
    key = re.sub(r"[^a-z0-9]", "", plain).replace("2theta2theta", "2theta")
    if re.search(r"\[\s*°\s*2\s*th|[\[(]deg.*2th", _plain(field)):
        return (
            "2theta" if re.fullmatch("(peak|2theta|pos|poz|position|winkel|angle)*", key) else None
        )
    stem = _QUALIFIER.sub("", key)
    known = COLUMN.get(key) or COLUMN.get(stem) or _by_stem(stem)
    if is_none(_plain(field), known):
        return None
    if known == "d" and _INVERSE.search(_plain(field)):
        return "q?"  # d*
    return known or _by_unit(_plain(field))


def _by_stem(key):
    """The meaning of a name in any language by its stem: `Winkel 2theta`, `Intensidad`."""
    if _OTHER.search(key):
        return None
    if re.fullmatch(r"[a-z]*2theta(deg)?", key):
        return "2theta"
    if re.fullmatch(_TWICE + r"theta(deg)?", key):
        return "2theta"
    if re.fullmatch(r"glanzwinkel(theta)?|bragg(angle|winkel)?theta", key):
        return "theta"
    return "intensity" if re.match(r"inten[sz]", key) else None


def _by_unit(plain):
    """The meaning of a name in any language by its unit: `Espaciado d [A]`, `Altezza [cts]`."""
    unit = r"\s*[\[(/,]\s*(\u00e5|a|nm|pm|kx)\b\s*[\])]?"
    words = r"^d-[^\W\d_]{3,}$|^[^\W\d_]{4,}[\w ]* d$"
    if re.search(rf"(^|[\s\u3000-\uffff])d(-[^\W\d_]+)?{unit}|{words}", plain):
        return None if _OTHER.search(plain) else "d"
    if re.fullmatch(r"g\s*[\[(/,].*", plain) and _INVERSE.search(plain):
        return "q"  # of electron diffraction
    return "intensity" if re.search(r"\[\s*(cts|cps|counts)\.?\s*\]", plain) else None


def _plain(field):
    """A name in lower case and Latin letters without accents and tolerance."""
    plain = re.sub(r"\u00b1\s*[\d.,]+", "", field.lower().translate(GREEK))
    for word, meaning in ABROAD.items():
        plain = plain.replace(word, meaning)
    marked = unicodedata.normalize("NFD", plain).replace("a\u030a", "\u00e5")
    return re.sub("[\u0300-\u0309\u030b-\u036f]", "", marked)


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
