"""Forms of which a fresh sample showed that they were misread or refused, made here anew: units in
other writings, several scans, tables turned or pasted by columns, files of other purpose.
"""

import io

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, X, Y, rows
from ddi.index import readers
from ddi.index.readers.headings import column_name

HEIGHTS = [f"{height:.0f}" for height in HEIGHT]
TTH = {"unit": "2theta", "wavelength": CU}
Q = 2 * np.pi / D
XY = rows(X, Y)


def read(folder, text, name="a.txt", **options):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return readers.read(path, **options)


def table(head, *columns, join="\t"):
    return head + "\n" + rows(*columns, join=join, form="{}")


LISTS = {
    "nm in Russian": (table("d, \u043d\u043c\tI, %", (D / 10).round(6), HEIGHTS), {}),
    "d* is no d": (table("d* (1/\u00c5)\tI", (1 / D).round(7), HEIGHTS), {"unit": "q"}),
    "the unit of q in a remark": (
        table("# nm-1, 2\u03c0/d\nq;I", (10 * Q).round(5), HEIGHTS, join=";").replace(".", ","),
        {},
    ),
    "4 sin2/lambda2": (table("4sin\u00b2\u03b8/\u03bb\u00b2\tI", (D**-2).round(7), HEIGHTS), {}),
    "h k l without names": (
        table("2theta", *np.ones((3, 10), int), ANGLE, join="  "),
        {"wavelength": CU},
    ),
    "in Czech": (table("\u00dahel 2\u03b8 (\u00b0)\tIntenzit\u00e1s", ANGLE, HEIGHTS), TTH),
    "a tolerance in the name": (table("2\u03b8 \u00b1 0.2 (\u00b0)\tI", ANGLE, HEIGHTS), TTH),
    "a tolerance behind": (f"2\u03b8 = {', '.join(map(str, ANGLE))} (\u00b1 0.2\u00b0)", TTH),
    "errors behind blanks": (
        table("2theta  I", [f"{angle} (0.003)" for angle in ANGLE], HEIGHTS, join="  "),
        TTH,
    ),
    "powers of ten": (table("2theta\tI", ANGLE, [f"{h}\u00d710^1" for h in HEIGHT / 10]), TTH),
    "exponents and decimal commas": (rows(ANGLE, HEIGHT, form="{:.8E}").replace(".", ","), TTH),
    "Peak 1:": ("".join(f"Peak {k}: {a}\n" for k, a in enumerate(ANGLE, 1)), TTH),
    "column after column": ("d (\u00c5)\n" + rows(D) + "I/I0\n" + rows(HEIGHT), {}),
    "column after column, no names": (rows(D) + "\n".join(HEIGHTS), {"unit": "d"}),
    "a name and its numbers": ("d\t" + "\t".join(map(str, D)) + "\nI\t" + "\t".join(HEIGHTS), {}),
    "bold": (table("|**d**|I|\n|---|---|", [f"|**{d}**" for d in D], HEIGHTS, join="|"), {}),
    "TOML": (f"two_theta = {ANGLE.tolist()}\nintensity = {HEIGHT.tolist()}\n", TTH),
    "MATLAB": (table("% peaks\nx = [", ANGLE, HEIGHTS, join=" ") + "];\n", TTH),
    "R": (f"tt <- c({', '.join(map(str, ANGLE))})\n", TTH),
    "a footer that states the wavelength": (
        table("2theta\tI", ANGLE, HEIGHTS) + f"Made by Peak Job v1.2\nWavelength: {CU}\n",
        {},
    ),
    "TOPAS, load xo": (
        f"xdd a\nlam la 1 lo {CU} lh 0.5\nxo_Is\nload xo I {{\n"
        + "".join(f" @ {a}`_0.01 @ {h}\n" for a, h in zip(ANGLE, HEIGHTS)) + "}\n",
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LISTS)
def test_every_form_of_a_list(tmp_path, kind):
    text, options = LISTS[kind]
    found = read(tmp_path, text, **options)
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    if not kind.startswith(("h k l", "a tolerance behind", "Peak", "R")):
        np.testing.assert_allclose(found.intensity, HEIGHT)
    assert (found.sigma_q2 is not None) == (kind == "errors behind blanks")


CIF = f"data_a\n_diffrn_radiation_wavelength {CU}\nloop_\n"
ESG = "_pd_block_id a|#%d\n_diffrn_detector Image Plate\n_pd_meas_angle_eta 0\nloop_\n"
ESG += "_pd_proc_2theta_corrected\n_pd_meas_intensity_total\n"
ARRAY = io.BytesIO()
np.save(ARRAY, np.stack([X, Y]))
AGAIN = rows(X + 0.02, Y[::-1])
PATTERNS = {
    "two scans": (XY + AGAIN, "the first of 2 scans"),
    "SPEC": (f"#S 1 a\n#L tth I\n{XY}\n#S 2 a\n#L tth I\n{AGAIN}", "first of 2 scans"),
    "Swiss": ("".join(f"{x};{y + 1e3:,.0f}\n" for x, y in zip(X, Y)).replace(",", "'"), ""),
    "rows of an array": (ARRAY.getvalue(), ".npy"),
    "newer CIF": (CIF + "_pd_meas.2theta_scan\n_pd_meas.counts_total\n" + XY, "pdCIF"),
    "ESG of MAUD": (ESG % 0 + XY + ESG % 1 + AGAIN, "pdCIF"),
    "Rigaku with blanks in its axis": (
        "*TYPE = Raw\n*SCAN_AXIS = 2 Theta / Theta\n*BEGIN\n*START = 15.0\n*STOP = 44.95\n"
        f"*STEP = 0.05\n*COUNT = {len(Y)}\n" + rows(*Y.reshape(-1, 4).T, join=", ") + "*END\n",
        "ASC",
    ),
    "a listing that begins with RAW": ("RAW DATA of a sample\n2theta  I\n" + XY, "text"),
    "no number": ("2theta,I\n10,x\n" + rows(X, Y, join=","), "points without numbers left out: 1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PATTERNS)
def test_every_form_of_a_pattern(tmp_path, kind):
    text, said = PATTERNS[kind]
    name = {"rows of an array": "a.npy", "ESG of MAUD": "a.esg"}.get(kind, "a.txt")
    found = read(tmp_path, text, name, **TTH)
    np.testing.assert_allclose(found.two_theta, X, atol=1e-4)
    np.testing.assert_allclose(found.intensity, Y + 1000 * (kind == "Swiss"))
    assert said in found.source


def test_a_cif_over_q(tmp_path):
    q = np.linspace(1, 3, 400)
    loop = "_pd_proc_recip_len_Q\n_pd_proc_intensity_net\n" + rows(q, Y[:400], form="{:.6f}")
    found = read(tmp_path, CIF + loop, "a.cif")
    np.testing.assert_allclose(4 * np.pi / CU * np.sin(np.radians(found.two_theta / 2)), q, 1e-5)


REFUSED = {
    "several counts behind one angle": (
        table("Angle  Counts", X[::5], *Y.reshape(-1, 5).T, join="  "),
        "2 names over 6 columns",
    ),
    "two lists": (
        table("d I", D, HEIGHTS) + table("d I", (1.01 * D).round(4), HEIGHTS),
        "holds 2 lists one below the other",
    ),
    "G(r)": ("#L r($\\AA$)  G($\\AA^{-2}$)\n" + XY, "calls its first column r"),
    "time of flight": (
        "data_a\nloop_\n_pd_meas_time_of_flight\n_pd_meas_counts_total\n" + XY,
        "pdCIF over time of flight",
    ),
    "RTF": ("{\\rtf1\\ansi\n2theta\\tab I\\par\n}", "format RTF"),
    "PCR": ("COMM a\n! Files => DAT-file: a.dat\n 0 5 1\n", "FullProf PCR.*name its data file"),
    "EXP": ("     VERSION   6\n HST   1 HFIL  A.XRA\n", "format GSAS EXP"),
    "EXPO": ("%Structure a\n%Data\nPattern a.xy\n", "format EXPO"),
    "SHELX": ("TITL a\nCELL 0.71 5 6 7 90 90 90\n", "format SHELX"),
    "VAMAS": ("VAMAS Surface Chemical Analysis\n", "format VAMAS"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_be_misread_is_refused_by_its_name(tmp_path, kind):
    text, said = REFUSED[kind]
    with pytest.raises(DDIError, match=said):
        read(tmp_path, text, **({} if text[0] == "d" else TTH))


def test_a_peak_behind_words_is_no_footer(tmp_path):
    with pytest.raises(DDIError, match="'Ba 45.2 12' is not a row"):
        read(tmp_path, table("2theta\tI", ANGLE, HEIGHTS) + "Ba 45.2 12\n", **TTH)


@pytest.mark.parametrize(
    "name, meaning",
    [
        ("peaks", None),
        ("\u03942\u03b8", None),
        ("FWHM 2theta", None),
        ("Netto-Intensit\u00e4t", "intensity"),
        ("2theta error", None),
        ("Winkel [\u00b02\u03b8]", "2theta"),
        ("sin\u00b2\u03b8/\u03bb\u00b2", "q2"),
        ("Intensity calc", None),
        ("4\u03c0 sin\u03b8/\u03bb (\u00c5\u207b\u00b9)", "q2pi"),
    ],
)
def test_names_of_columns(name, meaning):
    assert column_name(name) == meaning
