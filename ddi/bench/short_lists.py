"""Lists of a few rough positions, and the lattices of crystals that show no more lines.

`build` writes ``ddi/index/short_lists.json`` from the choosing half of the study's crystals
(notebook 02 has made them); the rate is that of the reporting half.
"""

import json

from ddi.base.files import atomic
from ddi.bench import crystals, list_rates
from ddi.bench.registry import benchmark, shares
from ddi.forward import lattice
from ddi.index import short_lists


def build(path=short_lists.TABLE):
    """Count the choosing half, and write what `ddi.index.short_lists` reads."""
    rows = crystals.of_study("choosing")
    counts = []
    for limit in crystals.LIMITS:
        found = rows["bravais"][crystals.shows_few_lines(rows, limit)].value_counts()
        counts.append({name: int(found.get(name, 0)) for name in lattice.BRAVAIS})
    least = rows.groupby("bravais")["volume_niggli"].min().round(1)
    told = {
        "limits": crystals.LIMITS,
        "counts": counts,
        "least": {name: least[name] for name in counts[0]},
    }
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
