"""From databases of crystal structures to training and test sets (write-up, section 2.1; notebooks
01 to 04).

sources      the databases: amcsd, core_mof, cod, csd; how they are fetched and unpacked
entry        one crystal structure, and the file of many
composition  formulas, site labels, contents of a cell
qc           the seven rules of quality control (notebook 01)
dedup        which entries are the same crystal; leaders finds them fast (notebook 02)
dataset      cells and peak lists of the unique crystals, and how models read them
grouping     groups of like reflection conditions; groupspec, their spreadsheets (notebook 03)
split        families of relatives, training and test sets, what leaks (notebook 03)
scaling      peaks and cells on the scale of one (section 2.1.4)
augment      children of rare symbols: perturb moves cells, resample chooses peaks (notebook 04)
rruff        measured patterns and the cells they belong to (notebook 10)
constants    the numbers taken for granted, with their sources
"""

__all__ = [
    "augment", "composition", "constants", "dataset", "dedup", "entry", "grouping", "groupspec",
    "leaders", "perturb", "qc", "resample", "rruff", "scaling", "sources", "split",
]  # fmt: skip
