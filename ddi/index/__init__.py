"""From the peaks of one pattern to a ranked list of cells: the program.

Sections 2.1.1 and 2.4 of the write-up, for a pattern whose lattice nobody knows; notebook
11_index_your_pattern goes through it step by step, notebook 10_rruff_eval says how often it is
right. Reading: `readers` (files), `peaks` (one pattern's peaks, checked), `picking` (peaks of a
measured pattern). Searching: `screening` (compiled loops), `search` (all fourteen Bravais
lattices), `ranking` (one order, with probabilities), `extinction` (which space groups), `known`
(the lattice system is given). Answering: `api` (`index_peaks`), `result` (what comes out),
`setting` (conventional axes, standard uncertainties), `show` (table and figure), `export` (files
for refinement programs), `command` (``python -m ddi index``).
"""

__all__ = [
    "api",
    "command",
    "export",
    "extinction",
    "known",
    "peaks",
    "picking",
    "ranking",
    "readers",
    "result",
    "screening",
    "search",
    "setting",
    "show",
]
