"""How generated cells are judged: comparisons pattern by pattern, and the test of the hunch about
foreign groups.
"""

import numpy as np
import pandas as pd
from training_rows import CELLS

from ddi.study import compare_generators, eval_generators

TRUE = np.array([CELLS["orthorhombic"]] * 4, dtype=float)
WRONG = TRUE * [1.3, 1.3, 1.3, 1, 1, 1]


def pick(good):
    """Cells (patterns, n, 6) that are right where `good` says so."""
    return np.where(np.array(good, dtype=bool)[..., None], TRUE[:, None], WRONG[:, None])


def test_interleaved_cells_take_turns():
    cells = eval_generators.interleave(np.zeros((2, 3, 6)), np.ones((2, 3, 6)))
    np.testing.assert_array_equal(cells[0, :, 0], [0, 1, 0, 1, 0, 1])


def counts(first, second, n):
    """The row of 07_overlap of one system, by who finds a pattern within 5 %."""
    cells = {"orthorhombic": {"forest": pick(first), "network": pick(second)}}
    frame = pd.DataFrame({"identifier": list("abcd")})
    rows = compare_generators.crossed(
        cells, {"orthorhombic": TRUE}, {"orthorhombic": frame}, "forest", "network", 0.05, n
    )
    table = compare_generators.overlap_table({0.05: rows})
    (row,) = table.drop(columns=["lattice system", "within"]).to_dict("records")
    return row


def test_overlap_by_hand():
    first = [[0, 1], [1, 0], [0, 0], [0, 0]]
    second = [[1, 0], [0, 0], [0, 1], [0, 0]]
    only = [f"only {compare_generators.label(name)}" for name in ("forest", "network")]
    assert counts(first, second, 2) == {"both": 1, only[0]: 1, only[1]: 1, "neither": 1}
    assert counts(first, second, 1) == {only[0]: 1, only[1]: 1, "neither": 2}


def test_overlap_tells_first_from_second():
    row = counts([[1], [1], [1], [0]], [[1], [0], [0], [0]], 1)
    assert row == {"both": 1, f"only {compare_generators.label('forest')}": 2, "neither": 1}


def test_paired_gain_by_hand():
    row = eval_generators.paired_gain(
        pick([[1], [0], [0], [0]]), pick([[1], [1], [1], [0]]), TRUE, 0.05, 1
    )
    assert (row["first"], row["second"], row["gain"]) == (0.25, 0.75, 0.5)
    half = 1.96 * np.std([0, 1, 1, 0], ddof=1) / 2
    np.testing.assert_allclose([row["low"], row["high"]], [0.5 - half, 0.5 + half])


def test_reliability_of_a_known_law():
    below = (np.arange(1000) + 0.5) / 1000
    table = eval_generators.reliability(below)
    np.testing.assert_allclose(table["observed"], table["nominal"], atol=2e-3)
