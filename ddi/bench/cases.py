"""Files that people really had, where a folder of them is: are they read, and is the cell right?

`DDI_CASES` names a folder with ``README.md``, ``patterns/``, ``lists/`` and ``formats/``; the table
in its README says the options and the right answer for each pattern and list.
"""

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.bench.registry import benchmark
from ddi.forward import lattice
from ddi.index import written_cells
from ddi.index.comparison import cell_of
from ddi.index.instrument import as_wavelength
from ddi.study.eval_indexing import rank_in

_NAMED = re.compile(r"format|export|unpack|archive|wavelength|--unit", re.I)


class Case(NamedTuple):
    """One file with what a user says and what should come out."""

    path: Path
    unit: str
    wavelength: float | None
    bravais: str
    cell: np.ndarray

    @property
    def centring(self):
        """Centring letter that goes with `cell`."""
        return lattice.BRAVAIS[self.bravais][1]


def folder():
    """The folder that `DDI_CASES` names.

    Raises
    ------
    DDIError
        If it is not set or holds no README.md.
    """
    place = Path(os.environ.get("DDI_CASES", ""))
    if not os.environ.get("DDI_CASES") or not (place / "README.md").is_file():
        raise DDIError("no cases found; set DDI_CASES to a folder with README.md, patterns, lists")
    return place


def cases(place=None):
    """Return the `Case` s of the table in a folder's README."""
    place = place or folder()
    found = []
    for line in (place / "README.md").read_text(encoding="utf-8").split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) < 3 or not re.match(r"(patterns|lists)/", cells[0]):
            continue
        unit, _, wavelength = (part.strip() for part in cells[1].partition(","))
        for path in _files(place, cells[0]):
            answer = cells[2].split("(")[0]
            cell = written_cells.read(answer).cell
            given = (path, unit, as_wavelength(wavelength or None))
            found.append(Case(*given, answer.split()[0], cell))
    return found


def _files(place, text):
    """`lists/x_Ba.txt, _Ca.txt` are two files."""
    first, *more = (part.strip() for part in text.split(","))
    stem = first.rsplit("_", 1)[0]
    return [place / first, *(place / f"{stem}{ending}" for ending in more)]


def index_case(case):
    """Index one file; return file, rank of the right cell (0 if not in the first ten), whether its
    lattice is named right, probability of the first cell, and seconds.
    """
    from ddi.index.api import index_peaks

    started = time.perf_counter()
    row = {"file": case.path.name, "rank": 0, "named": False, "probability": np.nan, "first": ""}
    try:
        result = index_peaks(str(case.path), unit=case.unit, wavelength=case.wavelength)
        found = result.cells
    except DDIError as error:
        return row | {"first": str(error)[:80], "seconds": time.perf_counter() - started}
    if rank := rank_in(found, case):
        row |= {"rank": rank, "named": found.bravais.iloc[rank - 1] == case.bravais}
    if len(found):
        best = found.iloc[0]
        row["probability"] = float(best.probability)
        row["first"] = " ".join([best.bravais, *(f"{value:.4g}" for value in cell_of(best))])
    return row | {"seconds": time.perf_counter() - started}


def read_formats(place=None):
    """Read every file below formats/; return file, whether it was read or refused by its name or
    with a question, and what was said.
    """
    from ddi.index import readers

    rows = []
    for path in sorted(((place or folder()) / "formats").iterdir()):
        try:
            said = readers.read(path).source
            good = True
        except DDIError as error:
            said = str(error)
            good = bool(_NAMED.search(said))
        rows.append({"file": path.name, "good": good, "said": said.removeprefix(f"{path}")})
    return pd.DataFrame(rows)


@benchmark(
    "cases",
    floor=9 / 11,
    about="files of DDI_CASES with the right cell first; formats read or named beside it",
)
def bench_cases():
    table = pd.DataFrame([index_case(case) for case in cases()])
    formats = read_formats()
    return dict(
        value=float((table["rank"] == 1).mean()),
        unit="share",
        n=len(table),
        right=int((table["rank"] == 1).sum()),
        named=int(((table["rank"] == 1) & table.named).sum()),
        formats_read_or_named=int(formats.good.sum()),
        n_formats=len(formats),
        rows=table.round(3).to_dict("records"),
        formats_bad=formats[~formats.good].to_dict("records"),
    )
