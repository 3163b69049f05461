"""Which unit positions are in: what the file says, what the user says, and the question where they
disagree or nothing says it.
"""

import shlex
from dataclasses import replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.peaks import UNITS
from ddi.index.readers.unnamed import looks_measured
from ddi.index.typed import program


def resolved(name, found, unit):
    """The unit of what was found, where user and file agree or one of them is silent.

    Raises
    ------
    DDIError
        If they contradict each other, or neither says.
    """
    if found.unit == "q?" and unit in (None, "d", "q2", "2theta"):
        raise _which_q(name, found)
    if found.unit == "q2?" and unit in (None, "d", "2theta"):
        raise DDIError(
            f"{name} calls its positions Q^2, of a Q that is 2 pi/d to some and 1/d to others: "
            "type --unit q2 if it is 1/d^2, --unit q2pi if it is the square of 2 pi/d"
        )
    stated = found.unit if found.unit not in ("q?", "q2?") else unit
    if unit and stated and unit != stated:
        raise DDIError(
            f"{name} says its positions are {stated}, but --unit is {unit}; "
            f"{command(name, stated, found.wavelength)}"
        )
    unit = unit or stated
    if unit is None and np.nanmax(found.position, initial=0) > 180:
        raise DDIError(
            f"{name} holds {_range(found)}, which are no angles, and nothing says what else: "
            "expected 2theta below 180 degrees, d or q (time of flight and spectra are not read). "
            "If they are d type --unit d"
        )
    if unit is None:
        raise DDIError(
            f"{name} does not say what its positions are: {_looks_like(found)}; "
            f"{command(name, likely_unit(found), found.wavelength)}"
        )
    return unit


def _which_q(name, found):
    finite = np.abs(found.position[np.isfinite(found.position)])
    first = finite.min() * found.scale if len(finite) else 0.0
    likely = "q2pi" if first > 0.35 else "q"
    return DDIError(
        f"{name} calls its positions q, which is 2 pi/d to some and 1/d to others; the first "
        f"would be d = {_per(2 * np.pi, first)} or {_per(1, first)} A. If it is 2 pi/d type "
        f"--unit q2pi, if 1/d --unit q; likely: {command(name, likely, None)}"
    )


def rooted(found):
    """What was found with the roots of its positions, which are squares of q."""
    with np.errstate(invalid="ignore"):
        root = np.sqrt(found.position)
    return replace(found, position=root, scale=found.scale**0.5, sigma=None, unit="q?")


def _per(numerator, value):
    return f"{numerator / value:.3f}" if value > 1e-9 else "infinite"


def to_q2(position, unit):
    """Return 1/d^2 in A^-2 of positions that are no angles."""
    with np.errstate(divide="ignore", over="ignore"):
        return {
            "d": lambda: position**-2.0,
            "q": lambda: position**2,
            "q2": lambda: position,
            "q2pi": lambda: (position / (2 * np.pi)) ** 2,
        }[unit]()


def likely_unit(found):
    """The unit that numbers look like; for a question, never for an answer."""
    finite = found.position[np.isfinite(found.position)]
    if not len(finite):
        return "d"
    if looks_measured(found.position, found.intensity) or finite.max() > 40:
        return "2theta"
    if len(finite) > 1 and finite[0] > finite[-1]:
        return "d"
    return "q2" if finite.max() < 1.5 else "2theta" if finite.max() > 15 else "d"


def _looks_like(found):
    return f"{_range(found)}, which looks like {likely_unit(found)} but is not guessed"


def _range(found):
    finite = found.position[np.isfinite(found.position)]
    between = f"{finite.min():g} to {finite.max():g}" if len(finite) else "no finite number"
    return f"{len(found.position)} rows, {between}"


def command(name, unit, wavelength):
    """The command to type, in a sentence."""
    more = (
        f" --wavelength {wavelength or 1.540593:g}" if unit in ("2theta", "theta", "sin2") else ""
    )
    file = "-" if name == "standard input" else shlex.quote(name)
    unit = f" --unit {unit}" if unit in UNITS else ""  # a file alone can say theta
    return f"type: {program()} index {file}{unit}{more}"
