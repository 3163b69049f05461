"""The numbers that 08_assignment quotes beside its tables and figures, and in the paper.

Each function takes a table of `ddi.study.compare_assignment` and returns macro name -> value;
shares are in per cent, "--" where there is nothing to count.
"""

from ddi.study.compare_assignment import MACROS

SYSTEMS = ("orthorhombic", "monoclinic")
KINDS = {"top1": "Top", "top5": "Five", "after": "Solved", "ece": "Calibration"}
"""Column of the accuracy -> end of a macro's name."""


def problems(table):
    """Quote how often the nearest line is right with the true cell, and how many indices have no
    reference line.
    """
    if not len(table):
        return {}
    right = table["right with true cell / %"]
    return {
        "AssignTrueLeast": f"{right.min():.1f}",
        "AssignTrueMost": f"{right.max():.1f}",
        "AssignUnlisted": f"{table['not in list / %'].max():.1f}",
    }


def accuracy(rows, middle):
    """Quote every way of assigning at the middle level of noise, and on cells that the network
    draws.
    """

    def value(system, name, column, level=middle):
        mine = rows[(rows.system == system) & (rows.level == level) & (rows.assigner == name)]
        if not len(mine):
            return "--"
        share = mine[column].iloc[0] / (mine.n.iloc[0] if column in ("after", "plain") else 1)
        return f"{100 * share:.1f}"

    found = {"AssignLevel": middle}
    for system in SYSTEMS:
        about = f"Assign{system.title()}"
        for name, word in MACROS.items():
            found |= {f"{about}{word}{end}": value(system, name, key) for key, end in KINDS.items()}
            found[f"{about}{word}DrawnTop"] = value(system, name, "top1", "network")
        found[f"{about}PlainSolved"] = value(system, "nearest line", "plain")
    return found


def series(table, middle):
    """Quote how many cells are true after a series of assignments, over all systems and cells."""
    if not len(table):
        return {}
    reached = table.groupby("series")["true after"].sum()
    ways = {
        "All": "as written, all levels",
        "Middle": f"as written, {middle} each time",
        "Nearest": "nearest lines",
    }
    n = int(table[table["series"] == ways["Nearest"]]["n"].sum())
    return {"SeriesCells": n} | {
        f"Series{name}": int(reached.get(way, 0)) for name, way in ways.items()
    }


def training(flat):
    """Quote what the longest trainings took, and what their last third added at most."""
    if not len(flat):
        return {}
    flat = flat[flat.steps == flat.steps.max()]
    return {
        "AssignLongMinutes": f"{flat['CPU / min'].sum():.0f}",
        "AssignLongSteps": int(flat.steps.max()),
        "AssignLongLastThird": f"{flat['last third / points'].max():.1f}",
    }


def blocks(table):
    """Quote the right indices of the first and of the last block of ranks, in the last system."""
    if not len(table):
        return {}
    mine = table[table["lattice system"] == table["lattice system"].iloc[-1]].set_index("assigner")
    found = {"BlocksSystem": mine["lattice system"].iloc[0]}
    for name in {"network", "joint"} & set(mine.index):
        found[f"Blocks{name.title()}First"] = f"{mine.loc[name].iloc[1]:.0f}"
        found[f"Blocks{name.title()}Last"] = f"{mine.loc[name].iloc[-1]:.0f}"
    return found


def throughput(rates):
    """Quote how many candidates a second each way of assigning judges."""
    words = ("Compiled", "Nearest", "Prior", "Own", "Joint", "Network")
    speed = zip(words, rates["candidates / s"])
    return {f"AssignRate{word}": f"{rate:,.0f}" for word, rate in speed}
