"""How well a formula predicts the volume of a cell, and the numbers with which it does.

`build` writes ``ddi/index/volumes.json`` from the minerals of the default profile (notebook 01 has
made them): constants from one half of the names, errors on the other.
"""

import json
import math

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear, minimize

from ddi.base.files import atomic
from ddi.base.paths import Study
from ddi.bench.registry import benchmark
from ddi.data.entry import read_entries
from ddi.data.rruff import half
from ddi.forward import lattice
from ddi.index import contents

# Hofmann (2002), Acta Cryst. B58, 489: mean volumes in A^3 in organic crystals at 298 K. Checked
# against 58 organic crystals of the Crystallography Open Database (2026-11): median -2 %, standard
# deviation 6 %.
MOLECULAR = {
    "H": 5.08, "C": 13.87, "N": 11.8, "O": 11.39, "F": 11.17, "P": 29.5, "S": 25.2, "Cl": 25.8,
    "Br": 32.7, "I": 46.2, "Si": 37.3,
}  # fmt: skip
MOLECULAR_ERRORS = [[0.9, -0.01, 0.06], [0.1, 0.05, 0.2]]  # the same crystals, rounded up
RIDGE = 0.01  # towards 15 A^3, 5 for hydrogen; chosen, so that rare elements have a value
LEAST_SHARE = 0.003  # of a number of formula units that the data may not show; chosen
UNITS = (0.5, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 16, 18, 24, 32, 36, 48)  # in a primitive cell


def minerals():
    """Return the inorganic minerals with a composition: element counts and volume of the cell as
    listed, of the primitive cell, Bravais lattice, and the half of the names they belong to.
    """
    interim = Study("default").interim
    about = pd.read_parquet(
        interim / "dataset.parquet", columns=["identifier", "bravais", "volume_niggli"]
    ).set_index("identifier")
    rows = []
    for entry in read_entries(interim / "unique.parquet"):
        counts = entry.composition
        if entry.source != "amcsd" or not counts or entry.identifier not in about.index:
            continue
        if contents.is_molecular(counts):
            continue
        primitive = about.loc[entry.identifier]
        rows.append(
            dict(
                counts=counts,
                volume=entry.volume,
                primitive=primitive.volume_niggli,
                bravais=primitive.bravais,
                half=half(entry.name or entry.identifier),
            )
        )
    return pd.DataFrame(rows)


def build(path=contents.TABLE):
    """Fit on the choosing half and write the numbers that `ddi.index.contents` reads."""
    rows = minerals()
    chosen = rows[rows.half == "choosing"].reset_index(drop=True)
    volumes = atomic_volumes(chosen)
    found = {
        "minerals": {"volumes": volumes, "errors": error_curves(errors(chosen, volumes))},
        "molecules": {"volumes": MOLECULAR, "errors": MOLECULAR_ERRORS},
        "units": {name: shares_of_units(chosen, name) for name in lattice.SYSTEMS},
        "n": len(chosen),
    }
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def atomic_volumes(rows, n_rounds=8):
    """Return element -> A^3 by least squares of relative volumes, outliers weighted down."""
    elements = sorted({element for counts in rows.counts for element in counts})
    design = np.array([[counts.get(element, 0) for element in elements] for counts in rows.counts])
    design = design / rows.volume.to_numpy()[:, None]
    usual = np.array([5.0 if element == "H" else 15.0 for element in elements])
    weight = np.ones(len(rows))
    for _ in range(n_rounds):
        matrix = np.vstack([design * weight[:, None], RIDGE * np.eye(len(elements))])
        target = np.append(weight, RIDGE * usual)
        volumes = lsq_linear(matrix, target, bounds=(1, 80)).x
        miss = -np.log(design @ volumes)
        spread = 1.4826 * np.median(np.abs(miss - np.median(miss)))
        weight = 1 / np.sqrt(1 + (miss / (2 * spread)) ** 2)
    return {element: round(float(v), 1) for element, v in zip(elements, volumes)}


def errors(rows, volumes):
    """Return ln(true volume / estimated volume), shape (n,)."""
    usual = contents.CONTENTS.other_volume
    estimated = [
        sum(volumes.get(element, usual) * n for element, n in counts.items())
        for counts in rows.counts
    ]
    return np.log(rows.volume.to_numpy() / np.array(estimated))


def error_curves(miss):
    """Return weight, mean and standard deviation of two normal curves, by maximum likelihood."""

    def curves(parameters):
        share = 1 / (1 + math.exp(-parameters[0]))
        spreads = np.exp(parameters[3:5])
        return [[share, parameters[1], spreads[0]], [1 - share, parameters[2], spreads[1]]]

    def loss(parameters):
        density = sum(
            w * np.exp(-0.5 * ((miss - m) / s) ** 2) / s for w, m, s in curves(parameters)
        )
        return -np.log(np.maximum(density, 1e-12)).mean()

    start = [1.0, 0.0, 0.1, math.log(0.08), math.log(0.3)]
    best = minimize(loss, start, method="Nelder-Mead", options=dict(maxiter=4000)).x
    return [[round(float(value), 3) for value in curve] for curve in curves(best)]


def shares_of_units(rows, system):
    """Return formula units in a primitive cell -> share of a lattice system's minerals."""
    here = rows[[lattice.BRAVAIS[bravais][0] == system for bravais in rows.bravais]]
    units = [formula_units(counts) for counts in here.counts]
    units = np.array(units) * (here.primitive / here.volume).to_numpy()
    shares = {n: np.mean(np.abs(units - n) < 0.02 * n) + LEAST_SHARE for n in UNITS}
    total = sum(shares.values())
    return {f"{n:g}": round(float(share / total), 4) for n, share in shares.items()}


def formula_units(counts):
    """Return the greatest common divisor of the counts; NaN where they are no whole numbers."""
    numbers = np.array(list(counts.values()))
    if np.abs(numbers - numbers.round()).max() > 0.02:
        return np.nan
    return math.gcd(*(int(n) for n in numbers.round()))


@benchmark("volumes", floor=0.7, about="minerals whose volume a formula gives within 20 %")
def run():
    """Measure on the half of the minerals that chose no number."""
    rows = minerals()
    rows = rows[rows.half == "reporting"]
    miss = errors(rows, contents.table()["minerals"]["volumes"])
    quantiles = np.quantile(miss, [0.05, 0.25, 0.5, 0.75, 0.95]).round(3).tolist()
    within = float(np.mean(np.abs(miss) < math.log(1.2)))
    rule = errors(rows.assign(counts=[_without_hydrogen(c) for c in rows.counts]), {})
    return dict(
        value=within,
        unit="share",
        n=len(rows),
        quantiles=quantiles,
        rule_of_18=float(np.mean(np.abs(rule) < math.log(1.2))),
    )


def _without_hydrogen(counts):
    return {element: n for element, n in counts.items() if element != "H"} or counts
