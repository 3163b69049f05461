"""Other indexing programs on the same peak lists, where they are installed: FOX (pyobjcryst) and
the analytical mode of mlindex.

They live in Pythons of their own, so this file is also the script that runs there: ``python -I
peers.py FOX`` reads peak lists as JSON lines and writes cells as JSON lines. It therefore imports
the standard library only, until it judges what came back.
"""

import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

WAVELENGTH = 1.540593  # A; turns a tolerance in 2theta into one of d


@dataclass(frozen=True)
class Peer:
    """A program: the module that must be importable, the variable that names a Python which has it,
    how to install it, what it does.
    """

    module: str
    variable: str
    install: str
    note: str
    lattices: str = ""


_FOX = (
    "pyobjcryst",
    "DDI_FOX_PYTHON",
    "apt-get install python3-pyobjcryst (Debian, Ubuntu), or conda install -c conda-forge pyobjcryst",
)
PEERS = {
    "FOX": Peer(
        *_FOX,
        "quick_index as it comes: primitive lattices of six systems, no triclinic; tolerance 5e-5 /A",
    ),
    "FOX, every centring": Peer(
        *_FOX,
        "quick_index with try_centered_lattice=False, which tries them all, and peaks good to 0.04 degrees",
    ),
    "mlindex, analytical": Peer(
        *(
            "mlindex",
            "DDI_MLINDEX_PYTHON",
            "python3 -m venv mlindex && mlindex/bin/pip install mlindex, then DDI_MLINDEX_PYTHON=mlindex/bin/python",
        ),
        "run_analytical on the eleven lattices it is made for, one process",
        "cF,cI,cP,hP,hR,tI,tP,oC,oF,oI,oP",
    ),
}


@functools.cache
def python_of(name):
    """Return the Python that has a peer's module, or None: the one its variable names, this one,
    the system's.
    """
    peer = PEERS[name]
    for python in (
        os.environ.get(peer.variable),
        sys.executable,
        shutil.which("python3", path=os.defpath),
    ):
        if (
            python
            and subprocess.run(
                [python, "-Ic", f"import {peer.module}"], check=False, capture_output=True
            ).returncode
            == 0
        ):
            return python
    return None


def run(name, cases, n_first=20):
    """Give the first peaks of each case, not corrected for anything, to another program.

    Parameters
    ----------
    name : str
        One of `PEERS`, and installed: `python_of` finds it.
    cases : sequence of ddi.study.cases.Case
        Those with a lattice that the program does not know are left out.
    n_first : int

    Returns
    -------
    DataFrame
        program, version, id, mineral, bravais, rank (of the right cell among the first ten, 0 if
        not there), seconds.
    """
    import numpy as np
    import pandas as pd

    from ddi.base.parallel import progress
    from ddi.study.eval_indexing import first_right

    lattices = PEERS[name].lattices
    cases = {case.id: case for case in cases if not lattices or case.bravais in lattices.split(",")}
    rows = []
    with tempfile.TemporaryFile("w+") as lists:
        lists.writelines(
            json.dumps({"id": case.id, "d": case.peaks.d[:n_first].tolist()}) + "\n"
            for case in cases.values()
        )
        lists.seek(0)
        with subprocess.Popen(
            [python_of(name), "-I", __file__, name],
            stdin=lists,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            for line in progress(process.stdout, name, len(cases)):
                said = json.loads(line)
                case = cases[said["id"]]
                cells = [(np.array(cell), centring) for cell, centring in said["cells"]]
                rank = first_right(case, *zip(*cells)) if cells else 0
                rows.append(
                    {
                        "program": name,
                        "version": said["version"],
                        "id": case.id,
                        "mineral": case.mineral,
                        "bravais": case.bravais,
                    }
                )
                rows[-1] |= {"rank": rank, "seconds": said["seconds"]}
    return pd.DataFrame(
        rows, columns=["program", "version", "id", "mineral", "bravais", "rank", "seconds"]
    )


def beside(theirs, ours):
    """Put each program's rates beside those of this work on the same patterns.

    Parameters
    ----------
    theirs : DataFrame
        From `run`, of one or more programs.
    ours : DataFrame
        id, rank, seconds.

    Returns
    -------
    DataFrame
        One row a program: program, version, n, first and ten with their 95 % Wilson intervals,
        seconds (median), then ours_first, ours_ten and ours_seconds.
    """
    from ddi.study.eval_indexing import rates

    rows = rates(theirs, ["program", "version"])
    for k, row in rows.iterrows():
        same = theirs[theirs.program == row.program]
        mine = ours[ours.id.isin(same.id)]
        rows.loc[k, ["seconds", "ours_first", "ours_ten", "ours_seconds"]] = (
            *(
                same.seconds.median(),
                (mine["rank"] == 1).mean(),
                (mine["rank"] > 0).mean(),
                mine.seconds.median(),
            ),
        )
    return rows


def serve(name, lines, out):
    """Index the peak lists in `lines` and write what is found; runs in the peer's own Python."""
    index = {"FOX": _fox, "FOX, every centring": _fox_wide, "mlindex, analytical": _mlindex}[name]
    version = _version(PEERS[name].module)
    for line in lines:
        entry = json.loads(line)
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            cells = index(entry["d"])
        seconds = time.perf_counter() - started
        print(
            json.dumps(
                {"id": entry["id"], "version": version, "seconds": seconds, "cells": cells[:10]}
            ),
            file=out,
            flush=True,
        )


def _version(module):
    from importlib import import_module, metadata

    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return getattr(import_module(module), "__version__", "unknown")


def _fox(d):
    from pyobjcryst.indexing import PeakList

    peaks = PeakList()
    peaks.set_dobs_list([1 / value for value in d])
    return _fox_cells(peaks)


def _fox_wide(d, tolerance=0.04):
    from math import asin, radians, tan

    from pyobjcryst.indexing import PeakList

    peaks = PeakList()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for value in d:  # the second column is the full width that FOX allows
            width = value / tan(asin(WAVELENGTH / 2 / value)) * radians(tolerance)
            file.write(f"{value:.7f} {width:.7f} 1.0\n")
        file.flush()
        peaks.ImportDhklDSigmaIntensity(file.name)
    return _fox_cells(peaks, try_centered_lattice=False)


def _fox_cells(peaks, **options):
    from pyobjcryst.indexing import quick_index

    found = quick_index(peaks, verbose=False, **options).GetSolutions()
    ranked = sorted(found, key=lambda solution: -solution[1])
    return [
        (list(cell.DirectUnitCell(degrees=True))[:6], str(cell.centering)[-1]) for cell, _ in ranked
    ]


def _mlindex(d):
    import cctbx.sgtbx  # noqa: F401  before numba's libraries, or it crashes
    import numpy as np
    from mlindex.command_line.run import _collect_results, _conventional_cell
    from mlindex.optimization.AnalyticOptimizer import AnalyticOptimizer
    from mlindex.optimization.MPOptimizer import LocalComm

    q2 = np.sort(np.array(d) ** -2.0)
    rows = []
    for bravais in PEERS["mlindex, analytical"].lattices.split(","):
        optimizer = AnalyticOptimizer(
            bravais_lattice=bravais, comm=LocalComm(n_ranks=1), n_peaks=q2.size, n_ref_hkl_guess=10
        )
        optimizer.run(q2=q2, zero_error=False, wavelength=None)
        rows = _collect_results(optimizer, bravais, rows)
    ranked = sorted(_conventional_cell(rows), key=lambda row: -row["M20"])
    return [
        (
            [float(row[name]) for name in ("a", "b", "c", "alpha", "beta", "gamma")],
            row["bravais_lattice"][1],
        )
        for row in ranked
    ]


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin, sys.stdout)
