"""One ranked list over all lattices."""

import gemmi
import numpy as np
import pandas as pd

from ddi import kernel, lattice

SPURIOUS = 0.03
TAIL, TAIL_WIDTH = 0.15, 3.0
PARAMETER_COST = 4.0
MAX_LINES = 1024


def peak_gains(miss, sigma, density):
    """Return the log ratio, peak by peak, of 'a line or spurious' to 'chance': (n_candidates, n_peaks)."""
    r, chance = np.abs(miss), 2 * density * np.exp(-2 * density * np.abs(miss))
    normal = lambda s: np.exp(-0.5 * (r / s) ** 2) / (np.sqrt(np.pi / 2) * s)  # noqa: E731
    line = (1 - TAIL) * normal(sigma) + TAIL * normal(TAIL_WIDTH * sigma)
    return np.log((1 - SPURIOUS) * line / chance + SPURIOUS)


def score(peaks, found, n_use=20):
    kind = kernel.KINDS[found.bravais]
    q2 = peaks.q2[:n_use]
    n, m = len(found.x), len(q2)
    misses, matches, counts = np.empty((n, m)), np.zeros((n, m, 3), dtype=np.int16), np.zeros((n, m), dtype=np.int32)
    kernel._describe(found.x, found.zero, kind.rule, q2, peaks.slope[:n_use], MAX_LINES, misses, matches, counts)
    total = np.maximum(counts[:, -1:], 1)
    density = 1.5 * total * np.sqrt(q2) / q2[-1] ** 1.5
    gains = peak_gains(misses, peaks.sigma[:n_use], density)
    n_free = lattice.ties(kind.system).shape[1]
    return gains.sum(axis=1) - PARAMETER_COST * n_free, misses, matches, counts


def rank(peaks, zero, found, n_best=50):
    rows = []
    for one in found:
        good = lattice.is_positive(one.x)
        one = type(one)(one.bravais, one.x[good], one.zero[good])
        if not len(one.x):
            continue
        s, misses, matches, counts = score(peaks, one)
        seen = []
        for i in np.argsort(-s, kind="stable"):
            key = (np.log(lattice.volume(lattice.x_to_cell(one.x[i]))), s[i], counts[i, -1])
            if any(abs(key[0] - k[0]) < 0.003 and abs(key[1] - k[1]) < 0.5 and abs(key[2] - k[2]) <= 1 for k in seen):
                continue
            seen.append(key)
            cell = lattice.x_to_cell(one.x[i])
            rows.append(dict(score=s[i], bravais=one.bravais, cell=cell, volume=lattice.volume(cell), zero_shift=one.zero[i], n_lines=counts[i, -1], misses=misses[i] / peaks.slope[: len(misses[i])], hkl=matches[i]))
            if len(seen) >= 30:
                break
    frame = pd.DataFrame(rows).sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    kept = []
    for i, row in frame.iterrows():
        c = lattice.BRAVAIS[row.bravais][1]
        if not any(lattice.same_lattice(row.cell, frame.cell[k], c, lattice.BRAVAIS[frame.bravais[k]][1]) for k in kept):
            kept.append(i)
        if len(kept) >= n_best:
            break
    return frame.loc[kept].reset_index(drop=True)
