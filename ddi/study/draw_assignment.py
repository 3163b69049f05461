"""Figures of the ways of assigning indices to peaks (08_assignment)."""

import numpy as np

from ddi.base.figure import DOUBLE, figure
from ddi.base.stats import wilson

STYLE = {
    "nearest line": ("#999999", "o"),
    "line prior": ("#E69F00", "s"),
    "own width": ("#009E73", "v"),
    "network": ("#0072B2", "^"),
    "network on prior": ("#D55E00", "D"),
    "joint": ("#CC79A7", "P"),
}
LEVEL_COLOURS = {
    "predicted": "#000000",
    "network": "#000000",
    "0.1": "#D55E00",
    "0.05": "#E69F00",
    "0.025": "#009E73",
    "0.01": "#0072B2",
}
_HEIGHT = 0.35 * DOUBLE


def learning(curves):
    """Draw test accuracy against gradient steps; dotted is the nearest line."""
    systems = list(dict.fromkeys(curves.system)) or ["none"]
    fig, axes = figure(DOUBLE, _HEIGHT, ncols=len(systems), sharey=True, squeeze=False)
    for axis, system in zip(axes[0], systems):
        for level, curve in curves[curves.system == system].groupby("level"):
            colour = LEVEL_COLOURS.get(level, "0.5")
            axis.plot(curve.step, 100 * curve.test_accuracy, color=colour, label=level)
            axis.axhline(100 * curve["nearest line"].iloc[0], color=colour, ls=":")
        axis.set(xlabel=f"gradient steps, {system}", xlim=0)
    axes[0, 0].set(ylabel="right index / %", ylim=0)
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    axes[0, -1].legend(title="cells\n(dotted: nearest line)", **place)
    return fig, curves.drop(columns=["seconds", "cpu_seconds"], errors="ignore")


def by_rank(ranks, systems):
    """Draw right indices by the rank of the peak."""

    def draw(axis, part, style):
        axis.set_xticks([1, 5, 10, 15, 20])
        axis.plot(part["rank"], 100 * part.top1, **style)

    labels = {"xlabel": "rank of the peak", "ylabel": "right index / %"}
    return _each(ranks, systems, draw, **labels), ranks


def accuracy(table, systems, levels):
    """Draw right indices by level of noise, with twice their standard error."""

    def draw(axis, part, style):
        axis.errorbar(part.level.astype(float), 100 * part.top1, 200 * part.se, **style)
        axis.set(xscale="log", xticks=[0.01, 0.025, 0.05, 0.1], ylim=(0, 100))
        axis.set_xticklabels(["0.01", "0.025", "0.05", "0.1"])
        axis.minorticks_off()

    rows = table[table.level.isin(levels) & table.system.isin(systems)]
    rows = rows.sort_values("level", kind="stable")
    labels = {"xlabel": "noise on the scaled cell", "ylabel": "right index / %"}
    return _each(rows, systems, draw, **labels), rows


def calibration(reliable, systems):
    """Draw how often a probability that was given is right."""

    def draw(axis, part, style):
        axis.plot(part.confidence, part.accuracy, **style)
        axis.plot([0, 1], [0, 1], color="0.8", zorder=0)

    labels = {"xlabel": "probability given", "ylabel": "share that is right"}
    return _each(reliable, systems, draw, **labels), reliable


def _each(table, systems, draw, xlabel, ylabel):
    fig, axes = figure(DOUBLE, _HEIGHT, ncols=len(systems), sharey=True, squeeze=False)
    for axis, system in zip(axes[0], systems):
        for name, part in table[table.system == system].groupby("assigner", sort=False):
            colour, marker = STYLE[name]
            draw(axis, part, {"color": colour, "marker": marker, "ms": 3, "label": name})
        axis.set(xlabel=f"{xlabel}, {system}")
    axes[0, 0].set(ylabel=ylabel)
    axes[0, -1].legend()
    return fig


def solved(accuracy, levels):
    """Draw the share of patterns whose erring cell is led to the true one, by level of noise."""
    rows = accuracy[accuracy.level.isin(levels)].sort_values("level", kind="stable")
    systems = list(dict.fromkeys(accuracy.system))
    fig, axes = figure(DOUBLE, 0.5 * DOUBLE, nrows=2, ncols=4, sharex=True, sharey=True)
    for axis, system in zip(axes.flat, systems):
        part = rows[rows.system == system]
        for name, mine in part.groupby("assigner", sort=False):
            share = mine.after / mine.n
            low, high = wilson(mine.after, mine.n)
            bars = np.clip([share - low, high - share], 0, 1)
            colour, marker = STYLE[name]
            style = {"color": colour, "marker": marker, "ms": 3, "label": name}
            axis.errorbar(mine.level.astype(float), share, bars, **style)
        plain = part.drop_duplicates("level")
        unweighted = {"ls": ":", "color": "k", "label": "nearest, unweighted"}
        axis.plot(plain.level.astype(float), plain.plain / plain.n, **unweighted)
        axis.set(xscale="log", xticks=[0.01, 0.025, 0.05, 0.1])
        axis.set_xticklabels(["0.01", "", "0.05", "0.1"])
        axis.minorticks_off()
        axis.text(0.97, 0.95, system, transform=axis.transAxes, ha="right", va="top")
    labelled = (axis.get_legend_handles_labels() for axis in axes.flat)
    handles = max(labelled, key=lambda pair: len(pair[1]))
    for axis in axes.flat[len(systems) :]:
        axis.set_axis_off()
    axes.flat[-1].legend(*handles, loc="center")
    fig.supxlabel("noise on the scaled cell", fontsize=8)
    fig.supylabel("true cell reached", fontsize=8)
    return fig, accuracy
