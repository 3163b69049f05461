"""The target function of the optimisation (write-up, section 2.4.1, with the errata's sigma), its
gradient and its Hessian.

q2_calc = H x is linear in x, so the second derivative of q2_calc vanishes and both posteriors have
short analytic Hessians. sigma^2 is computed before a step and held fixed during it. Everything is
batched: x is (n_candidates, n_free), design matrices are (n_candidates, n_peaks, n_free) for one
assignment and (n_ref, n_free) for the mixture over all reference indices.
"""

import numpy as np
from scipy.special import logsumexp

from ddi.forward import lattice
from ddi.forward.constants import FORWARD
from ddi.mcmc.constants import CONSTANTS

EPS_Q2 = CONSTANTS.eps_q2

_LOG_2PI = np.log(2 * np.pi)


def sigma2(q2_obs, q2_calc, eps=EPS_Q2):
    """Return sigma^2_{q2} = q2_obs (|q2_obs - q2_calc| + eps) in A^-4, positive; shapes broadcast
    (errata, 2.4.1).
    """
    return q2_obs * (np.abs(q2_obs - q2_calc) + eps)


def in_bounds(x, system, shortest=FORWARD.min_length, longest=FORWARD.max_length):
    """Say which x, shape (..., n_free), are cells of 2 to 500 A and 0 to 180 degrees; outside, the
    prior of the cell is zero.
    """
    cells = lattice.x_to_cell(lattice.full_x(x, system))
    inside = np.isfinite(cells).all(axis=-1)
    return inside & lattice.is_possible(np.where(inside[..., None], cells, 90.0), shortest, longest)


def log_prior(n_lines):
    """Return log rho(H | c) of a peak where no network gives it: -1/2 log of the number of lines
    below the last peak.

    sigma^2 grows with the residual, so among n lines thrown at random the likelihood of the nearest
    one grows as n^(1/2): this prior takes that back, and cells of different volume start level.
    """
    return -0.5 * np.log(np.maximum(n_lines, 1))


def assigned(x, H, q2_obs, variance, log_prior=0.0):
    """Log posterior of one assignment a candidate, log prod_k N(q2_obs,k; H_k x, sigma_k) rho(H_k |
    c), up to a constant.

    Parameters
    ----------
    x : ndarray, shape (n_cand, n_free)
        In A^-2.
    H : ndarray, shape (n_cand, n_peaks, n_free)
        Rows of the design matrix that the assignment picks.
    q2_obs : ndarray, shape (n_peaks,)
        In A^-2.
    variance : ndarray, shape (n_cand, n_peaks)
        sigma^2 in A^-4, held fixed.
    log_prior : ndarray, broadcastable to (n_cand, n_peaks)
        log rho(H_k | c), such as the log of the assignment network's softmax.

    Returns
    -------
    value : ndarray, shape (n_cand,)
    gradient : ndarray, shape (n_cand, n_free)
    hessian : ndarray, shape (n_cand, n_free, n_free)
    """
    delta = q2_obs - (H @ x[..., None])[..., 0]
    value = (log_prior - 0.5 * (delta**2 / variance + np.log(variance) + _LOG_2PI)).sum(axis=-1)
    weighted = H / variance[..., None]
    return value, np.einsum("ckf,ck->cf", weighted, delta), -np.einsum("ckf,ckg->cfg", weighted, H)


def marginal(x, H_ref, q2_obs, variance, log_prior=None):
    """Log posterior summed over all reference indices, log prod_k sum_h rho(H_h | c) N(q2_obs,k;
    H_h x, sigma_k).

    Parameters
    ----------
    x : ndarray, shape (n_cand, n_free)
    H_ref : ndarray, shape (n_ref, n_free)
    q2_obs : ndarray, shape (n_peaks,)
    variance : ndarray, shape (n_cand, n_peaks)
        sigma^2 in A^-4, held fixed, the same for every index.
    log_prior : ndarray, broadcastable to (n_cand, n_peaks, n_ref), optional
        log rho(H_h | c); uniform if not given.

    Returns
    -------
    value, gradient, hessian
        Shapes as for `assigned`. With responsibilities r and residuals delta, the gradient is sum_k
        g_k, g_k = sum_h r delta / sigma^2 H_h, the Hessian sum_k [sum_h r (delta^2 / sigma^4 - 1 /
        sigma^2) H_h H_h^T - g_k g_k^T].
    """
    delta = q2_obs[:, None] - (x @ H_ref.T)[:, None, :]
    s2 = variance[..., None]
    prior = -np.log(len(H_ref)) if log_prior is None else log_prior
    terms = prior - 0.5 * (delta**2 / s2 + np.log(s2) + _LOG_2PI)
    per_peak = logsumexp(terms, axis=-1)
    share = np.exp(terms - per_peak[..., None])
    pull = np.einsum("ckh,hf->ckf", share * delta / s2, H_ref)
    curve = (share * (delta**2 / s2**2 - 1 / s2)).sum(axis=1)
    hessian = np.einsum("ch,hf,hg->cfg", curve, H_ref, H_ref, optimize=True) - np.einsum(
        "ckf,ckg->cfg", pull, pull
    )
    return per_peak.sum(axis=-1), pull.sum(axis=1), hessian
