"""Numbers, marks and tables as people and programs write them, after files that nobody had tried:
each means the ten peaks of the seeds with their intensities, or is refused with a reason.
"""

import json

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, rows
from ddi.index import readers
from ddi.index.readers.headings import heading

PER_CENT = np.round(100 * HEIGHT / HEIGHT.max()).astype(int)
DOUBT = ["b" if k == 3 else "*" if k == 6 else "" for k in range(10)]


def each(template, *columns):
    """A line for each peak."""
    return "".join(template.format(*row) for row in zip(*columns))


def comma(values, form="{:.3f}"):
    """Numbers with decimal commas."""
    return [form.format(value).replace(".", ",") for value in values]


WRITTEN = {
    "intensity in brackets at once": "2theta(I)\n" + each("{}({})\n", ANGLE, PER_CENT),
    "the same in one line": "d(I), \u00c5: " + each("{:.4f}({}), ", D, PER_CENT)[:-2] + "\n",
    "a new mineral": "Strongest lines [d in \u00c5, (I), (hkl)]: "
    + each("{:.4f}, ({}), (10-{}); ", D, PER_CENT, range(10))[:-2]
    + ".\n",
    "thousands behind blanks": "2theta  I\n" + each("{:.4f}  {:,.0f}\n", ANGLE, HEIGHT * 123),
    "points between thousands": "2theta\tcts\tI/Imax\n"
    + each("{}\t{}\t{},0\n", comma(ANGLE), [f"{h:_.3f}" for h in HEIGHT * 9], PER_CENT),
    "marks of doubt": "d  I/Io\n" + each("{:.4f}{}  {}\n", D, DOUBT, PER_CENT)[:-1] + "+\n",
    "left, right and peak": "Left(2th)  Right(2th)  Peak(2th)  Height\n"
    + rows(ANGLE - 0.2, ANGLE + 0.2, ANGLE, HEIGHT, join="  "),
    "corrected behind measured": "2theta_meas  2theta_corr  I\n"
    + rows(ANGLE - 0.15, ANGLE, HEIGHT, join="  "),
    "both ends of a line": "d(max)  d(min)  d(peak)  I\n"
    + rows(D * 1.01, D * 0.99, D, HEIGHT, join="  "),
    "gon": "2theta [gon] ; I\n" + rows(ANGLE / 0.9, HEIGHT, join=" ; "),
    "mrad behind a comma": "\u03b8, mrad ; I\n"
    + rows(np.radians(ANGLE / 2) * 1e3, HEIGHT, join=" ; "),
    "hundredths of a degree": "2theta (0.01 deg)\tI\n" + rows(ANGLE * 100, HEIGHT),
    "SQL": "INSERT INTO peaks (id, two_theta, rel_int) VALUES\n"
    + each("({}, {}, {}),\n", range(10), ANGLE, HEIGHT)[:-2]
    + ";\n",
    "Mathematica": "(* sample 3, Cu Ka1 1.54056 *)\npeaks2Theta = {"
    + each("{{{}, {}}}, ", ANGLE, HEIGHT)[:-2]
    + "};\n",
    "a grid": "+--------+-------+\n| 2theta |   I   |\n+========+=======+\n"
    + each("| {} | {} |\n+--------+-------+\n", ANGLE, HEIGHT),
    "footnotes": "| 2theta | I |\n|---|---|\n"
    + each("| {} | {} |\n", ANGLE, HEIGHT).replace(" | ", "[^2] | ", 3)
    + "\n[^2]: broad, 0.3 degrees wide\n",
    "a long table of LaTeX": "\\begin{longtable}{rr}\n{$2\\theta$ / \\si{\\degree}} & $I$ \\\\\n"
    "\\endfirsthead\n\\multicolumn{2}{c}{continued} \\\\\n\\endhead\n"
    + each("{} & {} \\\\\n", ANGLE, HEIGHT)
    + "\\end{longtable}\n",
    "JSON of pandas": json.dumps(
        {"columns": ["2theta", "I"], "data": [list(map(float, row)) for row in zip(ANGLE, HEIGHT)]}
    ),
    "a quoted mail": "2theta I\n" + each("> {} {}\n", ANGLE, HEIGHT),
    "a row of dashes": "2theta\tI\thkl\n"
    + each("{}\t{}\t1 0 0\n", ANGLE, HEIGHT)
    + "\u2014\t\u2014\t2 0 2\n",
    "a footer": "2theta I\n" + rows(ANGLE, HEIGHT) + "Measured at ID22, capillary 0.7 mm, 295 K\n",
    "a page that ends": "2theta I\n"
    + rows(ANGLE[:5], HEIGHT[:5])
    + "\f\n- 14 -\nTABLE 2 (continued)\n2theta I\n"
    + rows(ANGLE[5:], HEIGHT[5:]),
    "TOPAS d_Is": "xdd_scr dummy\n d_Is\n  la 1 lo 1.540593 lh 0.5\n"
    + each("  d {:.6f} I {}\n", D, HEIGHT),
    "Russian": "N\t\u0438\u043d\u0442\u0435\u043d\u0441\u0438\u0432\u043d\u043e\u0441\u0442\u044c"
    "\td/n, A\n" + rows(range(1, 11), HEIGHT, D),
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_is_read_with_its_intensities(tmp_path, name, encoding):
    path = tmp_path / "a.txt"
    text = WRITTEN[name]
    if name == "points between thousands":
        text = text.replace("_", ".").replace(".000\t", "\t")
    path.write_text(text, encoding=encoding)
    found = readers.read(path, None, None if "TOPAS" in name else CU)
    np.testing.assert_allclose(found.d, D, rtol=5e-4)
    relative = found.intensity / found.intensity.max()
    np.testing.assert_allclose(relative, HEIGHT / HEIGHT.max(), atol=0.012)


def test_russian_of_windows(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(WRITTEN["Russian"].encode("cp1251"))
    assert readers.read(path).intensity is not None


@pytest.mark.parametrize("unit, scale", [("nm", 10), ("pm", 0.01)])
def test_a_sentence_that_names_its_unit(tmp_path, unit, scale):
    path = tmp_path / "a.txt"
    path.write_text(f"Guinier pattern: d/{unit} (I): " + each("{:.5f} (w), ", D / scale)[:-2] + ".")
    np.testing.assert_allclose(readers.read(path).d, D, rtol=5e-4)


def test_rows_of_fullprof_that_name_reflections_lose_no_point(tmp_path):
    angle = np.arange(15, 75, 0.02)
    lines = [f"{x:.3f} {100 + x:.1f} 90.0 10.0 5.0" for x in angle]
    named = [f"{line}  15.02  0 (0 1 2)  0 1" for line in lines[:18]]
    path = tmp_path / "a.prf"
    head = "Calcite CELL: 4.99 4.99 17.06 90 90 120\n2Theta Yobs Ycal Dif Backg\n"
    path.write_text(head + "\n".join(named + lines[18:]) + "\n")
    found = readers.read(path, "2theta", CU)
    assert len(found.two_theta) == len(angle) and found.two_theta[0] == 15.0


def test_d_and_2theta_of_the_mean_of_k_alpha(tmp_path):
    path = tmp_path / "a.txt"
    angle = 2 * np.degrees(np.arcsin(1.54187 / 2 / D))
    path.write_text("2theta d I\n" + rows(angle, D, HEIGHT, join=" ", form="{:.5f}"))
    np.testing.assert_allclose(readers.read(path, "2theta").d, D, rtol=5e-5)


@pytest.mark.parametrize("name", ["Q\u00b2 (\u00c5\u207b\u00b2)\tI", "Q^2\tI", "q**2 [1/A^2]\tI"])
def test_the_square_of_q_is_asked_about(tmp_path, name):
    path = tmp_path / "a.txt"
    squares = rows((2 * np.pi / D) ** 2, HEIGHT, form="{:.6f}")
    path.write_text(f"{name}\n{squares}", encoding="utf-8")
    with pytest.raises(DDIError, match="--unit q2pi"):
        readers.read(path)
    np.testing.assert_allclose(readers.read(path, "q2pi").d, D, rtol=5e-4)
    np.testing.assert_allclose(readers.read(path, "q2").d, D / (2 * np.pi), rtol=5e-4)


@pytest.mark.parametrize(
    "text, said",
    [
        ("2theta,I\n" + each("{},{:.0f}\n", comma(ANGLE, "{:.2f}"), HEIGHT), "commas beside"),
        ("d,I\n" + each("{},{:.0f}\n", comma(D), HEIGHT), "commas beside"),
        ("d (A)\tI\n" + each("{}\t{:.1f}\n", comma(D), HEIGHT), "no powder line has"),
        ("2theta [mm] ; I\n" + rows(ANGLE, HEIGHT, join=" ; "), "does not say"),
        ("2d (A)\tI\n" + rows(2 * D, HEIGHT), "is not a row"),
        ("2theta (channel)\tI\n" + rows(ANGLE, HEIGHT), "is not a row"),
    ],
)
def test_what_could_be_misread_is_refused(tmp_path, text, said):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DDIError, match=said):
        readers.read(path, None, CU if "2theta,I" in text else None)


def test_two_columns_of_angles_are_not_silently_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(rows(ANGLE, ANGLE + 0.02))
    assert "column 2 is nearly the same" in readers.read(path, "2theta", CU).source


def test_a_formula_is_no_heading():
    assert heading("Ba S O4") is None and heading("S I") is not None


@pytest.mark.parametrize(
    "said, wavelength",
    [
        ("CuKa 1.5418", 1.5418),
        ("Cu K\u03b1 1.5418 \u00c5", 1.5418),
        ("CoKa 1.7902", 1.7902),
        ("Radiation CuKa (weighted mean, 1.5418 A), Ni filter", 1.5418),
        ("Wavelength: CuKa1 = 1.540562", 1.540562),
        ("CuK\u03b1 2\u03b8 scan", 1.541871),
        ("CuK\u03b1 2.2 kW", 1.541871),
        ("Cu K-alpha 1", 1.540593),
        ("Cu Ka2", 1.544427),
        ("Wellenl\u00e4nge: 0,41266 \u00c5", 0.41266),
        ("longueur d'onde 1,2345 \u00c5", 1.2345),
        ("Photon energy (eV): 15999.3", 12.398419843 / 15.9993),
        ("E = 15.9993 keV", 12.398419843 / 15.9993),
        ("Energie: 15,9993 keV", 12.398419843 / 15.9993),
    ],
)
def test_wavelengths_as_people_state_them(tmp_path, said, wavelength):
    path = tmp_path / "a.txt"
    path.write_text(f"# {said}\n# 2theta I\n" + rows(ANGLE, HEIGHT), encoding="utf-8")
    assert readers.read(path).wavelength == pytest.approx(wavelength, abs=2e-5)


@pytest.mark.parametrize(
    "name, column",
    [
        ("deux th\u00eata", ANGLE),
        ("Zwei-Theta", ANGLE),
        ("Glanzwinkel \u03b8 [\u00b0]", ANGLE / 2),
        ("d-\u00e9rt\u00e9k (\u00c5)", D),
        ("\u6676\u9762\u95f4\u8dddd/nm", D / 10),
        ("d-hodnota", D),
        ("d (kX)", D / 1.00202),
        ("g (1/nm)", 10 / D),
    ],
)
def test_names_of_positions_in_other_words(tmp_path, name, column):
    path = tmp_path / "a.txt"
    path.write_text(f"{name}\tI\n" + rows(column, HEIGHT, form="{:.5f}"), encoding="utf-8")
    np.testing.assert_allclose(readers.read(path, None, CU).d, D, rtol=5e-4)


@pytest.mark.parametrize(
    "text",
    [
        "No;2Theta;d;FWHM;Imax\n-;deg;nm;deg;counts\n"
        + rows(range(10), ANGLE, D / 10, [0.1] * 10, HEIGHT, join=";"),
        "two_theta  counts\n1.0e+03 *\n" + rows(ANGLE / 1e3, HEIGHT / 1e3, form="{:.7f}"),
        "d (\u00c5)  I  hkl  2\u03b8 (\u00b0)\n"
        + each("{:.4f} {} 0 0 {} {}\n", D, HEIGHT, range(1, 11), ANGLE),
        "2Theta;d;Anything\n" + rows(ANGLE, D, 100 * HEIGHT / HEIGHT.max(), join=";"),
    ],
)
def test_units_below_factors_above_and_indices_between(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    found = readers.read(path, None, CU)
    np.testing.assert_allclose(found.d, D, rtol=5e-4)
    relative = found.intensity / found.intensity.max()
    np.testing.assert_allclose(relative, HEIGHT / HEIGHT.max(), atol=0.012)


def test_a_scan_that_begins_with_whole_numbers_is_whole(tmp_path):
    x = np.round(np.arange(15, 35, 0.1), 1)
    lines = [f"{a:g} {60 + k % 7}" for k, a in enumerate(x)]
    for heads in ("# a\n# 2theta counts\n# b\n", "a\n2theta counts\nb\n"):
        path = tmp_path / "a.txt"
        path.write_text(heads + "\n".join(lines) + "\n")
        assert len(readers.read(path, "2theta", CU).two_theta) == len(x)


def test_a_background_in_equal_steps_is_no_count_of_rows(tmp_path):
    path = tmp_path / "a.bac"
    path.write_text(each("{:.3f} {:.3f} 0.00\n", range(10, 30, 2), np.linspace(60, 46, 10)))
    assert readers.read(path, "2theta", CU).intensity[0] == 60.0


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "2theta;I\n" + each("{};{}\n", [*ANGLE[:7], *comma(ANGLE[7:], "{:.4f}")], HEIGHT),
            "has a comma",
        ),
        ("2theta;I;Phase\n" + each("{};{};{}\n", ANGLE, HEIGHT, "AABBAABBAB"), "2 phases"),
        ("d [\u00b5m],q3 [%]\n" + rows(D, HEIGHT, join=","), "does not say"),
        ("psi  2theta  I\n" + rows(range(10), 156 + 0.01 * ANGLE / 9, HEIGHT, join="  "), "again"),
        ("2theta d I\n" + rows([*ANGLE[:9], 63.2], D, HEIGHT, join=" "), "contradict each other"),
    ],
)
def test_more_that_could_be_misread_is_refused(tmp_path, text, said):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DDIError, match=said):
        readers.read(path, None, CU if "2theta" in text else None)


def test_an_angle_without_end_beside_d_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("2theta d I\n" + each("{} {} {}\n", ["inf", *ANGLE[1:]], D, HEIGHT))
    with pytest.raises(DDIError):
        readers.read(path, "2theta")


def test_a_control_character_beside_a_count_of_rows(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("10\x1e\n" + rows(ANGLE, HEIGHT))
    with pytest.raises(DDIError):
        readers.read(path, "2theta", CU)
