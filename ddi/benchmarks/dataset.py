"""Benchmarks of the dataset: milliseconds an entry, and how the search for duplicates grows with their number."""

import time

import numpy as np

from ddi import dataset, dedup
from ddi.bench import benchmark
from ddi.entry import read_entries
from ddi.errors import DDIError
from ddi.study import Study


def _entries(name):
    for profile in ("default", "full", "smoke"):
        path = Study(profile).interim / name
        if path.exists():
            return read_entries(path)
    raise DDIError(f"no profile has {name}; run python -m ddi study --profile smoke first")


@benchmark("dataset", floor=3.0, better="lower", about="ms of one core per unique AMCSD entry: reindexing, pattern, both peak lists")
def bench_dataset(limit=1000):
    """Time `ddi.dataset.row` in one process on evenly spread unique AMCSD entries; metal-organic ones are given beside it."""
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


@benchmark("dedup", floor=1.5, better="lower", about="exponent of time against n, up to 500,000 entries made from real ones")
def bench_dedup(sizes=(15_625, 31_250, 62_500, 125_000, 250_000, 500_000)):
    """Fit log time against log n; twice as many entries in the same space also means twice as many near ones an entry."""
    these = dedup.features(_entries("entries.parquet"))
    seconds = []
    for n in (100, *sizes):
        pretended = dedup.replicate(these, n)
        started = time.process_time()
        dedup.leaders(pretended, dedup.DEFINITIONS[dedup.STRICTER], np.arange(n))
        seconds.append(time.process_time() - started)
    exponent = np.polyfit(np.log(sizes), np.log(seconds[1:]), 1)[0]
    return {"value": exponent, "unit": "exponent", "n": sizes[-1], "longest_s": seconds[-1]}
