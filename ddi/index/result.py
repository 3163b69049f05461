"""What comes out of indexing one pattern: a table of cells, their line lists, a figure, JSON, and a
sentence where nothing convinces.
"""

import json
from dataclasses import dataclass, field

import gemmi
import numpy as np
import pandas as pd

from ddi.base.files import atomic
from ddi.forward import lattice
from ddi.forward.bragg import q2_of, two_theta
from ddi.index import extinction
from ddi.index.peaks import Peaks
from ddi.index.ranking import INDEXED_SIGMAS
from ddi.index.search import MAX_VERIFY, prepare

CONVINCING = 0.5  # probability from which the first cell is taken for the answer
# cells that get a space-group hint, and heads of families that get one wherever they stand
N_HINTED = 10
N_HEADS = 5
CELL_COLUMNS = ["a", "b", "c", "alpha", "beta", "gamma"]
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
]


@dataclass(frozen=True)
class Result:
    """The indexing of one pattern.

    Attributes
    ----------
    cells : DataFrame
        Best first: rank, probability, bravais, a, b, c (A), alpha, beta, gamma (degrees;
        conventional, hR in hexagonal axes), volume (A^3), M20, F20, n_indexed, n_peaks, zero_shift
        (degrees), extinction_symbols, family.
    peaks : ddi.index.peaks.Peaks
    seconds : float
    limits : dict
        What was in force: lattice, n_peaks, max_volume, time, zero_shift, seed.
    """

    cells: pd.DataFrame
    peaks: Peaks
    seconds: float
    limits: dict = field(default_factory=dict)

    @property
    def message(self):
        """The answer in a sentence; where nothing convinces, the best cell's shortfall and the
        limits in force.
        """
        limits = ", ".join(
            f"{name} {value}" for name, value in self.limits.items() if value is not None
        )
        if not len(self.cells):
            return f"No cell was found within the limits in force: {limits}."
        best = self.cells.iloc[0]
        lines = self.hkl(1)
        cell = f"{best.bravais} {_cell_words(best)}, V = {best.volume:.1f} A^3"
        family = float(self.cells.probability[self.cells.family == 1].sum())
        more = (
            f" ({family:.2f} with its sub- and supercells)"
            if family > best.probability + 0.01
            else ""
        )
        figures = f"indexes {best.n_indexed} of {best.n_peaks} peaks with M20 = {best.M20:.1f}, probability {best.probability:.2f}{more}"
        if best.probability >= CONVINCING:
            return f"The cell is {cell}: it {figures}."
        lines = lines.head(self.limits.get("n_peaks", len(lines)))
        left = ", ".join(f"{d:.4f}" for d in lines.d_obs[~lines.indexed]) or "none"
        return f"No cell convinces. The best one, {cell}, {figures}; not indexed: d = {left} A. Limits in force: {limits}."

    def hkl(self, rank=1):
        """Return the line list of the cell with the given rank.

        Returns
        -------
        DataFrame
            One row an observed peak: h, k, l, d_obs, d_calc, d_diff (A), two_theta_obs,
            two_theta_calc, two_theta_diff (degrees; NaN without a wavelength), indexed. Observed
            values have the zero shift taken off.
        """
        row = self.cells.iloc[rank - 1]
        wavelength = self.peaks.wavelength
        observed = _corrected(self.peaks, row.zero_shift)
        lines, hkl = calculated_lines(cell_of(row), row.bravais, observed.max() * 1.1)
        nearest = np.abs(observed[:, None] - lines).argmin(axis=1)
        table = pd.DataFrame(hkl[nearest], columns=["h", "k", "l"])
        table["d_obs"] = observed**-0.5
        table["d_calc"] = lines[nearest] ** -0.5
        table["d_diff"] = table.d_obs - table.d_calc
        for name, q2 in (("two_theta_obs", observed), ("two_theta_calc", lines[nearest])):
            table[name] = two_theta(q2, wavelength) if wavelength else np.nan
        table["two_theta_diff"] = table.two_theta_obs - table.two_theta_calc
        table["indexed"] = np.abs(observed - lines[nearest]) <= _tolerance(self.peaks)
        return table

    def to_dict(self, n_cells=20, n_lists=5):
        """Return plain numbers and text for JSON: the first `n_cells` cells, the first `n_lists` of
        them with their line lists.
        """
        cells = []
        for _, row in self.cells.head(n_cells).iterrows():
            entry = {name: _plain(row[name]) for name in TABLE if name not in CELL_COLUMNS}
            entry["cell"] = [round(float(value), 5) for value in cell_of(row)]
            if row["rank"] <= n_lists:
                entry["hkl"] = [
                    {name: _plain(value) for name, value in line.items()}
                    for line in self.hkl(row["rank"]).to_dict("records")
                ]
            cells.append(entry)
        read = {
            "source": self.peaks.source,
            "wavelength": self.peaks.wavelength,
            "n_peaks_read": len(self.peaks),
            "warnings": list(self.peaks.warnings),
        }
        return {
            **read,
            "seconds": round(self.seconds, 3),
            "limits": self.limits,
            "message": self.message,
            "results": cells,
        }

    def to_json(self, path=None):
        """Return the result as JSON text; write it to `path` too if one is given."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        if path is not None:
            with atomic(path) as temporary:
                temporary.write_text(text + "\n")
        return text

    def print(self, n_families=5, n_relatives=4, console=None):
        """Show the first families of cells and the answer on the terminal."""
        from rich.console import Console

        from ddi.index import show

        console = console or Console()
        console = console if console.width >= show.WIDE else Console(width=show.WIDE)
        for warning in self.peaks.warnings:
            console.print(f"note: {warning}", highlight=False, soft_wrap=True)
        console.print(show.table(self, n_families, n_relatives))
        console.print(f"{self.message} ({self.seconds:.1f} s)", highlight=False, soft_wrap=True)

    def plot(self, path=None, rank=1):
        """Draw the pattern if there is one, its lines beside those of the first cells, residuals,
        and peaks without a line in red.

        Parameters
        ----------
        path : str or Path, optional
            Where to save; the suffix chooses the format.
        rank : int

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ddi.index.show import draw

        fig = draw(self, rank)
        if path is not None:
            with atomic(path) as temporary:
                fig.savefig(temporary, dpi=200)
        return fig


def make(table, peaks, seconds, limits):
    """Build a `Result` from the table of `ddi.index.search.run`."""
    cells = table.reset_index(drop=True)
    if not len(cells):
        return Result(pd.DataFrame(columns=TABLE), peaks, seconds, limits)
    parts = pd.DataFrame(np.stack(cells["cell"].to_numpy()), columns=CELL_COLUMNS)
    cells = pd.concat([cells.drop(columns="cell"), parts], axis=1)
    heads = set(cells.family.drop_duplicates().head(N_HEADS))
    cells["extinction_symbols"] = [
        _symbols(row, peaks) if row["rank"] <= N_HINTED or row["rank"] in heads else ""
        for _, row in cells.iterrows()
    ]
    return Result(cells[TABLE], peaks, seconds, limits)


def _symbols(row, peaks, n=3):
    """The likeliest extinction symbols of a cell, `n` at most, those that share at least a fiftieth
    of the weight.
    """
    used = min(len(peaks), MAX_VERIFY)
    listed = extinction.rank(
        cell_of(row),
        row.bravais,
        _corrected(peaks, row.zero_shift)[:used],
        _tolerance(peaks)[:used],
    )
    return "; ".join(entry["symbol"] for entry in listed[:n] if entry["weight"] > 0.02)


def calculated_lines(cell, bravais, q2_max):
    """Return the distinct q2 (n,) in A^-2 of a lattice's lines up to `q2_max`, and an index (n, 3)
    for each, the simplest one.
    """
    letter = "R 3:H" if bravais == "hR" else f"{bravais[1]} 1"
    unit_cell = gemmi.UnitCell(*map(float, cell))
    hkl = gemmi.make_miller_array(unit_cell, gemmi.SpaceGroup("P 1"), 1 / np.sqrt(q2_max), 0, True)
    hkl = hkl[
        ~np.asarray(gemmi.SpaceGroup(letter).operations().systematic_absences(hkl), dtype=bool)
    ]
    q2 = lattice.q2(hkl, np.asarray(cell, dtype=float))
    order = np.lexsort((*-np.sign(hkl.T), -hkl[:, 0], np.round(q2 / q2_max, 7)))
    _, first = np.unique(np.round(q2[order] / q2_max, 7), return_index=True)
    return q2[order][first], hkl[order][first]


def _corrected(peaks, zero_shift):
    """Observed q2 with the zero shift (degrees 2theta) taken off."""
    if not peaks.wavelength or not np.isfinite(zero_shift) or zero_shift == 0:
        return peaks.q2
    return q2_of(two_theta(peaks.q2, peaks.wavelength) - zero_shift, peaks.wavelength)


def _tolerance(peaks):
    """What a line may miss its peak by, in A^-2, shape (n_peaks,): the search's own rule."""
    sigma = prepare(peaks.q2, peaks.sigma_q2, None, peaks.wavelength, len(peaks)).sigma
    return INDEXED_SIGMAS * sigma


def cell_of(row):
    """Return the six cell parameters of a row of `Result.cells`."""
    return np.array([row[name] for name in CELL_COLUMNS], dtype=float)


def _cell_words(row):
    """The cell parameters that the lattice leaves free, in words."""
    free = [
        CELL_COLUMNS[k]
        for k in lattice.SYSTEM[
            "hexagonal" if row.bravais == "hR" else lattice.BRAVAIS[row.bravais][0]
        ].free
    ]
    return ", ".join(
        f"{name} = {row[name]:.4f} A" if name in "abc" else f"{name} = {row[name]:.3f} deg"
        for name in free
    )


def _plain(value):
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if np.isfinite(value) else None
    return (
        [_plain(item) for item in value]
        if isinstance(value, (list, tuple, np.ndarray))
        else str(value)
    )
