"""What comes out of indexing one pattern: a table of cells, their line lists, a figure, JSON, and a
sentence where nothing convinces.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ddi import __version__
from ddi.base.files import atomic
from ddi.forward.bragg import two_theta
from ddi.index import extinction, setting, show
from ddi.index import rows as plain_rows
from ddi.index.comparison import as_searched, cell_of, corrected, matched, tolerance
from ddi.index.constants import SEARCH
from ddi.index.outputs import plain
from ddi.index.peaks import Peaks
from ddi.index.show import CELL_COLUMNS

SCHEMA = 2  # of `Result.to_dict`; raised when a name changes its meaning
CONVINCING = 0.5  # probability from which the first cell is taken for the answer
# cells that get a space-group hint, and heads of families that get one wherever they stand
N_HINTED = 10
N_HEADS = 5
N_FITTED = 3  # first cells that are fitted to the whole pattern, where there is one
N_SYMBOLS = 3  # extinction symbols listed at most
LEAST_WEIGHT = 0.02  # share of the weight from which an extinction symbol is listed
SU_COLUMNS = [f"{name}_su" for name in (*CELL_COLUMNS, "volume", "zero_shift")]
TABLE = [
    "rank",
    "probability",
    "bravais",
    *CELL_COLUMNS,
    "volume",
    "M20",
    "F20",
    "n_indexed",
    "n_peaks",
    "zero_shift",
    "extinction_symbols",
    "family",
    *SU_COLUMNS,
    "from_search",
]


@dataclass(frozen=True)
class Result:
    """The indexing of one pattern.

    Attributes
    ----------
    rows : tuple of ddi.index.rows.Row
        What `cells` has as a DataFrame; given as either. Best first: rank, probability, bravais,
        a, b, c (A), alpha, beta, gamma (degrees; conventional axes, hR in hexagonal ones), volume
        (A^3), M20, F20 (NaN without a wavelength), n_indexed, n_peaks, zero_shift (degrees;
        without a wavelength as if Cu K-alpha), extinction_symbols (a list), family, the standard
        uncertainties a_su ... gamma_su, volume_su, zero_shift_su, and from_search: the axes as
        combinations of those that the search used (3, 3).
    peaks : ddi.index.peaks.Peaks
    seconds : float
    limits : dict
        In force: lattice, n_peaks, max_volume (A^3), time (s), zero_shift (degrees), seed.
    fits : tuple of ddi.index.profile.Fit
        The first cells fitted to the whole pattern; None where one could not be.
    notes : tuple of str
        What is to be said of the answer besides: see `ddi.index.remarks`.
    second : Result or None
        Of the peaks that the first cell leaves, where they are enough for a phase of their own; it
        need not convince.
    one_length : ddi.index.lamellar.OneLength or None
        Of a one-dimensional list, which determines no cell.
    """

    rows: tuple
    peaks: Peaks
    seconds: float
    limits: dict = field(default_factory=dict)
    fits: tuple = ()
    notes: tuple = ()
    second: "Result | None" = None
    one_length: object = None

    def __post_init__(self):
        object.__setattr__(self, "rows", tuple(plain_rows.of(self.rows)))

    @cached_property
    def cells(self):
        """The ranked list, best first, as a DataFrame with the columns of `rows`."""
        return plain_rows.table(list(self.rows), TABLE)

    @property
    def convinces(self):
        """Whether the first cell is likelier than not."""
        return bool(self.rows and self.rows[0].probability >= CONVINCING)

    @property
    def message(self):
        """The answer in a sentence; where nothing convinces, the best cell's shortfall and the
        limits in force.
        """
        return show.answer(self)

    def hkl(self, rank=1):
        """Return the line list of the cell with the given rank.

        Returns
        -------
        DataFrame
            One row an observed peak: h, k, l, d_obs, d_calc, d_diff (A), two_theta_obs,
            two_theta_calc, two_theta_diff (degrees; NaN without a wavelength), indexed. Observed
            values have the zero shift taken off.
        """
        lines = self.lines(rank)
        return plain_rows.table(lines, lines)

    def lines(self, rank=1):
        """Return the columns of `hkl`, a dict of arrays."""
        wavelength = self.peaks.wavelength
        observed, calculated, hkl, indexed = matched(self.peaks, self.rows[rank - 1])
        both = {"obs": observed, "calc": calculated}
        columns = dict(zip("hkl", hkl.T)) | {f"d_{name}": q2**-0.5 for name, q2 in both.items()}
        columns["d_diff"] = columns["d_obs"] - columns["d_calc"]
        for name, q2 in both.items():
            unknown = np.full(len(q2), np.nan)
            columns[f"two_theta_{name}"] = two_theta(q2, wavelength) if wavelength else unknown
        columns["two_theta_diff"] = columns["two_theta_obs"] - columns["two_theta_calc"]
        return columns | {"indexed": indexed}

    def to_dict(self, n_cells=20, n_lists=5):
        """Return plain numbers and text for JSON: the first `n_cells` cells, the first `n_lists` of
        them with their line lists.
        """
        figures = [name for name in TABLE if name not in CELL_COLUMNS + SU_COLUMNS]
        cells = []
        for row in self.rows[:n_cells]:
            entry = {name: plain(row[name]) for name in figures}
            if row["rank"] <= len(self.fits) and (fit := self.fits[row["rank"] - 1]) is not None:
                entry |= fit.to_dict()
            entry["cell"] = [round(float(value), 5) for value in cell_of(row)]
            entry["cell_su"] = [plain(row[name]) for name in SU_COLUMNS[:6]]
            entry |= {name: plain(row[name]) for name in SU_COLUMNS[6:]}
            if row["rank"] <= n_lists:
                entry["hkl"] = [
                    {name: plain(value) for name, value in line.items()}
                    for line in _records(self.lines(row["rank"]))
                ]
            cells.append(entry)
        return {
            "schema": SCHEMA,
            "program": f"ddi {__version__}",
            "source": self.peaks.source,
            "wavelength": self.peaks.wavelength,
            "n_peaks_read": len(self.peaks),
            "warnings": list(self.peaks.warnings),
            "seconds": round(self.seconds, 3),
            "limits": self.limits,
            "message": self.message,
            "notes": list(self.notes),
            "one_length": self.one_length and plain(self.one_length.period),
            "convinces": self.convinces,
            "cells": cells,
            "second_phase": self.second and self.second.to_dict(n_cells, n_lists),
        }

    def print(self, n_families=5, n_relatives=4, console=None):
        """Show the first families of cells and the answer on the terminal."""
        show.write(self, n_families, n_relatives, console)

    def _repr_html_(self):
        return show.html(self)

    def plot(self, path=None, rank=1, scale="linear"):
        """Draw the pattern if there is one, its lines beside those of the first cells, residuals,
        and peaks without a line in red.

        Parameters
        ----------
        path : str or Path, optional
            Where to save; the suffix chooses the format.
        rank : int
        scale : {"linear", "sqrt"}
            Of the intensities; the square root shows weak peaks.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ddi.index.draw import draw

        fig = draw(self, rank, scale=scale)
        if path is not None:
            with atomic(path) as temporary:
                fig.savefig(temporary, dpi=200)
        return fig

    def fit(self, rank=1):
        """Fit a cell to the whole measured pattern; return a `ddi.index.profile.Fit`."""
        from ddi.index.draw import fit

        return fit(self, rank)

    def export(self, path, rank=1):
        """Write a cell for a refinement program; the suffix says which: see `ddi.index.export`."""
        from ddi.index.export import write

        write(self, path, rank)


def _records(columns):
    """A dict a line, of columns of equal length."""
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def make(found, peaks, seconds, limits):
    """Build a `Result` from the ranked list or the DataFrame of `ddi.index.search`."""
    rows = [_on_conventional_axes(row) for row in plain_rows.of(found)]
    rows, fits = _decided(rows, _fits(peaks, _to_fit(rows[:N_FITTED])), peaks)
    heads = list(dict.fromkeys(row.family for row in rows))[:N_HEADS]
    asked = str(limits.get("zero_shift"))
    fitted = asked.startswith("fit")
    fit_of = dict(zip((row["rank"] for row in rows), fits))
    for row in rows:
        hinted = row["rank"] <= N_HINTED or row["rank"] in heads
        fit = fit_of.get(row["rank"])
        row["extinction_symbols"] = _symbols(row, peaks, fit) if hinted else []
        errors = _uncertainties(row, peaks, fitted) if hinted else [np.nan] * len(SU_COLUMNS)
        row.update(zip(SU_COLUMNS, errors))
        if not peaks.wavelength:
            unknown = ["F20"] if asked != "none" else ["F20", "zero_shift", "zero_shift_su"]
            row.update(dict.fromkeys(unknown, np.nan))
    listed = [{name: row[name] for name in TABLE} for row in rows]
    return Result(listed, peaks, seconds, limits, tuple(fits))


def _on_conventional_axes(row):
    cell, rows = setting.conventional(row["cell"], row.bravais)
    return row.but(**dict(zip(CELL_COLUMNS, cell)), from_search=rows.tolist())


def _fits(peaks, cells):
    """Whole-pattern fits of cells, None each without a pattern; scipy.signal is read only then."""
    if peaks.pattern is None:
        return [None] * len(cells)
    from ddi.index import profile

    return profile.of_peaks(peaks, cells)


def _decided(rows, fits, peaks):
    """The rows and their fits in the order that the pattern gives them, if there is one."""
    if peaks.pattern is None or not rows:
        return rows, fits
    from ddi.index import judging

    rows, known = judging.decided(rows, fits, peaks)
    moved = [k for k, fit in enumerate(known) if fit is None]
    for k, fit in zip(moved, _fits(peaks, _to_fit([rows[k] for k in moved]))):
        known[k] = fit
    return rows, known


def _to_fit(rows):
    return [(row.bravais, cell_of(row), row.zero_shift) for row in rows]


def _uncertainties(row, peaks, zero_fitted):
    """Standard uncertainties of a row, in the order of `SU_COLUMNS`."""
    search = as_searched(peaks)
    observed, _, hkl, used = matched(peaks, row)
    return setting.uncertainties(
        cell_of(row),
        row.bravais,
        hkl[used],
        observed[used],
        search.sigma[used],
        search.slope[used] if zero_fitted else None,
        SEARCH.zero_sigma * search.fineness,
    )


def _symbols(row, peaks, fit):
    """The likeliest extinction symbols, from the whole pattern if it was fitted: `N_SYMBOLS` at
    most, each above `LEAST_WEIGHT`.
    """
    if fit is not None:
        from ddi.index import symbols

        likely = symbols.rank(fit)[:N_SYMBOLS]
        return [entry.symbol for entry in likely if entry.probability > LEAST_WEIGHT]
    used = min(len(peaks), SEARCH.max_verify)
    listed = extinction.rank(
        cell_of(row),
        row.bravais,
        corrected(peaks, row.zero_shift)[:used],
        tolerance(peaks)[:used],
    )
    return [entry.symbol for entry in listed[:N_SYMBOLS] if entry.weight > LEAST_WEIGHT]
