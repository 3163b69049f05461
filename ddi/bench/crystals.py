"""The crystals that benchmarks simulate, each in one of two halves.

The last bit of a hash of the identifier chooses the half: constants are chosen on one, rates
reported on the other (`ddi.data.rruff.half`).
"""

import math
import os
from functools import lru_cache

import numpy as np
import pandas as pd

from ddi.base.paths import Study
from ddi.bench import peak_lists
from ddi.data import dataset
from ddi.data.composition import hill
from ddi.data.rruff import half
from ddi.data.sources import cod
from ddi.forward import lattice, powder, settings
from ddi.index.short_lists import SHORT

ORGANIC = frozenset("C H N O S F Cl Br I".split())
VOLUMES = (400.0, 4000.0)  # A^3 of an organic crystal's conventional cell
LAST_ANGLE = 60.0  # degrees 2theta; the first peaks are wanted
VISIBLE = 0.002  # of the strongest line, below which lines of organic crystals shift no peak
LIMITS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7)  # A^-2, below which the lines of a crystal are counted
SEEN = 0.01  # of the strongest line; weaker ones are not listed; chosen


@lru_cache(maxsize=1)
def held_out():
    """Return the crystals that no model was trained on.

    Returns
    -------
    DataFrame
        bravais, cell, centring, q2_1, intensity_1, identifier, half.
    """
    rows = peak_lists.held_out(Study("default"))
    if mirror := os.environ.get("DDI_COD"):
        rows = pd.concat([rows, _from_cod(mirror)], ignore_index=True)
    return rows.assign(half=[half(name) for name in rows.identifier])


def _from_cod(mirror):
    found = []
    for entry in cod.cod(mirror):
        if entry.flags or not len(entry.elements) or not entry.operations:
            continue  # without its operations a cell has no lattice
        values, _ = dataset.row(entry)
        found.append(values | {"centring": values["centring_reindexed"]})
    return pd.DataFrame(found)


@lru_cache(maxsize=1)
def organic():
    """Return the same columns of the molecular crystals of DDI_COD, with all their lines that show
    up to `LAST_ANGLE`; the halves go by reduced formula, so that polymorphs are in one.
    """
    found = []
    for entry in cod.cod(os.environ.get("DDI_COD", "DDI_COD")):
        counts = entry.composition
        if not {"C", "H"} <= set(counts) <= ORGANIC or not len(entry.elements):
            continue
        if not VOLUMES[0] < lattice.volume(entry.cell) < VOLUMES[1] or not entry.operations:
            continue
        units = math.gcd(*(round(count) for count in counts.values()))
        formula = hill({element: count / units for element, count in counts.items()})
        found.append(_molecular(entry) | {"formula": formula, "half": half(formula)})
    return pd.DataFrame(found).drop_duplicates(["formula", "bravais"], ignore_index=True)


def _molecular(entry):
    how = settings.reindex(entry.cell, entry.operations)
    atoms = entry.elements, how.move(entry.xyz), entry.occupancy, entry.b_iso
    lines = powder.simulate(how.cell, how.operations, *atoms, two_theta_max=LAST_ANGLE)
    seen = lines.intensity > VISIBLE
    about = dict(identifier=entry.identifier, bravais=how.bravais, centring=how.centring)
    about |= dict(cell=how.cell, q2_1=lines.q2[seen], intensity_1=lines.intensity[seen])
    return about


def of_study(which):
    """Return the study's crystals of one half: bravais, cell, centring, volume_niggli, q2_1,
    intensity_1, identifier. Few of them are test crystals, so all count.
    """
    columns = ["identifier", "bravais", "centring_reindexed", "cell", "volume_niggli"]
    path = Study("default").interim / "dataset.parquet"
    rows = pd.read_parquet(path, columns=[*columns, "q2_1", "intensity_1"])
    rows = rows[[half(name) == which for name in rows["identifier"]]]
    return rows.rename(columns={"centring_reindexed": "centring"}).reset_index(drop=True)


def shows_few_lines(rows, limit=LIMITS[-1]):
    """Say which rows of `of_study` show a few lines below a limit in A^-2, their lists being
    complete; shape (n,).
    """
    most = rows["q2_1"].map(len).max()
    complete = [len(q2) < most or q2[-1] >= limit for q2 in rows["q2_1"]]
    n = [
        np.sum((np.asarray(height) > SEEN * np.max(height)) & (np.asarray(q2) < limit))
        for q2, height in zip(rows["q2_1"], rows["intensity_1"])
    ]
    return np.array(complete) & (SHORT.least <= np.array(n)) & (np.array(n) <= SHORT.most)
