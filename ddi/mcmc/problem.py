"""One pattern and one lattice system, prepared: nearest lines, refinement with all peaks, and the
score that ranks cells.
"""

import copy
from typing import NamedTuple

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.forward.bragg import sigma_q2
from ddi.forward.chance import SCORE, error_density, line_density, log_odds
from ddi.forward.constants import FORWARD
from ddi.forward.reflections import reference_hkl
from ddi.mcmc import likelihood
from ddi.mcmc import nearest as lines
from ddi.mcmc.constants import CONSTANTS

CENTRINGS = {"cubic": "PIF", "tetragonal": "PI", "orthorhombic": "PABCIF", "monoclinic": "PACI"}
"""Centrings that a cell can have in the axes used here (monoclinic b unique, others as they come);
P where not named.
"""


def allowed(hkl, centring):
    """Say which indices, shape (..., 3), a centring leaves: those with an integer phase for every
    centring vector.
    """
    halves = {
        "P": [],
        "A": [[0, 1, 1]],
        "B": [[1, 0, 1]],
        "C": [[1, 1, 0]],
        "I": [[1, 1, 1]],
        "F": [[0, 1, 1], [1, 0, 1]],
    }[centring]
    return (np.asarray(hkl) @ np.array(halves, dtype=int).reshape(-1, 3).T % 2 == 0).all(axis=-1)


class Arrays(NamedTuple):
    """What the compiled loops read of a pattern.

    Attributes
    ----------
    q2 : ndarray, shape (n_peaks,)
        Observed peaks, A^-2, ascending.
    lines : ndarray, shape (n_free, n_ref)
        Transposed design matrix.
    ties : ndarray, shape (6, n_free)
    table, scale
        Of `ddi.mcmc.nearest.lookup`.
    bounds : ndarray, shape (2,)
        Shortest and longest axis in A.
    intensity : ndarray, shape (n_peaks,)
        Weights of Coelho's misfit; ones where unknown.
    log_prior : ndarray, shape (n_peaks, n_ref)
        Of each line at each rank (`ddi.models.assigners.LinePrior`); no rows where not used.
    prior_width : float
        Its relative error of q2.
    """

    q2: np.ndarray
    lines: np.ndarray
    ties: np.ndarray
    table: np.ndarray
    scale: float
    bounds: np.ndarray
    intensity: np.ndarray
    log_prior: np.ndarray
    prior_width: float


class Problem:
    """One pattern and one lattice system, prepared for the compiled loops.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        A^-2; sorted here.
    system : str
    hkl : ndarray of int, shape (n_ref, 3), optional
        Reference indices; `ddi.forward.reflections.reference_hkl` if not given.
    sigma : array_like, shape (n_peaks,), optional
        Errors of q2 in A^-2.
    intensity : array_like, shape (n_peaks,), optional
    """

    def __init__(self, q2_obs, system, hkl=None, sigma=None, intensity=None):
        q2_obs = np.asarray(q2_obs, dtype=float)
        n_free = lattice.ties(system).shape[1]
        if (
            q2_obs.ndim != 1
            or len(q2_obs) <= n_free
            or not (np.isfinite(q2_obs).all() and (q2_obs > 0).all())
        ):
            raise DDIError(
                f"read {q2_obs.size} values of q2; {system} needs a list of more than {n_free} "
                "positive numbers in A^-2"
            )
        order = np.argsort(q2_obs, kind="stable")
        self.system = system
        self.q2 = np.ascontiguousarray(q2_obs[order])
        self.sigma = (
            sigma_q2(self.q2, CONSTANTS.sigma_2theta)
            if sigma is None
            else np.broadcast_to(np.asarray(sigma, dtype=float), order.shape)[order]
        )
        intensity = (
            np.ones(len(order)) if intensity is None else np.asarray(intensity, dtype=float)[order]
        )
        self.intensity = intensity / intensity.max()
        self.hkl = reference_hkl(system) if hkl is None else np.asarray(hkl)
        self._read_lines(np.arange(len(self.hkl)))
        self.ties = lattice.ties(system)
        self.table, self.scale = lines.lookup(self.q2)
        self.bounds = np.array([FORWARD.min_length, FORWARD.max_length])

    def _read_lines(self, kept):
        self.kept, self.H = kept, lattice.design(self.hkl[kept], self.system)
        self.lines = np.ascontiguousarray(self.H.T)

    def centred(self, centring):
        """Return the same problem with the lines that a centring leaves; `kept` are their places in
        the reference list.
        """
        other = copy.copy(self)
        other._read_lines(np.flatnonzero(allowed(self.hkl, centring)))
        return other

    def first(self, n):
        """Return the same problem with the first n peaks only."""
        other = copy.copy(self)
        other.q2 = self.q2[:n]
        other.sigma = self.sigma[:n]
        other.intensity = self.intensity[:n]
        other.table, other.scale = lines.lookup(other.q2)
        return other

    def arrays(self, prior=None):
        """Return the `Arrays` of the pattern and, if given, of a `ddi.models.assigners.LinePrior`
        on the same reference lines; peaks beyond those it knows are treated as the last of them.
        """
        log_prior = np.zeros((0, len(self.hkl)))
        width = 1.0
        if prior is not None:
            rank = np.minimum(np.arange(len(self.q2)), len(prior.log_prior) - 1)
            log_prior = prior.log_prior[rank].astype(float)
            width = float(prior.width)
        return Arrays(
            self.q2,
            self.lines,
            self.ties,
            self.table,
            self.scale,
            self.bounds,
            self.intensity,
            log_prior,
            width,
        )

    def nearest(self, x):
        """Return labels (n_cand, n_peaks) of the nearest lines and the number of lines below the
        last peak (n_cand,).
        """
        return polish(self, x, rounds=0)[1:]

    def log_likelihood(self, x, label, log_prior, eps=CONSTANTS.eps_q2):
        """Log of the one-assignment posterior (2.4.1), shape (n_cand,); `log_prior` is log rho(H |
        c), broadcastable to (n_cand, n_peaks).
        """
        H = self.H[label]
        variance = likelihood.sigma2(self.q2, (H @ x[..., None])[..., 0], eps)
        return likelihood.assigned(x, H, self.q2, variance, log_prior)[0]

    def chance_score(self, x, label, count):
        """Log odds of 'a line or spurious' against 'chance', summed over the peaks, less a cost of
        each free parameter.

        A peak's nearest line is worth N(miss; sigma) / rho with rho the density of lines: unlike
        M20 the score is bounded for a spurious peak, and twice as many lines cost log 2 a peak.
        `ddi.index.ranking` adds absences and lattices to the same idea.
        """
        miss = self.q2 - (self.H[label] @ x[..., None])[..., 0]
        worth = error_density(miss, self.sigma) / line_density(count[:, None], self.q2, self.q2[-1])
        return log_odds(worth, SCORE.spurious).sum(axis=1) - SCORE.parameter_cost * x.shape[1]


def polish(problem, x, rounds=CONSTANTS.polish_rounds):
    """Refine x, shape (n_cand, n_free), with all peaks and weights that fall off beyond a width
    shrinking to two sigma; without rounds, assign only.

    Returns
    -------
    x, label, count
        Refined; labels (n_cand, n_peaks) of the nearest lines; lines below the last peak (n_cand,).
    """
    x = np.array(x, dtype=float, order="C")
    label = np.zeros((len(x), len(problem.q2)), dtype=np.int64)
    count = np.zeros(len(x), dtype=np.int64)
    widths = np.geomspace(CONSTANTS.polish_start, CONSTANTS.polish_end, rounds)
    lines.polish_all(
        x,
        label,
        count,
        problem.q2,
        problem.lines,
        problem.ties,
        problem.table,
        problem.scale,
        problem.bounds,
        problem.sigma,
        widths,
    )
    return x, label, count


def scored(problem, x):
    """Polish x and return x, `Problem.chance_score`, labels in the whole reference list, and lines
    below the last peak.
    """
    x, label, count = polish(problem, x)
    return x, problem.chance_score(x, label, count), problem.kept[label], count


def distinct(x, score, index=False, digits=5):
    """Return the best scored of each group of equal x (to five digits), in the order of their
    scores, or their places.
    """
    order = np.argsort(-score, kind="stable")
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(x[order]).max(axis=1, keepdims=True))))
    _, first = np.unique(np.round(x[order] * scale), axis=0, return_index=True)
    chosen = order[np.sort(first)]
    return chosen if index else x[chosen]
