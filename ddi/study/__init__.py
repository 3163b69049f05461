"""The study: eleven notebooks that answer one question each, and what runs, judges and draws them.

Section 3 of the write-up asks for it; `python -m ddi study` runs it. Only the runner's default
study writes the published figures, tables and notebooks; everything else stays in data/results.

Running: `runner` (the notebooks in order), `stamps` (what a result depends on), `processes` (one
study at a time, nothing left behind), `publish` (executed notebooks in place), `page` with
`page_parts` and `serve` (the page for people without Python).
Handing on: `tables` (tables and macros of the paper), `figures` (colours, saving), `notebook`
(sentences filled with a run's numbers), `kept_runs` (long runs that were made once), `readme`,
`quote_data` (01, 02), `quote_groups` (03), `quote_augment` (04), `quote_assignment` (08),
`quote_optimisation` (09) and `quote_indexing` (10: numbers beside tables and figures).
Judging: `qc_tables` (01), `cases`, `fairness` and `damage` (patterns, also spoilt ones),
`eval_augment` (04), `ablation` (05), `eval_generators`, `eval_groups`, `refined_generators` and
`equal_seconds` (07), `eval_assignment` and `joint_chains` (08), `start_cells`, `eval_optimisation`,
`convergence`, `svd_index`, `literal` and `explainers` (09), `eval_indexing`, `eval_finders`,
`eval_symbols` with `simulated_patterns`, `mixtures`, `failures`, `peers` with `peer_programs` (10);
what is run of these, and its tables: `compare_generators` (07), `compare_assignment` (08),
`compare_optimisation` (09), `compare_indexing`, `compare_patterns` and `compare_peers` (10).
Drawing: `draw_workflow` (the study on one page), `draw_data` (01, 02), `draw_groups` (03),
`draw_augment` (04), `draw_networks` (05), `draw_forests` (06), `draw_generators` (07),
`draw_assignment` (08), `draw_optimisation` (09), `draw_indexing` (10), `draw_pattern` (10, 11).
"""

import importlib
import pkgutil

__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
