"""Space groups from their operations, and how many atoms a site stands for (write-up, 2.1.1).

Every source gives a list of operations, and the operations decide, not the symbol that came with
them. gemmi names the group; spglib its type where no table holds the setting.
"""

from functools import lru_cache

import gemmi
import numpy as np
import spglib

from ddi.forward import lattice
from ddi.forward.constants import FORWARD


@lru_cache(maxsize=20000)
def space_group(operations):
    """Return number and Hermann-Mauguin symbol of a group given by its operations.

    The operations decide, not the symbol that came with them. Where a table has the same group with
    another origin, its symbol is taken: same type, rotations, centring and absences. Otherwise the
    symbol is empty.

    Parameters
    ----------
    operations : tuple of str
        The whole group.

    Returns
    -------
    number : int
        0 if they are no space group.
    symbol : str
    """
    group = gemmi.GroupOps([gemmi.Op(operation) for operation in operations])
    found = gemmi.find_spacegroup_by_ops(group)
    if found:
        return found.number, found.hm
    number = _type_number(group)
    marks = _setting_marks(group)
    for candidate in gemmi.spacegroup_table():
        if candidate.number == number and _setting_marks(candidate.operations()) == marks:
            return number, candidate.hm
    return number, ""


def _type_number(group):
    rotations = np.array([operation.rot for operation in group]) // gemmi.Op.DEN
    translations = np.array([operation.tran for operation in group]) / gemmi.Op.DEN
    found = spglib.get_spacegroup_type_from_symmetry(rotations, translations)
    return found.number if found else 0


_PROBE = np.array(
    [(h, k, l) for h in range(-4, 5) for k in range(-4, 5) for l in range(9)], dtype=np.int32
)


def _setting_marks(group):
    """What two settings share that differ by nothing but the origin."""
    rotations = frozenset(tuple(map(tuple, operation.rot)) for operation in group.sym_ops)
    return rotations, group.find_centering(), group.systematic_absences(_PROBE).tobytes()


def multiplicities(cell, operations, xyz):
    """Return how many atoms of the unit cell each atom of the asymmetric unit stands for, shape
    (n,).
    """
    xyz = np.asarray(xyz, dtype=float).reshape(-1, 3)
    rotations, translations = _matrices(tuple(operations))
    shifts = np.einsum("oij,nj->noi", rotations, xyz) + translations - xyz[:, None, :]
    shifts -= np.round(shifts)
    squared = np.einsum("noi,ij,noj->no", shifts, lattice.metric(cell), shifts)
    return len(rotations) / np.maximum((squared < FORWARD.same_site**2).sum(axis=1), 1)


@lru_cache(maxsize=2000)
def _matrices(operations):
    ops = [gemmi.Op(operation) for operation in operations]
    turns = np.array([op.rot for op in ops]) / gemmi.Op.DEN
    return turns, np.array([op.tran for op in ops]) / gemmi.Op.DEN


@lru_cache(maxsize=20000)
def canonical_operations(listed):
    """Return a listed group as triplets in gemmi's order; the identity may be missing. Empty if it
    is not closed or unreadable.
    """
    try:
        operations = dict.fromkeys(
            ["x,y,z", *(gemmi.Op(triplet).wrap().triplet() for triplet in listed)]
        )
        # gemmi wants the identity first
        group = gemmi.GroupOps([gemmi.Op(triplet) for triplet in operations])
        group.add_missing_elements()
    except (ValueError, RuntimeError):
        return ()
    # a list with pure translations, or one operation twice, is no list of a group
    repeated = len(operations) < len(set(listed))
    return triplets(group) if len(group) == len(operations) and not repeated else ()


def triplets(group):
    """Return the operations of a gemmi group as triplets, translations within the cell."""
    return tuple(operation.wrap().triplet() for operation in group)


@lru_cache(maxsize=2000)
def hall_operations(hall):
    """Return the operations of a Hall symbol; none if gemmi cannot read it."""
    try:
        return triplets(gemmi.symops_from_hall(hall))
    except (ValueError, RuntimeError):
        return ()


def cell_volume(cell):
    """Return the volume in A^3 of a cell, NaN where the cell is missing or impossible."""
    cell = np.asarray(cell, dtype=float)
    return float(lattice.volume(cell)) if np.isfinite(cell).all() else np.nan


def rotations(operations):
    """Return the distinct rotation parts of the operations, shape (n, 3, 3)."""
    return np.unique(_matrices(tuple(operations))[0], axis=0)


@lru_cache(maxsize=2000)
def centring(operations):
    """Return the centring letter of a group ("0" if it has none) and its lattice points a cell."""
    group = gemmi.GroupOps([gemmi.Op(operation) for operation in operations])
    letter = group.find_centering()
    return letter if letter in "PABCIFR" else "0", len(group.cen_ops)
