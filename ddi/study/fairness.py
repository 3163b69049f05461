"""Which measured patterns a program can be asked for fairly: those whose known cell explains the
first peaks (10_rruff_eval).
"""

import numpy as np

from ddi.forward import bragg, lattice
from ddi.forward.lines import distinct_lines

ZERO_MAX = 0.2  # degrees; farthest zero shift that is looked for; chosen, not measured
GRADE_A_RMS = 0.02  # degrees; of the matched peaks; as index.csv beside the archives grades them
MAX_MISSED = 2  # of the first twenty peaks; chosen, not measured
MOST_LINES = 1_000_000  # more than any pattern holds


def fair_rows(known):
    """Return the rows of `ddi.data.rruff.reference` that are fair: grade A, and at most
    `MAX_MISSED` of the first twenty peaks not explained by the true cell.
    """
    missed = known.n_first - known.n_matched_of_first_20
    return known[(known.grade == "A") & (missed <= MAX_MISSED)]


def lines_two_theta(cell, centring, wavelength, two_theta_max):
    """Return the sorted 2theta in degrees of every line the lattice allows; only the centring takes
    lines away.
    """
    q2_max = float(bragg.q2_of(min(two_theta_max, 179.0), wavelength))
    x = lattice.cell_to_x(lattice.reduced_cell(cell, centring))
    _, q2 = distinct_lines(x, "aP", q2_max, max_lines=MOST_LINES)
    return np.unique(bragg.two_theta(q2, wavelength).round(6))


def compare(two_theta, cell, centring, wavelength, tolerance=0.04, n_first=20):
    """Ask how many of the first peaks a known cell explains once its zero shift, between
    -`ZERO_MAX` and `ZERO_MAX`, is taken off.

    Parameters
    ----------
    two_theta : array_like, shape (n,)
        Observed peaks in degrees, rising.
    cell, centring
        As in `ddi.data.rruff.Pattern`.
    wavelength : float
        That of the peaks (K-alpha1) in Angstrom.
    tolerance : float
        In degrees of 2theta.
    n_first : int

    Returns
    -------
    dict
        n_first, n_matched, zero_shift (degrees), rms (degrees, of the matched peaks), matched (bool
        mask).
    """
    observed = np.asarray(two_theta, dtype=float)[:n_first]
    lines = lines_two_theta(cell, centring, wavelength, observed.max() + 1)
    zero = _zero_shift(observed, lines, tolerance)
    distance = _to_nearest(observed - zero, lines)
    matched = np.abs(distance) <= tolerance
    rms = float(np.sqrt(np.mean(distance[matched] ** 2))) if matched.any() else np.nan
    return {
        "n_first": len(observed),
        "n_matched": int(matched.sum()),
        "zero_shift": float(zero),
        "rms": rms,
        "matched": matched,
    }


def _to_nearest(observed, lines):
    padded = np.concatenate([[-1e3], lines, [1e3]])
    right = np.searchsorted(padded, observed)
    below = observed - padded[right - 1]
    above = observed - padded[right]
    return np.where(np.abs(below) < np.abs(above), below, above)


def _zero_shift(observed, lines, tolerance):
    """The shift with the largest sum of (1 - (distance/tolerance)^2)+, then the median distance of
    what matches.
    """
    trials = np.linspace(-ZERO_MAX, ZERO_MAX, 81)
    gain = [
        np.clip(1 - (_to_nearest(observed - trial, lines) / tolerance) ** 2, 0, None).sum()
        for trial in trials
    ]
    best = trials[int(np.argmax(gain))]
    distance = _to_nearest(observed - best, lines)
    near = np.abs(distance) <= tolerance
    return best + (np.median(distance[near]) if near.any() else 0.0)


def fairness(pattern, two_theta, wavelength, known=None):
    """Return the grade and how many of the first twenty peaks the true cell explains.

    Parameters
    ----------
    pattern : ddi.data.rruff.Pattern
    two_theta : array_like
        Picked peaks, K-alpha1, degrees.
    wavelength : float
    known : pandas.DataFrame, optional
        `ddi.data.rruff.reference`; where it holds the pattern its grade and counts are taken, else
        they are computed: grade A wants an rms of 0.02 degrees or less.

    Returns
    -------
    dict
        grade, n_matched, n_first, fair (grade A and at most two peaks missed).
    """
    row = known[known["id"] == pattern.id] if known is not None else ()
    if len(row):
        grade, matched, first = row.iloc[0][["grade", "n_matched_of_first_20", "n_first"]]
    else:
        result = compare(two_theta, pattern.cell, pattern.centring, wavelength)
        grade = "A" if result["rms"] <= GRADE_A_RMS else "B"
        matched = result["n_matched"]
        first = result["n_first"]
    return {
        "grade": str(grade),
        "n_matched": int(matched),
        "n_first": int(first),
        "fair": bool(grade == "A" and first - matched <= MAX_MISSED),
    }
