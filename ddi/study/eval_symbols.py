"""Extinction symbols from whole-pattern fits, of measured and of simulated patterns.

Constants and null were chosen on one half of the minerals (`ddi.data.rruff.half`); the rate is that
of the other half, one pattern a mineral, with the true cell given. Simulated patterns are test
structures as a laboratory might measure them (`ddi.study.simulated_patterns`), of the half of the
families that chose nothing.
"""

import contextlib
import re
import time
from functools import lru_cache
from typing import NamedTuple

import gemmi
import numpy as np

from ddi.base.errors import DDIError
from ddi.base.stats import calibration_error, wilson
from ddi.data import rruff
from ddi.forward import bragg
from ddi.index import extinction, profile, symbols
from ddi.index.constants import RANKING
from ddi.index.peaks import from_pattern
from ddi.study import simulated_patterns
from ddi.study.fairness import compare

LISTED = 3  # symbols that a result shows


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
    """Return how often the true symbol is first and among those listed, by pattern and by list, and
    the calibration error (ECE) of the first one's probability.
    """
    n = len(rows)
    first = sum(row.place == 0 for row in rows)
    judged_first = [(row.probability, row.place == 0) for row in rows]
    return dict(
        n=n,
        first=first / n,
        first_interval=wilson(first, n),
        listed=sum(row.place < LISTED for row in rows) / n,
        first_by_list=sum(row.place_by_list == 0 for row in rows) / n,
        listed_by_list=sum(row.place_by_list < LISTED for row in rows) / n,
        mean_probability=float(np.mean([row.probability for row in rows])),
        calibration_error=float(calibration_error(*zip(*judged_first))),
    )


def simulated(study, n, seed=0, half="reporting"):
    """Return `Judged` for `n` structures of the test split, spread over the Bravais lattices.

    Parameters
    ----------
    study : ddi.base.paths.Study
        Whose data set the structures are from.
    n, seed : int
    half : {"choosing", "reporting"}, optional
        Families of one half only (`simulated_patterns.half`); None for both.
    """
    found = []
    for k, row in enumerate(simulated_patterns.rows(study, n, seed, half)):
        with contextlib.suppress(DDIError):
            found.append(judged(simulated_patterns.measurement(row, seed + k)))
    return found


def by_system(rows):
    """Return the `Judged` of each lattice system, by the first letter of the lattice."""
    systems = {}
    for row in rows:
        systems.setdefault(row.bravais, []).append(row)
    return dict(sorted(systems.items()))
