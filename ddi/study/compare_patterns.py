"""What whole patterns add: extinction symbols, two phases in one pattern, what was answered before,
and published lists (10_rruff_eval).

Rates are those of the half of the minerals that chose no constant (`ddi.data.rruff.half`), or of
simulated patterns of test structures. The sums of a longer run are kept, one row an outcome and no
positions, and their rates stand in place of those of a short run.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from ddi.data import rruff
from ddi.study import compare_indexing, eval_symbols, kept_runs, mixtures
from ddi.study.eval_indexing import rank_in, share

# tables of `ddi.study.kept_runs.kept`: outcomes of the full profile, one row a sum; published rates
# of the default run of 2026-11-25, before whole patterns were fitted; what
# `ddi.bench.learned.bench_learned(path=...)` wrote
KEPT = "10_mixtures"
BEFORE = "10_before"
LEARNED = "10_learned"
SETS = {True: "simulated, test structures", False: "measured, reporting half"}
LISTS = {"Ba": "bethanechol_Ba.txt", "Ca": "bethanechol_Ca.txt"}
"""Lists of 20 positions of bethanechol chloride in `$DDI_CASES`/lists, with three or more foreign
lines: Bergmann, Le Bail, Shirley & Zlokazov (2004), Z. Kristallogr. 219, 783-790."""
LIST_WAVELENGTH = 1.5418  # A; the same source
BETHANECHOL = SimpleNamespace(cell=np.array([8.875, 16.408, 7.137, 90, 93.84, 90]), centring="P")
"""Their lattice, A and degrees; the same source."""


def symbols(study, n_simulated, *, seed):
    """Judge extinction symbols: every mineral of the reporting half, and test structures.

    Returns
    -------
    DataFrame
        set (of `SETS`), mineral, bravais, true, first, place and place_by_list (from 0),
        probability, seconds; no measured rows where there are no measured patterns.
    """
    found = {True: eval_symbols.simulated(study, n_simulated, seed) if n_simulated else []}
    found[False] = eval_symbols.measured("reporting") if rruff.reference() is not None else []
    frames = [
        pd.DataFrame(rows, columns=eval_symbols.Judged._fields).assign(set=SETS[simulated])
        for simulated, rows in sorted(found.items())
    ]
    table = pd.concat([frame for frame in frames if len(frame)] or frames)
    return table.drop(columns="half")


def symbols_table(rows):
    """Return how often the true symbol is first and among the first three, by the whole pattern and
    by the list of peaks: set, by, n, first and listed with Wilson intervals.
    """
    table = []
    for name, part in rows.groupby("set", sort=False):
        for by, place in (("whole pattern", part["place"]), ("list of peaks", part.place_by_list)):
            listed = (place < eval_symbols.LISTED).sum()
            shares = share("first", (place == 0).sum(), len(part))
            shares |= share("listed", listed, len(part))
            table.append({"set": name, "by": by, "n": len(part)} | shares)
    return pd.DataFrame(table)


def symbol_errors(rows):
    """Return which symbols stand first for which true ones, the commonest first."""
    wrong = rows[rows["place"] > 0]
    counts = wrong.groupby(["set", "bravais", "true", "first"]).size().rename("n").reset_index()
    counts = counts.sort_values(["n", "true", "first"], ascending=[False, True, True])
    return counts.rename(columns={"bravais": "lattice"})


def sums(study, n, *, n_jobs):
    """Index `n` sums of two measured patterns at every ratio; empty without measured patterns.

    Returns
    -------
    DataFrame
        ratio, main_mineral, other_mineral, main, both, related, reported, probability: see
        `ddi.study.mixtures.Outcome`.
    """
    names = ["ratio", "main_mineral", "other_mineral", "main", "both", "related", "reported"]
    names += ["probability"]
    if not n or rruff.reference() is None:
        return pd.DataFrame(columns=names)
    found = mixtures.outcomes(n, n_jobs=n_jobs)
    rows = [(row.ratio, *row.minerals, *row[2:]) for row in found]
    return pd.DataFrame(rows, columns=names)


def kept(study):
    """Return the sums of the full profile, columns as from `sums`; empty if there are none, or if
    this run is that one.
    """
    return pd.DataFrame() if study.profile == "full" else kept_runs.kept(study, KEPT)


def sums_shown(rows):
    """Return the sums one by one, with headings for people."""
    names = {"main_mineral": "main phase", "other_mineral": "other", "main": "main first"}
    names |= {"both": "both right", "related": "but for relatives", "reported": "second told"}
    said = {True: "yes", False: "no"}
    words = {
        name: [said[bool(one)] for one in rows[name]]
        for name in ("main", "both", "related", "reported")
    }
    table = rows.assign(**words, ratio=[f"{ratio:.0f}:1" for ratio in rows["ratio"]])
    return table.rename(columns=names)


def sums_table(rows):
    """Return the rates of sums: ratio, n, first (main phase; at 1:1 either) and both (phases right)
    with Wilson intervals, told (second phases reported), told right, and right but for sub- and
    supercells.
    """
    table = []
    for ratio, part in rows.groupby("ratio") if len(rows) else ():
        reported = part[part["reported"].astype(bool)]
        shares = share("first", part["main"].sum(), len(part))
        shares |= share("both", part["both"].sum(), len(part))
        told = {"told": len(reported), "told_right": int(reported["both"].sum())}
        told["told_related"] = int(reported["related"].sum())
        table.append({"ratio": f"{ratio:.0f}:1", "n": len(part)} | shares | told)
    return pd.DataFrame(table)


def for_people(table):
    """Return a table of `symbols_table` or `sums_table` with headings for people, and formats."""
    names = {"listed": "first three / %", "both": "both / %", "ratio": "main : other"}
    names |= {"told": "second told", "told_right": "of these right"}
    names |= {"told_related": "right but for sub- and supercells"}
    table, form = compare_indexing.for_people(table)
    return table.rename(columns=names), form


def learned_table(study):
    """Return how often each source proposes the right cell where the templates do not, as kept
    (`LEARNED`), ways of `ddi.bench.learned` as rows.
    """
    kinds = {
        "impure": "monoclinic, 3 to 5 foreign lines of 20",
        "large": "triclinic, above 1200 Å³",
    }
    ways = {
        "templates": "templates, every list",
        "longer lists": "templates, longer lists",
        "strongest": "templates, strongest peaks",
        "network": "template network",
        "joint": "template network, joint assignment",
        "spoilt, joint": "right cell 3 % off, joint assignment",
    }
    rows = kept_runs.kept(study, LEARNED).reindex(columns=["kind", "way", "n", "right", "cpu_s"])
    return pd.DataFrame(
        {
            "lists": rows["kind"].map(kinds),
            "source": rows["way"].map(ways),
            "n": rows["n"],
            "right cell proposed": rows["right"],
            "CPU / s": rows["cpu_s"].map("{:.2f}".format),
        }
    )


def before_table(study, sets, judged):
    """Return rates before whole patterns were fitted beside those of this run.

    Parameters
    ----------
    study : ddi.base.paths.Study
    sets : DataFrame
        As shown: set, n, "first / %", "first ten / %".
    judged : DataFrame
        As shown: set, by, n, "first / %"; before, symbols came from the list of peaks.
    """
    earlier = kept_runs.kept(study, BEFORE)
    earlier = earlier.set_index("set") if len(earlier) else earlier
    rows = []
    for row in sets.to_dict("records"):
        for column in ("first / %", "first ten / %") if row["set"] in earlier.index else ():
            was = earlier.loc[row["set"]]
            about = f"cell, {row['set']}: {column.removesuffix(' / %')}"
            rows.append((about, int(was["n"]), was[column], row["n"], row[column]))
    for name, part in judged.groupby("set", sort=False):
        now, was = (part[part["by"] == by]["first / %"].iloc[0] for by in part["by"])
        n = int(part["n"].iloc[0])
        rows.append((f"extinction symbol, {name}: first", n, was, n, now))
    return pd.DataFrame(rows, columns=["rate / %", "n before", "before", "n", "now"])


def causes_table(outcomes):
    """Return why first cells are wrong, lattice unknown: number of fair patterns of each cause, of
    their minerals, of patterns of grade A of the reporting half, and of fair ones whose right cell
    is in the first ten.
    """
    wrong = outcomes[(outcomes.lattice == "unknown") & (outcomes["rank"] != 1)]
    half = np.array([rruff.half(name) == "reporting" for name in wrong.mineral], dtype=bool)
    rows = {
        "fair patterns": wrong[wrong.fair].groupby("cause").size(),
        "of so many minerals": wrong[wrong.fair].groupby("cause").mineral.nunique(),
        "grade A, reporting half": wrong[half & (wrong.grade == "A")].groupby("cause").size(),
        "right cell in the first ten": wrong[wrong.fair & (wrong["rank"] > 0)]
        .groupby("cause")
        .size(),
    }
    table = pd.DataFrame(rows).fillna(0).astype(int)
    return table.sort_values(["fair patterns"], ascending=False, kind="stable").reset_index()


def published(seed=0, n_jobs=1):
    """Index the published lists `LISTS`, lattice unknown and known; empty where they are not.

    Returns
    -------
    DataFrame
        list, lines, lattice, first (lattice of the first cell), rank (of the right cell among the
        first ten, 0 if not there), probability (of the first cell).
    """
    from ddi.index.api import index_peaks
    from ddi.index.peaks import from_values

    rows = []
    for name, path in _lists():
        peaks = from_values(np.loadtxt(path), "2theta", LIST_WAVELENGTH)
        for about, chosen in (("unknown", "all"), ("known", "mP")):
            cells = index_peaks(peaks, lattice=chosen, seed=seed, n_jobs=n_jobs).cells
            first, sure = ("none", 0.0)
            if len(cells):
                first, sure = cells["bravais"].iloc[0], float(cells["probability"].iloc[0])
            rank = rank_in(cells, BETHANECHOL)
            rows.append((name, len(peaks), about, first, rank, sure))
    columns = ["list", "lines", "lattice", "first", "rank", "probability"]
    return pd.DataFrame(rows, columns=columns)


def _lists():
    place = Path(os.environ.get("DDI_CASES", "")) / "lists"
    return [(name, place / file) for name, file in LISTS.items() if (place / file).is_file()]
