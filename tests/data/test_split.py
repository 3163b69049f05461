"""The split: no relatives on both sides, shares kept, and a leakage report that brute force
confirms.
"""

import numpy as np
import pandas as pd
import pytest

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


def test_a_chain_of_isotypes_is_one_family():
    assert split.families([62] * 4, CELLS).tolist() == [0, 0, 0, 1]
    assert len(split.isotype_pairs([62] * 4, CELLS)) == 2
    assert split.families([62, 61, 62, 62], CELLS).tolist() == [0, 1, 2, 3]


def test_pairs_equal_brute_force():
    cells = random_cells(400)
    numbers = np.random.default_rng(1).integers(1, 3, len(cells))
    pairs = {tuple(pair) for pair in split.isotype_pairs(numbers, cells, 0.1)}
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
    first = split.families(np.ones(len(cells)), cells, 0.1)[shuffled]
    second = split.families(np.ones(len(cells)), cells[shuffled], 0.1)
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
    frame = pd.DataFrame({"identifier": list("ab"), "lattice_system": "orthorhombic", "bravais": "oP", "sg_number": [62, 61],
                          "cell_niggli": list(CELLS[:2]), "split": ["train", "test"]})  # fmt: skip
    assert not split.leakage(frame, ["split"])["isotype"].any()
    like = split.leakage(frame, ["split"], kin="bravais")
    assert (
        like["isotype"].all()
        and like["relative"].tolist() == ["a"]
        and like["distance"][0] == pytest.approx(0.02, abs=0.001)
    )


@pytest.fixture(scope="module")
def entries(root):
    """The default dataset with its groups and splits, or else crystals made up to be related."""
    folder = root / "data" / "interim" / "default"
    if (folder / "dataset.parquet").exists() and (folder / "groups.parquet").exists():
        data = pd.read_parquet(
            folder / "dataset.parquet",
            columns=["identifier", "lattice_system", "sg_number", "cell_niggli"],
        )
        groups = pd.read_parquet(folder / "groups.parquet").drop(columns="lattice_system")
        if set(data["identifier"]) == set(groups["identifier"]):
            return data.merge(groups, on="identifier")
    cells = random_cells(3000)
    names = np.arange(len(cells)).astype(str)
    data = pd.DataFrame(
        {
            "identifier": names,
            "lattice_system": "triclinic",
            "sg_number": 2,
            "cell_niggli": list(cells),
        }
    )
    data["group"], data["family"] = "aP-01", split.families(data["sg_number"], cells)
    return data.assign(
        split=split.split_families(data["group"], data["family"]),
        split_entry=split.split_entries(data["group"]),
    )


def test_no_test_entry_has_an_isotype_or_duplicate_in_training(entries):
    cells = np.array(entries["cell_niggli"].tolist())
    side = entries["split"].to_numpy()
    pairs = split.isotype_pairs(entries["sg_number"], cells)
    assert len(pairs) and not (side[pairs[:, 0]] != side[pairs[:, 1]]).any()
    assert entries.groupby("family")["split"].nunique().max() == 1


def test_the_entry_level_split_leaks_and_the_report_says_so(entries):
    report = split.leakage(entries)
    leaks = report.groupby("split")["isotype"].sum()
    assert leaks["split"] == 0 < leaks["split_entry"]


def test_augmented_children_have_their_parents_in_training(root, entries):
    path = root / "data" / "interim" / "default" / "augmented.parquet"
    if not path.exists():
        pytest.skip("the default profile's augmented.parquet has not been made")
    rows = pd.read_parquet(path, columns=["identifier", "parent", "augmented", "split"])
    side = entries.set_index("identifier")["split"]
    if not set(rows.loc[rows["augmented"], "parent"]) <= set(side.index):
        pytest.skip("augmented.parquet is of another dataset")
    assert (side[rows.loc[rows["augmented"], "parent"]] == "train").all()
    assert (side[rows.loc[~rows["augmented"], "identifier"]] == "train").all()
    assert rows["identifier"].is_unique
