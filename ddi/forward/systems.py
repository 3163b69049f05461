"""The seven lattice systems and the fourteen Bravais lattices, as data.

A system ties the six components of the reciprocal metric x together and leaves some of the six cell
parameters free. That is all that distinguishes the systems; nothing else in the package branches on
them.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LatticeSystem:
    """What is particular about one lattice system.

    Attributes
    ----------
    name : str
    ties : tuple of tuple of float
        For each free component of x, its weights on (hh, kk, ll, kl, hl, hk).
    free : tuple of int
        Which of (a, b, c, alpha, beta, gamma) are free.
    copies : tuple of int
        Index of the free parameter that each of the six cell parameters copies; -1 where `fixed`
        holds.
    fixed : tuple of float
        Value in degrees of the cell parameters that copy nothing.
    n_peaks : int
        How many peaks the generators read (write-up 2.2: ten for cubic, else twenty).
    n_ref : int
        Number of reference Miller indices (write-up 2.3.1).
    """

    name: str
    ties: tuple
    free: tuple
    copies: tuple
    fixed: tuple
    n_peaks: int = 20
    n_ref: int = 500


_90 = (0, 0, 0, 90.0, 90.0, 90.0)
_TABLE = (
    LatticeSystem("cubic", ((1, 1, 1, 0, 0, 0),), (0,), (0, 0, 0, -1, -1, -1), _90, 10, 100),
    LatticeSystem(
        "tetragonal", ((1, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)), (0, 2), (0, 0, 1, -1, -1, -1), _90
    ),
    LatticeSystem(
        "hexagonal",
        ((1, 1, 0, 0, 0, 1), (0, 0, 1, 0, 0, 0)),
        (0, 2),
        (0, 0, 1, -1, -1, -1),
        (0, 0, 0, 90.0, 90.0, 120.0),
    ),
    LatticeSystem(
        "rhombohedral", ((1, 1, 1, 0, 0, 0), (0, 0, 0, 1, 1, 1)), (0, 3), (0, 0, 0, 1, 1, 1), _90
    ),
    LatticeSystem(
        "orthorhombic",
        ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
        (0, 1, 2),
        (0, 1, 2, -1, -1, -1),
        _90,
    ),
    LatticeSystem(
        "monoclinic",
        ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 1, 0)),
        (0, 1, 2, 4),
        (0, 1, 2, -1, 3, -1),
        _90,
    ),
    LatticeSystem(
        "triclinic",
        tuple(tuple(row) for row in np.eye(6, dtype=int).tolist()),
        (0, 1, 2, 3, 4, 5),
        (0, 1, 2, 3, 4, 5),
        _90,
    ),
)

SYSTEM = {entry.name: entry for entry in _TABLE}
SYSTEMS = tuple(SYSTEM)
N_PEAKS = {entry.name: entry.n_peaks for entry in _TABLE}
N_REF = {entry.name: entry.n_ref for entry in _TABLE}

BRAVAIS = {
    "cF": ("cubic", "F"), "cI": ("cubic", "I"), "cP": ("cubic", "P"),
    "hP": ("hexagonal", "P"), "hR": ("rhombohedral", "R"),
    "tI": ("tetragonal", "I"), "tP": ("tetragonal", "P"),
    "oF": ("orthorhombic", "F"), "oI": ("orthorhombic", "I"), "oC": ("orthorhombic", "C"),
    "oP": ("orthorhombic", "P"),
    "mC": ("monoclinic", "C"), "mP": ("monoclinic", "P"),
    "aP": ("triclinic", "P"),
}  # fmt: skip
"""Bravais lattice -> (lattice system, centring of the standard cell), from most to least symmetric.
"""
LAUE_ORDER = {
    "cubic": 48,
    "tetragonal": 16,
    "hexagonal": 24,
    "rhombohedral": 12,
    "orthorhombic": 8,
    "monoclinic": 4,
    "triclinic": 2,
}
"""Order of each lattice system's Laue group: how many general reflections share one line."""
POINTS = {"P": 1, "C": 2, "I": 2, "R": 3, "F": 4}
"""Centring -> lattice points in the conventional cell."""
