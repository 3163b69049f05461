"""The table of formats, and `read`, which goes through it."""

import importlib
import re
from typing import NamedTuple

from ddi.base.errors import DDIError
from ddi.index.peaks import Peaks, check_options
from ddi.index.readers.found import as_result
from ddi.index.readers.opening import MAX_BYTES, open_input
from ddi.index.typed import program

__all__ = ["FORMATS", "MAX_BYTES", "Format", "formats", "read", "read_peaks"]


class Format(NamedTuple):
    """One format: how it is recognised, and who reads it."""

    name: str
    suffixes: str  # usual ones, for the table
    what: str  # what is read, or what to export instead
    starts: bytes | None = None  # a file that begins so is one: a regular expression
    contains: str | None = None  # regular expression on the first characters of a text
    reader: str | None = None  # "module.function" here; None where the format is only recognised
    by_suffix: bool = False  # whether a suffix alone is enough


FORMATS = (
    Format(
        "NumPy array", ".npy", "positions or columns", b"\x93NUMPY", None, "text.read_npy", True
    ),
    Format("Bruker RAW 1.01", ".raw", "first range", b"RAW1.01", None, "binary.bruker_raw"),
    Format("Bruker RAW 4", ".raw", "by the package geddes", b"RAW4.00", None, "binary.bruker_raw4"),
    Format("STOE RAW", ".raw", "not read: export XY from WinXPOW", b"RAW_1.0"),
    Format("Bruker RAW 2", ".raw", "first range", b"RAW2", None, "binary.bruker_raw2"),
    Format("Bruker RAW 1", ".raw", "first range", rb"RAW [\s\S]{2}\0", None, "binary.bruker_raw1"),
    Format("Rigaku RAW", ".raw", "not read: export RAS or ASC", b"FI\x00"),
    Format("Philips RD or SD", ".rd .sd", "pattern", b"V[35]RD", None, "binary.philips"),
    Format(
        "Zip archive",
        ".brml .rasx .xlsx",
        "BRML, RASX; Excel by openpyxl",
        b"PK\x03\x04",
        None,
        "archives.read_zip",
    ),
    Format("gzip archive", ".gz", "not read: unpack it first", b"\x1f\x8b"),
    Format("xz archive", ".xz", "not read: unpack it first", b"\xfd7zXZ"),
    Format("bzip2 archive", ".bz2", "not read: unpack it first", b"BZh"),
    Format("HDF5 or NeXus", ".h5 .nxs", "not read: export two columns", b"\x89HDF"),
    Format("Excel 97", ".xls", "not read: save its sheet as CSV", b"\xd0\xcf\x11\xe0"),
    Format("PDF", ".pdf", "not read: copy its table into a text", b"%PDF"),
    Format("PNG image", ".png", "not read: export the numbers", b"\x89PNG"),
    Format("JPEG image", ".jpg", "not read: export the numbers", b"\xff\xd8\xff"),
    Format("TIFF image", ".tif", "not read: integrate it first", b"II\\*\x00"),
    Format("TIFF image", ".tif", "not read: integrate it first", b"MM\x00\\*"),
    Format("Parquet", ".parquet", "not read: save as CSV", b"PAR1"),
    Format("PANalytical XRDML", ".xrdml", "scans", None, r"<xrdMeasurement", "vendors.xrdml"),
    Format("Rigaku RAS", ".ras", "first range", None, r"\*RAS_(DATA|HEADER)_START", "vendors.ras"),
    Format("Rigaku ASC", ".asc", "first range", None, r"^\*(TYPE|CLASS)\b", "vendors.rigaku_asc"),
    Format("Bruker UXD", ".uxd", "first range", None, r"^_(FILEVERSION|STEPSIZE)", "vendors.uxd"),
    Format("Philips UDF", ".udf", "pattern", None, r"^[ \t]*RawScan\b", "vendors.udf"),
    Format("Sietronics CPI", ".cpi", "pattern", None, r"\ASIETRONICS", "vendors.cpi"),
    Format(
        "RRUFF, AMCSD DIF", ".dif", "lines of a cell", None, r"2-THETA.*D-SPACING", "inputs.dif"
    ),
    Format("GSAS-II peaks", ".pkslst", "peaks", None, r"\A\s*#GSAS-II", "inputs.gsas_peaks", True),
    Format(
        "GSAS, GSAS-II",
        ".gsa .gss .gda .xra .cwn .fxye",
        "STD, ESD, FXY, FXYE in equal steps; bank 1",
        None,
        r"^BANK\s+\d+\s+\d+",
        "histograms.gsas",
    ),
    Format(
        "JCAMP-DX",
        ".jdx .dx",
        "plain numbers (AFFN)",
        None,
        r"^[ \t]*##[ \t]*(JCAMP|XYDATA|XYPOINTS|PEAK ?TABLE)",
        "histograms.jcamp",
    ),
    Format("JCPDS", ".jcpds", "d and intensities", None, r"^[ \t]*DIHKL", "inputs.jcpds", True),
    Format(
        "pdCIF",
        ".cif .rtv",
        "peaks or pattern",
        None,
        r"^[ \t]*_pd_(meas|proc|peak)",
        "cif.read_pdcif",
    ),
    Format(
        "CIF",
        ".cif .fcf",
        "not read: a structure has no measured peaks",
        None,
        r"^_cell_length_a|\A([^\S\n]*(#.*)?\n)*data_\S*[^\S\n]*\n[\s\S]*^[ \t]*_\w+",
    ),
    Format("TREOR", ".dat", "peaks", None, r"^[ \t]*(CHOICE|WAVE|VOL)\s*=|^END\*", "inputs.treor"),
    Format(
        "TOPAS",
        ".inp",
        "index_th2, index_d, xo_Is, d_Is",
        None,
        r"index_(th2|d)\b|^[ \t]*(xo_Is|d_Is|r_wp|r_exp|xdd)\b",
        "inputs.topas",
    ),
    Format("IGOR text", ".histogramIgor", "PeakSearch's", None, r"\A\s*IGOR\s*$", "inputs.igor"),
    Format("FOX", ".xml", "not read: export its pattern as XY", None, r"<ObjCryst\b"),
    Format("RTF", ".rtf", "not read: save it as plain text", None, r"\A\{\\rtf"),
    Format("FullProf PCR", ".pcr", "not read: name its data file", None, r"\ACOMM\b|^! ?Files =>"),
    Format("GSAS EXP", ".exp", "not read: name its data file", None, r"^ (GNLS|HST +\d+ HFIL) "),
    Format(
        "EXPO input",
        ".exp",
        "not read: name its data file",
        None,
        r"\A%structure[\s\S]{0,3000}^\s*pattern \S+$",
    ),
    Format("SHELX", ".ins .res", "not read: it has no pattern", None, r"\A\s*TITL\b[^\n]*\nCELL\b"),
    Format("VAMAS", ".vms", "not read: a spectrum", None, r"\AVAMAS Surface"),
    Format("EMSA", ".msa", "not read: a spectrum over energy", None, r"\A\s*#FORMAT *: *EMSA"),
    Format("XML", ".xml", "not read: export two columns", None, r"\A\s*<\?xml"),
    Format(
        "HTML",
        ".html .htm",
        "the first table that names a position",
        None,
        r"\A\s*<(!doctype )?html|<tr\b",
        "text.read_html",
    ),
    Format(
        "JSON", ".json", "records or arrays", None, r"\A\s*(\[\s*)?\{\s*\"", "records.read_json"
    ),
    Format("MCA", ".mca", "not read: channels, no angles; export 2theta", None, r"\A<<PMCA"),
    Format("DICVOL", ".dat", "peaks", None, None, "inputs.dicvol"),
    Format("McMaille", ".dat", "peaks", None, None, "inputs.mcmaille"),
    Format("ITO", ".ito", "not read: copy the column of positions", by_suffix=True),
    Format("CRYSFIRE", ".cdt .qdat", "not read: copy the column of positions", by_suffix=True),
    Format("Fit2D or GSAS-II CHI", ".chi", "2theta or q", None, None, "histograms.chi"),
    Format("ILL D1A, D2B", ".dat", "detectors and counts, 10(I2,I6)", None, None, "histograms.ill"),
    Format(
        "FullProf, FOX, PSI",
        ".dat",
        "start, step, end; counts",
        None,
        None,
        "histograms.counts",
    ),
    Format(
        "ILL D1B, D20",
        ".dat",
        "not read: export two columns, 2theta and counts",
        None,
        r"^[ \t]*-1000\.?0*\s*(?:-10000\.?0*\s*)?\Z",
    ),
    Format("MDI text", ".mdi .txt", "pattern", None, None, "histograms.mdi"),
    Format("Columns", ".txt .csv .xy .xye", "peaks or pattern", None, None, "text.read_table"),
)
"""In the order in which they are tried; regular expressions ignore case, and ^ begins a line."""


def formats():
    """Return the table of formats: a tuple of `Format`, the first three fields for people."""
    return FORMATS


def read(path, unit=None, wavelength=None, radiation=None, max_bytes=MAX_BYTES):
    """Read one file of peaks or of a measured pattern.

    Parameters
    ----------
    path : str or Path
        "-" is standard input.
    unit : {"d", "q", "q2", "q2pi", "2theta"}, optional
        Needed where neither the file's format nor a column's name says it. q is 1/d, q2pi is
        2 pi/d.
    wavelength : float or str, optional
        In Angstrom, or as `ddi.index.instrument.as_wavelength` reads it; needed for 2theta unless
        the file gives it.
    radiation : str, optional
        One of `ddi.index.instrument.RADIATIONS`.
    max_bytes : int
        Larger files are refused.

    Returns
    -------
    Peaks or Pattern

    Raises
    ------
    DDIError
        If the file cannot be read, or is no peak list; the message says what was found and what to
        type.
    """
    check_options(unit, wavelength, radiation)
    return parse(open_input(path, max_bytes, unit), wavelength, radiation)


def parse(source, wavelength=None, radiation=None):
    """Read an `Input`; return `Peaks` or a `Pattern`."""
    return as_result(source.name, _found(source), source.unit, wavelength, radiation)


def read_peaks(path, unit=None, wavelength=None, radiation=None, max_bytes=MAX_BYTES):
    """The same, with the peaks of a pattern picked; return `Peaks`."""
    found = read(path, unit, wavelength, radiation, max_bytes)
    return found if isinstance(found, Peaks) else found.peaks()


def _found(source):
    """What the first format that fits makes of a file."""
    text = None
    for entry in FORMATS:
        if entry.starts:
            fits = re.match(entry.starts, source.content, re.S) is not None
        elif entry.by_suffix and source.suffix and source.suffix in entry.suffixes.split():
            fits = True
        elif entry.contains:
            text = source.text[:100_000] if text is None else text
            fits = re.search(entry.contains, text, re.I | re.M) is not None
        else:
            fits = entry.reader is not None
            source.check_lines()
        if not fits:
            continue
        if entry.reader is None:
            raise _only_recognised(source.name, entry)
        found = _call(entry, source)
        if found is not None:
            return found
    raise DDIError(f"{source.name} is in no format known here; type: {program()} formats")


def _call(entry, source):
    module, function = entry.reader.split(".")
    reader = getattr(importlib.import_module(f"ddi.index.readers.{module}"), function)
    return reader(source)


def _only_recognised(name, entry):
    kind = entry.what.removeprefix("not read: ")
    return DDIError(f"{name} is a file of the format {entry.name}, which is not read here: {kind}")
