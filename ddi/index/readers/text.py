"""Columns of text or of an array: which column is what, lists and patterns alike."""

import io
import re
from dataclasses import replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.peaks import MOST
from ddi.index.readers.alignment import aligned, bragg_wavelength
from ddi.index.readers.cells import table_of_html
from ddi.index.readers.columns import Table, table
from ddi.index.readers.found import Found
from ddi.index.readers.headings import POSITIONS, Heading, column_name
from ddi.index.readers.stated import (
    other_axis,
    phases_of_rows,
    stated_radiation,
    stated_wavelength,
    states_inverse_nm,
    states_two_pi,
    tubes_of_columns,
    without_wavelength,
    words_behind,
)
from ddi.index.readers.units import rooted
from ddi.index.readers.unnamed import (
    STRONGEST,
    in_order,
    intensities_behind,
    looks_measured,
    positions_among,
    side_by_side,
)

_MOST_TWICE = 0.35  # share of the rows of a list of peaks that repeat a position; chosen


def read_table(source):
    """Columns of text or CSV, with or without a heading."""
    text, above = without_wavelength(source.text)
    read = table(source.name, text)
    remarks = "\n".join(read.remarks)
    other = None if read.heading else other_axis(read.remarks, source.unit is not None)
    if other:
        raise DDIError(
            f"{source.name} calls its first column {other}, which is no position of powder lines: "
            "give d, q or 2theta" + ("" if source.unit else ", or say with --unit which it is")
        )
    phases = phases_of_rows(source.first_lines(MOST)) if len(read.values) <= MOST else []
    if len(phases) > 1:
        raise DDIError(
            f"{source.name} has rows of {len(phases)} phases or samples ({', '.join(phases[:3])}); "
            "leave the rows of one, or the column out if they are of one pattern"
        )
    tubes = tubes_of_columns(remarks)
    if len(tubes) > 1:
        raise DDIError(
            f"{source.name} has 2theta for several tubes ({', '.join(tubes)}); leave the column of "
            "one, and type --wavelength with its tube, such as CuKa"
        )
    found = chosen(
        source,
        read,
        wavelength=above or stated_wavelength(remarks),
        radiation=stated_radiation(remarks),
        unit="2theta" if "##RRUFFID" in text else None,
    )
    found = replace(found, words=words_behind(source.text))
    if found.unit in ("q?", "q", "q2pi") and found.scale == 1 and states_inverse_nm(remarks):
        found = replace(found, scale=0.1)
    if found.unit in ("q?", "q2?") and states_two_pi(remarks):
        found = replace(rooted(found) if found.unit == "q2?" else found, unit="q2pi")
    return found


def read_html(source):
    """The first table of a page that names a position."""
    text = table_of_html(source.text)
    if text is None:
        raise DDIError(
            f"{source.name} is a page of HTML without a table that names d, q or 2theta; copy its "
            "table into a text"
        )
    above = re.sub(r"<[^>]*>", " ", source.text)
    read = table(source.name, text)
    wavelength, radiation = stated_wavelength(above), stated_radiation(above)
    return chosen(source, read, wavelength, radiation, format="HTML")


def chosen(source, read, wavelength=None, radiation=None, unit=None, format="text"):
    """Choose position, intensity and standard deviation among the columns of a `Table`."""
    read, note = _stacked(source.name, read)
    values = read.values
    names, scales = aligned(source.name, read.heading, values)
    where = {}
    for k, column in enumerate(names):
        if column and k < values.shape[1]:
            where.setdefault(column, k)
    named = _named(source.unit, where)
    if names and named is None:
        raise DDIError(
            f"{source.name} names a position, but its rows have fewer columns than its heading"
        )
    if "d" in where and "2theta" in where:
        meant = bragg_wavelength(source.name, values, where, scales)  # or a refusal
        wavelength = wavelength or meant
        if not source.unit and len(values) > MOST:
            named = "2theta"  # a scan, of which d is rounded
    first = where[named] if named else positions_among(values, source.unit)
    second, more = _intensity(values, names, where, first, read.heading)
    sigma = None if read.sigma is None else read.sigma[:, first]
    if where.get("sigma") == first + 1:  # behind an intensity it is the intensity's
        sigma = values[:, first + 1]
    sound = ~np.isnan(values[:, first])
    if not names or sound.sum() < 6 or sound.mean() < 0.5:
        sound = np.ones(len(values), dtype=bool)  # what is no number is refused later, by its row
    intensity = None if second is None else values[sound, second]
    found = Found(
        values[sound, first],
        None if named == "x" else named or unit,
        intensity,
        None if sigma is None else sigma[sound],
        wavelength,
        radiation,
        format=format,
        scale=scales[first] if names and first < len(scales) else 1.0,
        note=note + more,
    )
    return _once(found) if len(names) > 2 else found


def _once(found):
    """What a table holds, without the second of two equal positions, as of two lines with other
    indices under one peak; unchanged if there are so many that it is no list of peaks.
    """
    where = np.unique(found.position, return_index=True)[1]
    twice = len(found.position) - len(where)
    if not 0 < twice <= _MOST_TWICE * len(found.position):
        return found
    where.sort()
    same = [found.position == found.position[k] for k in where]
    return replace(
        found,
        position=found.position[where],
        intensity=None
        if found.intensity is None
        else np.array([found.intensity[rows].max() for rows in same]),
        sigma=None if found.sigma is None else found.sigma[where],
        note=f"{found.note}, {twice} positions that are listed twice taken once",
    )


def _named(unit, where):
    """The name of the column of positions: what the user says, or the first that is known."""
    asked = [column for column in ("q?", "q2?") if column in where]
    if unit in ("q", "q2pi") and asked:
        return asked[0]
    if unit not in where and "x" in where:
        unit = "x" if unit else None
    return next((column for column in (unit, *POSITIONS) if column in where), None)


def _intensity(values, names, where, first, heading):
    """The column of intensities or None, and what to say of it.

    Without names it is the one behind the positions. Where none of the names means it, it is the
    other of two (`Angle, Det1Disc1`), or the first of several measured over the same angles.
    """
    if "intensity" in where or not names:
        return (where.get("intensity"), "") if names else intensities_behind(values, first)
    if len(names) == 1:
        return intensities_behind(values, first)
    if values.shape[1] == 2 and heading.separated:
        return None if "none" in names else 1 - first, ""
    free = [k for k in range(first + 1, len(names)) if names[k] is None]
    if len(names) != values.shape[1] or not free:
        return None, ""
    relative = [k for k in free if values[:, k].max() in STRONGEST and values[:, k].min() >= 0]
    if relative and len(values) <= MOST:
        return relative[0], f", intensities of column {relative[0] + 1}"
    if not looks_measured(values[:, first], values[:, free[0]]):
        return None, ""
    return free[0], f", the first of {len(free)} columns of intensities" if len(free) > 1 else ""


def _stacked(name, read):
    """A long list that stands in blocks side by side, put one below the other, and what to say of
    it; of blocks that do not continue each other, those of several samples, the first.
    """
    if len(read.values) < 4 and read.values.shape[1] > 6 and in_order(read.values[0]):
        read = Table(read.values.T, None, None, read.remarks)  # a row of positions, of intensities
    values, names = read.values, read.heading.names if read.heading else ()
    size = 0 if read.heading else side_by_side(values)
    count = values.shape[1] // size if size else read.heading.blocks if read.heading else 1
    if count == 1:
        return read, ""
    if names and values.shape[1] != len(names):
        raise DDIError(
            f"{name} has {count} tables side by side under {len(names)} names, and "
            f"{values.shape[1]} columns; separate them with tabs, or put the tables one below "
            "the other"
        )
    size = -(-values.shape[1] // count)
    values = np.pad(values, ((0, 0), (0, size * count - values.shape[1])), constant_values=np.nan)
    position = next((k for k in range(size) if names and names[k] in POSITIONS), 0)
    blocks = np.split(values, count, axis=1)
    blocks = [block[np.isfinite(block[:, position])] for block in blocks]
    together = np.concatenate(blocks)
    steps = np.diff(together[:, position])
    if not ((steps > 0).all() or (steps < 0).all()):
        return read, f", the first of {count} tables side by side"
    head = names and Heading(names[:size], read.heading.scales[:size], read.heading.separated)
    said = "" if names else f", of {count} tables side by side"
    return read._replace(values=together, sigma=None, heading=head or None), said


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
