"""The paper's figures: one and two columns wide, 8 pt sans, byte-stable PDFs."""

import matplotlib as mpl
import matplotlib.pyplot as plt

CM = 1 / 2.54
SINGLE = 8.8 * CM
DOUBLE = 18.0 * CM
"""Widths of a single and of a double column in inches."""

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 4,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "svg.hashsalt": "ddi",
}


def figure(width=SINGLE, height=None, **subplots):
    """Return ``(fig, axes)`` in the paper's style.

    Parameters
    ----------
    width, height : float
        In inches; the height defaults to 0.7 of the width.
    **subplots
        Passed to `matplotlib.pyplot.subplots`.
    """
    mpl.rcParams.update(STYLE)
    return plt.subplots(figsize=(width, height or 0.7 * width), **subplots)
