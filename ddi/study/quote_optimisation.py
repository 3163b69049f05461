"""The numbers that 09_optimize quotes beside its tables and figures, and in the paper.

Each function takes rows or a table of `ddi.study.compare_optimisation` and returns macro name ->
value; shares are in per cent, "--" where there is nothing to count.
"""

import numpy as np

from ddi.base.stats import wilson
from ddi.study.compare_optimisation import COELHO, HARD

NEAR = 0.05  # relative error of the starts that the convergence radius is quoted at
_ALWAYS = {"AlwaysBetter": 1, "AlwaysWorse": -1, "AlwaysEqual": 0}  # sign of always - Metropolis


def success(rows):
    """Quote the patterns solved: all, by lattice system, and from cubic to orthorhombic."""
    bound = rows[~rows["system"].isin(COELHO)]
    low, high = wilson(int(bound["solved"].sum()), len(bound))
    found = {
        f"Solved{system.capitalize()}": f"{100 * mine['solved'].mean():.0f}"
        for system, mine in rows.groupby("system")
    }
    return found | {
        "SolvedHigh": _percent(bound["solved"]),
        "SolvedHighPatterns": len(bound),
        "SolvedHighLow": f"{100 * low:.1f}",
        "SolvedHighHigh": f"{100 * high:.1f}",
        "SolvedByScore": _percent(rows["by_score"]),
        "SolvedHighByScore": _percent(bound["by_score"]),
        "SolvedPatterns": len(rows),
        "SolvedAll": _percent(rows["solved"]),
        "SolveMedianSeconds": f"{rows['correct_from'].median():.2f}",
        "SolveMeanSeconds": f"{rows['seconds'].mean():.1f}",
    }


def missed(table):
    """Quote what stands first in place of the truth, and how often the truth was not found."""
    n = table["patterns"]
    return {
        "MissedPatterns": int(n.sum()),
        "MissedSubcell": int(n[table["first cell is"] == "subcell"].sum()),
        "MissedNotFound": int(n[table["because"] == "true cell not found"].sum()),
    }


def twenty(table):
    """Quote the patterns that twenty peaks leave unsolved, by lattice system."""
    found = {}
    for row in table.to_dict("records"):
        system = row["lattice system"].capitalize()
        found[f"SolveUnsolved{system}"] = f"{row['twenty peaks / %']:.0f}"
        found[f"SolveUnsolvedVoted{system}"] = f"{row['forty judge / %']:.0f}"
        found[f"SolveUnsolvedCoelho{system}"] = row["Coelho / %"]
    return found


def compared(ranked):
    """Quote the best combination of start and method, and each start and each method by itself."""
    found = {
        "CompareBestStart": ranked["start"][0],
        "CompareBestMethod": ranked["method"][0],
        "ComparePatterns": int(ranked["n"].max()),
    }
    for row in ranked.to_dict("records"):
        if row["method"] == "misfit weights" or row["start"] == "both":
            words = f"{row['start']} {row['method']}".replace("+", " and ").title().replace(" ", "")
            found[f"Compare{words.replace('-', '')}"] = f"{row['all / %']:.0f}"
    return found


def radius(rows):
    """Quote the chains that converge from starts about `NEAR` off, by method: RadiusNearestLine."""
    if not len(rows):
        return {}
    errors = rows["error"].unique()
    error = errors[np.abs(errors - NEAR).argmin()]
    share = rows[rows["error"] == error].groupby("method")["share"].mean()
    names = {method: method.title().replace(" ", "") for method in share.index}
    return {"RadiusError": f"{100 * error:g}"} | {
        f"Radius{names[method]}": f"{100 * value:.0f}" for method, value in share.items()
    }


def predictions(against):
    """Quote how many pairs of a pattern and a generator arrive, predicted and found."""
    return {
        "PredictedArrived": f"{100 * against['predicted'].mean():.0f}",
        "FoundArrived": f"{100 * against['arrived'].mean():.0f}",
        "ArrivedOutranked": int((against["arrived"] & ~against["in_ten"]).sum()),
        "PredictedPairs": len(against),
    }


def acceptance(table):
    """Quote in how many comparisons of `steps_table` accepting always does better than Metropolis,
    worse, and equally well, and of how many.
    """
    systems = [system for system in HARD if system in table]
    long = table.melt(["weights", "accept", "peaks a step"], systems, "system", "share")
    keys = ["weights", "peaks a step", "system"]
    wide = long.pivot(index=keys, columns="accept", values="share").dropna()
    sign = np.sign(wide["always"] - wide["metropolis"])
    counts = {name: int((sign == s).sum()) for name, s in _ALWAYS.items()}
    return counts | {"AlwaysOf": len(wide)}


def cost(table):
    """Quote the microseconds of one step, in closed form and by the slowest optimiser."""
    times = table.set_index("optimiser")["time / µs"]
    return {
        "StepClosedForm": f"{times['closed form, batched']:.1f}",
        "StepSlowest": f"{times.max():,.0f}",
        "StepSlowestName": times.idxmax(),
    }


def calls(table):
    """Quote the mean number of starts of SVD-Index to a solution for exact lines, and the published
    one: CallsMonoclinic, CallsMonoclinicPublished ...
    """
    found = {}
    for row in table.to_dict("records"):
        if row["kind"] == "exact":
            name = f"Calls{row['lattice system'].capitalize()}"
            found |= {name: f"{row['mean']:.0f}", f"{name}Published": f"{row['published']:g}"}
    return found


def _percent(flags):
    return f"{100 * flags.mean():.1f}" if len(flags) else "--"
