"""Figures of indexer and generators on measured patterns (10_rruff_eval)."""

import numpy as np
import pandas as pd

from ddi.base.figure import DOUBLE, SINGLE, figure
from ddi.forward import lattice
from ddi.index.comparison import heights
from ddi.study import failures
from ddi.study.eval_indexing import primitive_volume
from ddi.study.figures import GENERATOR_COLOURS, GENERATOR_MARKERS

_BLUE, _RED, _GREY = "#004488", "#BB5566", "#999999"  # lattice unknown, known, in the first ten


def _bars(rows, column):
    low, high = rows[f"{column}_low"], rows[f"{column}_high"]
    bars = np.array([rows[column] - low, high - rows[column]])
    return 100 * bars.clip(0)  # roundoff where all or none are right


def generators(by_lattice, pooled, order, what):
    """Draw the share in the first ten by Bravais lattice, and over all beside the controls."""
    fig, (left, right) = figure(DOUBLE, 0.36 * DOUBLE, ncols=2, width_ratios=[3, 1.4])
    shown = [symbol for symbol in order if symbol in set(by_lattice.bravais)]
    learnt = [name for name in pooled.generator if name in set(by_lattice.generator)]
    for k, name in enumerate(learnt):
        rows = by_lattice[by_lattice.generator == name]
        x = rows.bravais.map(shown.index) + 0.18 * (k - 1.5)
        style = {"marker": GENERATOR_MARKERS[name], "color": GENERATOR_COLOURS[name], "lw": 0.7}
        left.errorbar(x, 100 * rows.ten, _bars(rows, "ten"), ls="", label=name, **style)
    _lattice_axis(left, by_lattice, shown, f"fair {what}")
    left.set_ylabel("right cell in the first ten / %")
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    for column, fill, shift in (("first", "none", -0.15), ("ten", "full", 0.15)):
        for k, row in pooled.iterrows():
            name = row.generator
            style = {"marker": GENERATOR_MARKERS[name], "color": GENERATOR_COLOURS[name]}
            bars = _bars(
                row.to_frame().T.astype({c: float for c in pooled if c[:3] in ("fir", "ten")}),
                column,
            )
            right.errorbar(100 * row[column], k + shift, xerr=bars, fillstyle=fill, lw=0.7, **style)
    right.set(yticks=range(len(pooled)), yticklabels=pooled.generator, xlim=(0, 102))
    right.set(xlabel="first (above), first ten (below) / %")
    right.invert_yaxis()
    return fig, by_lattice


def _lattice_axis(axis, rows, shown, what):
    counts = rows.drop_duplicates("bravais").set_index("bravais").n
    labels = [f"{symbol}\n{counts.get(symbol, 0)}" for symbol in shown]
    axis.set(xticks=range(len(shown)), xticklabels=labels, ylim=(-5, 105))
    axis.set_xlabel(f"Bravais lattice and number of patterns ({what})")


def indexer(indexed, order, what):
    """Draw the indexer's success by Bravais lattice, lattice unknown and known."""
    fig, axes = figure(DOUBLE, 0.33 * DOUBLE)
    order = [symbol for symbol in order if (indexed.bravais == symbol).any()]
    for name, shift, colour in (("known", -0.1, _RED), ("unknown", 0.1, _BLUE)):
        rows = indexed[indexed.lattice == name]
        x = rows.bravais.map(order.index) + shift
        label = f"lattice {name}"
        style = {"ls": "", "color": colour, "lw": 0.7}
        bars = _bars(rows, "first")
        axes.errorbar(x, 100 * rows["first"], bars, marker="o", label=f"{label}, first", **style)
        axes.plot(x, 100 * rows.ten, marker="_", ms=9, label=f"{label}, first ten", **style)
    _lattice_axis(axes, indexed, order, f"fair {what}")
    axes.set_ylabel("share of patterns / %")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return fig, indexed


def confusion(outcomes, what):
    """Draw the Bravais lattice of the first cell against the true one, in numbers of patterns."""
    symbols = [s for s in lattice.BRAVAIS if s in {*outcomes.bravais, *outcomes.found}]
    counts = pd.crosstab(outcomes.bravais, outcomes.found)
    counts = counts.reindex(index=symbols, columns=symbols, fill_value=0)
    fig, axes = figure(SINGLE, SINGLE)
    share = counts / counts.sum(axis=1).clip(lower=1).to_numpy()[:, None]
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.4)
    for (i, j), n in np.ndenumerate(counts.to_numpy()):
        if n:
            axes.text(j, i, n, ha="center", va="center", fontsize=7)
    axes.set(xticks=range(len(symbols)), yticks=range(len(symbols)))
    axes.set(xticklabels=symbols, yticklabels=symbols)
    axes.set(xlabel="Bravais lattice of the first cell", ylabel=f"true one ({what})")
    return fig, counts.reset_index()


def residuals(outcomes, picked):
    """Draw how far right first cells are from the known ones: volume, and zero shift."""
    right = outcomes[outcomes["rank"] == 1].merge(picked[["id", "zero_shift"]], on="id",
                                                  suffixes=("", "_true"))  # fmt: skip
    cells = right[["a", "b", "c", "alpha", "beta", "gamma"]].to_numpy(float)
    centrings = [lattice.BRAVAIS[symbol][1] for symbol in right.found]
    volume = [primitive_volume(cell, centring) for cell, centring in zip(cells, centrings)]
    right = right.assign(error=100 * (np.array(volume) / right.true_volume - 1))
    right["shift_error"] = right.zero_shift - right.zero_shift_true
    fig, axes = figure(DOUBLE, 0.32 * DOUBLE, ncols=2, sharey=True)
    labels = {"error": "error of the volume / %", "shift_error": "fitted less true zero shift / °"}
    for axis, (column, label), end in zip(axes, labels.items(), (0.5, 0.05)):
        edges = np.linspace(-end, end, 41)
        axis.hist(right[column].clip(-end, end), edges, color=_BLUE, alpha=0.7)
        axis.set(xlabel=f"{label} (beyond: last bin)", xlim=(-end, end))
    axes[0].set_ylabel(f"patterns (of {len(right)})")
    return fig, right[["id", "bravais", "error", "shift_error"]]


def robust(by_change, n):
    """Draw success against number of peaks, zero shift added, and spurious peaks put in."""
    fig, axes = figure(DOUBLE, 0.3 * DOUBLE, ncols=3, sharey=True)
    labels = {"peaks": "number of peaks", "zero shift": "zero shift added / °"}
    labels["spurious"] = "spurious peaks put in"
    for axis, (change, label) in zip(axes, labels.items()):
        rows = by_change[by_change.change == change]
        at = rows.value.astype(float)
        # so that neither series hides the other's bars
        apart = 0.008 * np.ptp(at) if len(at) else 0
        for column, colour, style, side in (("first", _BLUE, "o-", -1), ("ten", _GREY, "s--", 1)):
            name = {"first": "first", "ten": "in the first ten"}[column]
            look = {"fmt": style, "color": colour, "lw": 0.8, "label": name}
            axis.errorbar(at + side * apart, 100 * rows[column], _bars(rows, column), **look)
        axis.set(xlabel=label, ylim=(-3, 105))
    axes[0].set_ylabel(f"share of {n} patterns / %")
    axes[0].legend(loc="lower right")
    return fig, by_change


def trust(bins, timed, what, n_jobs):
    """Draw right first cells against their probability, with Wilson intervals and the number of
    patterns, and the share of patterns that are indexed within a time.
    """
    fig, (left, right) = figure(DOUBLE, 0.38 * DOUBLE, ncols=2)
    left.plot([0, 1], [0, 1], color=_GREY, lw=0.7)
    ends = _bars(bins, "right") / 100
    left.errorbar(bins.p, bins.right, ends, fmt="o-", ms=4, elinewidth=0.8, color=_BLUE)
    for k, row in enumerate(bins.itertuples(), 1):
        side = (-5, 2, "right") if row.p > 0.1 else (4, 4, "left")  # away from axis and curve
        x, y, align = (0, 5, "center") if k == len(bins) else side
        place = {"xytext": (x, y), "textcoords": "offset points", "ha": align, "fontsize": 7}
        left.annotate(row.n, (row.p, row.right), **place)
    left.set(xlabel="probability of the first cell", ylabel=f"share right ({what})")
    left.set(xlim=(-0.03, 1.05), ylim=(-0.03, 1.05))
    steps = [0, *np.sort(timed.seconds)], np.linspace(0, 1, len(timed) + 1)
    right.step(*steps, where="post", color=_BLUE)
    middle = timed.seconds.median()
    right.axvline(middle, color=_GREY, lw=0.7, ls=":", label=f"median, {middle:.1f} s")
    right.legend(loc="lower right")
    right.set(xlabel=f"time a pattern / s, all lattices, {n_jobs} threads")
    right.set(ylabel=f"share of {len(timed)} patterns", xlim=(0, None), ylim=(0, 1.02))
    times = timed[["id", "bravais", "seconds"]].assign(bin="time")
    return fig, pd.concat([bins, times], ignore_index=True)


def failed(fair, rows, n=10):
    """Draw up to n failures, at least one of each kind."""
    turn = rows.groupby("cause").cumcount()
    shown = rows.assign(turn=turn).sort_values(["turn", "cause", "id"]).head(n)
    return failures.draw(fair, shown.to_dict("records")) if len(shown) else None


def example(cases, outcomes):
    """Return a case that shows a measured pattern indexed well: of the orthorhombic and monoclinic
    ones whose right cell is first and surer than 0.9, one with the fewest foreign peaks and, of
    these, the least noise.
    """
    right = outcomes[(outcomes["rank"] == 1) & outcomes.fair & (outcomes.lattice == "unknown")]
    low = right[right.bravais.str[0].isin(["o", "m"]) & (right.probability > 0.9)]
    ids = set((low if len(low) else right).id)
    chosen = [case for case in cases if case.id in ids]
    return min(chosen, key=lambda case: (case.n_missed, _noise(case), case.id))


def _noise(case):
    """Median step between neighbouring counts over the median height of the peaks; 0 without a
    pattern.
    """
    if case.peaks.pattern is None:
        return 0.0
    counts = np.asarray(case.peaks.pattern[1])
    return float(np.median(np.abs(np.diff(counts))) / np.median(heights(case.peaks)))
