"""The split: no relatives on both sides, shares kept, and a leakage report that brute force
confirms.
"""

import numpy as np
import pandas as pd
import pytest

from ddi.base.errors import DDIError
from ddi.data import split
from ddi.forward import lattice

CELLS = np.array(
    [
        [5, 6, 7, 90, 90, 90],
        [5.1, 6.1, 7.1, 90, 90, 90],
        [5.3, 6.35, 7.4, 90, 90, 90],
        [9, 9, 9, 60, 60, 60],
    ]
)


def random_cells(n, seed=0):
    rng = np.random.default_rng(seed)
    raw = np.column_stack(
        [np.sort(rng.uniform(4, 9, (n, 3)), axis=1), rng.uniform(70, 110, (n, 3))]
    )
    return np.array([lattice.reduced_cell(cell) for cell in raw[lattice.is_possible(raw)]])


def test_signature_of_a_cube_is_known():
    assert split.signature([[2, 2, 2, 90, 90, 90]])[0] == pytest.approx(
        [2, 2, 2, *[8**0.5] * 3, 12**0.5]
    )


def test_signature_does_not_jump_where_the_niggli_cell_flips():
    acute, obtuse = (lattice.reduced_cell([5, 6, 7, 85, 85, gamma]) for gamma in (89.99, 90.01))
    assert np.abs(acute - obtuse).max() > 5
    assert split.signature([acute])[0] == pytest.approx(split.signature([obtuse])[0], rel=1e-3)


def frame_of(cells, numbers, formulas=None, identifiers=None):
    """A dataset of what tells relatives."""
    n = len(cells)
    rest = "abcdefghijklmnopqrstuvwxyz"
    made = [f"Fe{i + 1} O{2 * i + 1}" for i in range(n)]  # no two in one proportion
    return pd.DataFrame(
        {
            "identifier": identifiers or [f"amcsd:{rest[i % 26]}{i}" for i in range(n)],
            "formula": formulas or made,
            "sg_number": numbers,
            "cell_niggli": list(np.asarray(cells, dtype=float)),
        }
    )


def test_a_chain_of_analogues_is_one_family():
    assert split.families(frame_of(CELLS, [62] * 4)).tolist() == [0, 0, 0, 1]
    assert len(split.analogue_pairs([62] * 4, CELLS)) == 2
    assert split.families(frame_of(CELLS, [62, 61, 62, 62])).tolist() == [0, 1, 2, 3]


def test_twins_are_one_family_whatever_their_space_group():
    formulas = ["Mg2 Si1 O4", "O16 Si4 Mg8", "Mg2 Si1 O5", "Mg2 Si1 O4"]
    these = frame_of(CELLS, [1, 2, 3, 4], formulas)
    assert split.families(these).tolist() == [0, 0, 1, 2]  # the last has another lattice
    assert split.across(these, ["train", "test", "test", "test"])["twins"] == 1


@pytest.mark.parametrize(
    ("identifier", "code"),
    [
        ("coremof:ABAVIJ", "ABAVIJ"),
        ("csd:ABAVIJ01", "ABAVIJ"),
        ("coremof:acs.cgd.6b00407", "coremof:acs.cgd.6b00407"),
        ("amcsd:ABAVIJ", "amcsd:ABAVIJ"),
        ("coremof:ABAVIJK", "coremof:ABAVIJK"),
    ],
)
def test_a_refcode_is_six_letters(identifier, code):
    assert split.refcode(identifier) == code


def test_a_refcode_family_is_one_family_whatever_its_cells():
    names = ["coremof:ABAVIJ", "amcsd:1", "csd:ABAVIJ02", "coremof:ABAVIJ01"]
    these = frame_of(CELLS, [1, 2, 3, 4], identifiers=names)
    assert split.families(these).tolist() == [0, 1, 0, 0]
    found = split.across(these, ["train", "train", "train", "test"])
    assert found == {"lattice analogues": 0, "twins": 0, "refcode families": 1}


def test_symbols_get_their_share_where_groups_do_not_look():
    rng = np.random.default_rng(5)
    these = pd.DataFrame({"group": "a", "sg_symbol_reindexed": rng.choice(list("xyz"), 300)})
    these["family"] = rng.integers(0, 200, 300)
    side = split.split(these, "symbol", seed=1)
    share = pd.Series(side == "test").groupby(these["sg_symbol_reindexed"]).mean()
    assert (share - 0.2).abs().max() < 0.01
    assert pd.Series(side).groupby(these["family"]).nunique().max() == 1
    with pytest.raises(DDIError, match="level"):
        split.split(these, "lattice")


def test_pairs_equal_brute_force():
    cells = random_cells(400)
    numbers = np.random.default_rng(1).integers(1, 3, len(cells))
    pairs = {tuple(pair) for pair in split.analogue_pairs(numbers, cells, 0.1)}
    same = numbers[:, None] == numbers

    def within(values):
        return (
            np.maximum(values[:, None] / values, values / values[:, None]).max(axis=2) <= 1.1
        ) & same

    expected = np.argwhere(np.triu(within(split.signature(cells)) | within(split.folded(cells)), 1))
    assert pairs == {tuple(pair) for pair in expected} and len(pairs) > 20


def test_families_do_not_depend_on_the_order():
    cells = random_cells(200)
    shuffled = np.random.default_rng(2).permutation(len(cells))
    first = split.families(frame_of(cells, 1), 0.1)[shuffled]
    second = split.families(frame_of(cells[shuffled], 1), 0.1)
    pairs = pd.DataFrame({"first": first, "second": second}).drop_duplicates()
    assert pairs["first"].is_unique and pairs["second"].is_unique


def test_each_group_gets_its_share_and_families_stay_together():
    rng = np.random.default_rng(3)
    group = rng.choice(list("abc"), 3000)
    family = rng.integers(0, 900, 3000)
    side = split.split_families(group, family, seed=1)
    assert pd.Series(side).groupby(family).nunique().max() == 1
    assert (pd.Series(side == "test").groupby(group).mean() - 0.2).abs().max() < 0.01
    assert (side == split.split_families(group, family, seed=1)).all()
    assert (side != split.split_families(group, family, seed=2)).any()


def test_a_family_too_big_for_the_test_set_is_trained_on():
    side = split.split_families(["a"] * 10, [0] * 6 + [1, 2, 3, 4])
    assert (side[:6] == "train").all() and (side == "test").sum() == 2


def test_nearest_relative_equals_brute_force():
    cells = random_cells(300)
    rng = np.random.default_rng(4)
    numbers = rng.integers(1, 4, len(cells))
    side = rng.choice(["train", "test"], len(cells))
    apart, index = split.nearest_relative(numbers, cells, side)
    for k, i in enumerate(np.flatnonzero(side == "test")):
        others = np.flatnonzero((side == "train") & (numbers == numbers[i]))
        values = [
            np.array([np.abs(np.log(f(cells[others]) / f(cells[i : i + 1]))).max(axis=1)])
            for f in (split.signature, split.folded)
        ]
        assert apart[k] == pytest.approx(np.expm1(np.min(values)))
        assert index[k] in others
    assert np.isinf(split.nearest_relative([1, 2], cells[:2], np.array(["train", "test"]))[0]).all()


def test_relatives_can_be_looked_for_in_other_space_groups():
    frame = frame_of(CELLS[:2], [62, 61], identifiers=["a", "b"])
    frame = frame.assign(lattice_system="orthorhombic", bravais="oP", split=["train", "test"])
    assert not split.leakage(frame, ["split"])["analogue"].any()
    like = split.leakage(frame, ["split"], kin="bravais")
    assert (
        like["analogue"].all()
        and like["relative"].tolist() == ["a"]
        and like["distance"][0] == pytest.approx(0.02, abs=0.001)
    )
