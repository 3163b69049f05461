"""A whole-pattern (Pawley) fit of one cell: intensities, cell, zero shift, widths and background.

The calculated pattern is ``y(2theta) = b(2theta) + sum_j I_j sum_c s_c P(2theta - t_c; w(t_c),
eta)`` with free integrated intensities I_j, one or two lines c a reflection (K-alpha1 and half of
it as K-alpha2), pseudo-Voigt profiles P, ``t = 2theta(q2, lambda) + zero + displacement cos theta``
and FWHM ``w = w0 + w1 tan theta + w2 tan^2 theta``; b is the clipped background plus a linear
spline. Lines closer together than a quarter of a width share an intensity. All parameters are
refined together by damped Gauss-Newton steps (`ddi.index.pawley` assembles the equations).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice
from ddi.forward.lines import KINDS, distinct_lines
from ddi.index.constants import PROFILE
from ddi.index.pawley import (
    Components,
    assemble,
    factorise,
    invert_factorised,
    solve_factorised,
)


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

    def width(self, two_theta):
        """Return the FWHM in degrees at an angle."""
        return np.polyval(self.width_law[::-1], np.tan(np.radians(two_theta) / 2))

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


class _Problem:
    """One pattern, one list of reflections, and how parameters become profiles.

    The shape parameters are one vector: the free reciprocal metric, zero shift, displacement, three
    of the widths and eta.
    """

    def __init__(self, prepared, wavelength, bravais, x, zero, end, foreign, model_error):
        inside = prepared.flat.x <= end
        if inside.sum() < PROFILE.fewest_points:
            raise DDIError(
                f"the pattern has {inside.sum()} points below {end:.2f} degrees; a whole-pattern"
                f" fit wants at least {PROFILE.fewest_points}"
            )
        self.flat = prepared.flat.part(slice(0, int(inside.sum())))
        self.system = KINDS[bravais].system
        self.wavelengths = [(wavelength, 1.0)]
        if prepared.tube is not None:
            self.wavelengths.append((prepared.ratio * wavelength, bragg.DOUBLET_RATIO))
        self.hkl, _ = distinct_lines(x, bravais, bragg.q2_of(end, wavelength))
        self.design = lattice.design(self.hkl) @ lattice.ties(self.system)
        self.foreign = np.asarray(foreign, dtype=float)
        self.first, self.spread = self._priors(x, zero, prepared.width)
        self.column, self.share = self._columns(prepared.width)
        self.n_columns = int(self.column[-1]) + 1 if len(self.column) else 0
        n_knots = max(int(np.ptp(self.flat.x) / PROFILE.knot_spacing), 2) + 1
        self.knots = np.linspace(self.flat.x[0], self.flat.x[-1], n_knots)
        self.level_spread = PROFILE.level_spread * np.median(self.flat.noise)
        smooth = gaussian_filter1d(self.flat.y, 2.0).clip(0)
        self.sigma = np.hypot(self.flat.noise, model_error * smooth)

    def _priors(self, x, zero, width):
        free = lattice.free_x(x, self.system)
        edges = self.flat.x[[0, -1]]
        tangent = np.tan(np.radians(edges / 2))
        slope = np.diff(width(edges))[0] / np.diff(tangent)[0]
        base = width(edges)[0] - slope * tangent[0]
        first = [*free, zero, 0.0, base, slope, 0.0, PROFILE.eta]
        spread = [
            *np.full(len(free), PROFILE.metric_spread * np.abs(free).max()),
            PROFILE.zero_spread,
            PROFILE.displacement_spread,
            *np.full(3, PROFILE.width_spread * (base + slope)),
            PROFILE.eta_spread,
        ]
        return np.array(first), np.array(spread)

    def _columns(self, width):
        """Which amplitude each reflection has, and which share of it."""
        place = self.angles(self.first)
        column = np.zeros(len(place), dtype=np.int64)
        start = 0
        for k in range(1, len(place)):
            apart = place[k] - place[start] > PROFILE.merged * width(place[k])
            column[k] = column[k - 1] + apart
            start = k if apart else start
        return column, 1.0 / np.bincount(column)[column] if len(column) else np.empty(0)

    def angles(self, shape, wavelength=None):
        """Return where the lines stand, degrees 2theta."""
        n = len(shape) - 6
        angle = bragg.two_theta(self.design @ shape[:n], wavelength or self.wavelengths[0][0])
        return angle + shape[n] + shape[n + 1] * np.cos(np.radians(angle / 2))

    def components(self, shape):
        """Return the `Components` of the lines and of foreign ones, ascending."""
        n = len(shape) - 6
        n_foreign = len(self.foreign)
        column = np.append(self.column, self.n_columns + np.arange(n_foreign))
        centres = []
        shifts = []
        for wavelength, _ in self.wavelengths:
            q2 = self.design @ shape[:n]
            slope = bragg.q2_slope(q2, wavelength)
            cosine = np.cos(np.radians(bragg.two_theta(q2, wavelength) / 2))
            moves = np.column_stack([self.design / slope[:, None], np.ones(len(q2)), cosine])
            shifts.append(np.vstack([moves, np.zeros((n_foreign, n + 2))]))
            beside = bragg.moved(self.foreign, wavelength / self.wavelengths[0][0])
            centres.append(np.append(self.angles(shape, wavelength), beside))
        centre = np.concatenate(centres)
        whole = np.append(self.share, np.ones(n_foreign))
        share = np.concatenate([height * whole for _, height in self.wavelengths])
        order = np.argsort(centre, kind="stable")[: np.isfinite(centre).sum()]
        tangent = np.tan(np.radians(centre[order] / 2))
        broaden = np.column_stack([np.ones(len(order)), tangent, tangent**2])
        fwhm = np.maximum(broaden @ shape[n + 2 : n + 5], 2 * self.flat.step)
        columns = np.tile(column, len(self.wavelengths))[order].astype(np.int64)
        return Components(
            centre[order], fwhm, share[order], columns, np.concatenate(shifts)[order], broaden
        )


class _State(NamedTuple):
    """The parameters at one step."""

    amplitude: np.ndarray
    level: np.ndarray
    shape: np.ndarray

    def moved(self, step):
        n = len(self.amplitude)
        m = n + len(self.level)
        shape = self.shape + step[m:]
        shape[-1] = np.clip(shape[-1], 0.0, 1.0)
        return _State(self.amplitude + step[:n], self.level + step[n:m], shape)


class _Equations(NamedTuple):
    """The normal equations at a state; cost is the misfit and what the priors add."""

    normal: np.ndarray
    gradient: np.ndarray
    model: np.ndarray
    misfit: float
    cost: float


def _equations(problem, state):
    """Return the `_Equations`, priors included."""
    n_amplitudes = len(state.amplitude)
    n_linear = n_amplitudes + len(state.level)
    n = n_linear + len(state.shape)
    normal = np.empty((n, n))
    gradient = np.empty(n)
    model = np.empty(len(problem.flat.x))
    misfit = assemble(
        problem.flat.x,
        problem.flat.y,
        problem.sigma**-2.0,
        problem.components(state.shape),
        float(state.shape[-1]),
        PROFILE.reach,
        state.amplitude,
        state.level,
        problem.knots,
        normal,
        gradient,
        model,
    )
    away = np.append(state.level, state.shape - problem.first)
    spread = np.append(np.full(len(state.level), problem.level_spread), problem.spread)
    held = np.arange(n_amplitudes, n)
    normal[held, held] += spread**-2.0
    gradient[held] -= away / spread**2
    diagonal = np.arange(n)
    normal[diagonal, diagonal] = np.where(np.diag(normal) > 0, np.diag(normal), 1.0)
    return _Equations(normal, gradient, model, misfit, misfit + np.sum((away / spread) ** 2))


class _Factor(NamedTuple):
    """A factorised normal matrix, for `solve_factorised`."""

    factor: np.ndarray
    first: np.ndarray
    scale: np.ndarray


def _factorised(normal):
    n = len(normal)
    made = _Factor(normal.copy(), np.empty(n, dtype=np.int64), np.empty(n))
    factorise(made.factor, PROFILE.ridge, made.first, made.scale)
    return made


def _refined(problem):
    """Return the best state that damped Gauss-Newton steps find, and its equations."""
    n_amplitudes = problem.n_columns + len(problem.foreign)
    state = _State(np.zeros(n_amplitudes), np.zeros(len(problem.knots)), problem.first.copy())
    best = kept = step = None
    for _ in range(PROFILE.rounds + 2):
        found = _equations(problem, state)
        if best is not None and not found.cost < best.cost:
            step = step / 3
            state = kept.moved(step)
            continue
        scale = PROFILE.converged * max(1.0, found.misfit / len(found.model))
        settled = best is not None and best.cost - found.cost < scale
        kept = state
        best = found
        if settled:
            break
        step = found.gradient.copy()
        solve_factorised(*_factorised(found.normal), step)
        first = n_amplitudes + len(problem.knots)
        step *= min(1.0, 1.0 / max(np.abs(step[first:] / problem.spread).max(), 1e-9))
        state = kept.moved(step)
    return kept, best


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
        2theta in degrees of lines that do not belong to the cell; they do not move.
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
    problem = _Problem(prepared, wavelength, bravais, np.asarray(x), zero, end, foreign, error)
    if not problem.n_columns:
        raise DDIError(f"the {bravais} cell has no line below {end:.2f} degrees; give a larger one")
    state, equations = _refined(problem)
    return _as_fit(problem, bravais, state, equations)


def _as_fit(problem, bravais, state, equations):
    n_free = len(state.shape) - 6
    n_amplitudes = len(state.amplitude)
    first = n_amplitudes + len(state.level)
    covariance = np.empty_like(equations.normal)
    invert_factorised(*_factorised(equations.normal), covariance)
    n_points = len(problem.flat.x)
    covariance *= max(1.0, equations.misfit / max(n_points - len(covariance), 1))
    metric = state.shape[:n_free]
    cell_su = _cell_su(metric, covariance[first : first + n_free, first : first + n_free], problem)
    spline = np.interp(problem.flat.x, problem.knots, state.level)
    amplitude = state.amplitude
    lines = Lines(
        problem.hkl,
        problem.design @ metric,
        problem.angles(state.shape),
        problem.column,
        amplitude[problem.column] * problem.share,
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
        amplitude=amplitude,
        covariance=covariance[:n_amplitudes, :n_amplitudes],
        n_foreign=len(problem.foreign),
        misfit=equations.misfit,
        noise=problem.flat.noise,
    )


def _cell_su(free, covariance, problem):
    """Standard uncertainties of the six cell parameters, from those of the free metric."""
    steps = np.diag(1e-6 * np.abs(free).max() * np.ones(len(free)))
    ahead, behind = (
        lattice.x_to_cell(lattice.full_x(free + sign * steps, problem.system)) for sign in (1, -1)
    )
    slope = (ahead - behind) / (2 * np.diag(steps))[:, None]
    return np.sqrt(np.einsum("kc,kl,lc->c", slope, covariance, slope).clip(0))


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
