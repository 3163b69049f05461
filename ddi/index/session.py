"""One pattern on its way from a file to a cell, step by step, as `ddi.study.page` shows it: read,
leave peaks out, index, hand on.
"""

import io
import json

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.paths import ROOT

EXAMPLE = ROOT / "data" / "example_peaks.txt"  # only beside the sources
EXPORTS = (".cif", ".json", ".csv", ".png", ".pcr", ".inp", ".instprm", ".pkslst")
NEAR = 0.02  # of the picture's width: a click further from every peak means none; chosen


class Session:
    """What is known of one pattern so far.

    Attributes
    ----------
    name : str
    content : bytes
        Of the file.
    peaks : ddi.index.peaks.Peaks or None
        All that were read or picked.
    kept : ndarray of bool, shape (n,), or None
        Which of them are used.
    result : ddi.index.result.Result or None
    """

    def __init__(self):
        self.open("", b"")

    def open(self, name, content):
        """Take a file's content; what was known of another file is forgotten."""
        self.name = name
        self.content = content
        self._forget()

    def _forget(self):
        self.peaks = None
        self.kept = None
        self.result = None

    def read(self, unit=None, wavelength=None, radiation=None):
        """Read the content; see `ddi.index.readers.read`.

        Raises
        ------
        DDIError
            If it cannot be read, or if the unit or the wavelength is not known.
        """
        from ddi.index.readers import opening, registry

        self._forget()
        name = opening.printable(self.name)
        if not self.content.strip():
            raise DDIError(f"{name or 'the file'} is empty; choose a list of peaks or a pattern")
        source = opening.Input(name, self.content, opening.MAX_BYTES, unit)
        found = registry.parse(source, wavelength, radiation)
        self.peaks = found.peaks() if hasattr(found, "peaks") else found
        self.kept = np.ones(len(self.peaks), dtype=bool)

    def positions(self):
        """Return where the peaks stand: see `ddi.index.comparison.positions`."""
        from ddi.index import comparison

        return comparison.positions(self.peaks)

    def nearest(self, position, span):
        """Return the number of the peak nearest to a position, or None if it is further than `NEAR`
        of the span shown.
        """
        distance = np.abs(self.positions() - position)
        return int(distance.argmin()) if distance.min() <= NEAR * span else None

    def keep(self, number, kept):
        """Use a peak, or leave it out; an answer found before is no answer any more."""
        self.kept[number] = kept
        self.result = None

    def chosen(self):
        """Return the `Peaks` that are used."""
        from ddi.index import comparison

        peaks, kept = self.peaks, self.kept
        if kept.all():
            return peaks
        left = f"{peaks.source}, {np.sum(~kept)} of them left out by hand"
        return comparison.chosen(peaks, kept, source=left)

    def index(self, **options):
        """Index the chosen peaks; see `ddi.index.api.index_peaks`. Return the `Result`."""
        from ddi.index.api import index_peaks
        from ddi.index.peaks import FEWEST

        if self.kept.sum() < FEWEST:
            raise DDIError(
                f"{self.kept.sum()} peaks are left and no cell follows from fewer than {FEWEST}; "
                "take some back"
            )
        self.result = index_peaks(self.chosen(), **options)
        return self.result

    def file(self, suffix, rank=1):
        """Return a cell in one of the formats `EXPORTS` as bytes.

        Raises
        ------
        DDIError
            If the format needs a wavelength, or there is no cell.
        """
        from ddi.index import export, outputs

        if suffix == ".json":
            entry = {"file": self.name, **self.result.to_dict()}
            return json.dumps(entry, indent=1, allow_nan=False).encode()
        if suffix == ".csv":
            return outputs.csv(self.name, self.result).encode()
        if not len(self.result.cells):
            raise DDIError("there is no cell to hand on")
        if suffix == ".png":
            return png(self.result.plot(rank=rank), 200)[0]
        return export.writer(f"cell{suffix}")(
            self.result, self.result.cells.iloc[rank - 1]
        ).encode()


def png(fig, dpi=144):
    """Return a figure as PNG and, of its first axes, where the left and the right end stand in the
    picture (0 to 1) and what values they show; the figure is closed.
    """
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=dpi, format="png")
    box = fig.axes[0].get_position()
    limits = fig.axes[0].get_xlim()
    plt.close(fig)
    return buffer.getvalue(), ((box.x0, box.x1), limits)


def example_list():
    """Return the name and the content of the list of peaks that is shipped with the sources, or
    None.
    """
    return (EXAMPLE.name, EXAMPLE.read_bytes()) if EXAMPLE.exists() else None


def example_pattern(seed=0):
    """Return the name and the content of a pattern simulated from the list: monochromatic, lines
    0.09 degrees wide on a sloping background, with counting noise; None without the list.
    """
    if not EXAMPLE.exists():
        return None
    known = Session()
    known.open(*example_list())
    known.read()
    at, height = known.positions(), known.peaks.intensity
    grid = np.arange(10.0, at[-1] + 2, 0.02)
    lines = np.exp(-0.5 * ((grid[:, None] - at) / 0.04) ** 2) @ height
    counts = np.random.default_rng(seed).poisson(40 * lines + 60 - 0.4 * grid)
    rows = "".join(f"{x:.2f} {y}\n" for x, y in zip(grid, counts))
    head = "# simulated, monochromatic; wavelength 1.540593\n2theta intensity\n"
    return "simulated_pattern.xy", (head + rows).encode()
