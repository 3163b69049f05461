"""The peak lists that the benchmarks of the search run on: measured, held out, and spoilt."""

import contextlib
import json
from functools import lru_cache

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.data import dataset, rruff
from ddi.forward import noise
from ddi.forward.bragg import CU_KALPHA1
from ddi.index.peaks import from_pattern
from ddi.study import damage
from ddi.study.cases import of_split
from ddi.study.fairness import fair_rows

# held-out triclinic patterns; degrees 2theta
N_TRICLINIC = 300
NOISE = 0.02
ZERO = 0.1


@lru_cache(maxsize=1)
def fair():
    """Return RRUFF's fair patterns: grade A, at most two of the first twenty picked peaks not
    explained by the true cell.

    Returns
    -------
    DataFrame
        id, mineral, bravais, cell, centring, q2, intensity, wavelength; in the order of the ids.

    Raises
    ------
    DDIError
        If DDI_RRUFF does not name a folder with index.csv and picked_peaks.json.
    """
    place = rruff.folder()
    table = rruff.reference(place)
    if table is None or not (place / "picked_peaks.json").is_file():
        raise DDIError(
            "this benchmark needs measured patterns; set DDI_RRUFF to a folder with RRUFF's "
            "archives, index.csv and picked_peaks.json"
        )
    table = fair_rows(table).set_index("id")
    rows = [
        entry
        for entry in json.loads((place / "picked_peaks.json").read_text(encoding="utf-8"))
        if entry["id"] in table.index
    ]
    columns = ["id", "mineral", "bravais", "cell", "q2", "intensity", "wavelength"]
    frame = pd.DataFrame(rows)[columns].sort_values("id", ignore_index=True)
    groups = zip(table.space_group[frame.id], frame.cell)
    return frame.assign(centring=[rruff.bravais_lattice(group, cell)[1] for group, cell in groups])


def one_a_mineral():
    """Return the first row of `fair` of each mineral."""
    return fair().groupby("mineral").head(1).reset_index(drop=True)


def picked():
    """Return the rows of `fair` with the peaks that the project itself picks from the measured
    patterns, faint ones beside them.
    """
    rows = fair().to_dict("records")
    patterns = {pattern.id: pattern for pattern in rruff.load()}
    kept = []
    for row in rows:
        with contextlib.suppress(DDIError, KeyError):
            pattern = patterns[row["id"]]
            peaks = from_pattern(pattern.two_theta, pattern.intensity, pattern.wavelength)
            kept.append(row | columns(peaks))
    return pd.DataFrame(kept)


def columns(peaks):
    """Return what `measure` reads of picked peaks, by name."""
    names = ("q2", "sigma_q2", "intensity", "wavelength", "faint")
    return {name: getattr(peaks, name) for name in names}


def held_out(study, bravais=None, n=None, seed=0):
    """Return test entries of a study (no relative of theirs was in training): bravais, cell,
    centring, q2, intensity of peak list 1.
    """
    columns = ["identifier", "bravais", "centring_reindexed", "cell"]
    columns += ["q2_1", "intensity_1", "q2_2", "intensity_2"]
    rows = of_split(study, dataset.load(study, columns), "test")
    rows = rows[[len(q2) >= 20 for q2 in rows.q2_2]]
    rows = rows[rows.bravais == bravais] if bravais else rows
    rows = rows.sample(min(n or len(rows), len(rows)), random_state=seed)
    return rows.rename(columns={"centring_reindexed": "centring"}).reset_index(drop=True)


def with_spurious(rows, n_extra=2, seed=0):
    """Put extra peaks of median intensity at random places among each row's first twenty."""
    rng = np.random.default_rng(seed)
    rows = rows.copy()
    for i in rows.index:
        q2 = np.array(rows.q2[i])
        intensity = np.array(rows.intensity[i])
        extra = noise.foreign(q2[0], q2[:20][-1], n_extra, rng)
        more = np.full(n_extra, np.median(intensity))
        order = np.argsort(np.append(q2, extra))
        rows.at[i, "q2"] = np.append(q2, extra)[order]
        rows.at[i, "intensity"] = np.append(intensity, more)[order]
    return rows


def disturbed(rows, jitter=NOISE, zero=ZERO, seed=0):
    """Return the rows with peaks of peak list 2 whose positions carry noise and a zero shift
    (degrees 2theta).
    """
    rng = np.random.default_rng(seed)
    out = []
    for q2 in rows.q2_2:
        shifts = rng.uniform(-zero, zero) + rng.normal(0, jitter, len(q2))
        out.append(np.sort(noise.moved(q2, shifts, CU_KALPHA1)))
    return rows.assign(q2=out, intensity=rows.intensity_2)


def degraded(rows, seed=0):
    """Return the rows with the peaks picked from simulated measurements (`ddi.study.damage`); rows
    that show too few are left out.
    """
    kept = []
    for i, row in enumerate(rows.to_dict("records")):
        with contextlib.suppress(DDIError):
            peaks, _ = damage.peaks(row["q2_1"], row["intensity_1"], seed=seed + i)
            kept.append(row | columns(peaks))
    return pd.DataFrame(kept)
