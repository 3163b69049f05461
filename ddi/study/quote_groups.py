"""The numbers that 03_grouping quotes beside its tables and figures, and in the paper.

Each function takes what the notebook shows and returns macro name -> value; shares are in per cent.
"""


def patterns(table):
    """Quote how many symbols, patterns of conditions and groups there are, and how many symbols are
    in no GroupSpec file.
    """
    return {
        "GroupCount": table["group"].nunique(),
        "GroupPatterns": int(table.groupby("lattice_system")["conditions"].nunique().sum()),
        "GroupSymbols": int(table["symbol"].nunique()),
        "GroupUnplaced": int((~table["placed"].isin(["listed", "computed"])).sum()),
    }


def groups(shown):
    """Quote how large the groups are, from `ddi.study.draw_groups.groups_table`."""
    usable = shown["with peaks enough"]
    return {
        "GroupSmallest": int(usable.min()),
        "GroupMedian": f"{usable.median():.0f}",
        "GroupLargest": int(usable.max()),
        "GroupMostSymbols": int(shown["symbols"].max()),
    }


def split_case(case):
    """Quote in how many groups the settings of `ddi.study.draw_groups.split_case` end."""
    return {
        "SplitCaseSettings": len(case),
        "SplitCaseGroups": case.loc[case["group"] != "", "group"].nunique(),
    }


def families(entries):
    """Quote how many families there are, the largest, and the share of entries on their own."""
    sizes = entries["family"].value_counts()
    return {
        "FamilyCount": len(sizes),
        "FamilyLargest": int(sizes.max()),
        "FamilyAlonePercent": f"{100 * (sizes == 1).sum() / len(entries):.0f}",
        "SplitTrainEntries": int((entries["split"] == "train").sum()),
    }


def leakage(near):
    """Quote how many test entries have a relative in training, under both splits, from
    `ddi.study.draw_groups.leakage_of`.
    """
    totals = near.groupby("split")["analogue"].agg(["size", "sum", "mean"])
    like = 100 * near.groupby("split")["like_lattice"].mean()
    return {
        "SplitTestEntries": int(totals.loc["split", "size"]),
        "LeakFamilyIsotypes": int(totals.loc["split", "sum"]),
        "LeakEntryIsotypes": int(totals.loc["split_entry", "sum"]),
        "LeakEntryPercent": f"{100 * totals.loc['split_entry', 'mean']:.1f}",
        "LeakLikeLatticePercent": f"{like['split']:.1f}",
        "LeakEntryLikeLatticePercent": f"{like['split_entry']:.1f}",
    }


def splits(table):
    """Quote what a split by symbol tests and leaks beside one by group, from
    `ddi.study.draw_groups.splits_table`.
    """
    by = table.set_index(["shares kept by", "kept together"])
    untested = by["of these without a test entry"]
    leaks = by["any analogue / %"]
    return {
        "SplitCommonSymbols": int(by[by.columns[1]].iloc[0]),
        "SplitGroupUntested": int(untested["group", "families"]),
        "SplitSymbolUntested": int(untested["symbol", "families"]),
        "SplitSymbolEntryPercent": f"{leaks['symbol', 'nothing']:.1f}",
        "SplitSymbolFamilyPercent": f"{leaks['symbol', 'families']:.1f}",
    }
