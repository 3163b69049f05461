"""Bruker's binary RAW files."""

import struct

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.found import Found

_HEADER = 712  # bytes before the first range
_RANGE = 304  # bytes of a range's header


def bruker_raw(source):
    """Bruker RAW 1.01 (also called version 3): the first range."""
    content = source.content
    try:
        (ranges,) = struct.unpack_from("<i", content, 12)
        (wavelength,) = struct.unpack_from("<d", content, 624)
        length, steps = struct.unpack_from("<ii", content, _HEADER)
        (start,) = struct.unpack_from("<d", content, _HEADER + 16)
        (step,) = struct.unpack_from("<d", content, _HEADER + 176)
        (extra,) = struct.unpack_from("<i", content, _HEADER + 256)
        first = _HEADER + length + extra
        sound = length == _RANGE and 0 < steps < 2_000_000 and 0 <= extra < len(content)
        counts = np.frombuffer(content, "<f4", steps, first) if sound else ()
    except (struct.error, ValueError):
        counts = ()
    if not (len(counts) and 0 < step < 5 and -5 < start < 180):
        raise DDIError(f"{source.name} is a Bruker RAW file that is cut off; export XY or UXD")
    x = start + step * np.arange(steps)
    note = f", the first of {ranges} ranges" if ranges > 1 else ""
    wavelength = wavelength if 0.1 < wavelength < 5 else None
    with np.errstate(invalid="ignore"):
        y = counts.astype(float)
    return Found(x, "2theta", y, None, wavelength, None, True, "Bruker RAW" + note)


def bruker_raw4(source):
    """Bruker RAW 4, by the optional package geddes."""
    try:
        import geddes
    except ImportError as error:
        raise DDIError(
            f"{source.name} is a Bruker RAW 4 file; install its reader (pip install geddes) or "
            "export XY from EVA"
        ) from error
    try:
        pattern = geddes.read_bytes(source.content, "pattern.raw")
        x, y = np.asarray(pattern.x, dtype=float), np.asarray(pattern.y, dtype=float)
    except Exception as error:  # geddes raises its own kinds
        raise DDIError(f"{source.name}: {str(error)[:100]}; export XY from EVA") from error
    return Found(x, "2theta", y, None, None, None, True, "Bruker RAW 4")
