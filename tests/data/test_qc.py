"""Each rule lets a good entry pass and rejects one that is spoiled in just the way the rule is
about.
"""

import dataclasses
import os

import gemmi
import numpy as np
import pandas as pd
import pytest

from ddi.data import qc
from ddi.data.entry import REFUSED, Crash, Entry
from ddi.data.sources import catalogue
from ddi.forward import symmetry
from ddi.study import qc_tables

needs_cod = pytest.mark.skipif(not os.environ.get("DDI_COD"), reason="DDI_COD is not set")


def quartz(**changes):
    group = gemmi.SpaceGroup("P 32 2 1").operations()
    entry = Entry(
        identifier="amcsd:0000001", source="amcsd", formula="O6 Si3",
        composition={"O": 6.0, "Si": 3.0},
        sg_number=154, sg_symbol="P 32 2 1", operations=symmetry.triplets(group),
        cell=np.array([4.913, 4.913, 5.405, 90, 90, 120]), volume=112.98,
        elements=("Si", "O"), xyz=np.array([[0.4697, 0, 0], [0.4133, 0.2672, 0.1188]]),
        occupancy=np.ones(2), b_iso=np.ones(2), crystal_system="trigonal",
    )  # fmt: skip
    return dataclasses.replace(entry, **changes)


def cell(*parameters):
    return np.array(parameters, dtype=float)


def test_a_good_entry_passes_every_rule():
    verdict = qc.check(quartz())
    assert (
        verdict["accepted"]
        and not any(verdict[rule] for rule in qc.RULES)
        and verdict["rejected_by"] == ""
    )
    assert verdict["volume_per_atom"] == pytest.approx(112.98 / 9)


@pytest.mark.parametrize(
    "rule, changes, reason",
    [
        ("0 usable", {"flags": (f"{REFUSED}COD flags errors",)}, "COD flags errors"),
        ("0 usable", {"elements": ()}, "no atoms"),
        ("1 formula", {"composition": {}}, "no formula"),
        ("2 number", {"sg_number": 0}, "missing"),
        ("2 number", {"sg_number": 231}, "231"),
        ("3 symbol", {"sg_symbol": ""}, "in no table"),
        ("3 symbol", {"sg_symbol": "", "operations": ()}, "no symmetry operations"),
        ("3 symbol", {"sg_symbol": "P 31 2 1"}, "is 152"),
        ("4 system", {"crystal_system": "cubic"}, "listed as cubic"),
        ("4 system", {"cell": cell(4.913, 5.0, 5.405, 90, 90, 120)}, "breaks trigonal"),
        ("4 system", {"cell": cell(4.913, 4.913, 5.405, 90, 90, 119)}, "degrees"),
        ("5 reduction", {"cell": cell(4.913, 4.913, 5.405, 90, 20, 120)}, "no possible cell"),
        ("5 reduction", {"cell": np.full(6, np.nan)}, "no possible cell"),
        ("6 volume", {"volume": 130.0}, "listed are 130.0"),
        ("6 volume", {"volume": np.nan}, "no volume"),
        ("6 volume", {"cell": np.full(6, np.nan)}, "no volume"),
    ],
)
def test_each_rule_rejects_what_it_is_about(rule, changes, reason):
    spoiled = quartz(**changes)
    assert reason in qc.RULES[rule](spoiled)
    verdict = qc.check(spoiled)
    assert not verdict["accepted"] and reason in verdict[rule]


@pytest.mark.parametrize("listed", ["trigonal", "Rhombohedral", "hexagonal", "", "trigonl"])
def test_names_of_the_crystal_system_that_are_no_contradiction(listed):
    assert qc.system_compatible(quartz(crystal_system=listed)) == ""


def test_rounding_may_break_the_symmetry_a_little():
    assert qc.system_compatible(quartz(cell=cell(4.913, 4.914, 5.405, 90.1, 90, 120))) == ""


def test_rule_seven_has_a_limit_for_each_source_and_counts_where_it_is_off():
    roomy = {"composition": {"Si": 3.0}}  # 37.7 A^3 an atom
    mineral = qc.check(quartz(**roomy))
    molecule = qc.check(quartz(source="cod", **roomy))
    assert mineral["accepted"] and mineral[qc.LAST] == "37.7 A^3 an atom"
    assert not molecule["accepted"] and molecule["rejected_by"] == qc.LAST
    assert qc.check(quartz(source="cod", **roomy), {"cod": 40.0})["accepted"]


@pytest.mark.parametrize("symbol", ["F m -3 m", "I 4/m m m", "R -3 m", "C 1 2/c 1", "A -1", "P 1"])
def test_symmetry_misfit_is_zero_for_fitting_cells_and_reduction_has_the_right_volume(symbol):
    group = gemmi.SpaceGroup(symbol)
    fitting = {
        "cubic": (9, 9, 9, 90, 90, 90),
        "tetragonal": (5, 5, 9, 90, 90, 90),
        "trigonal": (5, 5, 17, 90, 90, 120),
    }
    fitting |= {"monoclinic": (7, 8, 9, 90, 103, 90), "triclinic": (7, 8, 9, 80, 103, 97)}
    parameters = np.array(fitting[qc.crystal_system(group.number)], dtype=float)
    operations = symmetry.triplets(group.operations())
    assert qc.symmetry_misfit(parameters, operations) == pytest.approx((0, 0), abs=1e-9)
    assert qc.reducible(quartz(cell=parameters, operations=operations)) == ""


def test_crystal_systems_equal_gemmi_s():
    for number in range(1, 231):
        assert (
            qc.crystal_system(number)
            == gemmi.find_spacegroup_by_number(number).crystal_system_str()
        )


def test_a_bug_is_no_rejection(tmp_path, monkeypatch):
    def broken(entry):
        raise ZeroDivisionError("a bug")

    monkeypatch.setitem(qc.RULES, "5 reduction", broken)
    verdicts = qc.run(
        [
            quartz(),
            Crash("cod:1", "cod", "Traceback: reading"),
            quartz(identifier="amcsd:2", elements=()),
        ]
    )
    assert list(verdicts.rejected_by) == ["crash", "crash", "0 usable"]
    assert qc.write_crashes(tmp_path / "crashes.txt", verdicts) == 2
    text = (tmp_path / "crashes.txt").read_text()
    assert (
        "amcsd:0000001" in text
        and "ZeroDivisionError: a bug" in text
        and "Traceback: reading" in text
    )
    assert qc_tables.examples(verdicts).identifier.tolist() == ["amcsd:2"]


def test_tables_count_every_entry_once(tmp_path):
    entries = [
        quartz(),
        quartz(sg_number=0),
        quartz(source="cod", volume=300.0),
        Crash("cod:1", "cod", "x"),
    ]
    verdicts = qc.run(entries)
    table = qc_tables.rejections(verdicts).set_index("step")
    assert table.loc["read"].to_dict() == {"amcsd": 2, "cod": 2} and table.loc[
        "accepted"
    ].to_dict() == {"amcsd": 1, "cod": 0}
    assert (
        table.loc["6 volume", "cod"] == table.loc[qc.LAST, "cod"] == table.loc["crash", "cod"] == 1
    )
    assert qc_tables.overview(entries).set_index("source").entries.to_dict() == {
        "amcsd": 2,
        "cod": 1,
    }
    assert qc_tables.by_system([quartz()]).set_index("system").amcsd["trigonal"] == 1
    qc.write_verdicts(tmp_path / "v.parquet", verdicts)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "v.parquet"), verdicts, check_dtype=False
    )


def test_verdicts_do_not_depend_on_n_jobs(monkeypatch):
    monkeypatch.setattr(qc, "BATCH", 2)
    entries = [quartz(), quartz(volume=1.0), quartz(sg_number=0), quartz(elements=())]
    pd.testing.assert_frame_equal(qc.run(entries), qc.run(entries, n_jobs=2))


@needs_cod
def test_every_file_of_the_cod_sample_is_accepted_or_refused_with_a_reason():
    verdicts = qc.run(catalogue.cod(os.environ["DDI_COD"]))
    assert (verdicts.rejected_by != "crash").all()
    assert (verdicts.accepted | (verdicts.reason != "")).all() and verdicts.accepted.mean() > 0.8
