"""Opening what users name: regular files and standard input, with a size limit, and archives."""

import io
import os
import re
import stat
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ddi.base.errors import DDIError
from ddi.index.typed import program

MAX_BYTES = 50_000_000  # a pattern of a million points has some 20 MB; chosen
MAX_LINES = 2_500_000  # of text; chosen: the largest patterns known have a million points
MAX_LINE = 200_000  # characters of a line of a table; chosen
_CHUNK = 1 << 20  # bytes
_MOST_EXPANSION = 200  # unpacked to packed size of an archive's member; XML reaches 30; chosen
_SPECIAL = ("/proc", "/sys", "/dev")


@dataclass(frozen=True)
class Input:
    """What was read.

    Attributes
    ----------
    name : str
        As the user wrote it.
    content : bytes
    max_bytes : int
    unit : str or None
        What the user says, where a file has several columns of positions.
    """

    name: str
    content: bytes
    max_bytes: int
    unit: str | None = None

    @property
    def suffix(self):
        """The name's ending in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    @cached_property
    def text(self):
        """The content as text, with lines ended by a line feed."""
        return decoded(self.name, self.content)

    def first_lines(self, count):
        """The first lines, without the work of splitting a long text."""
        return self.text.split("\n", count)[:count]

    @cached_property
    def _longest(self):
        return max(map(len, self.text.split("\n")))

    def check_lines(self):
        """Refuse a text with a line that is too long for any table."""
        if self._longest > MAX_LINE:
            raise DDIError(
                f"{self.name} has a line of more than {MAX_LINE} characters; check the name"
            )


def open_input(path, max_bytes=MAX_BYTES, unit=None):
    """Read a regular file, or standard input if `path` is "-"; return an `Input`.

    Raises
    ------
    DDIError
        If there is no such file, if it is a folder, pipe, device or a file of the kernel, if it is
        larger than `max_bytes` or empty.
    """
    if str(path) == "-":
        name, content = "standard input", _limited(sys.stdin.buffer, max_bytes, "standard input")
    else:
        name, content = printable(path), _regular(Path(path), max_bytes)
    if not content.strip():
        raise DDIError(f"{name} is empty; expected at least 6 peak positions, one a line")
    return Input(name, content, max_bytes, unit)


def printable(path):
    """The name of a file without what would not show in a sentence."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))


def _regular(path, max_bytes):
    try:
        _check_kind(path, path.stat())
        if path.stat().st_size > max_bytes:
            raise _too_large(printable(path), max_bytes)
        with open(path, "rb") as handle:
            return _limited(handle, max_bytes, printable(path))
    except FileNotFoundError as error:
        raise DDIError(f"there is no file {printable(path)}; check the name") from error
    except (OSError, ValueError) as error:
        if isinstance(error, DDIError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise DDIError(f"{printable(path)} cannot be read: {reason}") from error


def _check_kind(path, status):
    kinds = {
        stat.S_IFDIR: "a folder; name a file in it",
        stat.S_IFIFO: "a pipe; give its content by standard input, with - as the file's name",
        stat.S_IFSOCK: "a socket; name a regular file",
        stat.S_IFCHR: "a device; name a regular file, or - for standard input",
        stat.S_IFBLK: "a device; name a regular file",
    }
    kind = kinds.get(stat.S_IFMT(status.st_mode))
    if kind is None and os.path.realpath(path).startswith(_SPECIAL_PREFIXES):
        kind = "a file of the operating system; name a file of peaks"
    if kind:
        raise DDIError(f"{printable(path)} is {kind}")


_SPECIAL_PREFIXES = tuple(folder + "/" for folder in _SPECIAL)


def _limited(handle, max_bytes, name):
    """Read in chunks, and no more than allowed."""
    chunks = []
    size = 0
    while chunk := handle.read(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(name, max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(name, max_bytes):
    return DDIError(
        f"{name} is larger than {max_bytes / 1e6:g} MB; a peak list or a pattern is smaller. Check "
        "the name, or raise --max-bytes"
    )


_TYPED = {0x2212: "-", 0x3000: " "} | {0xFF01 + k: chr(0x21 + k) for k in range(94)}
_TYPED |= {first + k: str(k) for first in (0x660, 0x6F0) for k in range(10)} | {0x66B: "."}
"""The minus sign, wide letters and digits of East Asia and Arabic digits, as on a keyboard."""


def decoded(name, content):
    """Return bytes as text: UTF-8, UTF-16 or, where neither fits, Windows' Latin-1 (cp1252)."""
    if content.count(b"\n") > MAX_LINES or content.count(b"\r") > MAX_LINES:
        raise DDIError(
            f"{name} has more than {MAX_LINES / 1e6:g} million lines; a peak list or a pattern has "
            "fewer, check the name"
        )
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n").translate(_TYPED)
    raise DDIError(
        f"{name} is not text, and no binary format that is known here; export it as two columns of "
        f"text, or type: {program()} formats"
    )


def _encodings(content):
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16",)
    even, odd = content[:400:2].count(0), content[1:400:2].count(0)
    if max(even, odd) > 0.3 * len(content[:400:2]) and min(even, odd) == 0:
        return ("utf-16-le",) if odd else ("utf-16-be",)  # without a byte-order mark
    return ("utf-8-sig", *_by_words(content), "cp1252", "latin-1")


def _by_words(content):
    """The encodings of Asia or Russia in which the first lines speak of a pattern."""
    try:
        content[:_HEAD].decode("ascii")
        return ()
    except UnicodeDecodeError:
        heads = {name: content[:_HEAD].decode(name, "ignore") for name in _ENCODINGS}
    return tuple(name for name, head in heads.items() if re.search(_WORDS, head, re.I))


_HEAD = 4000  # bytes; chosen
_ENCODINGS = ("gb18030", "shift_jis", "big5", "cp949", "cp1251", "koi8_r")
_WORDS = (
    "\u5f3a\u5ea6|\u5f37\u5ea6|\u884d\u5c04|\u89d2\u5ea6|\u56de\u6298|\u03b8|\uac15\ub3c4"
    "|\u0438\u043d\u0442\u0435\u043d\u0441\u0438\u0432|\u0434\u0438\u0444\u0440\u0430\u043a"
    "|\u0440\u0435\u043d\u0442\u0433\u0435\u043d"
)


class Archive:
    """A zip archive whose members are read one by one, each within the limits."""

    def __init__(self, source):
        self.source = source
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source.content))
            self.names = [entry.filename for entry in self._zip.infolist()]
        except Exception as error:  # zipfile raises many kinds on a broken directory
            raise DDIError(
                f"{source.name} is a zip archive that is cut off or damaged; copy it again"
            ) from error
        for name in self.names:
            parts = name.replace("\\", "/").split("/")
            if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]:
                raise DDIError(
                    f"{source.name} is an archive with a member outside its folder ({name[:60]!r}),"
                    " which no instrument writes; it is not opened"
                )

    def read(self, name):
        """Return one member's bytes."""
        entry = self._zip.getinfo(name)
        if entry.file_size > min(
            self.source.max_bytes, _MOST_EXPANSION * max(entry.compress_size, 1000)
        ):
            raise DDIError(
                f"{self.source.name}: its member {name[:60]!r} would unpack to "
                f"{entry.file_size / 1e6:.0f} MB, which no measurement needs; it is not opened"
            )
        try:
            with self._zip.open(entry) as handle:
                return _limited(handle, self.source.max_bytes, f"{self.source.name}: {name[:60]}")
        except DDIError:
            raise
        except Exception as error:  # zlib, CRC, passwords, unknown methods, truncation
            raise DDIError(
                f"{self.source.name}: its member {name[:60]!r} is damaged or locked; copy the "
                "file again"
            ) from error

    def text(self, name):
        """Return one member as text."""
        return decoded(f"{self.source.name}: {name[:60]}", self.read(name))
