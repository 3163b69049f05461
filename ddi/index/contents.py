"""What a chemical formula says of a cell: a volume for each formula unit, and how many of these
crystals hold. Both are soft: they raise and lower scores, and exclude nothing.

Volumes of atoms are least squares over measured minerals; those of molecules are Hofmann's (2002),
Acta Cryst. B58, 489. ``python -m ddi bench volumes`` measures how far both are off.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import gemmi
import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.index.constants import CONTENTS, SEARCH

TABLE = Path(__file__).with_name("volumes.json")
_DALTON = 1.66053907  # g/cm^3 of one dalton per A^3


@lru_cache(maxsize=1)
def table():
    """Return the measured numbers: see `ddi.bench.volumes`, which makes them."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def composition(formula):
    """Return element -> count of a formula with brackets, points and decimals.

    Raises
    ------
    DDIError
        If it is no formula.

    Examples
    --------
    >>> composition("Ca(OH)2") == {"Ca": 1, "O": 2, "H": 2}, composition("CaSO4.2H2O")["H"]
    (True, 4.0)
    """
    counts = {}
    text = re.sub(r"\s+", "", str(formula)).translate(
        str.maketrans("[]{}*\u2022", "()()\u00b7\u00b7")
    )
    for part in _parts(text):
        factor = re.match(r"\d+(?=[A-Z(])", part)
        body = part[factor.end() :] if factor else part
        _add(counts, body, float(factor[0]) if factor else 1.0, str(formula))
    if not counts or sum(counts.values()) <= 0:
        raise _no_formula(formula)
    return counts


def _parts(text):
    """`CaSO4.2H2O` is two; any other point between digits is a decimal one, as in `Fe0.5`."""
    water = r"\.(?=\d*[HD]2O(?:\.|$))|\.(?=[A-Z(])|\u00b7"
    return [part for part in re.split(water, text) if part]


def _add(counts, body, factor, formula):
    """Add what a formula without brackets, or what is in brackets, holds."""
    while found := re.search(r"\(([^()]*)\)(\d*\.?\d*)", body):
        inner, times = found[1], float(found[2] or 1)
        _add(counts, inner, factor * times, formula)
        body = body[: found.start()] + body[found.end() :]
    if re.sub(r"[A-Z][a-z]?(\d+\.?\d*|\.\d+)?", "", body):
        raise _no_formula(formula)
    for element, count in re.findall(r"([A-Z][a-z]?)(\d+\.?\d*|\.\d+)?", body):
        element = "H" if element == "D" else element
        if gemmi.Element(element).name != element or element == "X":
            raise _no_formula(formula)
        counts[element] = counts.get(element, 0.0) + factor * float(count or 1)


def _no_formula(formula):
    return DDIError(
        f"'{formula}' is no chemical formula; write element symbols with numbers, such as "
        "'Ba S O4', 'Ca(OH)2' or 'CaSO4.2H2O'"
    )


@dataclass(frozen=True)
class Contents:
    """What is known of a crystal's contents.

    Attributes
    ----------
    formula : str
    volume : float
        Of one formula unit in A^3.
    mass : float
        Of one formula unit in dalton.
    errors : tuple of (float, float, float)
        Weight, mean and standard deviation of the normal curves that the logarithm of true over
        estimated volume follows.
    z : float or None
        Formula units in the conventional cell, if they are known.
    """

    formula: str
    volume: float
    mass: float
    errors: tuple
    z: float | None = None

    @classmethod
    def of(cls, formula, z=None, density=None):
        """Make it of a formula and, where they are known, Z and the density in g/cm^3."""
        counts = composition(formula)
        mass = sum(gemmi.Element(element).weight * n for element, n in counts.items())
        for value, option in ((z, "z"), (density, "density")):
            if value is not None and not 0 < value < 1e4:
                raise DDIError(f"--{option} {value} makes no sense; it must be above 0")
        if density is not None:
            volume = mass * _DALTON / density
            return cls(str(formula), volume, mass, ((1.0, 0.0, CONTENTS.density_error),), z)
        numbers = table()
        kind = "molecules" if is_molecular(counts) else "minerals"
        if kind == "minerals" and z is None:  # "Pb4 S4", a whole cell's contents, means PbS
            common = _common_divisor(counts)
            counts = {element: n / common for element, n in counts.items()}
            mass /= common
        volumes = numbers["minerals"]["volumes"] | numbers[kind]["volumes"]
        usual = CONTENTS.other_volume
        volume = sum(volumes.get(element, usual) * n for element, n in counts.items())
        errors = tuple(map(tuple, numbers[kind]["errors"]))
        return cls(str(formula), float(volume), float(mass), errors, z)

    def log_ratio(self, bravais, volume):
        """Return how much likelier, in log units, this formula makes primitive cells of a volume
        than another formula would, if all logarithms of volumes that are searched were equally
        likely: up to 2 or 3, and never below the logarithm of `CONTENTS.doubt`.

        Parameters
        ----------
        bravais : str
        volume : array_like, shape (n,)
            Of primitive cells in A^3.

        Returns
        -------
        ndarray, shape (n,)
        """
        system, centring = lattice.BRAVAIS[bravais]
        log_volume = np.log(np.asarray(volume, dtype=float))
        if self.z is not None:
            units = {self.z / lattice.POINTS[centring]: 1.0}
        else:
            units = {float(n): share for n, share in table()["units"][system].items()}
        density = sum(
            share * weight * _normal(log_volume - math.log(n * self.volume), mean, spread)
            for n, share in units.items()
            for weight, mean, spread in self.errors
        )
        ratio = density * math.log(SEARCH.max_volume / SEARCH.min_volume)
        return np.log((1 - CONTENTS.doubt) * ratio + CONTENTS.doubt)

    def said(self, volume):
        """Return what a conventional cell of a volume in A^3 implies, in words."""
        units = volume / self.volume
        z = self.z if self.z is not None else max(round(units), 1)
        density = z * self.mass * _DALTON / volume
        return (
            f"{self.formula}: Z = {z:g} (the volume alone says {units:.2f}), density "
            f"{density:.3f} g/cm^3, {volume / z:.1f} A^3 a formula unit where "
            f"{self.volume:.1f} are expected"
        )


def known(formula=None, z=None, density=None):
    """Return `Contents`, or None where no formula is given."""
    if formula is not None:
        return Contents.of(formula, z, density)
    if z is not None or density is not None:
        raise DDIError("--z and --density say nothing without --formula; add --formula 'Ba S O4'")
    return None


def is_molecular(counts):
    """Say whether carbon comes with hydrogen and no carbonate's oxygen: then its volume is that of
    molecules.
    """
    carbon = counts.get("C", 0)
    return carbon > 0 and counts.get("H", 0) > 0 and counts.get("O", 0) < 3 * carbon - 1e-6


def _common_divisor(counts):
    """The greatest common divisor of counts; 1 if one of them is no integer."""
    if any(n != round(n) for n in counts.values()):
        return 1
    return math.gcd(*(round(n) for n in counts.values()))


def _normal(value, mean, spread):
    return np.exp(-0.5 * ((value - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
