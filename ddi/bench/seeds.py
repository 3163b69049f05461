"""Small valid files of every format, made here: what tests read and what the fuzz bench mutates.

All hold ten lines of barite, as a list (`LISTS`: content and the unit that it does not say) or as
counts (`PATTERNS`).
"""

import io
import zipfile

import numpy as np

from ddi.bench.binary_seeds import philips, raw1, raw2, raw101

CU = 1.540593
D = np.array([5.5635, 4.4342, 4.3322, 3.8954, 3.5743, 3.4411, 3.1018, 2.8331, 2.7848, 2.1210])
ANGLE = np.degrees(2 * np.arcsin(CU / 2 / D)).round(4)
HEIGHT = np.array([52.0, 9, 10, 18, 12, 11, 5, 13, 9, 80])
X = np.round(np.arange(15, 45, 0.05), 2)
Y = (50 + sum(900 * np.exp(-0.5 * ((X - angle) / 0.06) ** 2) for angle in ANGLE)).round()


def rows(*columns, join="\t", form="{:.4f}"):
    """Lines of numbers."""
    return "\n".join(join.join(form.format(value) for value in row) for row in zip(*columns)) + "\n"


def _each(form):
    """A line for each peak: 2theta, d, a hundredfold height, number, height."""
    columns = zip(ANGLE, D, 100 * HEIGHT, range(1, 11), HEIGHT)
    return "".join(form.format(*column) + "\n" for column in columns)


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
    "plus or minus": (rows([f"{a:.4f} +/- 0.0012" for a in ANGLE], HEIGHT, form="{}"), "2theta"),
    "Match!": ("2theta [\u00b0]\td [\u00c5]\tI/I0 (peak height)\n" + rows(ANGLE, D, HEIGHT), None),
    "EVA": ("Caption Angle d Value Net Intensity\n" + rows(ANGLE, ANGLE, D, HEIGHT), None),
    "a title": ("barite, twice ground\nCu tube\n" + PAIRS, "2theta"),
    "TREOR without a title": (rows(ANGLE) + f"\nWAVE={CU},\nCHOICE=3,\nEND*\n", None),
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
    "UTF-8 with a mark": (("\ufeff2theta I\n" + PAIRS).encode(), "2theta"),
    "UTF-16, big end first": (("\ufeff2theta I\n" + PAIRS).encode("utf-16-be"), "2theta"),
    "Ctrl-Z": ("2theta I\n" + PAIRS + "\x1a", "2theta"),
    "Fortran": (rows([f"{a / 100:.6f}D+02" for a in ANGLE], HEIGHT, form="{}"), "2theta"),
    "decimal comma and brackets": (
        rows([f"{a:.4f}(12)".replace(".", ",") for a in ANGLE], HEIGHT.astype(int), form="{}"),
        "2theta",
    ),
    "quoted thousands": ("2theta,I\n" + _each('{0},"{2:,.1f}"'), "2theta"),
    "thousands in blanks": ("2theta\tI\n" + _each("{0}\t{2:,.0f}").replace(",", " "), "2theta"),
    "thousands in thin blanks": (_each("{0}\t{2:,.0f}").replace(",", "\u202f"), "2theta"),
    "radians": ("2theta (rad), I\n" + rows(np.radians(ANGLE), HEIGHT, form="{:.6f}"), "2theta"),
    "marks of doubt": (PAIRS.replace("\t10.", "*\t10.").replace("\t5.", "?  5."), "2theta"),
    "degrees and Angstrom": (
        "Index\tAngle\td Value\tNet Intensity\tRel. Intensity\n"
        + _each("{3}\t{0} \u00b0\t{1} \u00c5\t{4}\t{4} %"),
        None,
    ),
    "EVA captions": (
        "Caption\tAngle\td value\tIntensity\tIntensity %\n\t2-Theta \u00b0\tAngstrom\tCount\t%\n"
        + _each("d={1}\t{0}\t{1}\t{4}\t{4}"),
        None,
    ),
    "EVA in German": (
        "Caption;Angle;d Value;Net Intensity\n"
        + _each("Peak #{3};{0} \u00b0;{1} \u00c5;{4}").replace(".", ","),
        None,
    ),
    "Match! with phases": (
        "No.\t2theta [\u00b0]\td [\u00c5]\tI/I0 (peak height)\tFWHM\tMatched\n"
        + _each("{3}\t{0}\t{1}\t{4}\t0.14\tA,B"),
        None,
    ),
    "Jade, with limits": (
        "#\t2-Theta\td(\u00c5)\tBG\tHeight\tArea\n" + _each("{3}\t{0}\t{1}\t12\t{4}\t<1000"),
        None,
    ),
    "DICVOL, explained": (
        f"title\n10 2 1 1 1 1 0 0   N, ITYPE\n25. 25. 25. 0. 2500. 0. 0.\n{CU} 0. 0. 0.\n"
        "0.03 10. 1 0 0\n" + rows(ANGLE),
        None,
    ),
}


COUNTS = "\n".join(" ".join(f"{y:.0f}" for y in Y[k : k + 10]) for k in range(0, len(Y), 10))
STEPS = f"{X[0]} 0.05 {X[-1]}"
N = len(X)
XML = "http://www.xrdml.com/XRDMeasurement/1.6"


def brml():
    """A Bruker BRML archive."""
    data = "".join(f"<Datum>1,1,{x},{x / 2},{y:.0f}</Datum>" for x, y in zip(X, Y))
    axes = "".join(
        f'<ScanAxisInfo AxisId="{axis}"><Start>{X[0] * share}</Start></ScanAxisInfo>'
        for axis, share in (("TwoTheta", 1), ("Theta", 0.5))
    )
    text = f"<RawData><DataRoutes><DataRoute>{axes}{data}</DataRoute></DataRoutes>"
    text += f'<WaveLengthAlpha1 Value="{CU}"/></RawData>'
    return zipped({"Experiment0/RawData0.xml": text, "Experiment0/DataContainer.xml": "<a/>"})


def workbook():
    """An Excel workbook with one sheet, as few of its parts as Excel opens."""
    main, office = (f"http://schemas.openxmlformats.org/{kind}" for kind in (
        "spreadsheetml/2006/main", "officeDocument/2006/relationships"))  # fmt: skip
    table = [("Angle", "Intensity"), *zip(X, Y)]
    cells = "".join("<row>" + "".join(map(_cell, row)) + "</row>" for row in table)
    kind = 'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml'
    parts = f'<Override PartName="/xl/workbook.xml" {kind}.sheet.main+xml"/>'
    parts += f'<Override PartName="/xl/a.xml" {kind}.worksheet+xml"/>'
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    link = f'<Relationship Id="r1" Type="{office}/worksheet" Target="a.xml"/>'
    return zipped({
        "[Content_Types].xml": f'<Types xmlns="{types}">{parts}</Types>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Scan" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}">{link}</Relationships>',
        "xl/a.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    })  # fmt: skip


def _cell(value):
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def zipped(members):
    """A zip archive of texts by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def fixed(values, form):
    """Ten values a line in columns of fixed width."""
    cells = [form.format(value) for value in values]
    return "\n".join("".join(cells[k : k + 10]) for k in range(0, len(cells), 10)) + "\n"


def _detectors():
    """Pairs of a number of detectors and their mean counts, as ILL writes them."""
    return fixed(Y, " 7{:6.0f}") + "   -1000\n  -10000\n"


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
    "GSAS STD of several detectors": f"{BANK} STD\n"
    + "".join(f"{3 + k // 300:2d}{y:6.0f}" + "\n" * (k % 10 == 9) for k, y in enumerate(Y)),
    "ILL D2B": f"D2B, barite\n   1   1   0.05000\n   {X[0]}\n 100000.  0.\n" + _detectors(),
    "ILL D1A": f"{STEPS}\n" + _detectors(),
    "MDI": f"barite\n {X[0]} 0.05 1.0 CU {CU} {X[-1]} {N}\n{COUNTS}\n",
    "DASH": f"{CU}\n" + rows(X, Y, np.sqrt(Y), join=" "),
    "FullProf PRF": f"barite CELL 8 5 7\n 1 {N} {CU} 0 0\n 2Theta\tYobs\tYcal\tBackg\n"
    + rows(X, Y, Y + 1, 0 * Y),
    "thousands between tabs": "2theta\tI\n" + "".join(f"{x}\t{y:,.0f}\n" for x, y in zip(X, Y)),
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
    f"<endPosition>{X[-1]}</endPosition></positions>"
    f"<intensities>{COUNTS}</intensities></dataPoints></scan>"
    "</xrdMeasurement></xrdMeasurements>",
    "pdCIF": f"data_a\n_diffrn_radiation_wavelength {CU}\n_pd_meas_2theta_range_min {X[0]}\n"
    f"_pd_meas_2theta_range_max {X[-1]}\nloop_\n_pd_meas_counts_total\n" + rows(Y),
    "UDF": f"SampleIdent,a,/\nLabdaAlpha1, {CU},/\nDataAngleRange, {X[0]}, {X[-1]},/\n"
    f"ScanStepSize, 0.05,/\nRawScan\n{COUNTS.replace(' ', ', ')}/\n",
    "HighScore CSV": f"[Measurement conditions]\nK-Alpha1 wavelength,{CU}\nScan axis,Gonio\n"
    "[Scan points]\nAngle,Intensity\n"
    + rows(X, Y, join=","),
    "DIFFRAC text": "[Data]\nAngle, Det1Disc1\n" + rows(X, Y, join=", "),
    "FullProf with INTER": "XYDATA\nINTER  1.0 1.0 2\nTEMP 300\n! a\n" + rows(X, Y, np.sqrt(Y)),
    "CPI": f"SIETRONICS XRD SCAN\n{X[0]}\n{X[-1]}\n0.05\nCu\n{CU}\na\nb\nc\nSCANDATA\n" + rows(Y),
    "RASX": zipped({
        "Data0/Profile0.txt": rows(X, Y, np.ones(N)),
        "Data0/MesurementConditions0.xml": f"<A><WavelengthKalpha1>{CU}</WavelengthKalpha1></A>",
    }),
    "BRML": brml(),
    "Excel": workbook(),
    "Bruker RAW": raw101(X, Y),
    "Bruker RAW 1": raw1(X, Y),
    "Bruker RAW 2": raw2(X, Y),
    "Philips RD": philips(X, Y),
    "Philips SD": philips(X, Y, 5),
}  # fmt: skip
