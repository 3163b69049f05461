"""Benchmarks: one number each, with the floor that it must reach (``python -m ddi bench``).

Every function marked with `ddi.bench.registry.benchmark` is listed and can be run by its name; it
prints one line of JSON with value, unit, n and what stands beside it, and fails under its floor.

What is measured: `dataset` and `sources` (reading and deduplicating crystals), `generators` and
`assign` (models), `optimise` (chains), `search`, `shapes` and `unseen` (patterns indexed: measured,
simulated, and simulated anew), `short_lists` (a few rough lines), `profile` and `mixtures` (whole
patterns, two phases), `volumes` (volume from a formula), `first`, `program` and `cases` (the
command as users meet it), `fuzz` (damaged files), `study` (the smoke study), `wishes` (the
write-up's to-do list).
What they run on: `crystals`, `lists` (simulated lists of the kinds that people bring), `peak_lists`
(peaks, also spoilt ones), `seeds` (small files of every format).
"""
