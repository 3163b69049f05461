"""Benchmarks: one number each, with the floor that it must reach (``python -m ddi bench``).

Every function marked with `ddi.bench.registry.benchmark` is listed and can be run by its name; it
prints one line of JSON with value, unit, n and what stands beside it, and fails under its floor.
Modules: `registry` (the list), `first` and `program` (the command: start, uncertainties, memory),
`search` (indexing of measured and simulated patterns), `optimise` (chains), `generators` and
`assign` (models), `unseen` and `wishes` (patterns nobody looked at; the write-up's to-do list).
"""
