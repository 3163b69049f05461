"""A study killed at random moments, and a Dask worker killed while it computes: do the same tables
come out, does any process live on, is anything half written left?
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.paths import ROOT
from ddi.bench.registry import benchmark

N_KILLS = 20
PROFILE = "cut"  # the first notebooks on a few entries
ONLY = ("01", "02")
_TEXT = """\
common: {profile: cut, seed: 2026, n_jobs: 2}
01_qc: {n_entries: {amcsd: 700, core_mof: 150}}
02_dedup: {scaling_n: 4000}
"""
GRACE = 5.0  # seconds in which the processes of a killed study must have ended
_FIRST = 2.0  # seconds before which a study is still importing
CLOCKED = ("second", "time", " / s", "/s", "per s", "ms", "memory")
# tables of costs, and of what fits into equal seconds
_BY_CLOCK = ("00_study", "07_equal_seconds", "09_which", "09_literal_time")


def repository_copy(path):
    """Copy what a study reads to a folder, with the downloads linked; return the folder."""
    path = Path(path)
    for name in ("notebooks", "data", "paper", "figures"):
        ignored = shutil.ignore_patterns("executed", "interim", "models", "results", "raw")
        shutil.copytree(ROOT / name, path / name, ignore=ignored)
    (ROOT / "data" / "raw").mkdir(exist_ok=True)
    (path / "data" / "raw").symlink_to(ROOT / "data" / "raw")
    if (ROOT / "data/results/full").exists():
        shutil.copytree(ROOT / "data/results/full", path / "data/results/full")
    (path / "notebooks" / "profiles" / f"{PROFILE}.yml").write_text(_TEXT, encoding="utf-8")
    return path


def tables(root, profile):
    """Return every CSV table and figure of a profile by name, without what the clock measured."""
    import pandas as pd

    results = Path(root) / "data" / "results" / profile
    frames = {}
    for path in sorted([*(results / "tables").glob("*.csv"), *(results / "figures").glob("*.csv")]):
        if path.stem not in _BY_CLOCK:
            frame = pd.read_csv(path)
            timed = [c for c in frame if any(word in c.lower() for word in CLOCKED)]
            frames[path.name] = frame.drop(columns=timed)
    return frames


def are_equal(one, other):
    """Say whether two sets of `tables` are the same."""
    import pandas as pd

    if one.keys() != other.keys() or not one:
        return False
    try:
        for name, frame in one.items():
            pd.testing.assert_frame_equal(frame, other[name], check_exact=False, rtol=1e-9)
    except AssertionError:
        return False
    return True


def start(root, only=ONLY, *more):
    """Start the cut study in a copy of the repository; return its process."""
    command = [sys.executable, "-m", "ddi", "study", "--profile", PROFILE, "--only", *only, *more]
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment = os.environ | {"DDI_ROOT": str(root)}
    return subprocess.Popen(command, cwd=root, env=environment, start_new_session=True, **quiet)


def finish(root, only=ONLY, *more):
    """Run the cut study to its end; return its tables."""
    code = start(root, only, *more).wait()
    if code:
        log = root / "data" / "results" / PROFILE / "study.log"
        raise DDIError(f"the study ended with exit code {code}; see {log}")
    return tables(root, PROFILE)


def forget(root):
    """Remove what studies have made in a copy of the repository."""
    for kind in ("interim", "models", "results"):
        shutil.rmtree(Path(root) / "data" / kind / PROFILE, ignore_errors=True)


def kill(root, seconds, only=ONLY):
    """Start the study anew and kill it after some seconds.

    Returns
    -------
    alive, left : int
        Processes of the study that lived on after `GRACE`, and temporary files that were left.
    """
    import psutil

    forget(root)
    study = start(root, only)
    time.sleep(seconds)
    family = psutil.Process(study.pid).children(recursive=True) if study.poll() is None else []
    study.kill()
    study.wait()
    _, alive = psutil.wait_procs(family, timeout=GRACE)
    left = [path for path in (Path(root) / "data").rglob(".*.*") if path.is_file()]
    return len(alive), len([path for path in left if "raw" not in path.parts])


def run(folder, n_kills=N_KILLS, seed=0, only=ONLY):
    """Kill a study at random moments and let it finish each time; return what was seen.

    Parameters
    ----------
    folder : Path
        Where a copy of the repository is made.
    """
    root = repository_copy(folder)
    rng = np.random.default_rng(seed)
    started = time.monotonic()
    expected = finish(root, only)
    whole = time.monotonic() - started
    seen = {"n": 0, "equal": 0, "alive": 0, "left": 0, "tables": len(expected)}
    for moment in rng.uniform(_FIRST, whole, n_kills):
        alive, left = kill(root, moment, only)
        seen["alive"] += alive
        seen["left"] += left
        seen["equal"] += are_equal(expected, finish(root, only))
        seen["n"] += 1
    return seen


@benchmark(
    "kills",
    floor=1.0,
    about="share of DDI_KILLS (20) kills of a study on few entries that end with equal tables",
)
def bench_kills():
    import tempfile

    with tempfile.TemporaryDirectory(prefix="ddi-kills-") as folder:
        seen = run(Path(folder) / "root", int(os.environ.get("DDI_KILLS", N_KILLS)))
    clean = not (seen["alive"] or seen["left"])
    return {"value": seen["equal"] / seen["n"] if clean else 0.0, "unit": "", **seen}
