"""Figures of starts and methods of optimisation (09_optimize)."""

import numpy as np
import pandas as pd

from ddi.base.figure import DOUBLE, figure
from ddi.base.stats import wilson
from ddi.study import convergence
from ddi.study.compare_optimisation import HARD, PUBLISHED_METHOD
from ddi.study.eval_optimisation import curve
from ddi.study.figures import SYSTEM_COLOURS

METHOD_COLOURS = {
    "misfit weights": "#000000",
    "nearest line": "#0072B2",
    "as written": "#E69F00",
    "resampled": "#56B4E9",
    "marginal": "#009E73",
    "SVD-Index": "#D55E00",
    "assignment network": "#CC79A7",
    "all lines": "#999999",
}
_BEST = "#E69F00"


def _colour(method):
    return METHOD_COLOURS.get(method, "#882255")


def by_combination(rows):
    """Return the share solved by each start and method with its interval, the best last."""
    by = rows.groupby(["start", "method"], sort=False)
    table = by.agg(sum=("solved", "sum"), size=("solved", "size"), seconds=("correct_from", "mean"))
    table = table.reset_index()
    table["low"], table["high"] = wilson(table["sum"], table["size"])
    table["solved"] = table["sum"] / table["size"]
    order = {"by": ["solved", "seconds"], "ascending": [True, False], "kind": "stable"}
    return table.sort_values(**order).reset_index(drop=True)


def which(rows, methods, budget):
    """Draw every start and method at equal time, and the hard systems against time."""
    by = by_combination(rows)
    best = tuple(by.iloc[-1][["start", "method"]])
    fig, (left, right) = figure(DOUBLE, 0.42 * DOUBLE, ncols=2)
    for place, row in by.iterrows():
        colour = _colour(row["method"])
        left.plot([100 * row["low"], 100 * row["high"]], [place, place], color=colour, lw=1)
        left.plot(100 * row["solved"], place, "o", color=colour)
    labels = by["start"] + ": " + by["method"]
    left.set(yticks=range(len(by)), yticklabels=labels, xlim=(0, 103))
    left.set(xlabel=f"solved, no round begun after {budget} s / %" if budget else "solved / %")
    left.get_yticklabels()[-1].set_fontweight("bold")
    longest = np.nanmax([0.3, rows["correct_from"].max()])
    times = np.geomspace(0.05, longest, 60)
    pairs = [pair for pair in [*(("both", m) for m in methods), PUBLISHED_METHOD] if pair != best]
    for start, method in [*dict.fromkeys(pairs), best]:
        mine = rows[(rows["start"] == start) & (rows["method"] == method)]
        mine = mine[mine["system"].isin(HARD)]
        if len(mine):
            style = {"color": _colour(method), "ls": "--" if method == "SVD-Index" else "-"}
            if (start, method) == best:
                style = {"lw": 3, "alpha": 0.6, "color": _BEST}
            right.semilogx(times, 100 * curve(mine, times), label=f"{start}: {method}", **style)
    ticks = [t for t in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if t <= longest]
    right.minorticks_off()
    right.set(xticks=ticks, xticklabels=ticks, ylim=(0, 103), xlabel="time / s")
    right.set(ylabel="solved, orthorhombic to triclinic / %")
    handles = right.get_legend_handles_labels()
    if handles[0]:
        fig.legend(*handles, loc="outside right upper", fontsize=6)
    columns = ["start", "method", "sum", "size", "solved", "low", "high", "seconds"]
    return fig, by[columns]


def radius(found):
    """Draw the share of chains that converge against the error of their start, by method."""
    mean = found.groupby(["system", "method", "error"], sort=False)["share"].mean().reset_index()
    methods = list(dict.fromkeys(mean["method"]))
    size = {"ncols": len(methods), "sharey": True, "squeeze": False}
    fig, axes = figure(DOUBLE, 0.33 * DOUBLE, **size)
    for axis, method in zip(axes[0], methods):
        for system, mine in mean[mean["method"] == method].groupby("system", sort=False):
            style = {"ms": 2.5, "color": SYSTEM_COLOURS[system], "label": system}
            axis.semilogx(100 * mine["error"], 100 * mine["share"], "o-", **style)
        axis.minorticks_off()
        ticks = [1, 2, 5, 10, 20]
        axis.set(xlabel="error of the start / %", ylim=(-2, 103), xticks=ticks, xticklabels=ticks)
        axis.text(0.04, 0.04, method, transform=axis.transAxes)
    axes[0, 0].set_ylabel("chains that converge / %")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    return fig, mean


def predicted(against):
    """Draw predicted against found success, and predicted against found numbers of starts."""
    fig, (left, right) = figure(DOUBLE, 0.4 * DOUBLE, ncols=2)
    classes = convergence.calibration(against)
    bars = np.abs(classes[["low", "high"]].to_numpy().T - classes["arrived"].to_numpy())
    left.plot([0, 100], [0, 100], color="#999999", lw=0.7)
    style = {"fmt": "ko", "capsize": 2}
    left.errorbar(100 * classes["predicted"], 100 * classes["arrived"], 100 * bars, **style)
    left.set(xlabel="predicted chance that a start arrives / %")
    left.set(ylabel="patterns in which one did / %")
    for system, mine in against.groupby("system", sort=False):
        pair = (mine[f"starts {name}"].clip(lower=0.1) for name in ("predicted", "arrived"))
        right.loglog(*pair, "o", ms=3, color=SYSTEM_COLOURS[system], label=system)
    right.axline((1, 1), (10, 10), color="#999999", lw=0.7)
    right.set(xlabel="starts predicted to arrive, of 300")
    right.set(ylabel="starts that arrived (0 drawn at 0.1)")
    right.legend(fontsize=6)
    return fig, against


def steps(table):
    """Draw the share of random starts that converge by peaks a step and acceptance."""
    systems = [system for system in HARD if system in table]
    weights = list(dict.fromkeys(table["weights"]))
    fig, axes = figure(DOUBLE, 0.33 * DOUBLE, ncols=max(len(systems), 1), squeeze=False)
    dashes = {"metropolis": "-", "always": "--", "greedy": ":"}
    for axis, system in zip(axes[0], systems):
        for name in weights:
            for accept, mine in table[table["weights"] == name].groupby("accept", sort=False):
                style = {"color": _colour(name), "ls": dashes[accept], "marker": "o", "ms": 2.5}
                axis.plot(mine["peaks a step"], mine[system], label=f"{name}, {accept}", **style)
        axis.set(xlabel=f"peaks a step, {system}", ylim=(0, None))
        axis.set_xticks(sorted(set(table["peaks a step"])))
    axes[0, 0].set_ylabel("random starts that converge / %")
    if systems:
        handles = axes[0, 0].get_legend_handles_labels()
        fig.legend(*handles, loc="outside right upper", fontsize=6)
    return fig, table


def cost_table(costs):
    """Return what one step costs with each optimiser."""
    names = {"closed_form": "closed form, batched", "svd": "SVD, batched"}
    table = pd.DataFrame(costs.items(), columns=["optimiser", "time / µs"])
    return table.assign(optimiser=table["optimiser"].replace(names))
