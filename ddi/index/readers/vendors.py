"""Text and XML of instrument makers: PANalytical XRDML, Rigaku RAS and ASC, Bruker UXD, CPI."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.found import Found
from ddi.index.readers.histograms import _numbers_of
from ddi.index.readers.stated import stated_wavelength


def tree(name, text):
    """Parse XML that holds no document type (a way to make it explode)."""
    if re.search(r"<!(DOCTYPE|ENTITY)", text[:100_000]):
        raise DDIError(f"{name} holds an XML document type, which no instrument writes; not opened")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff")))
    except (ElementTree.ParseError, ValueError) as error:
        raise DDIError(f"{name} is XML that is cut off or damaged; copy the file again") from error
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    return root


def xrdml(source):
    """PANalytical XRDML: the scans of one measurement one after the other."""
    root = tree(source.name, source.text)
    parts = [part for scan in root.iter("scan") if (part := _xrdml_scan(source.name, scan))]
    if not parts:
        raise DDIError(
            f"{source.name} is an XRDML file without a 2theta scan; export a powder scan"
        )
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts])
    note = ""
    if not (np.diff(x) > 0).all():
        (x, y), note = parts[0], f", the first of {len(parts)} scans"
    wavelength = _number(root.findtext(".//usedWavelength/kAlpha1"))
    return Found(x, "2theta", y, None, wavelength, None, True, "XRDML" + note)


def _xrdml_scan(name, scan):
    points = scan.find("dataPoints")
    counts = None if points is None else points.findtext("intensities") or points.findtext("counts")
    if not counts:
        return None
    y = _numbers_of(name, counts)
    if factors := points.findtext("beamAttenuationFactors"):
        factor = _numbers_of(name, factors)
        attenuated = points.find("intensities") is None
        y = y * factor if attenuated and len(factor) == len(y) else y
    for axis in points.iter("positions"):
        if axis.get("axis") != "2Theta":
            continue
        if listed := axis.findtext("listPositions"):
            x = _numbers_of(name, listed)
        else:
            ends = [_number(axis.findtext(key)) for key in ("startPosition", "endPosition")]
            if None in ends:
                continue
            x = np.linspace(*ends, len(y))
        if len(x) != len(y):
            raise DDIError(f"{name}: a scan has {len(x)} positions and {len(y)} intensities")
        return x, y
    return None


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def ras(source):
    """Rigaku RAS: the first range."""
    text = source.text
    header = dict(re.findall(r'(?m)^\*(\S+) "([^"\n]*)"', text.partition("*RAS_INT_START")[0]))
    _check_axis(source.name, header.get("MEAS_SCAN_AXIS_X", "2-Theta"))
    blocks = re.findall(r"(?s)\*RAS_INT_START\s*\n(.*?)\*RAS_INT_END", text)
    if not blocks:
        raise DDIError(f"{source.name} is a RAS file that is cut off; copy it again")
    values = _numbers_of(source.name, blocks[0])
    if len(values) % 3:
        raise DDIError(f"{source.name} is a RAS file with broken rows; export ASC or XY")
    x, y, factor = values.reshape(-1, 3).T
    note = f", the first of {len(blocks)} ranges" if len(blocks) > 1 else ""
    wavelength = _number(header.get("HW_XG_WAVE_LENGTH_ALPHA1"))
    return Found(x, "2theta", y * factor, None, wavelength, None, True, "RAS" + note)


def _check_axis(name, axis):
    if not re.search(r"(?i)2[ -]?theta|two ?theta|gonio|coupled", axis):
        raise DDIError(
            f"{name} is a scan over {axis[:40]}, not over 2theta; there are no powder lines in it"
        )


def rigaku_asc(source):
    """Rigaku ASC: header lines with a star, then intensities; the first range."""
    text = source.text
    first = text.split("*BEGIN")[1] if "*BEGIN" in text else text
    header = dict(re.findall(r"(?m)^\*(\w+)\s*=\s*(.*?)\s*$", text.partition("*BEGIN")[0] + first))
    _check_axis(source.name, header.get("SCAN_AXIS", "2theta"))
    body = re.search(r"(?m)^\*STEP\b[\s\S]*?\n(?!\*)([^*]*)", first)
    y = _numbers_of(source.name, body[1] if body else "")
    start, step = (_number(header.get(key)) for key in ("START", "STEP"))
    stop, count = (_number(header.get(key)) for key in ("STOP", "COUNT"))
    whole = start is not None and step
    if whole and count is None and stop is not None:
        count = round((stop - start) / step) + 1
    if not whole or count is None or not 0 < count <= len(y):
        raise DDIError(f"{source.name} is an ASC file of Rigaku that is cut off; copy it again")
    wavelength = _number(header.get("WAVE_LENGTH1"))
    y = y[: int(count)]
    return Found(start + step * np.arange(len(y)), "2theta", y, None, wavelength, None, True, "ASC")


def uxd(source):
    """Bruker UXD: the first range."""
    text = re.sub(r"(?m)^;.*$", "", source.text)
    parts = re.split(r"(?m)^_(2THETA)?(COUNTSTIME|CPSTIME|COUNTS|CPS)\s*$", text)
    if len(parts) < 4:
        raise DDIError(f"{source.name} is a UXD file without counts; export XY")
    header = dict(re.findall(r"(?m)^_(\w+)\s*=\s*'?([^'\n]*)", parts[0]))
    _check_axis(source.name, header.get("DRIVE", "COUPLED"))
    y = _numbers_of(source.name, re.split(r"(?m)^_", parts[3])[0])
    width = bool(parts[1]) + 1 + parts[2].endswith("TIME")
    rows = y[: len(y) // width * width].reshape(-1, width)
    if parts[1]:
        x, y = rows[:, 0], rows[:, 1]
    else:
        start, step = (_number(header.get(key)) for key in ("START", "STEPSIZE"))
        start = _number(header.get("2THETA")) if start is None else start
        if start is None or not step:
            raise DDIError(f"{source.name} is a UXD file without start and step; export XY")
        y = rows[:, 0]
        x = start + step * np.arange(len(y))
    many = (len(parts) - 1) // 3
    note = f", the first of {many} ranges" if many > 1 else ""
    wavelength = _number(header.get("WL1")) or stated_wavelength(parts[0])
    return Found(x, "2theta", y, None, wavelength, None, True, "UXD" + note)


def cpi(source):
    """Sietronics CPI: ten lines of header, SCANDATA, intensities."""
    lines = source.text.split("\n")
    at = next((k for k, line in enumerate(lines) if line.startswith("SCANDATA")), None)
    numbers = [_number(line) for line in lines[1:6]]
    if at is None or len(numbers) < 5 or None in numbers[:3]:
        raise DDIError(f"{source.name} is a CPI file that is cut off; copy it again")
    start, _, step = numbers[:3]
    y = _numbers_of(source.name, " ".join(lines[at + 1 :]))
    x = start + step * np.arange(len(y))
    return Found(x, "2theta", y, None, numbers[4], None, True, "CPI")


def udf(source):
    """Philips UDF: key and values with commas, then intensities after RawScan."""
    header, _, body = source.text.partition("RawScan")
    rows = re.findall(r"(?m)^[ \t]*(\w+)[ \t]*,([^\n]*)$", header)
    fields = {key: value.strip(" \t\r,/") for key, value in rows}
    ends = [_number(part) for part in fields.get("DataAngleRange", "").split(",")[:2]]
    step = _number(fields.get("ScanStepSize"))
    if len(ends) < 2 or None in ends or not step or not body:
        raise DDIError(f"{source.name} is a UDF file that is cut off; copy it again")
    y = _numbers_of(source.name, body.partition("/")[0])
    wavelength = _number((fields.get("LabdaAlpha1") or "").split(",")[0])
    return Found(
        ends[0] + step * np.arange(len(y)), "2theta", y, None, wavelength, None, True, "UDF"
    )
