"""How good generated cells are: best of n, calibration, overlap, and what groups and isotypes do (07_rf_vs_nn).

A budget is always the number of cells tried for a pattern. A grouped generator spends it on its groups in proportion to their numbers
of training entries (`Generator.pooled`); "both" spends half on the forest and half on the network.
"""

import numpy as np
import pandas as pd
from scipy import stats

from ddi import dataset, generators
from ddi.forest import Forest
from ddi.generators import CONTROLS, LEARNED, best_of_n, cell_error, cell_matrix, free_parameters, pattern_matrix, usable_cells
from ddi.shape import spoil

COUNTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def interleave(first, second):
    """Take cells of two generators in turn: (n_patterns, n, 6) twice gives (n_patterns, 2n, 6)."""
    return np.stack([first, second], axis=2).reshape(len(first), -1, 6)


def available(study, system, train):
    """Return the study's trained generators of a system, and the controls learned now, by name."""
    found = {name: generators.load(study, name, system) for name in LEARNED if generators.path_of(study, name, system).exists()}
    return found | {name: generators.kind(name)().fit(train, system=system) for name in CONTROLS}


def draw(models, test, system, n, seed):
    """Return n cells a pattern of each generator, of "both", and of "shape, draws only", by name."""
    q2 = pattern_matrix(test, system)
    cells = {name: model.pooled(q2, n, seed=seed) for name, model in models.items()}
    if {"forest", "network"} <= set(cells):
        half = -(-n // 2)
        cells["both"] = interleave(cells["forest"][:, :half], cells["network"][:, :half])[:, :n]
    if "shape" in models:
        cells["shape, draws only"] = models["shape"].propose(q2, n, np.random.default_rng(seed))
    return cells


def curves(cells, true, counts=COUNTS):
    """Return best-of-n of each generator, one row a generator, n and tolerance."""
    counts = [n for n in counts if n <= min(value.shape[1] for value in cells.values())]
    return pd.concat([best_of_n(value, true, counts=counts).assign(generator=name) for name, value in cells.items()], ignore_index=True)


def mean_errors(model, test, system):
    """Return the error of the mean of each entry's own group: one row an entry, relative for lengths, degrees for angles."""
    rows = []
    for group in model.groups:
        mine = test[test["group"] == group.name]
        if len(mine):
            mean = _scaler(model).inverse(model.mean(pattern_matrix(mine, system), group))
            rows.append(_errors(mean, free_parameters(cell_matrix(mine), system, group.unique_axis), _scaler(model)).assign(group=group.name))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["length_error", "angle_error", "group"])


def _scaler(model):
    return getattr(model, "cell_scaler", None) or model.scaler


def _errors(mean, true, scaler):
    lengths, angles = mean[:, ~scaler.is_angle] / true[:, ~scaler.is_angle] - 1, mean[:, scaler.is_angle] - true[:, scaler.is_angle]
    return pd.DataFrame({"length_error": np.abs(lengths).mean(axis=1), "angle_error": np.abs(angles).mean(axis=1) if angles.size else np.nan})


def calibration(network, test, system):
    """Return, for each cell parameter of each entry under its own group, z = (y - mu) / sqrt(beta / (alpha - 1)) and the Student t probability below y."""
    rows = []
    for group in network.groups:
        mine = test[test["group"] == group.name]
        if len(mine):
            y = network.cell_scaler.forward(free_parameters(cell_matrix(mine), system, group.unique_axis))
            mu, alpha, beta = network.predict(pattern_matrix(mine, system), group)
            below = stats.t.cdf(y, 2 * alpha, loc=mu, scale=np.sqrt(beta / alpha))
            rows.append(pd.DataFrame({"z": ((y - mu) / np.sqrt(beta / (alpha - 1))).ravel(), "below": below.ravel()}))
    return pd.concat(rows, ignore_index=True).assign(system=system) if rows else pd.DataFrame({"z": [], "below": [], "system": []})


def reliability(below, levels=np.linspace(0.05, 0.95, 19)):
    """Return how often the truth falls into the central interval of each nominal level."""
    inside = np.abs(np.asarray(below) - 0.5)[None] <= np.asarray(levels)[:, None] / 2
    return pd.DataFrame({"nominal": levels, "observed": inside.mean(axis=1) if inside.size else np.nan})


def overlap(first, second, true, tolerance, n):
    """Count the patterns for which the best of n cells is good for both generators, only the first, only the second, neither."""
    a, b = ((cell_error(cells[:, :n], true) <= tolerance).any(axis=1) for cells in (first, second))
    return {"both": int((a & b).sum()), "only first": int((a & ~b).sum()), "only second": int((~a & b).sum()), "neither": int((~a & ~b).sum())}


def foreign_groups(model, test, system, *, missing, n, seed, tolerance=0.05):
    """Test the hunch of section 2.1.2: with lines missing, does a foreign group's model help?

    Two ways of spending a budget of n cells: all on the entry's own group, or on all groups alike.

    Returns
    -------
    list of dict
        One row a share of missing lines: patterns, success of own, of all, and how many only the foreign groups found with n cells each.
    """
    rows, rng = [], np.random.default_rng(seed)
    for share in missing:
        spoilt = [spoil(q2, len(pattern_matrix(test[:1], system)[0]), rng, missing=share, spurious=0, zero=0) for q2 in test["q2"]]
        kept = np.array([q2 is not None for q2 in spoilt]) & test["group"].isin([group.name for group in model.groups]).to_numpy()
        if not kept.any():
            continue
        q2, true = np.array([pattern for pattern, keep in zip(spoilt, kept) if keep]), usable_cells(test[kept], system)
        mine = test[kept]["group"].to_numpy()[:, None] == np.repeat([group.name for group in model.groups], n)[None]
        good = cell_error(model.sample(q2, n, seed=seed), true) <= tolerance
        own, foreign = (good & mine).any(axis=1), (good & ~mine).any(axis=1)
        fair = model.pooled(q2, n, seed=seed)
        rows.append(
            {"missing": share, "patterns": int(kept.sum()), "own": int(own.sum()), "all": int((cell_error(fair, true) <= tolerance).any(axis=1).sum()),
             "only foreign": int((foreign & ~own).sum()), "groups": len(model.groups)}
        )  # fmt: skip
    return rows


def ungrouped(frame):
    """Return a frame with one group for a whole lattice system; monoclinic keeps one for each unique axis, which no model can do without."""
    return frame.assign(group="axis " + frame["unique_axis"].astype(str))


def isotypes(study, system, *, n, seed, tolerance=0.05):
    """Compare the forest and the nearest patterns on both splits: with isotypes of test entries in training, and without.

    Trained on real entries only, since the augmented ones belong to one split.
    """
    rows, frame = [], dataset.load(study, ["identifier", "lattice_system", "bravais", "unique_axis", "cell", "q2_2"]).rename(columns={"q2_2": "q2"})
    sides = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "group", "split", "split_entry"])
    frame = frame[frame["lattice_system"] == system].merge(sides, on="identifier").assign(augmented=False)
    frame = frame[frame["q2"].map(len) >= generators.lattice.N_PEAKS[system]]
    for column, label in (("split_entry", "with isotypes"), ("split", "without isotypes")):
        train, test = frame[frame[column] == "train"], frame[frame[column] == "test"]
        if not len(train) or not len(test):
            continue
        for model in (Forest(), generators.Nearest(), generators.Rescaled()):
            cells = model.fit(train, system=system, seed=seed).pooled(pattern_matrix(test, system), n, seed=seed)
            row = best_of_n(cells, usable_cells(test, system), [tolerance], [n]).iloc[0]
            rows.append({"system": system, "split": label, "generator": model.name, "k": int(row.k), "patterns": int(row.patterns)})
    return rows
