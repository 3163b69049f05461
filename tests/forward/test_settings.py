"""Reindexing against gemmi: same lattice, same absences, a symbol that names the setting; over
every setting and the whole dataset.
"""

import gemmi
import numpy as np
import pandas as pd
import pytest
from crystals import made, settings_of

from ddi.base.paths import Study
from ddi.data import dataset
from ddi.forward import lattice, settings
from ddi.forward.constants import FORWARD

HKL = np.array(
    [(h, k, l) for h in range(-5, 6) for k in range(-5, 6) for l in range(6)], dtype=np.int32
)


def absent(operations, hkl):
    return gemmi.GroupOps([gemmi.Op(op) for op in operations]).systematic_absences(
        np.asarray(hkl, dtype=np.int32)
    )


def named(symbol, operations):
    """The group a symbol names, in rhombohedral axes where the operations are."""
    group = gemmi.find_spacegroup_by_name(symbol)
    return gemmi.find_spacegroup_by_name(symbol + ":R") if group.hm[0] == "R" else group


def test_every_setting_keeps_its_lattice_absences_and_coordinates():
    for group in settings_of():
        entry = made(group)
        new = settings.reindex(entry.cell, entry.operations)
        old_hkl = new.to_conventional(HKL)
        np.testing.assert_allclose(
            lattice.q2(HKL, new.cell),
            lattice.q2(old_hkl, entry.cell),
            rtol=1e-10,
            err_msg=group.xhm(),
        )
        assert (absent(new.operations, HKL) == absent(entry.operations, old_hkl)).all(), group.xhm()
        phases = [hkl @ xyz.T for hkl, xyz in ((HKL, new.move(entry.xyz)), (old_hkl, entry.xyz))]
        np.testing.assert_allclose(*phases, atol=1e-9)


def test_reindexed_cells_are_in_the_form_the_models_expect():
    for group in settings_of():
        entry = made(group)
        new = settings.reindex(entry.cell, entry.operations)
        exact = lattice.full_cell(lattice.free_cell(new.cell, new.system), new.system)
        if new.system == "monoclinic":
            assert new.cell[3 + new.unique_axis] > 90 and np.sum(new.cell[3:] == 90) == 2
        else:
            np.testing.assert_array_equal(new.cell, exact)
            assert new.unique_axis == -1
        if new.system in ("orthorhombic", "monoclinic", "triclinic"):
            assert (np.diff(new.cell[:3]) >= 0).all()
        if new.system == "triclinic":
            assert new.centring == "P" and len(set(new.cell[3:] >= 90)) == 1
        assert lattice.BRAVAIS[new.bravais][0] == new.system
        assert new.centring in ("PABCIF" if new.system in ("orthorhombic", "monoclinic") else "PIF")


def test_symbols_name_the_reindexed_setting():
    unnamed = 0
    for group in settings_of():
        new = settings.reindex(made(group).cell, made(group).operations)
        if "(" in new.symbol:
            unnamed += 1
            continue
        found = named(new.symbol, new.operations)
        assert found.number == group.number
        assert (found.operations().systematic_absences(HKL) == absent(new.operations, HKL)).all(), (
            group.xhm(),
            new.symbol,
        )
    assert unnamed <= 4


@pytest.mark.parametrize(
    "symbol, expected",
    [("P 21 21 2", "P 21 2 21"), ("P n m a", "P m c n"), ("P 1 21/c 1", "P 21/b 1 1")],
)
def test_known_permutations(symbol, expected):
    """Lengths 9, 7, 8: the new a is the old b, the new b the old c, the new c the old a."""
    entry = made(gemmi.SpaceGroup(symbol))
    assert settings.reindex(entry.cell, entry.operations).symbol == expected


def test_rhombohedral_obverse_and_reverse_are_one_lattice():
    obverse = gemmi.SpaceGroup("R -3 m:H")
    reverse = obverse.operations()
    reverse.change_basis_forward(gemmi.Op("-x,-y,z"))
    cell = np.array([8, 8, 13, 90, 90, 120.0])
    first, second = (
        settings.reindex(cell, [op.triplet() for op in ops])
        for ops in (obverse.operations(), reverse)
    )
    np.testing.assert_allclose(first.cell, second.cell)
    obverse_rows = np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3
    np.testing.assert_allclose(first.cell, lattice.change_basis(cell, obverse_rows))
    assert first.bravais == second.bravais == "hR" and first.centring == second.centring == "P"


def test_every_entry_of_the_dataset():
    """Cell, indices, operator, symbol and Niggli cell of every row describe the same lines in both
    settings.
    """
    study = next(
        (s for s in map(Study, ("default", "smoke")) if (s.interim / "dataset.parquet").exists()),
        None,
    )
    if study is None:
        pytest.skip("no dataset yet; notebook 02 makes it")
    loose = []
    seen = set()
    for row in dataset.load(study).itertuples():
        hkl = np.reshape(row.hkl_1, (-1, 3))
        old_hkl = np.reshape(row.hkl_conventional_1, (-1, 3))
        np.testing.assert_allclose(lattice.q2(hkl, row.cell), row.q2_1, rtol=1e-9)
        rows = np.linalg.inv(np.array(gemmi.Op(row.reindex_op).rot) / gemmi.Op.DEN).T
        assert (np.rint(old_hkl @ rows.T) == hkl).all()
        exactly = np.allclose(
            lattice.change_basis(row.cell_conventional, rows), row.cell, rtol=1e-9
        )
        error = np.abs(lattice.q2(old_hkl, row.cell_conventional) / row.q2_1 - 1).max()
        assert error < 1e-9 if exactly else error < 0.01, row.identifier
        loose += [] if exactly else [row.identifier]
        points = {"P": 1, "A": 2, "B": 2, "C": 2, "I": 2, "F": 4}[row.centring_reindexed]
        assert abs(row.volume_niggli * points / row.volume - 1) < 1e-6
        key = (row.sg_symbol_reindexed, tuple(row.operations_reindexed))
        if key not in seen and "(" not in row.sg_symbol_reindexed:
            seen.add(key)
            group = named(row.sg_symbol_reindexed, row.operations_reindexed)
            assert group.number == row.sg_number
            assert (
                group.operations().systematic_absences(HKL) == absent(row.operations_reindexed, HKL)
            ).all(), key
    assert len(loose) <= 20, loose  # entries whose given cell breaks its own symmetry by a hair


def test_rows_are_checked_and_a_wrong_one_is_found():
    entries = [
        made(gemmi.SpaceGroup(symbol))
        for symbol in ("P n m a", "R -3 m:H", "C -1", "P 1 21/c 1", "F d -3 m:1")
    ]
    rows = pd.DataFrame([dataset.row(entry)[0] for entry in entries])
    found = settings.check_rows(rows)
    assert found.exact.all() and found.symbol.all() and (found.error < FORWARD.same_q2).all()
    assert found.lines.tolist() == [len(a) + len(b) for a, b in zip(rows.q2_1, rows.q2_2)]
    wrong = rows.assign(cell=[cell * [1, 1, 1.001, 1, 1, 1] for cell in rows.cell])
    assert not settings.check_rows(wrong).exact.any()
    turned = [np.reshape(hkl, (-1, 3))[:, [2, 0, 1]].ravel() for hkl in rows.hkl_conventional_1]
    assert not settings.check_rows(rows.assign(hkl_conventional_1=turned)).exact.any()
    other = rows.assign(sg_symbol_reindexed=["P n a m", "R 3 c", "P 1", "P 1 21/n 1", "F d -3 c"])
    assert not settings.check_rows(other).symbol.any()


def test_every_row_of_the_dataset_passes_its_own_check():
    study = next(
        (s for s in map(Study, ("default", "smoke")) if (s.interim / "dataset.parquet").exists()),
        None,
    )
    if study is None:
        pytest.skip("no dataset yet; notebook 02 makes it")
    found = settings.check_rows(dataset.load(study))
    assert len(found) and found.symbol.all() and found.error.max() < 0.01
    assert (~found.exact).sum() <= 20  # entries whose given cell breaks its own symmetry by a hair
