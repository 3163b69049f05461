"""Figures and tables of the data: what is read and kept, duplicates, patterns (01_qc, 02_dedup)."""

import numpy as np
import pandas as pd

from ddi.base.figure import DOUBLE, SINGLE, figure
from ddi.data import leaders
from ddi.data.constants import DATA
from ddi.forward import bragg, lattice
from ddi.forward.bragg import WRITEUP_WAVELENGTH
from ddi.forward.constants import FORWARD
from ddi.study import qc_tables
from ddi.study.figures import SOURCE_COLOURS, SOURCE_LABELS, SYSTEM_COLOURS

EDGES = np.arange(4, 46.5, 0.5)  # A^3 an atom


def volumes(verdicts):
    """Draw the volume per atom, which rule 7 limits, of each source."""
    fig, axes = figure(SINGLE)
    histograms = {"volume_per_atom": EDGES[:-1]}
    for source, group in verdicts.groupby("source"):
        values = group.volume_per_atom.dropna().clip(upper=EDGES[-1] - 1e-6)
        histograms[source] = np.histogram(values, EDGES)[0]
        axes.stairs(
            histograms[source] / max(len(values), 1) / 0.5,
            EDGES,
            color=SOURCE_COLOURS[source],
            label=f"{SOURCE_LABELS[source]}, n = {len(values):,}",
        )
    axes.axvline(DATA.volume_per_atom, color="0.4", ls="--", lw=0.8)
    axes.annotate(
        "limit of rule 7",
        (DATA.volume_per_atom + 0.4, 0.97),
        xycoords=("data", "axes fraction"),
        va="top",
        color="0.3",
        fontsize=7,
    )
    axes.set(xlabel="volume per atom / Å$^3$ (last bin open)", ylabel="share of entries per Å$^3$")
    axes.set(xlim=(EDGES[0], EDGES[-1]))
    axes.legend(loc="center right")
    return fig, pd.DataFrame(histograms)


def systems_kept(accepted):
    """Draw how many accepted entries each source has in each crystal system."""
    counts = qc_tables.by_system(accepted)
    kept = [source for source in SOURCE_LABELS if source in counts]
    fig, axes = figure(SINGLE)
    bars(axes, counts.set_index("system")[kept])
    axes.set(ylabel="entries accepted")
    axes.legend()
    return fig, counts


def bars(axes, counts):
    """Draw a table of counts as bars beside each other, a column a source."""
    width = 0.8 / max(counts.shape[1], 1)
    for number, source in enumerate(counts):
        places = np.arange(len(counts)) + (number - (counts.shape[1] - 1) / 2) * width
        style = {"color": SOURCE_COLOURS[source], "label": SOURCE_LABELS[source]}
        axes.bar(places, counts[source], width, **style)
    axes.set_xticks(range(len(counts)), counts.index, rotation=30, ha="right")


def duplicates_table(found, linked):
    """Return what each definition of a duplicate leaves, and what chains of duplicates would."""
    rows = []
    for name, frame in found.items():
        kept = frame[frame.kept]
        counts = kept.groupby("source").size().rename(index=SOURCE_LABELS)
        rows.append({"definition": name, "entries": len(frame)} | counts.to_dict())
        rows[-1] |= {
            "unique": len(kept),
            "clusters of two or more": int((kept.cluster_size > 1).sum()),
            "largest cluster": int(kept.cluster_size.max()),
            "unique by single link": len(np.unique(linked[name])),
        }
    return pd.DataFrame(rows)


def growth(features, sizes, seed):
    """Count and time the search for duplicates on two kinds of synthetic databases."""
    ways = {"new crystals": leaders.substituted, "the same again": leaders.remeasured}
    parts = [
        leaders.growth(features, synthesise, sizes, seed=seed).assign(database=name)
        for name, synthesise in ways.items()
    ]
    table = pd.concat(parts)
    return table.assign(per_entry=table.pairs / table.n)


def growth_table(grown):
    """Return the growth as a table for people."""
    measures = {"per_entry": "pairs an entry", "kept": "share kept"}
    wide = grown.pivot(index="n", columns="database", values=list(measures))
    wide.columns = [f"{measures[name]}, {database}" for name, database in wide.columns]
    return wide.reset_index()


def duplicates(found, entries, definition, grown):
    """Draw entries before and after, sizes of clusters, and how time and pairs grow."""
    fig, ((left, middle), (right, pairs)) = figure(DOUBLE, 0.55 * DOUBLE, nrows=2, ncols=2)
    sources = [s for s in SOURCE_LABELS if s in set(found[definition].source)]
    bottom = np.zeros(1 + len(found))
    names = [name.replace(" ", "\n") for name in ("accepted", *found)]
    for source in sources:
        kept = [int((f.kept & (f.source == source)).sum()) for f in found.values()]
        counts = [sum(entry.source == source for entry in entries), *kept]
        style = {"color": SOURCE_COLOURS[source], "label": SOURCE_LABELS[source], "width": 0.6}
        left.bar(names, counts, bottom=bottom, **style)
        bottom += counts
    left.set(ylabel="entries", ylim=(0, 1.35 * bottom.max()))
    left.legend(ncols=2, loc="upper right")
    for (name, frame), style in zip(found.items(), ("o", "s")):
        size, number = np.unique(frame[frame.kept].cluster_size, return_counts=True)
        middle.loglog(size, number, style, label=name, mfc="none", color="0.2")
    middle.set(xlabel="entries in a cluster", ylabel="clusters")
    middle.legend()
    _draw_growth(right, pairs, grown)
    return fig, grown


def _draw_growth(right, pairs, grown):
    for (name, rows), style in zip(grown.groupby("database", sort=False), ("o-", "s--")):
        right.loglog(rows.n, rows.seconds, "k" + style, mfc="none", label=name)
        pairs.semilogx(rows.n, rows.per_entry, "k" + style, mfc="none", label=name)
    sizes = np.unique(grown.n)
    straight = grown.seconds.iloc[0] * sizes / sizes[0]
    right.loglog(sizes, straight, ":", color="0.5", label="proportional to n")
    right.set(xlabel="entries n", ylabel="CPU time / s")
    pairs.set(xlabel="entries n", ylabel="pairs compared per entry")
    pairs.set(ylim=(0, 2 * grown.per_entry.max()))
    right.legend(loc="upper left")
    pairs.legend(loc="upper left")


def largest_clusters(entries, found, n=8):
    """Return the entries that represent most others."""
    about = {e.identifier: (e.name or "–", e.formula, e.sg_symbol) for e in entries}
    order = {"by": ["cluster_size", "identifier"], "ascending": [False, True]}
    rows = found.query("kept").sort_values(**order).head(n)
    rows = [(*about[row.identifier], row.cluster_size) for row in rows.itertuples()]
    return pd.DataFrame(rows, columns=["name", "cell contents", "space group", "entries"])


def enough_lines(data):
    """Return angle -> flag for each row: as many observable lines as the models read below it."""
    needed = data.lattice_system.map(lattice.N_PEAKS)
    limits = {angle: bragg.q2_of(angle, WRITEUP_WAVELENGTH) for angle in (60, 90)}
    return {
        angle: np.array([int((q2 <= limit).sum()) for q2 in data.q2_2]) >= needed
        for angle, limit in limits.items()
    }


def systems_table(data):
    """Return each lattice system's unique entries by source, with enough lines, and volume."""
    system = pd.Categorical(data.lattice_system, lattice.SYSTEMS)
    by = data.groupby(system, observed=True)
    counts = by.source.value_counts().unstack(fill_value=0).rename(columns=SOURCE_LABELS)
    for angle, flags in enough_lines(data).items():
        counts[f"enough below {angle}°"] = flags.groupby(system, observed=True).sum()
    counts["median volume / Å³"] = by.volume.median().round(0)
    return counts.rename_axis("lattice system").reset_index()


def bravais_counts(data):
    """Return the unique entries of each Bravais lattice by source."""
    counts = data.groupby(["bravais", "source"]).size().unstack("source", fill_value=0)
    order = [symbol for symbol in lattice.BRAVAIS if symbol in counts.index]
    return counts.reindex(order)[[source for source in SOURCE_LABELS if source in counts]]


def composition(data, n=25):
    """Draw the dataset by Bravais lattice and source, and its commonest space groups."""
    counts = bravais_counts(data)
    fig, (left, right) = figure(DOUBLE, 0.38 * DOUBLE, ncols=2, width_ratios=[1, 1.5])
    bars(left, counts)
    left.set(ylabel="unique entries", xlabel="Bravais lattice")
    left.legend()
    groups = data.groupby(["sg_number", "lattice_system"]).size().rename("entries").reset_index()
    groups = groups.sort_values(["entries", "sg_number"], ascending=[False, True]).head(n)
    colours = groups.lattice_system.map(SYSTEM_COLOURS)
    right.bar(range(len(groups)), groups.entries, color=colours)
    right.set_xticks(range(len(groups)), groups.sg_number, rotation=90)
    right.set(xlabel="number of the space group", ylabel="unique entries")
    for system in dict.fromkeys(groups.lattice_system):
        right.bar(0, 0, color=SYSTEM_COLOURS[system], label=system)
    right.legend(ncols=2)
    return fig, groups


def reindexed_table(checked):
    """Return how many rows keep the q2 of all lines, and whose symbol names their operations."""
    by = checked.groupby("system", observed=True)
    table = by[["lines", "exact", "symbol"]].agg(
        {"lines": ["size", "sum"], "exact": "sum", "symbol": "sum"}
    )
    table.columns = ["rows", "lines", "same q²", "symbol names the operations"]
    others = checked[~checked.exact].groupby("system", observed=True).error.max()
    table["largest difference, others"] = others.reindex(table.index)
    order = [system for system in lattice.SYSTEMS if system in table.index]
    return table.reindex(order).rename_axis("lattice system").reset_index()


def peak_lists(data, patterns, example):
    """Draw one crystal's simulated pattern with the lines of its two peak lists."""
    match = data[(data.name == example) & (data.q2_1.map(len) == FORWARD.n_lines)]
    row = match.iloc[0] if len(match) else data.loc[data.q2_2.map(len).idxmax()]
    pattern = np.asarray(patterns[row.name], dtype=float)
    angle = FORWARD.step * np.arange(len(pattern))
    fig, (top, ticks) = figure(DOUBLE, 0.35 * DOUBLE, nrows=2, sharex=True, height_ratios=(4, 1))
    top.plot(angle, np.sqrt(pattern), color=SYSTEM_COLOURS[row.lattice_system], lw=0.8)
    top.axhline(np.sqrt(FORWARD.min_height), color="0.6", lw=0.6, ls=":")
    top.set(ylabel="square root of intensity")
    for level, lines in enumerate((row.q2_2, row.q2_1)):
        place = np.full(len(lines), level)
        ticks.plot(
            bragg.two_theta(lines, WRITEUP_WAVELENGTH), place, "|", color=("k", "0.5")[level], ms=7
        )
    last = bragg.two_theta(max(row.q2_1[-1], row.q2_2[-1]), WRITEUP_WAVELENGTH) + 1
    ticks.set(xlabel=r"$2\theta$ / ° (1.54 Å)", xlim=(5, min(last, angle[-1])))
    ticks.set(yticks=(0, 1), yticklabels=("list 2", "list 1"), ylim=(-0.7, 1.7))
    name = f"{row['name'] or row.identifier}, {row.sg_symbol_reindexed}"
    top.text(0.02, 0.9, name, transform=top.transAxes)
    return fig, pd.DataFrame({"two_theta": angle, "intensity": pattern})
