"""Figures of the generators side by side, and the numbers quoted of them (07_rf_vs_nn)."""

import numpy as np
import pandas as pd
import seaborn as sns

from ddi.base.figure import DOUBLE, figure
from ddi.base.stats import rate
from ddi.forward import lattice
from ddi.models.generator import CONTROLS
from ddi.study.compare_generators import MACROS, ORDER, intervals, label
from ddi.study.eval_generators import reliability
from ddi.study.figures import GENERATOR_COLOURS, GENERATOR_MARKERS, SYSTEM_COLOURS, colours_of


def dots(rows, tolerance):
    """Draw the rate of every generator in every system with its interval; controls are grey."""
    systems = [system for system in lattice.SYSTEMS if system in set(rows["system"])]
    names = [name for name in ORDER if name in set(rows["generator"])]
    colours = colours_of(names)
    fig, axes = figure(DOUBLE, 0.62 * DOUBLE, nrows=2, ncols=4, sharex=True, sharey=True)
    for axis, system in zip(axes.flat, systems):
        mine = rows[rows["system"] == system].set_index("generator")
        for place, name in enumerate(names):
            if name in mine.index:
                row = 100 * mine.loc[name, ["rate", "low", "high"]].astype(float)
                axis.plot(row[["low", "high"]], [place, place], color=colours[name], lw=1)
                face = colours[name] if name not in CONTROLS else "white"
                style = {"color": colours[name], "mfc": face, "ms": 4}
                axis.plot(row["rate"], place, GENERATOR_MARKERS[name.split(",")[0]], **style)
        axis.axhspan(len(names) - len(CONTROLS) - 0.5, len(names) - 0.5, color="0.95", zorder=0)
        axis.text(0.97, 1.01, f"{system}, n = {mine['patterns'].iloc[0]}", ha="right",
                  va="bottom", transform=axis.transAxes, fontsize=7)  # fmt: skip
        axis.set(yticks=range(len(names)), yticklabels=[label(name) for name in names])
        axis.set(xlim=(-3, 103), ylim=(len(names) - 0.5, -0.5))
    for axis in axes.flat[len(systems) :]:
        axis.axis("off")
    n = rows["n"].iloc[0] if len(rows) else 30
    fig.supxlabel(f"best of {n} within {100 * tolerance:.0f} % / % of patterns", fontsize=8)
    return fig, rows


def curves(table, tolerance):
    """Draw best of n against n."""
    systems = [system for system in lattice.SYSTEMS if system in set(table["system"])]
    rows = table[table["tolerance"] == tolerance]
    fig, axes = figure(DOUBLE, 0.52 * DOUBLE, nrows=2, ncols=4, sharex=True, sharey=True)
    for axis, system in zip(axes.flat, systems):
        for name, curve in rows[rows["system"] == system].groupby("generator", sort=False):
            base = name.split(",")[0]
            style = {"color": GENERATOR_COLOURS[base], "ls": "-" if name == base else "--"}
            axis.plot(curve["n"], 100 * curve["rate"], label=label(name), **style)
        axis.text(0.04, 0.96, system, transform=axis.transAxes, va="top")
    for axis in axes.flat[len(systems) :]:
        axis.axis("off")
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", fontsize=6)
    axes[0, 0].set(xscale="log", ylim=(0, 112))
    fig.supxlabel("cells tried for a pattern, n", fontsize=8)
    fig.supylabel(f"best of n within {100 * tolerance:.0f} % / % of patterns", fontsize=8)
    return fig, table


def calibration(scores):
    """Draw how often the truth falls into an interval, and the histogram of the probability that
    the predicted distribution has below it (PIT): flat where the distributions are right.
    """
    fig, (left, right) = figure(DOUBLE, 0.38 * DOUBLE, ncols=2)
    lines = []
    first = scores[scores["generator"] == scores["generator"].iloc[0]]
    for system, part in first.groupby("system", sort=False):
        line = reliability(part["below"]).assign(system=system)
        left.plot(line["nominal"], line["observed"], color=SYSTEM_COLOURS[system], label=system)
        lines.append(line)
    left.plot([0, 1], [0, 1], color="0.7", lw=0.6)
    left.set(xlabel="nominal level of the central interval", ylabel="share of truths inside")
    left.set(xlim=(0, 1), ylim=(0, 1.01))
    left.legend()
    edges = np.linspace(0, 1, 21)
    for name, part in scores.groupby("generator", sort=False):
        style = {"density": True, "histtype": "stepfilled", "alpha": 0.5, "label": label(name)}
        right.hist(part["below"], edges, color=GENERATOR_COLOURS[name], **style)
    right.legend()
    right.axhline(1, color="0.4", lw=0.8)
    right.set(xlabel="predicted probability below the truth (PIT)", ylabel="density", xlim=(0, 1))
    return fig, pd.concat(lines)


def parameters(table, limit=100):
    """Draw predicted against true lengths, and the distribution of the relative errors."""
    names = list(dict.fromkeys(table["generator"]))
    fig, axes = figure(DOUBLE, 0.34 * DOUBLE, ncols=len(names) + 1)
    low, high = np.percentile(table["true"], [0.2, 99.8])
    for axis, name in zip(axes, names):
        for system, rows in table[table["generator"] == name].groupby("system", sort=False):
            style = {"ms": 2, "color": SYSTEM_COLOURS[system], "alpha": 0.6, "rasterized": True}
            axis.loglog(rows["true"], rows["predicted"], ".", label=system, **style)
        axis.plot([low, high], [low, high], color="0.4", lw=0.7)
        axis.set(xlabel="true length / Å", ylabel=f"mean of the {name} / Å")
        axis.set(xlim=(low, high), ylim=(low, high))
        axis.minorticks_off()
    axes[0].legend(fontsize=5, markerscale=2)
    sns.histplot(
        table.assign(error=table["error"].clip(-limit, limit)),
        x="error", hue="generator", bins=50, element="step", stat="density", common_norm=False,
        palette={name: GENERATOR_COLOURS[name] for name in names}, ax=axes[-1], legend=True,
    )  # fmt: skip
    axes[-1].set(xlabel="error of a length / % (clipped)", ylabel="density")
    return fig, table


def crossed(table, first, second, tolerance):
    """Draw the best error of one generator against that of another, pattern by pattern."""
    fig, axes = figure(0.55 * DOUBLE, 0.5 * DOUBLE)
    for system, rows in table.groupby("system", sort=False):
        style = {"ms": 2.5, "color": SYSTEM_COLOURS[system], "label": system, "rasterized": True}
        axes.loglog(100 * rows[first], 100 * rows[second], ".", **style)
    for line in (axes.axvline, axes.axhline):
        line(100 * tolerance, color="0.4", lw=0.7)
    axes.axline((1, 1), (10, 10), color="0.7", lw=0.6, ls=":")
    counts = table["solved by"].value_counts()
    spots = {"both": (0.03, 0.03), f"only {label(first)}": (0.03, 0.93)}
    spots |= {f"only {label(second)}": (0.97, 0.03), "neither": (0.97, 0.93)}
    for who, (x, y) in spots.items():
        text = {"ha": "left" if x < 0.5 else "right", "fontsize": 7, "weight": "bold"}
        axes.text(x, y, f"{who}: {counts.get(who, 0)}", transform=axes.transAxes, **text)
    axes.set(xlabel=f"best error of the {label(first)} / %")
    axes.set(ylabel=f"best error of the {label(second)} / %")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig, table


def numbers(rows, gains, crossings, tuned):
    """Return the numbers that 07_rf_vs_nn quotes."""
    totals = rows.groupby("generator")[["k", "patterns"]].sum()
    found = {f"BestOfThirty{MACROS[name]}": rate(int(k), int(n))
             for name, (k, n) in totals.iterrows()}  # fmt: skip
    found |= {f"Best{MACROS[name]}Percent": f"{100 * k / n:.1f}"
              for name, (k, n) in totals.iterrows()}  # fmt: skip
    found["BestPatterns"] = int(totals["patterns"].max())
    for row in gains.set_index("lattice system").itertuples():
        if row.Index in ("orthorhombic", "monoclinic"):
            name = row.Index.title()
            found[f"ShapeGain{name}"] = f"{row.ratio:.1f}"
            found[f"ShapeGain{name}AtLeast"] = f"{row[5]:.1f}"
            found[f"ShapeDrawsGain{name}"] = f"{row[6]:.1f}"
    ready = rows[rows["generator"] == "template_network, shipped"]
    for row in ready.itertuples():
        found[f"TemplateShipped{row.system.title()}"] = rate(int(row.k), int(row.patterns))
    who = crossings["solved by"].value_counts()
    names = {"OverlapBoth": "both", "OnlyForest": "only forest", "OnlyNetwork": "only network"}
    names["NeitherForestNorNetwork"] = "neither"
    found |= {name: int(who.get(key, 0)) for name, key in names.items()}
    return found | _tuned_numbers(tuned)


def grouping_numbers(groups):
    """Return the pooled rates with and without groups: GroupingGrouped, GroupingOneGroup ..."""
    totals = groups.groupby("model")[["k", "n"]].sum()
    return {f"Grouping{model.title().replace(' ', '')}": rate(int(k), int(n))
            for model, (k, n) in totals.iterrows()}  # fmt: skip


def foreign_numbers(missing):
    """Return the gain of mixing in foreign groups with no and with most lines missing:
    ForeignOrthorhombicWholeGain, ForeignOrthorhombicMissingGain ..., and the per cent missing.
    """
    most = missing["missing"].max() if len(missing) else 0
    found = {"ForeignMissing": f"{100 * most:.0f}"}
    for row, gain, change in zip(
        missing.itertuples(),
        intervals(missing, "gain", "low", "high", 100) if len(missing) else (),
        intervals(missing, "change", "change_low", "change_high", 100) if len(missing) else (),
    ):
        if row.missing in (0, most):
            kind = f"Foreign{row.system.title()}{'Missing' if row.missing else 'Whole'}"
            found |= {f"{kind}Gain": gain, f"{kind}Change": change}
    return found


def _tuned_numbers(tuned):
    loose = tuned[tuned["within"] == tuned["within"].max()] if len(tuned) else tuned
    loose = tuned.groupby("lattice system", sort=False).tail(1) if len(tuned) else loose
    texts = intervals(loose, "gain", "from", "to") if len(loose) else ()
    return {f"TunedGain{s.title()}": text for s, text in zip(loose["lattice system"], texts)}
