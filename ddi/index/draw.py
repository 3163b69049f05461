"""The figure of a result: pattern, lines of the cell and of its rivals, residuals."""

import contextlib

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.figure import DOUBLE, figure
from ddi.forward import lattice
from ddi.index import labels, profile
from ddi.index.comparison import (
    calculated_lines,
    cell_of,
    heights,
    nominal,
    positions,
    without_shift,
)
from ddi.index.show import cell_in_words, fold

LOST = "#D40000"
FOUND = "#0072B2"
GREY = "#555555"
FAINT = "#8A8A8A"


def draw(result, rank=1, n_others=2, scale="linear"):
    """Return the figure: the pattern with a whole-pattern fit of the cell and its difference, lines
    of the cell and of its nearest alternatives, residuals, peaks without a line in red.

    Parameters
    ----------
    result : ddi.index.result.Result
    rank : int
        Of the cell whose residuals are drawn.
    n_others : int
        How many other cells' lines are drawn below: its first relative, then the heads of other
        families.
    scale : {"linear", "sqrt"}
        Of the intensities.

    Returns
    -------
    matplotlib.figure.Figure
    """
    peaks = result.peaks
    lines = result.hkl(rank) if len(result.cells) else None
    lost = ~lines.indexed.to_numpy() if lines is not None else np.ones(len(peaks), dtype=bool)
    rows = _others(result.cells, rank, n_others)
    fig, (top, ticks, rest) = figure(
        DOUBLE,
        (0.5 + 0.025 * len(rows)) * DOUBLE,
        nrows=3,
        sharex=True,
        height_ratios=[4, 0.5 + 0.5 * len(rows), 1.6],
    )
    _draw_pattern(top, peaks, positions(peaks), lost, scale)
    if peaks.pattern is not None and lines is not None:
        with contextlib.suppress(DDIError):  # too little pattern for a fit: the data alone
            _draw_fit(top, peaks, fit(result, rank), scale)
    if lines is not None:
        _draw_indices(top, peaks, lines, scale)
    if top.get_legend_handles_labels()[0]:
        top.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderaxespad=0.2)
    top.set_title(_heading(result, rank), loc="left", fontsize=7, parse_math=False)
    _draw_ticks(ticks, result, rows, lost)
    if lines is not None:
        _draw_residuals(rest, peaks, lines, lost)
    rest.set(xlabel=_axis(peaks), ylabel="Δ2θ / °" if peaks.wavelength else "Δd / Å")
    return fig


def draw_peaks(peaks, kept):
    """Return a figure of the peaks, on the pattern if there is one, those left out in red.

    Parameters
    ----------
    peaks : ddi.index.peaks.Peaks
    kept : ndarray of bool, shape (n,)
    """
    fig, axes = figure(DOUBLE, 0.3 * DOUBLE)
    at = positions(peaks)
    _draw_pattern(axes, peaks, at, ~kept, "linear", lost_name=None)
    top = axes.get_ylim()[1]
    axes.vlines(at, 1.02 * top, 1.1 * top, color=np.where(kept, FOUND, LOST), lw=1.2)
    axes.set(xlabel=_axis(peaks), ylim=(None, 1.12 * top))
    return fig


def fit(result, rank=1):
    """Fit a cell to the whole pattern of a result.

    Returns
    -------
    ddi.index.profile.Fit

    Raises
    ------
    DDIError
        Without a pattern, or where too little of it is left.
    """
    peaks = result.peaks
    if peaks.pattern is None:
        raise DDIError("only a measured pattern can be fitted; index the pattern, not its peaks")
    if rank <= len(result.fits) and result.fits[rank - 1] is not None:
        return result.fits[rank - 1]
    row = result.cells.iloc[rank - 1]
    prepared = profile.pattern_of(peaks)
    x = lattice.cell_to_x(cell_of(row))
    return profile.fit(prepared, peaks.wavelength, row.bravais, x, row.zero_shift)


def _draw_fit(axes, peaks, fitted, scale):
    """The calculated pattern on the background that was taken off, the difference below."""
    at = fitted.two_theta
    measured = np.interp(at, *peaks.pattern)
    calculated = _scaled(measured - fitted.difference, scale)
    axes.plot(at, calculated, color=FOUND, lw=0.6, label=f"fit, Rwp = {fitted.rwp:.3f}")
    difference = _scaled(measured, scale) - calculated
    below = _scaled(peaks.pattern[1], scale).min() - 1.1 * difference.max()
    axes.plot(at, difference + below, color=FAINT, lw=0.5, label="difference")
    axes.autoscale(axis="y")


def _draw_indices(axes, peaks, lines, scale):
    """Indices at the strong lines that the cell explains."""
    at = positions(peaks)
    curve = None
    strength = heights(peaks)
    height = _scaled(strength, scale)
    if peaks.pattern is not None:
        curve = np.array(peaks.pattern[0]), _scaled(peaks.pattern[1], scale)
        height = np.interp(at, *curve)
    found = lines.indexed.to_numpy()
    hkl = lines[["h", "k", "l"]].to_numpy()
    labels.write(axes, at[found], height[found], hkl[found], strength[found], curve)


def _heading(result, rank):
    """What was read and which cell is drawn: a figure leaves the folder it was made in."""
    said = [result.peaks.source]
    if len(result.cells):
        row = result.cells.iloc[rank - 1]
        words = cell_in_words(row).replace(" A^3", " Å³").replace(" A,", " Å,").replace(" deg", "°")
        said.append(words.replace(", alpha", ",\nalpha"))
    if result.peaks.wavelength:
        said.append(f"wavelength {result.peaks.wavelength:g} Å")
    return "\n".join(said)


def _axis(peaks):
    """What `positions` are, with their unit."""
    return "2θ / °" if peaks.wavelength else "q² / Å⁻²"


def _scaled(intensity, scale):
    """Intensities as they are drawn, on a scale as in `draw`."""
    return np.array(intensity) if scale == "linear" else np.sqrt(np.maximum(intensity, 0))


def _others(cells, rank, n):
    """The rows whose lines are drawn: the cell itself, its first relative, and the heads of other
    families.
    """
    shown = fold(cells, len(cells), len(cells))
    if not len(shown):
        return []
    here = shown["rank"] == rank
    own = shown.family == cells.family.iloc[rank - 1]
    relatives = np.flatnonzero(own & ~here)
    rivals = np.flatnonzero(~own & (shown.relation == ""))
    chosen = [*np.flatnonzero(here), *[*relatives[:1], *rivals][:n]]
    return [shown.iloc[k] for k in chosen]


def _draw_ticks(axes, result, rows, lost):
    peaks = result.peaks
    axes.vlines(positions(peaks), 0.15, 0.85, color=np.where(lost, LOST, "#000000"), lw=0.8)
    for k, row in enumerate(rows, 1):
        calculated, _ = calculated_lines(cell_of(row), row.bravais, peaks.q2.max() * 1.01)
        moved = without_shift(calculated, nominal(peaks), -float(row.zero_shift))
        at = positions(peaks, moved)
        colour, width = (FOUND, 0.8) if k == 1 else (FAINT, 0.5)
        axes.vlines(at, 0.15 - k, 0.85 - k, color=colour, lw=width)
    names = [
        f"{row['rank']}: {row.bravais} {row.relation}".rstrip() + f", p = {row.probability:.2f}"
        for row in rows
    ]
    axes.set(
        yticks=[0.5 - k for k in range(len(rows) + 1)],
        yticklabels=["observed", *names],
        ylim=(-len(rows) - 0.1, 1.1),
    )


def _draw_residuals(axes, peaks, lines, lost):
    by_angle = peaks.wavelength is not None
    at = positions(peaks)
    miss = (lines.two_theta_diff if by_angle else lines.d_diff).to_numpy()
    axes.axhline(0, color="#999999", lw=0.6)
    axes.scatter(at[~lost], miss[~lost], s=9, color=FOUND)
    span = 1.3 * max(np.abs(miss[~lost]).max() if (~lost).any() else 0, 0.01 if by_angle else 1e-4)
    axes.scatter(at[lost], np.clip(miss[lost], -span, span), s=16, color=LOST, marker="x")
    axes.set_ylim(-1.1 * span, 1.1 * span)


def _draw_pattern(axes, peaks, at, lost, scale, lost_name="not indexed"):
    if peaks.pattern is not None:
        angles, counts = peaks.pattern
        axes.plot(angles, _scaled(counts, scale), color=GREY, lw=0.5, label="measured")
        height = _scaled(np.interp(at, angles, counts), scale)
        axes.set_xlim(peaks.pattern[0][0], min(at[-1] + 3, peaks.pattern[0][-1]))
    else:
        height = _scaled(heights(peaks), scale)
        axes.vlines(at, 0, height, color=np.where(lost, LOST, GREY), lw=0.9)
    name = lost_name if lost.any() else None
    axes.scatter(at[lost], height[lost], marker="v", s=14, color=LOST, label=name, zorder=3)
    measured = peaks.pattern is not None or peaks.intensity is not None
    name = "intensity" if scale == "linear" else "√ intensity"
    axes.set(ylabel=name if measured else "", yticks=[])
    axes.set_ylim(bottom=0 if peaks.pattern is None else None)
