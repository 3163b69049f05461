"""Smoke studies in copies of the repository, which run beside the other tests.

Each takes minutes and keeps little more than one core busy, as most tests do: started first and
asked last, they cost hardly more than the longer of the two.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

from ddi.bench import kills

AT_ONCE = 2  # studies, each with up to 3 GiB of memory
KILLED_IN = ("01_qc", "02_dedup", "06_random_forest")  # a few seconds after each of them began
SECONDS = 4


class SmokeStudies:
    """The smoke studies that tests ask for.

    Parameters
    ----------
    folder : Path
        Where the copies of the repository are made.

    Attributes
    ----------
    found : dict
        Name -> future of (folder of the copy, what the last of its runs printed).
    """

    def __init__(self, folder):
        self._folder = folder
        self._environment = dict(os.environ)  # as it is now: tests change it
        self._running = set()
        self._closed = False
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self.found = {"killed": self._pool.submit(self._killed)}
        for system in ("tetragonal", "monoclinic"):
            self.found[system] = self._pool.submit(self._of_one, system)

    def close(self):
        """End what still runs."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)
        self._pool.shutdown(cancel_futures=True)

    def _killed(self):
        """The smoke study, killed three times on its way and started again each time."""
        root = kills.repository_copy(self._folder / "killed")
        for name in KILLED_IN:
            self._run(root, kill_in=name)
        return root, self._run(root)

    def _of_one(self, system):
        """The smoke study of one lattice system."""
        root = kills.repository_copy(self._folder / system)
        return root, self._run(root, "--set", f"systems={system}")

    def _run(self, root, *options, kill_in=None):
        """Run the smoke study in a copy to its end, or until it is killed in a notebook; return
        what it printed.
        """
        command = [sys.executable, "-m", "ddi", "study", "--profile", "smoke", *options]
        with self._lock:
            if self._closed:
                raise CancelledError
            process = subprocess.Popen(
                command,
                env=self._environment | {"DDI_ROOT": str(root)},
                cwd=root,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._running.add(process)
        printed = []
        with process:
            for line in process.stdout:
                printed.append(line)
                if kill_in and line.startswith(f"{kill_in}: running"):
                    time.sleep(SECONDS)
                    _kill(process)
        with self._lock:
            self._running.remove(process)
        text = "".join(printed)
        wanted = -signal.SIGKILL if kill_in else 0
        assert process.returncode == wanted, text[-3000:]
        return text


def _kill(process):
    with contextlib.suppress(ProcessLookupError):  # it has ended
        os.killpg(process.pid, signal.SIGKILL)
