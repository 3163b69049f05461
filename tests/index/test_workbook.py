"""Excel workbooks: what openpyxl writes is read back as the same peaks, and what is not is said."""

import datetime
import io
import sys
import zipfile

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, X, Y
from ddi.forward.bragg import two_theta
from ddi.index import readers

openpyxl = pytest.importorskip("openpyxl")
COMMA = [
    [f"{a:.3f}".replace(".", ","), f"{h:.1f}".replace(".", ",")] for a, h in zip(ANGLE, HEIGHT)
]


def read(folder, *sheets, **options):
    """Read a workbook with sheets of these titles and rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / "a.xlsx")
    return readers.read(folder / "a.xlsx", **options)


def rows(*columns):
    return [list(map(float, row)) for row in zip(*columns)]


def test_first_sheet_with_positions_is_read(tmp_path):
    notes = ("Notes", [["sample", "x"], ["measured", datetime.date(2026, 1, 2)]])
    table = [[], [None, "d (A)", "rel. int."], *([None, *row] for row in rows(D, HEIGHT))]
    peaks = read(tmp_path, notes, ("List", table))
    np.testing.assert_allclose(peaks.d, D, rtol=1e-12)
    np.testing.assert_allclose(peaks.intensity, HEIGHT)
    assert "sheet 'List'" in peaks.source


def test_numbers_typed_as_words_with_decimal_commas_are_read(tmp_path):
    peaks = read(tmp_path, ("L", [["2theta", "I"], *COMMA]), wavelength=CU)
    np.testing.assert_allclose(two_theta(peaks.q2, CU), np.round(ANGLE, 3), rtol=1e-9)


def test_a_scan_is_a_pattern(tmp_path):
    pattern = read(tmp_path, ("S", [["Angle", "Intensity"], *rows(X, Y)]), wavelength=CU)
    np.testing.assert_allclose(pattern.two_theta, X)
    np.testing.assert_allclose(pattern.intensity, Y)


def test_what_cannot_be_read_is_said(tmp_path, monkeypatch):
    table = rows(D, HEIGHT)
    table[3][0] = datetime.datetime(2026, 12, 5)  # what Excel makes of 5.12
    with pytest.raises(DDIError, match="sheet 'L', line 5: '2026-12-05"):
        read(tmp_path, ("L", [["d", "I"], *table]))
    with pytest.raises(DDIError, match="empty sheets"):
        read(tmp_path, ("L", []))
    with pytest.raises(DDIError, match="more than 64 columns"):
        read(tmp_path, ("L", [list(map(float, range(1, 80)))]))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DDIError, match="pip install openpyxl"):
        read(tmp_path, ("L", [["d", "I"], *rows(D, HEIGHT)]))


def test_a_damaged_workbook_is_refused(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    (tmp_path / "a.xlsx").write_bytes(content.getvalue())
    with pytest.raises(DDIError, match="cannot be opened; save its sheet as CSV"):
        readers.read(tmp_path / "a.xlsx")
