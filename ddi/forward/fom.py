"""Figures of merit that every indexing paper quotes, and what a found cell has to do with the true
one.

`m20` is de Wolff's (J. Appl. Cryst. 1, 108, 1968), `f_n` Smith & Snyder's (J. Appl. Cryst. 12, 60,
1979), `explain` fills section 2.4.4 of the write-up (errata, decision 9). The score that ranks
cells is in `ddi.index.ranking`.
"""

import numpy as np

from ddi.forward.bragg import two_theta


def _count_and_error(obs, lines, n):
    obs = np.sort(np.asarray(obs, dtype=float))[:n]
    lines = np.sort(np.where(np.isfinite(lines), lines, 1e9), axis=-1)
    distinct = np.diff(lines, axis=-1, prepend=0.0) > 1e-9 * obs[-1]
    error = np.abs(obs - lines[..., None]).min(axis=-2)
    possible = (distinct & (lines <= obs[-1] + error[..., -1:])).sum(axis=-1)
    return obs, np.maximum(possible, 1), error.mean(axis=-1)


def m20(q2_obs, q2_lines, n=20):
    """Return de Wolff's figure of merit, M = Q_n / (2 <|dQ|> N).

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2; the first `n` are used, or all if there are fewer.
    q2_lines : array_like, shape (..., n_lines)
        Lines that the cell allows, in A^-2, up to at least the last peak used; pad with NaN or inf.
    n : int

    Returns
    -------
    ndarray or float, shape (...)
    """
    obs, possible, error = _count_and_error(q2_obs, np.asarray(q2_lines, dtype=float), n)
    return obs[-1] / (2 * np.maximum(error, 1e-12) * possible)


def f_n(q2_obs, q2_lines, wavelength, n=20):
    """Return Smith & Snyder's figure of merit, F_N = N / (<|d 2theta|> N_possible), with 2theta in
    degrees.

    Parameters
    ----------
    q2_obs, q2_lines, n
        As for `m20`.
    wavelength : float
        In Angstrom.

    Returns
    -------
    ndarray or float, shape (...)
    """
    angle = [
        two_theta(q2, wavelength)
        for q2 in (np.asarray(q2_obs, dtype=float), np.asarray(q2_lines, dtype=float))
    ]
    obs, possible, error = _count_and_error(*angle, n)
    return len(obs) / (np.maximum(error, 1e-6) * possible)
