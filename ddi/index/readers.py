"""Peak lists as people have them: text, CSV, .npy, GSAS-II .pkslst, RRUFF files and whole patterns,
read or refused with a reason.

The unit comes from a column's name, from the file's format or from the user; it is never guessed.
"""

import re
from pathlib import Path

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.peaks import FEWEST, UNITS, check_options, from_pattern, from_values

_REMARKS = "#!%'/"
_MAX_BYTES = 50_000_000
_PATTERN_ROWS = 400  # more rows than any peak list has, in equal steps, are a measured pattern

_ALIASES = {
    "d": "d dobs dspacing dvalue dhkl",
    "2theta": "2theta 2th 2thetaobs tth twotheta ttheta 2thobs angle pos",
    "q2": "q2 q2obs qsquared 1d2",
    "q": "q 1d qobs",
    "intensity": "intensity int i iobs height area counts irel relintensity intensities",
    "sigma": "sigma sig esd error err uncertainty fwhmerror sigmapos posesd",
}
_COLUMN = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}


def read(path, unit=None, wavelength=None):
    """Read the peaks of one file.

    Parameters
    ----------
    path : str or Path
        Text or CSV with one or more columns, ``.npy``, GSAS-II ``.pkslst``, RRUFF DIF or XY file,
        or any two-column pattern, whose peaks are then picked.
    unit : {"d", "q", "q2", "2theta"}, optional
        Needed where neither the file's format nor a column's name says it. q is 1/d: divide 2 pi/d
        by 2 pi.
    wavelength : float, optional
        In Angstrom; needed for 2theta unless the file gives it.

    Returns
    -------
    Peaks

    Raises
    ------
    DDIError
        If the file cannot be read, or is no peak list; the message says what was found and what to
        type.
    """
    path = Path(path)
    check_options(unit, wavelength)
    content = _content(path)
    if path.suffix.lower() == ".npy":
        return _from_npy(path, content, unit, wavelength)
    text = _decoded(path, content)
    if re.search(r"2-THETA.*D-SPACING", text, re.I):
        return _from_dif(path, text, wavelength)
    if path.suffix.lower() == ".pkslst" or text.lstrip().startswith("#GSAS-II"):
        return _from_gsas(path, text, unit, wavelength)
    return _from_text(path, text, unit, wavelength)


def _content(path):
    try:
        if path.is_dir():
            raise DDIError(f"{path} is a folder; name a file in it")
        if path.stat().st_size > _MAX_BYTES:
            raise DDIError(
                f"{path} is larger than {_MAX_BYTES // 1_000_000} MB; a peak list or a pattern is smaller, check the name"
            )
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DDIError(f"there is no file {path}; check the name") from error
    except (OSError, ValueError) as error:
        raise DDIError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    if not content.strip():
        raise DDIError(f"{path} is empty; expected at least {FEWEST} peak positions, one a line")
    return content


def _decoded(path, content):
    for encoding in (
        ("utf-8-sig", "utf-16")
        if content[:2] in (b"\xff\xfe", b"\xfe\xff")
        else ("utf-8-sig", "latin-1")
    ):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = "\0"
    if "\0" in text:
        raise DDIError(f"{path} is not text; expected a peak list as text, CSV, .npy or .pkslst")
    return text


def _from_npy(path, content, unit, wavelength):
    import io

    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
        if array.dtype.names:
            names = array.dtype.names
            columns = [np.asarray(array[name], dtype=float).ravel() for name in array.dtype.names]
        else:
            names = None
            columns = list(np.atleast_2d(np.asarray(array, dtype=float).squeeze().T))
    except Exception as error:  # numpy raises many kinds on a broken header
        raise DDIError(
            f"{path} is no .npy file of numbers; save one with numpy.save(path, positions)"
        ) from error
    if not columns or any(column.ndim != 1 for column in columns):
        raise DDIError(
            f"{path} holds an array of shape {array.shape}; expected (n,) positions or (n, columns)"
        )
    return _from_columns(path, np.stack(columns, axis=1), names, unit, wavelength)


def _from_dif(path, text, wavelength):
    from ddi.data.rruff import read_dif

    header = read_dif(text)
    lines = header["lines"].drop_duplicates("d").head(60)
    note = f"{path}: lines that RRUFF calculated from the refined cell, not measured ones"
    return from_values(
        lines["d"], "d", wavelength or header["wavelength"], lines["intensity"], None, note
    )


def _from_gsas(path, text, unit, wavelength):
    """One Python list a line: position, its refinement flag, intensity, its flag, and so on;
    positions are 2theta.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("#", "{")):
            continue
        fields = [
            field
            for field in re.split(r"[\s,\[\]()]+", line)
            if field and field not in ("True", "False")
        ]
        rows.append(
            _numbers(
                path, number, line, fields[:1] + fields[2:3] if len(fields) > 8 else fields[:2]
            )
        )
    if not rows:
        raise DDIError(
            f"{path} holds no peak; expected GSAS-II lines such as [10.52, 1, 700.0, 1, 25.0, 0, 0.1, 0]"
        )
    return _from_columns(path, _table(path, rows), None, unit or "2theta", wavelength)


def _from_text(path, text, unit, wavelength):
    names = None
    rows = []
    separator = ";" if ";" in text else None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        fields = _fields(line, separator)
        if not fields or line[0] in _REMARKS or (not rows and not _is_number(fields[0])):
            heading = _names(line.lstrip(_REMARKS + " \t"), separator)
            if heading or not fields or line[0] in _REMARKS or _stated(line):
                names = heading or names
                continue
        rows.append(_numbers(path, number, line, fields))
    if not rows:
        raise DDIError(
            f"{path} holds no numbers; expected at least {FEWEST} peak positions, one a line"
        )
    unit = unit or ("2theta" if "##RRUFFID" in text else None)
    return _from_columns(path, _table(path, rows), names, unit, wavelength or _stated(text))


def _stated(text):
    """The wavelength that a remark states, or None."""
    found = re.search(r"wave ?length\D{0,12}?(\d*\.\d+)", text, re.I)
    return float(found[1]) if found and 0.01 < float(found[1]) < 100 else None


def _fields(line, separator):
    if separator:
        return [field.strip().replace(",", ".") for field in line.split(separator) if field.strip()]
    return [field for field in re.split(r"[,\s]+", line) if field]


def _names(line, separator):
    """The columns that a heading names, or None if it names no position."""
    fields = [
        field
        for field in re.split(r"[,;\t]+" if re.search(r"[,;\t]", line) else r"\s+", line)
        if field.strip()
    ]
    names = [
        _COLUMN.get(
            re.sub(
                r"[^a-z0-9]",
                "",
                re.sub(
                    r"[\[(].*?[\])]|/(deg|a|å)\w*$",
                    "",
                    field.strip().lower().replace("θ", "theta").replace("²", "2"),
                ),
            )
        )
        for field in fields
    ]
    return names if any(name in UNITS for name in names) else None


def _is_number(field):
    try:
        float(field)
        return True
    except ValueError:
        return False


def _numbers(path, number, line, fields):
    try:
        return [float(field) for field in fields]
    except ValueError as error:
        raise DDIError(
            f"{path}, line {number}: '{line[:60]}' is not a row of numbers; start remarks with #, and name columns d, q, q2 or 2theta"
        ) from error


def _table(path, rows):
    width = min(len(row) for row in rows)
    if not width:
        raise DDIError(f"{path} has rows without a number; expected one peak a line")
    return np.array([row[:width] for row in rows])


def _from_columns(path, table, names, unit, wavelength):
    """Choose position, intensity and sigma among columns, named or not, and tell a pattern from a
    peak list.
    """
    column = (
        {name: k for k, name in enumerate(names or ()) if name is not None and k < table.shape[1]}
        if names
        else {}
    )
    column = {_COLUMN.get(str(name).lower(), name): k for name, k in column.items()}
    named = [name for name in UNITS if name in column]
    if unit and named and unit not in named:
        raise DDIError(
            f"{path} says its positions are {' and '.join(named)}, but --unit is {unit}; {_command(path, named[0], wavelength)}"
        )
    unit = unit or next((name for name in ("q2", "q", "d", "2theta") if name in named), None)
    position = table[:, column.get(unit, 0)]
    if unit is None:
        raise DDIError(
            f"{path} does not say what its positions are: {_looks_like(position, table)}; {_command(path, _likely(position, table), wavelength)}"
        )
    second = column.get("intensity", 1 if not column and table.shape[1] > 1 else None)
    intensity = table[:, second] if second is not None else None
    if _is_pattern(position, intensity):
        if unit != "2theta" or wavelength is None:
            raise DDIError(
                f"{path} is a measured pattern, from which peaks are picked in 2theta; {_command(path, '2theta', wavelength)}"
            )
        return from_pattern(position, intensity, wavelength, str(path))
    if unit == "2theta" and wavelength is None:
        raise DDIError(
            f"{path} holds 2theta, which means nothing without a wavelength; {_command(path, unit, None)}"
        )
    sigma = table[:, column["sigma"]] if "sigma" in column else None
    return from_values(
        position, unit, wavelength, intensity, sigma, f"{path}: {len(table)} peaks in {unit}"
    )


def _is_pattern(position, intensity):
    if intensity is None or len(position) < _PATTERN_ROWS or not np.isfinite(position).all():
        return False
    steps = np.diff(position)
    return bool((steps > 0).all() and steps.max() < 1.5 * np.median(steps))


def _likely(position, table):
    finite = position[np.isfinite(position)]
    if not len(finite):
        return "d"
    if len(table) >= _PATTERN_ROWS or finite.max() > 40:
        return "2theta"
    if len(finite) > 1 and finite[0] > finite[-1]:
        return "d"
    return "q2" if finite.max() < 1.5 else "2theta" if finite.max() > 15 else "d"


def _looks_like(position, table):
    finite = position[np.isfinite(position)]
    between = f"{finite.min():g} to {finite.max():g}" if len(finite) else "no finite number"
    return f"{len(table)} rows, {between}, which looks like {_likely(position, table)} but is not guessed"


def _command(path, unit, wavelength):
    more = f" --wavelength {wavelength or 1.540593:g}" if unit == "2theta" else ""
    return f"type: python -m ddi index {path} --unit {unit}{more}"
