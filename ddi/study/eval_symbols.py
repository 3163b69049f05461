"""Extinction symbols from whole-pattern fits, of measured and of simulated patterns.

Constants and null were chosen on one half of the minerals (`ddi.data.rruff.half`); the rate is that
of the other half, one pattern a mineral, with the true cell given. Simulated
patterns are test structures as a laboratory might measure them: K-alpha doublet, counting noise,
background, zero shift, foreign lines (`ddi.study.damage`), preferred orientation (March-Dollase).
"""

import contextlib
import re
import time
from functools import lru_cache
from typing import NamedTuple

import gemmi
import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.stats import wilson
from ddi.data import dataset, rruff
from ddi.forward import bragg, lattice
from ddi.index import extinction, profile, symbols
from ddi.index.constants import RANKING
from ddi.index.peaks import from_pattern
from ddi.study import damage
from ddi.study.fairness import compare

LISTED = 3  # symbols that a result shows
# conditions of simulated measurements, uniform between the two; chosen: laboratory patterns
COUNTS = (1500.0, 20_000.0)  # of the highest point; its logarithm is uniform
BACKGROUND = (0.01, 0.08)  # relative to the highest point
MARCH = (0.75, 1.0)  # March-Dollase parameter
AXES = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)])
FEWEST_LINES = 12


class Judged(NamedTuple):
    """One mineral: lattice, half, true symbol, place of it (from 0) by the pattern and by the list
    of peaks, the first symbol and its probability, and CPU seconds of the fit.
    """

    mineral: str
    bravais: str
    half: str
    true: str
    place: int
    place_by_list: int
    first: str
    probability: float
    seconds: float


def judged(pattern):
    """Return the `Judged` symbols of a measured pattern with its known cell.

    Raises
    ------
    DDIError
        Where the pattern shows too few peaks, or its space group is not set on the search's axes.
    """
    true = true_symbol(pattern)
    peaks = from_pattern(pattern.two_theta, pattern.intensity, pattern.wavelength)
    angles = bragg.two_theta(peaks.q2, peaks.wavelength)
    zero = compare(angles, pattern.cell, pattern.centring, peaks.wavelength)["zero_shift"]
    started = time.process_time()
    (fit,) = profile.of_peaks(peaks, [(pattern.bravais, pattern.cell, zero)])
    seconds = time.process_time() - started
    if fit is None:
        raise DDIError(f"{pattern.id}: the known cell cannot be fitted to the pattern")
    ranked = symbols.rank(fit)
    corrected = bragg.q2_of(angles - zero, peaks.wavelength)
    tolerance = RANKING.indexed_sigmas * peaks.sigma_q2
    by_list = extinction.rank(pattern.cell, pattern.bravais, corrected, tolerance)
    return Judged(
        pattern.mineral,
        pattern.bravais,
        rruff.half(pattern.mineral),
        true,
        [entry.symbol for entry in ranked].index(true),
        [entry.symbol for entry in by_list].index(true),
        ranked[0].symbol,
        ranked[0].probability,
        seconds,
    )


def true_symbol(pattern):
    """Return the extinction symbol of a pattern's space group, on the axes of its cell."""
    written = re.sub(r"%.*|[_*~\s]|\(.*\)", "", pattern.space_group)
    group = gemmi.find_spacegroup_by_name(written, *map(float, pattern.cell[[3, 5]]))
    on_axes = pattern.bravais != "hR" or pattern.centring == "R"
    if group is not None and on_axes:
        for entry in extinction.classes(pattern.bravais):
            if group.hm in entry.space_groups:
                return entry.symbol
    raise DDIError(f"{pattern.id}: {pattern.space_group} is not set on the axes of the search")


@lru_cache(maxsize=3)
def measured(half=None):
    """Return `Judged` for the first usable pattern of every mineral of the reference, of one half
    ("choosing" or "reporting") only if so wanted.
    """
    known = rruff.reference()
    if known is None:
        raise DDIError("extinction symbols need measured patterns; set DDI_RRUFF to their folder")
    found = {}
    chosen = [half in (None, rruff.half(mineral)) for mineral in known.mineral]
    for pattern in rruff.load(ids=set(known.id[chosen])):
        if pattern.mineral not in found:
            try:
                found[pattern.mineral] = judged(pattern)
            except DDIError:
                continue
    return list(found.values())


def rates(rows):
    """Return how often the true symbol is first and among those listed, by pattern and by list."""
    n = len(rows)
    first = sum(row.place == 0 for row in rows)
    return dict(
        n=n,
        first=first / n,
        first_interval=wilson(first, n),
        listed=sum(row.place < LISTED for row in rows) / n,
        first_by_list=sum(row.place_by_list == 0 for row in rows) / n,
        listed_by_list=sum(row.place_by_list < LISTED for row in rows) / n,
        mean_probability=float(np.mean([row.probability for row in rows])),
    )


def simulated(study, n, seed=0, half=None):
    """Return `Judged` for `n` structures of the test split, spread over the Bravais lattices.

    Parameters
    ----------
    study : ddi.base.paths.Study
        Whose data set the structures are from.
    n, seed : int
    half : {"choosing", "reporting"}, optional
        Names of one half only (`ddi.data.rruff.half`), to choose constants by.
    """
    rows = _on_axes(study)
    if half is not None:
        rows = rows[
            [rruff.half(name or key) == half for key, name in rows[["identifier", "name"]].values]
        ]
    each = -(-n // rows.bravais.nunique())
    shuffled = rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    found = []
    for k, row in enumerate(shuffled.groupby("bravais").head(each).head(n).to_dict("records")):
        with contextlib.suppress(DDIError):
            found.append(judged(measurement(row, seed + k)))
    return found


def _on_axes(study):
    """Test structures whose setting is one of those that the search's axes allow; triclinic ones
    have nothing to tell.
    """
    columns = ["identifier", "name", "bravais", "sg_symbol", "cell_conventional"]
    rows = dataset.load(study, [*columns, "q2_1", "intensity_1", "hkl_conventional_1"])
    groups = pd.read_parquet(study.interim / "groups.parquet", columns=["identifier", "split"])
    rows = rows.merge(groups[groups.split == "test"], on="identifier").sort_values("identifier")
    known = {
        bravais: {name for entry in extinction.classes(bravais) for name in entry.space_groups}
        for bravais in lattice.BRAVAIS
    }
    kept = [
        bravais != "aP"
        and symbol.split(":")[0] in known[bravais]
        and (bravais != "hR" or cell[5] == 120)
        for symbol, bravais, cell in zip(rows.sg_symbol, rows.bravais, rows.cell_conventional)
    ]
    return rows[np.array(kept) & (rows.q2_1.map(len) >= FEWEST_LINES)]


def measurement(row, seed):
    """Return a structure as a laboratory might measure it, a `ddi.data.rruff.Pattern`.

    Parameters
    ----------
    row : mapping
        identifier, name, bravais, sg_symbol, cell_conventional, q2_1 (A^-2), intensity_1,
        hkl_conventional_1.
    seed : int
    """
    rng = np.random.default_rng(seed)
    cell = np.asarray(row["cell_conventional"], dtype=float)
    symbol = row["sg_symbol"].split(":")[0]
    hkl = np.asarray(row["hkl_conventional_1"]).reshape(-1, 3)
    axis = AXES[rng.integers(len(AXES))]
    oriented = preferred(hkl, axis, rng.uniform(*MARCH), cell, symbol)
    counts = float(np.exp(rng.uniform(*np.log(COUNTS))))
    conditions = damage.Conditions(counts=counts, background=rng.uniform(*BACKGROUND) * counts)
    intensity = np.asarray(row["intensity_1"]) * oriented
    angles, measured, _ = damage.pattern(row["q2_1"], intensity, seed=seed, conditions=conditions)
    centring = "R" if row["bravais"] == "hR" else row["bravais"][1]
    name = row["name"] or row["identifier"]
    known = (damage.CU.alpha1, cell, symbol, row["bravais"], centring)
    return rruff.Pattern(row["identifier"], name, angles, measured, *known)


def preferred(hkl, axis, march, cell, symbol):
    """Return the March-Dollase factor of each line, mean over its equivalents.

    Parameters
    ----------
    hkl : array_like of int, shape (n, 3)
    axis : array_like of int, shape (3,)
        Indices of the plane that lies flat.
    march : float
        1 without preferred orientation, less for plates.
    cell : ndarray, shape (6,)
    symbol : str
        Hermann-Mauguin.

    Returns
    -------
    ndarray, shape (n,)

    Notes
    -----
    Dollase (1986), J. Appl. Cryst. 19, 267-272.

    Examples
    --------
    >>> cubic = np.array([4.0, 4, 4, 90, 90, 90])
    >>> preferred([[2, 0, 0], [1, 1, 1]], [0, 0, 1], 1.0, cubic, "P 1").tolist()
    [1.0, 1.0]
    """
    metric = lattice.x_to_metric(lattice.cell_to_x(cell))
    turns = [op.rot for op in gemmi.SpaceGroup(symbol).operations().sym_ops]
    turned = np.asarray(hkl, dtype=float) @ (np.array(turns) / gemmi.Op.DEN)
    along = turned @ metric @ np.asarray(axis, dtype=float)
    length = np.einsum("mni,ij,mnj->mn", turned, metric, turned) * (axis @ metric @ np.array(axis))
    cos2 = np.minimum(along**2 / length, 1.0)
    return np.mean((march**2 * cos2 + (1 - cos2) / march) ** -1.5, axis=0)


def by_system(rows):
    """Return the `Judged` of each lattice system, by the first letter of the lattice."""
    systems = {}
    for row in rows:
        systems.setdefault(row.bravais, []).append(row)
    return dict(sorted(systems.items()))
