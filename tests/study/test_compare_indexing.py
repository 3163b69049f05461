"""Sets of outcomes: the half of the minerals that chose nothing; the figure of the probability."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ddi.base.stats import wilson
from ddi.data import rruff
from ddi.study import compare_indexing, draw_indexing


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


def test_bins_that_are_all_right_or_all_wrong_are_drawn():
    """Their intervals end at 1 or 0 but for roundoff, which no error bar may show as negative."""
    n = np.tile(np.arange(1, 60), 2)
    right = np.repeat([0.0, 1.0], 59)
    low, high = wilson(right * n, n)
    assert (right - low).min() < 0 or (high - right).min() < 0
    bins = pd.DataFrame({"p": 0.5, "right": right, "n": n, "right_low": low, "right_high": high})
    timed = pd.DataFrame({"id": ["a"], "bravais": ["cP"], "seconds": [1.0]})
    fig, data = draw_indexing.trust(bins, timed, "made", 1)
    plt.close(fig)
    assert len(data) == len(bins) + 1
