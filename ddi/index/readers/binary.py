"""Binary files of Bruker's and Philips's programs: the first range of each.

No kept reader of the older ones installs without a compiler. Their layouts are those that the
sources of xylib 1.6 (M. Wojdyr) state, and for Philips those of PyXRD besides.
"""

import struct

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import bragg
from ddi.index.readers.found import Found

_HEADER = 712  # bytes of RAW 1.01 before the first range
_RANGE = 304  # bytes of a range's header there
_RAW1_HEADER = 156  # bytes of RAW 1 before the counts
_RAW2_HEADER = 256  # bytes of RAW 2 before the first range
_LEAST_RANGE = 48  # bytes of its range's header, at least
_PHILIPS = {b"V3": 250, b"V5": 810}  # bytes before the counts
_KALPHA1 = {tube.name: tube.alpha1 for tube in bragg.ANODES}  # A
_TUBES = ("Cu", "Mo", "Fe", "Cr")  # of Philips's programs, by number
_MOST = 2_000_000  # steps
_WAVELENGTHS = (0.1, 5.0)  # A


def bruker_raw(source):
    """Bruker RAW 1.01 (also called version 3)."""
    content = source.content
    try:
        (ranges,) = struct.unpack_from("<i", content, 12)
        (wavelength,) = struct.unpack_from("<d", content, 624)
        length, steps = struct.unpack_from("<ii", content, _HEADER)
        (start,) = struct.unpack_from("<d", content, _HEADER + 16)
        (step,) = struct.unpack_from("<d", content, _HEADER + 176)
        (extra,) = struct.unpack_from("<i", content, _HEADER + 256)
    except struct.error:
        raise _cut_off(source) from None
    sound = length == _RANGE and 0 <= extra < len(content)
    counts = _floats(content, steps, _HEADER + length + extra) if sound else None
    return _scan(source, "Bruker RAW", start, step, counts, wavelength, ranges)


def bruker_raw1(source):
    """Siemens's RAW, version 1."""
    try:
        steps, _, step = struct.unpack_from("<Iff", source.content, 4)
        (start,) = struct.unpack_from("<f", source.content, 24)
        (wavelength,) = struct.unpack_from("<f", source.content, 72)
        (more,) = struct.unpack_from("<I", source.content, 152)
    except struct.error:
        raise _cut_off(source) from None
    counts = _floats(source.content, steps, _RAW1_HEADER)
    return _scan(source, "Bruker RAW 1", start, step, counts, wavelength, 1 + more)


def bruker_raw2(source):
    """Siemens's RAW, version 2."""
    try:
        (ranges,) = struct.unpack_from("<H", source.content, 4)
        (wavelength,) = struct.unpack_from("<f", source.content, 190)
        length, steps = struct.unpack_from("<HH", source.content, _RAW2_HEADER)
        step, start = struct.unpack_from("<ff", source.content, _RAW2_HEADER + 12)
    except struct.error:
        raise _cut_off(source) from None
    sound = length >= _LEAST_RANGE
    counts = _floats(source.content, steps, _RAW2_HEADER + length) if sound else None
    return _scan(source, "Bruker RAW 2", start, step, counts, wavelength, ranges)


def philips(source):
    """Philips RD (PC-APD, version 3) or SD (version 5): a count is a hundredth of the square of
    what is stored.
    """
    try:
        tube = source.content[85]
        (stated,) = struct.unpack_from("<d", source.content, 94)
        step, start, end = struct.unpack_from("<ddd", source.content, 214)
    except (struct.error, IndexError):
        raise _cut_off(source) from None
    wavelength = _KALPHA1[_TUBES[tube]] if tube < len(_TUBES) else stated
    first = _PHILIPS[source.content[:2]]
    many = (end - start) / step if step > 0 else np.nan
    steps = round(many) + 1 if 0 < many < _MOST else 0
    held = max(len(source.content) - first, 0) // 2
    if held < max(steps - 1, 1):  # the last one is not always there
        raise _cut_off(source, "Philips RD or SD")
    stored = np.frombuffer(source.content, "<u2", min(steps, held), first).astype(float)
    counts = np.floor(0.01 * stored**2)
    return _scan(source, "Philips RD or SD", start, step, counts, wavelength, 1)


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


def _floats(content, n, first):
    """So many counts from a byte on; None where the file does not hold them."""
    if not 0 < n < _MOST or first + 4 * n > len(content):
        return None
    return np.frombuffer(content, "<f4", n, first)


def _scan(source, kind, start, step, counts, wavelength, ranges):
    """The `Found` of equal steps in degrees 2theta; counts are None where the file is cut off."""
    if counts is None or not len(counts) or not (0 < step < 5 and -5 < start < 180):
        raise _cut_off(source, kind)
    x = start + step * np.arange(len(counts))
    note = f", the first of {ranges} ranges" if ranges > 1 else ""
    least, most = _WAVELENGTHS
    wavelength = wavelength if least < wavelength < most else None
    with np.errstate(invalid="ignore"):
        y = counts.astype(float)
    return Found(x, "2theta", y, None, wavelength, None, True, kind + note)


def _cut_off(source, kind="binary"):
    return DDIError(f"{source.name} is a {kind} file that is cut off; export XY")
