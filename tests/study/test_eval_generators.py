"""How generated cells are judged: comparisons pattern by pattern, and the test of the hunch about
foreign groups.
"""

import numpy as np
from training_rows import CELLS

from ddi.study import eval_generators

TRUE = np.array([CELLS["orthorhombic"]] * 4, dtype=float)
WRONG = TRUE * [1.3, 1.3, 1.3, 1, 1, 1]


def pick(good):
    """Cells (patterns, n, 6) that are right where `good` says so."""
    return np.where(np.array(good, dtype=bool)[..., None], TRUE[:, None], WRONG[:, None])


def test_interleaved_cells_take_turns():
    cells = eval_generators.interleave(np.zeros((2, 3, 6)), np.ones((2, 3, 6)))
    np.testing.assert_array_equal(cells[0, :, 0], [0, 1, 0, 1, 0, 1])


def test_overlap_by_hand():
    first = pick([[0, 1], [1, 0], [0, 0], [0, 0]])
    second = pick([[1, 0], [0, 0], [0, 1], [0, 0]])
    assert eval_generators.overlap(first, second, TRUE, 0.05, 2) == {
        "both": 1,
        "only first": 1,
        "only second": 1,
        "neither": 1,
    }
    assert eval_generators.overlap(first, second, TRUE, 0.05, 1) == {
        "both": 0,
        "only first": 1,
        "only second": 1,
        "neither": 2,
    }


def test_overlap_tells_first_from_second():
    first = pick([[1], [1], [1], [0]])
    second = pick([[1], [0], [0], [0]])
    row = eval_generators.overlap(first, second, TRUE, 0.05, 1)
    assert row == {"both": 1, "only first": 2, "only second": 0, "neither": 1}


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
