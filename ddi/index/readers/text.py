"""Columns of text or of an array: which column is what, lists and patterns alike."""

import io
import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import anode
from ddi.index.instrument import as_wavelength
from ddi.index.readers.columns import Table, table
from ddi.index.readers.found import Found
from ddi.index.readers.headings import POSITIONS, Heading, column_name

_FEWEST_ROWS = 60  # below a wavelength that stands alone; chosen


def read_table(source):
    """Columns of text or CSV, with or without a heading."""
    text, above = _without_wavelength(source.text)
    read = table(source.name, text)
    remarks = "\n".join(read.remarks)
    return chosen(
        source,
        read,
        wavelength=above or stated_wavelength(remarks),
        radiation=stated_radiation(remarks),
        unit="2theta" if "##RRUFFID" in text else None,
    )


def _without_wavelength(text):
    """A pattern without the wavelength alone in its first line (DASH), and that or None."""
    first, _, rest = text.partition("\n")
    alone = re.fullmatch(r"\s*([0-4]\.\d{3,})\s*", first)
    rows = rest.split("\n", _FEWEST_ROWS)[:_FEWEST_ROWS]
    pattern = len(rows) == _FEWEST_ROWS and all(len(row.split()) in (2, 3) for row in rows)
    return (rest, float(alone[1])) if alone and pattern else (text, None)


def chosen(source, read, wavelength=None, radiation=None, unit=None, format="text"):
    """Choose position, intensity and standard deviation among the columns of a `Table`."""
    values = read.values
    names, scales = _aligned(source.name, read.heading, values)
    where = {}
    for k, column in enumerate(names):
        if column and k < values.shape[1]:
            where.setdefault(column, k)
    named = next((column for column in (source.unit, *POSITIONS) if column in where), None)
    if source.unit in ("q", "q2pi") and "q?" in where:
        named = "q?"
    if names and named is None:
        raise DDIError(
            f"{source.name} names a position, but its rows have fewer columns than its heading"
        )
    if "d" in where and "2theta" in where:
        meant = _bragg_wavelength(source.name, values, where, scales)  # or a refusal
        wavelength = wavelength or meant
    first = where[named] if named else _numbered(values)
    second = where.get("intensity")
    if second is None and not names and values.shape[1] > first + 1:
        second = first + 1
    if second is None and names and values.shape[1] == 2 and read.heading.separated:
        second = 1 - first  # whatever its name: `Angle, Det1Disc1`
    sigma = values[:, where["sigma"]] if "sigma" in where else read.sigma
    sound = np.isfinite(values[:, first])
    if not names or sound.sum() < 6 or sound.mean() < 0.5:
        sound = np.ones(len(values), dtype=bool)  # what is no number is refused later, by its row
    intensity = None if second is None else values[sound, second]
    if names and intensity is not None and not np.isfinite(intensity).all():
        intensity = None
    return Found(
        values[sound, first],
        named or unit,
        intensity,
        None if sigma is None else sigma[sound],
        wavelength,
        radiation,
        format=format,
        scale=scales[first] if names and first < len(scales) else 1.0,
    )


def _aligned(name, heading, values):
    """The names of the columns of `values` and their scales; refused where they cannot be told."""
    if heading is None:
        return (), ()
    names = heading.names
    headless = names[0] in POSITIONS and len(names) + 1 == values.shape[1]
    if headless and _numbered(values):
        return (None, *names), (1.0, *heading.scales)  # the column of numbers is headed `#`
    if len(names) == values.shape[1] or heading.separated:
        return names, heading.scales
    if names[0] not in POSITIONS:
        raise DDIError(
            f"{name} has {len(names)} names over {values.shape[1]} columns; separate names and "
            "numbers with commas or tabs, or keep the column of positions alone"
        )
    known = [k for k in (0, 1) if k < len(names) and names[k] in (*POSITIONS, "intensity")]
    return tuple(names[k] for k in known), tuple(heading.scales[k] for k in known)


def _bragg_wavelength(name, values, where, scales):
    """The wavelength in Angstrom that a column of d and one of 2theta mean together."""
    d = values[:, where["d"]] * scales[where["d"]]
    two_theta = values[:, where["2theta"]]
    with np.errstate(invalid="ignore"):
        each = 2 * d * np.sin(np.radians(two_theta / 2))
    each = each[np.isfinite(each)]
    middle = float(np.median(each)) if len(each) else 0.0
    if not middle > 0 or np.quantile(np.abs(each - middle), 0.8) > 0.01 * middle:
        raise DDIError(
            f"{name} names columns of d and 2theta that no wavelength brings together; check that "
            "the heading has as many names as there are columns"
        )
    tube = anode(middle)
    return tube.alpha1 if tube else middle


def _numbered(values):
    """1 where the first of several columns only counts the rows, else 0."""
    if values.shape[1] < 2 or len(values) < 6:
        return 0
    counts = (np.diff(values[:, 0]) == 1).all() and values[0, 0] in (0, 1)
    steps = np.diff(values[:, 1])
    return int(counts and bool((steps > 0).all() or (steps < 0).all()))


def stated_wavelength(text):
    """The wavelength in Angstrom that a remark states, or None."""
    pattern = r"(?:wave ?length|lambda|\bwl\b|\u03bb)[^\d\n]{0,12}?(\d*\.\d+)"
    found = re.search(pattern, text, re.I)
    if found and 0.01 < float(found[1]) < 100:
        return float(found[1])
    tube = r"\b(cu|co|fe|cr|mo|ag)[ _-]*k[ _-]*(?:a|alpha|\u03b1)[ _-]*([12]?)(?![a-z\d])"
    named = {(anode.lower(), line) for anode, line in re.findall(tube, text, re.I)}
    return as_wavelength("Ka".join(named.pop())) if len(named) == 1 else None


def stated_radiation(text):
    """The radiation that a remark names, or None."""
    for word, radiation in (
        (r"neutron", "neutron"),
        (r"synchrotron|beam ?line", "synchrotron"),
        (r"monochromati[cs]|k-?a(?:lpha)?1 only", "monochromatic"),
    ):
        if re.search(word, text, re.I):
            return radiation
    return None


def read_npy(source):
    """An array that numpy.save wrote: positions, or columns, or a structured array."""
    name = source.name
    try:
        array = np.load(io.BytesIO(source.content), allow_pickle=False)
        names = array.dtype.names
        if names:
            columns = [np.asarray(array[column], dtype=float).ravel() for column in names]
        else:
            columns = list(np.atleast_2d(np.asarray(array, dtype=float).squeeze().T))
    except Exception as error:  # numpy raises many kinds on a broken header
        raise DDIError(
            f"{name} is no .npy file of numbers; save one with numpy.save(path, positions)"
        ) from error
    if (
        not columns
        or any(column.ndim != 1 for column in columns)
        or len(set(map(len, columns))) > 1
    ):
        raise DDIError(
            f"{name} holds an array of shape {array.shape}; expected (n,) positions or (n, columns)"
        )
    head = (
        Heading(tuple(map(column_name, map(str, names))), (1.0,) * len(names), True)
        if names
        else None
    )
    if head and not any(column in POSITIONS for column in head.names):
        head = None
    return chosen(source, Table(np.stack(columns, axis=1), None, head, ()), format=".npy")
