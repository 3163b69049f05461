"""The table of the chain as written: means by hand, and an interval that counts patterns."""

import pandas as pd

from ddi.base.stats import wilson
from ddi.study import literal

ROWS = pd.DataFrame(
    [
        ["cubic", "nearest line", "", 0.5],
        ["cubic", "nearest line", "", 1.0],
        ["cubic", "as written", "network", 0.0],
        ["cubic", "as written", "network", 1.0],
        ["triclinic", "nearest line", "", 0.25],
        ["triclinic", "as written", "line prior", 0.2],
    ],
    columns=["system", "chain", "assigner", "share"],
)


def test_a_row_is_a_chain_with_the_mean_of_each_system():
    table = literal.literal_table(ROWS).set_index("chain")
    assert table.loc["nearest line", ["cubic", "triclinic"]].tolist() == ["75", "25"]
    low, high = wilson(1.75, 3)
    assert table.loc["nearest line", "all"] == f"58 ({100 * low:.0f}-{100 * high:.0f})"


def test_the_caption_counts_patterns_and_says_where_no_network_was():
    caption = literal.literal_caption(ROWS)
    assert "1 to 2 patterns" in caption and "n = 3" in caption
    assert "In triclinic the line prior stands for the network" in caption
