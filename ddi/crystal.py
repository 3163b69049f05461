"""What every source needs: the space group of a set of operations, and what is in the cell."""

import re
from functools import lru_cache

import gemmi
import numpy as np
import spglib

from ddi import lattice
from ddi.entry import REFUSED

SAME_SITE = 0.1  # A; symmetry copies closer than this are one atom on a special position
B_ISO = 1.0  # A^2, for atoms whose displacement is not given

# Sites that are named after molecules: the element that scatters there, and what the site holds.
GROUPS = {
    "Wat": ("O", {"O": 1, "H": 2}),
    "H2O": ("O", {"O": 1, "H": 2}),
    "OH": ("O", {"O": 1, "H": 1}),
    "O-H": ("O", {"O": 1, "H": 1}),
    "NH4": ("N", {"N": 1, "H": 4}),
    "NH3": ("N", {"N": 1, "H": 3}),
    "CH4": ("C", {"C": 1, "H": 4}),
}


@lru_cache(maxsize=20000)
def space_group(operations):
    """Return number and Hermann-Mauguin symbol of a group given by its operations.

    The operations decide, not the symbol that came with them. Where a table has the same group with another origin, its symbol is
    taken: same type, rotations, centring and absences. Otherwise the symbol is empty.

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


_PROBE = np.array([(h, k, l) for h in range(-4, 5) for k in range(-4, 5) for l in range(9)], dtype=np.int32)


def _setting_marks(group):
    """What two settings share that differ by nothing but the origin."""
    rotations = frozenset(tuple(map(tuple, operation.rot)) for operation in group.sym_ops)
    return rotations, group.find_centering(), group.systematic_absences(_PROBE).tobytes()


def multiplicities(cell, operations, xyz):
    """Return how many atoms of the unit cell each atom of the asymmetric unit stands for, shape (n,)."""
    xyz = np.asarray(xyz, dtype=float).reshape(-1, 3)
    rotations, translations = _matrices(tuple(operations))
    shifts = np.einsum("oij,nj->noi", rotations, xyz) + translations - xyz[:, None, :]
    shifts -= np.round(shifts)
    squared = np.einsum("noi,ij,noj->no", shifts, lattice.metric(cell), shifts)
    return len(rotations) / np.maximum((squared < SAME_SITE**2).sum(axis=1), 1)


@lru_cache(maxsize=2000)
def _matrices(operations):
    ops = [gemmi.Op(operation) for operation in operations]
    return np.array([op.rot for op in ops]) / gemmi.Op.DEN, np.array([op.tran for op in ops]) / gemmi.Op.DEN


def hill(composition):
    """Return a composition as a formula in Hill order: carbon, hydrogen, then alphabetically; ``"C2 H6 O0.5"``."""
    first = ("C", "H") if "C" in composition else ()
    order = [e for e in first if e in composition] + sorted(e for e in composition if e not in first)
    return " ".join(e + ("" if abs(composition[e] - 1) < 5e-4 else f"{composition[e]:.3f}".rstrip("0").rstrip(".")) for e in order)


def parse_formula(formula):
    """Return element -> count of a formula such as ``"C2 H6 O0.5"``; empty if it holds anything else but charges and groups."""
    composition = {}
    for element, count in re.findall(r"([A-Z][a-z]?)\s*(\d*\.?\d*)", formula):
        if not is_element(element):
            return {}
        element = "H" if element == "D" else element
        composition[element] = composition.get(element, 0.0) + float(count or 1)
    return composition


@lru_cache(maxsize=1000)
def is_element(symbol):
    """Say whether a symbol is that of an element (D included)."""
    return gemmi.Element(symbol).name == symbol and symbol != "X"


@lru_cache(maxsize=20000)
def canonical_operations(listed):
    """Return a listed group as triplets in gemmi's order; the identity may be missing. Empty if it is not closed or unreadable."""
    try:
        operations = dict.fromkeys(["x,y,z", *(gemmi.Op(triplet).wrap().triplet() for triplet in listed)])
        group = gemmi.GroupOps([gemmi.Op(triplet) for triplet in operations])  # gemmi wants the identity first
        group.add_missing_elements()
    except (ValueError, RuntimeError):
        return ()
    repeated = len(operations) < len(set(listed))  # a list with pure translations, or one operation twice, is no list of a group
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


def contents(cell, operations, xyz, occupancy, sites):
    """Return element -> atoms in the unit cell.

    Parameters
    ----------
    cell : array_like, shape (6,)
    operations : tuple of str
    xyz : ndarray, shape (n, 3)
    occupancy : ndarray, shape (n,)
    sites : sequence of dict
        What each site holds: element -> atoms.
    """
    totals = {}
    for weight, site in zip(multiplicities(cell, operations, xyz) * occupancy, sites):
        for element, count in site.items():
            totals[element] = totals.get(element, 0.0) + weight * count
    return {element: totals[element] for element in sorted(totals) if totals[element] > 0}


def left_out(elements, placed):
    """Return the flag for atoms left out: a refusal if one that counts for the pattern has no coordinates.

    Parameters
    ----------
    elements : sequence of str
        Empty where a site is no atom, such as a ring's centre.
    placed : array_like of bool
    """
    lost = [element for element, keep in zip(elements, placed) if not keep]
    heavy = sum(element not in ("", "H") for element in lost)
    if heavy:
        return (f"{REFUSED}{heavy} atoms without coordinates",)
    return (f"{len(lost)} hydrogens or dummies left out",) if lost else ()


def b_from_u(u_iso):
    """Return B = 8 pi^2 U in A^2, `B_ISO` where U (A^2) is missing, not positive or beyond 1."""
    u_iso = np.asarray(u_iso, dtype=float)
    return np.where((u_iso > 0) & (u_iso < 1), 8 * np.pi**2 * u_iso, B_ISO)


def cell_volume(cell):
    """Return the volume in A^3 of a cell, NaN where the cell is missing or impossible."""
    cell = np.asarray(cell, dtype=float)
    return float(lattice.volume(cell)) if np.isfinite(cell).all() else np.nan


def rotations(operations):
    """Return the distinct rotation parts of the operations, shape (n, 3, 3)."""
    return np.unique(_matrices(tuple(operations))[0], axis=0)


@lru_cache(maxsize=2000)
def centring(operations):
    """Return the centring letter of a group ("0" if it has none) and its number of lattice points."""
    group = gemmi.GroupOps([gemmi.Op(operation) for operation in operations])
    letter = group.find_centering()
    return letter if letter in "PABCIFR" else "0", len(group.cen_ops)


@lru_cache(maxsize=20000)
def site_element(site, listed=frozenset()):
    """Return the element of a site label and what the site holds.

    Parameters
    ----------
    site : str
        Such as ``"Fe1"``, ``"MgM2"``, ``"Wat(3)"``, ``"Oc"``.
    listed : frozenset of str
        Elements of the entry's formula: they decide between ``Co`` and ``C`` with a letter.

    Returns
    -------
    element : str
        Empty if none can be made out. Deuterium is given as hydrogen, which scatters X-rays alike.
    contents : dict
        Element -> atoms.
    """
    for group, (element, contents) in GROUPS.items():
        if site.startswith(group):
            return element, contents
    letters = re.match("[A-Z][a-z]?", site)
    options = [letters.group(), site[0]] if letters else []
    known = [option for option in options if is_element(option)]
    element = next((option for option in known if option in listed), known[0] if known else "")
    element = "H" if element == "D" else element
    return element, {element: 1} if element else {}
