"""One door to the benchmarks: ``python -m ddi bench`` lists them, ``python -m ddi bench NAME`` runs
one.
"""

import importlib
import inspect
import json
import pkgutil
import time
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.stats import wilson

_REGISTRY = {}


@dataclass(frozen=True)
class Benchmark:
    """A named measurement with the value it must reach."""

    name: str
    run: Callable
    floor: float
    better: str
    about: str

    def passes(self, value):
        """Say whether a value is on the right side of the floor."""
        return value >= self.floor if self.better == "higher" else value <= self.floor


def benchmark(name, *, floor, better="higher", about=""):
    """Register a function as a benchmark; it returns ``dict(value=, unit=, n=, **more)``."""

    def register(function):
        _REGISTRY[name] = Benchmark(name, function, floor, better, about)
        return function

    return register


def shares(**right):
    """Return the share of True in each named sequence of bool, and its Wilson interval beside it as
    ``name_interval``.
    """
    found = {}
    for name, each in right.items():
        found[name] = float(np.mean(each))
        found[f"{name}_interval"] = wilson(np.sum(each), len(each))
    return found


def benchmarks():
    """Return every benchmark by name, in alphabetical order."""
    import ddi.bench

    for module in pkgutil.iter_modules(ddi.bench.__path__):
        importlib.import_module(f"ddi.bench.{module.name}")
    return dict(sorted(_REGISTRY.items()))


def run(name, **options):
    """Run one benchmark, print its JSON line, and return 0 or, under its floor, 1.

    Parameters
    ----------
    name : str
    **options
        Handed to the benchmark; None stands for its own default.

    Raises
    ------
    DDIError
        For a benchmark that is not there, or that does not take an option.
    """
    known = benchmarks()
    if name not in known:
        raise DDIError(
            f"there is no benchmark '{name}'; python -m ddi bench lists {', '.join(known)}"
        )
    entry = known[name]
    given = {key: value for key, value in options.items() if value is not None}
    takes = inspect.signature(entry.run).parameters
    if refused := [key for key in given if key not in takes]:
        raise DDIError(
            f"benchmark {name} takes no --{refused[0]}; it takes {', '.join(takes) or 'no option'}"
        )
    started = time.perf_counter()
    result = entry.run(**given)
    line = {
        "name": name,
        "floor": entry.floor,
        "better": entry.better,
        "seconds": round(time.perf_counter() - started, 2),
        **result,
    }
    print(json.dumps(line, default=float))
    return 0 if entry.passes(line["value"]) else 1
