"""What people see of a result: the table on the terminal, folded by families of lattices, and the
figure.
"""

from fractions import Fraction

import numpy as np

from ddi.forward import lattice
from ddi.forward.bragg import two_theta

WIDE = 136  # characters that the table needs
# `ddi.index.ranking.families` relates the first ten cells only; what comes later is no family of
# its own
RELATED = 10
LOST = "#D40000"
FOUND = "#0072B2"
GREY = "#555555"
_HEADINGS = [
    "#",
    "prob.",
    "lattice",
    "a,b,c/Å;α,β,γ/°",
    "V/Å³",
    "M20",
    "F20",
    "indexed",
    "zero/°",
    "extinction",
]


def fold(cells, n_families=5, n_relatives=4):
    """Gather cells by families: the best of each, in their order, and below it its sub- and
    supercells.

    Parameters
    ----------
    cells : DataFrame
        `ddi.index.result.Result.cells`, best first.
    n_families, n_relatives : int
        Families shown, and relatives shown of each.

    Returns
    -------
    DataFrame
        The rows of `cells` that are shown, with relation ("" for the head of a family, else the
        volume of the primitive cell over the head's, such as "×2" or "×1/3"), members (of the whole
        family) and together (the sum of their probabilities).
    """
    points = cells.bravais.map(lambda symbol: lattice.POINTS[lattice.BRAVAIS[symbol][1]])
    primitive = (cells.volume / points).astype(float)
    ratio = (
        primitive / primitive.to_numpy()[cells.family.to_numpy(dtype=int) - 1]
        if len(cells)
        else primitive
    )
    family = cells.groupby("family")
    shown = cells.assign(
        relation=np.where(cells["rank"] == cells.family, "", [_relation(value) for value in ratio]),
        members=family["rank"].transform("size"),
        together=family["probability"].transform("sum"),
    )
    heads = shown.family[shown.family <= RELATED].drop_duplicates().head(n_families)
    shown = shown[shown.family.isin(heads) & (family.cumcount() <= n_relatives)]
    return shown.sort_values(["family", "rank"], ignore_index=True)


def _relation(ratio):
    """A ratio of volumes as a simple fraction: two sublattices of one lattice may stand as 3 to 2."""
    return f"×{Fraction(float(ratio)).limit_denominator(4)}"


def table(result, n_families=5, n_relatives=4):
    """Return the folded cells as a `rich.table.Table`: heads of families in bold, relatives
    indented below them.
    """
    from rich import box
    from rich.table import Table

    shown = fold(result.cells, n_families, n_relatives)
    grid = Table(
        title=result.peaks.source,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
    )
    for heading in _HEADINGS:
        grid.add_column(
            heading.replace(";", "  "),
            justify="left" if heading in ("lattice", "extinction") else "right",
            no_wrap=True,
        )
    for _, rows in shown.groupby("family", sort=False):
        for _, row in rows.iterrows():
            grid.add_row(*_texts(row), style="bold" if not row.relation else "dim")
        hidden = rows.members.iloc[0] - len(rows)
        if hidden:
            grid.add_row("", "", f" └ {hidden} more", style="dim")
    return grid


def _texts(row):
    cell = "".join(f"{row[name]:8.4f}" for name in "abc") + "".join(
        f"{row[name]:7.2f}" for name in ("alpha", "beta", "gamma")
    )
    figures = [
        f"{row.volume:.1f}",
        f"{row.M20:.1f}",
        "-" if np.isnan(row.F20) else f"{row.F20:.1f}",
        f"{row.n_indexed}/{row.n_peaks}",
        f"{row.zero_shift:+.3f}",
    ]
    name = f" └ {row.bravais} {row.relation}" if row.relation else row.bravais
    return [
        str(row["rank"]),
        f"{row.probability:.2f}",
        name,
        cell.strip(),
        *figures,
        row.extinction_symbols.split(";")[0],
    ]


def draw(result, rank=1, n_others=2):
    """Return the figure: the pattern, lines of the cell and of its nearest alternatives, residuals,
    peaks without a line in red.

    Parameters
    ----------
    result : ddi.index.result.Result
    rank : int
        Of the cell whose residuals are drawn.
    n_others : int
        How many other cells' lines are drawn below: its first relative, then the heads of other
        families.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from ddi.base.figure import DOUBLE, figure

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
    _draw_pattern(top, peaks, _positions(peaks, peaks.q2), lost)
    _draw_ticks(ticks, result, rows, lost)
    if lines is not None:
        _draw_residuals(rest, peaks, lines, lost)
    by_angle = peaks.wavelength is not None
    rest.set(
        xlabel="2θ / °" if by_angle else "q² / Å⁻²", ylabel="Δ2θ / °" if by_angle else "Δd / Å"
    )
    return fig


def _positions(peaks, q2):
    """Where q2 stands on the figure's axis: 2theta in degrees if the wavelength is known."""
    return two_theta(q2, peaks.wavelength) if peaks.wavelength else np.asarray(q2)


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
    from ddi.index.result import calculated_lines, cell_of

    peaks = result.peaks
    axes.vlines(
        _positions(peaks, peaks.q2), 0.15, 0.85, color=np.where(lost, LOST, "#000000"), lw=0.8
    )
    for k, row in enumerate(rows, 1):
        shift = float(row.zero_shift) if peaks.wavelength else 0.0
        calculated, _ = calculated_lines(cell_of(row), row.bravais, peaks.q2.max() * 1.01)
        axes.vlines(
            _positions(peaks, calculated) + shift,
            0.15 - k,
            0.85 - k,
            color=FOUND if k == 1 else "#8A8A8A",
            lw=0.8 if k == 1 else 0.5,
        )
    names = [
        f"{row['rank']}: {row.bravais}{' ' + row.relation if row.relation else ''}, p = {row.probability:.2f}"
        for row in rows
    ]
    axes.set(
        yticks=[0.5 - k for k in range(len(rows) + 1)],
        yticklabels=["observed", *names],
        ylim=(-len(rows) - 0.1, 1.1),
    )


def _draw_residuals(axes, peaks, lines, lost):
    by_angle = peaks.wavelength is not None
    at = _positions(peaks, peaks.q2)
    miss = (lines.two_theta_diff if by_angle else lines.d_diff).to_numpy()
    axes.axhline(0, color="#999999", lw=0.6)
    axes.scatter(at[~lost], miss[~lost], s=9, color=FOUND)
    span = 1.3 * max(np.abs(miss[~lost]).max() if (~lost).any() else 0, 0.01 if by_angle else 1e-4)
    axes.scatter(at[lost], np.clip(miss[lost], -span, span), s=16, color=LOST, marker="x")
    axes.set_ylim(-1.1 * span, 1.1 * span)


def _draw_pattern(axes, peaks, at, lost):
    if peaks.pattern is not None:
        axes.plot(*peaks.pattern, color=GREY, lw=0.5)
        height = np.interp(at, *peaks.pattern)
        axes.set_xlim(peaks.pattern[0][0], min(at[-1] + 3, peaks.pattern[0][-1]))
    else:
        height = np.ones(len(at)) if peaks.intensity is None else peaks.intensity
        axes.vlines(at, 0, height, color=np.where(lost, LOST, GREY), lw=0.9)
    axes.scatter(
        at[lost], height[lost], marker="v", s=14, color=LOST, label="not indexed", zorder=3
    )
    if lost.any():
        axes.legend(loc="upper right")
    axes.set(
        ylabel="intensity" if peaks.pattern is not None or peaks.intensity is not None else "",
        yticks=[],
    )
    axes.set_ylim(bottom=0 if peaks.pattern is None else None)
