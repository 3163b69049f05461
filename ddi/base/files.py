"""Files that are either whole or not there."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from ddi.base.errors import DDIError


@contextlib.contextmanager
def atomic(path):
    """Yield a temporary path beside `path`; rename it onto `path` if the block succeeds.

    The temporary name keeps the suffix of `path`, because writers choose their format by it.
    If the block fails, the temporary file is removed and what was at `path` stays.

    Parameters
    ----------
    path : str or Path
        Where the finished file shall be; missing folders are made.

    Yields
    ------
    Path
        The name to write to.

    Raises
    ------
    DDIError
        If the folder cannot be made or written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem[:40]}.", suffix="".join(path.suffixes[-2:]), dir=path.parent
        )
    except OSError as error:
        raise DDIError(
            f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sha256(path):
    """Return the hexadecimal SHA-256 of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
