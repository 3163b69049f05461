"""Lists of a few rough positions, and the lattices of crystals that show no more lines.

`build` writes ``ddi/index/short_lists.json`` from the choosing half of the study's crystals
(notebook 02 has made them); the rate is that of the reporting half.
"""

import json

import numpy as np
import pandas as pd

from ddi.base.files import atomic
from ddi.base.paths import Study
from ddi.bench import list_rates
from ddi.bench.registry import benchmark, shares
from ddi.data.rruff import half
from ddi.forward import lattice
from ddi.index import short_lists
from ddi.index.short_lists import SHORT

LIMITS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7)  # A^-2
SEEN = 0.01  # of the strongest line; weaker ones are not listed; chosen


def counted(rows, limit):
    """Say which crystals show a few lines below a limit in A^-2, their lists being complete."""
    most = rows["q2_1"].map(len).max()
    complete = [len(q2) < most or q2[-1] >= limit for q2 in rows["q2_1"]]
    n = [
        np.sum((np.asarray(height) > SEEN * np.max(height)) & (np.asarray(q2) < limit))
        for q2, height in zip(rows["q2_1"], rows["intensity_1"])
    ]
    return np.array(complete) & (SHORT.least <= np.array(n)) & (np.array(n) <= SHORT.most)


def crystals(which):
    """Return the study's crystals of one half: bravais, cell, centring, volume_niggli, q2_1,
    intensity_1, identifier. Few of them are test crystals, so all count.
    """
    columns = ["identifier", "bravais", "centring_reindexed", "cell", "volume_niggli"]
    path = Study("default").interim / "dataset.parquet"
    rows = pd.read_parquet(path, columns=[*columns, "q2_1", "intensity_1"])
    rows = rows[[half(name) == which for name in rows["identifier"]]]
    return rows.rename(columns={"centring_reindexed": "centring"}).reset_index(drop=True)


def build(path=short_lists.TABLE):
    """Count the choosing half, and write what `ddi.index.short_lists` reads."""
    rows = crystals("choosing")
    counts = []
    for limit in LIMITS:
        found = rows["bravais"][counted(rows, limit)].value_counts()
        counts.append({name: int(found.get(name, 0)) for name in lattice.BRAVAIS})
    least = rows.groupby("bravais")["volume_niggli"].min().round(1)
    told = {"limits": LIMITS, "counts": counts, "least": {name: least[name] for name in counts[0]}}
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


@benchmark("short_lists", floor=0.6, about="lists of four to eight rough lines: cell first")
def run(n=60):
    """Index n lists of crystals of the reporting half."""
    rows = list_rates.measured("reporting", ("short",), n, n_jobs=2)
    first = rows["rank"] == 1
    sure = rows["probability"] > list_rates.CONFIDENT
    return dict(
        value=float(first.mean()),
        unit="share",
        n=len(rows),
        wrong_and_sure=int((sure & ~first).sum()),
        **shares(first=first, first_ten=rows["rank"].between(1, 10)),
    )
