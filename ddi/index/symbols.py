"""Extinction symbols with probabilities, from the intensities of one whole-pattern fit.

The cell is fitted without absences (`ddi.index.profile`), so every symbol of the lattice is judged
by the same intensities I_j. Where a symbol extinguishes a line, I_j comes from a measured null: a
normal law as wide as its standard uncertainty and a share of the strongest neighbour make it, or,
rarely, a misfit of the profiles nearby or a foreign line. Where it does not, I_j comes from a
mixture of exponential laws, scales of the mean intensity nearby, blurred by the same width. The
logarithm of the ratio, summed over the extinguished lines, joins the logarithm of how often the
symbol's space groups occur. An intensity where the tube's other lines may be does not speak for a
line (`companions`). Lines that a symbol allows may be weak as a whole class, with a small
probability (`with_weak_classes`).
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np
from scipy import stats
from scipy.special import log_ndtr, logsumexp

from ddi.forward import bragg
from ddi.index import extinction, standard
from ddi.index.pattern_constants import EVIDENCE, PHASES, PROFILE, SYMBOLS

COUNTS = Path(__file__).with_name("space_groups.json")


class Probable(NamedTuple):
    """An extinction symbol and what the pattern says about it.

    Attributes
    ----------
    symbol : str
    space_groups : tuple of str
        Those that occur most first.
    probability : float
        Those of a lattice add up to one.
    evidence : float
        Log units by which the intensities favour it over no absences, without the prior.
    n_extinct : int
        Fitted intensities that it extinguishes.
    """

    symbol: str
    space_groups: tuple
    probability: float
    evidence: float
    n_extinct: int


class Observed(NamedTuple):
    """Fitted intensities: value and standard uncertainty, the mean intensity nearby, how much the
    strongest neighbour may leak, and the strongest of all; every array of shape (n_columns,).
    """

    value: np.ndarray
    sigma: np.ndarray
    mean: np.ndarray
    neighbour: np.ndarray
    strongest: float


@lru_cache(maxsize=None)
def counts(kind="minerals"):
    """Return how many crystals have each space group, by number.

    Parameters
    ----------
    kind : {"minerals", "frameworks"}
        AMCSD, each mineral once, measured RRUFF minerals left out; or metal-organic frameworks of
        CoRE MOF, each family of the training split once.
    """
    read = json.loads(COUNTS.read_text(encoding="utf-8"))
    return {int(number): n for number, n in read[kind].items()}


@lru_cache(maxsize=None)
def log_prior(bravais):
    """Return the log prior of each of `extinction.classes`, shape (n_classes,): the mean of their
    shares in minerals and in frameworks. The counts of a space group are shared among its settings,
    and a little is added for what was never seen.
    """
    numbers = extinction.numbers(bravais)
    settings = np.bincount(sum(numbers, ()), minlength=231)
    laws = []
    for seen in (counts("minerals"), counts("frameworks")):
        total = [
            sum((seen.get(k, 0) + SYMBOLS.unseen) / settings[k] for k in of_class)
            for of_class in numbers
        ]
        laws.append(np.array(total) / np.sum(total))
    return np.log(SYMBOLS.minerals * laws[0] + (1 - SYMBOLS.minerals) * laws[1])


def observed(fit):
    """Return the `Observed` intensities of the cell's lines in a fit."""
    n = len(fit.amplitude) - fit.n_foreign
    value = fit.amplitude[:n]
    place = fit.places
    fwhm = fit.width(place)
    apart = np.abs(place[:, None] - place)
    weight = np.exp(-0.5 * (apart / SYMBOLS.window) ** 2)
    mean = weight @ value.clip(0) / weight.sum(axis=1)
    reach = 1 / (1 + (apart / fwhm[:, None]) ** 2)
    np.fill_diagonal(reach, 0)
    neighbour = (reach * value.clip(0)).max(axis=1) if n > 1 else np.zeros(n)
    mean = np.maximum(mean, 1e-3 * value.max())
    unseen = place < fit.two_theta[0]  # the pattern begins after the line: it says nothing
    sigma = np.where(unseen, SYMBOLS.nothing * mean, fit.amplitude_su[:n])
    return Observed(np.where(unseen, 0.0, value), sigma, mean, neighbour, value.max())


def companions(value, place, fwhm, tube, wavelengths, strong=None):
    """Say where a weaker line of the tube may stand: at another wavelength's place of a line that
    is strong enough for it.

    Parameters
    ----------
    value, place, fwhm : ndarray, shape (n,)
        Intensities, and degrees 2theta.
    tube : ddi.forward.bragg.Anode
    wavelengths : sequence of float
        In Angstrom.
    strong : tuple of ndarray, each of shape (m,), optional
        Intensities and places of the lines that may have companions; the same ones if not given.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    high, origin = (value, place) if strong is None else strong
    found = np.zeros(len(value), dtype=bool)
    reach = np.maximum(EVIDENCE.same * fwhm, EVIDENCE.least_reach)[:, None]
    for wavelength in wavelengths:
        near = np.abs(place[:, None] - bragg.moved(origin, wavelength / tube.alpha1)) < reach
        found |= (near & (value[:, None] < PHASES.beta * high)).any(axis=1)
    return found


def log_present(seen, sigma=None):
    """Return the log density of each intensity if its line is not extinct, blurred by `sigma`, the
    standard uncertainties if not given.
    """
    sigma = seen.sigma if sigma is None else sigma
    return _exponential(seen.value, sigma, np.outer(seen.mean, SYMBOLS.scales), SYMBOLS.weights)


def null_width(seen):
    """Return the standard deviation of an intensity where no line is, shape (n_columns,)."""
    return np.hypot(SYMBOLS.spread * seen.sigma, SYMBOLS.leak * seen.neighbour)


def log_null(seen):
    """Return the log density of each intensity if its line is extinct: nothing, a share of what is
    nearby, or a foreign line, which is weak beside the strongest of all.
    """
    width = null_width(seen)
    nothing = stats.norm.logpdf(seen.value / width) - np.log(width)
    scales = np.outer(seen.mean, SYMBOLS.misfit_scales)
    misfit = _exponential(seen.value, width, scales, 1 / len(SYMBOLS.misfit_scales))
    scale = np.full((len(width), 1), SYMBOLS.foreign_scale * seen.strongest)
    foreign = _exponential(seen.value, width, scale, 1.0)
    logs = np.log([1 - SYMBOLS.misfit - SYMBOLS.foreign, SYMBOLS.misfit, SYMBOLS.foreign])
    return logsumexp(logs[:, None] + [nothing, misfit, foreign], axis=0)


def _exponential(value, sigma, scale, weights):
    """Log density of a mixture of exponential laws with `scale` (n, n_laws), blurred by a normal
    law of width `sigma`.
    """
    value = value[:, None]
    sigma = sigma[:, None]
    laws = 0.5 * (sigma / scale) ** 2 - value / scale - np.log(scale)
    return logsumexp(laws + log_ndtr(value / sigma - sigma / scale), axis=1, b=weights)


def log_ratio(seen):
    """Return by how much each intensity favours that its line is extinct, in log units; 0 for a
    line that was not measured.
    """
    measured = seen.sigma < SYMBOLS.nothing * seen.mean
    return np.where(measured, log_null(seen) - log_present(seen, null_width(seen)), 0.0)


def with_weak_classes(evidence, extinct, weak=SYMBOLS.weak):
    """Return the log evidence of symbols if lines that a symbol allows may be weak all together.

    A structure that is nearly more symmetric (heavy atoms on special positions, a superstructure)
    has whole classes of weak lines, so their absences are not independent: with probability `weak`
    they follow the null of the stricter symbol that the intensities favour most.

    Parameters
    ----------
    evidence : ndarray, shape (n_symbols,)
    extinct : ndarray of bool, shape (n_symbols, n_columns)
    weak : float

    Returns
    -------
    ndarray, shape (n_symbols,)

    Examples
    --------
    >>> none_and_a_glide = np.array([[False, False], [True, True]])
    >>> with_weak_classes(np.array([0.0, 40.0]), none_and_a_glide, 0.01).round(1).tolist()
    [35.4, 40.0]
    """
    kept = extinct.astype(float)
    n_extinct = kept.sum(axis=1)
    stricter = (kept @ (1 - kept).T < 0.5) & (n_extinct > n_extinct[:, None])
    best = np.where(stricter, evidence, -np.inf).max(axis=1)
    return np.logaddexp(np.log1p(-weak) + evidence, np.log(weak) + best)


def rank(fit):
    """Return the extinction symbols of a fitted cell, most probable first.

    Parameters
    ----------
    fit : ddi.index.profile.Fit
        Of the lattice without absences.

    Returns
    -------
    list of Probable
    """
    seen = observed(fit)
    masks = extinction.allowed(fit.bravais, fit.lines.hkl)
    n = len(seen.value)
    extinct = np.array([np.bincount(fit.lines.column, mask, minlength=n) == 0 for mask in masks])
    evidence = extinct @ _of_extinction(fit, seen)
    level = with_weak_classes(evidence, extinct) + log_prior(fit.bravais)
    chances = np.exp(level - logsumexp(level))
    entries = extinction.classes(fit.bravais)
    return [
        Probable(
            entries[k].symbol,
            _by_count(entries[k].space_groups),
            float(chances[k]),
            float(evidence[k]),
            int(extinct[k].sum()),
        )
        for k in np.argsort(-chances, kind="stable")
    ]


def _of_extinction(fit, seen):
    """`log_ratio`, but 0 where an intensity that speaks for a line may be one of the tube's."""
    ratio = log_ratio(seen)
    if fit.tube is None:
        return ratio
    wavelengths = (fit.tube.beta, SYMBOLS.tungsten)
    other = companions(seen.value, fit.places, fit.width(fit.places), fit.tube, wavelengths)
    return np.where(other, np.maximum(ratio, 0.0), ratio)


def listed(fit):
    """Return the symbols likelier than `least_shown` as plain dicts: symbol, probability, space
    groups, and each group's standard setting (`ddi.index.standard`).
    """
    return [
        {
            "symbol": row.symbol,
            "probability": round(row.probability, 4),
            "space_groups": list(row.space_groups),
            "standard": [standard.setting(name, fit.cell) for name in row.space_groups],
        }
        for row in rank(fit)
        if row.probability > PROFILE.least_shown
    ]


def _by_count(names):
    minerals = counts("minerals")
    frameworks = counts("frameworks")
    scale = sum(minerals.values()) / sum(frameworks.values())
    numbers = {name: gemmi.SpaceGroup(name).number for name in names}
    often = {k: minerals.get(k, 0) + scale * frameworks.get(k, 0) for k in numbers.values()}
    return tuple(sorted(names, key=lambda name: -often[numbers[name]]))
