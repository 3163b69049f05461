"""The command ``python -m ddi index``: arguments, batches of files, and exit codes.

Nothing heavy is imported before something is indexed, so that ``--help`` is instant.
"""

import atexit
import contextlib
import gc
import glob
import importlib
import os
import sys
import traceback
import warnings
from pathlib import Path

from ddi.base.errors import DDIError
from ddi.index import options
from ddi.index.outputs import STREAM, Outputs
from ddi.index.typed import program

EPILOG = """\
examples:
  ddi index peaks.txt --unit d                       d spacings in Angstrom, one a line
  ddi index scan.xy --wavelength 1.5406 --plot fit.png
  ddi index list.csv --unit 2theta --wavelength 1.5406 --json cells.json --export cell.cif
  ddi index scan.xy --wavelength CuKa --without 'cF 5.4309' --foreign 3    silicon was added
  ddi index scan.xy --wavelength CuKa --like 'oP 8.88 5.457 7.157'         an isotypic compound
  ddi index scan.xy --wavelength CuKa --formula 'CaSO4.2H2O' --density 2.32
  ddi index folder/ '*.xy' --json all.jsonl --csv all.csv      one JSON object a line
  sort -n d.txt | ddi index - --unit d --json - | jq .cells[0]

exit codes:
  0 every file has a convincing cell (probability 0.5 or more)
  1 something unforeseen happened to a file (please report it)
  2 a file or an option was refused; the message says what to type
  3 all files were indexed, at least one without a convincing cell
  130 stopped by Ctrl-C; what was done is written
"""
NOT_CONVINCING = 3
STOPPED = 130


def add_arguments(parser):
    """Add what ``ddi index`` understands to an argparse parser."""
    reading = parser.add_argument_group("what is read")
    reading.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="peak lists or measured patterns, folders, patterns of names; - for standard input",
    )
    reading.add_argument(
        "--unit",
        choices=["d", "q", "q2", "q2pi", "2theta"],
        help="of the positions, if the file does not say it; q is 1/d, q2pi is 2 pi/d",
    )
    reading.add_argument(
        "--wavelength",
        metavar="A",
        help="in Angstrom, or CuKa1, MoKa, '12.4 keV'; needed for 2theta and for a zero shift",
    )
    reading.add_argument(
        "--radiation",
        choices=["xray", "monochromatic", "synchrotron", "neutron"],
        help="only a tube (xray, the default) has a K-alpha2 line",
    )
    reading.add_argument("--max-bytes", type=int, metavar="N", help="larger files are refused")
    options.add_known(parser.add_argument_group("what is known of the sample"))
    _add_search(parser.add_argument_group("how it is searched"))
    _add_outputs(parser.add_argument_group("what is written"))


def _add_search(group):
    group.add_argument(
        "--lattice",
        nargs="+",
        default=["all"],
        metavar="NAME",
        help="all, or lattice systems and Bravais lattices (monoclinic oP ...)",
    )
    group.add_argument(
        "--n-peaks",
        type=int,
        default=20,
        metavar="N",
        help="first peaks that search; more verify (default 20)",
    )
    group.add_argument(
        "--max-volume",
        type=float,
        metavar="V",
        help="of the primitive cell in A^3 (default: from the lines)",
    )
    group.add_argument(
        "--time", type=float, metavar="S", help="seconds after which no further lattice is begun"
    )
    group.add_argument(
        "--zero-shift",
        default="fit",
        metavar="fit|none|DEGREES",
        help="fitted by default, as of Cu K-alpha where no wavelength is known; from 0.5 on: "
        "--zero-shift 0.5",
    )
    group.add_argument(
        "--zero-fixed", action="store_true", help="the number of --zero-shift is not refined"
    )
    group.add_argument(
        "--jobs", dest="n_jobs", type=int, default=2, metavar="N", help="threads (default 2)"
    )
    group.add_argument("--seed", type=int, default=0, metavar="N")


def _add_outputs(group):
    group.add_argument(
        "--json", metavar="OUT", help="the result; for several files one object a line"
    )
    group.add_argument("--csv", metavar="OUT", help="the table of cells")
    group.add_argument(
        "--plot", metavar="OUT", help="a figure, .png, .pdf or .svg; for several files one each"
    )
    group.add_argument(
        "--sqrt", action="store_true", help="square root of the figure's intensities"
    )
    group.add_argument(
        "--export",
        nargs="+",
        default=[],
        metavar="OUT",
        help="the first cell for a refinement: .cif, .pcr (FullProf), .inp (TOPAS), "
        ".instprm and .pkslst (GSAS-II)",
    )
    group.add_argument("--verbose", action="store_true", help="say how errors came about")


def main(args):
    """Index the files of parsed arguments; return the exit code, see `EPILOG`."""
    names, lattice = _sorted_out(args.files, args.lattice)
    files = _expanded(names)
    if not files:
        raise DDIError(f"no file named; type: {program()} index FILE --unit d")
    if os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0"):
        raise DDIError(
            "NUMBA_DISABLE_JIT is set, so nothing is compiled and a search would take hours; "
            "type: unset NUMBA_DISABLE_JIT"
        )
    many = len(files) > 1
    scale = "sqrt" if args.sqrt else "linear"
    outputs = Outputs(args.json, args.csv, args.plot, args.export, many, scale)
    codes = set()
    try:
        for number, file in enumerate(files, 1):
            codes.add(_one(file, number, lattice, args, outputs))
    except KeyboardInterrupt:
        done = number - 1
        print(f"ddi: stopped; {done} of {len(files)} files are done and written", file=sys.stderr)
        return STOPPED
    return next(code for code in (1, 2, NOT_CONVINCING, 0) if code in codes)


def _sorted_out(files, lattice):
    """Files that ``--lattice`` swallowed, because it takes several names, go back to the files."""
    named = [name for name in lattice if not Path(name).exists() and not Path(name).suffix]
    return [*files, *(name for name in lattice if name not in named)], named or "all"


def _expanded(names):
    """Folders become the files in them, patterns the files that they match (for shells that leave
    them alone).
    """
    files = []
    for name in names:
        path = Path(name)
        if name != STREAM and path.is_dir():
            found = [entry for entry in path.iterdir() if _is_plain(entry)]
        elif name != STREAM and glob.has_magic(name) and not path.exists():
            found = [Path(entry) for entry in glob.glob(name) if _is_plain(Path(entry))]
        else:
            found = [name]
        if not found:
            raise DDIError(f"{name}: there is no file there; name a file, a folder or a pattern")
        files += sorted(map(str, found))
    return files


def _is_plain(path):
    return path.is_file() and not path.name.startswith(".")


def _one(file, number, lattice, args, outputs):
    """Index one file, write, then print; return its exit code."""
    result = None
    try:
        with _status(file):
            result = _indexed(file, lattice, args)
        entry = {"file": file, **(result.to_dict() if args.json else {})}
        code = 0 if result.convinces else NOT_CONVINCING
    except DDIError as error:
        entry = {"file": file, "error": str(error)}
        code = 2
    except Exception as error:  # one file must not cost the results of the others
        said = f"unforeseen {type(error).__name__}: {error}; please report it with the file"
        entry = {"file": file, "error": f"{file}: {said}"}
        code = 1
    if code in (1, 2) and args.verbose:
        traceback.print_exc()
    outputs.write(number, file, entry, result)
    if result is None:
        print(f"ddi: {entry['error']}", file=sys.stderr)
    else:
        result.print(console=_console(stderr=STREAM in (args.json, args.csv)))
    return code


def _imported():
    """`index_peaks`; what its import makes stays out of the garbage collector's way, which saves a
    tenth of the start, and so does everything when the process ends, which saves a tenth of a
    second: the system takes it all back at once. The first call leaves the collector off, because
    numba makes itself ready in the first file, which lasts.
    """
    is_first = "ddi.index.api" not in sys.modules
    if is_first:
        # of spglib to programmers, at each call; PYTHONWARNINGS=error would make it an exception
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        gc.disable()
    from ddi.index.api import index_peaks

    if is_first:
        _ready_without(_BLAS)
        atexit.register(gc.freeze)
        gc.freeze()  # not later: what a batch leaves behind must be collected
    return index_peaks


_BLAS = "scipy.linalg.cython_blas"


def _ready_without(name):
    """Let numba read its array functions without scipy.linalg, which takes as long as themselves.
    They look for it to know how np.convolve is best compiled, which nothing here calls.
    """
    if name in sys.modules:
        return
    sys.modules[name] = None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[name]


def _indexed(file, lattice, args):
    index_peaks = _imported()
    try:
        return index_peaks(file, lattice=lattice, **options.chosen(args))
    finally:
        gc.enable()


def _console(stderr=False):
    from rich.console import Console

    return Console(stderr=stderr)


def _status(file):
    """A line that says what goes on, where somebody watches."""
    if not sys.stderr.isatty():
        return contextlib.nullcontext()
    from rich.markup import escape

    return _console(stderr=True).status(
        f"indexing {escape(file)} (the first time on a machine compiles for some ten seconds)"
    )
