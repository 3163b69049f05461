"""Who represents whom: against brute force where contents are small, large and fractional; and how
the work grows with the number of crystals.
"""

import numpy as np
import pytest
from crystals import are_duplicates
from scipy.sparse import csr_matrix

from ddi.data import leaders
from ddi.data.dedup import Features


def pretended(n, seed, largest=2, step=1.0):
    """Features of n crystals in a small space, so that many are duplicates; at most `largest` atoms
    of an element, in steps.
    """
    rng = np.random.default_rng(seed)
    cell = np.column_stack(
        [np.sort(rng.uniform(4, 5, (n, 3)), axis=1), rng.choice([90.0, 90.0, 95.0], (n, 3))]
    )
    kinds = (
        rng.integers(0, round(largest / step), (12, 4)) * step
    )  # a dozen substances, each with an atom or two more or less
    contents = kinds[rng.integers(0, 12, n)] + step * rng.integers(-1, 2, (n, 4)) * rng.integers(
        0, 2, (n, 4)
    )
    return Features(rng.integers(0, 2, n), cell, csr_matrix(contents.clip(0)))


@pytest.mark.parametrize("atoms", [0, 1])
@pytest.mark.parametrize("largest, step", [(2, 1.0), (4, 1.0), (40, 1.0), (4, 0.3), (40, 0.3)])
def test_leaders_equal_brute_force(atoms, largest, step):
    these = pretended(300, 1, largest, step)
    order = np.random.default_rng(2).permutation(300)
    kept = []
    expected = np.full(300, -1)
    for i in order:
        expected[i] = next((j for j in kept if are_duplicates(these, i, j, atoms)), i)
        kept += [i] if expected[i] == i else []
    np.testing.assert_array_equal(leaders.leaders(these, atoms, order), expected)
    assert 20 < len(kept) < 299


def test_one_full_slot_mixes_nothing_up(monkeypatch):
    """Boxes of all families and elements in one list: only the comparison can keep them apart."""
    these = pretended(60, 3, 40)
    order = np.arange(60)
    expected = leaders.leaders(these, 1, order)
    crowded = leaders._leaders.py_func
    monkeypatch.setitem(crowded.__globals__, "_power_of_two", lambda n: 1)
    monkeypatch.setattr(leaders, "_leaders", crowded)
    np.testing.assert_array_equal(leaders.leaders(these, 1, order), expected)


@pytest.fixture(scope="module")
def real():
    """2,000 substances of 90 elements, spread over a space such as real crystals fill."""
    rng = np.random.default_rng(4)
    cell = np.column_stack(
        [np.sort(rng.lognormal(2, 0.4, (2000, 3)), axis=1), np.full((2000, 3), 90.0)]
    )
    contents = rng.integers(1, 60, (2000, 90)) * (rng.random((2000, 90)) < 0.05)
    return Features(rng.integers(0, 6, 2000), cell, csr_matrix(contents.astype(float)))


def test_pretended_databases_are_as_crowded_as_they_say(real):
    def kept(pretend, n):
        return np.mean(leaders.leaders(pretend(real, n), 1, np.arange(n)) == np.arange(n))

    assert kept(leaders.substituted, 16_000) == pytest.approx(
        kept(leaders.substituted, 2000), abs=0.02
    )
    assert kept(leaders.remeasured, 16_000) < 0.5 * kept(leaders.remeasured, 2000)
    twice = leaders.substituted(real, 5000), leaders.substituted(real, 5000)
    assert (twice[0].cell == twice[1].cell).all() and (
        twice[0].contents != twice[1].contents
    ).nnz == 0


@pytest.mark.parametrize("pretend", [leaders.substituted, leaders.remeasured])
def test_the_work_grows_hardly_faster_than_the_number(real, pretend):
    growth = leaders.growth(real, pretend, (4000, 64_000))
    assert growth.pairs[1] / growth.pairs[0] < 16**1.3
    assert list(growth.columns) == ["n", "seconds", "pairs", "kept"]
