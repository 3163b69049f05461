"""The unknowns of a whole-pattern fit and their damped Gauss-Newton steps: see
`ddi.index.profile`.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice
from ddi.forward.lines import KINDS, distinct_lines
from ddi.index.pattern_constants import PROFILE
from ddi.index.pawley import Components, assemble, factorise, solve_factorised


class Problem:
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
        foreign = np.asarray(foreign, dtype=float)
        self.foreign = foreign[foreign < end]
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


class State(NamedTuple):
    """The parameters at one step."""

    amplitude: np.ndarray
    level: np.ndarray
    shape: np.ndarray

    def moved(self, step):
        n = len(self.amplitude)
        m = n + len(self.level)
        shape = self.shape + step[m:]
        shape[-1] = np.clip(shape[-1], 0.0, 1.0)
        return State(self.amplitude + step[:n], self.level + step[n:m], shape)


class Equations(NamedTuple):
    """The normal equations at a state; cost is the misfit and what the priors add."""

    normal: np.ndarray
    gradient: np.ndarray
    model: np.ndarray
    misfit: float
    cost: float


def equations_at(problem, state):
    """Return the normal `Equations` of a `Problem` at a `State`, priors included."""
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
    return Equations(normal, gradient, model, misfit, misfit + np.sum((away / spread) ** 2))


class Factor(NamedTuple):
    """A factorised normal matrix, for `solve_factorised`."""

    factor: np.ndarray
    first: np.ndarray
    scale: np.ndarray


def factorised(normal):
    n = len(normal)
    made = Factor(normal.copy(), np.empty(n, dtype=np.int64), np.empty(n))
    factorise(made.factor, PROFILE.ridge, made.first, made.scale)
    return made


def refined(problem):
    """Return the best state that damped Gauss-Newton steps find, and its equations."""
    n_amplitudes = problem.n_columns + len(problem.foreign)
    state = State(np.zeros(n_amplitudes), np.zeros(len(problem.knots)), problem.first.copy())
    best = kept = step = None
    for _ in range(PROFILE.rounds + 2):
        found = equations_at(problem, state)
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
        solve_factorised(*factorised(found.normal), step)
        first = n_amplitudes + len(problem.knots)
        step *= min(1.0, 1.0 / max(np.abs(step[first:] / problem.spread).max(), 1e-9))
        state = kept.moved(step)
    return kept, best
