"""Groups of entries that one generator learns from: lattice system, Bravais lattice, reflection
conditions (write-up, section 2.1.2).

A *setting* is a reindexed Hermann-Mauguin symbol; its *pattern* is what `ddi.forward.conditions`
computes from its operations. A *block* is what groups never mix: a Bravais lattice and, for
monoclinic cells ordered a <= b <= c, the axis that is unique. GroupSpec files
(`ddi.data.groupspec`) say which group every setting belongs to, and a person may change them.
"""

import gemmi
import numpy as np
import pandas as pd

from ddi.data.constants import DATA
from ddi.data.groupspec import read_spec
from ddi.forward.conditions import distance, pattern_of
from ddi.forward.lattice import BRAVAIS


def block_of(frame):
    """Return what groups never mix, as text such as ``"oP"`` or ``"mPb"``; columns bravais and
    unique_axis.
    """
    return frame["bravais"].astype(str) + frame["unique_axis"].map(dict(enumerate("abc"))).fillna(
        ""
    )


def setting_table(frame, usable=None):
    """Return one row a reindexed symbol and pattern.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns lattice_system, bravais, unique_axis, sg_number, sg_symbol_reindexed,
        operations_reindexed.
    usable : array_like of bool, optional
        Which entries have lines enough to learn from; all if not given.

    Returns
    -------
    table : pandas.DataFrame
        Columns lattice_system, block, bravais, unique_axis, number, symbol, conditions, entries, n
        (usable ones), pattern.
    row : ndarray of int, shape (len(frame),)
        Where in the table each entry is.
    """
    columns = frame["operations_reindexed"], frame["bravais"], frame["unique_axis"]
    patterns = [
        pattern_of(tuple(operations), bravais, int(axis))
        for operations, bravais, axis in zip(*columns)
    ]
    every = frame[["lattice_system", "bravais", "unique_axis"]].assign(
        block=block_of(frame),
        number=frame["sg_number"],
        symbol=frame["sg_symbol_reindexed"],
        conditions=[pattern.label for pattern in patterns],
    )
    every["pattern"] = patterns
    every["usable"] = True if usable is None else np.asarray(usable)
    keys = ["lattice_system", "block", "bravais", "unique_axis", "number", "symbol", "conditions"]
    grouped = every.groupby(keys, sort=True)
    table = grouped.agg(
        entries=("usable", "size"), n=("usable", "sum"), pattern=("pattern", "first")
    ).reset_index()
    return table, grouped.ngroup().to_numpy()


def join_small(table, minimum):
    """Join groups that are too small with their nearest.

    As long as the smallest group of a block has fewer than `minimum` entries and the block holds
    another, it joins the one at the least mean `ddi.forward.conditions.distance` between their
    entries. Of several within `DATA.alike` of the least, it joins the largest.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns block, group, n and pattern.
    minimum : float

    Returns
    -------
    pandas.Series
        The group of each row.
    """
    group = table["group"].copy()
    for _, rows in table.groupby("block", sort=True):
        group.loc[rows.index] = _joined(rows, minimum)
    return group


def _joined(rows, minimum):
    group = rows["group"]
    n = np.maximum(rows["n"].to_numpy(dtype=float), 1e-6)
    apart = np.array([[distance(p, q) for q in rows["pattern"]] for p in rows["pattern"]])
    while True:
        sizes = rows["n"].groupby(group).sum().sort_values(kind="stable")
        if len(sizes) < 2 or sizes.iloc[0] >= minimum:
            return group
        smallest, *others = sizes.index
        small = (group == smallest).to_numpy()
        from_small = pd.Series(np.average(apart[small], weights=n[small], axis=0) * n, rows.index)
        mean = from_small.groupby(group).sum() / pd.Series(n, rows.index).groupby(group).sum()
        near = [name for name in others if mean[name] <= DATA.alike * mean[others].min()]
        group = group.where(~small, max(near, key=lambda name: (sizes[name], name)))


def make_groups(table, minimum):
    """Group settings by pattern, join what has fewer than `minimum` usable entries, and name groups
    by block and size.

    Parameters
    ----------
    table : pandas.DataFrame
        From `setting_table`.
    minimum : int

    Returns
    -------
    pandas.Series
        The group of each row; ``"oP-01"`` is the largest of its block.
    """
    joined = join_small(table.assign(group=table["block"] + " " + table["conditions"]), minimum)
    sizes = table.groupby(["block", joined.rename("joined")])["entries"].sum().reset_index()
    sizes = sizes.sort_values(["block", "entries", "joined"], ascending=[True, False, True])
    rank = sizes.groupby("block").cumcount() + 1
    names = dict(zip(sizes["joined"], sizes["block"] + "-" + rank.map("{:02d}".format)))
    return joined.map(names).rename("group")


def place(table, spec):
    """Give every setting the group its GroupSpec names.

    Parameters
    ----------
    table : pandas.DataFrame
        From `setting_table`, of one lattice system.
    spec : pandas.DataFrame
        From `ddi.data.groupspec.read_spec`.

    Returns
    -------
    group : pandas.Series
        The group of each row of `table`.
    how : pandas.Series
        ``"listed"``; ``"same conditions"`` where the symbol is not listed but its pattern is;
        ``"nearest"`` where only other patterns are; ``"new"`` where the block has no listed setting
        among the data.
    """
    listed = spec.set_index(["block", "symbol", "conditions"])["group"]
    largest = spec.sort_values("entries", ascending=False, kind="stable").drop_duplicates(
        ["block", "conditions"]
    )
    by_conditions = largest.set_index(["block", "conditions"])["group"]
    group = pd.Series(
        [listed.get(key) for key in zip(table["block"], table["symbol"], table["conditions"])],
        table.index,
        dtype=object,
    )
    how = pd.Series("listed", table.index).where(group.notna(), "same conditions")
    group = group.fillna(
        pd.Series(
            [by_conditions.get(key) for key in zip(table["block"], table["conditions"])],
            table.index,
            dtype=object,
        )
    )
    for row in table.index[group.isna()]:
        known = table[
            group.notna()
            & (table["block"] == table.at[row, "block"])
            & (how != "nearest")
            & (how != "new")
        ]
        how[row] = "nearest" if len(known) else "new"
        apart = [
            (round(distance(table.at[row, "pattern"], pattern), 9), -n)
            for pattern, n in zip(known["pattern"], known["n"])
        ]
        group[row] = (
            group[known.index[apart.index(min(apart))]]
            if len(known)
            else f"{table.at[row, 'block']}-new"
        )
    return group.rename("group"), how.rename("placed")


def group_settings(table, folder, minimum):
    """Group the settings of every lattice system: by its GroupSpec where there is one, else by
    pattern.

    Parameters
    ----------
    table : pandas.DataFrame
        From `setting_table`.
    folder : str or Path
        Where GroupSpec files are.
    minimum : int
        Usable entries a group needs where there is no file.

    Returns
    -------
    pandas.DataFrame
        `table` with columns group and placed (see `place`; ``"computed"`` where there is no file).
    """
    parts = []
    for system, rows in table.groupby("lattice_system", sort=True):
        spec = read_spec(folder, system)
        group, placed = (
            (make_groups(rows, minimum), "computed") if spec is None else place(rows, spec)
        )
        parts.append(rows.assign(group=group, placed=placed))
    return pd.concat(parts).sort_index()


def example_settings(symbols, bravais, hkl, table):
    """Return where settings known by name end up, for a figure that explains the groups.

    Parameters
    ----------
    symbols : sequence of str
        Hermann-Mauguin symbols that gemmi knows, not monoclinic.
    bravais : str
        Their Bravais lattice.
    hkl : array_like of int, shape (n, 3)
    table : pandas.DataFrame
        From `group_settings`.

    Returns
    -------
    pandas.DataFrame
        One row a symbol: number, symbol, conditions, entries and group (0 and "" if the table lacks
        it) and present (of each hkl).
    """
    operations = [gemmi.SpaceGroup(symbol).operations() for symbol in symbols]
    frame = pd.DataFrame(
        {
            "lattice_system": BRAVAIS[bravais][0],
            "bravais": bravais,
            "unique_axis": -1,
            "sg_number": [gemmi.SpaceGroup(symbol).number for symbol in symbols],
            "sg_symbol_reindexed": list(symbols),
            "operations_reindexed": [
                [operation.triplet() for operation in group] for group in operations
            ],
        }
    )
    example, row = setting_table(frame)
    known = (
        table[table["bravais"] == bravais]
        .groupby("symbol")
        .agg(entries=("entries", "sum"), group=("group", "first"))
    )
    example["entries"] = example["symbol"].map(known["entries"]).fillna(0).astype(int)
    example["group"] = example["symbol"].map(known["group"]).fillna("")
    example = example.iloc[row].reset_index(drop=True)
    example["present"] = [
        ~np.asarray(group.systematic_absences(np.asarray(hkl, dtype=np.int32)), dtype=bool)
        for group in operations
    ]
    return example[["number", "symbol", "conditions", "entries", "group", "present"]]
