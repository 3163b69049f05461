"""Tables as people paste, export and type them: cells with words, blocks, pages, dates of Excel."""

import time

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, X, Y, rows
from ddi.index import readers
from ddi.index.readers.stated import other_axis

HKL = ["1 0 1", "-1 1 1"] * 5
HEIGHTS = [f"{height:.0f}" for height in HEIGHT]
WORDS = [*map(str, D[:4]), "Apr 39", *map(str, D[5:])]


def read(folder, text, **options):
    path = folder / "a.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return readers.read(path, **options)


def cells(*columns, join="\t"):
    return rows(*columns, join=join, form="{}")


def three_blocks():
    """Four, four and two lines side by side."""
    entries = [*zip(D, HEIGHTS, HKL), *[("", "", "")] * 2]
    return "".join(
        "\t".join(str(cell) for block in range(3) for cell in entries[row + 4 * block]) + "\n"
        for row in range(4)
    )


TABLES = {
    "h k l in a quoted cell": "hkl,d(calc.) (\u00c5),d(obs.) (\u00c5),I\n"
    + cells([f'"{hkl}"' for hkl in HKL], D * 1.004, D, HEIGHTS, join=","),
    "three blocks with h k l": "d\tInt\th k l\t" * 2 + "d\tInt\th k l\n" + three_blocks(),
    "blank before the error": "d (\u00c5)\tI\thkl\n"
    + cells([f"{d:.4f} (12)" for d in D], HEIGHTS, HKL),
    "comma in a name": "d, \u00c5\tI, a.u.\n" + cells(D, HEIGHTS),
    "Word, one cell a line": "d\nI\nhkl\n" + cells(D, HEIGHTS, HKL, join="\n"),
    "HTML": "<table><tr><th>d / &Aring;</th><th><b>I</b></th></tr>\n"
    + "".join(f"<tr><td>{d}</td>\n<td>{h}</td></tr>" for d, h in zip(D, HEIGHTS)) + "</table>",
    "a page with two tables": "<!DOCTYPE html><html><table><tr><td>Operator<td>me</table>"
    "<table><tr><td>d [\u00c5]<td>I<td>hkl"
    + "".join(f"<tr><td>{d}<td>{h}<td>{hkl}" for d, h, hkl in zip(D, HEIGHTS, HKL)) + "</table>",
    "a card's formula above": "Ba(SO4)\nPDF 80-512\n# d I (h k l)\n"
    + cells(range(1, 11), D, HEIGHTS, [f"({hkl})" for hkl in HKL], join="  "),
    "HighScore in Italian": "Pos. [\u00b02Th.]\tAltezza [cts]\tLarghezza [\u00b02Th.]\t"
    "Spaziatura d [\u00c5]\n" + cells(ANGLE, HEIGHTS, HEIGHTS, D),
    "HighScore in Polish": "Poz. [\u00b02Th.];Wysoko\u015b\u0107 [cts];Odl. d [\u00c5]\n"
    + cells(ANGLE, HEIGHTS, D, join=";").replace(".", ","),
    "EVA in French": "L\u00e9gende\tAngle\tValeur de d\tIntensit\u00e9 nette\n"
    + cells([f"d={d}" for d in D], ANGLE, D, HEIGHTS),
    "EVA in blanks": "  Caption    Angle    d value   Intensity   Intensity %\n"
    "             2-Theta \u00b0   Angstrom   Count   %\n"
    + cells([f"d={d}" for d in D], ANGLE, D, HEIGHTS, HEIGHTS, join="   "),
    "Chinese in GBK": ("\u5e8f\u53f7,2\u03b8,d\u503c,\u5f3a\u5ea6\n"
    + cells(range(1, 11), ANGLE, D, HEIGHTS, join=",")).encode("gbk"),
    "Japanese in Shift-JIS": ("No.,2\u03b8[deg],d[A],\u76f8\u5bfe\u5f37\u5ea6\n"
    + cells(range(1, 11), ANGLE, D, HEIGHTS, join=",")).encode("shift_jis"),
    "LaTeX with macros": "$2\\theta$ / $^\\circ$ & $d_\\mathrm{obs}$ / \\AA & $I$ / \\% \\\\\n"
    + "".join(f"{a} & {d} & {h} \\\\\n" for a, d, h in zip(ANGLE, D, HEIGHTS)),
    "two blocks with an empty column between": "d;I;;d;I\n"
    + cells(D[:5], HEIGHTS[:5], [""] * 5, D[5:], HEIGHTS[5:], join=";"),
    "EVA with commas": "No,Caption,Angle (2\u03b8 \u00b0),d Value (\u00c5),Net Intensity (Counts)\n"
    + cells(range(1, 11), ["Peak #1"] * 10, ANGLE, D, HEIGHTS, join=","),
    "per cent": "d;I;hkl\n" + cells(D, [f"{h} %" for h in HEIGHTS], HKL, join=";"),
    "nm after a slash": "dhkl / nm;I / %\n"
    + rows(D / 10, HEIGHT, join=";", form="{:.5f}").replace(".", ","),
    "q as its name says": "q = 2\u03c0/d [1/\u00c5]\tI\n"
    + rows(2 * np.pi / D, HEIGHT, form="{:.5f}"),
    "Jira": "||2theta||d||I||\n"
    + "".join(f"|{a}|{d}|{h}|\n" for a, d, h in zip(ANGLE, D, HEIGHTS)),
    "equations": "".join(f"d = {d}, I = {h}\n" for d, h in zip(D, HEIGHTS)),
    "Word, a number in the fourth line": "d-spacing\nIntensity\n" + cells(D, HEIGHTS, join="\n"),
    "slashes over two lines": "d: " + " / ".join(map(str, D[:7])) + " /\n"
    + " / ".join(map(str, D[7:])) + "\n",
    "slashes": "d: " + " / ".join(map(str, D)),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_every_table_means_the_same_peaks(tmp_path, kind):
    found = read(tmp_path, TABLES[kind])
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    if not kind.startswith("slashes"):
        np.testing.assert_allclose(found.intensity, HEIGHT)
    assert (found.sigma_q2 is not None) == (kind == "blank before the error")


def test_a_title_above_a_column_is_no_name(tmp_path):
    for text in (f"sample\nd\n{rows(D)}", f"sample A\nd / A\n{rows(D[::-1])}"):
        np.testing.assert_allclose(read(tmp_path, text).d, D)


@pytest.mark.parametrize("indices", [[], ["101", "200", "11"]])
def test_blocks_side_by_side_need_no_names(tmp_path, indices):
    at = [k for k in range(12) if k < 10]
    lines = ["  ".join(f"{D[k]} {HEIGHTS[k]} {' '.join(indices[:1])}" for k in at[row::4])
             for row in range(4)]  # fmt: skip
    found = read(tmp_path, "\n".join(lines), unit="d")
    np.testing.assert_allclose((found.d, found.intensity), (D, HEIGHT))
    assert "of 3 tables side by side" in found.source
    numbered = read(tmp_path, rows(range(1, 11), ANGLE, form="{}"), unit="2theta", wavelength=CU)
    np.testing.assert_allclose(numbered.d, D, rtol=2e-4)  # 1 to 10, 15.9 to 42.6: one table


def test_a_list_is_no_heading(tmp_path):
    with pytest.raises(DDIError, match="line 1: 'd 5.56 4.43"):
        read(tmp_path, "d 5.56 4.43 4.33 3.89 |\n" + rows(D), unit="d")


def test_one_cell_a_line_in_the_order_of_intensities(tmp_path):
    turned = cells(np.roll(D, 1), np.roll(HEIGHTS, 1), join="\n")
    found = read(tmp_path, "d\nI\n" + turned)
    np.testing.assert_allclose((found.d, found.intensity), (D, HEIGHT))


def test_pairs_in_brackets_stand_in_one_line(tmp_path):
    text = "{" + ", ".join(f"{{{d}, {h}}}" for d, h in zip(D, HEIGHTS)) + "}"
    found = read(tmp_path, text, unit="d")
    np.testing.assert_allclose((found.d, found.intensity), (D, HEIGHT))


@pytest.mark.parametrize("unit", ["d", "2theta"])
@pytest.mark.parametrize("order", [1, -1])
def test_of_two_columns_without_names_the_unit_says_which_is_meant(tmp_path, unit, order):
    hklm = np.array([[1, 0, 1, 4], [0, 1, 1, 8]] * 5).T
    for others in ([], [*hklm]):
        columns = [*others, *[D, ANGLE][::order], HEIGHT]
        wavelength = CU if unit == "2theta" else None
        found = read(tmp_path, rows(*columns), unit=unit, wavelength=wavelength)
        np.testing.assert_allclose(found.d, D, rtol=2e-4)
        np.testing.assert_allclose(found.intensity, HEIGHT)


def test_one_number_in_a_column_makes_it_no_spacings(tmp_path):
    errors = [str(D[0]), *["nan"] * 9]
    found = read(tmp_path, cells(ANGLE, HEIGHTS, errors), unit="2theta", wavelength=CU)
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    text = "d\nI\n" + cells(["inf", "inf", *D[2:]], HEIGHTS, join="\n")
    with pytest.raises(DDIError, match="infinite"):
        read(tmp_path, text, unit="d")


REFUSED = {
    "a date of Excel": ("No\td\tI\n" + cells(range(10), WORDS, HEIGHTS), "'4\tApr.39.*row"),
    "a number in two": ("".join(f"{d}\n" for d in D[:9]) + "2. 1210\n", "2 1210, among rows of 1"),
    "energies": ("E (keV)\tI\n" + rows(ANGLE, HEIGHT), r"E \(keV\), which is no position"),
    "EMSA": ("#FORMAT      : EMSA/MAS Spectral Data File\n" + rows(X, Y), "format EMSA"),
    "names for fewer columns": (
        "d hkl d hkl\n" + rows(D, *[D // 1] * 3, D - 1, *[D // 1] * 3, join=" "),
        "2 tables side by side under 4 names, and 8 columns",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_be_read_wrongly_is_refused(tmp_path, kind):
    text, said = REFUSED[kind]
    unit = "2theta" if kind in ("energies", "EMSA") else None if "d" in text[:4] else "d"
    with pytest.raises(DDIError, match=said):
        read(tmp_path, text, unit=unit, wavelength=CU if unit == "2theta" else None)


def test_a_row_without_a_line_observed_is_left_out(tmp_path):
    for word, line in (("n.o.", HKL), ("\u2014", HEIGHTS)):
        observed = [*map(str, D[:4]), word, *map(str, D[5:])]
        found = read(tmp_path, "h k l\td calc\td obs\tI\n" + cells(line, D, observed, HEIGHTS))
        np.testing.assert_allclose(found.d, np.delete(D, 4))


@pytest.mark.parametrize(
    "header",
    [
        "Radiation : Cu , 1.540593\n",
        " X-ray tube\n   target         =  Cu\n   voltage        =  40.0 (kV)\n",
        "Radiation: Cu, 40.0 kV\n",
    ],
)
def test_a_tube_is_stated(tmp_path, header):
    found = read(tmp_path, header + "\n <2Theta>   <   I   >\n" + rows(X, Y, join="   "))
    assert found.wavelength == pytest.approx(CU, abs=1e-5)
    np.testing.assert_allclose(found.two_theta, X)


def test_uxd_may_call_its_start_2theta(tmp_path):
    head = "_FILEVERSION=2\n_WL1=1.540593\n_DRIVE='COUPLED'\n_STEPSIZE=0.05\n_2THETA=15.0\n"
    found = read(tmp_path, head + "_COUNTS\n" + rows(Y))
    np.testing.assert_allclose(found.two_theta, X)


def test_only_other_units_contradict_the_user():
    assert other_axis(["E [keV]\tI"], by_unit=True) == "E [keV]"
    assert other_axis(["Temperature I"], by_unit=True) is None
    assert other_axis(["2theta (deg)\tI (cts/s)"]) is None


@pytest.mark.parametrize("part", ["(1, 2) ", "d = 1.5 ", "(", "d [ ", "1.5 / ", "<", "d\t"])
def test_reading_takes_time_in_proportion_to_the_text(tmp_path, part):
    started = time.process_time()
    with pytest.raises(DDIError):
        read(tmp_path, part * (190_000 // len(part)), unit="q")
    assert time.process_time() - started < 5


def test_infinite_numbers_on_a_card(tmp_path):
    text = "VERSION: 4\n" + "DIHKL: 1e999 1 0 0 1\n" * 2 + cells(["DIHKL:"] * 10, D, HEIGHTS)
    with pytest.raises(DDIError, match="infinite"):
        read(tmp_path, text)
