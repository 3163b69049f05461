"""Benchmarks, one module a part of the package; `ddi.bench` finds them."""
