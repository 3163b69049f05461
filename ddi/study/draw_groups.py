"""Figures and tables of groups, families and the split (03_grouping)."""

import numpy as np
import pandas as pd

from ddi.base.figure import DOUBLE, figure
from ddi.data import grouping, split
from ddi.data.constants import DATA
from ddi.study.figures import SYSTEM_COLOURS

# Settings of space groups 16 to 19 once a <= b <= c is enforced.
EXAMPLES = ("P 2 2 2", "P 21 2 2", "P 2 21 2", "P 2 2 21", "P 21 21 2", "P 21 2 21", "P 2 21 21",
            "P 21 21 21")  # fmt: skip
AXIAL = np.repeat(np.eye(3, dtype=int), 4, axis=0) * np.tile([1, 2, 3, 4], 3)[:, None]
_COLOURS = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
SPLITS = {"split_entry": "entry by entry", "split": "family by family"}


def patterns_table(table, systems):
    """Return how many symbols and patterns of reflection conditions each lattice system has."""
    by = table.groupby("lattice_system").agg(
        symbols=("symbol", "nunique"),
        patterns=("conditions", "nunique"),
        entries=("entries", "sum"),
        usable=("n", "sum"),
    )
    names = {"patterns": "patterns of conditions", "usable": "entries with peaks enough"}
    return by.loc[systems].rename_axis("lattice system").reset_index().rename(columns=names)


def placed_table(table):
    """Return the symbols that no GroupSpec file lists, and where they were put."""
    placed = table[~table["placed"].isin(["listed", "computed"])]
    names = {"placed": "placed by"}
    return placed[["symbol", "conditions", "entries", "group", "placed"]].rename(columns=names)


def groups_table(table):
    """Return the groups: entries, commonest symbols, and the conditions of the commonest."""
    largest = table.sort_values(["n", "symbol"], ascending=[False, True], kind="stable")
    groups = largest.groupby("group").agg(
        entries=("entries", "sum"),
        usable=("n", "sum"),
        symbols=("symbol", "nunique"),
        mostly=("symbol", lambda names: ", ".join(names.head(3))),
        conditions=("conditions", "first"),
    )
    return groups.reset_index().rename(columns={"usable": "with peaks enough"})


def split_case(table):
    """Draw which axial reflections each setting of four orthorhombic space groups lets through,
    and the group it ends in.
    """
    case = grouping.example_settings(list(EXAMPLES), "oP", AXIAL, table)
    fig, axes = figure(DOUBLE, 0.36 * DOUBLE)
    colours = dict(zip(sorted(set(case["group"]) - {""}), _COLOURS)) | {"": "0.6"}
    at = np.arange(12) + np.repeat([0, 0.8, 1.6], 4)
    for line, example in enumerate(case.itertuples()):
        colour = colours[example.group]
        faces = [colour if there else "none" for there in example.present]
        axes.scatter(at, np.full(12, line), s=42, facecolors=faces, edgecolors=colour)
        texts = (example.group or "none", example.entries, example.conditions)
        for x, text in zip((14.6, 16.4, 18.2), texts):
            axes.text(x, line, text, va="center", color=colour, fontsize=7)
    labels = [f"{number}   {symbol}" for number, symbol in zip(case["number"], case["symbol"])]
    axes.set_yticks(range(len(case)), labels)
    axes.set_xticks(at, ["".join(map(str, hkl)) for hkl in AXIAL], rotation=90)
    for x, text in zip((14.6, 16.4, 18.2), ("group", "entries", "conditions")):
        axes.text(x, -1, text, va="center", fontsize=7)
    axes.set(xlim=(-0.7, 24), ylim=(len(case) - 0.5, -1.3))
    axes.set(xlabel="axial reflections, filled if present")
    axes.xaxis.set_label_coords(0.28, -0.2)
    axes.spines["bottom"].set_bounds(-0.7, 13.3)
    return fig, case.drop(columns="present")


def families_table(entries, systems):
    """Return the families of lattice analogues and the share of entries in the test set."""
    size = entries["family"].map(entries["family"].value_counts())
    sides = entries.assign(
        size=size,
        alone=100 * (size == 1),
        test=100 * (entries["split"] == "test"),
        test_entry=100 * (entries["split_entry"] == "test"),
    )
    table = sides.groupby("lattice_system").agg(
        entries=("family", "size"),
        families=("family", "nunique"),
        largest=("size", "max"),
        alone=("alone", "mean"),
        test=("test", "mean"),
        test_entry=("test_entry", "mean"),
    )
    names = {
        "largest": "largest family",
        "alone": "without analogue / %",
        "test": "tested, by family / %",
        "test_entry": "tested, by entry / %",
    }
    return table.loc[systems].rename_axis("lattice system").reset_index().rename(columns=names)


def leakage_of(entries):
    """Return each test entry's nearest training relative, and whether one of the same Bravais
    lattice is as near.
    """
    near = split.leakage(entries)
    like = split.leakage(entries, kin="bravais")
    return near.assign(like_lattice=like["analogue"])


def leakage_table(near, systems):
    """Return what leaks across each split, by lattice system."""
    table = near.groupby(["lattice_system", "split"]).agg(
        test=("analogue", "size"),
        analogues=("analogue", "sum"),
        share=("analogue", lambda flags: 100 * flags.mean()),
        median=("distance", "median"),
        like=("like_lattice", lambda flags: 100 * flags.mean()),
    )
    table = table.reset_index().set_index("lattice_system").loc[systems].reset_index()
    names = {
        "lattice_system": "lattice system",
        "test": "test entries",
        "analogues": "with an analogue in training",
        "share": "share / %",
        "median": "median distance",
        "like": "like lattice in training / %",
    }
    return table.assign(split=table["split"].map(SPLITS)).rename(columns=names)


def splits_table(entries, *, fraction=0.2, seed=0, enough=5):
    """Return what a split at the level of groups or of space-group symbols tests and leaks, by
    entry and by family (section 2.1.3).

    Parameters
    ----------
    entries : pandas.DataFrame
        Columns identifier, formula, sg_number, sg_symbol_reindexed, cell_niggli, group, family.
    fraction, seed
        As in `ddi.data.split.split_families`.
    enough : int
        Symbols with fewer entries are not asked for a test entry.
    """
    symbols = entries["sg_symbol_reindexed"]
    common = symbols.value_counts().loc[lambda sizes: sizes >= enough].index
    rows = []
    for level in split.LEVELS:
        for unit in ("entry", "family"):
            side = split.split(entries, level, unit, fraction=fraction, seed=seed)
            tested = int((side == "test").sum())
            leaks = split.across(entries, side)
            rows.append(
                {
                    "shares kept by": level,
                    "kept together": "families" if unit == "family" else "nothing",
                    "test entries": tested,
                    f"symbols with {enough} entries or more": len(common),
                    "of these without a test entry": len(
                        common.difference(symbols[side == "test"])
                    ),
                    **{f"tested with {kind} in training": n for kind, n in leaks.items()},
                    "any analogue / %": 100 * leaks["lattice analogues"] / tested,
                }
            )
    return pd.DataFrame(rows)


def leakage(near, systems):
    """Draw how near the nearest training relative is, under both splits."""
    share = np.linspace(0, 1, 101)
    parts = {
        key: np.quantile(np.clip(rows, 1e-4, 10), share)
        for key, rows in near.groupby(["split", "lattice_system"])["distance"]
    }
    drawn = [
        pd.DataFrame({"split": name, "lattice_system": system, "share": share, "distance": values})
        for (name, system), values in parts.items()
    ]
    fig, axes = figure(DOUBLE, 0.4 * DOUBLE, ncols=2, sharey=True)
    for ax, (name, label) in zip(axes, SPLITS.items()):
        for system in (system for system in systems if (name, system) in parts):
            colour = SYSTEM_COLOURS[system]
            ax.plot(parts[name, system], share, color=colour, label=system)
        ax.axvline(DATA.relative_cell, color="0.6", lw=0.7, ls=":")
        ax.set(xscale="log", xlim=(3e-4, 1))
        ax.set(xlabel=rf"$\delta$ to the nearest training relative, split {label}")
    axes[0].set_ylabel("share of test entries")
    axes[1].legend(loc="upper left")
    return fig, pd.concat(drawn)
