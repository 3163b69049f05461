"""Where results go: JSON, CSV, figures and files for refinement programs, whole or not there."""

import json
import math
import os
import sys
from pathlib import Path

from ddi.base.errors import DDIError
from ddi.base.files import atomic

STREAM = "-"  # standard input or output, by Unix custom
FIGURES = (".eps", ".jpg", ".jpeg", ".pdf", ".png", ".svg", ".tif", ".tiff", ".webp")


class Outputs:
    """The outputs of one call of the command, for one file or for many.

    Parameters
    ----------
    json, csv, plot : str or None
    exports : sequence of str
        Names that the suffix gives a format; see `ddi.index.export`.
    many : bool
        Several files make JSON Lines, one object a line, and one CSV; both grow as the batch goes,
        so that what is done stays done. Figures and exports are named after each file.
    scale : str
        Of the figure's intensities.
    """

    def __init__(self, json=None, csv=None, plot=None, exports=(), many=False, scale="linear"):
        self.json = json
        self.csv = csv
        self.plot = plot
        self.exports = tuple(exports)
        self.many = many
        self.scale = scale
        self._begun = set()
        self._check()

    def _check(self):
        """Refuse outputs that cannot be written, before anything is computed."""
        for path in (self.json, self.csv, self.plot, *self.exports):
            if path is not None:
                check_writable(path)
        if self.plot and Path(self.plot).suffix.lower() not in FIGURES:
            raise DDIError(
                f"{self.plot}: no figure ends in '{Path(self.plot).suffix}'; use .png, .pdf or .svg"
            )
        if self.exports:
            from ddi.index import export

            for path in self.exports:
                export.writer(path)

    def write(self, number, file, entry, result=None):
        """Write all that is wanted of one file, the figure and the exports only of a result.

        Parameters
        ----------
        number : int
            Of the file in the batch, from 1.
        file : str
        entry : dict
            What JSON says of it.
        result : ddi.index.result.Result, optional
        """
        try:
            if result is not None:
                if self.plot:
                    result.plot(self._named(self.plot, number, file), scale=self.scale)
                for path in self.exports if result.rows else ():
                    result.export(self._named(path, number, file))
                if self.csv:
                    self._put(self.csv, csv(file, result), header=True)
            if self.json and (self.many or result is not None):
                indent = None if self.many else 1
                text = json.dumps(entry, indent=indent, allow_nan=False, ensure_ascii=True)
                self._put(self.json, text + "\n")
        except OSError as error:
            raise DDIError(
                f"cannot write the results of {file}: {error.strerror or error}; "
                "name outputs in a folder with space that is writable"
            ) from error

    def _named(self, path, number, file):
        if not self.many:
            return path
        path = Path(path)
        return path.with_name(f"{path.stem}_{number}_{Path(file).stem}{path.suffix}")

    def _put(self, path, text, header=False):
        """Write text at once, or add it to what this batch has written."""
        begun = path in self._begun
        if begun and header:
            text = text.partition("\n")[2]
        if path == STREAM:
            sys.stdout.write(text)
            sys.stdout.flush()
        elif begun:
            with open(path, "a", encoding="utf-8") as handle:
                handle.write(text)
        else:
            with atomic(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        self._begun.add(path)


def csv(file, result):
    """The cells of a result as CSV, lists as text with semicolons."""
    table = result.cells.drop(columns="from_search")
    table = table.assign(extinction_symbols=table.extinction_symbols.map("; ".join))
    table.insert(0, "file", str(file))
    return table.to_csv(index=False, lineterminator="\n", float_format="%.6g")


def check_writable(path):
    """Raise if a file of that name cannot be made or replaced."""
    if path == STREAM:
        return
    path = Path(path).absolute()
    is_special = path.exists() and not (path.is_file() or path.is_dir())
    if is_special or path.parent == Path("/dev"):  # renaming onto a device would replace it
        raise DDIError(f"{path} is a device or a pipe; give - for standard output")
    above = next(parent for parent in path.parents if parent.exists())
    if (
        path.is_dir()
        or not above.is_dir()
        or not os.access(above, os.W_OK)
        or (path.exists() and not os.access(path, os.W_OK))
    ):
        raise DDIError(f"cannot write {path}; name a file in a folder that is writable")


def plain(value):
    """Return numbers, text and lists of them as JSON has them; None for what is not finite."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)
