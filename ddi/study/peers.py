"""Other indexing programs on the same peak lists, where they are installed: FOX (pyobjcryst) and
the analytical mode of mlindex.

They live in Pythons of their own, where `ddi.study.peer_programs` runs as a script. Every program,
this one too, is given the same twenty positions, not corrected for anything, and the same judge
(`ddi.study.eval_indexing.first_right`); the others share one limit of processor time, so
that a run can be kept and compared with later: on the same positions they find the same.
"""

import functools
import hashlib
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
# then counts. Chosen: FOX reaches it in 8 of 88 patterns, mlindex without zero error in none of 63
# (10 to 33 s, median 12), with one in 19 (median 50 s)
TIME_LIMIT = 60.0
PATIENCE = 30  # limits on the clock after which a program that hangs is stopped
COLUMNS = ["program", "version", "id", "mineral", "bravais", "positions", "rank", "seconds"]
KEPT = "10_peers"  # outcomes of the full profile, one row a pattern: `ddi.study.kept_runs.kept`


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
        f"all lattices, lines within {tolerance:g} degrees, until score 50 or {TIME_LIMIT:g} s",
        "DDI_FOX_PYTHON",
        "apt-get install python3-pyobjcryst, or conda install -c conda-forge pyobjcryst",
    )


def _mlindex(zero_error):
    return Peer(
        "mlindex",
        zero_error,
        f"analytical, {'zero error fitted' if zero_error else 'no zero error'}, until "
        f"{TIME_LIMIT:g} s",
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


def positions_of(case):
    """Return a fingerprint (12 hex digits) of the positions that programs are given of a case, to
    0.001 A in d; it says whether a kept outcome belongs to these positions without telling them.
    """
    rounded = np.round(case.peaks.d[:N_POSITIONS], 3).tolist()
    return hashlib.sha256(json.dumps(rounded).encode()).hexdigest()[:12]


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
        program, version, id, mineral, bravais, positions (`positions_of`), rank (of the right cell
        among the first ten, 0 if not there), seconds.
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
        about = [case.id, case.mineral, case.bravais, positions_of(case)]
        rows.append([name, version, *about, rank, seconds])
    process.close()
    return pd.DataFrame(rows, columns=COLUMNS)


def kept(rows, name, cases):
    """Return the outcomes of an earlier run of a program that belong to these cases' positions.

    Parameters
    ----------
    rows : DataFrame
        With `COLUMNS`, or empty.
    name : str
        One of `PEERS`.
    cases : sequence of ddi.study.cases.Case

    Returns
    -------
    DataFrame
        `COLUMNS`; empty if nothing was kept.
    """
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    asked = pd.DataFrame({"id": [case.id for case in cases]})
    asked["positions"] = [positions_of(case) for case in cases]
    return rows[rows["program"] == name].merge(asked.astype(str), on=["id", "positions"])[COLUMNS]


def ours(cases, seed=0):
    """Index the same twenty positions with this program: id, rank, seconds."""
    rows = []
    for case in progress(cases, "twenty positions", len(cases)):
        peaks = first_peaks(case, N_POSITIONS, positions_only=True)
        rows.append(eval_indexing.index(case, peaks=peaks, seed=seed))
    return pd.DataFrame(rows, columns=["id", "rank", "seconds"])


def ranked(theirs, twenty, full):
    """Return the rates of all programs, one below the other, each on the patterns it was given.

    Parameters
    ----------
    theirs : DataFrame
        From `run` or `kept`, of one or more programs.
    twenty, full : DataFrame
        id, rank, seconds of this work: from the same twenty positions, and from the whole
        pattern (up to forty picked peaks with errors and heights, faint ones, and its fit).

    Returns
    -------
    DataFrame
        program, given (what it was given, in words), n, first and ten with their 95 % Wilson
        intervals, seconds (median). Programs made for the same lattices stand together, this
        work below them on the same patterns.
    """
    rows = []
    names = {name: PEERS[name].lattices for name in theirs["program"].unique()}
    for lattices in dict.fromkeys(names.values()):
        among = [name for name in names if names[name] == lattices]
        blocks = [(name, PEERS[name].settings, theirs[theirs["program"] == name]) for name in among]
        ids = set.union(*(set(own["id"]) for _, _, own in blocks))
        where = f", the {len(lattices.split(','))} lattices of {among[0]}" if lattices else ""
        for given, mine in (("the same twenty positions", twenty), ("the whole pattern", full)):
            blocks.append(("this work", given + where, mine[mine["id"].isin(ids)]))
        for name, given, own in blocks:
            if name in names:
                first, *rest = name.split(", ")
                name = ", ".join([f"{first} {own['version'].iloc[-1]}", *rest])
            row = eval_indexing.rates(own.assign(program=name), ["program"])
            row = row.iloc[0].to_dict() | {"seconds": own["seconds"].median()}
            rows.append({"program": row.pop("program"), "given": given} | row)
    return pd.DataFrame(rows)
