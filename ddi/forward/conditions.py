"""Reflection conditions of a setting, computed from its operations (write-up, section 2.1.2).

A *pattern* is the set of low-order reflections that the operations forbid. Its *label* says so in
the way of International Tables, "P; h00:2n; 0k0:2n", leaving out what the centring, a zone or an
equivalent class already implies.
"""

from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np

from ddi.forward.constants import FORWARD

REACH = FORWARD.condition_reach
_AXIS = 2 * REACH + 1
_HKL = (np.indices([_AXIS] * 3).reshape(3, -1).T - REACH).astype(np.int32)
_STEP = np.array([_AXIS**2, _AXIS, 1])
_H, _K, _L = _HKL.T
_CLASSES = {
    "0kl": _H == 0,
    "h0l": _K == 0,
    "hk0": _L == 0,
    "hhl": _H == _K,
    "h00": (_K == 0) & (_L == 0),
    "0k0": (_H == 0) & (_L == 0),
    "00l": (_H == 0) & (_K == 0),
}
_SUMS = {
    "h": _H,
    "k": _K,
    "l": _L,
    "k+l": _K + _L,
    "h+l": _H + _L,
    "h+k": _H + _K,
    "2h+l": 2 * _H + _L,
}
# For each class the conditions it can carry: text and what the condition forbids within the class.
_CONDITIONS = {
    name: [
        (
            f"{modulus}n" if name.count("0") == 2 else f"{text}={modulus}n",
            members & (total % modulus != 0),
        )
        for modulus in (2, 3, 4, 6)
        for text, total in _SUMS.items()
        if set(text) & set("hkl") <= set(name)
    ]
    for name, members in _CLASSES.items()
}
_NORM = np.maximum((_HKL**2).sum(axis=1), 1)
# Half of the indices, because h and -h are one reflection; 000 weighs nothing.
_WEIGHT = np.where(np.arange(len(_HKL)) > len(_HKL) // 2, 1.0 / _NORM**2, 0.0)


@dataclass(frozen=True, eq=False)
class Pattern:
    """What one setting forbids.

    Attributes
    ----------
    label : str
        Centring letter, unique axis of a monoclinic setting, then ``class:condition`` separated by
        semicolons.
    absent : ndarray of bool, shape (2197,)
        Over all indices up to `REACH`.
    """

    label: str
    absent: np.ndarray


@cache
def pattern_of(operations, bravais, unique_axis=-1):
    """Return the reflection-condition pattern of a setting.

    Parameters
    ----------
    operations : tuple of str
        Triplets of the whole group.
    bravais : str
        One of `ddi.forward.lattice.BRAVAIS`.
    unique_axis : int
        0, 1, 2 for a monoclinic setting, else -1.

    Returns
    -------
    Pattern

    Notes
    -----
    The classes are looked at from zones to axes. Each gets the first condition that accounts for
    what is absent in it and not implied by what was found before or by an equivalent class under
    the group's rotations.
    """
    group = gemmi.GroupOps([gemmi.Op(triplet) for triplet in operations])
    absent = np.asarray(group.systematic_absences(_HKL), dtype=bool)
    implied = _absent_by_centring(group)
    letter = bravais[1] if group.find_centering() == "P" else group.find_centering()
    words = [letter + (f", {'abc'[unique_axis]} unique" if unique_axis >= 0 else "")]
    equivalents = _equivalents(group)
    for name in _CLASSES:
        while (found := _condition(name, absent, implied)) is not None:
            words.append(f"{name}:{found[0]}")
            implied = implied | found[1][equivalents].any(axis=0)
    return Pattern("; ".join(words), absent)


def _absent_by_centring(group):
    phases = _HKL @ np.array([list(shift) for shift in group.cen_ops]).T
    return (phases % gemmi.Op.DEN != 0).any(axis=1)


def _equivalents(group):
    """Return, for each rotation, where in `_HKL` each index goes; indices that leave the range stay
    where they are.
    """
    rotations = {tuple(map(tuple, op.rot)) for op in group.sym_ops}
    tables = []
    for rotation in sorted(rotations):
        moved = _HKL @ (np.array(rotation, dtype=np.int32) // gemmi.Op.DEN)
        inside = (np.abs(moved) <= REACH).all(axis=1)
        tables.append(np.where(inside, (moved + REACH) @ _STEP, np.arange(len(_HKL))))
    return np.array(tables)


def _condition(name, absent, implied):
    """Return the text and mask of the condition that explains most of what is left of a class and
    forbids nothing present.
    """
    left = absent & ~implied
    true = [
        (text, forbidden)
        for text, forbidden in _CONDITIONS[name]
        if not (forbidden & ~absent).any()
    ]
    best = max(true, key=lambda condition: (condition[1] & left).sum(), default=None)
    return best if best is not None and (best[1] & left).any() else None


def distance(first, second):
    """Return how differently two patterns thin out the low orders.

    The sum of 1/(h2 + k2 + l2)^2 over the reflections up to `REACH`, Friedel mates once, that one
    pattern forbids and the other allows. A twofold screw axis is 1.01 away from no condition, an
    axial glide 1.68.
    """
    return float(_WEIGHT[first.absent != second.absent].sum())
