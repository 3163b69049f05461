"""Other indexing programs on the same peak lists, where they are installed: FOX (pyobjcryst) and
the analytical mode of mlindex.

They live in Pythons of their own, where `ddi.study.peer_programs` runs as a script. Every program,
this one too, is given the same twenty positions, not corrected for anything, and the same judge
(`ddi.study.eval_indexing.first_right`); the others have the same time limit.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddi.base.parallel import progress
from ddi.study import eval_indexing, peer_programs
from ddi.study.cases import first_peaks

N_POSITIONS = 20  # peaks that each program is given
# seconds a pattern of a program's own processor time, then it is stopped; what it had found until
# then counts; chosen, not measured
TIME_LIMIT = 20.0
PATIENCE = 30  # limits on the clock after which a program that hangs is stopped
COLUMNS = ["program", "version", "id", "mineral", "bravais", "rank", "seconds"]


@dataclass(frozen=True)
class Peer:
    """A program and how it is run.

    Attributes
    ----------
    program : str
        Of `ddi.study.peer_programs.PROGRAMS`.
    option : float or bool
        FOX: half a line's width, degrees 2theta; mlindex: whether a zero error is fitted.
    settings : str
        In words, for the table.
    variable : str
        Environment variable that names a Python which has it.
    install : str
        What to type.
    lattices : str
        Bravais lattices it is made for; empty for all.
    """

    program: str
    option: float | bool
    settings: str
    variable: str
    install: str
    lattices: str = ""


def _fox(tolerance):
    return Peer(
        "fox",
        tolerance,
        f"CellExplorer, all lattices, lines within {tolerance:g} degrees, stop at score 50",
        "DDI_FOX_PYTHON",
        "apt-get install python3-pyobjcryst, or conda install -c conda-forge pyobjcryst",
    )


def _mlindex(zero_error):
    return Peer(
        "mlindex",
        zero_error,
        "analytical mode, " + ("zero error fitted" if zero_error else "no zero error"),
        "DDI_MLINDEX_PYTHON",
        "python3 -m venv mlindex && mlindex/bin/pip install mlindex, then "
        "DDI_MLINDEX_PYTHON=mlindex/bin/python",
        peer_programs.MLINDEX_LATTICES,
    )


PEERS = {
    "FOX": _fox(0.05),
    "FOX, narrow": _fox(0.03),
    "mlindex": _mlindex(False),
    "mlindex, zero": _mlindex(True),
}


@functools.cache
def python_of(name):
    """Return the Python that has a peer's module, or None: the one that its variable names, this
    one, the system's.
    """
    peer = PEERS[name]
    module = peer_programs.PROGRAMS[peer.program][0]
    system = shutil.which("python3", path=os.defpath)
    for python in (os.environ.get(peer.variable), sys.executable, system):
        command = [python, "-Ic", f"import {module}"]
        if python and subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return python
    return None


class _Process:
    """A peer's process, which is started anew after it was stopped at the time limit."""

    def __init__(self, command):
        self.command = command
        self.process = None

    def ask(self, question):
        """Return the last answer to a question (dict), or None if none came in time."""
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        watch = threading.Timer(PATIENCE * question["limit"], self.process.kill)
        watch.start()
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = None
        for line in self.process.stdout:
            answer = json.loads(line) if line.endswith("\n") else answer
            if answer["last"]:
                break
        else:
            self.close()
        watch.cancel()
        return answer

    def close(self):
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def run(name, cases, limit=TIME_LIMIT):
    """Give the first twenty positions of each case to another program.

    Parameters
    ----------
    name : str
        One of `PEERS`, and installed: `python_of` finds it.
    cases : sequence of ddi.study.cases.Case
        Those with a lattice that the program is not made for are left out.
    limit : float
        Seconds a pattern of the program's own processor time.

    Returns
    -------
    DataFrame
        program, version, id, mineral, bravais, rank (of the right cell among the first ten, 0 if
        not there), seconds.
    """
    peer = PEERS[name]
    cases = [case for case in cases if not peer.lattices or case.bravais in peer.lattices]
    process = _Process([python_of(name), "-I", peer_programs.__file__, peer.program])
    rows = []
    version = "unknown"
    for case in progress(cases, name, len(cases)):
        question = {"id": case.id, "d": case.peaks.d[:N_POSITIONS].tolist()}
        said = process.ask(question | {"option": peer.option, "limit": limit})
        said = said or {"cells": [], "version": version, "last": False}
        version = said["version"]
        cells = [(np.array(cell), centring) for cell, centring in said["cells"]]
        rank = eval_indexing.first_right(case, *zip(*cells)) if cells else 0
        seconds = said["seconds"] if said["last"] else limit
        rows.append([name, version, case.id, case.mineral, case.bravais, rank, seconds])
    process.close()
    return pd.DataFrame(rows, columns=COLUMNS)


def ours(cases, seed=0):
    """Index the same twenty positions with this program; columns as from `run`."""
    rows = []
    for case in progress(cases, "twenty positions", len(cases)):
        peaks = first_peaks(case, N_POSITIONS, positions_only=True)
        row = eval_indexing.index(case, peaks=peaks, seed=seed)
        rows.append({"program": "this work", "version": ""} | row)
    return pd.DataFrame(rows, columns=COLUMNS)


def beside(theirs, twenty, full):
    """Put each program's rates beside those of this work on the same patterns.

    Parameters
    ----------
    theirs : DataFrame
        From `run`, of one or more programs.
    twenty, full : DataFrame
        id, rank, seconds of this work: from the same twenty positions, and from all that picking
        finds (up to forty peaks with their errors and heights, and faint ones).

    Returns
    -------
    DataFrame
        One row a program: program, version, settings, n, first and ten with their 95 % Wilson
        intervals, seconds (median), then ours_first, ours_ten, ours_seconds (the same twenty
        positions), full_first and full_ten.
    """
    rows = []
    for name, own in theirs.groupby("program", sort=False):
        row = eval_indexing.rates(own, ["program"]).iloc[0].to_dict()
        row |= {"version": own["version"].iloc[-1], "settings": PEERS[name].settings}
        row["seconds"] = own["seconds"].median()
        for prefix, mine in (("ours", twenty), ("full", full)):
            same = mine[mine["id"].isin(own["id"])]
            row[f"{prefix}_first"] = (same["rank"] == 1).mean()
            row[f"{prefix}_ten"] = (same["rank"] > 0).mean()
            row[f"{prefix}_seconds"] = same["seconds"].median()
        rows.append(row)
    table = pd.DataFrame(rows)
    lead = ["program", "version", "settings", "n"]
    return table[lead + [column for column in table.columns if column not in lead]]
