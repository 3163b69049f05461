"""Folding: heads in front, relatives below with their ratio of volumes, nothing lost that is not
counted.
"""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ddi.base.errors import DDIError
from ddi.index import comparison, result, show
from ddi.index import peaks as peaklist

CELL = np.array([5.458, 7.157, 8.884, 90, 90, 90])


def made(rows):
    """A result of (bravais, cell, probability, family) rows with the lines of CELL as peaks."""
    columns = ["bravais", "cell", "probability", "family"]
    table = pd.DataFrame([dict(zip(columns, row)) for row in rows])
    volume = [np.prod(cell[:3]) for cell in table.cell]
    table = table.assign(
        rank=range(1, len(rows) + 1),
        volume=volume,
        M20=20.0,
        F20=np.nan,
        n_indexed=20,
        n_peaks=20,
        zero_shift=0.0,
    )
    peaks = peaklist.from_values(
        comparison.calculated_lines(CELL, "oP", 0.5)[0][:24], "q2", 1.540593
    )
    return result.make(table, peaks, 0.1, {"n_peaks": 20})


@pytest.fixture
def folded():
    scale = lambda *factors: CELL * [*factors, 1, 1, 1]  # noqa: E731
    return made(
        [
            ("oP", CELL, 0.6, 1),
            ("oP", scale(2, 1, 1.1), 0.2, 2),
            ("oC", scale(2, 1, 1), 0.1, 1),
            ("oP", scale(1, 1, 0.5), 0.05, 1),
            ("oF", scale(2, 2, 2), 0.02, 1),
            ("oP", scale(1.5, 1, 1), 0.01, 1),
        ]
    )


def test_relatives_stand_below_their_head_with_their_ratio(folded):
    shown = show.fold(folded.cells, n_families=2, n_relatives=4)
    assert shown["rank"].tolist() == [1, 3, 4, 5, 6, 2]
    assert shown.relation.tolist() == ["", "×1", "×1/2", "×2", "×3/2", ""]
    assert shown.members.tolist() == [5] * 5 + [1] and shown.together[0] == pytest.approx(0.78)


def printed(found, width, **options):
    out = Console(file=io.StringIO(), width=width)
    found.print(console=out, **options)
    return out.file.getvalue()


def test_what_is_not_shown_is_counted(folded):
    assert show.fold(folded.cells, 1, 2)["rank"].tolist() == [1, 3, 4]
    text = printed(folded, show.WIDE, n_families=1, n_relatives=2)
    assert "└ 2 more" in text and "└ oP ×1/2" in text and "extinction" in text
    assert len(folded.to_dict()["cells"]) == 6


def test_the_table_fits_eighty_columns():
    cells = [("aP", np.array([25.4581, 27.1572, 38.8843, 91.234, 95.678, 99.876]), 0.6, 1)]
    cells += [("mC", np.array([45.4581, 27.1572, 38.8843, 90, 105.678, 90]), 0.2, 1)]
    found = made(cells)
    text = printed(found, 80)
    assert max(map(len, text.splitlines()[1:5])) <= 80 and "…" not in text
    assert all(value in text for value in ("25.458", " 105.68", " 99.88", "First cell:"))


def test_names_with_brackets_are_no_markup():
    peaks = peaklist.from_values(
        comparison.calculated_lines(CELL, "oP", 0.5)[0][:24], "q2", 1.540593, source="x[/b].txt"
    )
    found = result.Result(made([("oP", CELL, 0.6, 1)]).cells, peaks, 0.1)
    assert "x[/b].txt" in printed(found, 80)
    found.plot()


def test_html_is_escaped_and_has_the_uncertainties(folded):
    peaks = peaklist.from_values(
        folded.peaks.q2, "q2", 1.540593, source="<b>", warnings=("<script>",)
    )
    page = result.Result(folded.cells, peaks, 0.1)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "5.458" in page


def test_square_roots_of_intensities(folded):
    x = np.linspace(10, 60, 500)
    peaks = peaklist.from_values(
        folded.peaks.q2, "q2", 1.540593, pattern=(x, np.full(500, 400.0)), source="scan.xy"
    )
    figure = result.Result(folded.cells, peaks, 0.1).plot(scale="sqrt")
    assert figure.axes[0].lines[0].get_ydata().max() == 20
    heading = figure.axes[0].get_title("left")
    assert "scan.xy" in heading and "1.54059 Å" in heading and "V = " in heading


def test_the_answer_says_what_its_family_holds(folded):
    assert "probability 0.60 (0.78 with its sub- and supercells)" in folded.message


def test_the_figure_has_lines_of_the_rivals(folded):
    labels = [text.get_text() for text in folded.plot().axes[1].get_yticklabels()]
    assert labels == ["observed", "1: oP, p = 0.60", "3: oC ×1, p = 0.10", "2: oP, p = 0.20"]


def test_a_pattern_is_drawn_with_its_fit():
    """Calculated on measured, the difference below, lines where the cell has them."""
    found = made([("oP", CELL, 0.6, 1)])
    x = np.arange(10, 60, 0.02)
    rng = np.random.default_rng(0)
    centres = 2 * np.degrees(np.arcsin(1.540593 * np.sqrt(found.peaks.q2) / 2))
    y = 20 + sum(900 / (1 + ((x - centre) / 0.06) ** 2) for centre in centres)
    peaks = peaklist.from_values(
        found.peaks.q2, "q2", 1.540593, pattern=(x, rng.poisson(y).astype(float)), source="scan.xy"
    )
    drawn = result.Result(found.cells, replace(peaks, radiation="monochromatic"), 0.1)
    assert drawn.fit().rwp < 0.2
    labels = [line.get_label() for line in drawn.plot().axes[0].lines]
    assert "difference" in labels and any("Rwp" in label for label in labels)
    with pytest.raises(DDIError, match="only a measured pattern"):
        found.fit()


def test_nothing_folds_to_nothing():
    assert show.fold(pd.DataFrame(columns=result.TABLE)).empty
