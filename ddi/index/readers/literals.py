"""Lists as programs write them: records of labelled numbers, as of JSON, Python or YAML; arrays and
assignments of Python, NumPy, MATLAB, R, C and Fortran. Put into plain rows below their names.
"""

import re
from collections import Counter

from ddi.base.errors import DDIError
from ddi.index.readers.headings import POSITIONS, column_name
from ddi.index.readers.unnamed import in_order

_LONGEST = 200_000  # characters of a text that is looked at; chosen
_FEWEST = 4  # records, or numbers of an array
_MOST_COLUMNS = 6  # of a record that has no names; chosen
_FEWEST_ACROSS = 6  # numbers of a row that is a column; chosen
_MOST_ACROSS = 40  # lines of a text that holds such; chosen
_NUMBER = r"[-+]?\d{1,9}\.?\d{0,12}(?:[eE][-+]?\d{1,3})?"
_IS_NUMBER = re.compile(_NUMBER).fullmatch
_DATA = re.compile(r"(?im)^\s*DATA\s+(\w+)\s*/([^/A-Z]*)/")  # Fortran
_CONTINUED = re.compile(r"(?m)^ {5}\S(?=\s)")  # the sixth column of Fortran
_LABEL = r"[\"']?((?:[A-Za-z]|2[ -]?[A-Za-z\u03b8])[^\s\"'=:,;{}\[\]]{0,20})[\"']?\s*(?:[=:]\s*)"
_LABELLED = re.compile(rf"(?<![\w.]){_LABEL}[\"']?({_NUMBER}(?:,\d{{1,9}})?)(?![.\d])")
_ARRAY = re.compile(r"[\[({]((?:[-+\d.,;\s&]|(?<=[\d.])[eE](?=[-+\d]))*)[\])}]")
_NAME = re.compile(
    r"(?:\"([^\"\n]{1,30})\"|'([^'\n]{1,30})'|([^\s,;()\[\]{}:=\"'<]{1,30}))\s*(?:\[\d*\]\s*)?"
    r"(?:=|:|<-)\s*(?:[\w.]+\s*)?[(\[{\s]*$"
)


def in_rows_of(text):
    """The lines of such a list, or None; what stands around it becomes remarks.

    Only a text without other numbers than whole ones and those with a name of their own is such.

    Examples
    --------
    >>> in_rows_of("[21.3 30.4 37.4\\n 43.4 49.5]")
    ['21.3', '30.4', '37.4', '43.4', '49.5']
    """
    across = _across(text)
    if across:
        return across
    if len(text) > _LONGEST or not re.search(r"[=:\[({]|^\s*DATA\b", text, re.I):
        return None
    text = _DATA.sub(lambda data: f"{data[1]} = [{_CONTINUED.sub('', data[2])}]", text)
    return _records(text) or _arrays(re.sub(r"(?m)\.{3}[^\S\n]*$", "", text))


def _across(text):
    """Columns that are written as rows: `2theta 26.6 31.2 ...` above `I 100 40 ...`."""
    lines = text.split("\n", _MOST_ACROSS + 1)
    if len(lines) > _MOST_ACROSS:
        return None
    rows = {}
    around = []
    for line in lines:
        fields = re.split(r"[\s,;|]+", line.strip(" \t\r,;|"))
        first = max((k for k, one in enumerate(fields, 1) if not _IS_NUMBER(one)), default=0)
        label = " ".join(fields[:first])
        if label and len(fields) - first >= _FEWEST_ACROSS and label not in rows:
            rows[label] = fields[first:]
        else:
            around.append(line)
    positions = [values for label, values in rows.items() if column_name(label) in POSITIONS]
    bare = any(re.match(r"[\s|]*\d+[.,]\d", line) for line in around)  # rows besides
    if not positions or not in_order(positions[0]) or bare:
        return None
    _check_sizes(rows, map(len, rows.values()), len(positions[0]))
    columns = [[label, *row] for label, row in rows.items() if len(row) == len(positions[0])]
    return [f"# {line}" for line in around if line.strip()] + list(map("\t".join, zip(*columns)))


def _records(text):
    """Rows of `{"2theta": 26.6, "I": 100}` or `d = 3.34 A; I = 100 %`."""
    found = [
        (re.sub(r"^\w+\((?=\w+$)", "", name.strip(" (")), value.replace(",", "."))
        for name, value in _LABELLED.findall(text)  # `Peak(d=3.34, I=100)`
    ]
    counts = Counter(name for name, _ in found)
    most = max(counts.values(), default=0)
    found = [pair for pair in found if counts[pair[0]] > 1]
    names = list(dict.fromkeys(name for name, _ in found))
    if most < _FEWEST or [name for name, _ in found] != names * most:
        return None
    if not any(column_name(name) in POSITIONS for name in names) or _others(text):
        return None
    values = [value for _, value in found]
    rows = ["\t".join(values[k : k + len(names)]) for k in range(0, len(values), len(names))]
    return [*_remarks(text, counts), "\t".join(names), *rows]


def _others(text):
    """Whether a text holds decimals besides those that have a name or are remarks."""
    text = re.sub(r"(?m)^[^\S\n]*#.*$", "", text)
    return bool(re.search(r"\d\.\d", _LABELLED.sub(" ", text)))


def _remarks(text, counts):
    """What has a name and is there once, such as a wavelength."""
    return [f"# {name}: {value}" for name, value in _LABELLED.findall(text) if counts[name] == 1]


def _arrays(text):
    """Rows of `[(26.6, 100), ...]`, or columns such as `tth = c(26.6, ...)`, `[26.6 31.2 ...]`."""
    found = [one for one in _ARRAY.finditer(text) if len(re.findall(_NUMBER, one[1])) > 1]
    around = _ARRAY.sub(" ", text)
    if not found or _others(around) or not any("." in one[1] for one in found):
        return None
    names = list(map(_name, found))
    flat = [re.findall(_NUMBER, one[1]) for one in found]
    sizes = list(map(len, flat))
    named = [k for k, name in enumerate(names) if column_name(name) in POSITIONS]
    remarks = [f"# {line}" for line in around.split("\n") if line.strip()]
    if named and sizes[named[0]] >= _FEWEST and len(flat) > 1:
        size = sizes[named[0]]
        _check_sizes(names, sizes, size)
        columns = [k for k in range(len(flat)) if sizes[k] == size and names[k]]
        flat = [[names[k], *flat[k]] for k in columns]
        remarks = _remarks(text, Counter(name for name, _ in _LABELLED.findall(text)))
    elif len(flat) == 1 and sizes[0] >= _FEWEST:
        return remarks + [names[0]] * len(named) + _lines(found[0][1])
    elif len(set(sizes)) > 1:
        return None
    elif len(flat) >= _FEWEST and 2 <= sizes[0] <= _MOST_COLUMNS:
        return remarks + list(map("\t".join, flat))
    elif len(flat) != 2 or sizes[0] < _FEWEST or not in_order(flat[0]) or in_order(flat[1]):
        return None
    return remarks + list(map("\t".join, zip(*flat)))


def _check_sizes(names, sizes, wanted):
    for name, size in zip(names, sizes):
        if column_name(name) == "intensity" and size != wanted:
            raise DDIError(f"{name} has {size} numbers for {wanted} positions; give each peak one")


def _name(found):
    name = _NAME.search(found.string[max(found.start() - 60, 0) : found.start()])
    return "".join(filter(None, name.groups())) if name else ""


def _lines(body):
    """The rows of numbers in brackets: lines that do not end in a comma, and what `;` parts; one a
    row where they are of unequal length or all in order.
    """
    body = re.sub(r",\s*\n|&", ", ", body)
    lines = [re.findall(_NUMBER, line) for line in re.split(r"[;\n]", body)]
    lines = [line for line in lines if line]
    flat = [number for line in lines for number in line]
    rows = len(lines) > 1 and len(set(map(len, lines))) == 1 and not in_order(flat)
    return list(map(" ".join, lines)) if rows else flat


def in_pairs(lines):
    """The lines with a row for each pair such as `26.6 -> 100`, `3.34/100`, `100 @ 26.6` or, of the
    old ICDD's cards, `3.34_x 4.26_4`, where x is 100 and digits are tens.

    Examples
    --------
    >>> in_pairs(["3.34x 4.26_4 1.82_2 2.46_1"])
    ['3.34 100', '4.26 40', '1.82 20', '2.46 10']
    """
    for pair, tens in ((_OF_CARD, True), (_AT, False), (_PAIR, False)):
        found = [pair.findall(line) for line in lines]
        if pair is _AT:
            found = [[(x, height) for height, x in row] for row in found]
        bare = not any(
            re.search(r"\d", pair.sub("", line)) if row else re.match(r"\s*\d+[.,]\d", line)
            for row, line in zip(found, lines)
        )  # nor rows of another table, below a card's `Strong lines: 4.18/X 2.45/5`
        signs = [sign.lower() for row in found for _, *signs in row for sign in signs]
        if bare and len(signs) >= _FEWEST and (not tens or "x" in signs):
            heights = {"x": "100"} | {str(k): f"{10 * k}" for k in range(10)} if tens else {}
            return [
                part
                for row, line in zip(found, lines)
                for part in ([f"{x} {heights.get(i.lower(), i)}" for x, i in row] or [line])
            ]
    return lines


_OF_CARD = re.compile(
    r"(?<![\w.])(\d{1,2}\.\d{1,4})(?:\s?[_/^]\s?(?=[\dxX])|(?=[xX]))([xX]|\d)(?![\w.])"
)
_AT = re.compile(r"(?<![\w.])(\d{1,7})\s?%?\s{0,9}@\s{0,9}(\d{1,3}\.\d{1,6})(?![\d.])")
_PAIR = re.compile(
    r"(?<![\w.])(\d{1,3}\.\d{1,6})\s?\u00b0?\s{0,9}(?:->|=>|\u2192|:|@|/|\.{3,99}|\u2026{1,99})\s{0,9}"
    r"(\d{1,7})\s?%?(?![\d.])"
)
