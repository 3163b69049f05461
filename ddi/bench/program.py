"""What a user of the program relies on: a batch whose memory stays flat, honest uncertainties."""

import os

import numpy as np

from ddi.bench.registry import benchmark

WAVELENGTH = 1.540593  # A
SCATTER = 0.012  # degrees 2theta, as the search assumes
N_WARM = 100
CELLS = {
    "cF": (5.4309, 5.4309, 5.4309, 90, 90, 90),
    "hP": (4.9134, 4.9134, 5.4052, 90, 90, 120),
    "oP": (5.4580, 7.1570, 8.8840, 90, 90, 90),
    "mP": (5.1450, 5.2075, 5.3107, 90, 99.23, 90),
}


def _angles(bravais, rng, n, zero=0.03):
    """Degrees 2theta of the first `n` lines of a cell, with scatter and a zero shift."""
    from ddi.forward.bragg import two_theta
    from ddi.index.result import calculated_lines

    q2, _ = calculated_lines(np.array(CELLS[bravais], dtype=float), bravais, 1.6)
    angles = two_theta(q2[:n], WAVELENGTH)
    return np.sort(angles + zero + rng.normal(0, SCATTER, len(angles)))


@benchmark(
    "esd",
    floor=0.3,
    better="lower",
    about="largest |stated s.u. / scatter - 1| of 200 repeats of cF, hP, oP and mP cells",
)
def bench_esd(n_repeats=200):
    """Index repeats of a pattern and compare the scatter of what comes out with what is stated."""
    from ddi import index_peaks
    from ddi.index.result import CELL_COLUMNS

    rng = np.random.default_rng(0)
    ratios = {}
    for bravais, cell in CELLS.items():
        found = []
        stated = []
        for _ in range(n_repeats):
            angles = _angles(bravais, rng, 30)
            result = index_peaks(angles, unit="2theta", wavelength=WAVELENGTH, lattice=bravais)
            row = result.cells.iloc[0]
            if abs(row.volume / _volume(cell) - 1) < 0.01:
                names = [*CELL_COLUMNS, "volume", "zero_shift"]
                found.append(row[names].astype(float))
                stated.append(row[[f"{name}_su" for name in names]].astype(float))
        scatter = np.std(found, axis=0)
        free = scatter > 1e-9
        mean = np.sqrt(np.mean(np.square(stated), axis=0))
        ratios[bravais] = np.round(mean[free] / scatter[free], 3).tolist()
    worst = max(abs(ratio - 1) for values in ratios.values() for ratio in values)
    return {"value": worst, "unit": "", "n": n_repeats, "ratios": ratios}


def _volume(cell):
    from ddi.forward import lattice

    return float(lattice.volume(np.array(cell, dtype=float)))


@benchmark(
    "batch",
    floor=1.2,
    better="lower",
    about="memory after DDI_BATCH (300) lists of mixed length over that after 100",
)
def bench_batch():
    """Index lists of 8 to 60 peaks in one process, one after another, and watch its memory."""
    import psutil

    from ddi import index_peaks

    rng = np.random.default_rng(1)
    n_files = int(os.environ.get("DDI_BATCH", 300))
    process = psutil.Process()
    memory = []
    for number in range(n_files):
        bravais = list(CELLS)[number % len(CELLS)]
        angles = _angles(bravais, rng, int(rng.integers(8, 60)))
        index_peaks(angles, unit="2theta", wavelength=WAVELENGTH, time=0.5)
        memory.append(process.memory_info().rss / 2**20)
    warm = max(memory[:N_WARM])
    return {"value": max(memory) / warm, "unit": "", "n": n_files, "mib": round(max(memory))}
