"""The numbers that 10_rruff_eval quotes beside its tables, in the paper and in the README.

Each function takes tables of `ddi.study.compare_indexing` or `ddi.study.compare_patterns` and
returns macro name -> value; shares are in per cent, "--" where there is nothing to count.
"""

import numpy as np

from ddi.data import rruff
from ddi.study.cases import MEASURED
from ddi.study.compare_indexing import EDGES, NAMES
from ddi.study.compare_patterns import SETS as KINDS

SETS = {
    "Index": "fair, lattice unknown",
    "IndexMineral": "fair, one a mineral, lattice unknown",
    "IndexKnown": "fair, lattice known",
    "IndexGradeB": "grade B, lattice unknown",
    "IndexManyUnexplained": "grade A, more than two unexplained, lattice unknown",
    "HalfGradeA": "reporting half, all of grade A",
    "HalfFair": "reporting half, fair",
    "HalfMineral": "reporting half, fair, one a mineral",
}
"""Beginning of a macro's name -> set of `ddi.study.compare_indexing.sets_table`."""
CHANGED = {
    "RobustPicked": ("peaks", 20),
    "RobustTen": ("peaks", 10),
    "RobustShift": ("zero shift", 0.1),
    "RobustSpurious": ("spurious", 4),
}
"""Macro -> change and its value in `ddi.study.compare_indexing.robust`."""
LEARNED = {
    "LearnedNetwork": "template network",
    "LearnedJoint": "template network, joint assignment",
    "LearnedNear": "right cell 3 % off, joint assignment",
}
"""Macro -> source in `ddi.study.compare_patterns.learned_table`."""
_ENDS = ("Percent", "Range", "Cases", "ListPercent", "ListRange")
_SUM_ENDS = (
    *("MainPercent", "MainRange", "BothPercent", "BothRange"),
    *("Pairs", "Told", "ToldRight", "ToldRelated"),
)


def picking(what, cases, fair, picked):
    """Say what the patterns are, and how many of the first twenty picked peaks are explained."""
    total = max(picked.n_first.sum(), 1)
    reference = f"{100 * (1 - picked.n_missed.sum() / total):.1f}"
    is_known = what == MEASURED and rruff.reference() is not None
    return {
        "RruffData": what,
        "RruffPatterns": len(cases),
        "RruffFair": len(fair),
        "RruffMinerals": len({case.mineral for case in fair}),
        "PickExplainedPercent": f"{100 * picked.n_matched.sum() / total:.1f}",
        "PickReferencePercent": reference if is_known else "--",
    }


def generators(pooled):
    """Quote each generator's rates over all lattices, and how many of them the first of all leaves
    below by more than its interval.
    """
    found = {"GeneratorPatterns": int(pooled.n.max()) if len(pooled) else "--"}
    for name in NAMES:
        rows = pooled[pooled.generator == name]
        for column in ("first", "ten"):
            found[f"Rruff{name.title()}{column.title()}Percent"] = _share(rows, column)
    best = pooled.loc[pooled["first"].idxmax()]
    return found | {"GeneratorsApart": int((pooled.first_high < best.first_low).sum())}


def lattices(indexed):
    """Quote of how many Bravais lattices all patterns come out first, lattice unknown, and which
    has the lowest share.
    """
    rows = indexed[indexed.lattice == "unknown"]
    worst = rows.loc[rows["first"].idxmin()]
    return {
        "IndexLattices": len(rows),
        "IndexLatticesAllFirst": int((rows["first"] == 1).sum()),
        "IndexWorstLattice": worst.bravais,
        "IndexWorstLatticePercent": f"{100 * worst['first']:.0f}",
        "IndexWorstLatticePatterns": int(worst.n),
    }


def sets(table):
    """Quote the rates of every set of `SETS`."""
    found = {}
    for name, key in SETS.items():
        rows = table[table.set == key]
        for column in ("first", "ten"):
            found[f"{name}{column.title()}Percent"] = _share(rows, column)
        found[f"{name}FirstRange"] = _range(rows)
        found[f"{name}Patterns"] = int(rows.n.iloc[0]) if len(rows) else "--"
    return found | {"IndexFamilyPercent": _share(table[table.set == SETS["Index"]], "family")}


def failures(outcomes, errors, minerals, share_of_minerals):
    """Quote how many fair first cells are not right and what they are instead, and how close the
    right ones are to the known cells.

    Parameters
    ----------
    outcomes : DataFrame
        Of fair patterns, lattice unknown.
    errors : DataFrame
        From `ddi.study.draw_indexing.residuals`.
    minerals : DataFrame
        From `ddi.study.compare_indexing.minerals_table`, with its share.
    """
    wrong = outcomes[outcomes["rank"] != 1]
    volume, shift = (
        errors[name].abs().quantile(0.95) if len(errors) else np.nan
        for name in ("error", "shift_error")
    )
    return {
        "IndexFailures": len(wrong),
        "IndexSubcellFailures": int((wrong.cause == "subcell").sum()),
        "IndexFailuresListed": int((wrong["rank"] > 0).sum()),
        "IndexFailuresOtherLattice": int((wrong.found != wrong.bravais).sum()),
        "IndexVolumeError": f"{volume:.2f}",
        "IndexShiftError": f"{shift:.3f}",
        "IndexMineralsFailed": len(minerals),
        "IndexMineralsNeverFirst": int((minerals["right first"] == 0).sum()),
        "IndexMineralMeanPercent": f"{100 * share_of_minerals:.0f}",
    }


def training(by_kin, taught):
    """Quote the indexer's rates where training holds the mineral and where it holds neither, and of
    how many patterns the generators saw neither.

    Parameters
    ----------
    by_kin, taught : DataFrame
        Rates by what training holds: of the indexer, and of the generators.
    """
    found = {}
    for name, held in (("Held", "mineral"), ("Unheld", "neither")):
        rows = by_kin[by_kin.training == held]
        found[f"Training{name}Percent"] = _share(rows, "first")
        found[f"Training{name}Range"] = _range(rows)
        found[f"Training{name}Patterns"] = int(rows.n.iloc[0]) if len(rows) else 0
    alone = taught[taught.training == "neither"]
    return found | {"GeneratorsUnheldPatterns": int(alone.n.max()) if len(alone) else 0}


def robust(by_change):
    """Quote how many patterns come out first as picked, and after each change of `CHANGED`."""
    found = {"RobustPatterns": int(by_change.n.max()) if len(by_change) else "--"}
    for name, (change, value) in CHANGED.items():
        rows = by_change[(by_change.change == change) & (by_change.value == value)]
        found[name] = int(round((rows["first"] * rows.n).sum())) if len(rows) else "--"
    return found


def trust(bins, error, timed):
    """Quote the surest bin of the probability, the calibration error, and times in seconds."""
    surest = bins[bins.bin == len(EDGES) - 1]
    return {
        "IndexCalibrationError": f"{error:.3f}",
        "IndexSurestAbove": f"{EDGES[-2]:g}",
        "IndexSurestPatterns": int(surest.n.sum()),
        "IndexSurestPercent": f"{100 * surest.right.iloc[0]:.0f}" if len(surest) else "--",
        "IndexSeconds": f"{timed.seconds.median():.1f}",
        "IndexSecondsSlow": f"{timed.seconds.quantile(0.95):.1f}",
        "IndexTimed": len(timed),
    }


def finders(by_source):
    """Quote how many patterns each source has the right lattice of: FinderForestPercent ..."""
    had = by_source.set_index("source").had_it
    found = {f"Finder{name.title()}Percent": f"{100 * share:.0f}" for name, share in had.items()}
    return found | {"FinderPatterns": int(by_source.n.max())}


def symbols(judged, errors):
    """Return how often the true extinction symbol is first, per cent, ranges and numbers of cases;
    and how many confusions there are.

    Parameters
    ----------
    judged, errors : DataFrame
        From `ddi.study.compare_patterns`: symbols_table and symbol_errors.
    """
    names = {True: "SymbolSimulated", False: "SymbolMeasured"}
    found = {f"{name}{end}": "--" for name in names.values() for end in _ENDS}
    for simulated, name in names.items():
        for row in judged[judged["set"] == KINDS[simulated]].to_dict("records"):
            by_list = "List" if row["by"] == "list of peaks" else ""
            found |= _quoted(name + by_list, row, "first") | {f"{name}Cases": row["n"]}
    return found | {
        "SymbolErrors": int(errors["n"].sum()),
        "SymbolConfusions": len(errors),
        "SymbolConfusionsOnce": int((errors["n"] == 1).sum()),
    }


def sums(added):
    """Quote the rates of sums of two patterns (from `ddi.study.compare_patterns.sums_table`):
    MixtureOne at equal parts, MixtureThree and MixtureNine.
    """
    found = {}
    for ratio, name in (("1:1", "One"), ("3:1", "Three"), ("9:1", "Nine")):
        rows = added[added["ratio"] == ratio] if len(added) else added
        about = f"Mixture{name}"
        found |= dict.fromkeys([f"{about}{end}" for end in _SUM_ENDS], "--")
        if len(rows):
            row = rows.iloc[0].to_dict()
            found |= _quoted(f"{about}Main", row, "first") | _quoted(f"{about}Both", row, "both")
            found |= {f"{about}Pairs": row["n"], f"{about}Told": row["told"]}
            found |= {f"{about}ToldRight": row["told_right"]}
            found |= {f"{about}ToldRelated": row["told_related"]}
    return found


def before(table):
    """Quote the rates of the run before whole patterns were fitted, lattice unknown (from
    `ddi.study.compare_patterns.before_table`).
    """
    rates = table.set_index("rate / %")["before"]
    names = {"BeforeFair": "fair", "BeforeGradeB": "grade B"}
    keys = {name: f"cell, {about}, lattice unknown: first" for name, about in names.items()}
    return {name: rates.get(key, "--") for name, key in keys.items()}


def published(lists):
    """Quote of how many published lists the right cell is among the first ten, lattice unknown."""
    blind = lists[lists["lattice"] == "unknown"]
    return {
        "PublishedLists": len(blind) or "--",
        "PublishedFound": int((blind["rank"] > 0).sum()) if len(blind) else "--",
        "PublishedHighest": f"{blind['probability'].max():.3f}" if len(blind) else "--",
    }


def learned(draws):
    """Quote for how many lists on which templates fail others propose the right cell (from
    `ddi.study.compare_patterns.learned_table`).
    """
    found = {"LearnedLists": "--"} | dict.fromkeys(LEARNED, "--")
    for name, way in LEARNED.items():
        rows = draws[draws["source"] == way]
        if len(rows):
            found[name] = int(rows["right cell proposed"].sum())
            found["LearnedLists"] = int(rows["n"].sum())  # the same for every way
    return found


def _share(rows, column):
    return f"{100 * float(rows[column].iloc[0]):.0f}" if len(rows) else "--"


def _range(rows):
    return f"{_share(rows, 'first_low')}-{_share(rows, 'first_high')}" if len(rows) else "--"


def _quoted(name, row, column):
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    return {
        f"{name}Percent": f"{100 * row[column]:.0f}",
        f"{name}Range": f"{100 * low:.0f}-{100 * high:.0f}",
    }
