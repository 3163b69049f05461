"""Batches of entries kept on disk, so that an interrupted reading goes on where it stopped.

A batch is known by what was read, by the code of its source, of `ddi.forward.symmetry` and
`ddi.data.entry`, and by the versions of gemmi and spglib.
"""

import hashlib
from functools import cache
from pathlib import Path

import gemmi
import spglib

from ddi.data import composition, entry
from ddi.forward import symmetry


def kept(folder, content, module_file, read):
    """Return what ``read()`` returned for the same content and code before, else call it and keep
    what it returns.

    Parameters
    ----------
    folder : str, Path or None
        Where chunks lie; None keeps nothing.
    content : bytes
        Whatever tells this batch from every other.
    module_file : str
        The source's own ``__file__``: other code makes other chunks.
    read : callable
        Returns a list of `ddi.data.entry.Entry` and `ddi.data.entry.Crash`; a batch with a crash in
        it is not kept.
    """
    if folder is None:
        return read()
    chunk = (
        Path(folder) / f"{hashlib.sha256(_code(module_file) + content).hexdigest()[:20]}.parquet"
    )
    if chunk.exists():
        return entry.read_entries(chunk)
    found = read()
    if all(isinstance(one, entry.Entry) for one in found):
        entry.write_entries(chunk, found)
    return found


@cache
def _code(module_file):
    code = b"".join(
        Path(file).read_bytes()
        for file in (symmetry.__file__, composition.__file__, entry.__file__, module_file)
    )
    return hashlib.sha256(code).digest() + f"{gemmi.__version__} {spglib.__version__}".encode()
