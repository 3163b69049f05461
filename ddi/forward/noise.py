"""What a measurement does to a list of peaks: lines get lost, foreign ones come in, all are moved.

Used wherever peaks are spoilt on purpose: in training, in evaluation and in the benchmarks.
"""

import numpy as np

from ddi.forward import bragg


def kept(n, missing, rng):
    """Return which of n lines stay, each lost with the chance `missing`."""
    return rng.random(n) >= missing


def foreign(low, high, n, rng):
    """Return n foreign peaks, uniform between two values of q2."""
    return rng.uniform(low, high, n)


def moved(q2, degrees, wavelength):
    """Return q2 after a shift in 2theta, of all peaks (a number) or of each (an array).

    Peaks that leave 0 to 180 degrees stay at the edge.
    """
    q2 = np.minimum(np.asarray(q2, dtype=float), 3.99 / wavelength**2)
    angle = bragg.two_theta(q2, wavelength) + degrees
    return bragg.q2_of(np.clip(angle, 0.1, 180), wavelength)


def spoil(q2, n_peaks, rng, *, missing=0.1, spurious=0.05, zero=0.05, wavelength=bragg.CU_KALPHA1):
    """Return a pattern's first peaks as a measurement might give them, or None if too few are left.

    Parameters
    ----------
    q2 : array_like
        All known lines, ascending, in A^-2.
    n_peaks : int
    rng : numpy.random.Generator
    missing : float
        Chance that a line is lost.
    spurious : float
        Mean number of foreign peaks for each peak.
    zero : float
        Zero shift, uniform between minus half of it and all of it, in degrees of 2 theta.
    wavelength : float
        A.
    """
    q2 = np.asarray(q2, dtype=float)
    q2 = q2[kept(len(q2), missing, rng)]
    if len(q2) < n_peaks:
        return None
    extra = foreign(0.5 * q2[0], q2[n_peaks - 1], rng.binomial(n_peaks, spurious), rng)
    q2 = np.sort(np.concatenate([q2, extra]))[:n_peaks]
    return moved(q2, rng.uniform(-zero / 2, zero), wavelength)
