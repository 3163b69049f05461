"""What comes out of indexing one pattern: a table of cells, their line lists, a figure, JSON, and a sentence where nothing convinces."""

import json
from dataclasses import dataclass, field

import gemmi
import numpy as np
import pandas as pd

from ddi import extinction, lattice
from ddi.files import atomic
from ddi.fom import q2_of, two_theta
from ddi.peaklist import Peaks
from ddi.ranking import INDEXED_SIGMAS
from ddi.search import MAX_VERIFY, prepare

CONVINCING = 0.5  # probability from which the first cell is taken for the answer
WIDE = 134  # characters that the table needs
N_HINTED = 10  # cells that get a space-group hint
CELL_COLUMNS = ["a", "b", "c", "alpha", "beta", "gamma"]
TABLE = ["rank", "probability", "bravais", *CELL_COLUMNS, "volume", "M20", "F20", "n_indexed", "n_peaks", "zero_shift", "extinction_symbols", "family"]


@dataclass(frozen=True)
class Result:
    """The indexing of one pattern.

    Attributes
    ----------
    cells : DataFrame
        Best first: rank, probability, bravais, a, b, c (A), alpha, beta, gamma (degrees; conventional, hR in hexagonal axes), volume
        (A^3), M20, F20, n_indexed, n_peaks, zero_shift (degrees), extinction_symbols, family.
    peaks : ddi.peaklist.Peaks
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
        """The answer in a sentence; where nothing convinces, the best cell's shortfall and the limits in force."""
        limits = ", ".join(f"{name} {value}" for name, value in self.limits.items() if value is not None)
        if not len(self.cells):
            return f"No cell was found within the limits in force: {limits}."
        best, lines = self.cells.iloc[0], self.hkl(1)
        cell = f"{best.bravais} {_cell_words(best)}, V = {best.volume:.1f} A^3"
        figures = f"indexes {best.n_indexed} of {best.n_peaks} peaks with M20 = {best.M20:.1f}, probability {best.probability:.2f}"
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
            One row an observed peak: h, k, l, d_obs, d_calc, d_diff (A), two_theta_obs, two_theta_calc, two_theta_diff (degrees; NaN
            without a wavelength), indexed. Observed values have the zero shift taken off.
        """
        row = self.cells.iloc[rank - 1]
        wavelength, observed = self.peaks.wavelength, _corrected(self.peaks, row.zero_shift)
        lines, hkl = calculated_lines(_cell(row), row.bravais, observed.max() * 1.1)
        nearest = np.abs(observed[:, None] - lines).argmin(axis=1)
        table = pd.DataFrame(hkl[nearest], columns=["h", "k", "l"])
        table["d_obs"], table["d_calc"] = observed**-0.5, lines[nearest] ** -0.5
        table["d_diff"] = table.d_obs - table.d_calc
        for name, q2 in (("two_theta_obs", observed), ("two_theta_calc", lines[nearest])):
            table[name] = two_theta(q2, wavelength) if wavelength else np.nan
        table["two_theta_diff"] = table.two_theta_obs - table.two_theta_calc
        table["indexed"] = np.abs(observed - lines[nearest]) <= _tolerance(self.peaks)
        return table

    def to_dict(self, n_cells=20, n_lists=5):
        """Return plain numbers and text for JSON: the first `n_cells` cells, the first `n_lists` of them with their line lists."""
        cells = []
        for _, row in self.cells.head(n_cells).iterrows():
            entry = {name: _plain(row[name]) for name in TABLE if name not in CELL_COLUMNS}
            entry["cell"] = [round(float(value), 5) for value in _cell(row)]
            if row["rank"] <= n_lists:
                entry["hkl"] = [{name: _plain(value) for name, value in line.items()} for line in self.hkl(row["rank"]).to_dict("records")]
            cells.append(entry)
        read = {"source": self.peaks.source, "wavelength": self.peaks.wavelength, "n_peaks_read": len(self.peaks), "warnings": list(self.peaks.warnings)}
        return {**read, "seconds": round(self.seconds, 3), "limits": self.limits, "message": self.message, "results": cells}

    def to_json(self, path=None):
        """Return the result as JSON text; write it to `path` too if one is given."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        if path is not None:
            with atomic(path) as temporary:
                temporary.write_text(text + "\n")
        return text

    def print(self, n_cells=10, console=None):
        """Show the first cells and the answer on the terminal."""
        from rich import box
        from rich.console import Console
        from rich.table import Table

        console = console or Console()
        console = console if console.width >= WIDE else Console(width=WIDE)
        table = Table(title=self.peaks.source, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
        for heading in "# prob. lattice a,b,c/Å;α,β,γ/° V/Å³ M20 F20 indexed zero/° extinction family".split():
            table.add_column(heading.replace(";", "  "), justify="left" if heading in ("lattice", "extinction") else "right", no_wrap=True)
        for _, row in self.cells.head(n_cells).iterrows():
            table.add_row(*_texts(row), style="bold" if row["rank"] == 1 and row.probability >= CONVINCING else None)
        for warning in self.peaks.warnings:
            console.print(f"note: {warning}", highlight=False, soft_wrap=True)
        console.print(table)
        console.print(f"{self.message} ({self.seconds:.1f} s)", highlight=False, soft_wrap=True)

    def plot(self, path=None, rank=1):
        """Draw the pattern if there is one, observed and calculated lines, residuals, and peaks without a line in red.

        Parameters
        ----------
        path : str or Path, optional
            Where to save; the suffix chooses the format.
        rank : int

        Returns
        -------
        matplotlib.figure.Figure
        """
        fig = _draw(self, rank)
        if path is not None:
            with atomic(path) as temporary:
                fig.savefig(temporary, dpi=200)
        return fig


def make(table, peaks, seconds, limits):
    """Build a `Result` from the table of `ddi.search.run`."""
    cells = table.reset_index(drop=True)
    if not len(cells):
        return Result(pd.DataFrame(columns=TABLE), peaks, seconds, limits)
    parts = pd.DataFrame(np.stack(cells["cell"].to_numpy()), columns=CELL_COLUMNS)
    cells = pd.concat([cells.drop(columns="cell"), parts], axis=1)
    cells["extinction_symbols"] = [_symbols(row, peaks) if row["rank"] <= N_HINTED else "" for _, row in cells.iterrows()]
    return Result(cells[TABLE], peaks, seconds, limits)


def _symbols(row, peaks, n=3):
    """The likeliest extinction symbols of a cell, `n` at most, those that share at least a fiftieth of the weight."""
    used = min(len(peaks), MAX_VERIFY)
    listed = extinction.rank(_cell(row), row.bravais, _corrected(peaks, row.zero_shift)[:used], _tolerance(peaks)[:used])
    return "; ".join(entry["symbol"] for entry in listed[:n] if entry["weight"] > 0.02)


def calculated_lines(cell, bravais, q2_max):
    """Return the distinct q2 (n,) in A^-2 of a lattice's lines up to `q2_max`, and an index (n, 3) for each, the simplest one."""
    letter = "R 3:H" if bravais == "hR" else f"{bravais[1]} 1"
    unit_cell = gemmi.UnitCell(*map(float, cell))
    hkl = gemmi.make_miller_array(unit_cell, gemmi.SpaceGroup("P 1"), 1 / np.sqrt(q2_max), 0, True)
    hkl = hkl[~np.asarray(gemmi.SpaceGroup(letter).operations().systematic_absences(hkl), dtype=bool)]
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


def _cell(row):
    return np.array([row[name] for name in CELL_COLUMNS], dtype=float)


def _cell_words(row):
    """The cell parameters that the lattice leaves free, in words."""
    free = [CELL_COLUMNS[k] for k in lattice.SYSTEM["hexagonal" if row.bravais == "hR" else lattice.BRAVAIS[row.bravais][0]].free]
    return ", ".join(f"{name} = {row[name]:.4f} A" if name in "abc" else f"{name} = {row[name]:.3f} deg" for name in free)


def _texts(row):
    cell = "".join(f"{row[name]:8.4f}" for name in "abc") + "".join(f"{row[name]:7.2f}" for name in CELL_COLUMNS[3:])
    figures = [f"{row.volume:.1f}", f"{row.M20:.1f}", "-" if pd.isna(row.F20) else f"{row.F20:.1f}", f"{row.n_indexed}/{row.n_peaks}", f"{row.zero_shift:+.3f}"]
    return [str(row["rank"]), f"{row.probability:.2f}", row.bravais, cell.strip(), *figures, row.extinction_symbols.split(";")[0], str(row.family)]


def _plain(value):
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if np.isfinite(value) else None
    return [_plain(item) for item in value] if isinstance(value, (list, tuple, np.ndarray)) else str(value)


def _draw(result, rank):
    from ddi.figstyle import DOUBLE, figure

    peaks, lines = result.peaks, result.hkl(rank) if len(result.cells) else None
    by_angle = peaks.wavelength is not None
    shift = float(result.cells.zero_shift.iloc[rank - 1]) if lines is not None and by_angle else 0.0
    position = (lambda q2: two_theta(q2, peaks.wavelength)) if by_angle else np.asarray
    at = position(peaks.q2)
    fig, (top, ticks, rest) = figure(DOUBLE, 0.5 * DOUBLE, nrows=3, sharex=True, height_ratios=[4, 1, 1.6])
    lost = ~lines.indexed.to_numpy() if lines is not None else np.ones(len(at), dtype=bool)
    _draw_pattern(top, peaks, at, lost)
    ticks.vlines(at, 0.55, 1, color=np.where(lost, "#D40000", "#000000"), lw=0.8)
    if lines is not None:
        row = result.cells.iloc[rank - 1]
        calculated, _ = calculated_lines(_cell(row), row.bravais, peaks.q2.max() * 1.01)
        ticks.vlines(position(calculated) + shift, 0, 0.45, color="#0072B2", lw=0.8)
        miss = lines.two_theta_diff if by_angle else lines.d_diff
        rest.axhline(0, color="#999999", lw=0.6)
        rest.scatter(at[~lost], miss[~lost], s=9, color="#0072B2")
        span = 1.3 * max(np.abs(miss[~lost]).max() if (~lost).any() else 0, 0.01 if by_angle else 1e-4)
        rest.scatter(at[lost], np.clip(miss[lost], -span, span), s=16, color="#D40000", marker="x")
        rest.set_ylim(-1.1 * span, 1.1 * span)
    ticks.set(yticks=[0.22, 0.78], yticklabels=["calculated", "observed"], ylim=(-0.1, 1.1))
    rest.set_xlabel("2θ / °" if by_angle else "q² / Å⁻²")
    rest.set_ylabel("Δ2θ / °" if by_angle else "Δd / Å")
    return fig


def _draw_pattern(axes, peaks, at, lost):
    if peaks.pattern is not None:
        axes.plot(*peaks.pattern, color="#555555", lw=0.5)
        height = np.interp(at, *peaks.pattern)
        axes.set_xlim(peaks.pattern[0][0], min(at[-1] + 3, peaks.pattern[0][-1]))
        axes.scatter(at[lost], height[lost], marker="v", s=14, color="#D40000", label="not indexed", zorder=3)
    else:
        height = np.ones(len(at)) if peaks.intensity is None else peaks.intensity
        axes.vlines(at, 0, height, color=np.where(lost, "#D40000", "#555555"), lw=0.9)
        axes.scatter(at[lost], height[lost], marker="v", s=14, color="#D40000", label="not indexed", zorder=3)
    if lost.any():
        axes.legend(loc="upper right")
    axes.set(ylabel="intensity" if peaks.pattern is not None or peaks.intensity is not None else "", yticks=[])
    axes.set_ylim(bottom=0 if peaks.pattern is None else None)
