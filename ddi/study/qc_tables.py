"""Tables of what was read and what quality control rejects (01_qc)."""

import numpy as np
import pandas as pd

from ddi.data.entry import Crash
from ddi.data.qc import RULES, SYSTEMS, crystal_system


def rejections(verdicts):
    """Return, for each rule, how many entries of each source it rejects, alone or with other rules.

    Returns
    -------
    pandas.DataFrame
        Rows: read, each rule, crashes, accepted; columns: ``step`` and the sources. Where rule 7 is
        off its row says what it would have rejected.
    """
    rows = {"read": verdicts.groupby("source").size()}
    for rule in RULES:
        rows[rule] = (verdicts[rule] != "").groupby(verdicts.source).sum()
    rows["crash"] = (verdicts.rejected_by == "crash").groupby(verdicts.source).sum()
    rows["accepted"] = verdicts.groupby("source").accepted.sum()
    return pd.DataFrame(rows).T.astype(int).rename_axis("step").reset_index()


def examples(verdicts, n=20):
    """Return n rejected entries with their reasons, spread evenly over sources and rules, crashes
    left out.
    """
    rejected = verdicts[~verdicts.accepted & (verdicts.rejected_by != "crash")]
    turn = rejected.groupby(["source", "rejected_by"]).cumcount()
    chosen = (
        rejected.assign(turn=turn)
        .sort_values(["turn", "source", "rejected_by"], kind="stable")
        .head(n)
    )
    return chosen.sort_values(["source", "rejected_by", "identifier"])[
        ["identifier", "rejected_by", "reason"]
    ]


def overview(entries):
    """Return, for each source: entries, how many give a year and an R-factor, median volume in A^3
    and median atoms in the cell.
    """
    frame = pd.DataFrame(
        [
            (
                e.source,
                e.year > 0,
                np.isfinite(e.r_factor),
                e.volume,
                sum(e.composition.values()) or np.nan,
            )
            for e in entries
            if not isinstance(e, Crash)
        ],
        columns=["source", "year", "r_factor", "volume", "atoms"],
    )
    groups = frame.groupby("source")
    columns = {
        "entries": groups.size(),
        "with year": groups.year.sum(),
        "with R-factor": groups.r_factor.sum(),
    }
    medians = {
        "median volume / Å³": groups.volume.median().round(),
        "median atoms": groups.atoms.median().round(),
    }
    return pd.DataFrame({**columns, **medians}).astype(int).reset_index()


def by_system(entries):
    """Return how many entries each source has in each crystal system: columns ``system`` and the
    sources.
    """
    frame = pd.DataFrame(
        [(entry.source, crystal_system(entry.sg_number)) for entry in entries],
        columns=["source", "system"],
    )
    counts = frame.groupby(["system", "source"]).size().unstack(fill_value=0)
    return (
        counts.reindex(list(SYSTEMS), fill_value=0)
        .rename_axis(columns=None)
        .rename_axis("system")
        .reset_index()
    )
