"""One study at a time in a checkout, and none of its processes or half-written files after it.

Everything that a study starts inherits the environment variable DDI_RUN, which names the checkout
and the study's process. A watcher waits for that process to end, ends what is left with its mark,
and removes temporary files; the next start does the same for what no watcher saw.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from ddi.base.errors import DDIError
from ddi.base.paths import STARTED

MARK = "DDI_RUN"
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}(\.\w+)*")  # as `ddi.base.files.atomic` names them


@contextlib.contextmanager
def started(name):
    """Tell the kernels started here which study they belong to, and TensorFlow to be quiet."""
    given = {STARTED: name, "TF_CPP_MIN_LOG_LEVEL": "3"}
    given |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    before = {key: os.environ.get(key) for key in given}
    os.environ.update({key: before[key] or value for key, value in given.items()})
    os.environ[STARTED] = name
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


@contextlib.contextmanager
def errors_to(log):
    """Let what is started from here write its errors and banners to a file, not on the terminal."""
    kept = os.dup(2)
    os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def one_study(study):
    """Hold the lock of a checkout while a study runs in it, and leave nothing behind.

    Raises
    ------
    DDIError
        If another study holds it; it says which, and since when.
    """
    path = study.root / "data" / "results" / ".running"
    try:
        handle = open(path, "a+", encoding="utf-8")
    except OSError as error:
        raise DDIError(f"cannot write {path}: {error.strerror}; choose a folder you own") from error
    with handle:
        if not _lock(handle):
            raise DDIError(_who(handle, study.root))
        handle.truncate(0)
        about = {"pid": os.getpid(), "profile": study.profile}
        handle.write(json.dumps(about | {"since": time.strftime("%Y-%m-%d %H:%M:%S")}))
        handle.flush()
        sweep(study.root)
        with _watched(study.root):
            yield


def _lock(handle):
    """Lock an open file as long as it is open; say whether that succeeded."""
    try:
        if sys.platform == "win32":
            import msvcrt

            handle.seek(
                1 << 20
            )  # a byte that nobody writes: Windows forbids reading what is locked
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _who(handle, root):
    handle.seek(0)
    try:
        other = json.loads(handle.read())
        about = f"{other['profile']}, process {other['pid']}, since {other['since']}"
    except (ValueError, KeyError, TypeError):
        about = "just started"
    return f"another study runs in {root} ({about}); wait for it, or end it and try again"


@contextlib.contextmanager
def _watched(root):
    """Mark what is started from here, and have a watcher end it should this process be killed."""
    before = os.environ.get(MARK)
    os.environ[MARK] = f"{os.getpid()} {Path(root).resolve()}"
    command = [sys.executable, "-m", "ddi.study.processes", str(os.getpid()), str(root)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    marked = {key: value for key, value in os.environ.items() if key != MARK}
    watcher = subprocess.Popen(
        command, stdin=subprocess.PIPE, env=marked, start_new_session=True, **quiet
    )
    try:
        yield
    finally:
        watcher.stdin.close()  # the watcher reads the end of file, sweeps and ends
        if before is None:
            os.environ.pop(MARK, None)
        else:
            os.environ[MARK] = before
        watcher.wait()


def sweep(root, pid=None):
    """End what a study of this checkout left running, and remove what it left half written.

    Parameters
    ----------
    root : Path
    pid : int, optional
        Of the study's process; without it all processes whose study is no longer alive.
    """
    import psutil

    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            owner, _, where = process.environ().get(MARK, "").partition(" ")
            if where == str(Path(root).resolve()) and process.pid != os.getpid():
                owner = int(owner)
                if owner != process.pid and (owner == pid or not psutil.pid_exists(owner)):
                    process.kill()
                    left.append(process)
    psutil.wait_procs(left, timeout=1)
    for folder in ("data/interim", "data/models", "data/results", "figures", "paper/tables"):
        for path in (Path(root) / folder).rglob(".*"):
            if path.is_file() and _TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)


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
                with contextlib.suppress(psutil.Error):  # it ended while we looked
                    total += process.memory_info().rss
            self.mib = max(self.mib, total / 2**20)

    def __exit__(self, *_):
        self._done.set()
        self._watcher.join()


if __name__ == "__main__":  # the watcher
    sys.stdin.read()
    sweep(sys.argv[2], int(sys.argv[1]))
