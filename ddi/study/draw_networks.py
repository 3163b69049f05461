"""Figures and tables of the variance networks: learning curves, predicted distributions, the
ablation and the search for settings (05_neural_networks).
"""

import copy
import time
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from ddi.base.figure import DOUBLE, figure
from ddi.base.parallel import map_parallel
from ddi.data import dataset
from ddi.forward import lattice
from ddi.models import generator
from ddi.models.cells import cell_matrix, free_parameters, pattern_matrix
from ddi.models.dense import one_thread
from ddi.study import ablation
from ddi.study.figures import GENERATOR_COLOURS, SYSTEM_COLOURS

PARAMETERS = np.array(["a", "b", "c", "α", "β", "γ"])
MEASURES = {"nll": "NLL", "within_5": "within 5 %", "within_10": "within 10 %"}


def train(study, systems, models, *, seed, n_jobs=1):
    """Train and save models of lattice systems; return their facts and learning curves.

    Parameters
    ----------
    study : ddi.base.paths.Study
    systems : sequence of str
        Those without training rows are left out.
    models : sequence of ddi.models.generator.Generator
        Untrained.
    seed, n_jobs : int
        Processes: a model is trained in one, on one core.
    """
    tasks = [(system, model) for system in systems for model in models]
    work = partial(_trained, study, seed)
    found = [one for one in map_parallel(work, tasks, n_jobs=n_jobs, desc="networks") if one]
    columns = ["lattice system", "generator", "groups", "rows", "real entries", "seconds", "MB"]
    table = pd.DataFrame([facts for facts, _ in found], columns=columns)
    curves = [history for _, history in found if history is not None]  # forests have none
    return table, pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()


def _trained(study, seed, task):
    """Train and save a copy of one model; return its facts and its learning curve."""
    system, model = task
    frame = dataset.training(study, system)
    if not len(frame):
        return None
    one_thread()
    model = copy.deepcopy(model)
    path = generator.path_of(study, model.name, system)
    started = time.perf_counter()
    model.fit(frame, system=system, seed=seed).save(path)
    seconds = time.perf_counter() - started
    real = int((~frame["augmented"]).sum())
    size = path.stat().st_size / 1e6
    facts = (system, model.name, len(model.groups), len(frame), real, seconds, size)
    history = getattr(model, "history", None)
    if history is not None:
        history = history.assign(system=system, generator=model.name)
    return facts, history


def learning_curves(history, systems, name="network"):
    """Draw the loss of each group's variance phases against the share of the training done."""
    drawn = history[(history["phase"] != "mean") & (history["generator"] == name)]
    fig, axes = figure(DOUBLE, 0.45 * DOUBLE, nrows=2, ncols=4)
    for axis, system in zip(axes.flat, systems):
        for _, curve in drawn[drawn["system"] == system].groupby("group"):
            x = curve["step"] / curve["step"].max()
            axis.plot(x, curve["loss"], color=SYSTEM_COLOURS[system], lw=0.6)
        axis.text(0.97, 0.95, system, transform=axis.transAxes, ha="right", va="top")
    for axis in axes.flat[len(systems) :]:
        axis.axis("off")
    fig.supxlabel("share of the training done", fontsize=8)
    fig.supylabel("NLL of a scaled cell", fontsize=8)
    return fig, drawn[["system", "group", "cycle", "epoch", "loss"]]


def held_out_curves(study, system, kinds, *, cycles, steps, seed):
    """Train on the largest group of a system with a tenth held out; return both likelihoods, a row
    a cycle, against gradient steps.
    """
    frame = dataset.training(study, system)
    top = frame.loc[~frame["augmented"], "group"].value_counts().index[:1]
    frame = frame[frame["group"].isin(top)].reset_index(drop=True)
    parts = []
    for name in kinds:
        kind = generator.kind(name)
        options = {"cycles": cycles, "epochs": 1, "patience": cycles + 1}
        model = kind(min_steps=steps, max_steps=steps, **options)
        model.fit(frame, system=system, seed=seed)
        history = model.history[model.history["phase"] != "mean"]
        last = history.groupby("cycle").agg(training=("loss", "last"), held=("held_out", "last"))
        step = 2 * steps * np.arange(1, len(last) + 1)
        parts.append(last.assign(step=step, generator=name, system=system))
    return pd.concat(parts, ignore_index=True)


def held_out(curves):
    """Draw the likelihood of training and of held-out rows against gradient steps."""
    fig, axes = figure(DOUBLE, 0.33 * DOUBLE, ncols=curves["generator"].nunique(), squeeze=False)
    for axis, (name, rows) in zip(axes[0], curves.groupby("generator", sort=False)):
        colour = GENERATOR_COLOURS[name]
        axis.plot(rows["step"], rows["training"], "--", color=colour, label="training")
        axis.plot(rows["step"], rows["held"], "o-", ms=3, color=colour, label="held out")
        axis.set(xlabel=f"gradient steps, {name}, {rows['system'].iloc[0]}", xlim=0)
        axis.legend()
    axes[0, 0].set_ylabel("NLL of a scaled cell")
    return fig, curves


def predicted(study, system, names, n=4):
    """Draw the predicted distribution of each length of a few test cells, and the truth.

    The entries are those at even places of the order of the first network's likelihood: from the
    best to the worst.
    """
    models = {name: generator.load(study, name, system) for name in names}
    test = dataset.test(study, system)
    groups = {group.name: group for group in next(iter(models.values())).groups}
    test = test[test["group"].isin(groups)].reset_index(drop=True)
    first = next(iter(models.values()))
    value = pd.concat(
        pd.Series(first.likelihood(rows, groups[name]).sum(axis=1), rows.index)
        for name, rows in test.groupby("group")
    ).sort_values()
    picked = value.index[np.linspace(0, len(value) - 1, min(n, len(value))).astype(int)]
    fig, axes = figure(DOUBLE, 0.3 * DOUBLE, ncols=len(picked), squeeze=False)
    drawn = []
    for axis, at in zip(axes[0], picked):
        row = test.loc[[at]]
        for name, model in models.items():
            curves = marginals(model, row, groups[row["group"].iloc[0]])
            for k, part in curves.groupby("parameter", sort=False):
                style = {"ls": ("-", "--", ":")["abc".index(k)], "color": GENERATOR_COLOURS[name]}
                axis.plot(part["length"], part["density"], label=f"{name}, {k}", lw=0.9, **style)
                axis.axvline(part["truth"].iloc[0], color="0.3", lw=0.8, ls=style["ls"])
            drawn.append(curves.assign(generator=name))
        axis.set(xlabel=f"length / Å, {row['identifier'].iloc[0]}", yticks=[])
        axis.xaxis.label.set_size(6)
    axes[0, 0].set_ylabel("predicted density")
    handles = axes[0, 0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside right center", fontsize=6)
    return fig, pd.concat(drawn)


def marginals(model, row, group, n=200):
    """Return the density of each free length of one entry: Student's t in scaled space."""
    mu, alpha, beta = (
        values[0] for values in model.predict(pattern_matrix(row, model.system), group)
    )
    true = free_parameters(cell_matrix(row), model.system, group.unique_axis)[0]
    names = PARAMETERS[list(lattice.SYSTEM[model.system].free)]
    parts = []
    for k in np.flatnonzero([name in "abc" for name in names]):
        width = np.sqrt(beta[k] / alpha[k])
        scaled = np.tile(mu, (n, 1))
        scaled[:, k] = mu[k] + width * np.linspace(-5, 5, n)
        length = model.cell_scaler.inverse(scaled)[:, k]
        density = stats.t.pdf(scaled[:, k], 2 * alpha[k], mu[k], width)
        density = density / np.gradient(length, scaled[:, k])
        facts = {"parameter": names[k], "truth": true[k]}
        parts.append(pd.DataFrame({"length": length, "density": density, **facts}))
    curves = pd.concat(parts)
    return curves[curves["length"] > 0].assign(identifier=row["identifier"].iloc[0])


def effects_table(effects):
    """Return the changes of an ablation with their half-widths as a table for people."""
    table = effects[["system", "design", "seeds", "entries"]].copy()
    for measure, label in MEASURES.items():
        table[label] = effects[measure]
        table[f"change of {label}"] = changes(effects, measure)
    return table.rename(columns={"system": "lattice system"})


def changes(effects, measure):
    """Return the paired changes of a measure as text, empty for the reference itself."""
    pairs = zip(effects[f"{measure}_change"], effects[f"{measure}_half_width"])
    return [f"{mean:+.2f} ± {half:.2f}" if half > 0 else "" for mean, half in pairs]


def ablation_numbers(effects):
    """Return what each ingredient is worth, for the sentences: the change of the NLL without it."""
    numbers = {}
    for row, text in zip(effects.itertuples(), changes(effects, "nll")):
        if text:
            name = row.design.title().replace(" ", "").replace("-", "")
            numbers[f"Without{name}{row.system.title()}"] = text
    return numbers


def largest_groups(study, systems, n=2):
    """Return the training rows of the n largest groups of orthorhombic and monoclinic entries."""
    largest = {}
    for system in (system for system in ("orthorhombic", "monoclinic") if system in systems):
        frame = dataset.training(study, system)
        top = frame.loc[~frame["augmented"], "group"].value_counts().index[:n]
        frame = frame[frame["group"].isin(top)].reset_index(drop=True)
        if len(frame):
            largest[system] = ablation.with_families(study, frame)
    return largest


def settings_table(trials):
    """Return the best settings of each system's search, and the write-up's (trial 0)."""
    best = trials.sort_values(["system", "nll"]).groupby("system", sort=False).head(4)
    ranked = pd.concat([best, trials[trials["trial"] == 0]]).drop_duplicates(["system", "trial"])
    columns = ["system", "trial", "dropout", "learning_rate", "width", "exponent", "nll"]
    names = {"system": "lattice system", "learning_rate": "learning rate", "nll": "NLL"}
    return ranked[[*columns, "within_10"]].rename(columns=names | {"within_10": "within 10 %"})


def finalists_table(finals):
    """Return the settings fitted anew, with paired changes and the cost of a fit."""
    cost = finals.groupby(["system", "design"], sort=False)["cpu_seconds"].mean().reset_index()
    best = ablation.summarise(finals).merge(cost, on=["system", "design"])
    return effects_table(best).assign(**{"CPU s a fit": best["cpu_seconds"]})


def finalists_numbers(finals):
    """Return the numbers of the fits anew: their size, and the best gain of each system."""
    numbers = {
        "FinalistSeeds": int(finals["seed"].nunique()),
        "FinalistFits": len(finals),
        "FinalistMinutes": round(finals["cpu_seconds"].sum() / 60, 1),
    }
    effects = ablation.summarise(finals)
    for system, rows in effects.groupby("system"):
        base = rows[rows["design"] == "reference"]["within_10"].max()
        best = rows.sort_values("within_10").iloc[-1]
        gain = f"{100 * best.within_10_change:+.0f} ± {100 * best.within_10_half_width:.0f}"
        name = f"Finalist{system.title()}"
        numbers |= {f"{name}Base": f"{100 * base:.0f}", f"{name}Gain": gain}
        numbers[f"{name}Best"] = f"{100 * best.within_10:.0f}"
    return numbers
