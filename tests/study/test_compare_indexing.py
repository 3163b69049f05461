"""Sets of outcomes: the half of the minerals that chose nothing."""

import pandas as pd

from ddi.data import rruff
from ddi.study import compare_indexing


def test_reporting_half_holds_its_minerals_only():
    names = ["Quartz", "Barite", "Zircon", "Talc", "Galena", "Pyrite", "Calcite", "Albite"]
    rows = pd.DataFrame({"mineral": names, "id": [f"i{k}" for k in range(8)]})
    rows = rows.assign(grade=["A"] * 6 + ["B", "simulated"], fair=[True] * 4 + [False] * 4)
    rows = pd.concat([rows.assign(lattice="unknown"), rows.assign(lattice="known")])
    sets = compare_indexing.reporting_half(rows, {"i0", "i1"})
    assert {rruff.half(name) for name in sets.mineral} == {"reporting"}
    counts = sets.groupby("set").size()
    expected = [k for k in range(6) if rruff.half(names[k]) == "reporting"]
    assert counts["reporting half, all of grade A"] == len(expected)
    assert counts["reporting half, fair"] == sum(k < 4 for k in expected)
    assert counts["reporting half, fair, one a mineral"] == sum(k < 2 for k in expected)
