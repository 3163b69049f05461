"""The runner: what it skips, what it says when a cell fails, what it publishes, and that a killed
study ends like any other.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import nbformat
import pandas as pd
import pytest
from conftest import ROOT

from ddi.base.errors import DDIError
from ddi.base.paths import STARTED, Study
from ddi.bench import kills
from ddi.study import processes, stamps
from ddi.study.processes import started
from ddi.study.publish import publish
from ddi.study.runner import load_profile, run, steps
from ddi.study.stamps import imported


def make_root(path, cells, parameters="{}", profile="tiny"):
    """A study of one notebook that counts its runs in a file."""
    (path / "notebooks" / "profiles").mkdir(parents=True)
    (path / "notebooks" / "profiles" / f"{profile}.yml").write_text(
        f"common: {{profile: {profile}}}\n01_count: {parameters}\n"
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
import sys
from pathlib import Path
import pandas as pd
from ddi.base.paths import Study
from ddi.study.tables import write_numbers, write_table
runs = Path('../runs.txt')
runs.write_text((runs.read_text() if runs.exists() else '') + 'x')
study = Study.here(profile, root='..')
(study.results / 'out.txt').write_text(f'{n}')
print('progress', file=sys.stderr)
write_numbers(study, '01', {'Runs': n})
write_table(study, pd.DataFrame({'n': [n]}), '01_runs')
"""


def run_and_count(root, **options):
    """Run the tiny study; return how often its notebook has run in all."""
    run("tiny", root=root, **options)
    return len((root / "runs.txt").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tiny study that has run once."""
    root = make_root(tmp_path_factory.mktemp("finished"), [COUNT])
    assert run_and_count(root) == 1
    return root


@pytest.fixture
def tiny(finished, tmp_path):
    """A copy of it that may be spoilt."""
    return shutil.copytree(finished, tmp_path / "root")


def why(root):
    """Why the tiny study's notebook would run."""
    return stamps.why_stale(steps(Study("tiny", root))[0])


def test_a_step_runs_again_only_when_something_it_depends_on_changed(tiny):
    assert run_and_count(tiny) == 1, "nothing changed"
    (tiny / "in.txt").write_text("2")
    assert run_and_count(tiny) == 2, "an input changed"
    profile = tiny / "notebooks" / "profiles" / "tiny.yml"
    profile.write_text("common: {profile: tiny}\n01_count: {n: 5}\n")
    assert run_and_count(tiny) == 3, "a parameter changed"
    assert (tiny / "data/results/tiny/out.txt").read_text() == "5"


OUTPUTS = ["out.txt", "tables/01_runs.csv", "tables/01_runs.tex", "numbers/01.json", "numbers.tex"]


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_deleted_or_falsified_is_noticed(tiny, name):
    path = tiny / "data/results/tiny" / name
    assert why(tiny) == ""
    text = path.read_text()
    path.write_text("2".join(text.rsplit("1", 1)))
    assert "changed since" in why(tiny)
    path.unlink()
    assert "deleted" in why(tiny)


@pytest.mark.parametrize("text", ["", "garbage", "[]", "{}", '{"depends": {}}', "null", "3"])
def test_a_stamp_that_is_none_is_stale(tiny, text):
    (tiny / "data/results/tiny/stamps/01_count.json").write_text(text)
    assert why(tiny) == "its stamp cannot be read"


def test_reasons_are_named(tiny):
    (tiny / "in.txt").write_text("2")
    assert why(tiny) == "in.txt changed"
    (tiny / "in.txt").unlink()
    assert why(tiny) == "in.txt gone"
    (tiny / "data/results/tiny/stamps/01_count.json").unlink()
    assert why(tiny) == "has not run"


def test_a_notebook_edited_while_others_run_is_stamped_as_it_ran(tiny):
    step = steps(Study("tiny", tiny))[0]
    text = step.notebook.read_text()
    step.notebook.write_text(text.replace("f'{n}'", "f'{n}!'"))
    with started("tiny"), open(tiny / "log.txt", "w") as log:
        step.run(log)
    assert (tiny / "data/results/tiny/out.txt").read_text() == "1!"
    assert why(tiny) == "", "the stamp is that of what ran"
    step.notebook.write_text(text)
    assert why(tiny) == "its code changed"


def test_list_runs_nothing(tiny, capsys):
    (tiny / "in.txt").write_text("2")
    run("tiny", root=tiny, list_=True)
    assert capsys.readouterr().out == "01_count: would run, in.txt changed\n"


def test_banners_of_kernels_go_to_the_log(tmp_path, capfd):
    root = make_root(tmp_path, ["import os\nos.write(2, b'a banner')"])
    run("tiny", root=root)
    assert capfd.readouterr().err == ""
    assert "a banner" in (root / "data/results/tiny/study.log").read_text()


def test_layout_and_docstrings_are_not_what_a_result_depends_on(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f(x):\n    return x\n")
    plain = stamps.module_hash(path)
    path.write_text('"""Words."""\n\n\ndef f(\n    x,\n):\n    """More."""\n    return x  # why\n')
    assert stamps.module_hash(path) == plain
    path.write_text("def f(x):\n    return 2 * x\n")
    os.utime(path, (1, 1))
    assert stamps.module_hash(path) != plain


def test_the_same_data_by_another_path_are_the_same(tmp_path, monkeypatch):
    study = Study("x", tmp_path)
    labels = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "DIF.zip").write_text("data")
        monkeypatch.setenv("DDI_RRUFF", str(tmp_path / name))
        labels.append(list(study.files(["$DDI_RRUFF/*"])))
    assert labels == [["$DDI_RRUFF/DIF.zip"]] * 2
    monkeypatch.delenv("DDI_RRUFF")
    assert study.files(["$DDI_RRUFF/*"]) == {"$DDI_RRUFF": None}


def test_a_failed_cell_is_named_and_the_notebook_kept(tmp_path):
    root = make_root(tmp_path, ["fine = 1", "1 / 0"])
    with pytest.raises(DDIError, match="01_count failed in cell .*ZeroDivisionError") as error:
        run("tiny", root=root)
    kept = root / "notebooks" / "executed" / "tiny" / "01_count.ipynb"
    assert str(kept) in str(error.value) and "1 / 0" in str(error.value)
    assert kept.exists() and not list((root / "data/results/tiny/stamps").glob("*.json"))


def test_names_that_are_none_are_refused_with_those_there_are(tiny):
    with pytest.raises(DDIError, match="choose one of default, full, smoke"):
        load_profile("smok")
    for name in ("99", "rf", "0"):
        with pytest.raises(DDIError, match="no notebook .* choose from 01_count"):
            run("tiny", root=tiny, only=[name])
    for text in ("n", "m=3"):
        with pytest.raises(DDIError, match="the names are n"):
            run("tiny", root=tiny, changes=[text])


@pytest.mark.parametrize("name", ["1", "01", "01_count", "count"])
def test_a_notebook_is_called_by_number_or_name(tiny, name):
    assert [step.name for step in steps(Study("tiny", tiny), only=[name])] == ["01_count"]


def test_other_parameters_write_elsewhere(tiny):
    before = stamps.outputs(steps(Study("tiny", tiny))[0])
    run("tiny", root=tiny, changes=["n=7"])
    assert (tiny / "data/results/explore/out.txt").read_text() == "7"
    assert (tiny / "data/results/explore/tables/01_runs.csv").exists()
    assert stamps.outputs(steps(Study("tiny", tiny))[0]) == before and why(tiny) == ""


def test_only_the_default_study_started_by_the_runner_publishes(tmp_path, monkeypatch):
    monkeypatch.delenv(STARTED, raising=False)
    assert Study("default", tmp_path).tables == tmp_path / "data/results/default/tables"
    monkeypatch.setenv(STARTED, "default")
    assert Study("default", tmp_path).tables == tmp_path / "paper" / "tables"
    assert Study("default", tmp_path, may_publish=False).tables.parent.name == "default"
    assert Study("smoke", tmp_path).tables == tmp_path / "data/results/smoke/tables"


def test_by_hand_reads_the_profile_and_leaves_it_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(STARTED, raising=False)
    make_root(tmp_path, [], profile="default")
    theirs = Study("default", tmp_path)
    for path in (theirs.interim / "dataset.parquet", theirs.models / "forest_cubic.npz"):
        path.write_text("made by the default run")
    mine = Study.here("default", tmp_path)
    assert mine.profile == "explore" and "reads data/*/default" in capsys.readouterr().out
    assert (mine.models / "forest_cubic.npz").read_text() == "made by the default run"
    from ddi.base.files import atomic

    with atomic(mine.models / "forest_cubic.npz") as path:
        path.write_text("trained by hand")
    assert (theirs.models / "forest_cubic.npz").read_text() == "made by the default run"
    assert (Study.here("default", tmp_path).models / "forest_cubic.npz").read_text()[
        :7
    ] == "trained"


def test_publishing_puts_clean_notebooks_in_place(tmp_path):
    root = make_root(tmp_path, [COUNT, "pd.DataFrame({'n': [n]})"], profile="default")
    with pytest.raises(DDIError, match="01_count .has not run.*then publish"):
        publish(root)
    run("default", root=root)
    assert (root / "paper" / "tables" / "01_runs.csv").exists()
    (root / "paper" / "readme.md").write_text("n is {Runs}.\n")
    (root / "README.md").write_text("## Results\nn was 7.\n\n## Next\n")
    assert publish(root) == ["01_count.ipynb"]
    assert (root / "README.md").read_text() == "## Results\nn is 1.\n\n## Next\n"
    notebook = json.loads((root / "notebooks" / "01_count.ipynb").read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert "text/html" in outputs[-1]["data"] and "progress" not in json.dumps(outputs)
    step = steps(Study("default", root))[0]
    assert "injected" not in step.notebook.read_text()
    mark = stamps.fingerprint(step.content, step.parameters)
    assert notebook["metadata"]["ddi"]["fingerprint"] == mark
    (listed,) = run("default", root=root, list_=True)
    assert listed["why"] == "", "published outputs make no step stale"


def test_a_second_study_says_who_runs(tiny):
    study = Study("tiny", tiny)
    with processes.one_study(study):
        with pytest.raises(DDIError, match=rf"tiny, process {os.getpid()}, since 20"):
            run("tiny", root=tiny)
    assert run_and_count(tiny) == 1


SLEEP = """
import subprocess, sys, time
from pathlib import Path
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
Path('../child.txt').write_text(str(child.pid))
Path('../data/results/.half.abcdefgh.csv').write_text('half')
time.sleep(600)
"""


def is_alive(pid):
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_processes_end_with_a_killed_study_and_nothing_half_written_stays(tmp_path):
    root = make_root(tmp_path, [SLEEP])
    command = [sys.executable, "-m", "ddi", "study", "--profile", "tiny"]
    study = subprocess.Popen(
        command,
        env=os.environ | {"DDI_ROOT": str(root)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (root / "child.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.3)
    study.kill()
    study.wait()
    child = int((root / "child.txt").read_text())
    half = root / "data" / "results" / ".half.abcdefgh.csv"
    deadline = time.monotonic() + 60
    while (half.exists() or is_alive(child)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(child)
    assert not half.exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    root = make_root(tmp_path, [COUNT])
    (root / "data").write_text("a file where a folder should be")
    with pytest.raises(DDIError, match="cannot write below .*copy the repository"):
        run("tiny", root=root)


def test_imports_are_followed_through_modules_to_their_data():
    source = "from ddi.study.tables import latex\nimport ddi.forward.lattice"
    names = {path.stem for path in imported(source)}
    assert {"tables", "errors", "files", "lattice"} <= names
    assert "templates.npz" in {path.name for path in imported("import ddi.models.templates")}
    assert "calibration.json" in {path.name for path in imported("import ddi.index.ranking")}
    readers = {path.stem for path in imported("from ddi.index.readers import registry")}
    assert {"text", "cells", "vendors"} <= readers  # the table of formats names them in strings


@pytest.fixture
def killed_study(smoke_studies):
    """The smoke study, killed three times on its way and started again each time."""
    return smoke_studies["killed"].result()


@pytest.mark.study
class TestSmoke:
    """Run `make study PROFILE=smoke` first; these compare a second, thrice killed run with it."""

    def test_it_resumed_instead_of_starting_over(self, killed_study):
        for name in ("01_qc", "02_dedup", "05_neural_networks"):
            assert f"{name}: unchanged, skipped" in killed_study[1]

    def test_it_ends_with_the_same_tables(self, killed_study):
        first = Study("smoke")
        if not (first.stamps / "10_rruff_eval.json").exists():
            run("smoke")
        reference = kills.tables(ROOT, "smoke")
        again = kills.tables(killed_study[0], "smoke")
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


@pytest.mark.study
@pytest.mark.parametrize("system", ["tetragonal", "monoclinic"])
def test_a_single_lattice_system_runs_all_notebooks(smoke_studies, system):
    root, _ = smoke_studies[system].result()
    numbers = {path.stem for path in (root / "data/results/explore/numbers").glob("*.json")}
    assert numbers >= {f"{k:02d}" for k in range(1, 12)}


@pytest.mark.study
@pytest.mark.parametrize("folder", ["notebooks", "."])
def test_a_notebook_run_by_hand_leaves_the_repository_as_it_is(tmp_path, folder):
    def status():
        command = ["git", "status", "--porcelain"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout

    before = status()
    notebook = ROOT / "notebooks" / "11_index_your_pattern.ipynb"
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(notebook)]
    environment = {key: value for key, value in os.environ.items() if key != STARTED}
    options = {"cwd": ROOT / folder, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run([*command, str(tmp_path / "out.ipynb")], **options)
    assert done.returncode == 0, done.stderr[-2000:]
    assert status() == before
    assert "writes data/results/explore" in (tmp_path / "out.ipynb").read_text()
