"""The study: its folders, its ten steps, and the runner that resumes where it stopped.

A step is skipped when nothing it depends on has changed: its notebook, its parameters, the `ddi`
modules the notebook imports (and those they import), and the contents of the files it reads. What
it reads and writes stands in the notebook's own metadata, ``{"ddi": {"reads": [...], "writes":
[...]}}``: globs relative to the repository, ``{profile}`` for the profile, and ``$DDI_RRUFF`` and
``$DDI_COD`` for a user's own folders.
"""

import ast
import hashlib
import json
import os
import re
import sys
import threading
import time
from pathlib import Path

import yaml

from ddi.base.errors import DDIError
from ddi.base.files import atomic, sha256
from ddi.base.paths import DEFAULT, ROOT, Study

PACKAGE = Path(__file__).resolve().parents[1]


class Step:
    """One notebook of a study.

    Parameters
    ----------
    study : Study
    notebook : Path
    parameters : dict
        What the profile gives it.
    """

    def __init__(self, study, notebook, parameters):
        self.study = study
        self.notebook = Path(notebook)
        self.parameters = parameters
        self.name = self.notebook.stem
        self.content = json.loads(self.notebook.read_text())
        self.io = self.content["metadata"].get("ddi", {"reads": [], "writes": []})
        self.stamp = study.stamps / f"{self.name}.json"
        self.executed = study.root / "notebooks" / "executed" / study.profile / self.notebook.name

    def key(self):
        """Return the hash of everything that this step's result depends on."""
        source = [
            "".join(cell["source"]) for cell in self.content["cells"] if cell["cell_type"] == "code"
        ]
        modules = {
            str(path.relative_to(PACKAGE)): sha256(path) for path in imported("\n".join(source))
        }
        inputs = {str(path): sha256(path) for path in self.study.files(self.io["reads"])}
        return hashlib.sha256(
            json.dumps([source, self.parameters, modules, inputs], sort_keys=True).encode()
        ).hexdigest()

    def outputs(self):
        """Return name -> SHA-256 of the files this step has written."""
        return {
            str(path.relative_to(self.study.root)): sha256(path)
            for path in self.study.files(self.io["writes"])
        }

    def is_current(self):
        """Say whether the last run still holds: same key, and what it wrote is there unchanged."""
        if not self.stamp.exists():
            return False
        stamp = json.loads(self.stamp.read_text())
        return stamp["key"] == self.key() and stamp["outputs"] == self.outputs()

    def run(self):
        """Execute the notebook; return seconds and peak memory in MiB, kept in the stamp.

        Raises
        ------
        DDIError
            If a cell fails; the executed notebook is kept and named, with the cell.
        """
        import papermill
        from papermill.exceptions import PapermillExecutionError

        os.environ.setdefault(
            "TF_CPP_MIN_LOG_LEVEL", "3"
        )  # TensorFlow otherwise greets every kernel with a page
        self.stamp.unlink(missing_ok=True)
        self.executed.parent.mkdir(parents=True, exist_ok=True)
        key = self.key()
        started = time.monotonic()
        with PeakMemory() as memory:
            try:
                papermill.execute_notebook(
                    self.notebook,
                    self.executed,
                    parameters=self.parameters,
                    kernel_name="python3",
                    cwd=self.notebook.parent,
                    progress_bar=sys.stderr.isatty(),
                    stdout_file=sys.stdout,
                    stderr_file=sys.stderr,
                )
            except PapermillExecutionError as error:
                raise DDIError(
                    f"{self.name} failed in cell {error.cell_index}: {error.ename}: {error.evalue}\n"
                    f"The cell:\n{error.source}\n"
                    f"The notebook as far as it came is kept at {self.executed}; mend it and run the same command again to resume here"
                ) from error
        stamp = {
            "key": key,
            "outputs": self.outputs(),
            "seconds": round(time.monotonic() - started, 1),
            "peak_mib": round(memory.mib),
        }
        with atomic(self.stamp) as path:
            path.write_text(json.dumps(stamp, indent=1) + "\n")
        return stamp


class PeakMemory:
    """Context that watches the memory of this process and all it has started; `mib` holds the peak
    of their sum.
    """

    def __enter__(self):
        self.mib = 0.0
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def _watch(self):
        import psutil

        me = psutil.Process()
        while not self._done.wait(0.5):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:  # it ended while we looked
                    continue
            self.mib = max(self.mib, total / 2**20)

    def __exit__(self, *_):
        self._done.set()
        self._watcher.join()


def imported(source, seen=None):
    """Return the files of the `ddi` modules that a piece of Python imports, directly or through one
    another.
    """
    seen = set() if seen is None else seen
    lines = "\n".join("" if re.match(r"\s*[%!]", line) else line for line in source.splitlines())
    for node in ast.walk(ast.parse(lines)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if (
                parts[0] != "ddi" or len(parts) == 1
            ):  # ddi/__init__ imports lazily: it stands for nothing that is used
                continue
            stem = PACKAGE.joinpath(*parts[1:])
            path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
            if path.is_file() and path not in seen:
                seen.add(path)
                imported(path.read_text(), seen)
    return sorted(seen)


def load_profile(name, root=ROOT):
    """Return notebook -> parameters of a profile; `common` holds what all get.

    Raises
    ------
    DDIError
        If there is no such profile.
    """
    folder = Path(root) / "notebooks" / "profiles"
    path = folder / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yml")))
        raise DDIError(f"there is no profile '{name}'; choose one of {known}, or write {path}")
    return yaml.safe_load(path.read_text())


def steps(study, last=10):
    """Return the steps of a study in order: notebooks 01 to `last`."""
    profile = load_profile(study.profile, study.root)
    notebooks = sorted((study.root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    accepts = {path: parameter_names(path) for path in notebooks}
    common = profile.get("common", {})
    return [
        Step(
            study,
            path,
            {k: v for k, v in common.items() if k in accepts[path]}
            | (profile.get(path.stem) or {}),
        )
        for path in notebooks
        if int(path.stem[:2]) <= last
    ]


def parameter_names(notebook):
    """Return the names assigned in a notebook's cell tagged ``parameters``."""
    for cell in json.loads(Path(notebook).read_text())["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            tree = ast.parse("".join(cell["source"]))
            return {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    return set()


def run(profile=DEFAULT, only=None, force=False, cluster=None, root=None):
    """Run the notebooks of a profile in order, skipping those whose result still holds.

    Parameters
    ----------
    profile : str
    only : list of str, optional
        Numbers or names of notebooks to run, e.g. ``["05"]``.
    force : bool
        Run also what is current.
    cluster : str, optional
        Address of a Dask scheduler, handed to the notebooks that take a parameter of this name.
    root : Path, optional
        As in `Study`.

    Returns
    -------
    list of dict
        Notebook, seconds, peak_mib, and whether it was run now, of every step.
    """
    study = Study(profile, root)
    rows = []
    for step in steps(study):
        if only and not any(step.name.startswith(name) for name in only):
            continue
        if cluster and "cluster" in parameter_names(step.notebook):
            step.parameters["cluster"] = cluster
        skip = not force and step.is_current()
        print(f"{step.name}: {'unchanged, skipped' if skip else 'running'}", flush=True)
        stamp = json.loads(step.stamp.read_text()) if skip else step.run()
        if not skip:
            print(
                f"{step.name}: done in {stamp['seconds']:.0f} s, at most {stamp['peak_mib']} MiB",
                flush=True,
            )
        rows.append(
            {
                "notebook": step.name,
                "seconds": stamp["seconds"],
                "peak_mib": stamp["peak_mib"],
                "ran": not skip,
            }
        )
    if not only:
        _summarise(study, rows)
    return rows


def _summarise(study, rows):
    """Print and keep what the whole run cost."""
    import pandas as pd

    from ddi.study.tables import write_numbers, write_table

    seconds = sum(row["seconds"] for row in rows)
    peak = max((row["peak_mib"] for row in rows), default=0)
    print(
        f"study ({study.profile}): {len(rows)} notebooks, {seconds / 60:.1f} min of work, at most {peak / 1024:.1f} GiB",
        flush=True,
    )
    table = pd.DataFrame(rows)[["notebook", "seconds", "peak_mib"]].rename(
        columns={"seconds": "time / s", "peak_mib": "memory / MiB"}
    )
    write_table(
        study,
        table,
        "00_study",
        f"Cost of the {study.profile} profile on two cores.",
        {"time / s": "{:.0f}"},
    )
    write_numbers(
        study, "00", {"StudyMinutes": f"{seconds / 60:.1f}", "StudyPeakGiB": f"{peak / 1024:.1f}"}
    )
