"""Files as instruments and programs write them: the same numbers from every format, and a reason
where there are none. All files are made here.
"""

import io
import json
import os
import struct
import sys
import zipfile

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.index import instrument, readers
from ddi.index.peaks import Pattern, Peaks
from ddi.index.readers import columns, opening

CU = 1.540593
D = np.array([5.5635, 4.4342, 4.3322, 3.8954, 3.5743, 3.4411, 3.1018, 2.8331, 2.7848, 2.1210])
ANGLE = np.degrees(2 * np.arcsin(CU / 2 / D)).round(4)
HEIGHT = np.array([52.0, 9, 10, 18, 12, 11, 5, 13, 9, 80])
X = np.round(np.arange(15, 45, 0.05), 2)
Y = (50 + sum(900 * np.exp(-0.5 * ((X - angle) / 0.06) ** 2) for angle in ANGLE)).round()


def write(folder, text, name="a.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(*columns, join="\t", form="{:.4f}"):
    return "\n".join(join.join(form.format(value) for value in row) for row in zip(*columns)) + "\n"


PAIRS = rows(ANGLE, HEIGHT)
LISTS = {
    "decimal comma": (PAIRS.replace(".", ","), "2theta"),
    "semicolons and decimal comma": (rows(ANGLE, HEIGHT, join=";").replace(".", ","), "2theta"),
    "comma and blank": (rows(ANGLE, HEIGHT, join=", "), "2theta"),
    "brackets": (rows([f"{a:.4f}(12)" for a in ANGLE], HEIGHT, form="{}"), "2theta"),
    "remarks": ("".join(f"{a} {h} # weak?\n" for a, h in zip(ANGLE, HEIGHT)), "2theta"),
    "semicolon remarks": ("; barite\n" + PAIRS, "2theta"),
    "remark after ;": ("".join(f"{a} {h} ; broad\n" for a, h in zip(ANGLE, HEIGHT)), "2theta"),
    "stars": ("* barite\n" + PAIRS.replace("\n", " * seen\n"), "2theta"),
    "numbered": (rows(np.arange(1, 11), ANGLE, HEIGHT), "2theta"),
    "one line": (", ".join(map(str, ANGLE)), "2theta"),
    "three lines": ("\n".join(" ".join(map(str, ANGLE[k : k + 4])) for k in (0, 4, 8)), "2theta"),
    "2-Theta (deg)": ('"2-Theta (deg)","Counts"\n' + rows(ANGLE, HEIGHT, join=","), None),
    "2 theta": ("2 theta   intensity\n" + PAIRS, None),
    "theta": ("theta I\n" + rows(ANGLE / 2, HEIGHT, form="{:.5f}"), None),
    "d [nm]": ("d [nm] I\n" + rows(D / 10, HEIGHT, form="{:.6f}"), None),
    "d I h k l": ("d_obs I h k l\n" + rows(D, HEIGHT, *np.ones((3, 10))), None),
    "2pi/d": ("q (1/A)\n" + rows(2 * np.pi / D, form="{:.6f}"), "q2pi"),
    "q in 1/nm": ("q (1/nm), I\n" + rows(20 * np.pi / D, HEIGHT, join=", ", form="{:.6f}"), "q2pi"),
    "Jade": (
        "Peak Search Report (10 Peaks, Max P/N = 43.1)\n[barite.mdi]\n\n"
        "  #   2-Theta    d(A)    BG   Height    I%   FWHM\n"
        + "".join(
            f" {k}  {a} {d} 120 {h} {h} 0.2\n"
            for k, (a, d, h) in enumerate(zip(ANGLE, D, HEIGHT), 1)
        ),
        None,
    ),
    "HighScore": (
        "\ufeffNr.;Pos. [°2Th.];Höhe [cts];FWHM links [°2Th.];d-Wert [Å];Rel. Int. [%]\n"
        + "".join(
            f"{k};{a};{h};0,0984;{d};{h}\n".replace(".", ",")
            for k, (a, d, h) in enumerate(zip(ANGLE, D, HEIGHT), 1)
        ),
        None,
    ),
    "TREOR": ("title\n" + rows(ANGLE) + f"\nWAVE={CU},\nCHOICE=3,\nEND*\n0.00\n", None),
    "DICVOL": (
        f"title\n10 2 1 1 1 1 0 0\n0. 0. 0. 0. 0. 0. 0.\n{CU} 0. 0. 0.\n0.03 10.0 1 0 0\n"
        + rows(ANGLE),
        None,
    ),
    "McMaille": (f"barite\n{CU} 0.0 3\n" + PAIRS, None),
    "TOPAS": (f"index_lam {CU}\nload index_th2 {{\n{rows(ANGLE)}}}\n", None),
    "TOPAS d": ("load index_d good {\n" + "".join(f"{d} good\n" for d in D) + "}\n", None),
    "JCPDS": ("VERSION: 4\n" + "".join(f"DIHKL: {d} {h} 1 0 1\n" for d, h in zip(D, HEIGHT)), None),
    "CHI": ("a.tif\n2-Theta Angle (Degrees)\nIntensity\n   10\n" + PAIRS, "2theta"),
    "JCAMP peaks": (
        "##TITLE=a\n##JCAMP-DX=4.24\n##XUNITS=2THETA\n##PEAK TABLE=(XY..XY)\n"
        + rows(ANGLE, HEIGHT, join=", ")
        + "##END=\n",
        "2theta",
    ),
    "pdCIF peaks": (
        f"data_a\n_diffrn_radiation_wavelength {CU}\nloop_\n_pd_peak_2theta_centroid\n"
        "_pd_peak_intensity\n" + rows([f"{a:.4f}(9)" for a in ANGLE], HEIGHT, form="{}"),
        None,
    ),
    "UTF-16": (("2theta I\n" + PAIRS).encode("utf-16"), None),
    "UTF-16 without a mark": (("2theta I\n" + PAIRS).encode("utf-16-le"), None),
    "cp1252": (
        ("2\u03b8".replace("\u03b8", "theta") + " (\u00b0)\n").encode("cp1252") + PAIRS.encode(),
        None,
    ),
    "old Macintosh": (PAIRS.replace("\n", "\r"), "2theta"),
}


@pytest.mark.parametrize("kind", LISTS)
def test_every_list_means_the_same_peaks(tmp_path, kind):
    content, unit = LISTS[kind]
    needs = kind in ("CHI", "JCAMP peaks") or unit == "2theta" or "heta" in kind or "cp" in kind
    wavelength = CU if needs or "UTF" in kind else None
    read = readers.read(write(tmp_path, content), unit, wavelength)
    assert isinstance(read, Peaks)
    np.testing.assert_allclose(read.d, D, rtol=2e-4)
    if kind not in (
        "one line",
        "three lines",
        "2pi/d",
        "TREOR",
        "DICVOL",
        "TOPAS",
        "TOPAS d",
        "cp1252",
    ):
        np.testing.assert_allclose(read.intensity, HEIGHT)


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


COUNTS = "\n".join(" ".join(f"{y:.0f}" for y in Y[k : k + 10]) for k in range(0, len(Y), 10))
STEPS = f"{X[0]} 0.05 {X[-1]}"
N = len(X)
XML = "http://www.xrdml.com/XRDMeasurement/1.6"


def bruker():
    head = bytearray(712 + 304)
    head[:7] = b"RAW1.01"
    struct.pack_into("<i", head, 12, 1)
    struct.pack_into("<d", head, 624, CU)
    struct.pack_into("<ii", head, 712, 304, N)
    struct.pack_into("<d", head, 712 + 16, X[0])
    struct.pack_into("<d", head, 712 + 176, 0.05)
    return bytes(head) + Y.astype("<f4").tobytes()


def brml():
    data = "".join(f"<Datum>1,1,{x},{x / 2},{y:.0f}</Datum>" for x, y in zip(X, Y))
    axes = "".join(
        f'<ScanAxisInfo AxisId="{axis}"><Start>{X[0] * share}</Start></ScanAxisInfo>'
        for axis, share in (("TwoTheta", 1), ("Theta", 0.5))
    )
    text = f"<RawData><DataRoutes><DataRoute>{axes}{data}</DataRoute></DataRoutes>"
    text += f'<WaveLengthAlpha1 Value="{CU}"/></RawData>'
    return _zip({"Experiment0/RawData0.xml": text, "Experiment0/DataContainer.xml": "<a/>"})


def _zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def fixed(values, form):
    cells = [form.format(value) for value in values]
    return "\n".join("".join(cells[k : k + 10]) for k in range(0, len(cells), 10)) + "\n"


BANK = f"title{'':75}\nBANK 1 {N} {N // 10 + 1} CONST {X[0] * 100:.3f} 5.000 0 0"
PATTERNS = {
    "xye": rows(X, Y, np.sqrt(Y)),
    "xye with a heading": "#  2theta intensity   su\n" + rows(X, Y, np.sqrt(Y)),
    "unequal steps": rows(X + 0.004 * np.sin(np.arange(N)), Y),
    "few rows": rows(X[:300], Y[:300]),
    "GSAS STD": f"{BANK} STD\n" + fixed(Y, "{:8.0f}"),
    "GSAS ESD": f"{BANK} ESD\n" + fixed(np.ravel([Y, np.sqrt(Y)], "F"), "{:8.1f}"),
    "GSAS FXYE": f"title\nBANK 1 {N} {N} CONS 1500 5 0 0 FXYE\n"
    + rows(X * 100, Y, np.sqrt(Y), join=" "),
    "FOX": f"{STEPS} barite\n{COUNTS}\n",
    "PSI": f"DMC, barite\nlambda= {CU}, T= 300\n{STEPS} 5000.\n{COUNTS}\n{COUNTS}\n",
    "JCAMP": f"##TITLE=a\n##JCAMP-DX=5\n##XUNITS=2THETA\n##FIRSTX={X[0]}\n"
    f"##LASTX={X[-1]}\n##NPOINTS={N}\n"
    "##YFACTOR=1\n##XYDATA=(X++(Y..Y))\n"
    + "\n".join(f"{X[k]} " + " ".join(f"{y:.0f}" for y in Y[k : k + 8]) for k in range(0, N, 8))
    + "\n##END=\n",
    "UXD": f"; a\n_FILEVERSION=2\n_WL1={CU}\n_DRIVE='COUPLED'\n_2THETACOUNTS\n" + rows(X, Y),
    "UXD counts": f"_FILEVERSION=2\n_WL1={CU}\n_STEPSIZE=0.05\n_START={X[0]}\n_COUNTS\n{COUNTS}\n",
    "RAS": f'*RAS_DATA_START\n*RAS_HEADER_START\n*HW_XG_WAVE_LENGTH_ALPHA1 "{CU}"\n'
    '*MEAS_SCAN_AXIS_X "2-Theta"\n*RAS_HEADER_END\n*RAS_INT_START\n'
    + rows(X, Y / 2, 2 * np.ones(N), join=" ")
    + "*RAS_INT_END\n*RAS_DATA_END\n",
    "ASC": f"*TYPE = Raw\n*CLASS = Standard\n*SCAN_AXIS = 2theta/theta\n*WAVE_LENGTH1 = {CU}\n"
    f"*BEGIN\n*START = {X[0]}\n*STOP = {X[-1]}\n*STEP = 0.05\n*COUNT = {N}\n"
    + COUNTS.replace(" ", ", ")
    + "\n*END\n*EOF\n",
    "XRDML": f'<?xml version="1.0" encoding="UTF-8"?><xrdMeasurements xmlns="{XML}">'
    f"<xrdMeasurement><usedWavelength><kAlpha1>{CU}</kAlpha1></usedWavelength><scan><dataPoints>"
    f'<positions axis="2Theta"><startPosition>{X[0]}</startPosition>'
    f"<endPosition>{X[-1]}</endPosition></positions><intensities>{COUNTS}</intensities></dataPoints></scan>"
    "</xrdMeasurement></xrdMeasurements>",
    "pdCIF": f"data_a\n_diffrn_radiation_wavelength {CU}\n_pd_meas_2theta_range_min {X[0]}\n"
    f"_pd_meas_2theta_range_max {X[-1]}\nloop_\n_pd_meas_counts_total\n" + rows(Y),
    "CPI": f"SIETRONICS XRD SCAN\n{X[0]}\n{X[-1]}\n0.05\nCu\n{CU}\na\nb\nc\nSCANDATA\n" + rows(Y),
    "RASX": _zip({
        "Data0/Profile0.txt": rows(X, Y, np.ones(N)),
        "Data0/MesurementConditions0.xml": f"<A><WavelengthKalpha1>{CU}</WavelengthKalpha1></A>",
    }),
    "BRML": brml(),
    "Bruker RAW": bruker(),
}  # fmt: skip


@pytest.mark.parametrize("kind", PATTERNS)
def test_every_pattern_means_the_same_counts(tmp_path, kind):
    read = readers.read(write(tmp_path, PATTERNS[kind]), None if "X" in kind else "2theta", CU)
    assert isinstance(read, Pattern)
    n = 300 if kind == "few rows" else N
    np.testing.assert_allclose(read.two_theta, X[:n], atol=6e-3)
    np.testing.assert_allclose(read.intensity, Y[:n], atol=0.06)


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
    "thousands": (rows(ANGLE, [f"{1000 + h:,.1f}" for h in HEIGHT], form="{}"), "group thousands"),
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
    "TREOR squares": (LISTS["TREOR"][0].replace("CHOICE=3", "CHOICE=2"), "CHOICE=2"),
    "STOE": (b"RAW_1.06Powdat" + bytes(400), "STOE RAW.*WinXPOW"),
    "Bruker RAW 2": (b"RAW2" + bytes(400), "Bruker RAW 2.*export"),
    "Bruker RAW cut off": (bruker()[:2000], "cut off"),
    "Philips": (b"V3RD" + bytes(400), "Philips"),
    "gzip": (b"\x1f\x8b" + bytes(40), "gzip archive.*unpack"),
    "HDF5": (b"\x89HDF\r\n" + bytes(40), "HDF5"),
    "PDF": (b"%PDF-1.4 a", "PDF"),
    "Excel": (_zip({"xl/workbook.xml": "a"}), "Excel workbook; save its sheet as CSV"),
    "zip": (_zip({"a.xy": PATTERNS["xye"]}), "unpack it"),
    "zip outside its folder": (_zip({"../Profile0.txt": "a"}), "outside its folder"),
    "zip bomb": (_zip({"Data0/Profile0.txt": "1 " * 2_000_000}), "would unpack to"),
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
    found = columns._number(text)
    assert found == (pytest.approx(value), sigma and pytest.approx(sigma))


def test_names_are_printable():
    assert opening.printable("a\x1b[31m\n.txt") == "a?[31m?.txt"
