"""Children: their lines against gemmi, their number against the rule, and nothing of the test side
among them.
"""

import gemmi
import numpy as np
import pandas as pd
import pytest

from ddi.data import augment
from ddi.data.perturb import b_placed
from ddi.forward import lattice
from ddi.study import eval_augment

CASES = [
    ("F d -3 m", "cubic", "cF", [8.2, 8.2, 8.2, 90, 90, 90], -1),
    ("P 42/m n m", "tetragonal", "tP", [4.6, 4.6, 9.5, 90, 90, 90], -1),
    ("P 63/m m c", "hexagonal", "hP", [5.2, 5.2, 8.1, 90, 90, 120], -1),
    ("R -3 c:R", "rhombohedral", "hR", [6.4, 6.4, 6.4, 46, 46, 46], -1),
    ("P n m a", "orthorhombic", "oP", [5.1, 6.2, 10.3, 90, 90, 90], -1),
    ("P 1 1 21/a", "monoclinic", "mP", [5.1, 6.2, 7.3, 90, 90, 101], 2),
    ("B 2/b 1 1", "monoclinic", "mC", [5.1, 8.2, 9.3, 103, 90, 90], 0),
    ("P -1", "triclinic", "aP", [5.1, 6.2, 7.3, 80, 85, 88], -1),
]


def by_gemmi(symbol, cell, q2_max):
    """Distinct 1/d^2 of the reflections that are not absent."""
    group = gemmi.SpaceGroup(symbol)
    unit_cell = gemmi.UnitCell(*map(float, cell))
    hkl = gemmi.make_miller_array(unit_cell, group, 1 / np.sqrt(q2_max), 0, True)
    q2 = np.sort(unit_cell.calculate_1_d2_array(hkl))
    return q2[np.append(True, np.diff(q2) > 1e-9)]


def operations(symbol):
    return [op.triplet() for op in gemmi.SpaceGroup(symbol).operations()]


def entries(symbol, system, bravais, cell, axis, n=30, seed=0):
    """Crystals like the given one, with lists as the dataset holds them: list 2 without every sixth
    line.
    """
    rng = np.random.default_rng(seed)
    free = lattice.free_cell(b_placed([cell] * n, [axis] * n), system)
    cells = b_placed(
        lattice.full_cell(free * (1 + 0.02 * rng.standard_normal(free.shape)), system), [axis] * n
    )
    lists = [by_gemmi(symbol, c, 3.0)[:60] for c in cells]
    return pd.DataFrame({
        "identifier": [f"made:{i}" for i in range(n)], "sg_symbol_reindexed": [symbol] * n,
        "lattice_system": system, "bravais": bravais, "group": f"{bravais}-01", "unique_axis": axis,
        "cell": list(cells), "operations_reindexed": [operations(symbol)] * n,
        "q2_1": lists, "q2_2": [np.delete(q2, np.s_[3::6]) for q2 in lists], "split": "train",
    })  # fmt: skip


@pytest.mark.parametrize(
    "symbol, system, bravais, cell, axis", CASES, ids=[case[0] for case in CASES]
)
def test_lines_equal_gemmis(symbol, system, bravais, cell, axis):
    placed = b_placed([cell], [axis])[0]
    rows, complete = augment.line_rows(placed, operations(symbol), axis, system, 3.0, n=80)
    q2 = rows @ lattice.free_x(lattice.cell_to_x(placed), system)
    expected = by_gemmi(symbol, cell, complete * (1 + 1e-9))
    distinct = q2[np.append(True, np.diff(q2) > 1e-9)]
    assert distinct == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "symbol, system, bravais, cell, axis", CASES, ids=[case[0] for case in CASES]
)
def test_children_show_only_lines_of_their_own_cell(symbol, system, bravais, cell, axis):
    frame = entries(symbol, system, bravais, cell, axis)
    rows, fitted = augment.augment_system(frame, system, total=90, seed=1, q2_max=2.5)
    children = rows[rows["augmented"]]
    assert len(children) >= 0.9 * fitted["asked"] and fitted["asked"] == 90
    for child in children.iloc[::9].itertuples():
        lines = by_gemmi(symbol, child.cell, 2.6)
        peaks = np.asarray(child.q2)
        assert (np.diff(peaks) > 0).all() and lattice.N_PEAKS[system] <= len(peaks) <= 60
        assert np.abs(peaks[:, None] / lines - 1).min(axis=1).max() < 1e-9
        assert len(peaks) > 0.5 * np.searchsorted(lines, peaks[-1])


@pytest.mark.parametrize(
    "symbol, system, bravais, cell, axis", CASES, ids=[case[0] for case in CASES]
)
def test_no_line_of_a_child_is_missing_as_far_as_its_list_goes(symbol, system, bravais, cell, axis):
    frame = entries(symbol, system, bravais, cell, axis, n=5)
    family = augment.Family.of(frame, system, 2.5)
    which = np.repeat(np.arange(5), 4)
    rng = np.random.default_rng(3)
    free = lattice.free_cell(family.cells[which], system)
    placed = lattice.full_cell(free * (1 + 0.08 * rng.standard_normal(free.shape)), system)
    for lines, child in zip(family.lines(which, placed, 2.5), b_placed(placed, np.full(20, axis))):
        lines = lines[np.isfinite(lines)]
        distinct = lines[np.append(True, np.diff(lines) > 1e-9)]
        assert len(distinct) > 20
        assert distinct == pytest.approx(
            by_gemmi(symbol, child, distinct[-1] * (1 + 1e-9)), rel=1e-9
        )


def test_children_keep_what_belongs_to_their_parent():
    frame = entries(*CASES[5])
    rows, _ = augment.augment_system(frame, "monoclinic", total=60, seed=1, q2_max=2.5)
    children = rows[rows["augmented"]]
    assert rows["identifier"].is_unique and set(children["parent"]) <= set(frame["identifier"])
    assert (
        (children["group"] == "mP-01").all()
        and (children["unique_axis"] == 2).all()
        and (children["split"] == "train").all()
    )
    assert (rows.loc[~rows["augmented"], "identifier"].to_numpy() == frame["identifier"]).all()
    cells = np.array(children["cell"].tolist())
    assert (
        (np.diff(cells[:, :3], axis=1) >= 0).all()
        and (cells[:, 3:5] == 90).all()
        and (cells[:, 5] >= 90).all()
    )


def test_augmenting_again_gives_the_same():
    frame = entries(*CASES[1])
    first, second = (
        augment.augment_system(frame, "tetragonal", total=40, seed=7, q2_max=2.5)[0]
        for _ in range(2)
    )
    assert (np.concatenate(first["q2"].tolist()) == np.concatenate(second["q2"].tolist())).all()


def test_rare_symbols_are_filled_up_first_and_no_entry_has_more_than_ten():
    symbols = np.repeat(["common", "rare", "single"], [100, 12, 1])
    children, level = augment.n_children(symbols, 60, np.random.default_rng(0))
    by_symbol = pd.Series(children).groupby(symbols)
    assert by_symbol.sum().to_dict() == {"common": 0, "rare": level - 12, "single": 10}
    assert 55 <= children.sum() <= 60 and children.max() <= 10
    assert by_symbol.max()["rare"] - by_symbol.min()["rare"] <= 1
    everything, _ = augment.n_children(symbols, 10**6, np.random.default_rng(0))
    assert (everything == 10).all()


def test_comparing_a_set_with_itself_gives_no_distance():
    rng = np.random.default_rng(0)
    q2 = np.cumsum(rng.uniform(0.001, 0.01, (50, 20)), axis=1)
    cells = np.column_stack([rng.uniform(5, 6, (50, 3)), np.full((50, 3), 90.0)])
    real = eval_augment.features(q2, cells, 20)
    assert eval_augment.compare(real, real)["ks"].max() == 0
    shifted = eval_augment.features(2 * q2, cells, 20)
    assert eval_augment.compare(real, shifted).set_index("feature").loc["first peak", "ks"] > 0.3
