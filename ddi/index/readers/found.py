"""What a reader found in a file, and how it becomes `Peaks` or a `Pattern`."""

from dataclasses import dataclass, replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.instrument import as_wavelength
from ddi.index.peaks import FEWEST, MOST, Pattern, from_values
from ddi.index.readers.units import command, resolved, rooted, to_q2
from ddi.index.readers.unnamed import FEWEST_POINTS, REGULAR, in_order, looks_measured

_EQUAL = 0.22  # log of the ratio of two steps that are nearly equal, 25 %; chosen
_WIDEST_SINE = 0.87  # of theta at the end of a pattern in d or q, of which no angles are known
_NARROW = 0.01  # relative: no pattern has all its lines within it; chosen
_LONGEST = 1500.0  # spacing in Angstrom; chosen
_MOST_BACK = 0.02  # share of the steps of a scan that go back, where ranges meet; chosen
_LARGEST_ERROR = 0.02  # of a position: larger ones are intensities, `3.10(100)`; chosen
_ANEW = 0.5  # of a range that an earlier one has covered: it is a scan of its own; chosen


@dataclass(frozen=True)
class Found:
    """Columns with their meaning, as far as the file says it.

    Attributes
    ----------
    position : ndarray, shape (n,)
    unit : str or None
        One of `UNITS`, "theta" (degrees), "sin2" (sin^2 theta), or None where the file does not
        say; "q?" is a q of which the file does not say whether it is 1/d or 2 pi/d, "q2?" its
        square.
    intensity, sigma : ndarray, shape (n,), or None
        sigma of the positions, in their unit.
    wavelength : float or None
        In Angstrom.
    radiation : str or None
    is_pattern : bool or None
        None where only the numbers can tell.
    format : str
    scale : float
        To Angstrom or 1/Angstrom.
    note, words : str, tuple of str
        What the reader wants to be said; sentences on what has no effect.
    """

    position: np.ndarray
    unit: str | None
    intensity: np.ndarray | None = None
    sigma: np.ndarray | None = None
    wavelength: float | None = None
    radiation: str | None = None
    is_pattern: bool | None = None
    format: str = "text"
    scale: float = 1.0
    note: str = ""
    words: tuple = ()


def as_result(name, found, unit, wavelength, radiation):
    """Return `Peaks` or a `Pattern`; what the user says comes before what the file says."""
    found = rooted(found) if found.unit == "q2?" and unit in ("q", "q2pi") else found
    found = _as_scan(found)
    angles = (wavelength or found.wavelength) and _measured_in_degrees(found)
    unit = resolved(name, found, unit or ("2theta" if angles and found.unit is None else None))
    wavelength = as_wavelength(wavelength if wavelength is not None else found.wavelength)
    radiation = radiation or found.radiation or "xray"
    position = np.asarray(found.position, dtype=float) * found.scale
    sigma = None if found.sigma is None else np.asarray(found.sigma, dtype=float) * found.scale
    if unit == "theta":
        unit, position = "2theta", 2 * position
        sigma = None if sigma is None else 2 * sigma
    if unit == "sin2":
        unit, position, sigma = "2theta", _from_squares(name, position, wavelength), None
    source = f"{name} ({found.format})"
    if found.is_pattern or (found.is_pattern is None and looks_measured(position, found.intensity)):
        said = source + found.note
        return _pattern(name, said, position, found.intensity, unit, wavelength, radiation)
    if unit == "2theta" and wavelength is None:
        raise DDIError(
            f"{name} holds 2theta, which means nothing without a wavelength; "
            f"{command(name, unit, None)}"
        )
    lists = list(map(len, _begun_anew(position)))
    if len(lists) > 1 and min(lists) >= FEWEST:
        raise DDIError(
            f"{name} holds {len(lists)} lists one below the other; keep one, or sort them "
            "if they are of one pattern"
        )
    _check_spacing(name, position, unit)
    if sigma is not None:
        likely = (sigma > 0).all() and np.median(_LARGEST_ERROR * position - sigma) > 0
        sigma = sigma if likely else None
    position, intensity, sigma, note = _each_once(position, found.intensity, sigma)
    if intensity is None and sigma is None and len(position) > MOST:
        position, note = _first_lines(position, unit, note)
    said = f"{source}: {len(position)} peaks in {unit}{found.note}{note}"
    peaks = from_values(position, unit, wavelength, intensity, sigma, said, warnings=found.words)
    return replace(peaks, radiation=radiation)


def _check_spacing(name, position, unit):
    finite = position[np.isfinite(position)]
    if len(finite) >= FEWEST and 0 < np.ptp(finite) < _NARROW * finite.mean():
        raise DDIError(
            f"{name} holds {len(finite)} positions from {finite.min():g} to {finite.max():g}, one "
            "line again and again; a list of the lines of one pattern is wanted"
        )
    longest = np.max(position[np.isfinite(position)], initial=0)
    if unit == "d" and longest > _LONGEST:
        raise DDIError(
            f"{name} holds a spacing of {longest:g} A, which no powder line has: check "
            "its unit, and whether a comma in it is a decimal one"
        )


def _first_lines(position, unit, note):
    """The `MOST` largest spacings of a list in order, such as of a structure's lines to the limit
    of its program: without intensities it is no pattern. Numbers in no order, and steps as equal
    as a scan's, are left as they are.
    """
    steps = np.diff(position)
    equal = np.abs(np.log(steps[1:] / steps[:-1])) < _EQUAL if in_order(position) else [True]
    if np.mean(equal) > REGULAR:
        return position, note
    falling = position if unit == "d" else -position
    first = np.sort(np.argsort(-falling, kind="stable")[:MOST])
    return position[first], f"{note}, the first of {len(position)}"


def _each_once(position, intensity, sigma):
    """Put rows that follow each other at the same position together, as calculated lists have one
    for each of the indices 333 and 511; return position, summed intensity, sigma and a note.
    """
    new = np.ones(len(position), dtype=bool)
    new[1:] = position[1:] != position[:-1]
    first = np.flatnonzero(new)
    if len(first) == len(position):
        return position, intensity, sigma, ""
    if intensity is not None:
        intensity = np.add.reduceat(np.asarray(intensity, dtype=float), first)
    sigma = None if sigma is None else sigma[first]
    note = f", {len(position) - len(first)} rows more at the same positions"
    return position[first], intensity, sigma, note


def _as_scan(found):
    """A scan that runs down, in ranges that overlap, or with points that are no numbers, put into
    rising order, and of several scans the first; anything else unchanged.
    """
    if found.intensity is None or found.is_pattern is False or len(found.position) < FEWEST_POINTS:
        return found
    finite = np.isfinite(found.position) & np.isfinite(found.intensity)
    x, y = found.position[finite], found.intensity[finite]
    steps = np.diff(x)
    if len(x) < 0.5 * len(finite) or min(np.mean(steps <= 0), np.mean(steps >= 0)) > _MOST_BACK:
        return found
    note = "" if finite.all() else f", points without numbers left out: {np.sum(~finite)}"
    runs = _begun_anew(x)
    if len(runs) > 1:
        x, y = x[: len(runs[0])], y[: len(runs[0])]
        note += f", the first of {len(runs)} scans"
    x, first = np.unique(x, return_index=True)
    if found.is_pattern or looks_measured(x, y[first]):
        return replace(found, position=x, intensity=y[first], sigma=None, note=found.note + note)
    return found


def _begun_anew(x):
    """Positions split where they turn back, if the second run covers what the first has covered, so
    that it is a scan or list of its own; else all in one.
    """
    if len(x) < 2 or not np.isfinite(x).all():
        return [x]
    steps = np.sign(np.diff(x))
    runs = np.split(x, np.flatnonzero(steps * np.median(steps) < 0) + 1)
    if len(runs) < 2:
        return runs
    ends = [(run.min(), run.max()) for run in runs[:2]]
    both = min(high for _, high in ends) - max(low for low, _ in ends)
    return runs if both > _ANEW * min(high - low for low, high in ends) else [x]


def _measured_in_degrees(found):
    """Say whether positions can be 2theta of a scan. Who states a wavelength for a scan in equal
    steps says that it is one in angles: for q or d no wavelength would be needed.
    """
    if found.is_pattern is False or not looks_measured(found.position, found.intensity):
        return False
    return bool(found.position.min() > -5 and 25 < found.position.max() < 180)


def _from_squares(name, squares, wavelength):
    """2theta in degrees of sin^2 theta."""
    if wavelength is None or not ((squares > 0) & (squares < 1)).all():
        raise DDIError(
            f"{name} holds sin^2(theta), which must lie between 0 and 1 and means nothing without "
            f"a wavelength; {command(name, 'sin2', wavelength)}"
        )
    return 2 * np.degrees(np.arcsin(np.sqrt(squares)))


def _pattern(name, source, position, intensity, unit, wavelength, radiation):
    if wavelength is None and unit != "2theta":
        q2 = to_q2(position, unit)
        wavelength = 2 * _WIDEST_SINE / np.sqrt(np.max(q2[np.isfinite(q2)], initial=1e-12))
        wavelength, radiation = float(np.clip(wavelength, 0.02, 50)), "monochromatic"
        source += f", as 2theta of {wavelength:.4g} A"
    if wavelength is None:
        raise DDIError(
            f"{name} is a measured pattern in {unit}, whose wavelength is not stated; "
            f"{command(name, unit, None)}"
        )
    intensity = np.asarray(intensity, dtype=float)
    if unit != "2theta":
        sine = 0.5 * wavelength * np.sqrt(to_q2(position, unit))
        with np.errstate(invalid="ignore"):
            position = np.degrees(2 * np.arcsin(np.where(sine < 1, sine, np.nan)))
        inside = np.isfinite(position)
        order = np.argsort(position[inside])
        position, intensity = position[inside][order], intensity[inside][order]
    if not (len(position) and position[-1] < 180):
        raise DDIError(
            f"{name}: as {unit} this pattern ends beyond 180 degrees; check --unit and --wavelength"
        )
    keep = position > 0
    return Pattern(position[keep], intensity[keep], wavelength, radiation, source)
