"""Why a first cell is not the right one: the facts, a sentence composed from them, and a figure
with a panel for each.
"""

import numpy as np
import pandas as pd

from ddi.forward import lattice
from ddi.index.comparison import heights
from ddi.index.draw import FOUND, LOST
from ddi.study import fairness
from ddi.study.cases import two_theta
from ddi.study.eval_indexing import CELL, primitive_volume

TOLERANCE = 0.04  # degrees 2theta, for the true and for the found cell alike
TRUE = "#009E73"
SHARED = "#B0B0B0"
FIRST = 20  # peaks that are compared
SHOWN = {
    "mineral": "mineral", "bravais": "true lattice", "found": "first found", "cause": "which is",
    "probability": "probability", "rank": "rank of true", "ratio": "volume, found over true",
    "n_peaks": "peaks", "true_unexplained": "unexplained by true",
    "found_unexplained": "unexplained by found",
}  # fmt: skip
"""Columns of the table for people, and their headings."""


def facts(case, row):
    """Compare the true and the found cell line by line.

    Parameters
    ----------
    case : ddi.study.cases.Case
    row : mapping
        From `ddi.study.eval_indexing.index`; its first cell is judged.

    Returns
    -------
    dict
        id, mineral, bravais, found, cause, rank, probability, ratio (of the volumes of the
        primitive cells, found over true), n_peaks, and for "true" and "found": unexplained (peaks),
        strongest (of these, in percent of the highest peak; 0 if none), strongest_at (degrees
        2theta), lines (allowed up to the last peak) and unseen (of these).
    """
    kept = ["id", "mineral", "bravais", "found", "cause", "rank", "probability"]
    out = {name: row[name] for name in kept}
    out |= {"ratio": np.nan, "n_peaks": min(len(case.peaks), FIRST)}
    true, found = sides(case, row)
    if found is not None:
        volumes = [primitive_volume(side["cell"], side["centring"]) for side in (true, found)]
        out["ratio"] = volumes[1] / volumes[0]
    told = ("unexplained", "strongest", "strongest_at", "lines", "unseen")
    for name, side in (("true", true), ("found", found)):
        out |= {f"{name}_{key}": side[key] if side else np.nan for key in told}
    return out


def sides(case, row):
    """Return what the true and the found cell (None if none was found) make of the first peaks;
    each with its own zero shift.
    """
    true = _side(case, case.cell, case.centring)
    if row["found"] == "none":
        return true, None
    cell = np.array([row[name] for name in CELL], dtype=float)
    return true, _side(case, cell, lattice.BRAVAIS[row["found"]][1])


def _side(case, cell, centring):
    observed = two_theta(case.peaks)[:FIRST]
    height = heights(case.peaks)[:FIRST]
    wavelength = case.peaks.wavelength
    judged = fairness.compare(observed, cell, centring, wavelength, TOLERANCE, FIRST)
    lines = fairness.lines_two_theta(cell, centring, wavelength, observed[-1] + TOLERANCE)
    lines = lines + judged["zero_shift"]
    seen = np.abs(lines[:, None] - observed).min(axis=1) <= TOLERANCE
    lost = np.where(judged["matched"], 0.0, 100 * height / height.max())
    return {
        "cell": cell,
        "centring": centring,
        "positions": lines,
        "matched": judged["matched"],
        "unexplained": int((~judged["matched"]).sum()),
        "lines": len(lines),
        "unseen": int((~seen).sum()),
        "strongest": float(lost.max()),
        "strongest_at": float(observed[lost.argmax()]) if lost.any() else np.nan,
    }


def sentence(fact):
    """Compose the cause of a failure from `facts`."""
    if fact["found"] == "none":
        return f"{fact['mineral']} ({fact['id']}, {fact['bravais']}): no cell was found."
    ratio = (
        f", {fact['ratio']:.2g} times the volume"
        if fact["cause"] in ("subcell", "supercell", "wrong")
        else ""
    )
    lost = (
        f" (the strongest at {fact['found_strongest_at']:.2f} degrees, "
        f"{fact['found_strongest']:.1f} % of the highest)"
        if fact["found_unexplained"]
        else ""
    )
    return (
        f"{fact['mineral']} ({fact['id']}, {fact['bravais']}): the first cell, {fact['found']}, "
        f"is {_ARTICLE[fact['cause']]} the true one{ratio}. "
        f"Of {fact['n_peaks']} peaks it leaves {fact['found_unexplained']:.0f} unexplained{lost}, "
        f"the true cell {fact['true_unexplained']:.0f}; "
        f"of its {fact['found_lines']:.0f} lines {fact['found_unseen']:.0f} are unseen, "
        f"of the true cell's {fact['true_lines']:.0f}, {fact['true_unseen']:.0f}. {_verdict(fact)}"
    )


_ARTICLE = {
    "subcell": "a subcell of",
    "supercell": "a supercell of",
    "higher symmetry": "a higher symmetry of",
    "wrong": "unrelated to",
    "other setting": "another setting of",
    "correct": "almost",
}


def _verdict(fact):
    """What decided, by the first of these that holds."""
    gained = fact["found_unexplained"] - fact["true_unexplained"]
    if fact["n_peaks"] < 10:
        return f"There are only {fact['n_peaks']} peaks."
    if fact["cause"] in ("subcell", "higher symmetry") and gained <= 0:
        return "No peak asks for the true cell: positions cannot decide."
    if fact["cause"] in ("subcell", "higher symmetry"):
        return (
            f"{gained:.0f} of the peaks ask{'s' if gained == 1 else ''} for the true cell, "
            "too few to outweigh its lines that are not seen."
        )
    if fact["true_unexplained"] > 2:
        return "The true cell itself does not explain the pattern."
    if fact["cause"] == "supercell":
        return (
            "The larger cell finds lines for foreign or shifted peaks."
            if gained < 0
            else "The larger cell explains no more and was still preferred."
        )
    return (
        "The right lattice was not among the first ten: it was not generated, or not kept."
        if fact["rank"] == 0
        else "A chance lattice fits better."
    )


def table(cases, rows):
    """Return `facts` and `sentence` of every failure as a DataFrame, in the order of `rows`."""
    known = {case.id: case for case in cases}
    listed = [facts(known[row["id"]], row) for row in rows]
    if not listed:
        return pd.DataFrame(columns=["id", "mineral", "bravais", "found", "cause", "sentence"])
    return pd.DataFrame([fact | {"sentence": sentence(fact)} for fact in listed])


def for_people(causes):
    """Return what fits on a page of `table`, with headings; numbers as text, without what is
    unknown.
    """
    shown = causes.reindex(columns=list(SHOWN)).rename(columns=SHOWN)
    for heading, form in (("probability", "{:.2f}"), ("volume, found over true", "{:.2f}")):
        shown[heading] = [form.format(value) if value == value else "" for value in shown[heading]]
    return shown


def draw(cases, rows, n_columns=2):
    """Draw a panel for each failure: observed peaks, ticks of the true and of the found cell, in
    colour those that only one of them has.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from ddi.base.figure import DOUBLE, figure

    known = {case.id: case for case in cases}
    n_rows = -(-len(rows) // n_columns)
    height = 0.19 * DOUBLE * n_rows + 0.5
    fig, axes = figure(DOUBLE, height, nrows=n_rows, ncols=n_columns, squeeze=False)
    for place, row in zip(axes.flat, rows):
        _panel(place, known[row["id"]], row)
    for place in axes.flat[len(rows) :]:
        place.set_axis_off()
    for column in axes.T:
        if used := [place for place in column if place.axison]:
            used[-1].set_xlabel("2θ / °")
    fig.legend(handles=_key(), loc="outside upper center", ncols=3)
    return fig


def _key():
    """What the colours mean."""
    from matplotlib.lines import Line2D

    tick = {"ls": "", "marker": "|", "ms": 8, "mew": 1.2}
    return [
        Line2D([], [], color="#000000", label="peak (height: root of intensity)", **tick),
        Line2D([], [], color=LOST, label="peak not explained by the found cell", **tick),
        Line2D(
            [], [], ls="", marker="v", ms=3, color=TRUE, label="peak not explained by the true cell"
        ),
        Line2D([], [], color=SHARED, label="line of both cells", **tick),
        Line2D([], [], color=TRUE, label="line of the true cell only", **tick),
        Line2D([], [], color=FOUND, label="line of the found cell only", **tick),
    ]


def _panel(axes, case, row):
    true, found = sides(case, row)
    at = two_theta(case.peaks)[:FIRST]
    height = heights(case.peaks)[:FIRST]
    height = np.sqrt(height / height.max())
    lost = ~found["matched"] if found else np.ones(len(at), dtype=bool)
    axes.vlines(at, 0, height, color=np.where(lost, LOST, "#000000"), lw=0.9)
    missed = ~true["matched"]
    axes.plot(at[missed], height[missed] + 0.06, ls="", marker="v", ms=3, color=TRUE)
    for side, other, colour, level in ((true, found, TRUE, -0.3), (found, true, FOUND, -0.6)):
        if side:
            colours = np.where(_only(side, other), colour, SHARED)
            axes.vlines(side["positions"], level, level + 0.22, color=colours, lw=0.7)
    said = f"{case.mineral}: {row['found']} for {case.bravais}, {row['cause']}, "
    said += f"p = {row['probability']:.2f}"
    axes.text(0, 1.02, said, transform=axes.transAxes, fontsize=7)
    axes.set(yticks=[-0.49, -0.19, 0.5], yticklabels=["found", "true", "peaks"])
    first = min(at[0], true["positions"][0])
    axes.set(ylim=(-0.68, 1.15), xlim=(first - 1, at[-1] + 1))


def _only(side, other):
    """Which lines of one side the other one lacks."""
    if not other:
        return np.ones(len(side["positions"]), dtype=bool)
    apart = np.abs(side["positions"][:, None] - other["positions"]).min(axis=1)
    return apart > 2 * TOLERANCE
