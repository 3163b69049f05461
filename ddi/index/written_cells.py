"""Cells as users write them: six numbers and a centring letter, a Bravais symbol with its free
parameters, or a CIF.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice, relations
from ddi.forward.lines import KINDS
from ddi.index.comparison import present

_EXAMPLES = "'8.88 5.457 7.157 90 90 90', '5.4309 5.4309 5.4309 90 90 90 F' or 'hP 4.913 5.405'"


@dataclass(frozen=True)
class WrittenCell:
    """A cell that a user gave.

    Attributes
    ----------
    text : str
        As it was given.
    cell : ndarray, shape (6,)
        Angstrom and degrees, with hexagonal axes for R.
    group : gemmi.SpaceGroup
        Its absences say which lines exist; that of the centring alone where no more is known.
    """

    text: str
    cell: np.ndarray
    group: gemmi.SpaceGroup

    @property
    def reduced(self):
        """Reduced primitive cell, shape (6,)."""
        rhombohedral = self.group.hm.startswith("R") and abs(self.cell[5] - 120) > 1e-3
        return lattice.reduced_cell(self.cell, "P" if rhombohedral else self.group.hm[0])

    def lines(self, q2_max):
        """Return the distinct q2 in A^-2 of its lines up to `q2_max`, ascending."""
        q2 = np.sort(present(self.cell, self.group, q2_max)[1])
        return q2[np.diff(q2, prepend=-1) > 1e-7 * q2_max]

    def standard(self):
        """Return its Bravais lattice by its metric and the conventional cell (6,), hexagonal axes
        for hR.
        """
        return relations.standard(self.reduced, 0.002 * float(np.mean(self.reduced[:3])))


def read(text):
    """Return the `WrittenCell` that a text or the file of that name is.

    Raises
    ------
    DDIError
        If it is neither, or no possible cell.

    Examples
    --------
    >>> silicon = read("cF 5.4309")
    >>> (silicon.lines(0.3) ** -0.5).round(3).tolist()
    [3.136, 2.715, 1.92]
    """
    text = str(text).strip()
    if _is_file(text):
        return _of_cif(text)
    words = text.replace(",", " ").split()
    letters = [word for word in words if re.fullmatch(r"[A-Za-z]{1,2}", word)]
    try:
        numbers = np.array([float(word) for word in words if word not in letters])
    except ValueError:
        raise _not_understood(text) from None
    symbol = letters[0] if len(letters) == 1 else "P" if not letters else ""
    if symbol in lattice.BRAVAIS:
        cell, centring = _of_symbol(text, symbol, numbers)
    elif symbol.upper() in ("P", "A", "B", "C", "I", "F", "R") and len(numbers) == 6:
        cell, centring = numbers, symbol.upper()
    else:
        raise _not_understood(text)
    return _checked(text, cell, gemmi.SpaceGroup(_name(centring, cell)))


def is_cell(text):
    """Say whether a text is a cell and not the name of a file."""
    return not _is_file(str(text).strip())


def _is_file(text):
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _of_symbol(text, symbol, numbers):
    system = KINDS[symbol].system
    centring = lattice.BRAVAIS[symbol][1]
    if len(numbers) == 6:
        return numbers, centring
    if len(numbers) != len(lattice.SYSTEM[system].free):
        raise _not_understood(text)
    return lattice.full_cell(numbers, system), centring


def _name(centring, cell):
    """The space group of a lattice alone, without screw axes and glide planes."""
    if centring == "R":
        return "R 3:H" if abs(cell[5] - 120) < 1e-3 else "R 3:R"
    return f"{centring} 1"


def _of_cif(path):
    try:
        found = gemmi.read_small_structure(path)
    except Exception as error:  # gemmi raises several kinds
        raise DDIError(
            f"{path} is no CIF with a cell; give a CIF, or a cell such as {_EXAMPLES}"
        ) from error
    cell = np.array(found.cell.parameters)
    group = found.spacegroup
    if group is None:
        group = gemmi.SpaceGroup(_name((found.spacegroup_hm or "P")[0], cell))
    return _checked(path, cell, group)


def _checked(text, cell, group):
    sound = np.isfinite(cell).all() and (cell[:3] > 1).all() and (cell[:3] < 500).all()
    sound = sound and (cell[3:] > 10).all() and (cell[3:] < 170).all()
    if not (sound and np.linalg.det(lattice.metric(cell)) > 1):
        raise DDIError(
            f"'{text}' is no possible cell; give a, b, c in Angstrom and alpha, beta, gamma in "
            f"degrees, such as {_EXAMPLES}"
        )
    return WrittenCell(text, cell, group)


def _not_understood(text):
    return DDIError(
        f"'{text}' is neither a file nor a cell; give six numbers with a centring letter or a "
        f"Bravais symbol with its free parameters, such as {_EXAMPLES}, or a CIF"
    )
