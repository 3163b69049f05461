"""From the setting a database gives to the one the models see, with symbol, operations and Miller
indices carried along.

Three cells describe an entry (write-up 2.1.1): the conventional one as given, the reindexed one
that the models predict, and the Niggli-reduced one. A change of basis is a 3 x 3 matrix ``rows``:
each row writes a new basis vector in the old ones. Miller indices transform like basis vectors,
``hkl_new = hkl_old @ rows.T``; coordinates by the inverse transpose.
"""

from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np

from ddi.forward import lattice
from ddi.forward.constants import FORWARD
from ddi.forward.symmetry import space_group


@dataclass(frozen=True, eq=False)
class Setting:
    """An entry's reindexed setting and how to get there.

    Attributes
    ----------
    system, bravais : str
        Lattice system and Bravais lattice; oC stands for any one-face centring, mC also for I.
    number : int
        Space group.
    symbol : str
        Hermann-Mauguin symbol in the reindexed setting; where no table has it, that of the
        reference setting and the change that leads there, e.g. ``"F 1 2/d 1 (-x,z,y)"``.
    centring : str
        P, A, B, C, I or F in the reindexed axes; a rhombohedral cell in rhombohedral axes is P.
    unique_axis : int
        0, 1 or 2 for a monoclinic cell, else -1.
    cell : ndarray, shape (6,)
        A and degrees.
    operations : tuple of str
        Whole group in the reindexed setting.
    rows : ndarray, shape (3, 3)
        Reindexed basis vectors in terms of the conventional ones.
    op : str
        The same change as coordinates see it: ``x_new = op(x_old)``.
    """

    system: str
    bravais: str
    number: int
    symbol: str
    centring: str
    unique_axis: int
    cell: np.ndarray
    operations: tuple
    rows: np.ndarray
    op: str

    def to_conventional(self, hkl):
        """Return Miller indices, shape (n, 3), in the conventional setting."""
        return np.rint(np.asarray(hkl) @ np.linalg.inv(self.rows).T).astype(int)

    def move(self, xyz):
        """Return conventional fractional coordinates, shape (n, 3), in the reindexed setting (same
        origin).
        """
        return np.asarray(xyz, dtype=float) @ np.linalg.inv(self.rows)


@lru_cache(maxsize=256)
def lattice_system(number):
    """Return the lattice system of a space-group number; the trigonal groups are hexagonal or
    rhombohedral.
    """
    reference = gemmi.get_spacegroup_reference_setting(number)
    system = reference.crystal_system_str()
    return (
        system
        if system != "trigonal"
        else "rhombohedral"
        if reference.hm[0] == "R"
        else "hexagonal"
    )


def reindex(cell, operations):
    """Return the `Setting` the models see.

    Centrings that are not standard in their system are removed first (triclinic ones by Niggli
    reduction) and hexagonal axes of rhombohedral lattices become rhombohedral ones. Where all three
    lengths are free, the axes are then permuted to a <= b <= c, and turned by half-turns until a
    monoclinic angle is obtuse and triclinic angles are all acute or none is.

    Parameters
    ----------
    cell : array_like, shape (6,)
        As the database gives it.
    operations : sequence of str
        The whole group in that setting; it decides about space group and lattice system.

    Returns
    -------
    Setting
    """
    operations = tuple(operations)
    number, _ = space_group(operations)
    system = lattice_system(number)
    rows = _standard_rows(system, operations, tuple(cell))
    if set(lattice.SYSTEM[system].free) >= {0, 1, 2}:
        rows = _ordering_rows(lattice.change_basis(cell, rows)) @ rows
    moved, symbol, centring, unique_axis = _moved(
        operations, tuple(np.rint(6 * rows).astype(int).ravel().tolist()), system
    )
    exact = _symmetrised(lattice.change_basis(cell, rows), system, unique_axis)
    return Setting(
        system,
        _bravais(system, centring),
        number,
        symbol,
        centring,
        unique_axis,
        exact,
        moved,
        rows,
        _op(rows).triplet(),
    )


_DIAGONAL = ((0.5, -0.5, 0), (0.5, 0.5, 0), (0, 0, 1))
_OBVERSE = ((2 / 3, 1 / 3, 1 / 3), (-1 / 3, 1 / 3, 1 / 3), (-1 / 3, -2 / 3, 1 / 3))
_REVERSE = ((1 / 3, 2 / 3, 1 / 3), (-2 / 3, -1 / 3, 1 / 3), (1 / 3, -1 / 3, 1 / 3))
_TRIPLE = ((2 / 3, 1 / 3, 0), (-1 / 3, 1 / 3, 0), (0, 0, 1))
_STANDARD = {
    ("tetragonal", "C"): _DIAGONAL,  # to P
    ("tetragonal", "F"): _DIAGONAL,  # to I
    ("hexagonal", "H"): _TRIPLE,  # to P
    ("rhombohedral", "R"): _OBVERSE,  # hexagonal to rhombohedral axes
    ("rhombohedral", "T"): _REVERSE,  # what gemmi calls the reverse setting
}


def _standard_rows(system, operations, cell):
    centring = _group(operations).find_centering()
    if system == "triclinic" and centring != "P":
        reduced = gemmi.GruberVector(gemmi.UnitCell(*cell), centring, True)
        reduced.niggli_reduce(iteration_limit=1000)
        return np.array(reduced.change_of_basis.rot).T / gemmi.Op.DEN
    if system == "monoclinic" and centring == "F":
        i, j = (axis for axis in range(3) if axis != _unique_axis(operations))
        rows = np.eye(3)
        rows[j, [i, j]] = (
            0.5  # halves the face across the unique axis: F becomes a one-face centring
        )
        return rows
    return np.array(_STANDARD.get((system, centring), np.eye(3)))


def _ordering_rows(cell):
    """Rows that sort the lengths (ties keep their order) and make the angles all acute or all not,
    without an inversion.
    """
    rows = np.eye(3)[np.argsort(np.asarray(cell)[:3], kind="stable")]
    rows *= np.linalg.det(rows)
    for half_turn in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
        turned = np.array(half_turn)[:, None] * rows
        cosines = np.cos(np.radians(lattice.change_basis(cell, turned)[3:]))
        if (cosines > 1e-9).all() or (cosines < 1e-9).all():
            break
    return turned


@lru_cache(maxsize=4096)
def _moved(operations, sixths, system):
    """Operations, symbol, centring and unique axis after a change of basis given by six times its
    rows.
    """
    op = _op(np.reshape(sixths, (3, 3)) / 6)
    group = gemmi.GroupOps([gemmi.Op(operation) for operation in operations])
    group.change_basis_forward(op)
    moved = tuple(operation.triplet() for operation in group)
    number, symbol = space_group(moved)
    symbol = symbol or f"{gemmi.get_spacegroup_reference_setting(number).hm} ({op.triplet()})"
    return (
        moved,
        symbol,
        group.find_centering(),
        _unique_axis(moved) if system == "monoclinic" else -1,
    )


def _op(rows):
    op = gemmi.Op()
    op.rot = np.rint(gemmi.Op.DEN * np.linalg.inv(rows).T).astype(int).tolist()
    return op


@lru_cache(maxsize=4096)
def _group(operations):
    return gemmi.GroupOps([gemmi.Op(operation) for operation in operations])


def _unique_axis(operations):
    """The axis whose sign a monoclinic group's rotations or mirrors treat unlike the other two."""
    for operation in operations:
        signs = np.sign(np.diagonal(gemmi.Op(operation).rot)).astype(int)
        if abs(signs.sum()) == 1:
            return int(np.flatnonzero(signs == signs.prod())[0])
    raise ValueError(f"no twofold axis or mirror plane along an axis in {operations}")


def _bravais(system, centring):
    names = {letter: name for name, (of, letter) in lattice.BRAVAIS.items() if of == system}
    return names.get(centring) or names.get("C") or names["R"]


def _symmetrised(cell, system, unique_axis):
    """The cell with what its system ties together made exactly equal."""
    order = [0, 1, 2]
    order[1], order[unique_axis] = (
        (order[unique_axis], order[1]) if unique_axis >= 0 else (order[1], order[-1])
    )
    turned = lattice.permute(cell, order)
    return lattice.permute(lattice.full_cell(lattice.free_cell(turned, system), system), order)


_PROBE = np.array(
    [(h, k, l) for h in range(-5, 6) for k in range(-5, 6) for l in range(6)], dtype=np.int32
)


def check_rows(rows):
    """Say of every row of the dataset whether both settings describe the same crystal.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `ddi.data.dataset.load`.

    Returns
    -------
    pandas.DataFrame
        Columns identifier, system, lines (of both lists, checked one by one), error (largest
        relative difference of a line's q2 stored, from the reindexed and from the conventional cell
        and indices), exact (error within `FORWARD.same_q2`, and the change of basis turns the old
        indices into the new ones), symbol (does the reindexed symbol name a group of that number
        with the absences of the operations?).
    """
    import pandas as pd  # a tenth of a second that indexing a list does not need

    return pd.DataFrame(
        [
            (row.identifier, row.lattice_system, *_check_lines(row), _names(row))
            for row in rows.itertuples()
        ],
        columns=["identifier", "system", "lines", "error", "exact", "symbol"],
    )


def _check_lines(row):
    new = np.concatenate([row.hkl_1, row.hkl_2]).reshape(-1, 3)
    old = np.concatenate([row.hkl_conventional_1, row.hkl_conventional_2]).reshape(-1, 3)
    q2 = np.concatenate([row.q2_1, row.q2_2])
    change = np.linalg.inv(np.array(gemmi.Op(row.reindex_op).rot) / gemmi.Op.DEN).T
    calculated = lattice.q2(new, row.cell), lattice.q2(old, row.cell_conventional)
    error = max(np.abs(other / q2 - 1).max() for other in calculated)
    return len(q2), error, bool(error < FORWARD.same_q2 and (np.rint(old @ change.T) == new).all())


def _names(row):
    return _symbol_names(
        row.sg_symbol_reindexed, row.sg_number, row.lattice_system, tuple(row.operations_reindexed)
    )


@lru_cache(maxsize=4096)
def _symbol_names(symbol, number, system, operations):
    named = gemmi.find_spacegroup_by_name(symbol + (":R" if system == "rhombohedral" else ""))
    if named is None or named.number != number:
        return False
    return bool(
        (
            named.operations().systematic_absences(_PROBE)
            == _group(operations).systematic_absences(_PROBE)
        ).all()
    )
