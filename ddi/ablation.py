"""Which ingredients of the variance networks matter, and which settings suit them (write-up, section 2.2.2, its italics).

Everything is compared on held-out crystals of the training side, so the test side stays unseen: the mean negative log-likelihood an
entry, and what indexing needs, the chance that the best of thirty cells of the entry's own group is within a tolerance.
"""

import time

import numpy as np
import pandas as pd

from ddi.generators import best_of_n, crystals, pattern_matrix, usable_cells
from ddi.network import Design, Network, describe

INGREDIENTS = {
    "as written": Design(),
    "point variance": Design(gamma=False),
    "one joint network": Design(parallel=False),
    "trained together": Design(cyclic=False),
    "NLL for the mean": Design(exponent=0.0),
    "no dropout": Design(dropout=0.0),
}
"""The write-up's network, each of its four ingredients taken away, and dropout, which the write-up's own code had switched off."""


def hold_out(frame, share, rng):
    """Split a training frame by crystals: rows to train on, and the real rows of a share of the crystals."""
    parents = crystals(frame)
    names = np.unique(parents)
    held = np.isin(parents, rng.permutation(names)[: max(1, int(share * len(names)))])
    return frame[~held].reset_index(drop=True), frame[held & ~frame["augmented"].astype(bool)].reset_index(drop=True)


def score(train, held, system, *, seed, n=30, tolerances=(0.05, 0.10), **options):
    """Fit a network and return what it does on held-out rows of the same groups: nll, rates by tolerance, seconds."""
    started = time.perf_counter()
    network = Network(**options).fit(train, system=system, seed=seed)
    seconds, values, cells, true = time.perf_counter() - started, [], [], []
    for group in network.groups:
        rows = held[held["group"] == group.name]
        if len(rows):
            values.append(network.likelihood(rows, group).sum(axis=1))
            cells.append(network.sample(pattern_matrix(rows, system), n, seed=seed, groups=[group.name]))
            true.append(usable_cells(rows, system))
    curve = best_of_n(np.concatenate(cells), np.concatenate(true), tolerances, counts=[n])
    rates = {f"within_{100 * row.tolerance:.0f}": row.rate for row in curve.itertuples()}
    return {"nll": float(np.mean(np.concatenate(values))), **rates, "entries": int(curve["patterns"].iloc[0]), "seconds": seconds}


def compare(frame, system, designs, seeds, **options):
    """Score several designs with the same splits and seeds, one row each."""
    rows = []
    for seed in seeds:
        train, held = hold_out(frame, 0.2, np.random.default_rng(seed))
        for name, design in designs.items():
            rows.append({"system": system, "design": name, "seed": seed, **score(train, held, system, seed=seed, design=design, **options)})
    return pd.DataFrame(rows)


def summarise(table, baseline="as written", measures=("nll", "within_5", "within_10")):
    """Return mean and 95 % interval of each measure's difference from the baseline, paired by seed (Student's t)."""
    from scipy.stats import t

    rows = []
    for system, runs in table.groupby("system", sort=False):
        base = runs[runs["design"] == baseline].set_index("seed")
        for design, mine in runs.groupby("design", sort=False):
            row = {"system": system, "design": design, "seeds": len(mine)}
            for measure in measures:
                change = mine.set_index("seed")[measure] - base[measure]
                half = t.ppf(0.975, max(len(change) - 1, 1)) * change.std(ddof=1) / np.sqrt(len(change)) if len(change) > 1 else np.nan
                row |= {measure: mine[measure].mean(), f"{measure}_change": change.mean(), f"{measure}_half_width": half}
            rows.append(row)
    return pd.DataFrame(rows)


def search_settings(frame, system, *, n_trials, seed, timeout=None, **options):
    """Search dropout, learning rate, batch, widths and exponent with Optuna; return its trials, the write-up's settings first.

    Parameters
    ----------
    frame : DataFrame
        Training rows; a fifth of the parents is held out.
    n_trials : int
    timeout : float, optional
        Seconds after which no trial starts.
    **options
        Passed to `score`, e.g. ``cycles``.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    train, held = hold_out(frame, 0.2, np.random.default_rng(seed))

    def objective(trial):
        width = trial.suggest_categorical("width", [0.5, 1.0, 2.0])
        design = Design(
            mean_units=tuple(int(width * units) for units in (200, 100, 60)),
            variance_units=tuple(int(width * units) for units in (100, 60)),
            dropout=trial.suggest_categorical("dropout", [0.0, 0.1, 0.25, 0.5]),
            learning_rate=trial.suggest_float("learning_rate", 5e-5, 5e-3, log=True),
            exponent=trial.suggest_categorical("exponent", [0.0, 0.5, 1.0]),
        )
        result = score(train, held, system, seed=seed, design=design, **options)
        for key, value in result.items():
            trial.set_user_attr(key, value)
        trial.set_user_attr("settings", describe(design))
        return result["nll"]

    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({"width": 1.0, "dropout": 0.5, "learning_rate": 1e-4, "exponent": 0.5})
    study.optimize(objective, n_trials=n_trials, timeout=timeout)
    return pd.DataFrame([{"system": system, "trial": trial.number, **trial.params, **trial.user_attrs} for trial in study.trials if trial.user_attrs])
