"""What a user of the program relies on: a batch whose memory stays flat, honest uncertainties."""

import numpy as np

from ddi.bench.registry import benchmark
from ddi.forward import lattice
from ddi.forward.bragg import CU_KALPHA1, q2_of, two_theta
from ddi.forward.systems import BRAVAIS

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
    from ddi.index.comparison import calculated_lines

    q2, _ = calculated_lines(np.array(CELLS[bravais], dtype=float), bravais, 1.6)
    angles = two_theta(q2[:n], CU_KALPHA1)
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
            result = index_peaks(angles, unit="2theta", wavelength=CU_KALPHA1, lattice=bravais)
            row = result.cells.iloc[0]
            if abs(row.volume / lattice.volume(np.array(cell)) - 1) < 0.01:
                names = [*CELL_COLUMNS, "volume", "zero_shift"]
                found.append(row[names].astype(float))
                stated.append(row[[f"{name}_su" for name in names]].astype(float))
        scatter = np.std(found, axis=0)
        free = scatter > 1e-9
        mean = np.sqrt(np.mean(np.square(stated), axis=0))
        ratios[bravais] = np.round(mean[free] / scatter[free], 3).tolist()
    worst = max(abs(ratio - 1) for values in ratios.values() for ratio in values)
    return {"value": worst, "unit": "", "n": n_repeats, "ratios": ratios}


@benchmark(
    "batch",
    floor=1.2,
    better="lower",
    about="memory after 2,000 (--n) lists of mixed length and kind over that after 100; MiB beside",
)
def bench_batch(n=2000):
    """Index lists of 8 to 60 peaks in one process, one after another, and watch its memory.

    One Bravais lattice is searched at a time, which takes half a second, and all of them for every
    25th list: what is kept after a search is asked here, not what it finds.
    """
    import psutil

    from ddi import index_peaks

    process = psutil.Process()
    memory = []
    for peaks, options in _batch(n):
        index_peaks(peaks, **options)
        memory.append(process.memory_info().rss / 2**20)
    value = max(memory) / max(memory[:N_WARM])
    every = [round(max(memory[first : first + N_WARM])) for first in range(0, n, N_WARM)]
    return {"value": value, "unit": "", "n": n, "mib": round(max(memory)), "mib_by_100": every}


def _batch(n, seed=1):
    """Yield `n` lists of peaks and the options of `index_peaks` that they are searched with."""
    rng = np.random.default_rng(seed)
    searched = list(BRAVAIS)
    for number in range(n):
        angles = _angles(list(CELLS)[number % len(CELLS)], rng, int(rng.integers(8, 61)))
        q2 = q2_of(angles, CU_KALPHA1) * rng.uniform(0.5, 1)  # no two cells are the same
        options = {"n_peaks": int(rng.choice((12, 20, 30)))}
        options["lattice"] = "all" if number % 25 == 24 else searched[number % len(searched)]
        if number % 5 == 4:
            yield q2**-0.5, options | {"unit": "d"}
        else:
            given = {"unit": "2theta", "wavelength": CU_KALPHA1}
            yield two_theta(q2, CU_KALPHA1), options | given
