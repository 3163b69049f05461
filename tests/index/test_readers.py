"""Files as instruments and programs write them: the same numbers from every format, and a reason
where there are none. All files are made here.
"""

import io
import json
import os
import sys

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.binary_seeds import philips, raw1, raw2, raw101
from ddi.bench.seeds import ANGLE, CU, HEIGHT, LISTS, PATTERNS, D, N, X, Y, rows, zipped
from ddi.index import instrument, readers
from ddi.index.peaks import Pattern, Peaks
from ddi.index.readers import alignment, headings, opening


def write(folder, text, name="a.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("kind", LISTS)
def test_every_list_means_the_same_peaks(tmp_path, kind):
    content, unit = LISTS[kind]
    needs = kind in ("CHI", "JCAMP peaks") or unit == "2theta" or "heta" in kind or "cp" in kind
    wavelength = CU if needs or "UTF" in kind else None
    read = readers.read(write(tmp_path, content), unit, wavelength)
    assert isinstance(read, Peaks)
    np.testing.assert_allclose(read.d, D, rtol=2e-4)
    alone = ("one line", "three lines", "2pi/d", "DICVOL", "cp1252")
    if not kind.startswith(("TREOR", "TOPAS", *alone)):
        times = 100 if "thousands" in kind else 1
        np.testing.assert_allclose(read.intensity, HEIGHT * times)


def test_rows_that_follow_at_one_position_are_one_peak(tmp_path):
    lines = [f"{d:.5f} {height}" for d, height in zip(D, HEIGHT)]
    twice = [*lines[:4], lines[3], *lines[4:]]
    read = readers.read(write(tmp_path, "\n".join(["d I", *twice])))
    np.testing.assert_allclose(read.d, D, rtol=1e-5)
    np.testing.assert_allclose(read.intensity, HEIGHT * (1 + (np.arange(len(D)) == 3)))
    assert "1 rows more at the same positions" in read.source
    with pytest.raises(DDIError, match="2 times"):  # one that stands elsewhere is a slip
        readers.read(write(tmp_path, "\n".join(["d I", *lines, lines[3]])))


def test_of_more_lines_than_any_search_uses_the_first_are_read(tmp_path):
    squares = [n for n in range(1, 801) if n % 8 in (0, 3, 4)]  # of a cubic lattice F, about
    d = 9.0 / np.sqrt(squares)
    for order in (d, d[::-1]):
        read = readers.read(write(tmp_path, "\n".join(["d", *(f"{value:.6f}" for value in order)])))
        np.testing.assert_allclose(read.d, d[:200], rtol=1e-5)
        assert "the first of 300" in read.source
    counts = np.random.default_rng(0).permutation(d)  # in no order, it is no list of lines
    with pytest.raises(DDIError, match="more than 200"):
        readers.read(write(tmp_path, "\n".join(["d", *(f"{value:.6f}" for value in counts)])))


def test_brackets_are_standard_deviations(tmp_path):
    read = readers.read(write(tmp_path, LISTS["brackets"][0]), "2theta", CU)
    moved = (2 * np.sin(np.radians(ANGLE + 0.0012) / 2) / CU) ** 2
    np.testing.assert_allclose(read.sigma_q2, moved - read.q2, rtol=1e-3)


def test_d_and_2theta_together_tell_the_wavelength(tmp_path):
    path = write(tmp_path, LISTS["Jade"][0])
    assert readers.read(path).wavelength == pytest.approx(CU)
    assert "2theta" in readers.read(path, "2theta").source
    with pytest.raises(DDIError, match="no wavelength brings together"):
        readers.read(write(tmp_path, "2theta d I\n" + rows(ANGLE, HEIGHT, D)))


@pytest.mark.parametrize("kind", PATTERNS)
def test_every_pattern_means_the_same_counts(tmp_path, kind):
    read = readers.read(write(tmp_path, PATTERNS[kind]), None if "X" in kind else "2theta", CU)
    assert isinstance(read, Pattern)
    n = 300 if kind == "few rows" else N
    np.testing.assert_allclose(read.two_theta, X[:n], atol=6e-3)
    roots = kind in ("Philips RD", "Philips SD")  # which hold ten times the root, as a whole number
    np.testing.assert_allclose(read.intensity, Y[:n], atol=0.2 * Y.max() ** 0.5 if roots else 0.06)


@pytest.mark.parametrize("made", [raw101, raw1, raw2, philips])
def test_binary_files_say_their_wavelength_and_are_refused_when_cut_off(tmp_path, made):
    content = bytearray(made(X, Y))
    read = readers.read(write(tmp_path, bytes(content)))
    assert read.wavelength == pytest.approx(CU, abs=1e-6)
    for held in (20, len(content) // 2, len(content) - 5):
        with pytest.raises(DDIError, match="cut off"):
            readers.read(write(tmp_path, bytes(content[:held])))


def test_of_several_ranges_the_first_is_read_and_the_tube_by_its_number(tmp_path):
    content = bytearray(raw2(X, Y))
    content[4:6] = (3).to_bytes(2, "little")
    read = readers.read(write(tmp_path, bytes(content)))
    assert "the first of 3 ranges" in read.source and len(read.two_theta) == N
    content = bytearray(philips(X, Y))
    content[85] = 2
    assert readers.read(write(tmp_path, bytes(content))).wavelength == pytest.approx(1.936041)


@pytest.mark.parametrize("unit", ["d", "q", "q2pi"])
def test_a_pattern_without_angles_needs_no_wavelength(tmp_path, unit):
    d = CU / 2 / np.sin(np.radians(X / 2))
    position = {"d": d, "q": 1 / d, "q2pi": 2 * np.pi / d}[unit]
    order = np.argsort(position)
    path = write(tmp_path, rows(position[order], Y[order], form="{:.7f}"))
    peaks = readers.read_peaks(path, unit)
    assert np.abs(peaks.d[:, None] - D).min(axis=0).max() < 0.01 and len(peaks) == len(D)


def test_a_wavelength_says_that_a_scan_is_in_angles_and_nothing_about_a_list(tmp_path):
    """A bare scan with --wavelength needs no --unit; one without, and a list of peaks, still do."""
    angles = np.arange(5, 60, 0.02)
    counts = 100 + 1000 * np.exp(-(((angles - 28) / 0.1) ** 2))
    scan = tmp_path / "scan.xy"
    np.savetxt(scan, np.column_stack([angles, counts]))
    read = readers.read(scan, None, 0.7)
    assert read.wavelength == 0.7 and read.two_theta == pytest.approx(angles)
    with pytest.raises(DDIError, match="--unit 2theta"):
        readers.read(scan, None, None)
    listed = tmp_path / "list.txt"
    np.savetxt(listed, np.sort(np.random.default_rng(1).uniform(10, 60, 25)))
    with pytest.raises(DDIError, match="does not say what its positions are"):
        readers.read(listed, None, 0.7)


def test_the_first_row_is_never_taken_for_a_title(tmp_path):
    for row in ("l5.917 52.3\n", "12.8.4 52\n", "11.2 weak\n"):
        with pytest.raises(DDIError, match="line 1.*not a row of numbers"):
            readers.read(write(tmp_path, row + LISTS["brackets"][0]), "2theta", CU)


def test_a_neutron_pattern_has_no_doublet(tmp_path):
    path = write(tmp_path, "# HRPT neutron, lambda = 1.5406\n# 2theta I\n" + rows(X, Y))
    read = readers.read(path)
    assert (read.radiation, read.wavelength) == ("neutron", 1.5406)
    peaks = read.peaks()
    assert (peaks.radiation, peaks.wavelength) == ("neutron", 1.5406)
    assert readers.read(path, radiation="xray").peaks().wavelength == CU


@pytest.mark.parametrize(
    "text, angstrom",
    [("1.54", 1.54), ("CuKa1", CU), ("Cu K-alpha1", CU), ("MoKa", 0.710747), ("12.4 keV", 0.99987)],
)
def test_wavelengths_have_names(text, angstrom):
    assert instrument.as_wavelength(text) == pytest.approx(angstrom, abs=1e-5)


REFUSED = {
    "q is 2 pi/d or 1/d": (
        "q intensity\n" + rows(2 * np.pi / D, HEIGHT), "--unit q2pi, if 1/d --unit q"),
    "15,917 alone": (
        rows(ANGLE, form="{:.3f}").replace("0", "1").replace(".", ","), "decimal comma or two"),
    "thousands": (
        rows(ANGLE, [f"{1000 + h:,.1f}" for h in HEIGHT], join=" ", form="{}"),
        "group thousands",
    ),
    "comma and points": (
        rows([f"{a:.4f}(12)".replace(".", ",") for a in ANGLE], HEIGHT, form="{}"),
        "decimal comma or a separating one",
    ),
    "parameters of a program": (
        "barite\n2\n1.540593\n" + rows(ANGLE, HEIGHT),
        r"begins with 2 row.*start them with #",
    ),
    "ILL without a start": ("barite\n" + PATTERNS["ILL D1A"].partition("\n")[2], "D1A or D2B"),
    "ILL with a torn number": (
        PATTERNS["ILL D1A"].replace("   184", " 1  84", 1), "' 1  84' where ILL's D1A and D2B"),
    "thousands in blanks": (
        "".join(f"{x} {10 * y:,.0f}\n".replace(",", " ") for x, y in zip(X, Y)),
        "if blanks group thousands",
    ),
    "ILL D1B": (
        "D1B\n\n\n 600 1\n 1000 15.0 0.05\n" + rows(Y, form="{:.1f}") + "   -1000\n",
        "ILL D1B, D20.*export two columns",
    ),
    "GSAS ALT": (PATTERNS["GSAS STD"].replace(" STD", " ALT"), "of the type ALT.*export FXYE"),
    "names over other columns": ("No. 2theta I\n" + rows(ANGLE, HEIGHT), "names over 2 columns"),
    "time of flight": (
        "t\nBANK 1 10 10 SLOG 1000 2000 0.01 0 FXYE\n" + rows(X, Y, Y), "time of flight"),
    "GSAS cut off": (PATTERNS["GSAS STD"][:2000], "cut off"),
    "a pattern without a wavelength": (PATTERNS["GSAS STD"], "wavelength is not stated"),
    "compressed JCAMP": (
        PATTERNS["JCAMP"].split("15.0 ")[0] + "15.0 A12J3K\n##END=\n", "compressed numbers"),
    "omega scan": (PATTERNS["RAS"].replace('"2-Theta"', '"Omega"'), "scan over Omega"),
    "XML bomb": (
        PATTERNS["XRDML"].replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), "document type"),
    "XML cut off": (PATTERNS["XRDML"][:900], "cut off"),
    "structure CIF": ("data_a\n_cell_length_a 5.0\n", "no measured peaks"),
    "TREOR squares": (
        "barite\n" + rows(D**-2) + "\nCHOICE=2,\nEND*\n", "TREOR input with CHOICE=2"),
    "STOE": (b"RAW_1.06Powdat" + bytes(400), "STOE RAW.*WinXPOW"),
    "Bruker RAW 2": (b"RAW2" + bytes(400), "Bruker RAW 2.*cut off; export"),
    "Philips": (b"V3RD" + bytes(400), "Philips.*cut off"),
    "gzip": (b"\x1f\x8b" + bytes(40), "gzip archive.*unpack"),
    "HDF5": (b"\x89HDF\r\n" + bytes(40), "HDF5"),
    "PDF": (b"%PDF-1.4 a", "PDF"),
    "zip": (zipped({"a.xy": PATTERNS["xye"]}), "unpack it"),
    "zip outside its folder": (zipped({"../Profile0.txt": "a"}), "outside its folder"),
    "zip bomb": (zipped({"Data0/Profile0.txt": "1 " * 2_000_000}), "would unpack to"),
    "zip cut off": (PATTERNS["BRML"][:-200], "cut off or damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_by_its_name(tmp_path, kind):
    content, said = REFUSED[kind]
    with pytest.raises(DDIError, match=said):
        readers.read(write(tmp_path, content))


def test_files_that_are_none(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "is a pipe"),
        ("/dev/zero", "is a device"),
        ("/proc/self/maps", "operating system"),
        (tmp_path, "is a folder"),
        ("a\0b", "cannot be read"),
        ("x" * 5000, "cannot be read"),
    ):
        if str(path).startswith("/") and not os.path.exists(path):
            continue
        with pytest.raises(DDIError, match=said):
            readers.read(path)


@pytest.mark.parametrize("line", [b"\n", b"# remark\n", b"1\n", b"1 1\n", b"1"])
def test_large_files_are_refused_early(tmp_path, line):
    path = write(tmp_path, line * (20_000_000 // len(line)))
    with pytest.raises(DDIError):
        readers.read(path, "d")
    with pytest.raises(DDIError, match="larger than 1 MB.*--max-bytes"):
        readers.read(path, "d", max_bytes=1_000_000)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LISTS["theta"][0].encode())))
    np.testing.assert_allclose(readers.read("-", wavelength=CU).d, D, rtol=2e-4)


def test_a_structured_array_and_its_names(tmp_path):
    array = np.array(list(zip(D, HEIGHT)), dtype=[("d", "f8"), ("I", "f8")])
    np.save(tmp_path / "a.npy", array)
    read = readers.read(tmp_path / "a.npy")
    np.testing.assert_allclose((read.d, read.intensity), (D, HEIGHT))
    np.save(tmp_path / "b.npy", np.zeros(3, dtype=[("d", "f8", (2, 2)), ("name", "U3")]))
    with pytest.raises(DDIError, match="no .npy file of numbers"):
        readers.read(tmp_path / "b.npy")


def test_the_table_of_formats_is_for_people():
    for entry in readers.formats():
        assert entry.name and entry.suffixes and entry.what
        assert entry.reader or entry.what.startswith("not read: ")
    assert json.dumps([entry[:3] for entry in readers.formats()])


@pytest.mark.parametrize(
    "text, value, sigma",
    [("12.345(6)", 12.345, 0.006), ("12.34(12)", 12.34, 0.12), ("-1.5e-3", -0.0015, None)],
)
def test_numbers(text, value, sigma):
    found = headings._number(text)
    assert found == (pytest.approx(value), sigma and pytest.approx(sigma))


def test_names_are_printable():
    assert opening.printable("a\x1b[31m\n.txt") == "a?[31m?.txt"


def test_spacings_and_angles_of_nought_are_refused_in_a_sentence(recwarn):
    where = {"d": 0, "2theta": 1}
    with pytest.raises(DDIError, match="no wavelength brings together"):
        alignment.bragg_wavelength("a", np.zeros((8, 2)), where, (1.0, 1.0))
    assert not recwarn.list
