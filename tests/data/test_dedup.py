"""Duplicates: against brute force, and that order, source and R-factor decide as they should."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from crystals import are_duplicates, made
from scipy.sparse import csr_matrix

from ddi.base.paths import Study
from ddi.data import dedup
from ddi.data.entry import read_entries, write_entries


def pretended(n, seed):
    """Features of n crystals in a small space, so that many are duplicates."""
    rng = np.random.default_rng(seed)
    cell = np.column_stack(
        [np.sort(rng.uniform(4, 5, (n, 3)), axis=1), rng.choice([90.0, 90.0, 95.0], (n, 3))]
    )
    return dedup.Features(
        rng.integers(0, 2, n), cell, csr_matrix(rng.integers(0, 2, (n, 3)).astype(float))
    )


@pytest.mark.parametrize("atoms", [0, 1])
def test_components_equal_brute_force(atoms):
    these = pretended(150, 3)
    label = np.arange(150)
    for i in range(150):
        for j in range(i):
            if are_duplicates(these, i, j, atoms):
                label[label == label[i]] = label[j]
    found = dedup.components(these, atoms)
    assert len(set(zip(found, label))) == len(set(found)) == len(set(label))


def quartet():
    """One crystal four times, with R-factors 0.05, none, 0.03 and 0.03, the last exchanged for a
    different database.
    """
    entry = made(gemmi.SpaceGroup("P n m a"))
    kinds = [("amcsd:4", 0.05), ("amcsd:3", np.nan), ("amcsd:2", 0.03), ("amcsd:1", 0.03)]
    return [replace(entry, identifier=i, r_factor=r) for i, r in kinds]


def kept(entries, definition="one atom"):
    found = dedup.clusters(entries, definition)
    return found.identifier[found.kept].tolist()


def test_lowest_r_factor_stays_and_ties_go_to_the_smallest_identifier():
    assert kept(quartet()) == ["amcsd:1"]
    assert kept(quartet()[:2]) == ["amcsd:4"]


def test_databases_come_in_the_order_of_merging_before_r_factors():
    entries = [
        *quartet(),
        replace(quartet()[0], identifier="core_mof:A", source="core_mof", r_factor=0.001),
    ]
    assert kept(entries) == ["amcsd:1"]
    entries += [replace(entries[0], identifier="cod:9", source="cod", r_factor=np.nan)]
    assert kept(entries) == ["cod:9"]
    entries += [replace(entries[0], identifier="csd:Z", source="csd", r_factor=np.nan)]
    assert kept(entries) == ["csd:Z"]


def test_order_of_input_does_not_matter():
    groups = [
        gemmi.SpaceGroup(symbol)
        for symbol in ("P n m a", "P b n m", "P m c n", "F m -3 m", "P -1", "C -1")
    ]
    entries = [*quartet(), *(made(group) for group in groups)]
    base = set(map(tuple, dedup.clusters(entries)[["identifier", "representative"]].to_numpy()))
    for seed in range(5):
        shuffled = [entries[i] for i in np.random.default_rng(seed).permutation(len(entries))]
        assert (
            set(map(tuple, dedup.clusters(shuffled)[["identifier", "representative"]].to_numpy()))
            == base
        )


def test_one_exchanged_atom_and_five_per_cent():
    entry = quartet()[0]
    fewer = replace(
        entry,
        identifier="amcsd:5",
        composition=entry.composition | {"Fe": entry.composition["Fe"] - 1},
    )
    other = replace(fewer, identifier="amcsd:6", composition=fewer.composition | {"Mn": 1.0})
    two = replace(entry, identifier="amcsd:7", composition=entry.composition | {"Mn": 2.0})
    assert kept([entry, fewer]) == kept([entry, other]) == ["amcsd:4"]
    assert len(kept([entry, two])) == 2 and len(kept([entry, other], "same composition")) == 2
    assert (
        len(
            kept(
                [
                    entry,
                    replace(entry, identifier="amcsd:8", cell=entry.cell * [1.04, 1, 1, 1, 1, 1]),
                ]
            )
        )
        == 1
    )
    assert (
        len(
            kept(
                [
                    entry,
                    replace(entry, identifier="amcsd:9", cell=entry.cell * [1.06, 1, 1, 1, 1, 1]),
                ]
            )
        )
        == 2
    )


def test_setting_does_not_matter():
    """A centred description and its primitive cell are the same crystal."""
    centred = made(gemmi.SpaceGroup("C -1"))
    setting = dedup.settings.reindex(centred.cell, centred.operations)
    half = {element: count / 2 for element, count in centred.composition.items()}
    primitive = replace(
        centred,
        identifier="amcsd:p",
        cell=setting.cell,
        operations=setting.operations,
        composition=half,
    )
    assert len(kept([centred, primitive])) == 1


def test_chains_are_not_swallowed():
    """Eleven cells, each 3 % longer than the one before: neighbours are duplicates, the ends are
    not.
    """
    entry = quartet()[0]
    chain = [
        replace(entry, identifier=f"amcsd:{i:02d}", cell=entry.cell * [*[1.03**i] * 3, 1, 1, 1])
        for i in range(11)
    ]
    assert kept(chain) == [f"amcsd:{i:02d}" for i in range(0, 11, 2)]
    assert len(set(dedup.components(dedup.features(chain), 1))) == 1


def test_hexagonal_and_rhombohedral_are_one_family():
    families = dedup.features(
        [
            made(gemmi.SpaceGroup(symbol))
            for symbol in ("P 6/m m m", "R -3 m:H", "P -3 m 1", "P m -3 m")
        ]
    ).family
    assert len(set(families[:3])) == 1 and families[3] != families[0]


def test_nothing_is_no_error():
    assert len(dedup.clusters([])) == 0


def test_unique_file_holds_the_kept_entries(tmp_path):
    entries = quartet()
    write_entries(tmp_path / "entries.parquet", entries)
    dedup.write_unique(
        tmp_path / "entries.parquet", tmp_path / "unique.parquet", dedup.clusters(entries)
    )
    assert [entry.identifier for entry in read_entries(tmp_path / "unique.parquet")] == ["amcsd:1"]


def test_no_duplicates_are_left_in_the_dataset():
    path = next(
        (
            path
            for path in (Study(name).interim / "unique.parquet" for name in ("default", "smoke"))
            if path.exists()
        ),
        None,
    )
    if path is None:
        pytest.skip("no unique entries yet; notebook 02 makes them")
    assert dedup.clusters(read_entries(path)).kept.all()
