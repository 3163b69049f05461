"""The study on one page: what each notebook takes and gives, and how a pattern becomes a cell."""

import pandas as pd
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from ddi.base.figure import DOUBLE, figure

# x, y, width, text, colour: a row a stage, data on top, the pattern's way to its cell below.
_DATA, _MODEL, _INDEX, _JUDGE = "#F3E9D8", "#DCE6F2", "#F7DCDC", "#E6E6E6"
BOXES = {
    "databases": (0, 3, "crystal structures: AMCSD,\nCoRE MOF, COD, CSD", _DATA),
    "qc": (1, 3, "01 quality control", _DATA),
    "dedup": (2, 3, "02 duplicates, reindexing,\nsimulated patterns", _DATA),
    "groups": (3, 3, "03 groups by reflection\nconditions; split", _DATA),
    "augment": (4, 3, "04 augmentation", _DATA),
    "networks": (2, 2, "05 variance networks", _MODEL),
    "forests": (3, 2, "06 forests, scale-free\ngenerator", _MODEL),
    "assign": (4, 2, "08 assignment networks", _MODEL),
    "compare": (1, 2, "07 best of n of 05, 06\nand of controls", _JUDGE),
    "pattern": (0, 1, "measured pattern\nor peak list", _INDEX),
    "peaks": (1, 1, "picked peaks", _INDEX),
    "cells": (2, 1, "candidates: generators,\ntemplates, random cells", _INDEX),
    "chains": (3, 1, "09 chains: assign, solve,\naccept", _INDEX),
    "ranking": (4, 1, "ranking: extinctions,\nsupercells, probability", _INDEX),
    "measured": (3, 0, "10 measured patterns\nwith known cells", _JUDGE),
    "answer": (4, 0, "11 ranked cells, indices,\nfigure", _INDEX),
}
ARROWS = (
    ("databases", "qc"), ("qc", "dedup"), ("dedup", "groups"), ("groups", "augment"),
    ("augment", "networks"), ("augment", "forests"), ("augment", "assign"),
    ("networks", "compare"), ("pattern", "peaks"), ("peaks", "cells"),
    ("networks", "cells"), ("forests", "cells"), ("cells", "chains"), ("assign", "chains"),
    ("chains", "ranking"), ("ranking", "answer"), ("measured", "ranking"),
)  # fmt: skip
_WIDTH, _HEIGHT = 0.86, 0.52


def workflow():
    """Draw the workflow; the data are its arrows."""
    fig, axes = figure(DOUBLE, 0.42 * DOUBLE)
    for x, y, text, colour in BOXES.values():
        corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
        style = {"boxstyle": "round,pad=0.02", "facecolor": colour, "edgecolor": "0.4", "lw": 0.6}
        axes.add_patch(FancyBboxPatch(corner, _WIDTH, _HEIGHT, **style))
        axes.text(x, y, text, ha="center", va="center", fontsize=6.5)
    for start, end in ARROWS:
        axes.add_patch(_arrow(BOXES[start][:2], BOXES[end][:2]))
    axes.set(xlim=(-0.5, 4.5), ylim=(-0.4, 3.4))
    axes.axis("off")
    return fig, pd.DataFrame(ARROWS, columns=["from", "to"])


def _arrow(start, end):
    """An arrow from the border of one box to that of another: sideways in a row, else downwards."""
    (x0, y0), (x1, y1) = start, end
    if y0 == y1:
        step = _WIDTH / 2 if x1 > x0 else -_WIDTH / 2
        ends = (x0 + step, y0), (x1 - step, y1)
    else:
        step = _HEIGHT / 2 if y1 > y0 else -_HEIGHT / 2
        ends = (x0, y0 + step), (x1, y1 - step)
    style = {"arrowstyle": "-|>", "mutation_scale": 7, "lw": 0.7, "color": "0.35"}
    return FancyArrowPatch(*ends, shrinkA=2, shrinkB=2, **style)
