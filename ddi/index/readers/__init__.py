"""Files of peaks and patterns, read or refused with a reason.

``read(path)`` gives `Peaks` or a `Pattern`, ``read_peaks(path)`` always peaks, ``formats()`` the
table that ``python -m ddi formats`` prints. Each format is recognised by its content; what is
ambiguous is refused with the command to type, nothing is guessed.

- opening: regular files and standard input, size limits, encodings, members of archives
- headings, separators, columns: names with units, decimal commas, remarks, rows of numbers
- written, literals, cells, unnamed: other ways of writing a table; columns without names
- stated: what remarks say of wavelength, radiation and the axis
- text, histograms, vendors, archives, binary, cif, inputs: families of formats
- found: what a reader found, and how it becomes `Peaks` or a `Pattern`
- registry: the table of formats
"""

import importlib

__all__ = ["MAX_BYTES", "formats", "read", "read_peaks"]


def __getattr__(name):
    if name in __all__:
        return getattr(importlib.import_module("ddi.index.readers.registry"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
