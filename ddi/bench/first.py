"""How long a fresh clone takes to its first indexed pattern: nothing compiled, nothing cached."""

import os
import subprocess
import sys
import tempfile
import time

from ddi.base.paths import ROOT
from ddi.bench.registry import benchmark


@benchmark(
    "first",
    floor=30.0,
    better="lower",
    about="seconds of `ddi index` on the example with nothing compiled; again and CPU beside it",
)
def bench_first():
    """Index the example twice with an empty cache of compiled functions."""
    command = [sys.executable, "-m", "ddi", "index", str(ROOT / "data" / "example_peaks.txt")]
    seconds = []
    cpu = []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(2):
            started = time.perf_counter()
            before = cpu_of_children()
            environment = os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONDONTWRITEBYTECODE": ""}
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment)
            cpu.append(round(cpu_of_children() - before, 2))
            seconds.append(time.perf_counter() - started)
    again = {"again": seconds[1], "cpu": cpu[0], "cpu_again": cpu[1]}
    return {"value": seconds[0], "unit": "s", "n": 1, **again}


def cpu_of_children():
    """Return the user and system seconds of the processes that were waited for; what else the
    machine does is not in them.
    """
    times = os.times()
    return times.children_user + times.children_system
