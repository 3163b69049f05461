"""One pattern's peaks as search and ranking read them, and what is known of the zero shift."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ddi.forward import bragg
from ddi.index import score, short_lists
from ddi.index.constants import KNOWN, RANKING, SEARCH


def fineness(wavelength):
    """Return what usual errors in degrees 2theta are multiplied by at a wavelength in A.

    Laboratory tubes err alike in degrees. Instruments at other short wavelengths, synchrotrons that
    is, resolve the same spacings at smaller angles, so that they err less in proportion.

    Examples
    --------
    >>> fineness(1.5406), fineness(0.7093), fineness(0.75), fineness(None)
    (1.0, 1.0, 0.5, 1.0)
    """
    if not wavelength or bragg.anode(wavelength):
        return 1.0
    return min(1.0, wavelength / SEARCH.short)


class Votes(NamedTuple):
    """All peaks that have a say in the ranking, each field of shape (m,): q2 and sigma in A^-2,
    slope dq2/d(2theta) in A^-2 per degree, prior probability to belong to no line.
    """

    q2: np.ndarray
    sigma: np.ndarray
    slope: np.ndarray
    spurious: np.ndarray


@dataclass(frozen=True)
class Peaks:
    """One pattern's peaks, ascending.

    Attributes
    ----------
    q2, sigma, slope : ndarray, shape (n,)
        In A^-2; sigma is one standard deviation; slope is dq2/d(2theta) per degree.
    spurious : ndarray, shape (n,)
        Prior probability of each to belong to no line.
    n_search : int
        How many of the first generate and screen; the others verify.
    wavelength : float or None
        In Angstrom.
    votes : Votes
        These peaks and those too faint to search with.
    scales : tuple of (float, float)
        How much worse than `sigma` the positions may be, and what that costs in log units.
    contents : ddi.index.contents.Contents or None
        What a formula says of the volume.
    intensity : ndarray, shape (n,), or None
        In any unit.
    shares : dict or None
        What the length of a short list says of lattices: see `ddi.index.short_lists`.
    whole : bool
        Whether they were picked from a whole pattern, which is asked about lines without a peak.
    shift : tuple of (float, float) or None
        Where the zero shift is looked for first: mean and width, degrees 2theta.
    """

    q2: np.ndarray
    sigma: np.ndarray
    slope: np.ndarray
    spurious: np.ndarray
    n_search: int
    wavelength: float | None
    votes: Votes
    scales: tuple = RANKING.scales
    contents: object = None
    intensity: np.ndarray | None = None
    shares: dict | None = None
    whole: bool = False
    shift: tuple | None = None

    @property
    def coarse(self):
        """Whether no errors are stated, so that positions may be several times as wrong."""
        return len(self.scales) > len(RANKING.scales)

    @property
    def fineness(self):
        """What usual errors in degrees 2theta are multiplied by: see `fineness`."""
        return fineness(self.wavelength)

    def crowded(self):
        """Return the same peaks as those of a pattern that may be full of foreign ones."""
        return replace(
            self,
            spurious=np.maximum(self.spurious, SEARCH.crowded),
            votes=self.votes._replace(spurious=np.maximum(self.votes.spurious, SEARCH.crowded)),
        )

    def chosen(self, which):
        """Return the peaks that a mask of shape (n,) chooses, with all faint ones."""
        kept = np.append(which, np.ones(len(self.votes.q2) - len(which), dtype=bool))
        intensity = None if self.intensity is None else self.intensity[which]
        return replace(
            self,
            q2=self.q2[which],
            sigma=self.sigma[which],
            slope=self.slope[which],
            spurious=self.spurious[which],
            n_search=min(self.n_search, int(which.sum())),
            votes=Votes(*(array[kept] for array in self.votes)),
            intensity=intensity,
        )

    def shift_odds(self, zero):
        """Return the log odds of a zero shift in degrees 2theta against the likeliest one: those of
        Cauchy's law, as instruments far out of adjustment are not rare.
        """
        if self.shift is None:
            return 0.0
        mean, width = self.shift
        return -np.log1p(((zero - mean) / width) ** 2)

    def told(self, bravais, volume):
        """Return what a formula and the length of a short list add to the scores of primitive cells
        of volumes (n,) in A^3.
        """
        told = np.zeros(np.shape(volume))
        if self.contents is not None:
            told = told + self.contents.log_ratio(bravais, volume)
        if self.shares is not None:
            told = told + short_lists.log_ratio(self.shares, bravais, volume)
        return told


@dataclass(frozen=True)
class Zero:
    """Prior mean and standard deviation of the zero shift, and the shifts tried in screening;
    degrees 2theta.
    """

    mean: float = SEARCH.zero_mean
    sigma: float = SEARCH.zero_sigma
    trials: tuple = SEARCH.trial_shifts

    @classmethod
    def known(cls, value):
        """A zero shift that is not to be refined."""
        return cls(value, 1e-6, (value,))

    def within(self, peaks):
        """Return the same, if it is to be fitted, without shifts of half the first peak's angle and
        more, which would put it on the wrong side of the beam.
        """
        if self.sigma < 1e-5:
            return self
        wavelength = peaks.wavelength or bragg.wavelength_reaching(peaks.q2[-1])
        most = 0.5 * float(bragg.two_theta(peaks.q2[0], wavelength))
        trials = tuple(shift for shift in self.trials if abs(shift) < most)
        return Zero(self.mean, min(self.sigma, most / 3), trials or (0.0,))

    @classmethod
    def wide(cls, wavelength=None):
        """For patterns that nothing explains within the usual shifts."""
        return cls(0.0, SEARCH.wide_zero_sigma, SEARCH.wide_shifts).times(fineness(wavelength))

    @classmethod
    def nominal(cls):
        """For spacings whose wavelength is not known, as if measured with Cu K-alpha."""
        return cls(0.0, SEARCH.nominal_sigma, SEARCH.nominal_shifts)

    def times(self, factor):
        """Return the same for shifts so many times as large."""
        trials = tuple(factor * trial for trial in self.trials)
        return Zero(factor * self.mean, factor * self.sigma, trials)

    @classmethod
    def asked(cls, value, wavelength, fixed=False):
        """The prior for "fit", None or degrees, a start unless it is fixed or there is no
        wavelength.
        """
        if value == "fit":
            return cls().times(fineness(wavelength)) if wavelength else cls.nominal()
        if value is None or fixed or not wavelength:
            return cls.known(0.0 if value is None else float(value))
        return cls(value, KNOWN.start_sigma, tuple(value + trial for trial in KNOWN.start_trials))


def prepare(
    q2,
    sigma_q2=None,
    intensities=None,
    wavelength=None,
    n_peaks=20,
    faint=None,
    spurious=None,
    foreign=None,
    contents=None,
):
    """Return the `Peaks` of a pattern, sorted; arguments as for `ddi.index.search.run`, and the
    probability of any peak to be spurious if it is known.
    """
    q2 = bragg.as_q2(q2, SEARCH.min_peaks)
    order = np.argsort(q2, kind="stable")[: max(SEARCH.max_verify, n_peaks)]
    used = wavelength or bragg.wavelength_reaching(q2[order[-1]])
    slope = bragg.q2_slope(q2[order], used)
    sigma = SEARCH.sigma * fineness(wavelength) * slope
    sigma = np.maximum(sigma, _rounding(q2[order], slope, wavelength))
    if sigma_q2 is not None:
        given = np.broadcast_to(np.asarray(sigma_q2, dtype=float), q2.shape)
        sigma = np.maximum(given[order], 1e-9)
    intensity = np.ones(len(order))
    if intensities is not None:
        intensity = np.maximum(np.asarray(intensities, dtype=float)[order], 1e-9)
    chance = score.spurious(intensity)
    if spurious is not None:
        chance = np.full(len(order), spurious)
    if foreign is not None:
        chance = _as_many(chance, foreign / min(n_peaks, len(order)))
    strong = Votes(q2[order], sigma, slope, chance)
    weak = _weak(faint, used, strong.q2[-1], len(strong.q2))
    votes = Votes(*(np.concatenate(pair) for pair in zip(strong, weak)))
    scales = RANKING.scales + (RANKING.coarse_scales if sigma_q2 is None else ())
    given = None if intensities is None else intensity
    shares = short_lists.of_list(strong.q2) if sigma_q2 is None else None
    n_search = min(n_peaks, len(order))
    whole = faint is not None
    return Peaks(*strong, n_search, wavelength, votes, scales, contents, given, shares, whole)


def _rounding(q2, slope, wavelength):
    """Standard deviations in A^-2 of spacings or angles that all stand with so few decimals, the
    same law for any number within the last one; 0 where they have more.
    """
    spacing = q2**-0.5
    written = [(spacing, 2 * q2 / spacing)]
    if wavelength:
        written.append((bragg.two_theta(q2, wavelength), slope))
    for values, per_unit in written:
        for step in SEARCH.roundings:
            if np.abs(values - step * np.round(values / step)).max() < 1e-6 * step:
                return step / np.sqrt(12) * per_unit
    return np.zeros(len(q2))


def _weak(faint, wavelength, last, most):
    """`Votes` of the faint peaks below the last peak: no more than the `most` that are likeliest
    lines, so that noise never outvotes the peaks themselves.
    """
    q2, sigma, spurious = np.empty((3, 0)) if faint is None else np.array(faint, dtype=float)
    inside = np.flatnonzero(q2 < last)
    inside = np.sort(inside[np.argsort(spurious[inside], kind="stable")[:most]])
    slope = bragg.q2_slope(q2[inside], wavelength)
    least = SEARCH.sigma * fineness(wavelength) * slope
    return Votes(q2[inside], np.maximum(sigma[inside], least), slope, spurious[inside])


def _as_many(chance, share):
    """Probabilities of peaks to be foreign whose mean is `share`; weak ones remain likelier."""
    least = RANKING.spurious_range[0]
    return np.clip(chance * share / chance.mean(), least, KNOWN.most_foreign)
