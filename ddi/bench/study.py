"""What the reader waits for: the smoke study and the first import."""

import subprocess
import sys
import time

from ddi.bench.registry import benchmark


@benchmark(
    "import",
    floor=0.5,
    better="lower",
    about="seconds until `python -m ddi --help` has answered, best of five",
)
def bench_import():
    """Time the help text in fresh processes."""
    command = [sys.executable, "-m", "ddi", "--help"]
    return {"value": min(_seconds(command) for _ in range(5)), "unit": "s", "n": 5}


@benchmark(
    "study",
    floor=360,
    better="lower",
    about="seconds of the smoke profile from nothing; MiB at its peak",
)
def bench_study():
    """Run every notebook of the smoke profile anew."""
    from ddi.study.runner import run

    rows = run("smoke", force=True)
    return {
        "value": sum(row["seconds"] for row in rows),
        "unit": "s",
        "n": len(rows),
        "peak_mib": max(row["peak_mib"] for row in rows),
    }


def _seconds(command):
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started
