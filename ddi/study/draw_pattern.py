"""Figures and tables of one pattern of a reader's own (11_index_your_pattern)."""

from pathlib import Path

import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.figure import DOUBLE, figure
from ddi.base.paths import ROOT
from ddi.index.comparison import heights
from ddi.index.show import fold

_BLUE = "#004488"
EXAMPLE = {"lattice": "oP", "volume": 347.0}  # of data/example_peaks.txt, as published


def find(name):
    """Return a file named as from the folder of the notebooks, from here, or from the repository.

    Raises
    ------
    DDIError
        If it is in none of them.
    """
    places = [Path(name), ROOT / "notebooks" / name, ROOT / name]
    for path in places:
        if path.is_file():
            return path
    raise DDIError(f"there is no file '{name}'; give its path from notebooks/ or from {ROOT}")


def peaks_table(peaks):
    """Return the peaks that were read."""
    columns = {"d / Å": peaks.d, "q² / Å⁻²": peaks.q2}
    if peaks.intensity is not None:
        columns["intensity"] = peaks.intensity
    return pd.DataFrame(columns)


def look(peaks):
    """Draw the peaks, and how their number grows with q2 beside the curve of a complete list."""
    fig, (left, right) = figure(DOUBLE, 0.33 * DOUBLE, ncols=2, width_ratios=[2, 1])
    left.vlines(peaks.q2, 0, heights(peaks), color=_BLUE)
    left.set(xlabel="q² / Å⁻²", ylabel="intensity", ylim=(0, None))
    right.step(peaks.q2, range(1, len(peaks) + 1), where="post", color=_BLUE)
    right.plot(peaks.q2, len(peaks) * (peaks.q2 / peaks.q2[-1]) ** 1.5, color="#999999")
    right.set(xlabel="q² / Å⁻²", ylabel="number of peaks up to q²")
    return fig, pd.DataFrame({"q2": peaks.q2})


COLUMNS = {
    "rank": "rank", "probability": "p", "lattice": "lattice", "a": "a / Å", "b": "b / Å",
    "c": "c / Å", "alpha": "α / °", "beta": "β / °", "gamma": "γ / °", "volume": "V / Å³",
    "M20": "M20", "F20": "F20", "n_indexed": "indexed", "zero_shift": "zero shift / °",
}  # fmt: skip


def cells_table(cells):
    """Return the first families of cells, relatives below the first of each."""
    shown = fold(cells, n_families=4, n_relatives=3)
    lattices = [f"> {row.bravais} {row.relation}" if row.relation else row.bravais
                for row in shown.itertuples()]  # fmt: skip
    columns = [name for name in COLUMNS if name in shown or name == "lattice"]
    return shown.assign(lattice=lattices)[columns].rename(columns=COLUMNS)


LINES = {
    "h": "h", "k": "k", "l": "l", "d_obs": "d observed / Å", "d_calc": "d calculated / Å",
    "d_diff": "Δd / Å", "two_theta_obs": "2θ observed / °",
    "two_theta_calc": "2θ calculated / °", "two_theta_diff": "Δ2θ / °", "indexed": "indexed",
}  # fmt: skip


def lines_table(lines):
    """Return the lines of `ddi.index.result.Result.hkl` with headings for people, and formats;
    without angles where there is no wavelength.
    """
    shown = lines.dropna(axis="columns", how="all")
    shown = shown.assign(indexed=shown.indexed.map({True: "yes", False: "no"}))
    form = {LINES[name]: "{:.4f}" for name in shown if shown[name].dtype.kind == "f"}
    return shown.rename(columns=LINES), form


def rival(cells):
    """Return the best cell of another family in words, or nothing."""
    shown = fold(cells, n_families=4, n_relatives=3)
    others = shown[(shown.relation == "") & (shown.family > 1)]
    if not len(others):
        return "no cell of another family"
    best = others.iloc[0]
    facts = f"{best.bravais}, V = {best.volume:.1f} Å³, p = {best.probability:.3f}"
    return f"best of another family: {facts}"


def numbers(result, is_example):
    """Return the numbers of the answer, and those known of the example."""
    best = result.cells.iloc[0] if len(result.cells) else None
    if best is None:
        return {"Found": 0}
    found = {
        "Found": len(result.cells),
        "Lattice": best.bravais,
        "Volume": f"{best.volume:.1f}",
        "Probability": f"{best.probability:.2f}",
        "ZeroShift": f"{best.zero_shift:+.3f}",
        "Indexed": int(best.n_indexed),
        "Peaks": int(best.n_peaks),
        "Merit": f"{best.M20:.0f}",
    }
    if is_example:
        found |= {"Published": f"{EXAMPLE['volume']:.1f}", "PublishedLattice": EXAMPLE["lattice"]}
    return found
