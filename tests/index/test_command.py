"""The command: JSON, CSV, figures, exit codes, batches that nothing stops, streams, folders."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import small_search
from conftest import ROOT
from small_search import CELL, CU, lines

from ddi import cli
from ddi.base.errors import DDIError
from ddi.index import command, outputs


@pytest.fixture
def engine(monkeypatch):
    return small_search.install(monkeypatch)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.txt"
    np.savetxt(path, lines())
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("no peaks\n")
    return path


def run(*arguments):
    """Run ``ddi index`` with q2 as the unit; return the exit code."""
    return cli.main(["index", "--unit", "q2", *map(str, arguments)])


def test_several_files_are_json_lines_in_their_order(engine, good, bad, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert run(good, bad, good, "--json", out) == 2
    first, second, third = map(json.loads, out.read_text().splitlines())
    assert first["cells"][0]["cell"] == pytest.approx(CELL)
    assert "error" in second and third["file"] == str(good)
    assert "bad.txt" in capsys.readouterr().err


def test_one_file_is_one_object_and_a_figure(engine, good, tmp_path):
    names = [tmp_path / "o.json", tmp_path / "o.png", tmp_path / "o.csv"]
    assert run(good, "--json", names[0], "--plot", names[1], "--csv", names[2]) == 0
    assert json.loads(names[0].read_text())["cells"][0]["bravais"] == "oP"
    assert names[1].stat().st_size > 5000
    table = pd.read_csv(names[2])
    assert table.a[0] == pytest.approx(CELL[0]) and table.extinction_symbols[0].startswith("P")


def test_csv_of_a_batch_has_one_heading(engine, good, tmp_path):
    assert run(good, good, "--csv", tmp_path / "o.csv") == 0
    assert len(pd.read_csv(tmp_path / "o.csv")) == 4


def test_no_convincing_cell_has_an_exit_code(engine, good):
    engine["probability"] = 0.2
    assert run(good) == command.NOT_CONVINCING == 3


def test_bad_input_writes_nothing(engine, bad, tmp_path):
    assert run(bad, "--json", tmp_path / "o.json", "--plot", tmp_path / "o.png") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["bad.txt"]


def test_unwritable_output_is_said_before_anything_is_done(engine, good, tmp_path, capsys):
    for out in (tmp_path, good / "below.json"):
        assert run(good, "--json", out) == 2
        assert "cannot write" in capsys.readouterr().err
    assert run(good, "--plot", tmp_path / "o.docx") == 2
    assert "no figure" in capsys.readouterr().err
    assert run(good, "--export", tmp_path / "o.docx") == 2
    assert "no export" in capsys.readouterr().err
    assert "q2" not in engine


def test_a_full_disk_is_a_sentence(engine, good, tmp_path, monkeypatch, capsys):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ddi.index.outputs.json.dumps", full)
    assert run(good, "--json", tmp_path / "o.json") == 2
    assert "No space left" in capsys.readouterr().err


def test_files_that_follow_the_lattice_are_still_files(engine, good, capsys):
    assert run("--lattice", "oP", good) == 0
    assert engine["bravais"] == ["oP"]
    assert run() == 2
    assert "no file named" in capsys.readouterr().err


def test_an_unforeseen_error_costs_one_file(engine, good, tmp_path, monkeypatch, capsys):
    real = command._indexed
    calls = []

    def sometimes(file, lattice, args):
        calls.append(file)
        if len(calls) == 2:
            raise ZeroDivisionError("what nobody thought of")
        return real(file, lattice, args)

    monkeypatch.setattr(command, "_indexed", sometimes)
    assert run(good, good, good, "--json", tmp_path / "o.jsonl") == 1
    entries = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [("error" in entry) for entry in entries] == [False, True, False]
    assert "unforeseen ZeroDivisionError" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_done(engine, good, tmp_path, monkeypatch, capsys):
    real = command._indexed
    calls = []

    def stopped(file, lattice, args):
        calls.append(file)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(file, lattice, args)

    monkeypatch.setattr(command, "_indexed", stopped)
    assert run(good, good, good, good, "--json", tmp_path / "o.jsonl") == command.STOPPED
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 2
    assert "2 of 4 files" in capsys.readouterr().err


def test_results_are_written_before_they_are_printed(engine, good, tmp_path, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("the terminal went away")

    monkeypatch.setattr("ddi.index.show.write", broken)
    with pytest.raises(RuntimeError):
        run(good, "--json", tmp_path / "o.json")
    assert json.loads((tmp_path / "o.json").read_text())["cells"]


def test_standard_output_holds_nothing_but_json(engine, good, capsys):
    assert run(good, "--json", "-") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["cells"] and "The cell is" in said.err


def test_standard_input_is_a_file(good, tmp_path):
    code = (
        "import sys; sys.path.insert(0, 'tests'); import small_search, pytest; from ddi import cli;"
        "small_search.install(pytest.MonkeyPatch());"
        "sys.exit(cli.main(['index', '-', '--unit', 'q2', '--json', '-']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, input=good.read_bytes(), capture_output=True
    )
    assert done.returncode == 0 and json.loads(done.stdout)["convinces"], done.stderr


def test_formats_are_listed(capsys):
    assert cli.main(["formats"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3 and len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    ("started", "typed"), [("bin/ddi", "ddi"), ("ddi/__main__.py", "python -m ddi")]
)
def test_what_to_type_next_begins_as_the_program_was_called(
    started, typed, monkeypatch, tmp_path, capsys
):
    (tmp_path / "a.txt").write_text("3.1\n2.9\n2.2\n2.1\n2.0\n1.8\n")
    monkeypatch.setattr("sys.argv", [started])
    assert cli.main(["index", str(tmp_path / "a.txt")]) == 2
    assert f"type: {typed} index " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "entry", "lacking"),
    [
        (["study", "--list"], "ddi.study.runner.run", "yaml"),
        (["bench"], "ddi.bench.registry.benchmarks", "threadpoolctl"),
    ],
)
def test_what_the_base_leaves_out_is_named_with_what_to_install(
    typed, entry, lacking, monkeypatch, capsys
):
    def absent(*_args, **_options):
        raise ModuleNotFoundError(f"No module named '{lacking}'", name=lacking)

    monkeypatch.setattr(entry, absent)
    assert cli.main(typed) == 2
    said = capsys.readouterr().err
    assert f"{typed[0]} needs {lacking}" in said and ".[study,train]" in said


def test_folders_and_patterns_are_expanded(good, bad, tmp_path):
    (tmp_path / ".hidden").write_text("")
    assert command._expanded([str(tmp_path)]) == [str(bad), str(good)]
    assert command._expanded([str(tmp_path / "g*.txt"), "-"]) == [str(good), "-"]
    with pytest.raises(DDIError, match="no file there"):
        command._expanded([str(tmp_path / "*.nothing")])


def test_figures_of_a_batch_are_named_after_their_files(tmp_path):
    writer = outputs.Outputs(plot=str(tmp_path / "fit.png"), many=True)
    assert writer._named(writer.plot, 2, "a/scan.xy").name == "fit_2_scan.png"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_pipes_of_any_encoding(encoding, good, tmp_path):
    """In a process of its own, because the streams are what is tested."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); import small_search, pytest; from ddi import cli;"
        "patch = pytest.MonkeyPatch(); small_search.install(patch);"
        f"sys.exit(cli.main(['index', {str(good)!r}, '--unit', 'q2', '--wavelength', '{CU}',"
        f" '--json', {str(tmp_path / 'o.json')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        env={"PYTHONIOENCODING": encoding, "PATH": "", "HOME": str(tmp_path), "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "The cell is oP" in text and max(map(len, text.splitlines()[1:4])) <= 80
    assert json.loads((tmp_path / "o.json").read_text())["convinces"]


ASKED = """
source /dev/stdin <<< "$SCRIPT"
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _shtab_ddi ddi "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}"; }
ask ddi stu; ask ddi index --zero; ask ddi index --unit ''; ask ddi index exa
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes_commands_options_choices_and_files(capsys, root):
    pytest.importorskip("shtab", reason="the extra `completion` is not installed")
    assert cli.main(["completion", "bash"]) == 0
    options = dict(capture_output=True, text=True, cwd=root / "data")
    script = {"SCRIPT": capsys.readouterr().out, "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", ASKED], env=script, **options)
    expected = ["study", "--zero-shift --zero-fixed", "d q q2 q2pi 2theta", "example_peaks.txt"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_completion_says_what_it_needs(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "zsh"]) == 2
    assert "pip install shtab" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_no_device_or_pipe_is_replaced_by_an_output(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null", "/dev/stdout"):
        with pytest.raises(DDIError, match="device or a pipe; give - "):
            outputs.check_writable(path)
    assert (tmp_path / "pipe").is_fifo() and not os.path.isfile("/dev/null")


def test_without_compilation_it_says_so_at_once(good, capsys, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert cli.main(["index", str(good)]) == 2
    assert "unset NUMBA_DISABLE_JIT" in capsys.readouterr().err


def test_warnings_made_errors_stop_nothing():
    command = [sys.executable, "-W", "error", "-m", "ddi", "index", "data/example_peaks.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
