"""Figures and tables of augmentation: scales, perturbed cells, lines seen (04_augment)."""

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from ddi.base.figure import DOUBLE, figure
from ddi.data import dataset, perturb, resample
from ddi.data.scaling import CellScaler, Q2Scaler
from ddi.forward import lattice
from ddi.study import eval_augment
from ddi.study.figures import SYSTEM_COLOURS

LABELS = {
    "separation": r"$\Delta q^2$ / Å$^{-2}$",
    "last peak": r"last peak read / Å$^{-2}$",
    "volume": r"$V$ / Å$^3$",
}
STYLES = {
    "real": ("0.75", "-", 2.4),
    "resampled": ("#0072B2", "--", 0.9),
    "augmented": ("#D55E00", "-", 0.9),
}
CENTRES = np.sqrt(resample.EDGES[:-1] * resample.EDGES[1:])


def free_cells(rows, system):
    """Return the free parameters of training cells, the unique axis along b."""
    placed = perturb.b_placed(np.array(rows["cell"].tolist()), rows["unique_axis"])
    return lattice.free_cell(placed, system)


def scales_table(train):
    """Return the means and standard deviations that scale the models' inputs and outputs."""
    rows = []
    for system, frame in train.items():
        peaks = Q2Scaler.fit(dataset.stack(frame["q2_2"], lattice.N_PEAKS[system]))
        cell = CellScaler.fit(free_cells(frame, system), system)
        angle = np.degrees(cell.angle_std) if cell.is_angle.any() else np.nan
        row = (peaks.mean, peaks.std, cell.length_mean, cell.length_std, angle)
        rows.append((system, len(frame), *row))
    names = ["lattice system", "entries", "mean q² / Å⁻²", "spread of q² / Å⁻²", "mean length / Å"]
    return pd.DataFrame(rows, columns=[*names, "spread of lengths / Å", "spread of angles / °"])


def counts_table(made):
    """Return training entries, children asked for and made, and how."""
    rows = [
        {
            "lattice system": system,
            "real": int((~rows["augmented"]).sum()),
            "children asked": fitted["asked"],
            "children made": int(rows["augmented"].sum()),
            "parents": rows.loc[rows["augmented"], "parent"].nunique(),
            "level": fitted["level"],
            "perturbation": fitted["perturbation"].method,
        }
        for system, (rows, fitted) in made.items()
    ]
    return pd.DataFrame(rows)


def perturbations(train, seed, n=300):
    """Draw three perturbations of one crystal over the training entries of its lattice system."""
    few = [s for s in ("tetragonal", "hexagonal", "rhombohedral") if s in train]
    system = (few or list(train))[0]
    free = free_cells(train[system], system)
    parent = free[np.abs(free - np.median(free, axis=0)).sum(axis=1).argmin()]
    rng = np.random.default_rng(seed)
    draws = {
        method: perturb.Perturbation.fit(free, system, method).draw(np.tile(parent, (n, 1)), rng)
        for method in perturb.SPREADS
    }
    names = np.array(["a", "b", "c", "alpha", "beta", "gamma"])[list(lattice.SYSTEM[system].free)]
    fig, axes = figure(DOUBLE, 0.34 * DOUBLE, ncols=3, sharex=True, sharey=True)
    for ax, (method, drawn) in zip(axes, draws.items()):
        style = {"ms": 2, "rasterized": True}
        ax.plot(free[:, 0], free[:, -1], ".", color="0.75", label="training entries", **style)
        colour = SYSTEM_COLOURS[system]
        ax.plot(drawn[:, 0], drawn[:, -1], ".", color=colour, label="perturbed", **style)
        ax.plot(parent[0], parent[-1], "k+", ms=6, label="parent")
        ax.set(xlabel=rf"${names[0]}$ / Å, {system}")
        ax.set(xlim=_middle(free[:, 0]), ylim=_middle(free[:, -1]))
        ax.text(0.97, 0.93, method, transform=ax.transAxes, ha="right")
    handles = axes[0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside upper right", ncols=3, markerscale=1.5)
    unit = " / Å" if names[-1] in "abc" else " / °"
    axes[0].set_ylabel((f"${names[-1]}$" if names[-1] in "abc" else rf"$\{names[-1]}$") + unit)
    parts = [
        pd.DataFrame({"method": method, "first": drawn[:, 0], "last": drawn[:, -1]})
        for method, drawn in {"training entries": free, **draws}.items()
    ]
    return fig, pd.concat(parts)


def _middle(values):
    low, high = np.percentile(values, [0, 95])
    return (low, high) if high > low else (low - 1, high + 1)


def acceptance_table(fits):
    """Return the share of lines seen: the write-up's curve and the one with a plateau."""
    rows = []
    for system, fit in fits.items():
        written = fit.curves["as written"]
        degenerate = "yes" if written.degenerate else "no"
        first = (system, int(fit.visits.sum()), fit.first[0], written.r0, written.r1)
        rows.append((*first, written.misfit, degenerate, *fit.curves["plateau fitted"]))
    names = ["lattice system", "lines", "first line seen", "r0 / Å²", "r1", "misfit", "degenerate"]
    plateau = ["plateau: r0 / Å²", "plateau: r1", "plateau", "plateau: misfit"]
    return pd.DataFrame(rows, columns=[*names, *plateau])


def forms_table(fits, train, q2_max, seed=0):
    """Return how well each form of the acceptance describes real patterns: its misfit of the binned
    fraction, and the Kolmogorov-Smirnov distance of the separations in training patterns resampled
    by it.

    Parameters
    ----------
    fits : dict of ddi.data.resample.Resampler
        By lattice system.
    train : dict of pandas.DataFrame
        The training entries they were fitted to, with columns q2_1, q2_2.
    q2_max : float
        End of the patterns, A^-2.
    seed : int
    """
    rows = []
    for system, fit in fits.items():
        n = lattice.N_PEAKS[system]
        lines = resample.pad(train[system]["q2_1"].tolist())
        lines[lines > q2_max] = np.inf
        real = np.concatenate([np.diff(q2[:n]) for q2 in train[system]["q2_2"]])
        for name in (*fit.curves, "binned fraction"):
            chosen = fit.draw(lines, np.random.default_rng(seed), by=name)
            drawn = [np.diff(q2[mask][:n]) for q2, mask in zip(lines, chosen) if mask.sum() >= n]
            curve = fit.curves.get(name, resample.Curve(*(np.nan,) * 4))
            apart = ks_2samp(real, np.concatenate(drawn)).statistic if drawn else np.nan
            used = "yes" if name == fit.used else "no"
            rows.append((system, name, curve.plateau, curve.misfit, apart, used))
    names = ["lattice system", "acceptance", "plateau", "misfit", "KS of separations", "used"]
    return pd.DataFrame(rows, columns=names)


def acceptance(fits):
    """Draw the share of lines seen against their separation, with both curves."""
    fig, axes = figure(DOUBLE, 0.5 * DOUBLE, nrows=2, ncols=4, sharex=True, sharey=True)
    for ax, (system, fit) in zip(axes.flat, fits.items()):
        filled = fit.visits > 0
        size = 2 + 10 * fit.visits[filled] / fit.visits[:-1].max(initial=1)
        ax.scatter(CENTRES[filled], fit.fraction[filled], s=size, color=SYSTEM_COLOURS[system])
        ax.plot(CENTRES, fit.curves["as written"](CENTRES), "k--", lw=0.8, label="as written")
        plateau = fit.curves["plateau fitted"](CENTRES)
        ax.plot(CENTRES, plateau, "k-", lw=0.8, label="with a plateau")
        ax.set(xscale="log", ylim=(-0.03, 1.03))
        ax.text(0.04, 0.92, system, transform=ax.transAxes, color=SYSTEM_COLOURS[system])
    axes.flat[0].legend(loc="lower right")
    for ax in axes.flat[len(fits) :]:
        ax.axis("off")
    fig.supxlabel(r"separation from the peak before, $\Delta q^2$ / Å$^{-2}$", size=8)
    fig.supylabel(r"share of lines seen, $\rho$", fontsize=8)
    parts = [
        pd.DataFrame({"lattice_system": s, "dq2": CENTRES, "share": f.fraction, "visits": f.visits})
        for s, f in fits.items()
    ]
    return fig, pd.concat(parts)


def three_sets(rows, train, fit, system, seed):
    """Return the features of real parents, of their own lines with peaks drawn again, and of their
    children, each parent counted once a child.
    """
    n = lattice.N_PEAKS[system]
    children = rows[rows["augmented"]]
    parents = train.set_index("identifier").loc[children["parent"]]
    lines = resample.pad(parents["q2_1"].tolist())
    drawn = fit.draw(lines, np.random.default_rng(seed))
    peaks = [line[mask] for line, mask in zip(lines, drawn)]
    long = np.array([len(peak) >= n for peak in peaks])
    kept = [peak for peak, is_long in zip(peaks, long) if is_long]
    pairs = {
        "real": (parents["q2_2"], parents["cell"]),
        "resampled": (kept, parents["cell"][long]),
        "augmented": (children["q2"], children["cell"]),
    }
    return {name: eval_augment.features(q2, cells, n) for name, (q2, cells) in pairs.items()}


def distances_of(sets):
    """Return the Kolmogorov-Smirnov distance of each feature from its real distribution."""
    parts = [
        eval_augment.compare(s["real"], s[name]).assign(lattice_system=system, compared=name)
        for system, s in sets.items()
        for name in ("resampled", "augmented")
    ]
    return pd.concat(parts)


def distances_table(distances, systems):
    """Return the distances as a table for people."""
    wide = distances.pivot(index=["lattice_system", "compared"], columns="feature", values="ks")
    columns = ["first peak", "last peak", "separation", "volume"]
    order = [system for system in systems if system in wide.index.get_level_values(0)]
    table = wide.loc[order, columns].reset_index()
    return table.rename(columns={"lattice_system": "lattice system"})


def distributions(sets, distances):
    """Draw the distributions of real, resampled and augmented rows over each other."""
    ks = distances.set_index(["lattice_system", "compared", "feature"])["ks"]
    share = np.linspace(0, 1, 201)
    size = {"nrows": len(LABELS), "ncols": len(sets), "sharey": True, "squeeze": False}
    fig, axes = figure(DOUBLE, 0.52 * DOUBLE, **size)
    drawn = []
    for column, (system, features) in zip(axes.T, sets.items()):
        for ax, feature in zip(column, LABELS):
            for name, (colour, dashes, width) in STYLES.items():
                values = np.quantile(features[name][feature], share)
                ax.plot(values, share, color=colour, ls=dashes, lw=width, label=name)
                row = {"lattice_system": system, "feature": feature, "set": name}
                drawn.append(pd.DataFrame({**row, "share": share, "value": values}))
            limits = np.quantile(features["real"][feature], [0.01, 0.99])
            ax.set(xscale="linear" if feature == "last peak" else "log", xlim=limits)
            ax.minorticks_off()
            for y, name in ((0.2, "resampled"), (0.04, "augmented")):
                text = {"ha": "right", "color": STYLES[name][0], "fontsize": 7}
                number = f"{ks[system, name, feature]:.2f}"
                ax.text(0.97, y, number, transform=ax.transAxes, **text)
            if feature == "last peak":
                ax.locator_params(axis="x", nbins=3)
        colour = SYSTEM_COLOURS[system]
        column[0].text(0.03, 1.04, system, transform=column[0].transAxes, color=colour)
    for ax, label in zip(axes[:, 0], LABELS.values()):
        ax.set_ylabel(f"share below\n{label}")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return fig, pd.concat(drawn)
