"""A known cell explains its own peaks, shifted and with a foreign one among them."""

import numpy as np
import pytest

from ddi.forward import lattice
from ddi.forward.bragg import two_theta
from ddi.study import fairness

CELL = [5.6402, 5.6402, 5.6402, 90, 90, 90]


def test_compare_finds_the_zero_shift_and_the_foreign_peak():
    lines = fairness.lines_two_theta(CELL, "F", 1.540593, 90)
    facts = fairness.compare(np.sort([*(lines + 0.06), 40.0]), CELL, "F", 1.540593)
    assert facts["n_first"] == len(lines) + 1 and facts["n_matched"] == len(lines)
    assert facts["zero_shift"] == pytest.approx(0.06, abs=1e-6) and facts["rms"] < 1e-6


def test_lines_are_those_of_the_lattice():
    h = np.indices((9, 9, 9)).reshape(3, -1).T[1:]
    kept = h[
        ((h.sum(axis=1) % 2 == 0) & (h[:, 0] % 2 == h[:, 1] % 2) & (h[:, 1] % 2 == h[:, 2] % 2))
        | (h % 2 == 1).all(axis=1)
    ]
    expected = np.unique(two_theta(np.unique(lattice.q2(kept, CELL).round(9)), 1.540593).round(4))
    np.testing.assert_allclose(
        fairness.lines_two_theta(CELL, "F", 1.540593, 90), expected[expected < 90], atol=1e-3
    )
