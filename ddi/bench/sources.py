"""How fast crystal structures are read."""

import os
import time

from ddi.base.paths import ROOT
from ddi.bench.registry import benchmark
from ddi.data.sources import catalogue, core_mof


@benchmark(
    "sources",
    floor=40,
    about="entries a CPU second of the slowest source; every source's rate beside it",
)
def bench_sources():
    """Read part of each source in this process; COD only where DDI_COD names a mirror."""
    rates = {}
    count = 0
    readers = {"amcsd": _amcsd, "core_mof": _core_mof} | (
        {"cod": _cod} if os.environ.get("DDI_COD") else {}
    )
    for name, reader in readers.items():
        read, seconds = reader()
        rates[f"{name}_per_second"] = round(read / seconds, 1)
        count += read
    return {"value": min(rates.values()), "unit": "entries/s", "n": count, **rates}


def _timed(function):
    started = time.process_time()
    result = function()
    return result, time.process_time() - started


def _amcsd():
    path = catalogue.fetch("amcsd", ROOT / "data" / "raw")["amcsd_cif1.db"]
    entries, seconds = _timed(lambda: list(catalogue.amcsd(path, limit=2000)))
    return len(entries), seconds


def _core_mof():
    """Unpacking reads all 23,845 files however few are wanted, so its cost is shared out over all
    structures.
    """
    folder = ROOT / "data" / "raw"
    catalogue.fetch("core_mof", folder)
    texts, unpacking = _timed(lambda: core_mof.unpack(folder))
    some = catalogue.evenly(texts.items(), 250)
    entries, seconds = _timed(lambda: [core_mof.read_cif(name, text) for name, text in some])
    return len(entries), seconds + unpacking * len(entries) / len(texts)


def _cod():
    entries, seconds = _timed(lambda: list(catalogue.cod(os.environ["DDI_COD"], limit=500)))
    return len(entries), seconds
