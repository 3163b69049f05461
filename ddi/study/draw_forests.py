"""Figures and tables of the forests and the scale-free generator: which peaks they look at, what
stands in a leaf, and what dividing by the scale does (06_random_forest).
"""

import numpy as np
import pandas as pd
import seaborn as sns

from ddi.base.figure import DOUBLE, figure
from ddi.data import dataset
from ddi.forward import lattice
from ddi.models import generator
from ddi.models.cells import cell_matrix, free_parameters, pattern_matrix, usable_cells
from ddi.models.forest import Forest
from ddi.study import ablation
from ddi.study.compare_generators import label as named
from ddi.study.eval_generators import best_of_n
from ddi.study.figures import GENERATOR_COLOURS, SYSTEM_COLOURS


def own_group_rate(model, held, system):
    """Return k and n: held-out entries of whose own group the best of thirty is within 10 %."""
    parts = [
        (
            model.sample(pattern_matrix(rows, system), 30, groups=[name]),
            usable_cells(rows, system),
        )
        for name, rows in held.groupby("group")
    ]
    cells, true = (np.concatenate(part) for part in zip(*parts))
    return best_of_n(cells, true, tolerances=[0.10], counts=[30]).iloc[0]


def small_groups(study, systems, seed):
    """Compare the sizes as written with those for small groups on held-out training families."""
    rows = []
    for system in systems:
        frame = ablation.with_families(study, dataset.training(study, system))
        if len(frame) <= 20:
            continue
        train, held = ablation.hold_out(frame, 0.2, np.random.default_rng(seed))
        held = held[held["group"].isin(train["group"])]
        for label, least in (("as written", 0), ("at least 100 rows a tree", 100)):
            if len(held):
                forest = Forest(min_rows=least).fit(train, system=system, seed=seed)
                rate = own_group_rate(forest, held, system)
                row = (100 * rate.rate, 100 * rate.low, 100 * rate.high, int(rate.patterns))
                rows.append((system, label, *row))
    columns = ["lattice system", "sizes", "within 10 % / %", "from / %", "to / %", "entries"]
    return pd.DataFrame(rows, columns=columns)


def importance(trees, n_peaks):
    """Return how much each peak decides: nodes that compare it, each counted by the share of
    paths that come by (a half a level down).
    """
    weight = np.zeros(len(trees.feature))
    weight[trees.root] = 1
    level = trees.root
    while len(level := level[trees.feature[level] >= 0]):
        for side in (trees.left, trees.right):
            weight[side[level]] = weight[level] / 2
        level = np.concatenate([trees.left[level], trees.right[level]])
    inner = trees.feature >= 0
    counts = np.bincount(trees.feature[inner], weights=weight[inner], minlength=n_peaks)
    return counts / max(counts.sum(), 1e-12)


def peaks_that_matter(study, systems):
    """Draw how much each peak decides in the largest group's forest, and in the scale-free one."""
    fig, axes = figure(DOUBLE, 0.34 * DOUBLE, ncols=2, sharey=True)
    drawn = []
    for system in systems:
        n = lattice.N_PEAKS[system]
        forest = generator.load(study, "forest", system)
        largest = max(forest.groups, key=lambda group: group.n_entries)
        shape = generator.load(study, "shape", system)
        for axis, trees in zip(axes, (forest.trees[largest.name], shape.trees)):
            share = importance(trees, n)
            style = {"ms": 2.5, "color": SYSTEM_COLOURS[system], "label": system}
            axis.plot(range(1, n + 1), share, "o-", lw=0.8, **style)
            name = "forest" if axis is axes[0] else "shape"
            columns = {"generator": name, "system": system, "peak": range(1, n + 1)}
            drawn.append(pd.DataFrame(columns | {"share": share}))
    axes[0].set(xlabel="peak, forest of the largest group", ylabel="share of the decisions")
    axes[1].set(xlabel="peak over the mean of all, scale-free generator")
    axes[1].legend()
    for axis in axes:
        axis.set_xticks([1, 5, 10, 15, 20])
    return fig, pd.concat(drawn)


def leaf_members(study, system, n=3):
    """Draw, for a few test patterns, the training shapes in the leaves they reach, their mean, and
    the truth.
    """
    model = generator.load(study, "shape", system)
    test = dataset.test(study, system)
    picked = test.iloc[np.linspace(0, len(test) - 1, min(n, len(test))).astype(int)]
    fig, axes = figure(DOUBLE, 0.34 * DOUBLE, ncols=len(picked), sharex=True, sharey=True)
    axes = np.atleast_1d(axes)
    other = model.donors.shape[1] - 1
    drawn = []
    for axis, (_, row) in zip(axes, picked.iterrows()):
        frame = pd.DataFrame([row])
        q2 = pattern_matrix(frame, system)
        true = free_parameters(usable_cells(frame, system), system, 1 if "mon" in system else -1)
        true = model._shapes(lattice.full_cell(true, system), q2.mean(axis=1))[0]
        leaves = model.trees.apply(q2 / q2.mean(axis=1)[:, None])[0]
        inside = [model.members[model.start[k] : model.start[k] + model.count[k]] for k in leaves]
        members = model.donors[np.unique(np.concatenate(inside))]
        axis.plot(*model.donors[:, [0, other]].T, ".", ms=1, color="0.85", rasterized=True)
        colour = GENERATOR_COLOURS["shape"]
        axis.plot(*members[:, [0, other]].T, ".", ms=2, color=colour, label="members")
        axis.plot(*members[:, [0, other]].mean(axis=0), "kx", label="their mean")
        axis.plot(true[0], true[other], "k+", ms=9, label="truth")
        axis.set(xlabel=f"first length × √s, {row['identifier']}")
        axis.xaxis.label.set_size(6)
        part = pd.DataFrame(members[:, [0, other]], columns=["first", "last"])
        drawn.append(part.assign(identifier=row["identifier"]))
    axes[0].set(xlim=np.percentile(model.donors[:, 0], [0, 99]))
    axes[0].set(ylim=np.percentile(model.donors[:, other], [0, 99]))
    axes[0].set_ylabel(
        "last parameter" + (" × √s" if other < 3 and not model._angles[-1] else " / °")
    )
    axes[0].legend()
    return fig, pd.concat(drawn)


def spread(study, systems):
    """Return cell volumes of real training entries before and after division by the scale."""
    parts = []
    for system in systems:
        frame = dataset.training(study, system)
        frame = frame[~frame["augmented"]]
        if len(frame) >= 10:
            volume = lattice.volume(cell_matrix(frame))
            scale = pattern_matrix(frame, system).mean(axis=1)
            columns = {"system": system, "volume": volume, "scaled": volume * scale**1.5}
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def scale(values, seed):
    """Draw the distributions of volumes before and after division by the scale."""
    fig, axes = figure(DOUBLE, 0.36 * DOUBLE, ncols=2, sharey=True)
    for axis, column in zip(axes, ("volume", "scaled")):
        style = {"palette": SYSTEM_COLOURS, "legend": column == "scaled", "log_scale": True}
        sns.ecdfplot(values, x=column, hue="system", ax=axis, **style)
    for axis, words in zip(axes, ("cell volume / Å$^3$", "cell volume × $s^{3/2}$")):
        axis.set(xlabel=words)
    axes[0].set_ylabel("share of training entries")
    return fig, values.sample(min(len(values), 2000), random_state=seed)


def numbers(training, values, small):
    """Return the numbers that 06_random_forest quotes."""
    size = training.groupby("generator")["MB"].sum()
    seconds = training.groupby("generator")["seconds"].sum()
    spreads = values.groupby("system")[["volume", "scaled"]].agg(lambda v: np.log(v).std()).median()
    wide = small.pivot_table(index="lattice system", columns="sizes", values="within 10 % / %")
    gain = (
        (wide.get("at least 100 rows a tree", 0) - wide.get("as written", 0)) if len(wide) else []
    )
    return {
        "ForestMegabytes": f"{size.get('forest', np.nan):.1f}",
        "ShapeMegabytes": f"{size.get('shape', np.nan):.1f}",
        "ForestSeconds": f"{seconds.get('forest', np.nan):.0f}",
        "ShapeSeconds": f"{seconds.get('shape', np.nan):.0f}",
        "VolumeLogSpread": f"{spreads['volume']:.2f}",
        "ScaledVolumeLogSpread": f"{spreads['scaled']:.2f}",
        "SpreadTimes": f"{spreads['volume'] / spreads['scaled']:.1f}",
        "SmallGroupGain": f"{np.mean(gain):+.1f}" if len(gain) else "--",
        "SmallGroupWorst": f"{np.min(gain):+.1f}" if len(gain) else "--",
    }


def train_scale_free(study, systems, steps, seed, template_steps=0):
    """Train and save the networks without a scale of each system, the mixture and the template
    network; return their losses, a row a step.
    """
    parts = []
    for system in systems if steps or template_steps else ():
        from ddi.models import synthetic
        from ddi.models.scale_free import ScaleFree
        from ddi.models.template_network import TemplateNetwork

        rows = synthetic.training(study, system)
        kinds = ((ScaleFree, steps), (TemplateNetwork, template_steps))
        for kind, count in kinds if len(rows) else ():
            if count:
                network = kind(steps=count).fit(rows, system=system, seed=seed)
                network.save(generator.path_of(study, network.name, system))
                loss = np.asarray(network.losses, dtype=float)
                columns = {"system": system, "generator": network.name}
                columns |= {"step": np.arange(1, len(loss) + 1), "loss": loss}
                parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def losses(table, n=25):
    """Draw the losses of both networks, the mean of n steps each."""
    names = list(table["generator"].unique())
    fig, axes = figure(DOUBLE, 0.36 * DOUBLE, ncols=len(names), squeeze=False)
    mean = table.assign(step=n * ((table["step"] - 1) // n) + n)
    keys = ["generator", "system", "step"]
    mean = mean.groupby(keys, sort=False)["loss"].mean().reset_index()
    for axis, name in zip(axes[0], names):
        for system, rows in mean[mean["generator"] == name].groupby("system", sort=False):
            axis.plot(rows["step"], rows["loss"], color=SYSTEM_COLOURS[system], label=system)
        axis.set(xlabel="gradient steps", ylabel=f"loss of the {named(name)}")
    axes[0, -1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig, mean
