"""Forms of files found in public repositories, made here anew: remarks that state the wavelength in
other units, tables of papers and reports, programs' lists, and tables that are no powder patterns.
"""

import re
import time

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, X, Y, rows
from ddi.index import readers
from ddi.index.peaks import Pattern
from ddi.index.readers.headings import heading
from ddi.index.readers.registry import FORMATS
from ddi.index.readers.stated import stated_wavelength

Q = 4 * np.pi / CU * np.sin(np.radians(X / 2))
XY = rows(X, Y)


def read(folder, text, **options):
    path = folder / options.pop("name", "a.txt")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return readers.read(path, **options)


PATTERNS = {
    "pyFAI in metres": "# Wavelength: 1.540593e-10 m\n#  2th_deg  I\n" + XY,
    "pyFAI in 1/nm": "# Wavelength: 1.540593e-10 m\n#  q_nm^-1  I\n"
    + rows(Q * 10, Y, form="{:.9f}"),
    "pyFAI in radians": "# Wavelength: 1.540593e-10 m\n#  2th_rad  I\n"
    + rows(np.radians(X), Y, form="{:.9f}"),
    "DASH": f"{CU}\n" + rows(X, Y, Y**0.5),
    "XRCEA": f"#name: a\n#x_units: 2theta\n#lambda1: {CU}\n#lambda2: 1.544426\n" + XY,
    "Rigaku": f";KAlpha1 = {CU}\n;KAlpha2 = 1.544427\n" + XY,
    "a label before the names": f"Lambda: {CU}\nScan: 2theta Intensity Sigma\n" + rows(X, Y, Y),
    "a sentence with a colon": f"# Axis label: 2theta / deg\n# lambda = {CU}\n# axis\tvalue\n" + XY,
    "decimal comma in the header": "[Measurement conditions]\nK-Alpha1 wavelength;1,540593\n"
    "[Scan points]\nAngle;Intensity\n" + rows(X, Y, join=";").replace(".", ","),
    "downwards": f"# lambda = {CU}\n" + rows(X[::-1], Y[::-1]),
    "ranges that overlap": f"# lambda = {CU}\n"
    + rows(np.r_[X[:300], X[295:]], np.r_[Y[:300], Y[295:]]),
    "d beside 2theta": "2theta d I\n" + rows(X, CU / 2 / np.sin(np.radians(X / 2)), Y),
    "SPEC": f"# lambda = {CU}\n#S 1 ascan\n#L TwoTheta  Epoch  Monitor  Detector\n"
    + rows(X, X, Y[::-1], Y),
    "a count of rows": f"# lambda = {CU}\nGENERAL$\n {len(X)}\n" + rows(X, Y),
    "start, step, end above columns": f"lambda = {CU}\n15.0 0.05 44.95\n" + rows(X, Y),
    "one name over three columns": f"XYDATA\nTEMP 300.0\nLambda: {CU}\n! 2theta\n" + rows(X, Y, Y),
    "several samples": f"# lambda = {CU}\n2theta,300K,400K\n" + rows(X, Y, Y[::-1], join=","),
    "XFIT": f"/*\nAnode Cu Alpha1 {CU} Alpha2 1.54439\n*/\n15.0 0.05 44.95 1 5.0 1\n"
    + rows(Y, join=" "),
    "IGOR": f"IGOR\nWAVES/O tth, yint\nBEGIN\n{XY}END\n",
    "ESG": f"loop_\n_pd_meas_2theta_scan\n_pd_meas_counts_total\n{XY}",
    "pdCIF with raw and corrected ends": f"data_a\n_diffrn_radiation_wavelength {CU}\n"
    "_pd_meas_2theta_range_min 14.8\n_pd_meas_2theta_range_max 44.75\n"
    "_pd_proc_2theta_range_min 15.0\n_pd_proc_2theta_range_max 44.95\n"
    "loop_\n_pd_meas_counts_total\n" + rows(Y),
    "ASC without a count": "*TYPE = Raw\n*START = 15.0\n*STOP = 44.95\n*STEP = 0.05\n"
    + rows(*Y.reshape(-1, 4).T, join=","),
}  # fmt: skip


@pytest.mark.parametrize("kind", PATTERNS)
def test_every_form_of_a_pattern(tmp_path, kind):
    stated = kind not in ("IGOR", "ESG", "ASC without a count")
    found = read(tmp_path, PATTERNS[kind], **({} if stated else {"wavelength": CU}))
    assert isinstance(found, Pattern) and found.wavelength == pytest.approx(CU, abs=1e-5)
    np.testing.assert_allclose(found.two_theta, X, atol=1e-5)
    np.testing.assert_allclose(found.intensity, Y)
    assert ("first of 2 columns" in found.source) == (kind == "several samples")


ONES = np.ones(10)
HALVES = [[part[:5], part[5:]] for part in (ANGLE, D, HEIGHT)]
LISTS = {
    "relative intensity": "2-theta\td-spacing\tRelative Intensity (%)\n" + rows(ANGLE, D, HEIGHT),
    "I/I1": "2-Theta  d-spacing  I/I1\n" + rows(ANGLE, D, HEIGHT, join="  "),
    "calculated columns first": "d calc  d obs  I obs\n" + rows(D * 1.004, D, HEIGHT),
    "hkl in blanks": "2-Theta d(?) I(f) ( h k l)\n"
    + "".join(f"{a} {d} {h} ( 1 0 1)\n" for a, d, h in zip(ANGLE, D, HEIGHT)),
    "two pairs of hkl": "2theta d I hkl\n"
    + rows(ANGLE, D, HEIGHT, ["1 0 1, 0 1 1"] * 4 + ["1 0 1"] * 6, form="{}"),
    "names with blanks": "No.  2-theta(deg)  d(ang.)  Height(cps)  Int. I(cps deg)\n"
    + rows(range(1, 11), ANGLE, D, HEIGHT, ONES, join="  "),
    "blocks side by side": "2theta d I 2theta d I\n"
    + rows(*[block[0] for block in HALVES], *[block[1] for block in HALVES], join=" "),
    "a shorter last block": "d I d I\n"
    + rows(D[:4], HEIGHT[:4], D[6:], HEIGHT[6:]) + rows(D[4:6], HEIGHT[4:6]),
    "a second table": "2theta,I,2theta,I\n" + rows(ANGLE, HEIGHT, ANGLE + 0.5, HEIGHT, join=","),
    "quoted cells with commas": ",2theta,intensity,hkls,d_hkls\n"
    + "".join(
        f"{k},{a},{h},\"[{{'hkl': (1, 0, 1)}}]\",{d}\n"
        for k, (a, h, d) in enumerate(zip(ANGLE, HEIGHT, D))
    ),
    "markdown": "| # | 2\u03b8 / \u00b0 | d / \u00c5 | I/I\u2080 | hkl |\n|---|---|---|---|---|\n"
    + "".join(f"| 1 | {a} | {d} | {h} | 1 0 1 |\n" for a, d, h in zip(ANGLE, D, HEIGHT)),
    "LaTeX": "$2\\theta$ & $d$ & $I$ \\\\ \\hline\n"
    + "".join(f"{a} & {d} & {h} \\\\\n" for a, d, h in zip(ANGLE, D, HEIGHT)),
    "Chinese": "\u89d2\u5ea6\t\u5f3a\u5ea6\n" + rows(ANGLE, HEIGHT),
    "accents": "2 th\u00eata (\u00b0);Intensit\u00e9;d (\u00c5)\n"
    + rows(ANGLE, HEIGHT, D, join=";").replace(".", ","),
    "thousands with points": "2theta;Counts\n"
    + "".join(f"{a};{h + 1000:,.2f}\n" for a, h in zip(ANGLE, HEIGHT)).translate(
        str.maketrans(".,", ",.")
    ),
    "Fityk": "# Peak Type\tCenter\tHeight\tArea\n"
    + "".join(f"%_1  Gaussian\t{a}\t{h}\t1\n" for a, h in zip(ANGLE, HEIGHT)),
    "END": rows(ANGLE, HEIGHT) + "END\n",
    "a footer": "2theta I\n" + rows(ANGLE, HEIGHT) + "\nTotal peaks: 10\n",
    "less than": "2theta,I\n" + rows(ANGLE, [f"<{h}" for h in HEIGHT], join=",", form="{}"),
    "wide letters": "\uff12\u03b8\u3000\uff29\n" + rows(ANGLE, HEIGHT, join="\u3000"),
    "letters like theta": "2\u019f\tI\n" + rows(ANGLE, HEIGHT),
    "bullets": "2theta I\n" + rows(["\u2022"] * 10, ANGLE, HEIGHT, join=" ", form="{}"),
    "Shimadzu": "# Strongest 3 peaks\n no.\tpeak\t2Theta\td\tI/I1\n"
    + rows([1, 2, 3], [1, 10, 5], *[np.take(c, [0, 9, 4]) for c in (ANGLE, D, HEIGHT)])
    + "\n# Peak Data List\n peak\t2Theta\td\tI/I1\n no.\t(deg)\t(A)\t\n"
    + rows(range(1, 11), ANGLE, D, HEIGHT),
    "1: and a repeated heading": "No 2theta I\n"
    + "".join(f"{k}: {a} {h}\n" for k, a, h in zip(range(5), ANGLE, HEIGHT))
    + "No 2theta I\n"
    + "".join(f"{k}: {a} {h}\n" for k, a, h in zip(range(5), ANGLE[5:], HEIGHT[5:])),
    "(hkl) first": "hkl 2theta I\n" + rows(["(101)"] * 10, ANGLE, HEIGHT, join=" ", form="{}"),
    "phases first": "Phase 2theta I\n" + rows(["BaSO4"] * 10, ANGLE, HEIGHT, join=" ", form="{}"),
    "broad and shoulders": "2theta I\n" + "".join(
        f"{a} {h}{'sh' if h > 20 else 'b'}\n" for a, h in zip(ANGLE, HEIGHT)
    ),
    "pairs in brackets": "2theta, I\n" + "".join(f"({a}, {h}),\n" for a, h in zip(ANGLE, HEIGHT)),
    "two lines under one peak": "h k l 2theta I\n"
    + rows(*np.ones((3, 12)), np.append(ANGLE, ANGLE[4:6]), np.append(HEIGHT, HEIGHT[4:6] / 2)),
    "2theta and d without names": rows(ANGLE, D, HEIGHT),
    "IGOR of PeakSearch": "IGOR\nWAVES/O tth, yint\nBEGIN\n1 2\n3 4\nEND\n"
    "WAVES/O peak, peakpos, height, FWHM\nBEGIN\n" + rows(ONES, ANGLE, HEIGHT, ONES) + "END\n",
    "TOPAS with intensities": f"index_lam {CU}\nload index_th2 index_I {{\n{rows(ANGLE, HEIGHT)}}}",
    "TOPAS one by one": f"index_lam {CU}\n"
    + "".join(f"index_th2 {a} index_I {h} good\n" for a, h in zip(ANGLE, HEIGHT)),
    "TOPAS fitted": f"lam la 1 lo {CU} lh 0.1\nxo_Is\n"
    + "".join(f"xo @ {a}`_0.001 I @ {h}`_2\n" for a, h in zip(ANGLE, HEIGHT)),
    "TREOR in theta": "barite\n" + rows(ANGLE / 2, HEIGHT) + f"\nCHOICE=2, WAVE={CU},\nEND*\n",
    "McMaille by hand": f"barite\n{CU} 0.0 0\n1 0 0 0 0 0\n0.30 3\n2. 20. 8. 1000. .05 .15 .5\n"
    "20000 2\n" + rows(ANGLE, HEIGHT),
}  # fmt: skip
AS_D = {
    "strengths": "d I\n" + "".join(f"{d} {'s' if h > 40 else 'm'}\n" for d, h in zip(D, HEIGHT)),
    "heights in brackets": "d = " + ", ".join(f"{d:.4f} ({h:.0f})" for d, h in zip(D, HEIGHT)),
    "h k l d I": rows(np.arange(10), ONES * 0, ONES, D, HEIGHT),
    "hkl d I": rows([101, 200, 11, 2, 210, 102, 211, 112, 20, 212], D, HEIGHT),
    "d h k l I": rows(D, np.arange(10), ONES * 0, ONES, HEIGHT),
    "squares": "q2calc q2obs\n" + rows(D**-2 * 1.01, D**-2, form="{:.7f}"),
    "q as it is defined": "# q = 2 pi / d, in 1/A\n# q I\n"
    + rows(2 * np.pi / D, HEIGHT, form="{:.6f}"),
    "JCPDS with lines twice": "VERSION: 4\n"
    + rows(["DIHKL:"] * 12, np.append(D, D[:2]), [*HEIGHT, 0, 0], form="{}"),
    "JCPDS 1": "Barite\n1 4.1 166.7 5.5 1.0\nd (A)  I/I0  h  k  l\n"
    + rows(D, HEIGHT, *[ONES] * 3),
    "JCPDS 3": "3\nBarite\n4 58 4\n8.88 5.457 7.157\n\nd I/I0 h k l\n"
    + rows(D, HEIGHT, *[ONES] * 3),
}  # fmt: skip


@pytest.mark.parametrize("kind", LISTS)
def test_every_form_of_a_list(tmp_path, kind):
    needs = kind.startswith(("END", "IGOR", "Fityk", "LaTeX", "2theta and d"))
    unit = {"unit": "2theta"} if needs else {}
    found = read(
        tmp_path, LISTS[kind], **unit, wavelength=None if kind == "a shorter last block" else CU
    )
    np.testing.assert_allclose(found.d, D, rtol=5e-4)
    thousand = 1000 * (kind == "thousands with points")
    np.testing.assert_allclose(found.intensity, HEIGHT + thousand)
    assert ("first of 2 tables" in found.source) == (kind == "a second table")


@pytest.mark.parametrize("kind", AS_D)
def test_every_form_of_spacings(tmp_path, kind):
    name = "a.jcpds" if "JCPDS" in kind else "a.txt"
    unit = {"unit": "d"} if " d I" in kind or " l I" in kind else {}
    found = read(tmp_path, AS_D[kind], name=name, **unit)
    np.testing.assert_allclose(found.d, D, rtol=5e-4)
    if kind not in ("strengths", "squares"):
        np.testing.assert_allclose(found.intensity, HEIGHT)


def test_points_without_counts_are_left_out(tmp_path):
    counts = ["", "nan", "NaN", *map(str, Y[3:])]
    found = read(tmp_path, "2theta,I\n" + rows(X, counts, join=",", form="{}"), wavelength=CU)
    np.testing.assert_allclose((found.two_theta, found.intensity), (X[3:], Y[3:]))


def test_fit2d_names_its_units(tmp_path):
    text = f"a.tif\nQ-Space (Inverse Nanometres)\nIntensity\n {len(X)}\n"
    found = read(tmp_path, text + rows(10 * Q, Y, form="{:.9f}"), wavelength=CU)
    np.testing.assert_allclose(found.two_theta, X, atol=1e-5)


def test_a_germanium_monochromator_leaves_no_doublet(tmp_path):
    text = f"Monochromator: curved Germanium (111)\nWavelength: {CU}\n2Theta I\n"
    assert read(tmp_path, text + XY).radiation == "monochromatic"
    assert read(tmp_path, text.replace("Germanium", "graphite") + XY).radiation == "xray"


def test_words_between_rows_are_refused(tmp_path):
    half = rows(ANGLE[:7], HEIGHT[:7]), rows(ANGLE[7:], HEIGHT[7:])
    with pytest.raises(DDIError, match="line 9: 'second part' is not a row of numbers"):
        read(tmp_path, "2theta I\n" + "second part\n".join(half), wavelength=CU)


def test_only_errors_of_positions_are_errors_of_positions(tmp_path):
    brackets = "".join(f"{a} {h}(2)\n" for a, h in zip(ANGLE, HEIGHT))
    for text in ("2theta I esd\n" + rows(ANGLE, HEIGHT, ONES), "2theta I\n" + brackets):
        assert read(tmp_path, text, wavelength=CU).sigma_q2 is None
    text = "".join(f"{d:.2f}({h:.0f})\n" for d, h in zip(D, HEIGHT))  # intensities
    assert read(tmp_path, text, unit="d").sigma_q2 is None
    found = read(tmp_path, "2theta esd I\n" + rows(ANGLE, ONES * 0.003, HEIGHT), wavelength=CU)
    moved = (2 * np.sin(np.radians(ANGLE + 0.003) / 2) / CU) ** 2
    np.testing.assert_allclose(found.sigma_q2, moved - found.q2, rtol=1e-3)


TIME = rows(7000 * 1.001 ** np.arange(len(Y)), Y)
REFUSED = {
    "time of flight": ("' Time-of-flight   Y   E\n" + TIME, "first column Time-of-flight.*--unit"),
    "time of flight without names": (TIME, "which are no angles.*time of flight"),
    "G(r)": ("#L r($\\AA$)  G($\\AA^{-2}$)\n" + XY, r"first column r\(.*no position of powder"),
    "omega": ("# Omega\tIntensity\n" + XY, "first column Omega"),
    "infrared": ("Wavenumber (cm-1),Transmittance (%)\n" + rows(X, Y, join=","), "Wavenumber"),
    "FOX": ("<ObjCryst Date='2020'>\n", "format FOX.*export its pattern as XY"),
    "XML": ("<?xml version='1.0'?>\n<a/>\n", "format XML"),
    "HTML": ("<html><table></table></html>", "page of HTML without a table"),
    "JSON": ('{"x": [1.0, 2.0]}', "format JSON"),
    "MCA": ("<<PMCA SPECTRUM>>\n1\n2\n", "format MCA"),
    "a JCPDS card without lines": ("VERSION: 4\nDIHKL:\n", "no d and intensity are found"),
    "TOPAS without peaks": ('xdd "a.xy"\n', "TOPAS input with 0 peaks"),
    "IGOR without a table": ("IGOR\nWAVES/O a\nBEGIN\nEND\n", "IGOR text without a table"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_powder_pattern_is_refused_by_its_name(tmp_path, kind):
    text, said = REFUSED[kind]
    with pytest.raises(DDIError, match=said):
        read(tmp_path, text, wavelength=CU)


@pytest.mark.parametrize(
    "text, angstrom",
    [
        ("Wavelength: 4.133e-11 m", 0.4133),
        ("wavelength 1.5406", 1.5406),
        ("Alpha1 1.54060 Alpha2 1.54439", 1.5406),
        ("# x-ray energy [keV]: 30.000", 0.41328),
        ('"wavelength": 4.133e-11,', 0.4133),
        ("wavelength 0.15406 nm", 1.5406),
        ("lambda1: 1.540598 lambda2: 1.544", 1.540598),
        ("lambda2: 1.544", None),
        ("K-Alpha1 wavelength;1,5405980", 1.540598),
        ("Energy: 30.0 keV", 0.41328),
        ("alpha 90.00", None),
        ('\'Id: "a" Anode: "Cu" Scantype: "Coupled TwoTheta/Theta"', CU),
        ("Anode material,Co", 1.788996),
        ("Target = Cu, Anode: Mo", None),
    ],
)
def test_wavelengths_in_remarks(text, angstrom):
    assert stated_wavelength(text) == (angstrom and pytest.approx(angstrom, abs=1e-5))


@pytest.mark.parametrize(
    "name, meaning",
    [
        ("Observed 2-theta (deg)", "2theta"),
        ("Diffraction Angle (2\u03b8)", "2theta"),
        ("Position [\u00b02\u03b8]", "2theta"),
        ("Bragg angle", None),
        ("interplanar spacing (\u00c5)", "d"),
        ("d calc", None),
        ("Obs. d (\u00c5)", "d"),
        ("Peak height", "intensity"),
        ("Intensit\u00e4t", "intensity"),
        ("Icalc", "none"),
    ],
)
def test_names_of_columns(name, meaning):
    found = heading(f"{name}\t2theta")
    assert found.names[0] == meaning


def test_a_minus_that_is_no_hyphen(tmp_path):
    text = "2theta,I\n" + rows(X, Y - 100, join=",").replace("-", "\u2212")
    np.testing.assert_allclose(read(tmp_path, text, wavelength=CU).intensity, Y - 100)


def test_recognising_a_format_takes_time_in_proportion_to_the_text():
    parts = ("\n", " ", "\r\n", "#\n", "a\n", "1 ", "_a\n", "a,", "*", "=")
    texts = [head + part * 20_000 for head in ("", "#", "data_x\n", "1 2 3\n") for part in parts]
    for entry in FORMATS:
        if entry.contains:
            started = time.process_time()
            for text in texts:
                re.search(entry.contains, text + "!", re.I | re.M)
            assert time.process_time() - started < 5, entry.name  # a square would take minutes
