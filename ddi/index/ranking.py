"""One ranked list over all lattices: a score that knows chance, families of related lattices, and a
calibrated probability.

The score is a log likelihood ratio. An observed peak is any one of the lines the candidate allows
near it, or, with a small probability that grows towards weak peaks, spurious; against it stands a
peak that could be anywhere. A line is worth ``N(r; sigma) / rho``, so twice as many lines cost log
2 a peak, and a peak without a line costs log(1/e). Two refinements let real crystals look the way
they do: lines that a space group extinguishes are not counted (`ddi.index.extinction`), and a
superstructure may put most of its peaks on the lines of its subcell.
"""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ddi.forward import bragg, fom, lattice, relations
from ddi.forward.lines import KINDS, distinct_lines, nearest_line
from ddi.index import extinction, screening

CALIBRATION = Path(__file__).with_name("calibration.json")
# share and relative width of the outer of two normal curves of a peak's error
TAIL = 0.15
TAIL_WIDTH = 3.0
# how the probability of a spurious peak goes with its intensity
SPURIOUS_POWER = 0.3
SPURIOUS_RANGE = (0.005, 0.25)
# log units a free parameter, an extinction symbol, a superstructure
PARAMETER_COST = 5.0
EXTINCTION_COST = 3.0
SUBLATTICE_COST = 2.0
SHARES = np.array(
    [0.5, 0.6, 0.7, 0.8, 0.88, 0.94, 0.97]
)  # of the peaks that a superstructure puts on its subcell's lines
SCALES = (
    (1.0, 0.0),
    (1.7, 2.0),
)  # how much worse than stated peak positions may be, and what that costs
NARROW = np.array([1.5, 1.2, 1.0, 1.0])
N_REFINED = 60
N_PER_LATTICE = 12
N_JUDGED = 70
INDEXED_SIGMAS = 3.0
BEYOND_DOUBT = 0.999
MIN_CERTAIN = 10
# the cost of having tried a dozen or two that have more lines
MAX_CLIMB = 3
SUPERCELL_COST = 3.0
SUBCELL_COST = 0.0
COLUMNS = (
    "rank score probability bravais cell volume M20 F20 n_indexed n_peaks zero_shift family symbol n_lines source hkl q2_calc"
).split()


def error_density(miss, sigma):
    """Return the probability density of a peak's error: two normal curves, the outer one for the
    odd bad peak.
    """
    inner, outer = (
        np.exp(-0.5 * (miss / s) ** 2) / (np.sqrt(2 * np.pi) * s)
        for s in (sigma, TAIL_WIDTH * sigma)
    )
    return (1 - TAIL) * inner + TAIL * outer


def spurious(intensity):
    """Return each peak's prior probability to belong to no line, from its intensity."""
    return np.clip(
        extinction.SPURIOUS * (intensity / np.median(intensity)) ** -SPURIOUS_POWER, *SPURIOUS_RANGE
    )


def line_density(n_lines, q2, last):
    """Return lines per A^-2 at each q2 of a lattice with n_lines up to the last one: their number
    goes as q2^(3/2).
    """
    return 1.5 * np.maximum(n_lines, 1) * np.sqrt(q2) / last**1.5


def shortlist(peaks, found, zero):
    """Refine the best of one lattice's candidates against all peaks and return the distinct ones.

    Returns
    -------
    list of dict
        bravais, x, zero, plain (the score without absences), source.
    """
    kind = KINDS[found.bravais]
    good = np.flatnonzero(lattice.is_positive(found.x))
    scores, _ = plain_scores(peaks, found.bravais, found.x[good], found.zero[good], peaks.n_search)
    best = good[np.argsort(-scores, kind="stable")[:N_REFINED]]
    x = found.x[best].copy()
    zeros = found.zero[best].copy()
    screening.refine(
        x, zeros, kind, peaks.q2, peaks.slope, peaks.sigma, zero.mean, zero.sigma, NARROW
    )
    good = lattice.is_positive(x)
    x = x[good]
    zeros = zeros[good]
    sources = np.asarray(found.source)[best[good]]
    scores, counts = plain_scores(peaks, found.bravais, x, zeros, len(peaks.q2))
    volumes = lattice.volume(lattice.x_to_cell(x))
    rows = []
    for i in np.argsort(-scores, kind="stable"):
        mark = np.array([np.log(volumes[i]) / 0.003, scores[i] / 0.5, counts[i]])
        if all((np.abs(mark - row["mark"]) > 1).any() for row in rows):
            rows.append(
                dict(
                    bravais=found.bravais,
                    x=x[i],
                    zero=zeros[i],
                    plain=scores[i],
                    source=sources[i],
                    mark=mark,
                )
            )
        if len(rows) == N_PER_LATTICE:
            break
    return rows


def plain_scores(peaks, bravais, x, zero, n_use):
    """Return the scores (n,) by nearest lines, all lines of the lattice counted, and the numbers of
    lines (n,).
    """
    kind = KINDS[bravais]
    q2 = peaks.q2[:n_use]
    sigma = peaks.sigma[:n_use]
    misses, counts = screening.describe(x, zero, kind, q2, peaks.slope[:n_use])
    e = peaks.spurious[:n_use]
    gains = [
        np.log(
            (1 - e)
            * error_density(misses, scale * sigma)
            / line_density(counts[:, None], q2, q2[-1])
            + e
        ).sum(axis=1)
        - cost
        for scale, cost in SCALES
    ]
    return np.max(gains, axis=0) - PARAMETER_COST * len(lattice.ties(kind.system).T), counts


def judge(peaks, bravais, x, zero):
    """Return (score, symbol, number of allowed lines) of one candidate under its likeliest
    extinction symbol and superstructure.
    """
    q2, sigma, slope, e = peaks.votes
    q2 = q2 - zero * slope
    last = peaks.q2[-1] - zero * peaks.slope[-1]
    hkl, lines = distinct_lines(x, bravais, last + 3 * peaks.sigma[-1])
    if not len(lines):
        return -np.inf, "", 0
    starts = np.flatnonzero(np.diff(lines, prepend=-1) > 1e-7 * lines)  # 333 and 511 are one line
    masks, sublattices = (
        np.logical_or.reduceat(m, starts, axis=1)
        for m in (extinction.allowed(bravais, hkl), extinction.sublattices(bravais, hkl))
    )
    miss = q2[:, None] - lines[starts]
    density = line_density(1, q2, last)[:, None]
    judged = (
        _best_class(
            error_density(miss, scale * sigma[:, None]) / density, masks, sublattices, e, cost
        )
        for scale, cost in SCALES
    )
    score, best = max(judged)
    cost = PARAMETER_COST * len(lattice.ties(KINDS[bravais].system).T)
    return score - cost, extinction.classes(bravais)[best][0], int(masks[best].sum())


def _best_class(worth, masks, sublattices, e, cost):
    """Return the best score and its class of extinctions."""
    complete = masks.all(axis=1)
    gain = np.log((1 - e) * _worth(worth, masks) + e).sum(axis=1) - np.where(
        complete, 0, EXTINCTION_COST
    )
    best = int(gain.argmax())
    score = gain.max()
    for i in np.argsort(-gain, kind="stable")[:3]:
        score_i = (
            _superstructure_gain(worth, masks[i], sublattices, e)
            - SUBLATTICE_COST
            - (0 if complete[i] else EXTINCTION_COST)
        )
        if score_i > score:
            best = int(i)
            score = score_i
    return score - cost, best


def _worth(worth, masks):
    """Sum over the lines of each mask, per line allowed: shape (n_masks, n_peaks)."""
    return (worth @ masks.T.astype(float)).T / np.maximum(masks.sum(axis=1), 1)[:, None]


def _superstructure_gain(worth, allowed, sublattices, e):
    inside = sublattices & allowed
    outside = ~sublattices & allowed
    real = inside.any(axis=1) & outside.any(axis=1)
    if not real.any():
        return -np.inf
    share = SHARES[:, None, None]
    mixed = share * _worth(worth, inside[real]) + (1 - share) * _worth(worth, outside[real])
    return np.log((1 - e) * mixed + e).sum(axis=2).max()


def order(peaks, rows):
    """Judge the likeliest of the shortlisted rows of all lattices, once each, and return them best
    first, a lattice once.
    """
    rows = sorted(rows, key=lambda row: -row["plain"])[:N_JUDGED]
    for row in rows:
        if "score" not in row:
            row["score"], row["symbol"], row["n_lines"] = judge(
                peaks, row["bravais"], row["x"], row["zero"]
            )
            row["cell"] = lattice.x_to_cell(row["x"])
            row["reduced"] = lattice.reduced_cell(row["cell"], lattice.BRAVAIS[row["bravais"]][1])
            row["primitive_volume"] = lattice.volume(row["reduced"])
    return distinct(sorted(rows, key=lambda row: -row["score"]))


def climb(peaks, ordered, zero, symbols=tuple(lattice.BRAVAIS)):
    """Try the super- and sublattices of the first row, then of the best of these, as long as one
    explains the peaks better; return all in order.
    """
    for _ in range(MAX_CLIMB if ordered else 0):
        best = ordered[0]
        children = []
        for bravais, x, larger in relations.relatives(best["reduced"]):
            x = x[None].copy()
            zeros = np.array([best["zero"]])
            screening.refine(
                x,
                zeros,
                KINDS[bravais],
                peaks.q2,
                peaks.slope,
                peaks.sigma,
                zero.mean,
                zero.sigma,
                NARROW,
            )
            if bravais in symbols and lattice.is_positive(x)[0]:
                source = "superlattice" if larger else "sublattice"
                children.append(
                    dict(bravais=bravais, x=x[0], zero=zeros[0], plain=best["plain"], source=source)
                )
        costs = {"superlattice": SUPERCELL_COST, "sublattice": SUBCELL_COST}
        children = [
            row | dict(score=row["score"] - costs[row["source"]]) for row in order(peaks, children)
        ]
        ordered = distinct(sorted(ordered + children, key=lambda row: -row["score"]))
        if ordered[0] is best:
            break
    return ordered


def is_beyond_doubt(peaks, ordered):
    """Say whether the first row is certain and explains every one of at least `MIN_CERTAIN` peaks."""
    certain = calibration() | dict(doubt=0.0)
    if (
        not ordered
        or len(peaks.q2) < MIN_CERTAIN
        or probabilities([row["score"] for row in ordered], **certain)[0] < BEYOND_DOUBT
    ):
        return False
    return bool(_figures(peaks, ordered[0])["hkl"].any(axis=1).all())


def table(peaks, ordered, n_best=50):
    """Return the ordered rows as a table.

    Parameters
    ----------
    peaks : ddi.index.search.Peaks
    ordered : list of dict
        From `order`.
    n_best : int

    Returns
    -------
    DataFrame
        rank (from 1), score, probability, bravais, cell (6; conventional, hexagonal axes for hR),
        volume (A^3), M20, F20, n_indexed and n_peaks (of the peaks that search), zero_shift
        (degrees), family (the rank of its best member), symbol (likeliest extinction symbol),
        n_lines, source, hkl (n, 3) and q2_calc (n,) of all peaks used.
    """
    chances = probabilities([row["score"] for row in ordered])
    rows = [
        dict(row, probability=p, family=f) | _figures(peaks, row)
        for row, p, f in zip(ordered[:n_best], chances, families(ordered[:n_best]))
    ]
    frame = pd.DataFrame(
        [{name: row[name] for name in COLUMNS[1:]} for row in rows], columns=COLUMNS
    )
    return frame.assign(rank=np.arange(1, len(rows) + 1))


def distinct(rows):
    """Keep the first of rows that describe the same lattice."""
    kept = []
    marks = np.empty((0, 4))
    for row in rows:
        mark = np.log([*row["reduced"][:3], row["primitive_volume"]])
        near = np.flatnonzero((np.abs(marks - mark) < (0.015, 0.015, 0.015, 0.05)).all(axis=1))
        if not any(relations.same_lattice(row["reduced"], kept[k]["reduced"]) for k in near):
            kept.append(row)
            marks = np.vstack([marks, mark])
    return kept


def families(rows, n_related=10):
    """Return for each row, best first, the rank of the first row that is a sub- or supercell of
    index up to 4 of it.
    """
    heads = []
    for i, row in enumerate(rows):
        related = (heads[k] for k in range(i if i < n_related else 0) if _derivative(row, rows[k]))
        heads.append(next(related, i + 1))
    return heads


def _derivative(row, other):
    ratio = row["primitive_volume"] / other["primitive_volume"]
    ratio = max(ratio, 1 / ratio)
    return (
        1.5 < ratio < 4.4
        and abs(ratio / round(ratio) - 1) < 0.03
        and relations.explain(row["reduced"], "P", other["reduced"], "P")[0] != "wrong"
    )


def _figures(peaks, row):
    n = peaks.n_search
    q2 = peaks.q2 - row["zero"] * peaks.slope
    hkl, lines = distinct_lines(row["x"], row["bravais"], 1.1 * q2[-1])
    nearest = nearest_line(q2, lines)
    miss = np.abs(q2 - lines[nearest])
    wavelength = peaks.wavelength or bragg.wavelength_reaching(q2[-1])
    return dict(
        volume=lattice.volume(row["cell"]),
        M20=float(fom.m20(q2[:n], lines)),
        F20=float(fom.f_n(q2[:n], lines, wavelength)),
        n_indexed=int((miss[:n] < INDEXED_SIGMAS * peaks.sigma[:n]).sum()),
        n_peaks=n,
        zero_shift=float(row["zero"]),
        hkl=np.where((miss < INDEXED_SIGMAS * peaks.sigma)[:, None], hkl[nearest], 0),
        q2_calc=lines[nearest],
    )


@lru_cache(maxsize=1)
def calibration():
    """Return temperature, null and doubt: see `probabilities`."""
    return json.loads(CALIBRATION.read_text(encoding="utf-8"))


def probabilities(scores, *, temperature=None, null=None, doubt=None, **_):
    """Return the probability of each candidate to be the right lattice.

    A softmax of the scores with a temperature and a "none of these", all of it less the share of
    patterns whose true lattice does not show (superstructures without a visible line).

    Parameters
    ----------
    scores : array_like, shape (n,)
        Of one pattern's candidates.
    temperature, null, doubt : float, optional
        How far scores are trusted, the score of "none of these", and that share; those of
        `calibration` if not given.
    """
    if temperature is None:
        return probabilities(scores, **calibration())
    levels = np.append(np.asarray(scores, dtype=float), null) / temperature
    weights = np.exp(levels - levels.max())
    return (1 - doubt) * (weights / weights.sum())[:-1]


def calibrate(scores, right):
    """Return the parameters of `probabilities` that make the right candidates likeliest.

    Parameters
    ----------
    scores : list of array_like
        The scores of each pattern's candidates.
    right : list of int
        Which candidate is right, -1 for none.

    Returns
    -------
    dict
        temperature, null, doubt, n.
    """
    from scipy.optimize import minimize

    def named(parameters):
        return dict(
            temperature=float(np.exp(parameters[0])),
            null=float(parameters[1]),
            doubt=float(1 / (1 + np.exp(-parameters[2]))),
        )

    def loss(parameters):
        chances = [
            np.append(p := probabilities(s, **named(parameters)), 1 - p.sum())[k]
            for s, k in zip(scores, right)
        ]
        return -np.log(np.clip(chances, 1e-9, None)).mean()

    return named(
        minimize(loss, [1.0, 10.0, -3.0], method="Nelder-Mead", options=dict(maxiter=2000)).x
    ) | dict(n=len(right))
