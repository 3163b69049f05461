"""Benchmarks of the dataset: milliseconds an entry, and how the search for duplicates grows with
their number.
"""

import time

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.paths import Study
from ddi.bench.registry import benchmark
from ddi.data import dataset, dedup, leaders
from ddi.data.entry import read_entries


def _entries(name):
    for profile in ("default", "full", "smoke"):
        path = Study(profile).interim / name
        if path.exists():
            return read_entries(path)
    raise DDIError(f"no profile has {name}; run python -m ddi study --profile smoke first")


@benchmark(
    "dataset",
    floor=3.0,
    better="lower",
    about="ms of one core per unique AMCSD entry: reindexing, pattern, both peak lists",
)
def bench_dataset(limit=1000):
    """Time `ddi.data.dataset.row` in one process on evenly spread unique AMCSD entries;
    metal-organic ones are given beside it.
    """
    entries = _entries("unique.parquet")
    times = {}
    for source in ("amcsd", "core_mof"):
        chosen = [entry for entry in entries if entry.source == source]
        chosen = chosen[:: max(1, len(chosen) // limit)]
        if chosen:
            dataset.row(chosen[0])  # loads the compiled code
            started = time.process_time()
            for entry in chosen:
                dataset.row(entry)
            times[source] = 1e3 * (time.process_time() - started) / len(chosen), len(chosen)
    value, n = times["amcsd"]
    return {"value": value, "unit": "ms", "n": n, "core_mof": times.get("core_mof", (None,))[0]}


@benchmark(
    "dedup",
    floor=1.4,
    better="lower",
    about="exponent of time against n up to 500,000, the worse of two ways in which databases grow",
)
def bench_dedup(sizes=(15_625, 31_250, 62_500, 125_000, 250_000, 500_000)):
    """Fit log CPU time, and log pairs compared, against log n: for crystals of new elements, and
    for the same ones measured again.
    """
    these = dedup.features(_entries("entries.parquet"))
    result = {}
    for name, make in (("new", leaders.substituted), ("again", leaders.remeasured)):
        growth = leaders.growth(these, make, sizes)
        exponents = {
            column: np.polyfit(np.log(growth.n), np.log(growth[column]), 1)[0]
            for column in ("seconds", "pairs")
        }
        result |= {
            f"{name}_{column}_exponent": round(value, 3) for column, value in exponents.items()
        }
        result |= {
            f"{name}_pairs_an_entry": round(growth.pairs.iloc[-1] / sizes[-1], 1),
            f"{name}_longest_s": growth.seconds.iloc[-1],
        }
    value = max(result["new_seconds_exponent"], result["again_seconds_exponent"])
    return {"value": value, "unit": "exponent", "n": sizes[-1], **result}
