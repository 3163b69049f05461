"""Which lines a space group extinguishes: extinction symbols, ranked by what was and was not
observed.

Space groups of one lattice fall into classes of equal systematic absences; the classes come from
gemmi's table, the names follow International Tables A: a symmetry element is named where all groups
of the class share it, else there is a dash.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np

from ddi.forward import lattice, lines
from ddi.forward.constants import SCORE

_PROBE = np.array(
    [(h, k, l) for h in range(7) for k in range(-6, 7) for l in range(-6, 7)], dtype=np.int32
)
_ONE_THREAD = 2**18  # products of a multiplication of matrices that OpenBLAS gives one thread
_PLAIN = {"1", "-1", "2", "3", "4", "6", "m", "-3", "-4", "-6"}


@dataclass(frozen=True)
class Extinction:
    """A class of space groups with equal systematic absences.

    Attributes
    ----------
    symbol : str
        Extinction symbol.
    space_groups : tuple of str
        Hermann-Mauguin symbols on the axes of the search.
    operations : gemmi.GroupOps
        Of the first of them.
    """

    symbol: str
    space_groups: tuple
    operations: gemmi.GroupOps


@dataclass(frozen=True)
class Ranked:
    """An extinction symbol with its weight (those of a lattice add up to one), the lines that it
    allows up to the last peak, and the peaks that have one of them.
    """

    symbol: str
    space_groups: tuple
    weight: float
    n_allowed: int
    n_indexed: int


@lru_cache(maxsize=None)
def classes(bravais):
    """Return the `Extinction` s of a Bravais lattice, the one without absences first."""
    groups = {}
    for group in gemmi.spacegroup_table():
        if on_axes(group, bravais):
            absent = group.operations().systematic_absences(_PROBE)
            groups.setdefault(absent.tobytes(), (absent.sum(), []))[1].append(group)
    fewest_first = sorted(groups.values(), key=lambda pair: pair[0])
    return tuple(
        Extinction(
            _symbol([g.hm for g in members]),
            tuple(g.hm for g in members),
            members[0].operations(),
        )
        for _, members in fewest_first
    )


def on_axes(group, bravais):
    """Say whether a `gemmi.SpaceGroup` has a Bravais lattice on the axes of the search: b unique,
    hexagonal axes for hR.
    """
    system, centring = lattice.BRAVAIS[bravais]
    family = {"hexagonal": ("hexagonal", "trigonal"), "rhombohedral": ("trigonal",)}.get(
        system, (system,)
    )
    b_unique = system != "monoclinic" or group.monoclinic_unique_axis() == "b"
    on_axes = b_unique and (group.hm[0] == "R") == (bravais == "hR")
    return (
        on_axes
        and group.crystal_system_str() in family
        and group.operations().find_centering() == centring
    )


@lru_cache(maxsize=None)
def numbers(bravais):
    """Return, for each of the `classes`, the numbers of its space groups, each once."""
    return tuple(
        tuple(sorted({gemmi.SpaceGroup(name).number for name in entry.space_groups}))
        for entry in classes(bravais)
    )


# screw axes with the same absences, called by the first of each pair
_ENANTIOMORPHS = {"43": "41", "32": "31", "64": "62", "65": "61"}


def _symbol(names):
    """The elements that all Hermann-Mauguin symbols have in one place; the first one's glide where
    only its name differs.
    """
    split = [name.split() for name in names if "(" not in name]  # not P21212(a)
    places = []
    for place in range(1, max(map(len, split))):
        marks = [
            [_ENANTIOMORPHS.get(m, m) for m in re.split("/", p[place]) if m not in _PLAIN]
            if place < len(p)
            else []
            for p in split
        ]
        shared = [mark for mark in marks[0] if all(mark in others for others in marks)]
        dummy = all(len(p) > place and p[place] == "1" for p in split)
        places.append("/".join(shared or marks[0]) if all(marks) else "1" if dummy else "-")
    return " ".join([split[0][0], *places])


def allowed(bravais, hkl):
    """Say which lines each class of the lattice allows, shape (n_classes, n_lines).

    A line counts if one of its equivalents in the lattice does: in P a -3, of the lines' indices,
    2 3 0 is allowed and 3 2 0 is not, and both have one position.
    """
    hkl = np.ascontiguousarray(hkl, dtype=np.int32).reshape(-1, 3)
    turned = [hkl, np.ascontiguousarray(hkl[:, [1, 0, 2]])] if bravais[0] == "c" else [hkl]
    absent = [
        np.logical_and.reduce([entry.operations.systematic_absences(each) for each in turned])
        for entry in classes(bravais)
    ]
    return ~np.array(absent).reshape(-1, len(hkl))


def over_lines(values, masks):
    """Sum values of peaks and lines, shape (n_peaks, n_lines), over the lines that each mask
    (n_masks, n_lines) allows: shape (n_peaks, n_masks).

    In pieces that BLAS does not share among threads: these wait for each other at full speed, which
    took up to a fifth of the CPU of a whole pattern.
    """
    columns = masks.T.astype(float)
    n = max(_ONE_THREAD // max(columns.size, 1), 1)
    return np.concatenate([values[i : i + n] @ columns for i in range(0, len(values), n)])


def rank(cell, bravais, q2_observed, tolerance):
    """Rank the extinction symbols of a lattice by the peaks that were observed.

    Every peak is taken to be any one of the lines its class allows, or spurious: a class gains by
    each line it forbids and nobody saw, and loses where it leaves a peak without a line.

    Parameters
    ----------
    cell : array_like, shape (6,)
        Conventional cell in A and degrees; hexagonal axes for hR.
    bravais : str
    q2_observed : array_like, shape (n_peaks,)
        1/d^2 in A^-2, zero shift taken off.
    tolerance : float or array_like, shape (n_peaks,)
        What a line may miss its peak by, in A^-2.

    Returns
    -------
    list of Ranked
        Best first.
    """
    q2_observed = np.asarray(q2_observed, dtype=float)
    n = len(q2_observed)
    hkl, q2 = lines.distinct_lines(
        lattice.cell_to_x(cell), bravais, q2_observed.max() + np.max(tolerance)
    )
    tolerance = np.broadcast_to(tolerance, q2_observed.shape)[:, None]
    near = np.abs(q2_observed[:, None] - q2) <= tolerance
    masks = allowed(bravais, hkl)
    n_allowed = np.maximum(masks.sum(axis=1), 1)
    n_indexed = (over_lines(near, masks) > 0).sum(axis=0)
    with_line = np.log((1 - SCORE.spurious) / n_allowed)
    without = np.log(SCORE.spurious / max(len(q2), 1))
    fits = n_indexed * with_line + (n - n_indexed) * without
    weights = np.exp(fits - fits.max())
    weights /= weights.sum()
    listed = [
        Ranked(entry.symbol, entry.space_groups, float(weight), int(allows), int(indexes))
        for entry, weight, allows, indexes in zip(classes(bravais), weights, n_allowed, n_indexed)
    ]
    return [listed[i] for i in np.lexsort((n_allowed, -weights))]


_HALVES = dict.fromkeys(
    ("orthorhombic", "monoclinic", "triclinic"),
    [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1)],
)
_HALVES |= {
    "cubic": [(1, 1, 1)],
    "tetragonal": [(0, 0, 1), (1, 1, 0), (1, 1, 1)],
    "hexagonal": [(0, 0, 1)],
    "rhombohedral": [(0, 0, 1)],
}
_THIRDS = dict.fromkeys(
    ("orthorhombic", "monoclinic", "triclinic"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
)
_THIRDS |= {
    "cubic": [],
    "tetragonal": [(0, 0, 1)],
    "hexagonal": [(0, 0, 1), (1, 2, 0)],
    "rhombohedral": [(0, 0, 1)],
}


def subcells(bravais, hkl):
    """Say which lines stay when the cell is a superstructure of a smaller one: shape
    (n_subcells, n_lines).

    Those of index 2 and 3 that the lattice system allows, face centring, and for hP the
    rhombohedral one.
    """
    system = lattice.BRAVAIS[bravais][0]
    h, k, l = hkl.T
    masks = [
        hkl @ np.array(mark) % n == 0
        for n, marks in ((2, _HALVES), (3, _THIRDS))
        for mark in marks[system]
    ]
    masks.append(((h + k) % 2 == 0) & ((k + l) % 2 == 0))
    masks += [((h - k + l) % 3 == 0) | ((h - k - l) % 3 == 0)] if bravais == "hP" else []
    return np.array(masks)
