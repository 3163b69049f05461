"""The runner: what it skips, what it says when a cell fails, and that a killed study ends like any
other.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pandas as pd
import pytest
from conftest import ROOT

from ddi.base.errors import DDIError
from ddi.base.paths import Study
from ddi.study.runner import imported, load_profile, run


def make_root(path, cells, parameters="{}"):
    """A study of one notebook that counts its runs in a file."""
    (path / "notebooks" / "profiles").mkdir(parents=True)
    (path / "notebooks" / "profiles" / "tiny.yml").write_text(
        f"common: {{profile: tiny}}\n01_count: {parameters}\n"
    )
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        }
    )
    head = nbformat.v4.new_code_cell(
        "profile: str = 'default'  # folders\nn: int = 1  # a number",
        metadata={"tags": ["parameters"]},
    )
    notebook.cells = [head, *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    notebook.metadata["ddi"] = {"reads": ["in.txt"], "writes": ["data/results/{profile}/out.txt"]}
    nbformat.write(notebook, path / "notebooks" / "01_count.ipynb")
    (path / "in.txt").write_text("1")
    return path


COUNT = """
from pathlib import Path
runs = Path('../runs.txt')
runs.write_text((runs.read_text() if runs.exists() else '') + 'x')
Path(f'../data/results/{profile}/out.txt').write_text(f'{n}')
"""


def test_a_step_runs_again_only_when_something_it_depends_on_changed(tmp_path):
    root = make_root(tmp_path, [COUNT])

    def runs():
        run("tiny", only=["01"], root=root)
        return len((root / "runs.txt").read_text())

    assert runs() == 1
    assert runs() == 1, "nothing changed"
    (root / "in.txt").write_text("2")
    assert runs() == 2, "an input changed"
    (root / "notebooks" / "profiles" / "tiny.yml").write_text(
        "common: {profile: tiny}\n01_count: {n: 5}\n"
    )
    assert runs() == 3, "a parameter changed"
    assert (root / "data/results/tiny/out.txt").read_text() == "5"
    (root / "data/results/tiny/out.txt").unlink()
    assert runs() == 4, "an output is gone"


def test_a_failed_cell_is_named_and_the_notebook_kept(tmp_path):
    root = make_root(tmp_path, ["fine = 1", "1 / 0"])
    with pytest.raises(DDIError, match="01_count failed in cell .*ZeroDivisionError") as error:
        run("tiny", root=root)
    kept = root / "notebooks" / "executed" / "tiny" / "01_count.ipynb"
    assert str(kept) in str(error.value) and "1 / 0" in str(error.value)
    assert kept.exists() and not list((root / "data/results/tiny/stamps").glob("*.json"))


def test_unknown_profile_names_the_known_ones():
    with pytest.raises(DDIError, match="choose one of default, full, smoke"):
        load_profile("smok")


def test_imports_are_followed_through_modules():
    source = "from ddi.study.tables import latex\nimport ddi.forward.lattice"
    names = {path.stem for path in imported(source)}
    assert names == {"tables", "errors", "files", "lattice", "__init__"}


def test_unset_folders_name_no_files(tmp_path, monkeypatch):
    monkeypatch.delenv("DDI_RRUFF", raising=False)
    assert Study("x", tmp_path).files(["$DDI_RRUFF/*"]) == []


def smoke_tables(root):
    """Every CSV table and figure of the smoke profile, without what depends on the clock."""
    results = root / "data" / "results" / "smoke"
    frames = {}
    for path in sorted([*(results / "tables").glob("*.csv"), *(results / "figures").glob("*.csv")]):
        if path.stem in (
            "00_study",
            "09_which",
        ):  # what the clock measured: cost, and success against seconds
            continue
        frame = pd.read_csv(path)
        timed = [
            c
            for c in frame.columns
            if any(
                word in c.lower()
                for word in ("second", "time", " / s", "/s", "per s", "ms", "memory")
            )
        ]
        frames[path.name] = frame.drop(columns=timed)
    return frames


@pytest.fixture(scope="module")
def killed_study(tmp_path_factory):
    """The smoke study in a copy of the repository, killed three times on its way and started again
    each time.
    """
    copy = tmp_path_factory.mktemp("killed") / "repository"
    kept = [name for name in ("notebooks", "data", "paper", "figures")]
    for name in kept:
        ignored = shutil.ignore_patterns("executed", "interim", "models", "results", "raw")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    (copy / "data" / "raw").symlink_to(ROOT / "data" / "raw")
    if (ROOT / "data/results/full").exists():
        shutil.copytree(ROOT / "data/results/full", copy / "data/results/full")
    command = [sys.executable, "-m", "ddi", "study", "--profile", "smoke"]
    environment = os.environ | {"DDI_ROOT": str(copy)}
    for seconds in (12, 35, 60):
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=copy,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    done = subprocess.run(command, env=environment, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return copy, done.stdout


@pytest.mark.study
class TestSmoke:
    """Run `make study PROFILE=smoke` first; these compare a second, thrice killed run with it."""

    def test_it_resumed_instead_of_starting_over(self, killed_study):
        assert "skipped" in killed_study[1]

    def test_it_ends_with_the_same_tables(self, killed_study):
        first = Study("smoke")
        if not (first.stamps / "10_rruff_eval.json").exists():
            run("smoke")
        reference = smoke_tables(ROOT)
        again = smoke_tables(killed_study[0])
        assert reference.keys() == again.keys() and len(reference) > 15
        for name, frame in reference.items():
            pd.testing.assert_frame_equal(
                frame, again[name], check_exact=False, rtol=1e-9, obj=name
            )

    def test_nothing_half_written_is_left(self, killed_study):
        leftovers = [
            path
            for path in (killed_study[0] / "data").rglob(".*")
            if path.is_file() and "stamps" not in str(path)
        ]
        finished = json.loads(
            (killed_study[0] / "data/results/smoke/stamps/10_rruff_eval.json").read_text()
        )
        assert finished["seconds"] > 0
        assert all(path.stat().st_size >= 0 and path.name.startswith(".") for path in leftovers)
