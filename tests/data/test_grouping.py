"""Groups: the write-up's example, nearest joins, and GroupSpec files that people edit."""

import gemmi
import openpyxl
import pandas as pd
import pytest

from ddi.base.errors import DDIError
from ddi.data import grouping, groupspec


def frame(counts, system="orthorhombic", bravais="oP"):
    rows = []
    for symbol, n in counts.items():
        group = gemmi.SpaceGroup(symbol)
        row = {
            "lattice_system": system,
            "bravais": bravais,
            "unique_axis": {"a": 0, "b": 1, "c": 2}.get(group.monoclinic_unique_axis(), -1),
            "sg_number": group.number,
            "sg_symbol_reindexed": symbol,
            "operations_reindexed": [op.triplet() for op in group.operations()],
        }
        rows += [row] * n
    return pd.DataFrame(rows)


def groups_of(counts, minimum=20, **kinds):
    table, _ = grouping.setting_table(frame(counts, **kinds))
    return dict(zip(table["symbol"], grouping.make_groups(table, minimum)))


WRITE_UP = {
    "P m m m": 60,
    "P 21 21 21": 90,
    "P 21 21 2": 30,
    "P 21 2 21": 25,
    "P 2 21 21": 40,
    "P 21 2 2": 2,
    "P 2 21 2": 1,
    "P 2 2 21": 3,
}


def test_space_group_18_is_split_and_17_is_not():
    group = groups_of(WRITE_UP)
    eighteen = {group[symbol] for symbol in ("P 21 21 2", "P 21 2 21", "P 2 21 21")}
    seventeen = {group[symbol] for symbol in ("P 21 2 2", "P 2 21 2", "P 2 2 21")}
    assert len(eighteen) == 3 and seventeen == {group["P m m m"]} and not eighteen & seventeen


def test_a_small_pattern_joins_its_nearest():
    group = groups_of({**WRITE_UP, "P m m n": 3, "P n a m": 1})
    # The n glide of Pmmn implies the screws of P 21 21 2; of Pnam's two glides n implies 0k0, a
    # implies h00.
    assert group["P m m n"] == group["P 21 21 2"]
    assert group["P n a m"] == group["P 21 21 21"]


def test_the_smallest_joins_first_and_ties_go_to_the_larger_group():
    group = groups_of({"P 2 2 2": 30, "P 21 21 2": 25, "P 21 2 2": 5})
    assert group["P 21 2 2"] == group["P 2 2 2"] != group["P 21 21 2"]
    group = groups_of({"P 2 2 2": 25, "P 21 21 2": 30, "P 21 2 2": 5})
    assert group["P 21 2 2"] == group["P 21 21 2"] != group["P 2 2 2"]


def test_symbols_with_one_pattern_share_a_group_whatever_their_size():
    group = groups_of({"P m m m": 100, "P 2 2 2": 50, "P m m 2": 70, "P n m a": 40})
    assert group["P m m m"] == group["P 2 2 2"] == group["P m m 2"] != group["P n m a"]


def test_monoclinic_groups_keep_to_one_unique_axis():
    group = groups_of(
        {"P 1 21/c 1": 30, "P 1 1 21/a": 3, "P 21/c 1 1": 2}, system="monoclinic", bravais="mP"
    )
    assert group == {"P 1 21/c 1": "mPb-01", "P 1 1 21/a": "mPc-01", "P 21/c 1 1": "mPa-01"}


def test_only_usable_entries_count_towards_the_size():
    entries = frame({"P m m m": 60, "P 21 21 21": 60})
    table, row = grouping.setting_table(entries, entries["sg_symbol_reindexed"] == "P m m m")
    assert table["n"].tolist() == [0, 60] or table["n"].tolist() == [60, 0]
    assert grouping.make_groups(table, 20).nunique() == 1
    assert (table["symbol"].to_numpy()[row] == entries["sg_symbol_reindexed"]).all()


@pytest.fixture
def spec(tmp_path):
    table, _ = grouping.setting_table(frame(WRITE_UP))
    table["group"] = grouping.make_groups(table, 20)
    groupspec.write_spec(tmp_path, "orthorhombic", table)
    return tmp_path, table


def row_of(sheet, symbol):
    return next(row for row in sheet.iter_rows(min_row=2) if row[4].value == symbol)


def edit(folder, change):
    path = groupspec.spec_path(folder, "orthorhombic")
    book = openpyxl.load_workbook(path)
    change(book["groups"])
    book.save(path)


def test_a_spec_gives_back_the_groups_it_was_made_from(spec):
    folder, table = spec
    again = grouping.group_settings(table.drop(columns="group"), folder, 1)
    assert (again["group"] == table["group"]).all() and (again["placed"] == "listed").all()


def test_editing_a_spec_changes_the_groups(spec):
    folder, table = spec

    def rename(sheet):
        row_of(sheet, "P 21 21 2")[0].value = "mine"

    edit(folder, rename)
    again = grouping.group_settings(table.drop(columns="group"), folder, 20).set_index("symbol")[
        "group"
    ]
    expected = table.set_index("symbol")["group"].copy()
    expected["P 21 21 2"] = "mine"
    assert again.to_dict() == expected.to_dict()


def test_a_symbol_that_is_not_listed_is_placed_by_its_pattern(spec):
    folder, table = spec
    more, _ = grouping.setting_table(frame({**WRITE_UP, "P m m 2": 4, "P n n n": 1, "P b a n": 1}))
    placed = grouping.group_settings(more, folder, 20).set_index("symbol")
    group = table.set_index("symbol")["group"]
    assert placed["placed"].to_dict() == {symbol: "listed" for symbol in WRITE_UP} | {
        "P m m 2": "same conditions", "P n n n": "nearest", "P b a n": "nearest",
    }  # fmt: skip
    assert placed.at["P m m 2", "group"] == group["P m m m"]
    assert placed.at["P n n n", "group"] in set(group)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda sheet: setattr(sheet["A3"], "value", None), "row 3: no group"),
        (lambda sheet: setattr(sheet["E1"], "value", "name"), "no column symbol"),
        (lambda sheet: sheet.append([cell.value for cell in sheet[2]]), "listed twice"),
        (lambda sheet: setattr(row_of(sheet, "P 2 2 21")[1], "value", "oC"), "mixes"),
    ],
)
def test_a_spoilt_spec_is_refused_with_its_name(spec, change, said):
    folder, _ = spec
    edit(folder, change)
    with pytest.raises(DDIError, match=said) as caught:
        groupspec.read_spec(folder, "orthorhombic")
    assert "GroupSpec_orthorhombic.xlsx" in str(caught.value)


def test_what_is_no_workbook_is_refused(tmp_path):
    groupspec.spec_path(tmp_path, "cubic").write_text("not a workbook")
    with pytest.raises(DDIError, match="GroupSpec_cubic.xlsx is not a workbook"):
        groupspec.read_spec(tmp_path, "cubic")


def test_the_committed_specs_can_be_read_and_agree_with_the_operations(root):
    for path in sorted((root / "data").glob("GroupSpec_*.xlsx")):
        spec = groupspec.read_spec(path.parent, path.stem.removeprefix("GroupSpec_"))
        for row in spec.itertuples():
            group = gemmi.find_spacegroup_by_name(
                row.symbol + (":R" if row.bravais == "hR" else "")
            )
            if (
                group is not None
                and group.hm.split(":")[0] == row.symbol
                and group.number == row.number
            ):
                axis = {"a": 0, "b": 1, "c": 2}.get(row.unique_axis, -1)
                operations = tuple(op.triplet() for op in group.operations())
                assert grouping.pattern_of(operations, row.bravais, axis).label == row.conditions, (
                    row.symbol
                )
