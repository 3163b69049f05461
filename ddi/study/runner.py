"""The runner of the study: ten notebooks in order, resuming where they stopped, and an eleventh.

A step is skipped when nothing that it depends on has changed (`ddi.study.stamps`). What it reads
and writes stands in the notebook's own metadata, ``{"ddi": {"reads": [...], "writes": [...]}}``:
globs relative to the repository, ``{profile}`` for the study's name, and ``$DDI_RRUFF`` and
``$DDI_COD`` for a user's own folders.
"""

import ast
import json
import os
import time
from pathlib import Path

import yaml

from ddi.base.errors import DDIError
from ddi.base.paths import DEFAULT, EXPLORE, ROOT, Study
from ddi.study import stamps
from ddi.study.processes import PeakMemory, errors_to, one_study, started


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
        self.stamp = study.stamps / f"{self.name}.json"
        self.executed = study.root / "notebooks" / "executed" / study.profile / self.notebook.name

    @property
    def content(self):
        """What the notebook's file holds now: it may be edited while earlier ones run."""
        return json.loads(self.notebook.read_text(encoding="utf-8"))

    @property
    def io(self):
        """What the notebook reads and writes: lists of globs."""
        return self.content["metadata"].get("ddi", {"reads": [], "writes": []})

    def is_called(self, name):
        """Say whether a number or a name, whole, means this notebook."""
        return name in (self.name, self.name[:2], self.name[3:]) or name.zfill(2) == self.name[:2]

    def run(self, log):
        """Execute the notebook; return the stamp with seconds and peak memory in MiB.

        Parameters
        ----------
        log : file
            Where what the notebook prints goes.

        Raises
        ------
        DDIError
            If a cell fails; the executed notebook is kept and named, with the cell.
        """
        self.stamp.unlink(missing_ok=True)
        depends = stamps.dependencies(self)
        started, clock = time.time(), time.monotonic()
        with PeakMemory() as memory:
            self._execute(log)
        self._remove_older(started)
        return stamps.write_stamp(
            self.stamp, depends, stamps.outputs(self), time.monotonic() - clock, memory.mib
        )

    def _execute(self, log):
        import papermill
        from papermill.exceptions import PapermillExecutionError

        try:
            self.executed.parent.mkdir(parents=True, exist_ok=True)
            with errors_to(log):
                papermill.execute_notebook(
                    self.notebook,
                    self.executed,
                    parameters=self.parameters,
                    kernel_name="python3",
                    cwd=self.notebook.parent,
                    progress_bar=False,
                    stdout_file=log,
                    stderr_file=log,
                )
        except PapermillExecutionError as error:
            raise DDIError(
                f"{self.name} failed in cell {error.cell_index}: {error.ename}: {error.evalue}\n"
                f"The cell:\n{error.source}\n"
                f"The notebook as far as it came is kept at {self.executed}; "
                "mend it and run the same command again to resume here"
            ) from error
        except OSError as error:
            raise DDIError(
                f"cannot write {error.filename or self.executed}: {error.strerror}; "
                "copy the repository to a folder that you can write"
            ) from error

    def _remove_older(self, started):
        """Remove this notebook's figures and tables that the run just made has not written."""
        for folder in (self.study.figures, self.study.tables):
            for path in folder.glob(f"{self.name[:2]}_*"):
                if path.stat().st_mtime < started - 2:
                    path.unlink()


def profiles(root=ROOT):
    """Return the names of the profiles there are."""
    return sorted(path.stem for path in (Path(root) / "notebooks" / "profiles").glob("*.yml"))


def load_profile(name, root=ROOT):
    """Return notebook -> parameters of a profile; `common` holds what all get.

    Raises
    ------
    DDIError
        If there is no such profile.
    """
    path = Path(root) / "notebooks" / "profiles" / f"{name}.yml"
    if not path.exists():
        known = ", ".join(profiles(root))
        raise DDIError(f"there is no profile '{name}'; choose one of {known}, or write {path}")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(study, profile=None, only=None):
    """Return the steps of a study in order.

    Parameters
    ----------
    study : Study
    profile : str, optional
        Whose parameters; the study's own if not given.
    only : list of str, optional
        Numbers or names of notebooks; all if not given.

    Raises
    ------
    DDIError
        If a name in `only` means no notebook.
    """
    given = load_profile(profile or study.profile, study.root)
    notebooks = sorted((study.root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    found = []
    for path in notebooks:
        accepts = parameter_types(path)
        common = {k: v for k, v in given.get("common", {}).items() if k in accepts}
        found.append(Step(study, path, common | (given.get(path.stem) or {})))
    for name in only or ():
        if not any(step.is_called(name) for step in found):
            known = ", ".join(step.name for step in found)
            raise DDIError(f"there is no notebook '{name}'; choose from {known}, or their numbers")
    return [step for step in found if not only or any(step.is_called(name) for name in only)]


def parameter_types(notebook):
    """Return name -> annotation of what a notebook's cell tagged ``parameters`` assigns."""
    for cell in json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            tree = ast.parse("".join(cell["source"]))
            return {node.target.id: ast.unparse(node.annotation)
                    for node in tree.body if isinstance(node, ast.AnnAssign)}  # fmt: skip
    return {}


def settings_of(texts, chosen):
    """Return the parameters that ``--set name=value ...`` means for the notebooks chosen.

    Raises
    ------
    DDIError
        If there is no ``=``, or no notebook chosen has a parameter of that name.
    """
    types = {name: kind for step in chosen for name, kind in parameter_types(step.notebook).items()}
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in types:
            known = ", ".join(sorted(types.keys() - {"profile"}))
            raise DDIError(f"--set reads name=value, got '{text}'; the names are {known}")
        if types[name] == "list" and not value.startswith("["):
            found[name] = [item for item in value.split(",") if item]
        else:
            found[name] = value if types[name] == "str" else yaml.safe_load(value)
    return found


def run(profile=DEFAULT, only=None, force=False, cluster=None, root=None, changes=(), list_=False):
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
    changes : sequence of str
        ``name=value``: parameters other than the profile's. Results then go to the study
        ``explore``, which reads what the profile has made.
    list_ : bool
        Only say which steps would run, and why.

    Returns
    -------
    list of dict
        Notebook, seconds, peak_mib, and whether it was run now, of every step.
    """
    load_profile(profile, Path(root or os.environ.get("DDI_ROOT", ROOT)))
    name = EXPLORE if changes else profile
    with started(name):
        study = Study(name, root)
        chosen = steps(study, profile, only)
        given = settings_of(changes, chosen) | ({"cluster": cluster} if cluster else {})
        for step in chosen:
            accepts = parameter_types(step.notebook)
            own = {"profile": name} if "profile" in accepts else {}
            step.parameters |= own | {k: v for k, v in given.items() if k in accepts}
        if list_:
            return [_listed(step) for step in chosen]
        with one_study(study):
            if name == EXPLORE:
                study.borrow(profile)
            return _run(study, chosen, force, whole=not only)


def _listed(step):
    why = stamps.why_stale(step)
    print(f"{step.name}: {'would run, ' + why if why else 'unchanged'}", flush=True)
    return {"notebook": step.name, "why": why}


def _run(study, chosen, force, whole):
    rows = []
    path = study.results / "study.log"
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as log:
        say = _teller(log)
        say(f"study {study.profile}: what the notebooks print goes to {path}")
        for step in chosen:
            why = "asked for" if force else stamps.why_stale(step)
            say(f"{step.name}: {'running, ' + why if why else 'unchanged, skipped'}")
            stamp = step.run(log) if why else stamps.read_stamp(step.stamp)
            cost = {"seconds": stamp["seconds"], "peak_mib": stamp["peak_mib"]}
            if why:
                say(f"{step.name}: done in {cost['seconds']:.0f} s, {cost['peak_mib']} MiB at most")
            rows.append({"notebook": step.name} | cost | {"ran": bool(why)})
        if whole:
            say(_summarise(study, rows))
        elif not study.published:
            say(f"results, figures and tables are in {study.results}")
    return rows


def _teller(log):
    def say(text):
        print(text, flush=True)
        print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=log, flush=True)

    return say


def _summarise(study, rows):
    """Keep what the whole run cost; return it as a sentence."""
    import pandas as pd

    from ddi.study.tables import write_numbers, write_table

    minutes = sum(row["seconds"] for row in rows) / 60
    gib = max((row["peak_mib"] for row in rows), default=0) / 1024
    columns = {"notebook": "notebook", "seconds": "time / s", "peak_mib": "memory / MiB"}
    table = pd.DataFrame(rows)[list(columns)].rename(columns=columns)
    caption = f"Cost of the {study.profile} profile on two cores."
    write_table(study, table, "00_study", caption, {"time / s": "{:.0f}"})
    write_numbers(study, "00", {"StudyMinutes": f"{minutes:.1f}", "StudyPeakGiB": f"{gib:.1f}"})
    return (
        f"study ({study.profile}): {len(rows)} notebooks, {minutes:.1f} min of work, "
        f"at most {gib:.1f} GiB; figures are in {study.figures}, tables in {study.tables}"
    )
