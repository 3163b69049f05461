"""Lists of peaks as other programs want or write them: TREOR, DICVOL, McMaille, TOPAS, GSAS-II,
AMCSD and RRUFF DIF, JCPDS.
"""

import re
from itertools import takewhile

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.found import Found
from ddi.index.readers.headings import number
from ddi.index.readers.stated import stated_wavelength

_TREOR = {"3": "2theta", "4": "d"}  # CHOICE; 0 to 2 are theta, sin^2 theta or 1/d^2
_LEAST_THETA = 2.0  # degrees: no sin^2 theta is larger, nor 1/d^2 (A^-2) of the first lines; chosen
_DICVOL = {1: "theta", 2: "2theta", 3: "d", 4: None}  # ITYPE; 4 is 10^4/d^2
_MOST_OF_A_CARD = 60  # lines, of hundreds that are calculated from a cell; chosen
_CU = 1.54056  # A: what TREOR and DICVOL take where none is given


def gsas_peaks(source):
    """GSAS-II: one Python list a line, every value followed by its refinement flag."""
    if source.suffix != ".pkslst" and not re.search(r"(?m)^[ \t]*\[", source.text):
        return None
    rows = []
    for count, line in enumerate(source.text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith(("#", "{")):
            continue
        fields = [field for field in re.split(r"[\s,\[\]()]+", line) if field]
        values = [number({"True": "1", "False": "0"}.get(field, field)) for field in fields]
        if not values or values[0] is None:
            raise DDIError(f"{source.name}, line {count}: '{line[:60]}' is not a row of numbers")
        flagged = len(values) >= 4
        rows.append((values[0], values[2] if flagged else (values[1:2] or [None])[0]))
    if not rows:
        raise DDIError(
            f"{source.name} holds no peak; expected GSAS-II lines such as "
            "[10.52, 1, 700.0, 1, 25.0, 0, 0.1, 0]"
        )
    heights = [row[1] for row in rows]
    intensity = None if None in heights else np.array(heights)
    position = np.array([row[0] for row in rows])
    wavelength = stated_wavelength(source.text[:2000])
    return Found(position, "2theta", intensity, None, wavelength, None, False, "GSAS-II peaks")


def dif(source):
    """RRUFF and AMCSD: lines calculated from a refined cell."""
    from ddi.data.rruff import read_dif

    if not re.search(r"(?i)CELL PARAMETERS", source.text):
        return None  # any table of 2-theta and d-spacing
    header = read_dif(source.text)
    lines = header["lines"].drop_duplicates("d").head(_MOST_OF_A_CARD)
    said = "DIF: lines that were calculated from a refined cell, not measured"
    intensity = np.asarray(lines["intensity"], dtype=float)
    position = np.asarray(lines["d"], dtype=float)
    return Found(position, "d", intensity, None, header["wavelength"], None, False, said)


def jcpds(source):
    """JCPDS cards of high-pressure programs: d, intensity and indices, after DIHKL in version 4,
    below a line of names in versions 1 to 3.
    """
    pair = r"([\d.eE+-]+)[ ,\t]+([\d.eE+-]+)"
    rows = re.findall(rf"(?m)^[ \t]*DIHKL\d*:\s*{pair}", source.text)
    if not rows:
        below = re.split(r"(?im)^[ \t]*d\b.*I.*h.*k.*l.*$", source.text, maxsplit=1)[-1]
        rows = re.findall(rf"(?m)^[ \t]*{pair}", below) if below != source.text else []
    if not rows:
        raise DDIError(
            f"{source.name} is a JCPDS card in which no d and intensity are found: expected DIHKL "
            "lines, or rows below a line `d I/I0 h k l`"
        )
    values = np.array([[number(field) for field in row] for row in rows], dtype=float)
    strongest = values[np.lexsort((-values[:, 1], -values[:, 0]))]
    once = strongest[np.r_[True, strongest[1:, 0] != strongest[:-1, 0]]]
    d, intensity = once[:_MOST_OF_A_CARD].T
    return Found(d, "d", intensity, None, None, None, False, "JCPDS card")


def treor(source):
    """TREOR: a title, positions until a blank line, then keywords."""
    text = source.text
    keys = dict(re.findall(r"(?i)\b(CHOICE|WAVE)\s*=\s*([\d.]+)", text))
    keys = {key.upper(): value for key, value in keys.items()}
    choice = keys.get("CHOICE", "3").strip(".")
    rows = []
    for line in source.first_lines(400):
        fields = [number(field) for field in line.replace(",", " ").split()]
        if not fields or None in fields:
            if rows:
                break
            continue
        rows.append(fields)
    position, intensity = _columns(source.name, rows, "TREOR")
    unit = _TREOR.get(choice) or ("theta" if position.min() > _LEAST_THETA else None)
    if unit is None:
        raise DDIError(
            f"{source.name} is a TREOR input with CHOICE={choice}, which is not read here: write "
            "2theta (CHOICE=3) or d (CHOICE=4)"
        )
    wavelength = number(keys.get("WAVE", "")) or _CU
    return Found(position, unit, intensity, None, wavelength, None, False, "TREOR input")


def _columns(name, rows, program):
    if len(rows) < 6:
        raise DDIError(f"{name} is an input of {program} with {len(rows)} peaks; at least 6 wanted")
    width = min(map(len, rows))
    table = np.array([row[:width] for row in rows], dtype=float)
    return table[:, 0], table[:, 1] if width > 1 else None


def dicvol(source):
    """DICVOL91, 04 and 06: a title, numbers of lines and kinds, limits, wavelength; or None."""
    lines = source.first_lines(400)
    if len(lines) < 11 or number((lines[0].split() or ["x"])[0]) is not None:
        return None
    head = [_leading(line) for line in lines[1:5]]
    if any(not row for row in head) or len(head[0]) < 7 or len(head[1]) < 5:
        return None
    count, kind = head[0][:2]
    if kind not in _DICVOL or not 5 <= count <= 200 or head[2][0] >= 10:
        return None
    rows = [[number(field) for field in line.split()] for line in lines[5:]]
    rows = [row for row in rows if row and None not in row][: int(count)]
    position, _ = _columns(source.name, rows, "DICVOL")
    unit = _DICVOL[int(kind)]
    if unit is None:
        position, unit = position / 1e4, "q2"
    wavelength = head[2][0] or 1.5405981
    return Found(position, unit, None, None, wavelength, None, False, "DICVOL input")


def _leading(line):
    """The numbers that a line begins with; what they are may stand behind them."""
    return list(takewhile(lambda value: value is not None, map(number, line.split())))


def mcmaille(source):
    """McMaille: a title, wavelength, zero point and mode, then 2theta and intensities; or None."""
    lines = [line for line in source.first_lines(400) if not line.lstrip().startswith("!")]
    rows = [[number(field) for field in line.split()] for line in lines]
    if len(rows) < 8 or not rows[0] or rows[0][0] is not None or len(rows[1]) != 3:
        return None
    if None in rows[1] or not (0.1 < rows[1][0] < 5 and abs(rows[1][1]) < 5):
        return None
    if rows[1][2] not in (-4, -3, -2, -1, 0, 1, 2, 3, 4):
        return None
    limits = [k for k, row in enumerate(rows) if len(row) > 2 and None not in row]
    pairs = [row for row in rows[limits[-1] + 1 :] if len(row) == 2 and None not in row]
    if rows[1][2] in (0, 1, 2):  # manual modes: Ntests and Nruns, Spar and Sang, or both
        pairs = pairs[2 if rows[1][2] == 2 else 1 :]
    position, intensity = _columns(source.name, pairs, "McMaille")
    wavelength = rows[1][0]
    position = position - rows[1][1]
    return Found(position, "2theta", intensity, None, wavelength, None, False, "McMaille input")


def topas(source):
    """TOPAS: index_th2 or index_d, one by one or in a list, or peaks of xo_Is or d_Is."""
    text = re.sub(r"'[^\n]*|/\*.*?\*/", "", source.text, flags=re.S)
    unit = "d" if re.search(r"(?i)\bindex_d\b", text) else "2theta"
    word = "index_d" if unit == "d" else "index_th2"
    if re.search(r"(?im)^\s*d_Is\b", text):
        unit = word = "d"
    block = re.search(rf"(?is)load\s+(?:{word}|xo)\b([^{{}}]*)\{{([^{{}}]*)\}}", text)
    rows = _topas_list(*block.groups()) if block else _topas_peaks(text, word)
    if len(rows) < 6:
        raise DDIError(
            f"{source.name} is a TOPAS input with {len(rows)} peaks; at least 6 are wanted, after "
            "index_th2, index_d or xo"
        )
    lam = re.search(r"(?i)\bindex_lam\s+([\d.]+)|\blo\s+([\d.]+)", text)
    wavelength = number(lam[1] or lam[2]) if lam else stated_wavelength(text)
    values = np.array([row[0] for row in rows], dtype=float)
    heights = np.array([row[1] for row in rows], dtype=float)
    intensity = heights if np.isfinite(heights).all() else None
    return Found(values, unit, intensity, None, wavelength, None, False, "TOPAS input")


def _topas_list(names, body):
    """Positions and intensities (nan if there are none) of a `load` block."""
    body = re.sub(r"[@!]\w*|`\S*", " ", body)  # marks of what is refined, and its error
    rows = [row for line in body.split("\n") if (row := _leading(line))]
    if re.search(r"\b(index_)?i\b", names.lower()) and all(len(row) > 1 for row in rows):
        return [row[:2] for row in rows]
    if len(rows) < 6:  # in one line
        rows = [[value] for value in map(number, body.split()) if value is not None]
    return [[row[0], np.nan] for row in rows]


def _topas_peaks(text, word):
    """The same of peaks one by one, after `index_th2` or, if they were fitted, `xo`."""
    word = word if re.search(rf"(?i)\b{word}\s", text) else "xo"
    value = r"\s+(?:[@!\w]+\s+)?([\d.]+)"
    parts = re.split(rf"(?i)\b{word}(?={value})", text)[1:]
    rows = []
    for position, part in zip(parts[::2], parts[1::2]):
        height = re.search(rf"\b(?:index_)?I{value}", part)
        rows.append([number(position), number(height[1]) if height else np.nan])
    return rows


def igor(source):
    """Conograph's PeakSearch: IGOR text; the peaks, or the pattern where there are none."""
    blocks = re.findall(r"(?s)WAVES\S*\s+([^\n]*)\s*BEGIN\s*?\n(.*?)\nEND", source.text)
    tables = [(re.split(r"[,\s]+", names.strip().lower()), _square(body)) for names, body in blocks]
    for names, rows in tables:
        if "peakpos" in names and "height" in names and len(rows) and rows.shape[1] == len(names):
            x, y = rows[:, names.index("peakpos")], rows[:, names.index("height")]
            return Found(x, None, y, None, None, None, False, "IGOR text of PeakSearch")
    if not tables or not len(tables[0][1]) or tables[0][1].shape[1] < 2:
        raise DDIError(f"{source.name} is IGOR text without a table of positions and intensities")
    x, y = tables[0][1][:, :2].T
    return Found(x, None, y, None, None, None, True, "IGOR text")


def _square(body):
    """The numbers of a block, rows of the first one's width."""
    rows = [[float(field) for field in line.split()] for line in body.split("\n") if line.strip()]
    return np.array([row for row in rows if len(row) == len(rows[0])])
