"""Archives are read in memory, never unpacked to disk, and refused where they are damaged, hostile
or larger than what they should hold.
"""

import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ddi.base.errors import DDIError

MAX_MEMBER = 100_000_000  # bytes unpacked; chosen: the largest real one has 23 million
MAX_TOTAL = 2_000_000_000  # bytes unpacked; chosen: the largest real archive has 254 million
BROKEN = (
    OSError,
    EOFError,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,  # an unknown compression
    RuntimeError,  # a member with a password
)


def read_zip(path, wanted):
    """Yield name and bytes of the members of a zip archive whose names are wanted, by name.

    Parameters
    ----------
    path : Path
    wanted : callable
        Of a member's name.

    Raises
    ------
    DDIError
        If the archive is damaged, has members outside its folder, or is a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            budget = MAX_TOTAL
            for item in sorted(archive.infolist(), key=lambda item: item.filename):
                if not item.is_dir() and wanted(item.filename):
                    with archive.open(item) as file:
                        data = _bounded(path, item.filename, item.file_size, file, budget)
                    budget -= len(data)
                    yield item.filename, data
    except BROKEN as error:
        raise _damaged(path, error) from error


def read_tar(path, wanted):
    """Yield name and bytes of the regular files of a tar archive whose names are wanted, in its own
    order; as `read_zip`.
    """
    try:
        with tarfile.open(path) as archive:
            budget = MAX_TOTAL
            for item in archive:
                if item.isfile() and wanted(item.name):
                    file = archive.extractfile(item)
                    yield item.name, _bounded(path, item.name, item.size, file, budget)
                budget -= item.size  # what is skipped is unpacked as well
                if budget < 0:
                    raise _too_large(path, item.name, MAX_TOTAL)
    except BROKEN as error:
        raise _damaged(path, error) from error


def _bounded(path, name, size, file, budget):
    """Return a member's bytes, read no further than they are allowed to go."""
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
        raise DDIError(f"{path} holds {name!r}, which lies outside the archive; it is not used")
    allowed = min(MAX_MEMBER, budget)
    data = file.read(allowed + 1) if size <= allowed else b""
    if size > allowed or len(data) > allowed:
        raise _too_large(path, name, allowed)
    if len(data) != size:
        raise EOFError(f"{name!r} ends early")
    return data


def _too_large(path, name, allowed):
    return DDIError(
        f"{path} is not used: {name!r} unpacks to more than the {allowed / 1e6:.0f} MB that are "
        "left for it, which none of the archives expected here does"
    )


def _damaged(path, error):
    return DDIError(
        f"{Path(path)} cannot be read ({error}); delete it, and fetch it again "
        "(what data/sources.yml names is fetched by the next run)"
    )
