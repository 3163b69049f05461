"""What a list of a few peaks says by its length: how often crystals with so few lines have each
lattice system, and how small their cells may be.

Eight lines and no more up to 2theta = 80 degrees are those of a simple metal or salt, hardly ever
of an orthorhombic crystal, which positions of two decimals do not exclude. Counts are those of the
study's crystals (`ddi.bench.short_lists.build`). Lattices of a system share its count, since salts,
mostly F, are many in databases, and metals, F and I alike, in what people measure.
"""

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ddi.forward import lattice


@dataclass(frozen=True)
class ShortListConstants:
    """What the length of a list of a few peaks says; all chosen."""

    least: int = 4  # lines of the crystals that are counted
    most: int = 8  # the same, and peaks of a list
    unseen: float = 0.5  # crystals added to every lattice system
    too_small: float = 4.0  # log units that a cell smaller than any known one costs


SHORT = ShortListConstants()
TABLE = Path(__file__).with_name("short_lists.json")


@lru_cache(maxsize=1)
def table():
    """Return the counts: limits in A^-2, "counts" of crystals by limit and Bravais lattice, and the
    smallest primitive cell of each lattice, "least", in A^3.
    """
    return json.loads(TABLE.read_text(encoding="utf-8"))


def of_list(q2):
    """Return Bravais lattice -> (log share of its system, least volume in A^3) for a list of so few
    peaks, the commonest system having 0; None for a longer list, or one that ends too early to say
    anything.

    Parameters
    ----------
    q2 : ndarray, shape (n,)
        In A^-2, ascending.
    """
    reached = [k for k, limit in enumerate(table()["limits"]) if limit <= q2[-1]]
    if len(q2) > SHORT.most or not reached:
        return None
    found = Counter()
    for name, n in table()["counts"][reached[-1]].items():
        found[lattice.BRAVAIS[name][0]] += n
    share = {system: np.log(found[system] + SHORT.unseen) for system in lattice.SYSTEMS}
    return {
        name: (float(share[system] - max(share.values())), table()["least"][name])
        for name, (system, _) in lattice.BRAVAIS.items()
    }


def log_ratio(shares, bravais, volume):
    """Return what is added to the scores of primitive cells of volumes (n,) in A^3."""
    share, least = shares[bravais]
    return share - SHORT.too_small * (np.asarray(volume) < least)
