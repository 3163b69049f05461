"""What runs inside a peer's own Python: ``python -I peer_programs.py fox`` reads peak lists as JSON
lines and writes cells as JSON lines. It imports the standard library and the peer, nothing else.
"""

import contextlib
import io
import json
import math
import sys
import tempfile
import time

WAVELENGTH = 1.540593  # A, Cu K-alpha1; turns a tolerance in 2theta into one of d
FOX_SYSTEMS = (
    ("CUBIC", "PIF"),
    ("TETRAGONAL", "PI"),
    ("RHOMBOEDRAL", "P"),
    ("HEXAGONAL", "P"),
    ("ORTHOROMBIC", "PABCIF"),
    ("MONOCLINIC", "PACI"),
    ("TRICLINIC", "P"),
)
"""Lattice systems in FOX's spelling and their centrings, in the order in which they are tried."""
FOX_STOP = 50.0  # FOX's manual: the search ends when a system's best score is this good
MLINDEX_LATTICES = "cF,cI,cP,hP,hR,tI,tP,oC,oF,oI,oP"


def fox(d, tolerance):
    """Index with FOX's `CellExplorer` as its manual advises.

    Parameters
    ----------
    d : list of float
        In Angstrom, falling.
    tolerance : float
        Half the width that FOX is told a line has, in degrees 2theta.

    Yields
    ------
    list of (list of float, str)
        Cell (A, degrees) and centring, by falling score: what is found so far, after each lattice.
    """
    from pyobjcryst import indexing

    peaks = indexing.PeakList()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        for value in d:
            theta = math.asin(WAVELENGTH / 2 / value)
            width = value / math.tan(theta) * math.radians(tolerance)
            file.write(f"{value:.7f} {width:.7f} 1.0\n")
        file.flush()
        peaks.ImportDhklDSigmaIntensity(file.name)
    explorer = indexing.CellExplorer(peaks, indexing.CrystalSystem.CUBIC, 0)
    explorer.SetAngleMinMax(math.radians(90), math.radians(140))
    explorer.SetD2Error(0)
    for system, centrings in FOX_SYSTEMS:
        for centring in centrings:
            _fox_explore(indexing, explorer, peaks, system, centring)
            ranked = sorted(explorer.GetSolutions(), key=lambda solution: -solution[1])
            yield [
                (list(cell.DirectUnitCell(degrees=True))[:6], str(cell.centering)[-1])
                for cell, _ in ranked
            ]
        if explorer.GetBestScore() > FOX_STOP:
            return


def _fox_explore(indexing, explorer, peaks, system, centring):
    """Search one lattice, with volumes from the share of its lines that are observed."""
    system = getattr(indexing.CrystalSystem, system)
    centring = getattr(indexing.CrystalCentering, f"LATTICE_{centring}")
    lines = peaks.GetPeakList()
    highest = lines[len(lines) - 1].dobs  # FOX's d is 1/d
    lowest = lines[0].dobs / 10  # as FOX does: no line is assumed at lower angles
    smallest, largest = (
        indexing.EstimateCellVolume(highest, lowest, len(lines), system, centring, ratio)
        for ratio in (1.5, 0.3)
    )
    explorer.SetVolumeMinMax(smallest, largest)
    explorer.SetLengthMinMax(2.5, max(25.0, 3 * largest ** (1 / 3)))
    explorer.SetCrystalSystem(system)
    explorer.SetCrystalCentering(centring)
    explorer.DicVol(10, 4, FOX_STOP, 6, verbose=False)


def mlindex(d, zero_error):
    """Index with mlindex's analytical mode on the lattices it is made for.

    Yields, after each lattice, what is found so far by falling M20, as `fox` does.
    """
    import cctbx.sgtbx  # noqa: F401  before numba's libraries, or it crashes
    import numpy as np
    from mlindex.command_line.run import _collect_results, _conventional_cell
    from mlindex.optimization.AnalyticOptimizer import AnalyticOptimizer
    from mlindex.optimization.MPOptimizer import LocalComm

    q2 = np.sort(np.array(d) ** -2.0)
    rows = []
    for bravais in MLINDEX_LATTICES.split(","):
        optimizer = AnalyticOptimizer(
            bravais_lattice=bravais, comm=LocalComm(n_ranks=1), n_peaks=q2.size, n_ref_hkl_guess=10
        )
        optimizer.run(q2=q2, zero_error=zero_error, wavelength=WAVELENGTH if zero_error else None)
        rows = _collect_results(optimizer, bravais, rows)
        ranked = sorted(_conventional_cell(rows), key=lambda row: -row["M20"])
        yield [_mlindex_cell(row) for row in ranked]


def _mlindex_cell(row):
    """A cell and its centring; version 0.1.3 gives hexagonal cells 120 degrees at alpha."""
    cell = [float(row[name]) for name in ("a", "b", "c", "alpha", "beta", "gamma")]
    if row["bravais_lattice"] == "hP" and abs(cell[3] - 120) < 1e-3:
        cell[3], cell[5] = cell[5], cell[3]
    return cell, row["bravais_lattice"][1]


PROGRAMS = {"fox": ("pyobjcryst", fox), "mlindex": ("mlindex", mlindex)}
"""Name -> module that must be importable, and function of d and the peer's own option."""


def serve(name, lines, out):
    """Index the peak lists in `lines`; after each lattice write the ten best cells so far.

    Parameters
    ----------
    name : str
        One of `PROGRAMS`.
    lines : iterable of str
        JSON: id, d (A), option (the program's second argument), limit (seconds of this process's
        own time, looked at after each lattice).
    out : file
        JSON lines: id, version, cells, seconds, and whether this is the last word on the pattern.
    """
    module, index = PROGRAMS[name]
    version = _version(module)
    for line in lines:
        entry = json.loads(line)
        started = time.process_time()
        _stop_after(entry["limit"])
        said = {"id": entry["id"], "version": version, "cells": [], "last": False}
        found = index(entry["d"], entry["option"])
        while not said["last"]:
            with contextlib.redirect_stdout(io.StringIO()):
                cells = next(found, None)
            said["seconds"] = time.process_time() - started
            said["last"] = cells is None or said["seconds"] > entry["limit"]
            said["cells"] = said["cells"] if cells is None else cells[:10]
            print(json.dumps(said), file=out, flush=True)


def _stop_after(seconds):
    """Let the system end this process when it has used so much more processor time (POSIX)."""
    with contextlib.suppress(ImportError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = math.ceil(time.process_time() + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _version(module):
    from importlib import import_module, metadata

    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return getattr(import_module(module), "__version__", "unknown")


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin, sys.stdout)
