"""RRUFF's files: read by their headings, from archives or folders, and compared with the truth."""

import zipfile

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.data import rruff
from ddi.study import fairness

# a NaCl-like cell in the layout of an official DIF file, with locality, atoms and a footer
DIF = """\
      Halite R070534
      Locality: somewhere, the CELL PARAMETERS: refined from the pattern of the same sample
      Sample description: colourless

      CELL PARAMETERS:   5.6402  5.6402  5.6402    90.000   90.000   90.000
      SPACE GROUP: Fm3m
            X-RAY WAVELENGTH:     1.541838
            Cell Volume: 179.425
   ATOM        X         Y         Z     OCCUPANCY  ISO(B)
    Na      0.00000   0.00000   0.00000    1.000     1.000
    Cl      0.50000   0.50000   0.50000    1.000     1.000
               2-THETA      INTENSITY    D-SPACING   H   K   L   Multiplicity
                27.39          8.51        3.2564    1   1   1          8
                31.72        100.00        2.8201    2   0   0          6
                45.47         67.10        1.9941    2   2   0         12
================================================================================
XPOW Copyright 1993 Bob Downs, Ranjini Swaminathan and Kurt Bartelmehs
"""
CELL = np.array([5.6402] * 3 + [90.0] * 3)


def xy():
    x = np.arange(5, 90, 0.02)
    lines = fairness.lines_two_theta(CELL, "F", 1.540593, 90)
    y = sum(100 * np.exp(-0.5 * ((x - line - 0.03) / 0.05) ** 2) for line in lines)
    rows = "\n".join(f"{a:.4f}, {b:.3f}" for a, b in zip(x, y))
    return f"##NAMES=Halite\n##RRUFFID=R070534\n##X-RAY WAVELENGTH=1.541838\n{rows}\n##END=\n"


NAMES = {
    "dif": "Halite__R070534-1__Powder__DIF_File__2853.txt",
    "xy": "Halite__R070534-1__Powder__Xray_Data_XY_Processed__2852.txt",
}


@pytest.fixture(params=["zip", "folder"])
def place(request, tmp_path):
    for kind, text in (("dif", DIF), ("xy", xy())):
        if request.param == "zip":
            with zipfile.ZipFile(tmp_path / rruff.ARCHIVES[kind], "w") as archive:
                archive.writestr(f"inner/{NAMES[kind]}", text)
        else:
            (tmp_path / kind).mkdir()
            (tmp_path / kind / NAMES[kind]).write_text(text)
    return tmp_path


def test_reads_archives_and_folders(place, monkeypatch):
    monkeypatch.setenv("DDI_RRUFF", str(place))
    assert rruff.folder() == place and rruff.reference() is None
    (pattern,) = rruff.load()
    assert (pattern.id, pattern.mineral, pattern.bravais, pattern.centring) == (
        "R070534-1",
        "Halite",
        "cF",
        "F",
    )
    np.testing.assert_allclose(pattern.cell, CELL)
    assert pattern.wavelength == 1.541838 and len(pattern.two_theta) == 4250


def test_headings_not_line_numbers_decide():
    header = rruff.read_dif(DIF)
    assert header["lines"].shape == (3, 6) and header["lines"].two_theta.tolist() == [
        27.39,
        31.72,
        45.47,
    ]
    with pytest.raises(DDIError, match="CELL PARAMETERS"):
        rruff.read_dif("no such thing\nalong with the cell parameters refined from it")


@pytest.mark.parametrize(
    "symbol, cell, expected",
    [
        ("P2_1/c", [5, 6, 7, 90, 100, 90], ("mP", "P")),
        ("*C2/c", [9, 8, 5, 90, 105, 90], ("mC", "C")),
        ("A2/a", [5, 8, 9, 90, 105, 90], ("mC", "A")),
        ("I41/acd%var1%", [12, 12, 24, 90, 90, 90], ("tI", "I")),
        ("Amma", [5, 6, 7, 90, 90, 90], ("oC", "A")),
        ("C-1", [5, 6, 7, 80, 95, 100], ("aP", "C")),
        ("R-3c", [5, 5, 17, 90, 90, 120], ("hR", "R")),
        ("R-3c", [6.4, 6.4, 6.4, 46, 46, 46], ("hR", "P")),
        ("P3_121", [4.9, 4.9, 5.4, 90, 90, 120], ("hP", "P")),
    ],
)
def test_bravais_lattice_of_mineralogists_symbols(symbol, cell, expected):
    assert rruff.bravais_lattice(symbol, cell) == expected


def test_a_broken_archive_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "XY_Processed.zip").write_bytes(b"PK\x03\x04 half an archive")
    (tmp_path / "DIF.zip").write_bytes(b"")
    monkeypatch.setenv("DDI_RRUFF", str(tmp_path))
    with pytest.raises(DDIError, match="XY_Processed.zip cannot be read.*delete it"):
        rruff.folder()
