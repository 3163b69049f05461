"""Assignment of all peaks together: each peak is read by the cell that the other peaks leave
possible.

A candidate's error is one error of few cell parameters, shared by all lines, where the network of
section 2.3.3 judges every peak alone. Here the peaks are read in order of q2. The first have few
lines near them; each line chosen narrows the cell by the exact update of a linear Gaussian model
(q2 is linear in x), and so the choice at the peaks that follow. Several histories are kept (a beam
search); a label's probability is the weight of the histories that hold it, but for a small share
that is the line prior's, in case the beam has lost the true history.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from ddi.data.scaling import CellScaler
from ddi.forward import bragg, lattice
from ddi.models.assigners import Assigner, LinePrior, pairwise, ranks, softmax
from ddi.models.constants import CONSTANTS

_STEP = 1e-4  # scaled units, of the derivative of x
_HOPELESS = CONSTANTS.hopeless
_GATE = CONSTANTS.gate**2


@dataclass(eq=False)
class JointAssignment(Assigner):
    """A beam of histories over the peaks.

    Attributes
    ----------
    system : str
    reference : ndarray of int, shape (n_ref, 3)
    prior : LinePrior
        How often each peak of a real pattern carries each index.
    scaler : CellScaler
        Of the cell's free parameters.
    errors : ndarray, shape (n_sizes, n_free)
        Standard deviations of a candidate's free parameters in scaled units, one row a size of
        error; all sizes are equally probable.
    beam : int
        Histories that are kept.
    noise : float
        Standard deviation of a peak, degrees 2theta (Cu K-alpha).
    shared : bool
        False: a line tells nothing of the cell, so that each peak is judged by the candidate's
        error alone (a line is still taken once). It shows what sharing is worth.
    """

    system: str
    reference: np.ndarray
    prior: LinePrior
    scaler: CellScaler
    errors: np.ndarray
    beam: int = CONSTANTS.beam
    noise: float = CONSTANTS.joint_noise
    shared: bool = True
    rounds = 1  # the cell that one assignment implies is as good as this way makes it

    @classmethod
    def of(cls, prior, scaler, x, x_true, **options):
        """Learn the sizes of error from erring cells x and the true ones, both (n, n_free) in A^-2;
        rows of NaN are left out.
        """
        known = np.isfinite(x).all(axis=1)
        free = [free_scaled(each[known], prior.system, scaler) for each in (x, x_true)]
        return cls(
            prior.system, prior.reference, prior, scaler, sizes(free[0] - free[1]), **options
        )

    def _chunks(self, q2_obs, x):
        x = np.atleast_2d(np.asarray(x, dtype=float))
        q2_obs = np.broadcast_to(q2_obs, (len(x), np.shape(q2_obs)[-1])).astype(float)
        spreads = self.covariances(x)
        for start in range(0, len(x), CONSTANTS.chunk):
            rows = range(start, min(start + CONSTANTS.chunk, len(x)))
            alone = softmax(self.prior.logits(pairwise(q2_obs[rows], x[rows], self.H_ref())))
            chance = CONSTANTS.lost * alone + 1e-30
            for own, row in zip(chance, rows):
                labels, weights, _ = self.histories(q2_obs[row], x[row], spreads[row])
                shares = (1 - CONSTANTS.lost) * weights[:, None]
                np.add.at(own, (np.arange(len(own)), labels), shares)
            yield np.log(chance)

    def histories(self, q2_obs, x, spreads):
        """Return what the beam holds at the end.

        Parameters
        ----------
        q2_obs : ndarray, shape (n_peaks,)
            A^-2, ascending.
        x : ndarray, shape (n_free,)
            A^-2.
        spreads : ndarray, shape (n_sizes, n_free, n_free)
            What `covariances` returns for x, A^-4.

        Returns
        -------
        labels : ndarray of int, shape (n, n_peaks)
        weights : ndarray, shape (n,)
            Their probabilities, the largest first.
        x : ndarray, shape (n, n_free)
            The cell that each history implies, A^-2.
        """
        log_prior = self.prior.log_prior[ranks(len(q2_obs), len(self.prior.log_prior))]
        sigma = bragg.sigma_q2(q2_obs, self.noise)
        known = log_prior.astype(float)
        return _search(q2_obs, x, spreads, self.H_ref(), known, self.beam, sigma, self.shared)

    def covariances(self, x):
        """Return the covariance of x for each size of error, shape (n, n_sizes, n_free, n_free),
        A^-4; zeros for an x that is no cell.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = free_scaled(x, self.system, self.scaler)
            slopes = [self._slope(scaled, axis) for axis in np.eye(scaled.shape[1])]
        slope = np.nan_to_num(np.stack(slopes, axis=-1), posinf=0, neginf=0)[:, None]
        return (slope * self.errors[:, None, :] ** 2) @ slope.swapaxes(-1, -2)

    def _slope(self, scaled, axis):
        ends = [self._x_of(scaled + step * axis) for step in (_STEP, -_STEP)]
        return (ends[0] - ends[1]) / (2 * _STEP)

    def _x_of(self, scaled):
        cells = lattice.full_cell(self.scaler.inverse(scaled), self.system)
        return lattice.free_x(lattice.cell_to_x(cells), self.system)


def free_scaled(x, system, scaler):
    """Return the scaled free parameters of cells given by x, both shape (n, n_free)."""
    return scaler.forward(lattice.free_cell(lattice.x_to_cell(lattice.full_x(x, system)), system))


def sizes(residual):
    """Return the root mean square of errors, shape (n, n_free), in each of `CONSTANTS.error_sizes`
    equal parts from the smallest to the largest.
    """
    residual = residual[np.isfinite(residual).all(axis=1)]
    common = np.sqrt(np.square(residual).mean(axis=0)) + CONSTANTS.least_error
    order = np.argsort(np.square(residual / common).sum(axis=1), kind="stable")
    parts = np.array_split(residual[order], CONSTANTS.error_sizes)
    wide = [np.square(part).mean(axis=0) for part in parts if len(part)]
    return np.sqrt(np.array(wide)) + CONSTANTS.least_error


@njit(cache=True, error_model="numpy")
def _search(q2, x, spreads, H, log_prior, beam, sigma, shared):
    """Read the peaks one by one; see `JointAssignment.histories`."""
    xs = np.empty((len(spreads), x.size))
    xs[:] = x
    score = np.zeros(len(spreads))
    labels = np.full((len(spreads), q2.size), -1)
    room = max(beam, len(spreads)) * len(H)
    found = np.empty(room)
    parent = np.empty(room, dtype=np.int64)
    line = np.empty(room, dtype=np.int64)
    for k in range(q2.size):
        own = sigma[k] ** 2
        row = log_prior[k].copy()
        row[-1] -= np.log(q2[-1])  # a peak without a line may lie anywhere
        n = _ways(q2[k], own, xs, spreads, H, row, score, labels[:, :k], found, parent, line)
        order = np.argsort(-found[:n], kind="mergesort")[:beam]
        order = order[found[order] > found[order[0]] - _HOPELESS]
        score = found[order]
        labels = labels[parent[order]]
        labels[:, k] = line[order]
        xs = xs[parent[order]]
        spreads = spreads[parent[order]]
        if shared:
            _narrow(q2[k], own, xs, spreads, H[line[order]])
    weights = np.exp(score - score[0])
    return labels, weights / weights.sum(), xs


@njit(cache=True, error_model="numpy")
def _ways(peak, own, xs, spreads, H, log_prior, score, labels, found, parent, line):
    """Write every history's continuations at a peak: its score, its parent and its line; return how
    many. A line is taken once; the last label, (000), as often as one likes.
    """
    n = 0
    last = H.shape[0] - 1
    for b in range(xs.shape[0]):
        found[n] = score[b] + log_prior[last]
        parent[n] = b
        line[n] = last
        n += 1
        for h in range(last):
            miss = peak
            for i in range(xs.shape[1]):
                miss -= H[h, i] * xs[b, i]
            if abs(miss) > peak:
                continue
            width = own
            for i in range(xs.shape[1]):
                along = 0.0
                for j in range(xs.shape[1]):
                    along += spreads[b, i, j] * H[h, j]
                width += H[h, i] * along
            far = miss * miss / width
            if far < _GATE and not (labels[b] == h).any():
                found[n] = score[b] + log_prior[h] - 0.5 * (far + np.log(2 * np.pi * width))
                parent[n] = b
                line[n] = h
                n += 1
    return n


@njit(cache=True, error_model="numpy")
def _narrow(peak, own, xs, spreads, design):
    """Condition each x and its covariance on its line, a row of `design`, lying at the peak; that
    of (000) is zero and tells nothing.
    """
    for b in range(xs.shape[0]):
        along = spreads[b] @ design[b]
        width = own + design[b] @ along
        miss = peak - design[b] @ xs[b]
        xs[b] += along * (miss / width)
        for i in range(along.size):
            for j in range(along.size):
                spreads[b, i, j] -= along[i] * along[j] / width
