"""A whole-pattern (Pawley) fit of one cell: intensities, cell, zero shift, widths and background.

The calculated pattern is ``y(2theta) = b(2theta) + sum_j I_j sum_c s_c P(2theta - t_c; w(t_c),
eta)`` with free integrated intensities I_j, one or two lines c a reflection (K-alpha1 and half of
it as K-alpha2), pseudo-Voigt profiles P, ``t = 2theta(q2, lambda) + zero + displacement cos theta``
and FWHM ``w = w0 + w1 tan theta + w2 tan^2 theta``; b is the clipped background plus a linear
spline. Lines closer together than a quarter of a width share an intensity. All parameters are
refined together by damped Gauss-Newton steps (`ddi.index.pawley` assembles the equations).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice
from ddi.forward.lines import distinct_lines
from ddi.index import picking
from ddi.index.pattern_constants import PROFILE
from ddi.index.pawley import invert_factorised
from ddi.index.refinement import Problem, equations_at, factorised, refined
from ddi.index.setting import by_metric, propagated


class Lines(NamedTuple):
    """The reflections of a fit, ascending.

    Attributes
    ----------
    hkl : ndarray of int, shape (n, 3)
    q2 : ndarray, shape (n,)
        A^-2, of the refined cell.
    two_theta : ndarray, shape (n,)
        Degrees, where K-alpha1 stands in the pattern.
    column : ndarray of int, shape (n,)
        Which fitted intensity it belongs to.
    intensity : ndarray, shape (n,)
        Integrated, K-alpha1, shared equally among the lines of a column.
    """

    hkl: np.ndarray
    q2: np.ndarray
    two_theta: np.ndarray
    column: np.ndarray
    intensity: np.ndarray


@dataclass(frozen=True, eq=False)
class Fit:
    """A candidate fitted to a whole pattern.

    Attributes
    ----------
    bravais : str
    cell, cell_su : ndarray, shape (6,)
        Angstrom and degrees, on the axes of the search, with standard uncertainties.
    zero, displacement : float
        Degrees 2theta: what is added to every line, and the factor of cos(theta).
    two_theta, observed, calculated, background, sigma : ndarray, shape (n_points,)
        The pattern without its clipped background; calculated includes the spline `background`;
        sigma counts the model error.
    lines : Lines
    share : ndarray, shape (n_lines,)
        Of its column's intensity that each line has.
    width_law : ndarray, shape (3,)
        FWHM in degrees as a polynomial of tan(theta).
    noise : ndarray, shape (n_points,)
        Standard deviation of the observed by counting alone.
    of_cell : ndarray, shape (n_points,)
        What the cell's lines make of the calculated pattern: without background and foreign lines.
    tube : ddi.forward.bragg.Anode or None
        None where the radiation has one line.
    amplitude : ndarray, shape (n_columns,)
        Fitted intensities of the cell's lines, then of foreign lines.
    covariance : ndarray, shape (n_columns, n_columns)
        Of the amplitudes.
    n_foreign : int
        Last columns that belong to no line of the cell.
    misfit : float
        Sum of squared residuals over sigma.
    """

    bravais: str
    cell: np.ndarray
    cell_su: np.ndarray
    zero: float
    displacement: float
    two_theta: np.ndarray
    observed: np.ndarray
    calculated: np.ndarray
    background: np.ndarray
    sigma: np.ndarray
    lines: Lines
    share: np.ndarray
    width_law: np.ndarray
    amplitude: np.ndarray
    covariance: np.ndarray
    n_foreign: int
    misfit: float
    noise: np.ndarray
    of_cell: np.ndarray
    tube: bragg.Anode | None

    def to_dict(self):
        """Return figures of the fit as plain numbers: rwp, displacement, number of points and of
        foreign lines, and the extinction symbols with their probabilities.
        """
        from ddi.index import symbols

        return {
            "whole_pattern": {
                "rwp": round(self.rwp, 4),
                "displacement": round(self.displacement, 4),
                "n_points": len(self.two_theta),
                "n_foreign": self.n_foreign,
                "symbols": symbols.listed(self),
            }
        }

    def width(self, two_theta):
        """Return the FWHM in degrees at an angle."""
        return np.polyval(self.width_law[::-1], np.tan(np.radians(two_theta) / 2))

    @cached_property
    def places(self):
        """Degrees 2theta of each intensity of the cell's lines, shape (n_columns - n_foreign,)."""
        n = len(self.amplitude) - self.n_foreign
        return np.bincount(self.lines.column, self.lines.two_theta * self.share, minlength=n)

    @property
    def amplitude_su(self):
        """Standard uncertainties of the intensities, shape (n_columns,)."""
        return np.sqrt(np.diag(self.covariance).clip(0))

    @property
    def rwp(self):
        """Weighted profile R factor, background taken off, weights from counting noise."""
        weighted = np.sum((self.difference / self.noise) ** 2)
        return float(np.sqrt(weighted / np.sum((self.observed / self.noise) ** 2)))

    @property
    def difference(self):
        """Observed minus calculated, shape (n_points,)."""
        return self.observed - self.calculated


def pattern_of(peaks):
    """Return the `ddi.index.picking.Prepared` pattern that peaks were picked from."""
    return picking.prepare(*peaks.pattern, peaks.wavelength, peaks.radiation == "xray")


def fit(prepared, wavelength, bravais, x, zero=0.0, *, end=None, foreign=(), model_error=None):
    """Fit a cell to a whole pattern.

    Parameters
    ----------
    prepared : ddi.index.picking.Prepared
        The pattern, with its background taken off (`ddi.index.picking.prepare`).
    wavelength : float
        In Angstrom; K-alpha1 of a tube.
    bravais : str
    x : array_like, shape (6,)
        Reciprocal metric in A^-2 on the axes of the search.
    zero : float
        Degrees 2theta.
    end : float, optional
        Last 2theta in degrees; `last_angle` if not given.
    foreign : array_like, shape (n,), optional
        2theta in degrees of lines that do not belong to the cell; they do not move, and count up
        to `end`.
    model_error : float, optional
        Of the intensity above background, counted as error beside the noise.

    Returns
    -------
    Fit

    Raises
    ------
    DDIError
        If too little of the pattern is left, or the cell has no line there.
    """
    end = end or last_angle(prepared, wavelength, [(bravais, x)])
    error = PROFILE.model_error if model_error is None else model_error
    problem = Problem(prepared, wavelength, bravais, np.asarray(x), zero, end, foreign, error)
    if not problem.n_columns:
        raise DDIError(f"the {bravais} cell has no line below {end:.2f} degrees; give a larger one")
    state, equations = refined(problem)
    return _as_fit(problem, bravais, state, equations, prepared.tube)


def _as_fit(problem, bravais, state, equations, tube):
    n_free = len(state.shape) - 6
    n_amplitudes = len(state.amplitude)
    first = n_amplitudes + len(state.level)
    covariance = np.empty_like(equations.normal)
    invert_factorised(*factorised(equations.normal), covariance)
    covariance *= max(1.0, equations.misfit / max(len(problem.flat.x) - len(covariance), 1))
    metric = state.shape[:n_free]
    free = slice(first, first + n_free)
    cell_su = propagated(by_metric(metric, problem.system)[:6], covariance[free, free])
    spline = np.interp(problem.flat.x, problem.knots, state.level)
    lines = Lines(
        problem.hkl,
        problem.design @ metric,
        problem.angles(state.shape),
        problem.column,
        state.amplitude[problem.column] * problem.share,
    )
    return Fit(
        bravais=bravais,
        cell=lattice.x_to_cell(lattice.full_x(metric, problem.system)),
        cell_su=cell_su,
        zero=float(state.shape[n_free]),
        displacement=float(state.shape[n_free + 1]),
        two_theta=problem.flat.x,
        observed=problem.flat.y,
        calculated=equations.model,
        background=spline,
        sigma=problem.sigma,
        lines=lines,
        share=problem.share,
        width_law=state.shape[n_free + 2 : n_free + 5],
        amplitude=state.amplitude,
        covariance=covariance[:n_amplitudes, :n_amplitudes],
        n_foreign=len(problem.foreign),
        misfit=equations.misfit,
        noise=problem.flat.noise,
        of_cell=_without_foreign(problem, state, equations) - spline,
        tube=tube,
    )


def _without_foreign(problem, state, equations):
    """The calculated pattern if there were no foreign lines."""
    if not len(problem.foreign):
        return equations.model
    amplitude = state.amplitude.copy()
    amplitude[problem.n_columns :] = 0.0
    return equations_at(problem, state._replace(amplitude=amplitude)).model


def last_angle(prepared, wavelength, cells):
    """Return the 2theta in degrees up to which cells, (bravais, x) each, are fitted: the pattern's
    end, `last_angle`, or where the first of them has more than `most_lines`.
    """
    end = min(prepared.flat.x[-1], PROFILE.last_angle)
    for bravais, x in cells:
        _, q2 = distinct_lines(np.asarray(x), bravais, bragg.q2_of(end, wavelength), 20_000)
        if len(q2) > PROFILE.most_lines:
            end = float(bragg.two_theta(q2[PROFILE.most_lines], wavelength))
    return end


def of_peaks(peaks, cells):
    """Fit cells to the pattern that peaks were picked from.

    Parameters
    ----------
    peaks : ddi.index.peaks.Peaks
    cells : list of (str, array_like, float)
        Bravais lattice, cell (6,) in Angstrom and degrees, zero shift in degrees 2theta.

    Returns
    -------
    list of Fit or None
        None for a cell that cannot be fitted; all None where there is no pattern.
    """
    if peaks.pattern is None or not cells:
        return [None] * len(cells)
    wavelength = peaks.wavelength
    prepared = pattern_of(peaks)
    angles = np.sort(bragg.two_theta(np.append(peaks.q2, peaks.left_out), wavelength))
    made = []
    for bravais, cell, zero in cells:
        x = lattice.cell_to_x(np.asarray(cell, dtype=float))
        try:
            end = last_angle(prepared, wavelength, [(bravais, x)])
            foreign = _foreign(angles[angles < end], prepared, wavelength, bravais, x, zero)
            fitted = fit(prepared, wavelength, bravais, x, zero, end=end, foreign=foreign)
        except DDIError:
            fitted = None
        made.append(fitted)
    return made


def _foreign(angles, prepared, wavelength, bravais, x, zero):
    """Those of the picked angles that lie farther from every line than `foreign` widths."""
    if not len(angles):
        return angles
    _, q2 = distinct_lines(x, bravais, bragg.q2_of(angles[-1] + 1, wavelength))
    if not len(q2):
        return angles
    lines = bragg.two_theta(q2, wavelength) + zero
    nearest = np.abs(angles[:, None] - lines).min(axis=1)
    return angles[nearest > PROFILE.foreign * prepared.width(angles)]
