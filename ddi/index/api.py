"""Index a pattern, in Python (`index_peaks`) or from the command line (``python -m ddi index``).

Heavy imports wait until something is indexed, so that ``--help`` is instant.
"""

import json
import os
import sys
import time as clock
from pathlib import Path

from ddi.base.errors import DDIError


def index_peaks(
    peaks,
    *,
    unit=None,
    wavelength=None,
    lattice="all",
    n_peaks=20,
    max_volume=None,
    time=None,
    zero_shift="fit",
    n_jobs=2,
    seed=0,
    **search,
):
    """Find the unit cell of a powder pattern.

    Parameters
    ----------
    peaks : str, Path, ddi.index.peaks.Peaks or array_like of shape (n,)
        A file, peaks already read, or positions.
    unit : {"d", "q", "q2", "2theta"}, optional
        Of a file that does not say it, or of an array; an array without a unit must be q2 = 1/d^2
        in A^-2.
    wavelength : float, optional
        In Angstrom; needed for 2theta, and for a zero shift.
    lattice : "all", str or sequence of str
        Lattice systems and Bravais lattices, also as text with commas.
    n_peaks : int
        How many of the first peaks search; up to 40 verify.
    max_volume : float, optional
        Of the primitive cell, in A^3.
    time : float, optional
        Seconds.
    zero_shift : "fit", "none", None or float
        Degrees 2theta; a number is taken off and kept.
    n_jobs, seed : int
    **search
        Handed to `ddi.index.search.run`.

    Returns
    -------
    ddi.index.result.Result

    Raises
    ------
    DDIError
        If the peaks cannot be read or an option makes no sense.

    Examples
    --------
    >>> result = index_peaks("quartz.txt", unit="2theta", wavelength=1.540593)   # doctest: +SKIP
    >>> result.cells.head(), result.hkl(1), result.message                        # doctest: +SKIP
    """
    from ddi.index import result
    from ddi.index import search as engine

    symbols = _symbols(lattice)
    shift = _zero_shift(zero_shift)
    _check_limits(n_peaks=n_peaks, max_volume=max_volume, time=time, n_jobs=n_jobs)
    peaks = _peaks(peaks, unit, wavelength)
    started = clock.perf_counter()
    first = lambda array: None if array is None else array[: max(n_peaks, engine.MAX_VERIFY)]  # noqa: E731
    table = engine.run(
        first(peaks.q2),
        first(peaks.sigma_q2),
        intensities=first(peaks.intensity),
        wavelength=peaks.wavelength,
        bravais=symbols,
        max_volume=max_volume,
        time_budget=time,
        zero_shift=shift,
        n_peaks=n_peaks,
        n_jobs=n_jobs,
        seed=seed,
        faint=peaks.faint,
        **search,
    )
    limits = {
        "lattice": "all" if symbols is None else ",".join(symbols),
        "n_peaks": min(n_peaks, len(peaks)),
        "max_volume": float(max_volume or engine.MAX_VOLUME),
        "time": time,
        "zero_shift": ("fit" if peaks.wavelength else "none (no wavelength)")
        if shift == "fit"
        else "none"
        if shift is None
        else shift,
        "seed": seed,
    }
    return result.make(table, peaks, clock.perf_counter() - started, limits)


def _peaks(peaks, unit, wavelength):
    import numpy as np

    from ddi.index import peaks as peaklist
    from ddi.index import readers

    if isinstance(peaks, peaklist.Peaks):
        return peaks
    if isinstance(peaks, (str, os.PathLike)):
        return readers.read(peaks, unit, wavelength)
    if unit is None:
        values = np.asarray(peaks, dtype=float)
        if values.size and (np.nanmax(values) > 3 or np.all(np.diff(values) < 0)):
            raise DDIError(
                f"an array without a unit must be q2 = 1/d^2 in A^-2, and {values.flat[0]:g} ... is not; add unit='d', 'q', 'q2' or '2theta'"
            )
    return peaklist.from_values(peaks, unit or "q2", wavelength, source="array")


def _symbols(lattice):
    """The named lattice systems and Bravais lattices, or None for all."""
    from ddi.index import search

    names = (
        lattice.replace(",", " ").split()
        if isinstance(lattice, str)
        else [name for part in lattice or () for name in part.replace(",", " ").split()]
    )
    if not names or names == ["all"]:
        return None
    return search.chosen(names)


def _zero_shift(value):
    if value in ("fit", None):
        return value
    if value == "none":
        return None
    try:
        shift = float(value)
    except (TypeError, ValueError):
        shift = 9.0
    if not abs(shift) < 2:
        raise DDIError(
            f"zero shift '{value}' is not understood; use fit, none, or a number of degrees 2theta between -2 and 2"
        )
    return shift


def _check_limits(n_peaks, max_volume, time, n_jobs):
    for name, value, least in (
        ("--n-peaks", n_peaks, 6),
        ("--max-volume", max_volume, 10),
        ("--time", time, 0.01),
        ("--jobs", n_jobs, 1),
    ):
        if value is not None and not (value >= least and value < 1e9):
            raise DDIError(f"{name} {value} makes no sense; it must be {least} or more")


def add_arguments(parser):
    """Add what ``python -m ddi index`` understands to an argparse parser."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="peak lists (text, CSV, .npy, .pkslst) or patterns (.xy, RRUFF)",
    )
    parser.add_argument(
        "--unit",
        choices=["d", "q", "q2", "2theta"],
        help="of the positions, if the file does not say it; q is 1/d",
    )
    parser.add_argument(
        "--wavelength",
        type=float,
        metavar="A",
        help="in Angstrom; needed for 2theta and for a zero shift",
    )
    parser.add_argument(
        "--lattice",
        nargs="+",
        default=["all"],
        metavar="NAME",
        help="all, or lattice systems and Bravais lattices (monoclinic oP ...)",
    )
    parser.add_argument(
        "--n-peaks",
        type=int,
        default=20,
        metavar="N",
        help="first peaks that search; more verify (default 20)",
    )
    parser.add_argument(
        "--max-volume", type=float, metavar="V", help="of the primitive cell in A^3"
    )
    parser.add_argument(
        "--time", type=float, metavar="S", help="seconds after which no further lattice is begun"
    )
    parser.add_argument(
        "--zero-shift",
        default="fit",
        metavar="fit|none|DEGREES",
        help="fitted by default, if the wavelength is known",
    )
    parser.add_argument(
        "--json", metavar="OUT", help="write the result, or for several files the list of results"
    )
    parser.add_argument(
        "--plot",
        metavar="OUT",
        help="write a figure, .png or .pdf; one a file, named after it, for several files",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="threads (default 2)")
    parser.add_argument("--seed", type=int, default=0, metavar="N")


def main(args):
    """Index the files of parsed arguments; return 0, or 2 if any of them could not be indexed.

    Several files make one JSON list in their order; a bad one has an ``error`` there and does not
    stop the others.
    """
    files, lattice = _sorted_out(args.files, args.lattice)
    if not files:
        raise DDIError("no file named; type: python -m ddi index FILE --unit d")
    _symbols(lattice), _zero_shift(args.zero_shift)
    for path in filter(None, (args.json, args.plot)):
        _check_output(path)
    _check_figure(args.plot)
    entries = [
        _one(file, lattice, args, many=len(files) > 1, number=k) for k, file in enumerate(files)
    ]
    good = [entry for entry in entries if "error" not in entry]
    if args.json and good:
        _write_json(args.json, entries if len(files) > 1 else entries[0])
    return 0 if len(good) == len(files) else 2


def _sorted_out(files, lattice):
    """Files that ``--lattice`` swallowed, because it takes several names, go back to the files."""
    known = lambda name: not Path(name).exists() and not Path(name).suffix  # noqa: E731
    return [*files, *(name for name in lattice if not known(name))], [
        name for name in lattice if known(name)
    ] or "all"


def _one(file, lattice, args, many, number):
    try:
        result = index_peaks(
            file,
            unit=args.unit,
            wavelength=args.wavelength,
            lattice=lattice,
            n_peaks=args.n_peaks,
            max_volume=args.max_volume,
            time=args.time,
            zero_shift=args.zero_shift,
            n_jobs=args.jobs,
            seed=args.seed,
        )
        result.print()
        if args.plot:
            result.plot(_plot_name(args.plot, file, number) if many else args.plot)
    except DDIError as error:
        print(f"ddi: {error}", file=sys.stderr)
        return {"file": str(file), "error": str(error)}
    return {"file": str(file), **result.to_dict()}


def _plot_name(out, file, number):
    out = Path(out)
    return out.with_name(f"{out.stem}_{number + 1}_{Path(file).stem}{out.suffix}")


def _check_output(path):
    """Refuse an output that cannot be written, before anything is computed."""
    path = Path(path).absolute()
    above = next(parent for parent in path.parents if parent.exists())
    if (
        path.is_dir()
        or not above.is_dir()
        or not os.access(above, os.W_OK)
        or (path.exists() and not os.access(path, os.W_OK))
    ):
        raise DDIError(f"cannot write {path}; name a file in a folder that is writable")


def _check_figure(path):
    from matplotlib.backend_bases import FigureCanvasBase

    suffix = Path(path or "x.png").suffix
    if suffix[1:] not in FigureCanvasBase.get_supported_filetypes():
        raise DDIError(f"{path}: no figure ends in '{suffix}'; use .png, .pdf or .svg")


def _write_json(path, content):
    from ddi.base.files import atomic

    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
