"""What whole patterns add: rates, errors, kept sums, what was before, published lists."""

import numpy as np
import pandas as pd
import pytest

from ddi.base.paths import Study
from ddi.forward import bragg, lattice, lines
from ddi.study import compare_patterns as whole
from ddi.study import quote_indexing as quote
from ddi.study.eval_symbols import Judged


def judged():
    rows = [
        Judged("A", "oP", "reporting", "P n m a", 0, 2, "P n m a", 0.9, 0.1),
        Judged("B", "oP", "reporting", "P - - -", 1, 0, "P - - a", 0.6, 0.1),
        Judged("C", "mP", "reporting", "P 1 21 1", 5, 4, "P 1 - 1", 0.7, 0.1),
        Judged("D", "oP", "reporting", "P - - -", 2, 1, "P - - a", 0.6, 0.1),
    ]
    return pd.DataFrame(rows).assign(set=whole.SETS[False])


def test_symbols_are_counted_by_pattern_and_by_list():
    table = whole.symbols_table(judged()).set_index("by")
    assert table["n"].tolist() == [4, 4]
    assert table["first"].tolist() == [0.25, 0.25] and table["listed"].tolist() == [0.75, 0.75]
    assert (table["first_low"] < 0.25).all() and (table["first_high"] > 0.25).all()


def test_commonest_confusion_comes_first():
    errors = whole.symbol_errors(judged())
    numbers = quote.symbols(whole.symbols_table(judged()), errors)
    assert numbers["SymbolMeasuredPercent"] == "25" and numbers["SymbolSimulatedPercent"] == "--"
    assert (numbers["SymbolErrors"], numbers["SymbolConfusions"]) == (3, 2)
    assert numbers["SymbolConfusionsOnce"] == 1
    assert errors.iloc[0][["true", "first", "n"]].tolist() == ["P - - -", "P - - a", 2]
    assert errors["n"].sum() == 3


def sums(n_right, n):
    rows = [(1, "A", "B", k < n_right, k == 0, k < 2, k < 3, 0.8) for k in range(n)]
    names = ["ratio", "main_mineral", "other_mineral", "main", "both", "related", "reported"]
    return pd.DataFrame(rows, columns=[*names, "probability"])


def test_sums_are_counted_by_ratio_and_quoted():
    table = whole.sums_table(sums(15, 20))
    assert table["ratio"].tolist() == ["1:1"] and table["n"].tolist() == [20]
    assert table["told"].tolist() == [3] and table["told_right"].tolist() == [1]
    assert table["told_related"].tolist() == [2]
    numbers = quote.sums(table)
    assert numbers["MixtureOneMainPercent"] == "75" and numbers["MixtureOnePairs"] == 20
    assert numbers["MixtureOneToldRelated"] == 2
    assert numbers["MixtureThreeMainPercent"] == "--"
    shown, _ = whole.for_people(table)
    assert {"main : other", "first / %", "both / %", "second told"} <= set(shown)
    assert all(name.isalpha() for name in numbers)


def test_sums_are_shown_one_by_one_in_words():
    shown = whole.sums_shown(sums(1, 2))
    assert shown["main first"].tolist() == ["yes", "no"] and shown["ratio"].tolist() == ["1:1"] * 2
    assert len(whole.sums_shown(sums(0, 0))) == 0


def kept_at(root, name):
    """The path of a kept table, its folder made."""
    path = root / "data" / "results" / "full" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_sums_kept_are_those_of_the_full_profile(tmp_path):
    study = Study("default", root=tmp_path)
    assert whole.kept(study).empty
    path = kept_at(tmp_path, whole.KEPT)
    sums(1, 3).to_csv(path, index=False)
    assert len(whole.kept(study)) == 3
    assert whole.kept(Study("full", root=tmp_path)).empty


def test_before_stands_beside_now_with_its_own_n(tmp_path):
    study = Study("default", root=tmp_path)
    sets = pd.DataFrame(
        {"set": ["one", "two", "new"], "n": [3, 5, 7], "first / %": ["a", "b", "c"]}
    ).assign(**{"first ten / %": "d"})
    table, _ = whole.for_people(whole.symbols_table(judged()))
    assert len(whole.before_table(study, sets, table)) == 1
    path = kept_at(tmp_path, whole.BEFORE)
    was = {"set": ["one", "two"], "n": [3, 4], "first / %": "x", "first ten / %": "y"}
    pd.DataFrame(was).to_csv(path, index=False)
    found = whole.before_table(study, sets, table)
    assert found["before"].tolist()[:4] == ["x", "y"] * 2
    assert found["n before"].tolist()[:4] == [3, 3, 4, 4]
    assert found["n"].tolist()[:4] == [3, 3, 5, 5]
    assert found["now"].tolist()[:4] == ["a", "d", "b", "d"] and len(found) == 5
    assert quote.before(found) == {"BeforeFair": "--", "BeforeGradeB": "--"}


def test_learned_draws_are_shown_in_words_as_kept(tmp_path):
    study = Study("default", root=tmp_path)
    assert whole.learned_table(study).empty
    path = kept_at(tmp_path, whole.LEARNED)
    kept = {"kind": ["large"], "way": ["joint"], "n": 7, "right": 2, "cpu_s": 0.456}
    pd.DataFrame(kept).to_csv(path, index=False)
    row = whole.learned_table(study).iloc[0]
    assert row["source"] == "template network, joint assignment" and row["CPU / s"] == "0.46"
    assert (row["n"], row["right cell proposed"]) == (7, 2)
    found = quote.learned(whole.learned_table(study))
    assert (found["LearnedJoint"], found["LearnedNetwork"]) == (2, "--")


def test_causes_are_counted_for_fair_patterns_and_for_the_reporting_half():
    rows = pd.DataFrame(
        {
            "mineral": ["Quartz", "Quartz", "Barite", "Quartz", "Quartz"],
            "cause": ["subcell", "subcell", "other", "correct", "subcell"],
            "rank": [2, 0, 0, 1, 0],
            "fair": [True, True, False, True, True],
            "grade": "A",
            "lattice": ["unknown"] * 4 + ["known"],
        }
    )
    table = whole.causes_table(rows).set_index("cause")
    assert table.loc["subcell"].tolist() == [2, 1, 2, 1]
    assert table.loc["other"].tolist() == [0, 0, 1, 0] and "correct" not in table.index


def test_published_lists_are_found_where_their_folder_is(tmp_path, monkeypatch):
    monkeypatch.setenv("DDI_CASES", str(tmp_path))
    assert whole.published().empty
    (tmp_path / "lists").mkdir()
    limit = float(bragg.q2_of(40.0, whole.LIST_WAVELENGTH))
    _, q2 = lines.distinct_lines(lattice.cell_to_x(whole.BETHANECHOL.cell), "mP", limit)
    angles = bragg.two_theta(q2, whole.LIST_WAVELENGTH)[:30]
    np.savetxt(tmp_path / "lists" / whole.LISTS["Ba"], angles, fmt="%.4f")
    table = whole.published()
    assert table["list"].tolist() == ["Ba", "Ba"] and table["lines"].tolist() == [30, 30]
    assert table["rank"].tolist() == [1, 1] and table["first"].tolist() == ["mP", "mP"]
    found = quote.published(table)
    assert found["PublishedLists"] == 1 and found["PublishedFound"] == 1


def test_no_measured_patterns_no_sums(monkeypatch, tmp_path):
    monkeypatch.setattr(whole.rruff, "reference", lambda: None)
    assert whole.sums(Study("default", root=tmp_path), 3, n_jobs=1).empty
    assert whole.symbols(Study("default", root=tmp_path), 0, seed=0).empty


@pytest.mark.parametrize("half", ["choosing", "reporting"])
def test_measured_symbols_are_those_of_one_half(monkeypatch, half):
    known = pd.DataFrame({"id": ["a", "b"], "mineral": ["Galena", "Barite"]})
    halves = {"Galena": "choosing", "Barite": "reporting"}
    asked = []
    monkeypatch.setattr(whole.rruff, "reference", lambda: known)
    monkeypatch.setattr(whole.rruff, "half", halves.get)
    monkeypatch.setattr(whole.rruff, "load", lambda ids: asked.extend(ids) or [])
    assert whole.eval_symbols.measured.__wrapped__(half) == []
    assert asked == ([["a"], ["b"]][half == "reporting"])
