"""Other programs, behind small stand-ins: what they are given, how they are judged and stopped."""

import dataclasses
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from ddi.base.errors import DDIError
from ddi.base.paths import Study
from ddi.index.peaks import from_values
from ddi.study import cases, compare_peers, fairness, kept_runs, peer_programs, peers

CU = 1.540593
CELL = [5.458, 7.157, 8.884, 90, 90, 90]


def case(identifier="X1", n=25):
    angles = fairness.lines_two_theta(np.array(CELL), "P", CU, 60)[:n] + 0.03
    peaks = from_values(angles, "2theta", CU, np.linspace(100, 5, len(angles)))
    return cases.Case(identifier, "Testite", "oP", "P", np.array(CELL), peaks, "A", 0, True)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A program that doubles a for its first word and finds the cell with its second."""

    def install(body):
        script = tmp_path / "peer.py"
        script.write_text(
            "import json, sys, time\n"
            f"cell, double = [{CELL}, 'P'], [{[2 * CELL[0], *CELL[1:]]}, 'P']\n"
            "def say(entry, cells, last, seconds=0.5):\n"
            "    print(json.dumps({'id': entry['id'], 'version': '1', 'cells': cells,\n"
            "                      'seconds': seconds, 'last': last}), flush=True)\n"
            "for line in sys.stdin:\n    entry = json.loads(line)\n" + body
        )
        monkeypatch.setattr(peers, "python_of", lambda _name: sys.executable)
        monkeypatch.setattr(peers.peer_programs, "__file__", str(script))

    return install


def test_a_peer_gets_twenty_uncorrected_positions_and_is_judged(stand_in):
    stand_in(
        "    say(entry, [double, cell] if len(entry['d']) == 20 else [], True, entry['d'][0])\n"
    )
    theirs = peers.run("FOX", [case(), case("X2", n=12)])
    assert theirs["rank"].tolist() == [2, 0]
    assert theirs["seconds"][0] == pytest.approx(case().peaks.d[0])


def test_what_a_peer_found_before_it_was_stopped_counts(stand_in, monkeypatch):
    monkeypatch.setattr(peers, "PATIENCE", 3)
    stand_in("    say(entry, [cell], False)\n    time.sleep(60)\n")
    theirs = peers.run("FOX", [case(), case("X2")], limit=0.2)
    assert theirs["rank"].tolist() == [1, 1]
    assert theirs["seconds"].tolist() == [0.2, 0.2]


def test_a_peer_is_given_only_the_lattices_it_is_made_for(stand_in):
    stand_in("    say(entry, [cell], True)\n")
    triclinic = cases.Case(
        *("X9", "Testite", "aP", "P", np.array(CELL), case().peaks, "A", 0, True)
    )
    assert peers.run("mlindex", [case(), triclinic])["id"].tolist() == ["X1"]
    assert peers.run("FOX", [case(), triclinic])["id"].tolist() == ["X1", "X9"]


def test_programs_stand_above_this_work_on_the_same_patterns():
    rows = [["FOX", "2", f"X{k}", "T", "oP", "", k, 1.0] for k in (1, 2)]
    rows += [["mlindex", "3", "X2", "T", "oP", "", 0, 4.0]]
    theirs = pd.DataFrame(rows, columns=peers.COLUMNS)
    mine = pd.DataFrame({"id": ["X1", "X2", "X3"], "rank": [1, 0, 1], "seconds": [1.0, 2.0, 9.0]})
    table = peers.ranked(theirs, mine, mine.assign(rank=1))
    assert table["program"].tolist() == [
        "FOX 2",
        *["this work"] * 2,
        "mlindex 3",
        *["this work"] * 2,
    ]
    assert table["n"].tolist() == [2, 2, 2, 1, 1, 1]
    assert table["first"].tolist() == [0.5, 0.5, 1, 0, 0, 1]
    assert table["ten"].tolist() == [1, 0.5, 1, 0, 0, 1]
    assert table["seconds"].tolist() == [1, 1.5, 1.5, 4, 2, 2]
    said = compare_peers.numbers(table)
    assert said["PeerPatterns"] == 2 and said["PeerFoxFirst"].startswith("50 % (")
    assert said["PeerOursTen"].startswith("50 % (") and said["PeerOursAllTen"].startswith("100 % (")
    assert said["PeerMlindexTen"].startswith("0 % (") and said["PeerMlindexPatterns"] == 1
    assert said["PeerOursBesideTen"].startswith("0 % (") and said["PeerOursBesidePatterns"] == 1
    assert "0.05 degrees" in table["given"][0] and "11 lattices" in table["given"][4]
    assert "or 60 s" in table["given"][0] and "until 60 s" in table["given"][3]


def test_every_program_has_the_same_time_limit(stand_in):
    stand_in("    say(entry, [cell], True, entry['limit'])\n")
    seconds = {peers.run(name, [case()])["seconds"][0] for name in peers.PEERS}
    assert seconds == {peers.TIME_LIMIT}


def test_a_program_run_twice_keeps_its_two_names():
    rows = [[name, "2", "X1", "T", "oP", "", 1, 1.0] for name in ("FOX", "FOX, narrow")]
    mine = pd.DataFrame({"id": ["X1"], "rank": [1], "seconds": [1.0]})
    table = peers.ranked(pd.DataFrame(rows, columns=peers.COLUMNS), mine, mine)
    assert table["program"].tolist()[:2] == ["FOX 2", "FOX 2, narrow"]
    said = compare_peers.numbers(table)
    assert {"PeerFoxFirst", "PeerFoxNarrowFirst", "PeerFoxNarrowPatterns"} <= set(said)


def test_outcomes_are_kept_only_for_the_positions_they_belong_to(tmp_path, stand_in):
    stand_in("    say(entry, [cell], True)\n")
    other = case("X2", n=12)
    path = Study("default", tmp_path).results.parent / "full" / f"{peers.KEPT}.csv"
    path.parent.mkdir()
    peers.run("FOX", [case(), other]).to_csv(path, index=False)
    rows = kept_runs.kept(Study("default", tmp_path), peers.KEPT)
    shifted = dataclasses.replace(other, peaks=cases.with_zero_shift(other, 0.1))
    found = peers.kept(rows, "FOX", [case(), shifted])
    assert found["id"].tolist() == ["X1"] and found["rank"].tolist() == [1]
    assert peers.kept(rows, "mlindex", [case()]).empty
    assert peers.kept(pd.DataFrame(), "FOX", [case()]).columns.tolist() == peers.COLUMNS


def test_a_peer_that_does_not_exist_is_refused_with_the_names():
    with pytest.raises(DDIError, match="FOX, narrow"):
        compare_peers.table(None, ["FOX, every centring"], [], None, seed=0)


def test_this_program_is_given_the_same_twenty_positions_and_nothing_else():
    peaks = cases.first_peaks(case(), 20, positions_only=True)
    np.testing.assert_array_equal(peaks.q2, case().peaks.q2[:20])
    assert peaks.intensity is None and peaks.sigma_q2 is None and not len(peaks.faint or ())


def test_a_peer_that_is_not_there_is_not_found(monkeypatch):
    monkeypatch.setitem(peer_programs.PROGRAMS, "absent", ("no_such_module", None))
    monkeypatch.setitem(peers.PEERS, "absent", peers.Peer("absent", 0, "", "DDI_NOWHERE", ""))
    assert peers.python_of("absent") is None


def test_serving_stops_at_the_limit_and_keeps_what_was_found(monkeypatch):
    def program(d, option):
        yield [(d, option)]
        sum(range(3_000_000))
        yield [(d, option)] * 12
        raise AssertionError("asked after the limit")

    monkeypatch.setattr(peer_programs, "_stop_after", lambda _seconds: None)
    monkeypatch.setitem(peer_programs.PROGRAMS, "fox", ("json", program))
    out = io.StringIO()
    question = json.dumps({"id": "a", "d": [3.0], "option": "P", "limit": 0.005})
    peer_programs.serve("fox", [question], out)
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [answer["last"] for answer in said] == [False, True]
    assert len(said[-1]["cells"]) == 10 and said[-1]["cells"][0] == [[3.0], "P"]


@pytest.mark.skipif(peers.python_of("FOX") is None, reason="FOX is not installed")
def test_fox_indexes_the_lines_of_silicon():
    d = [5.43102 / np.sqrt(n) for n in (3, 8, 11, 16, 19, 24, 27, 32, 35, 40)]
    process = peers._Process([peers.python_of("FOX"), "-I", peer_programs.__file__, "fox"])
    answer = process.ask({"id": "Si", "d": d, "option": 0.05, "limit": 20})
    process.close()
    cell, centring = answer["cells"][0]
    assert centring == "F" and cell[0] == pytest.approx(5.43102, abs=2e-3)
