"""Cells as people publish them: conventional axes, and standard uncertainties in parentheses.

The search describes a lattice on whatever axes its templates use. International Tables A want
a <= b <= c where the axes may be named freely, b unique and an obtuse beta in monoclinic cells,
and the Niggli-reduced cell of a triclinic lattice.
"""

import itertools

import gemmi
import numpy as np

from ddi.forward import lattice
from ddi.forward.lines import KINDS

ROBUST = 1.278
"""Variance of the search's estimator, whose weights fall as (1 + (r / 2)^2)^-2, over that of least
squares, for normal errors (by quadrature; `bench esd` gave 0.88 for the square root without it,
n = 200 repeats of four cells, 2026-11)."""

_PLANE = np.array(
    [
        [[p, 0, q], [0, 1, 0], [r, 0, s]]
        for p, q, r, s in itertools.product(range(-3, 4), repeat=4)
        if abs(p * s - q * r) == 1
    ]
)
"""Changes of the axes across b, with indices up to three."""


def conventional(cell, bravais):
    """Return a cell on conventional axes, and how they follow from the given ones.

    Parameters
    ----------
    cell : array_like, shape (6,)
        In A and degrees; b unique for monoclinic, C centred where a face is, hexagonal axes for hR.
    bravais : str

    Returns
    -------
    cell : ndarray, shape (6,)
    rows : ndarray of int, shape (3, 3)
        The new axes as combinations of the old ones, right-handed.
    """
    cell = np.asarray(cell, dtype=float)
    system, centring = lattice.BRAVAIS[bravais]
    if system == "triclinic":
        rows = _niggli(cell)
    elif system == "monoclinic":
        rows = _in_plane(cell, centring)
    elif system == "orthorhombic":
        movable = 2 if centring == "C" else 3
        order = [*np.argsort(cell[:movable], kind="stable"), *range(movable, 3)]
        rows = np.eye(3, dtype=int)[order]
    else:
        rows = np.eye(3, dtype=int)
    if (rows == np.eye(3)).all():
        return cell, rows
    return _snapped(lattice.change_basis(cell, rows), system), _right_handed(rows, system)


def _snapped(cell, system):
    """Put what the lattice system fixes exactly where it belongs."""
    return (
        cell
        if system == "triclinic"
        else lattice.full_cell(lattice.free_cell(cell, system), system)
    )


def _right_handed(rows, system):
    """Turn an axis round where that changes no angle."""
    if np.linalg.det(rows) > 0:
        return rows
    return rows * (np.array([[1], [-1], [1]]) if system != "triclinic" else -1)


def _niggli(cell):
    vector = gemmi.GruberVector(gemmi.UnitCell(*cell), "P", True)
    vector.niggli_reduce(iteration_limit=1000)
    return np.array(vector.change_of_basis.rot).T // gemmi.Op.DEN


def _in_plane(cell, centring):
    """The shortest two axes across b with an obtuse angle; a centred face stays C (a takes an even
    multiple of the old c).
    """
    tensors = _PLANE @ lattice.metric(cell) @ _PLANE.transpose(0, 2, 1)
    lengths = np.sqrt(tensors[:, 0, 0]), np.sqrt(tensors[:, 2, 2])
    if centring == "C":
        usable = _PLANE[:, 0, 2] % 2 == 0
    else:
        usable = lengths[0] <= lengths[1] * (1 + 1e-9)
    usable &= tensors[:, 0, 2] <= 1e-9
    changes = np.abs(_PLANE - np.eye(3)).sum(axis=(1, 2))
    order = np.lexsort((changes, np.round(lengths[0] + lengths[1], 6), ~usable))
    return _PLANE[order[0]]


def uncertainties(cell, bravais, hkl, q2, sigma, slope=None, prior=np.inf, inflation=ROBUST):
    """Return standard uncertainties of the six cell parameters, the volume and the zero shift.

    Least squares of ``q2 = H x + slope * zero`` on the free components of x, the covariance scaled
    by the reduced chi square of the residuals, propagated to the cell by finite differences.

    Parameters
    ----------
    cell : array_like, shape (6,)
    bravais : str
    hkl : ndarray, shape (n, 3)
        Of the indexed peaks.
    q2 : ndarray, shape (n,)
        Observed, zero shift taken off, in A^-2.
    sigma : ndarray, shape (n,)
        In A^-2.
    slope : ndarray, shape (n,), optional
        dq2/d(2theta) in A^-2 per degree, if a zero shift was refined.
    prior : float
        Standard deviation that the search gave the zero shift, in degrees 2theta.
    inflation : float
        Of the variances, for an estimator that is not least squares.

    Returns
    -------
    ndarray, shape (8,)
        a, b, c and volume's in A and A^3, angles and zero shift in degrees: a, b, c, alpha, beta,
        gamma, volume, zero. Zero where the lattice fixes a parameter, NaN where there are too few
        peaks.
    """
    system = KINDS[bravais].system
    x = lattice.free_x(lattice.cell_to_x(cell), system)
    design = lattice.design(hkl, system)
    if slope is not None:
        design = np.column_stack([design, slope])
    n_free = design.shape[1]
    if len(q2) <= n_free:
        return np.full(8, np.nan)
    weighted = design / sigma[:, None]
    normal = weighted.T @ weighted
    if slope is not None:
        normal[-1, -1] += prior**-2
    miss = (q2 - lattice.q2(hkl, np.asarray(cell, dtype=float))) / sigma
    scale = inflation * (miss @ miss) / (len(q2) - n_free)
    covariance = np.linalg.pinv(normal, hermitian=True) * scale
    jacobian = np.zeros((8, n_free))
    jacobian[:7, : len(x)] = by_metric(x, system)
    jacobian[7, len(x) :] = 1
    return propagated(jacobian, covariance)


def propagated(jacobian, covariance):
    """Return the standard uncertainties (n,) of what depends on parameters through a `jacobian`
    (n, n_free), whose `covariance` is (n_free, n_free).
    """
    return np.sqrt(np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian).clip(0))


def by_metric(x, system):
    """Return the derivatives of a, b, c, alpha, beta, gamma (A, degrees) and the volume (A^3) by
    the free components of x, shape (7, n_free), as finite differences.

    Parameters
    ----------
    x : ndarray, shape (n_free,)
        Free components of the reciprocal metric in A^-2.
    system : str
    """
    step = 1e-5 * np.abs(x).max()
    ahead, behind = (
        lattice.x_to_cell(lattice.full_x(x + sign * step * np.eye(len(x)), system))
        for sign in (1, -1)
    )
    cells = (ahead - behind) / (2 * step)
    return np.vstack([cells.T, (lattice.volume(ahead) - lattice.volume(behind)) / (2 * step)])


def with_su(value, su, digits=4):
    """Return a number with its standard uncertainty in parentheses, as in 5.4563(4).

    The uncertainty gets one digit, or two from 10 to 19, as Acta Crystallographica prints it;
    zero means exact, and without one the number has `digits` decimals.

    Examples
    --------
    >>> with_su(5.45631, 0.00042), with_su(90.0, 0.0), with_su(1234.5, 13.0)
    ('5.4563(4)', '90', '1234(13)')
    """
    if su == 0:
        return f"{value:.6g}"
    if not np.isfinite(su):
        return f"{value:.{digits}f}"
    decimals = -int(np.floor(np.log10(su)))
    if round(su * 10**decimals, 6) < 1.95:
        decimals += 1
    decimals = min(decimals, 6)
    last = max(round(su * 10**decimals), 1)
    if decimals <= 0:
        return f"{round(value, decimals):.0f}({last * 10**-decimals})"
    return f"{value:.{decimals}f}({last})"
