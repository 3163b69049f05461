"""Three ways to take the same step: scipy's minimisers by name, the closed form, and the singular
value decomposition.

With sigma held fixed the target is quadratic in x (section 2.4.3), so a trust-region Newton method
arrives in one iteration at what the normal equations give at once. All of them move only where the
peaks constrain the cell: in a direction that no assigned index determines, x stays what it was.
"""

import numpy as np
from scipy.optimize import minimize

from ddi.base.algebra import RIDGE, solved_ridged
from ddi.mcmc.likelihood import assigned

TRUST_REGION = ("dogleg", "trust-exact", "trust-ncg")
SECOND_ORDER = (*TRUST_REGION, "trust-krylov", "Newton-CG")
SINGULAR = 1e-9
"""Relative size of a singular value below which `svd_step` leaves its direction alone."""


def closed_form(x, H, q2_obs, weight):
    """Return the weighted least-squares x of every candidate, by ridged normal equations.

    Parameters
    ----------
    x : ndarray, shape (n_cand, n_free)
        Present components in A^-2; the ridge pulls towards them.
    H : ndarray, shape (n_cand, n_peaks, n_free)
    q2_obs : ndarray, shape (n_peaks,)
    weight : ndarray, shape (n_cand, n_peaks)
        1/sigma^2 in A^4; zero leaves a peak out.

    Returns
    -------
    ndarray, shape (n_cand, n_free)
    """
    delta = q2_obs - (H @ x[..., None])[..., 0]
    normal = np.einsum("ckf,ck,ckg->cfg", H, weight, H, optimize=True)
    gradient = np.einsum("ckf,ck->cf", H, weight * delta)
    return x + solved_ridged(normal, gradient)


def svd_step(x, H, q2_obs, weight):
    """Return the same by singular value decomposition of sqrt(w) H, as Coelho (2003) solves it;
    arguments as `closed_form`.
    """
    root = np.sqrt(weight)
    delta = root * (q2_obs - (H @ x[..., None])[..., 0])
    u, s, vt = np.linalg.svd(root[..., None] * H, full_matrices=False)
    usable = s > SINGULAR * s[:, :1]
    along = np.einsum("ckf,ck->cf", u, delta) * np.where(usable, 1 / np.where(usable, s, 1.0), 0.0)
    return x + np.einsum("cfg,cf->cg", vt, along)


def by_name(x, H, q2_obs, weight, method="dogleg", **options):
    """Return the same by `scipy.optimize.minimize`, one candidate after the other; arguments as
    `closed_form`.

    Parameters
    ----------
    method : str
        dogleg (the write-up's default), trust-exact, trust-ncg, trust-krylov, Newton-CG, BFGS,
        L-BFGS-B, CG, TNC, SLSQP ...
    **options
        Passed to the method.

    Notes
    -----
    The variables are scaled by the square root of the Hessian's diagonal, so that a trust radius or
    a tolerance means the same in all directions; a ridge keeps the Hessian positive definite,
    without which dogleg gives up.
    """
    moved = x.copy()
    for c, used in enumerate(weight > 0):
        moved[c] = _minimise(x[c], H[c][used], q2_obs[used], 1 / weight[c][used], method, options)
    return moved


def _minimise(x, rows, peaks, variance, method, options):
    diagonal = np.einsum("kf,kf->f", rows / variance[:, None], rows)
    size = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))

    def target(y):
        value, gradient, hessian = (
            part[0] for part in assigned((x + size * y)[None], rows[None], peaks, variance[None])
        )
        return -value, -size * gradient, -np.outer(size, size) * hessian + RIDGE * np.eye(len(size))

    given = {"hess": lambda y: target(y)[2]} if method in SECOND_ORDER else {}
    radius = (
        {"initial_trust_radius": 1e8, "max_trust_radius": 1e9} if method in TRUST_REGION else {}
    )
    found = minimize(
        lambda y: target(y)[:2],
        np.zeros(len(x)),
        jac=True,
        method=method,
        options={**radius, **options},
        **given,
    )
    return x + size * found.x
