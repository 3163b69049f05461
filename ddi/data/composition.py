"""What is in a unit cell: formulas, the elements behind site labels, atoms a cell, displacements.

Every source of crystal structures (`ddi.data.sources`) names sites in its own way; here they become
elements and counts (write-up, section 2.1; what quality control compares).
"""

import re
from functools import lru_cache

import gemmi
import numpy as np

from ddi.data.entry import REFUSED
from ddi.forward.symmetry import multiplicities

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


def hill(composition):
    """Return a composition as a formula in Hill order: carbon, hydrogen, then alphabetically; ``"C2
    H6 O0.5"``.
    """
    first = ("C", "H") if "C" in composition else ()
    order = [e for e in first if e in composition] + sorted(
        e for e in composition if e not in first
    )
    return " ".join(
        e
        + (
            ""
            if abs(composition[e] - 1) < 5e-4
            else f"{composition[e]:.3f}".rstrip("0").rstrip(".")
        )
        for e in order
    )


def parse_formula(formula):
    """Return element -> count of a formula such as ``"C2 H6 O0.5"``; empty if it holds anything
    else but charges and groups.
    """
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


def cell_contents(cell, operations, xyz, occupancy, sites):
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
    """Return the flag for atoms left out: a refusal if one that counts for the pattern has no
    coordinates.

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
