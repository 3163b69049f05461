"""Which ingredients of the variance networks matter, and which settings suit them (write-up,
section 2.2.2, its italics).

Everything is compared on held-out families of the training side, so the test side stays unseen and
no lattice analogue of a held-out crystal is trained on: the mean negative log-likelihood an entry,
and what indexing needs, the chance that the best of thirty cells of the entry's own group is within
a tolerance.
"""

import time
from dataclasses import replace

import numpy as np
import pandas as pd

from ddi.models.cells import crystals, pattern_matrix, usable_cells
from ddi.models.network import Network
from ddi.models.variance import Design, describe
from ddi.study.eval_generators import best_of_n

INGREDIENTS = {
    "reference": Design(),
    "point variance": Design(gamma=False),
    "one joint network": Design(parallel=False),
    "trained together": Design(cyclic=False),
    "NLL for the mean": Design(exponent=0.0),
    "no dropout": Design(dropout=0.0),
}
"""The design of section 2.2.2, without each of its four ingredients in turn, and without dropout,
which the author's own code had switched off by mistake.
"""


def with_families(study, frame):
    """Return a training frame with a column family, that of a row's crystal (03_grouping)."""
    families = pd.read_parquet(
        study.interim / "groups.parquet", columns=["identifier", "family"]
    ).set_index("identifier")["family"]
    return frame.assign(family=families.reindex(crystals(frame)).to_numpy())


def hold_out(frame, share, rng):
    """Split a training frame: rows to train on, and the real rows of a share of its families, or of
    its crystals where it names no families.
    """
    kin = frame["family"].to_numpy() if "family" in frame else crystals(frame)
    names = np.unique(kin)
    held = np.isin(kin, rng.permutation(names)[: max(1, int(share * len(names)))])
    return frame[~held].reset_index(drop=True), frame[
        held & ~frame["augmented"].astype(bool)
    ].reset_index(drop=True)


def score(train, held, system, *, seed, n=30, tolerances=(0.05, 0.10), **options):
    """Fit a network and return what it does on held-out rows of the same groups: nll, rates by
    tolerance, seconds, also of CPU.
    """
    started = time.perf_counter()
    busy = time.process_time()
    network = Network(**options).fit(train, system=system, seed=seed)
    cost = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - busy}
    values = []
    cells = []
    true = []
    for group in network.groups:
        rows = held[held["group"] == group.name]
        if len(rows):
            values.append(network.likelihood(rows, group).sum(axis=1))
            cells.append(
                network.sample(pattern_matrix(rows, system), n, seed=seed, groups=[group.name])
            )
            true.append(usable_cells(rows, system))
    curve = best_of_n(np.concatenate(cells), np.concatenate(true), tolerances, counts=[n])
    rates = {f"within_{100 * row.tolerance:.0f}": row.rate for row in curve.itertuples()}
    return {
        "nll": float(np.mean(np.concatenate(values))),
        **rates,
        "entries": int(curve["patterns"].iloc[0]),
        **cost,
    }


def compare(frame, system, designs, seeds, **options):
    """Score several designs with the same splits and seeds, one row each."""
    rows = []
    for seed in seeds:
        train, held = hold_out(frame, 0.2, np.random.default_rng(seed))
        for name, design in designs.items():
            result = score(train, held, system, seed=seed, design=design, **options)
            rows.append(
                {
                    "system": system,
                    "design": name,
                    "seed": seed,
                    **result,
                    "settings": describe(design),
                }
            )
    return pd.DataFrame(rows)


def summarise(table, baseline="reference", measures=("nll", "within_5", "within_10")):
    """Return mean and 95 % interval of each measure's difference from the baseline, paired by seed
    (Student's t).
    """
    from scipy.stats import t

    rows = []
    for system, runs in table.groupby("system", sort=False):
        base = runs[runs["design"] == baseline].set_index("seed")
        for design, mine in runs.groupby("design", sort=False):
            row = {
                "system": system,
                "design": design,
                "seeds": len(mine),
                "entries": int(mine["entries"].sum()),
            }
            for measure in measures:
                change = mine.set_index("seed")[measure] - base[measure]
                half = (
                    t.ppf(0.975, max(len(change) - 1, 1))
                    * change.std(ddof=1)
                    / np.sqrt(len(change))
                    if len(change) > 1
                    else np.nan
                )
                row |= {
                    measure: mine[measure].mean(),
                    f"{measure}_change": change.mean(),
                    f"{measure}_half_width": half,
                }
            rows.append(row)
    return pd.DataFrame(rows)


def search_settings(frame, system, *, n_trials, seed, **options):
    """Search dropout, learning rate, batch, widths and exponent with Optuna; return its trials, the
    reference settings first.

    Parameters
    ----------
    frame : DataFrame
        Training rows; a fifth of the families is held out.
    n_trials : int
    **options
        Passed to `score`, e.g. ``cycles``.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    train, held = hold_out(frame, 0.2, np.random.default_rng(seed))

    def objective(trial):
        trial.suggest_categorical("width", [0.5, 1.0, 2.0])
        trial.suggest_categorical("dropout", [0.0, 0.1, 0.25, 0.5])
        trial.suggest_float("learning_rate", 5e-5, 5e-3, log=True)
        trial.suggest_categorical("exponent", [0.0, 0.5, 1.0])
        design = design_of(trial.params)
        result = score(train, held, system, seed=seed, design=design, **options)
        for key, value in result.items():
            trial.set_user_attr(key, value)
        trial.set_user_attr("settings", describe(design))
        return result["nll"]

    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({"width": 1.0, "dropout": 0.5, "learning_rate": 1e-4, "exponent": 0.5})
    study.optimize(objective, n_trials=n_trials)
    return pd.DataFrame(
        [
            {"system": system, "trial": trial.number, **trial.params, **trial.user_attrs}
            for trial in study.trials
            if trial.user_attrs
        ]
    )


def design_of(trial):
    """Return the design of one of the search's trials, a row of its table."""
    mean, variance = (
        tuple(int(trial["width"] * units) for units in widths)
        for widths in (Design().mean_units, Design().variance_units)
    )
    return Design(
        mean,
        variance,
        float(trial["dropout"]),
        float(trial["learning_rate"]),
        exponent=float(trial["exponent"]),
    )


def finalists(trials, n=3):
    """Return the designs to fit again with other seeds: the reference, the n best of each system's
    search, and the first of them trained together.

    One search with one seed crowns the luckiest of its trials; only a fit anew says what its
    settings are worth.

    Parameters
    ----------
    trials : DataFrame
        What `search_settings` returned, one system or several.
    n : int

    Returns
    -------
    dict of str -> Design
    """
    chosen = {"reference": Design()}
    searched = trials[trials["trial"] > 0].sort_values("nll", kind="stable")
    for system, mine in searched.groupby("system", sort=False):
        chosen |= {f"{system} {row['trial']}": design_of(row) for _, row in mine.head(n).iterrows()}
    best = list(chosen)[1:2]
    return chosen | {f"{name}, together": replace(chosen[name], cyclic=False) for name in best}
