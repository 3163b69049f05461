"""No relative on the other side of the split, on the real default data.

The data are those of the default profile where notebooks 02 and 03 have made them with this code;
else they are read from data/raw, once for each state of the code, and kept in data/interim/tests.
"""

import hashlib
import itertools

import numpy as np
import pandas as pd
import pytest

from ddi.base.files import atomic
from ddi.data import augment, dataset, dedup, grouping, qc, split
from ddi.data.sources import catalogue
from ddi.forward import lattice, settings

pytestmark = pytest.mark.slow
N_JOBS = 2
SEED = 2026
SIMULATED = "rhombohedral"  # the system whose children are made here; the smallest but one


def described(entry):
    """What the split needs to know of an entry."""
    setting = settings.reindex(entry.cell, entry.operations)
    return {
        "identifier": entry.identifier,
        "formula": entry.formula,
        "sg_number": setting.number,
        "sg_symbol_reindexed": setting.symbol,
        "bravais": setting.bravais,
        "lattice_system": setting.system,
        "unique_axis": setting.unique_axis,
        "operations_reindexed": list(setting.operations),
        "cell": np.asarray(setting.cell, dtype=float),
        "cell_niggli": lattice.reduced_cell(setting.cell, setting.centring),
    }


def read(folder):
    """The unique accepted entries of the default sources, described, with peak lists in one
    system.
    """
    entries = list(
        itertools.chain.from_iterable(
            catalogue.read(source, n_jobs=N_JOBS, keep=folder) for source in ("amcsd", "core_mof")
        )
    )
    verdicts = qc.run(entries, dict.fromkeys(catalogue.ORDER), n_jobs=N_JOBS)
    accepted = [entry for entry, keep in zip(entries, verdicts.accepted) if keep]
    unique = [entry for entry, keep in zip(accepted, dedup.clusters(accepted).kept) if keep]
    frame = pd.DataFrame([described(entry) for entry in unique])
    for name in ("q2_1", "q2_2"):
        frame[name] = [np.empty(0)] * len(frame)
    for i in np.flatnonzero(frame["lattice_system"] == SIMULATED):
        values, _ = dataset.row(unique[i])
        for name in ("q2_1", "q2_2"):
            frame.at[i, name] = values[name]
    return frame


@pytest.fixture(scope="module")
def entries(root):
    """The default data with groups, families and both splits."""
    code = sorted([*(root / "ddi" / "data").rglob("*.py"), *(root / "ddi/forward").glob("*.py")])
    state = b"".join(path.read_bytes() for path in [*code, root / "data" / "sources.yml"])
    folder = root / "data" / "interim" / "tests"
    kept = folder / f"{hashlib.sha256(state).hexdigest()[:20]}.parquet"
    if not kept.exists():
        for old in folder.glob("*.parquet"):
            old.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        with atomic(kept) as temporary:
            read(folder).to_parquet(temporary, index=False)
    frame = pd.read_parquet(kept)
    table, row = grouping.setting_table(frame)
    frame["group"] = grouping.group_settings(table, root / "data", 100)["group"].to_numpy()[row]
    frame["family"] = split.families(frame)
    frame["split"] = split.split(frame, seed=SEED)
    frame["split_entry"] = split.split(frame, unit="entry", seed=SEED)
    return frame


def test_it_is_the_real_data(entries):
    assert len(entries) > 15000 and entries["lattice_system"].nunique() == 7
    assert (entries["split"] == "test").mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("level", ["group", "symbol"])
def test_no_test_entry_has_a_relative_in_training(entries, level):
    side = split.split(entries, level, seed=SEED)
    assert split.across(entries, side) == dict.fromkeys(split.relatives(entries), 0)
    assert pd.Series(side).groupby(entries["family"]).nunique().max() == 1


def test_the_split_by_entries_leaks_each_kind_and_the_report_says_so(entries):
    assert min(split.across(entries, entries["split_entry"]).values()) > 50
    leaks = split.leakage(entries).groupby("split")["analogue"].sum()
    assert leaks["split"] == 0 and leaks["split_entry"] > 1500


def test_at_the_level_of_symbols_more_symbols_are_tested(entries):
    symbols = entries["sg_symbol_reindexed"]
    common = symbols.value_counts().loc[lambda sizes: sizes >= 5].index
    missing = {
        level: len(common.difference(symbols[split.split(entries, level, seed=SEED) == "test"]))
        for level in split.LEVELS
    }
    assert missing["symbol"] < missing["group"] / 2


def test_augmented_children_are_on_their_parents_side(entries):
    rows = entries[(entries["lattice_system"] == SIMULATED) & (entries["split"] == "train")]
    enough = rows["q2_2"].map(len) >= lattice.N_PEAKS[SIMULATED]
    made, _ = augment.augment_system(rows[enough], SIMULATED, total=500, seed=SEED, q2_max=0.84)
    children = made[made["augmented"]]
    side = entries.set_index("identifier")["split"]
    assert len(children) > 300 and (children["split"] == "train").all()
    assert (side[children["parent"]] == "train").all()
    assert (side[made.loc[~made["augmented"], "identifier"]] == "train").all()
    assert made["identifier"].is_unique
