"""Other lattices with the same lines: the geometrical ambiguities of Mighell and Santoro (1975),
J. Appl. Cryst. 8, 372. No quality of positions decides between them.
"""

from fractions import Fraction
from typing import NamedTuple

import gemmi
import numpy as np

from ddi.forward import lattice, relations
from ddi.forward.bragg import two_theta
from ddi.forward.constants import FORWARD
from ddi.forward.lines import KINDS
from ddi.index import setting
from ddi.index.comparison import present
from ddi.index.constants import PARTNERS, SEARCH


class Partner(NamedTuple):
    """A lattice whose lines, up to the last peak, are those of another.

    Attributes
    ----------
    bravais : str
    cell : ndarray, shape (6,)
        Conventional.
    ratio : float
        Of its primitive volume to the other's.
    deciding : tuple of (ndarray of int (3,), float, bool)
        First lines beyond the last peak that only one of the two has: indices, d in Angstrom, and
        whether the partner has it; empty where all lines are the same.
    """

    bravais: str
    cell: np.ndarray
    ratio: float
    deciding: tuple


def partners(bravais, cell, q2_max):
    """Return a lattice's `Partner` s: sub- and supercells of index up to 4 with the same lines.

    Parameters
    ----------
    bravais : str
    cell : array_like, shape (6,)
        Conventional, hexagonal axes for hR.
    q2_max : float
        Up to which the lines are compared, in A^-2.

    Examples
    --------
    A hexagonal lattice has an orthorhombic partner of half its volume:

    >>> [(p.bravais, p.ratio) for p in partners("hP", [5, 5, 7, 90, 90, 120], 1.0)]
    [('oP', 0.5)]
    """
    reduced = lattice.reduced_cell(cell, lattice.BRAVAIS[bravais][1])
    own = _lines(reduced, PARTNERS.reach * q2_max)
    found = {}
    for index in PARTNERS.indices:
        for form in relations.hermite_forms(index):
            for ratio, rows in (
                (1 / index, np.linalg.inv(form.T)),
                (float(index), form),
            ):
                other = lattice.change_basis(reduced, rows)
                partner = _compared(bravais, own, other, ratio, q2_max)
                if partner:
                    key = partner.bravais, ratio, tuple(np.round(partner.cell, 2))
                    found.setdefault(key, partner)
    ordered = sorted(found.values(), key=lambda one: (len(one.deciding) > 0, -one.ratio))
    return tuple(ordered[: PARTNERS.most])


def _compared(bravais, own, other, ratio, q2_max):
    """The `Partner` that a lattice is, or None."""
    if ratio > 1 and _order(relations.standard(other)[0]) <= _order(bravais):
        return None  # only a more symmetric lattice hides lines that a larger cell has
    lines = _lines(other, own[1][-1] * 1.0000001)
    only_own, only_other = (_missing(own[1], lines[1]), _missing(lines[1], own[1]))
    if (own[1][only_own] <= q2_max).any() or (lines[1][only_other] <= q2_max).any():
        return None
    symbol, cell = relations.standard(other)
    cell = setting.conventional(cell, symbol)[0]
    if cell[:3].min() < FORWARD.min_length or lattice.volume(other) < SEARCH.min_volume:
        return None  # no crystal has it
    deciding = [(hkl, q2, False) for hkl, q2 in zip(own[0][only_own], own[1][only_own])]
    deciding += [(hkl, q2, True) for hkl, q2 in zip(lines[0][only_other], lines[1][only_other])]
    deciding = sorted(deciding, key=lambda one: one[1])[: PARTNERS.most]
    return Partner(
        symbol, cell, ratio, tuple((hkl, float(q2) ** -0.5, has) for hkl, q2, has in deciding)
    )


def _order(bravais):
    return lattice.LAUE_ORDER[lattice.BRAVAIS[bravais][0]]


def _lines(cell, q2_max):
    """Distinct lines of a primitive cell: indices (n, 3) and q2 (n,), ascending."""
    hkl, q2 = present(cell, gemmi.SpaceGroup("P 1"), q2_max)
    order = np.argsort(q2, kind="stable")
    first = np.diff(q2[order], prepend=-1) > PARTNERS.same * q2_max
    return hkl[order][first], q2[order][first]


def _missing(q2, other):
    """Which lines (n,) the other list lacks."""
    place = np.searchsorted(other, q2)
    near = np.minimum(
        np.abs(other[np.clip(place, 0, len(other) - 1)] - q2),
        np.abs(other[np.clip(place - 1, 0, len(other) - 1)] - q2),
    )
    return near > 2 * PARTNERS.same * q2[-1]


def said(found, wavelength=None):
    """Return what is to be said of partners, one sentence each."""
    return [_sentence(partner, wavelength) for partner in found]


def _sentence(partner, wavelength):
    free = lattice.free_cell(partner.cell, KINDS[partner.bravais].system)
    cell = f"{partner.bravais} {' '.join(f'{value:.3f}' for value in free)}"
    cell += f" (primitive volume times {Fraction(partner.ratio).limit_denominator(9)})"
    if not partner.deciding:
        return (
            f"Another lattice has exactly the same line positions: {cell}. No position decides; "
            "intensities, the density or a single crystal can"
        )
    lines = []
    for _, d, has in partner.deciding:
        angle = float(two_theta(d**-2, wavelength)) if wavelength else np.nan
        where = f"d = {d:.4f} A" + (f" (2theta = {angle:.2f})" if np.isfinite(angle) else "")
        lines.append(f"{where}, {'only the other' if has else 'only the first cell'} has")
    return (
        f"Another lattice has the same lines up to the last peak: {cell}. A peak would decide at "
        + "; ".join(lines)
    )
