"""How far made entries are from real ones: the features they are compared by and the distance."""

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from ddi.forward import lattice


def features(q2, cells, n_peaks):
    """Return what augmented and real entries are compared by.

    Parameters
    ----------
    q2 : sequence of array_like
        Peak lists of at least `n_peaks`, A^-2.
    cells : sequence of array_like
    n_peaks : int
        How many of the peaks the models read.

    Returns
    -------
    dict of ndarray
        first peak and last peak read (A^-2), separation of neighbours (A^-2), volume (A^3).
    """
    first = np.array([peaks[:n_peaks] for peaks in q2], dtype=float).reshape(-1, n_peaks)
    volume = lattice.volume(np.array(list(cells), dtype=float).reshape(-1, 6))
    return {
        "first peak": first[:, 0],
        "last peak": first[:, -1],
        "separation": np.diff(first).ravel(),
        "volume": volume,
    }


def compare(real, other):
    """Return the distance between two sets of `features`, one row a feature.

    Returns
    -------
    pandas.DataFrame
        Columns feature and ks (Kolmogorov-Smirnov).
    """
    rows = [
        (name, ks_2samp(real[name], other[name]).statistic)
        for name in real
        if len(real[name]) > 1 and len(other[name])
    ]
    return pd.DataFrame(rows, columns=["feature", "ks"])
