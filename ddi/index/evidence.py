"""What a whole pattern says of a lattice against one of its subcells.

One Pawley fit in the larger cell gives intensities I_j with uncertainties, also at the positions E
that only the larger cell predicts. With ``rho_j = p(I_j | line) / p(I_j | no line)`` the evidence
for the larger cell over the smaller one is

``K = sum_s pi_s G_s sum_f p(f) prod_{j in E, s allows j} (1 - f + f rho_j) / sum_s pi_s G_s``

over the extinction symbols s of the larger cell with priors pi_s, where G_s is the product of
1 / rho_j over what s extinguishes of the shared lines and f is the share of the other positions
that have a line. So systematic absences of the larger cell do not speak against it, and a single
foreign line cannot decide. The law without a line was measured: Student's t, as wide as the
uncertainty and a share of the strongest neighbour, and foreign lines.
"""

from functools import lru_cache

import gemmi
import numpy as np
from scipy import stats
from scipy.special import logsumexp

from ddi.forward import lattice, relations
from ddi.index import extinction, symbols
from ddi.index.pattern_constants import EVIDENCE


def of_supercell(fit, shared, voted=()):
    """Return the log evidence of a fitted cell over a subcell of it.

    Parameters
    ----------
    fit : ddi.index.profile.Fit
        Of the larger cell, without absences.
    shared : ndarray of bool, shape (n_lines,)
        Which of its lines the subcell has: see `shared_lines`.
    voted : array_like, shape (n,)
        2theta in degrees of peaks that the list's score counts already: lines there do not count
        for the larger cell again.
    """
    seen = symbols.observed(fit)
    n = len(seen.value)
    only = np.bincount(fit.lines.column, shared, minlength=n) == 0
    place = fit.places
    gain = log_ratio(seen, only)
    masks = extinction.allowed(fit.bravais, fit.lines.hkl)
    allowed = np.array([np.bincount(fit.lines.column, mask, minlength=n) > 0 for mask in masks])
    of_absences = symbols.log_prior(fit.bravais) - ~allowed[:, ~only] @ gain[~only]
    extra = gain[only]
    counted = _strongest_nearby(extra, place[only], fit.width(place[only]))
    known = np.isin(np.flatnonzero(only), _uninformative(fit, seen.value, place, voted))
    extra = np.where((known | ~counted) & (extra > 0), 0.0, extra)
    per_symbol = of_absences + _over_shares(extra, allowed[:, only])
    return float(logsumexp(per_symbol) - logsumexp(of_absences))


def log_ratio(seen, only):
    """Return the log of rho of each fitted intensity, shape (n_columns,).

    Parameters
    ----------
    seen : ddi.index.symbols.Observed
    only : ndarray of bool, shape (n_columns,)
        Positions that only the larger cell predicts. Negative intensities there are no lines: where
        they scatter more than the null does, it is made as wide.
    """
    width = np.hypot(EVIDENCE.spread * seen.sigma, EVIDENCE.leak * seen.neighbour)
    scatter = -(seen.value / width)[only & (seen.value < 0)]
    if len(scatter) >= EVIDENCE.fewest:
        wider = np.quantile(scatter, EVIDENCE.quantile) / EVIDENCE.usual
        width = width * np.clip(wider, 1.0, EVIDENCE.widest)
    present = symbols.log_present(seen)
    nothing = stats.t.logpdf(seen.value / width, EVIDENCE.freedom) - np.log(width)
    foreign = EVIDENCE.foreign
    return present - np.logaddexp(np.log1p(-foreign) + nothing, np.log(foreign) + present)


def _over_shares(gain, allowed):
    """The log evidence of each symbol's allowed positions, all shares of lines alike and none a
    little likelier: shape (n_symbols,).
    """
    shares = np.array(EVIDENCE.shares)
    prior = np.full(len(shares), (1 - EVIDENCE.none) / max(len(shares) - 1, 1))
    prior[0] = EVIDENCE.none
    with np.errstate(divide="ignore"):
        logs = np.logaddexp(np.log1p(-shares)[:, None], np.log(shares)[:, None] + gain)
    return logsumexp(logs @ allowed.T.astype(float) + np.log(prior)[:, None], axis=0)


def _strongest_nearby(gain, place, fwhm):
    """Say which positions speak for a line: within `apart` widths only the one that gains most,
    for one foreign line or hump lends intensity to all positions near it.
    """
    kept = np.ones(len(gain), dtype=bool)
    for i in np.argsort(-gain, kind="stable"):
        if gain[i] <= 0:
            break
        if kept[i]:
            near = np.abs(place - place[i]) < EVIDENCE.apart * fwhm[i]
            near[i] = False
            kept &= ~near
    return kept


def _uninformative(fit, value, place, voted):
    """Columns whose intensity is no evidence: at peaks that voted, and K-beta of stronger lines."""
    fwhm = fit.width(place)
    voted = np.asarray(voted, dtype=float)
    known = (np.abs(place[:, None] - voted) < EVIDENCE.same * fwhm[:, None]).any(axis=1)
    if fit.tube is not None:
        known |= symbols.companions(value, place, fwhm, fit.tube, (fit.tube.beta,))
    return np.flatnonzero(known)


def shared_lines(larger, smaller, hkl):
    """Say which lines of a cell a subcell of it has.

    Parameters
    ----------
    larger, smaller : (str, array_like of shape (6,))
        Bravais lattice and conventional cell in Angstrom and degrees.
    hkl : array_like of int, shape (n, 3)
        On the axes of the larger cell.

    Returns
    -------
    ndarray of bool, shape (n,), or None
        A line counts if one of its equivalents does; None if neither is a subcell of the other.

    Examples
    --------
    >>> twice = ("oP", [4, 6, 14, 90, 90, 90])
    >>> shared_lines(twice, ("oP", [4, 6, 7, 90, 90, 90]), [[0, 0, 1], [0, 0, 2]]).tolist()
    [False, True]
    >>> shared_lines(twice, ("oC", [4, 6, 14, 90, 90, 90]), [[1, 0, 1], [1, 1, 1]]).tolist()
    [False, True]
    """
    (bravais, cell), (small, small_cell) = larger, smaller
    centring = lattice.BRAVAIS[small][1]
    kind, rows = relations.explain(small_cell, centring, cell, lattice.BRAVAIS[bravais][1])
    if kind != "subcell":
        return None
    on_small = np.asarray(hkl) @ rotations(bravais) @ rows.T
    whole = on_small.round()
    absent = gemmi.SpaceGroup("R 3:H" if small == "hR" else f"{centring} 1").operations()
    forbidden = absent.systematic_absences(whole.reshape(-1, 3).astype(np.int32))
    inside = (np.abs(on_small - whole) < 1e-3).all(axis=-1)
    return (inside & ~np.asarray(forbidden, dtype=bool).reshape(inside.shape)).any(axis=0)


@lru_cache(maxsize=None)
def rotations(bravais):
    """Return the rotations of the lattice's holohedry on hkl rows, shape (n, 3, 3), from the space
    group of gemmi's table with most of them.
    """
    groups = (entry for entry in gemmi.spacegroup_table() if extinction.on_axes(entry, bravais))
    operations = max((group.operations() for group in groups), key=lambda ops: len(ops.sym_ops))
    return np.unique([np.array(op.rot) // op.DEN for op in operations.sym_ops], axis=0)
