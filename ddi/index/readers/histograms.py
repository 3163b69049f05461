"""Counts in equal steps: GSAS, ILL, FullProf, FOX and PSI files, CHI and JCAMP-DX."""

import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.found import Found
from ddi.index.readers.stated import stated_radiation, stated_wavelength

_CENTI = 100.0  # GSAS gives angles in hundredths of a degree


def gsas(source):
    """GSAS and GSAS-II histograms: the first bank."""
    lines = source.text.split("\n")
    starts = [k for k, line in enumerate(lines) if re.match(r"(?i)BANK\s+\d+\s+\d+(\s|$)", line)]
    if not starts:
        raise DDIError(f"{source.name} is a GSAS file with a broken BANK line; export xye")
    at = starts[0]
    fields = lines[at].split()
    rest = lines[at + 1 :]
    later = next((k for k, line in enumerate(rest) if line.startswith("BANK")), len(rest))
    binning = fields[4].upper() if len(fields) > 4 else ""
    kind = fields[-1].upper() if not _is_float(fields[-1]) else "STD"
    if not binning.startswith("CON"):
        raise DDIError(
            f"{source.name} is a GSAS file in bins of time of flight ({binning or 'none'}), not "
            "read here: convert it to d and intensity and use --unit d"
        )
    count = int(fields[2])
    body = [line for line in rest[:later] if line.strip() and not line.startswith("#")]
    x, y = _gsas_values(source.name, kind, body, fields, count)
    header = "\n".join(lines[:at])
    return Found(
        x,
        "2theta",
        y,
        None,
        stated_wavelength(header),
        stated_radiation(header),
        True,
        f"GSAS {kind}",
    )


def _gsas_values(name, kind, body, fields, count):
    if kind in ("FXYE", "FXY"):
        rows = _numbers_of(name, " ".join(body))
        width = 3 if kind == "FXYE" else 2
        rows = rows[: len(rows) // width * width].reshape(-1, width)
        x, y = rows[:, 0] / _CENTI, rows[:, 1]
    elif kind in ("STD", "ESD"):
        y = _fixed(name, kind, body)[:count]
        if len(fields) < 7:
            raise DDIError(f"{name} is a GSAS file whose BANK line has no start and step")
        start, step = (_float(name, field) for field in fields[5:7])
        x = (start + step * np.arange(len(y))) / _CENTI
    else:
        raise DDIError(
            f"{name} is a GSAS file of the type {kind}, which is not read here: export FXYE or xye"
        )
    if len(y) < count:
        raise DDIError(f"{name} is cut off: its BANK line says {count} points, it holds {len(y)}")
    return x[:count], y[:count]


def _fixed(name, kind, body):
    """Intensities of columns eight characters wide; STD has a number of detectors before each,
    whose mean the intensity is.
    """
    cells = [line[k : k + 8] for line in body for k in range(0, len(line.rstrip()), 8)]
    try:
        if kind == "ESD":
            return np.array([float(cell) for cell in cells[::2]])
        return np.array([float(cell[2:].strip() or 0) for cell in cells])
    except ValueError:
        values = _numbers_of(name, " ".join(body))  # blanks in place of columns
        return values[::2] if kind == "ESD" else values


def ill(source):
    """ILL's D1A and D2B: pairs of a number of detectors and their mean counts, in columns of two
    and six characters; start and step stand above them. Or None.
    """
    lines = source.first_lines(12)
    at = next((k for k, line in enumerate(lines) if _DETECTORS.fullmatch(line.rstrip())), None)
    if at is None:
        return None
    grid = _ill_grid(lines[:at])
    if grid is None:
        raise DDIError(
            f"{source.name} is a file of ILL's D1A or D2B whose start and step stand in no place "
            "known here: export two columns, 2theta and counts"
        )
    cells = []
    for line in source.text.split("\n")[at:]:
        row = line.rstrip()
        if not re.fullmatch(r"(?:[ \d]\d[ \d]{5}\d)+", row):
            break  # -1000 ends the counts
        cells += [row[k + 2 : k + 8] for k in range(0, len(row), 8)]
    if damaged := [cell for cell in cells if " " in cell.strip()]:
        raise DDIError(
            f"{source.name} has '{damaged[0]}' where ILL's D1A and D2B have counts of six "
            "characters: export it again, or two columns, 2theta and counts"
        )
    y = np.array(cells, dtype=float)
    header = "\n".join(lines[:at])
    x = grid[0] + grid[1] * np.arange(len(y))
    wavelength = stated_wavelength(header)
    return Found(x, "2theta", y, None, wavelength, "neutron", True, "ILL D1A, D2B")


_DETECTORS = re.compile(r"(?:[ \d]\d[ \d]{5}\d){10}")


def _ill_grid(lines):
    """start and step: in one row with the end, or the step last in the second row and the start
    first in the third; else None.
    """
    rows = [[float(x) for x in line.split() if _is_float(x)] for line in lines]
    for row in rows:
        if grid := _grid(row):
            return grid[:2]
    if len(rows) < 3 or not rows[1] or not rows[2]:
        return None
    start, step = rows[2][0], rows[1][-1]
    return (start, step) if 0.001 < step < 2 and -20 < start < 180 else None


def mdi(source):
    """MDI's text: a title; start, step, time, tube, wavelength, end, number of points; counts."""
    lines = source.first_lines(2)
    head = _MDI.fullmatch(lines[1]) if len(lines) == 2 else None
    if head is None:
        return None
    start, step, wavelength, _, count = map(float, head.groups())
    y = _numbers_of(source.name, source.text.split("\n", 2)[-1])
    if len(y) < count:
        raise DDIError(f"{source.name} is cut off: it says {count:.0f} points and holds {len(y)}")
    y = y[: int(count)]
    x = start + step * np.arange(len(y))
    return Found(x, "2theta", y, None, wavelength, None, True, "MDI text")


_MDI = re.compile(
    r"\s*(N)\s+(N)\s+N\s+[A-Za-z]{2}\s+(N)\s+(N)\s+(\d+)\s*".replace("N", r"(?:\d+\.?\d*|\.\d+)")
)


def counts(source):
    """Counts after a line of start, step, end: FullProf, FOX, ILL, PSI; else None."""
    for k, line in enumerate(source.first_lines(8)):
        head = re.match(r"\s*([\d.]+(?:[ ,]+[\d.]+){2,})", line)
        grid = head and _grid([float(x) for x in re.split(r"[ ,]+", head[1]) if _is_float(x)])
        if not grid:
            continue
        start, step, size = grid
        lines = source.text.split("\n")
        values = _loose(lines[k + 1 :])
        if values is None or not (size <= len(values) <= size + 20 or len(values) >= 2 * size):
            continue
        header = "\n".join(lines[: k + 1])
        pairs = values[: 2 * size].reshape(-1, 2) if len(values) == 2 * size else None
        if pairs is not None and np.allclose(np.diff(pairs[:, 0]), step, atol=0.1 * step):
            values = pairs[:, 1]  # positions and counts
        return Found(
            start + step * np.arange(size),
            "2theta",
            values[:size],
            None,
            stated_wavelength(header),
            stated_radiation(header),
            True,
            "start, step, end and counts",
        )
    return None


def _grid(numbers):
    """start, step and number of points, from start, step, end."""
    if len(numbers) < 3:
        return None
    start, step, end = numbers[:3]
    if not (0 < step < 2 and start < end <= 180 and step < end - start):
        return None
    size = round((end - start) / step) + 1
    return (start, step, size) if 60 <= size <= 2_000_000 else None


def _loose(lines):
    """All numbers of lines until one holds something else, or None."""
    values = []
    for line in lines:
        fields = line.replace(",", " ").split()
        try:
            values += [float(field) for field in fields]
        except ValueError:
            break
    return np.array(values) if values else None


def chi(source):
    """Fit2D and GSAS-II: three lines of text, the number of points, then two columns; or None."""
    lines = source.first_lines(5)
    if len(lines) < 5 or not re.fullmatch(r"\s*\d+\s*(\d+)?\s*", lines[3]):
        return None
    if _is_float((lines[1].split() or ["0"])[0]) or _is_float(lines[2].strip()):
        return None
    if any(line.lstrip()[:1] in ("#", "!", "%") for line in lines[:3]):
        return None
    values = _numbers_of(source.name, source.text.split("\n", 4)[4])
    count = int(lines[3].split()[0])
    if len(values) > 2 * count + 2:
        return None  # a table whose first row is two whole numbers
    if len(values) < 2 * count or not count:
        raise DDIError(f"{source.name} is cut off: it says {count} points and has fewer")
    x, y = values[: 2 * count].reshape(count, 2).T
    axis = lines[1].lower()
    unit = "2theta" if re.search(r"2-?th", axis) else "q2pi" if axis.strip()[:1] == "q" else None
    scale = 0.1 if unit == "q2pi" and re.search("nm|nanom", axis) else 1.0
    if "rad" in axis and unit == "2theta":
        scale = 180 / np.pi
    if unit is None and re.search(r"pixel|mm|radi", axis):
        raise DDIError(f"{source.name} is a CHI file over {axis.strip()[:40]}; integrate in 2theta")
    return Found(x, unit, y, None, stated_wavelength(lines[0]), None, None, "CHI", scale)


def jcamp(source):
    """JCAMP-DX with plain numbers."""
    text = re.sub(r"\$\$.*", "", source.text)
    parts = re.split(r"(?m)^[ \t]*##[ \t]*([^=\n]*)=", text)
    fields = {}
    for key, value in zip(parts[1::2], parts[2::2]):
        fields.setdefault(re.sub(r"[\s/_-]", "", key.upper()), value.strip())
    key = next((key for key in ("XYDATA", "XYPOINTS", "PEAKTABLE") if key in fields), None)
    if key is None:
        raise DDIError(f"{source.name} is a JCAMP-DX file without a table of numbers; export XY")
    form, _, body = fields[key].partition("\n")
    if "++" in form:
        x, y = _jcamp_steps(source.name, fields, body)
    else:
        values = _numbers_of(source.name, re.sub(r"[;,]", " ", body))
        x, y = values[: len(values) // 2 * 2].reshape(-1, 2).T
        x = x * _factor(fields, "XFACTOR") if key != "PEAKTABLE" else x
    units = fields.get("XUNITS", "").lower()
    unit = "2theta" if re.search(r"2.?th|deg", units) else None
    wavelength = stated_wavelength(text)
    return Found(x, unit, y, None, wavelength, stated_radiation(text), None, "JCAMP-DX")


def _jcamp_steps(name, fields, body):
    """Rows of one position and many intensities, in equal steps."""
    if re.search(r"[@%A-DF-Za-df-z]|\d[+-]\d", body):
        raise DDIError(
            f"{name} is a JCAMP-DX file with compressed numbers (ASDF), which is not read here: "
            "export it with plain numbers (AFFN) or as XY"
        )
    rows = [line.replace(",", " ").split() for line in body.split("\n") if line.strip()]
    y = [_float(name, field) for row in rows for field in row[1:]]
    count = int(_float(name, fields.get("NPOINTS", "0"))) or len(y)
    if len(y) != count or not count:
        raise DDIError(f"{name} is cut off: it says {count} points and holds {len(y)}")
    ends = [_float(name, fields.get(key, "x")) for key in ("FIRSTX", "LASTX")]
    return np.linspace(*ends, count), np.array(y) * _factor(fields, "YFACTOR")


def _factor(fields, key):
    return float(fields[key]) if _is_float(fields.get(key, "")) else 1.0


def _numbers_of(name, text):
    try:
        return np.array([float(field) for field in text.replace(",", " ").split()])
    except ValueError as error:
        raise DDIError(
            f"{name}: {str(error).split(':')[-1].strip()[:40]} is not a number; the file is damaged"
        ) from error


def _float(name, field):
    return float(_numbers_of(name, str(field))[0]) if str(field).strip() else float("nan")


def _is_float(field):
    try:
        float(field)
        return True
    except (TypeError, ValueError):
        return False
