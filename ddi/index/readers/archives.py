"""Zip archives: Bruker BRML, Rigaku RASX, Excel workbooks."""

import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.found import Found
from ddi.index.readers.histograms import _numbers_of
from ddi.index.readers.opening import Archive
from ddi.index.readers.vendors import _check_axis, _number, tree
from ddi.index.readers.workbook import read_workbook


def read_zip(source):
    """Tell what archive it is by its members, and read it or refuse it by its name."""
    archive = Archive(source)
    names = archive.names
    if raw := sorted(name for name in names if re.search(r"RawData\d+\.xml$", name)):
        return _brml(source.name, archive, raw)
    if profiles := sorted(name for name in names if re.search(r"Profile\d+\.txt$", name)):
        return _rasx(source.name, archive, profiles)
    if any(name.startswith("xl/") for name in names):
        return read_workbook(source, archive)
    for member, what in (
        (r"^word/", "a Word document; copy its table into a text"),
        (r"\.npy$", "a NumPy archive (.npz); save one array with numpy.save"),
        (r"content\.xml$", "an OpenDocument sheet; save it as CSV"),
    ):
        if any(re.search(member, name) for name in names):
            raise DDIError(f"{source.name} is {what}")
    raise DDIError(f"{source.name} is a zip archive; unpack it and name the file in it")


def _brml(name, archive, members):
    root = tree(name, archive.text(members[0]))
    route = root.find(".//DataRoute")
    axes = [] if route is None else list(route.iter("ScanAxisInfo"))
    ids = [axis.get("AxisId", "") for axis in axes]
    if "TwoTheta" not in ids:
        raise DDIError(f"{name} is a BRML file without a scan over 2theta; export XY or UXD")
    rows = [(datum.text or "").split(",") for datum in route.iter("Datum")]
    column = 2 + ids.index("TwoTheta")  # two times stand before the axes
    if {len(row) for row in rows} != {3 + len(ids)} or not all(map(all, rows)):
        raise DDIError(
            f"{name} is a BRML file whose rows are not time, time, {', '.join(ids)}, counts, which "
            "is not read here: export XY or UXD"
        )
    values = _numbers_of(name, ",".join(map(",".join, rows)))
    if len(values) != len(rows) * len(rows[0]):
        raise DDIError(f"{name} is a BRML file with broken rows; export XY or UXD")
    values = values.reshape(len(rows), -1)
    x, y = values[:, column], values[:, -1]
    start = _number(axes[ids.index("TwoTheta")].findtext("Start"))
    if start is None or abs(start - x[0]) > 0.1:
        raise DDIError(f"{name} is a BRML file with another order of columns; export XY or UXD")
    wavelength = root.find(".//WaveLengthAlpha1")
    wavelength = None if wavelength is None else _number(wavelength.get("Value"))
    note = f", the first of {len(members)} scans" if len(members) > 1 else ""
    return Found(x, "2theta", y, None, wavelength, None, True, "BRML" + note)


def _rasx(name, archive, profiles):
    values = _numbers_of(name, archive.text(profiles[0]))
    if not len(values) or len(values) % 3:
        raise DDIError(f"{name} is a RASX file with broken rows; export ASC or XY")
    x, y, factor = np.reshape(values, (-1, 3)).T
    wavelength = None
    conditions = [entry for entry in archive.names if re.search(r"Conditions\d+\.xml$", entry)]
    if conditions:
        root = tree(name, archive.text(sorted(conditions)[0]))
        wavelength = _number(root.findtext(".//WavelengthKalpha1"))
        axis = root.find(".//ScanInformation/AxisName")
        _check_axis(name, axis.text or "" if axis is not None else "2Theta")
    note = f", the first of {len(profiles)} ranges" if len(profiles) > 1 else ""
    return Found(x, "2theta", y * factor, None, wavelength, None, True, "RASX" + note)
