"""From the peaks of one pattern to a ranked list of cells: the program.

Sections 2.1.1 and 2.4 of the write-up, for a pattern whose lattice nobody knows; notebook
11_index_your_pattern goes through it step by step, notebook 10_rruff_eval says how often it is
right.

Reading: `readers` (files), `peaks` (one pattern's peaks, checked), `picking` with `baseline`,
`instrument` and `linefit` (peaks of a measured pattern). What is known: `options`, `known_lines`,
`similar`, `contents`, `short_lists` and `written_cells`. Searching: `observed` (peaks with their
errors), `views` (which of them templates are applied to), `proposals`, `zones` (cells with one long
axis) and `screening` (what is tried), `search` (all fourteen Bravais lattices), `score`,
`candidates`, `ranking`, `kinship`, `relatives` (sub- and supercells), `pairs` (two phases) and
`confidence` (one order, with probabilities), `extinction` (which space groups), `known` (the
lattice is given), `lamellar` (orders of one line).
Fitting: `profile` with `refinement` and `pawley` (a cell against the whole pattern), `symbols`
(space groups from its intensities), `evidence` and `judging` (the order that the pattern decides),
`phases` (what a first cell leaves).
Answering: `api` (`index_peaks`), `result` with `rows` (what comes out), `comparison` (lines beside
peaks), `setting` and `standard` (conventional axes, standard uncertainties), `partners` (lattices
with the same lines), `remarks` (what else is to be said), `show` and `draw` with `labels` (table,
figure), `outputs` and `export` (files), `command` (``ddi index``), `typed` (how it was called),
`session` (the same step by step, for the page). Numbers that were chosen stand in
`constants`, those of whole patterns in `pattern_constants`.
"""

__all__ = [
    "api",
    "baseline",
    "candidates",
    "command",
    "comparison",
    "confidence",
    "constants",
    "contents",
    "draw",
    "export",
    "extinction",
    "instrument",
    "kinship",
    "known",
    "known_lines",
    "labels",
    "lamellar",
    "linefit",
    "observed",
    "options",
    "outputs",
    "pairs",
    "partners",
    "pattern_constants",
    "pawley",
    "peaks",
    "phases",
    "picking",
    "profile",
    "proposals",
    "ranking",
    "readers",
    "refinement",
    "remarks",
    "result",
    "rows",
    "score",
    "screening",
    "search",
    "setting",
    "short_lists",
    "show",
    "similar",
    "symbols",
    "typed",
    "views",
    "written_cells",
]
