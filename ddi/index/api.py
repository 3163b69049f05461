"""Index one pattern from Python: `index_peaks`."""

import os
import time as clock
from dataclasses import replace
from functools import partial

import numpy as np

from ddi.base.errors import DDIError
from ddi.index import contents, known_lines, phases, readers, remarks, result, search, similar
from ddi.index import peaks as peaklist
from ddi.index.constants import SEARCH
from ddi.index.instrument import as_wavelength


def index_peaks(
    peaks,
    *,
    unit=None,
    wavelength=None,
    radiation=None,
    max_bytes=None,
    lattice="all",
    n_peaks=20,
    max_volume=None,
    time=None,
    zero_shift="fit",
    zero_fixed=False,
    foreign=None,
    without=None,
    like=None,
    formula=None,
    z=None,
    density=None,
    second_phase=True,
    n_jobs=2,
    seed=0,
    **options,
):
    """Find the unit cell of a powder pattern.

    Parameters
    ----------
    peaks : str, Path, ddi.index.peaks.Peaks or array_like of shape (n,)
        A file, peaks already read, or positions.
    unit : {"d", "q", "q2", "q2pi", "2theta"}, optional
        Of a file that does not say it, or of an array; an array without a unit must be q2 = 1/d^2
        in A^-2; q is 1/d and q2pi is 2 pi/d.
    wavelength : float or str, optional
        In Angstrom, or in words (CuKa1, MoKa, "12.4 keV"); needed for 2theta and for a zero shift.
    radiation : {"xray", "monochromatic", "synchrotron", "neutron"}, optional
        Only a tube ("xray") has a K-alpha2 line.
    max_bytes : int, optional
        Larger files are refused.
    lattice : "all", str or sequence of str
        Lattice systems and Bravais lattices, also as text with commas.
    n_peaks : int
        How many of the first peaks search; up to 40 verify.
    max_volume : float, optional
        Of the primitive cell, in A^3; it follows from the lines if not given.
    time : float, optional
        Seconds.
    zero_shift : "fit", "none", None or float
        Degrees 2theta; a number is where the fit starts.
    zero_fixed : bool
        The number given as zero shift is taken off and kept.
    foreign : int, optional
        How many of the first peaks may belong to no line; about one if not given.
    without : str or sequence of str, optional
        Lists of peaks, CIFs or cells of what is known to be there; their lines are left out. A cell
        is text: "5.4309 5.4309 5.4309 90 90 90 F" or "cF 5.4309".
    like : str or sequence of str, optional
        Cells or CIFs of isostructural compounds, from which the search starts, too.
    formula : str, optional
        "Ba S O4", "CaSO4.2H2O": raises cells of a likely volume and lowers others, excludes none.
    z, density : float, optional
        Formula units in the conventional cell, and density in g/cm^3, where they are known.
    second_phase : bool
        Whether peaks that a convincing cell leaves, if they are many, are searched as well; they
        are `Result.second`.
    n_jobs, seed : int
    **options
        Handed to `ddi.index.search.ranked`.

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
    shift = known_shift(zero_shift)
    _check_limits(n_peaks=n_peaks, max_volume=max_volume, time=time, jobs=n_jobs, foreign=foreign)
    asked = dict(bravais=chosen_lattices(lattice), max_volume=max_volume, time_budget=time)
    asked |= dict(zero_fixed=zero_fixed, foreign=foreign, n_jobs=n_jobs, seed=seed) | options
    peaks = as_peaks(peaks, unit, wavelength, radiation, max_bytes)
    peaks = known_lines.without(peaks, without, unit, wavelength) if without else peaks
    if like:
        asked.setdefault("generators", similar.generators(like))
    asked |= dict(contents=contents.known(formula, z, density), paired=second_phase)
    found = _solved(peaks, shift, n_peaks, asked)
    common = dict(lattice=lattice, n_peaks=n_peaks, max_volume=max_volume, time=time)
    common |= dict(zero_shift=zero_shift, zero_fixed=zero_fixed, n_jobs=n_jobs, seed=seed)
    of_first = dict(like=like, formula=formula, z=z, density=density) | options
    again = partial(index_peaks, **common, second_phase=False)
    same = partial(again, **of_first)
    return phases.with_second_phase(found, again, same) if second_phase else found


def _solved(peaks, shift, n_peaks, asked):
    """The `Result` of one search."""
    started = clock.perf_counter()
    rows = _searched(peaks, shift, n_peaks, **asked)
    seconds = clock.perf_counter() - started
    found = result.make(rows, peaks, seconds, _in_force(peaks, shift, n_peaks, asked))
    return remarks.with_remarks(found, asked["contents"])


def _searched(peaks, shift, n_peaks, **options):
    """The ranked list of peaks off which a given zero shift is taken first."""
    start = shift if isinstance(shift, float) and peaks.wavelength else 0.0
    listed = known_lines.from_shift(peaks, start)
    n_used = max(n_peaks, SEARCH.max_verify)
    rows = search.ranked(
        *(_first(array, n_used) for array in (listed.q2, peaks.sigma_q2)),
        intensities=_first(peaks.intensity, n_used),
        wavelength=peaks.wavelength,
        zero_shift=shift if start == 0.0 else 0.0,
        n_peaks=n_peaks,
        faint=listed.faint,
        **options,
    )
    return [row.but(zero_shift=row.zero_shift + start) for row in rows]


def _in_force(peaks, shift, n_peaks, asked):
    """What limited a search, for the answer."""
    symbols = asked["bravais"]
    limits = dict(n_peaks=min(n_peaks, len(peaks)), time=asked["time_budget"], seed=asked["seed"])
    limits["lattice"] = "all" if symbols is None else ",".join(symbols)
    limits["max_volume"] = asked["max_volume"] or "from the lines"
    limits["zero_shift"] = _shift_in_words(shift, peaks.wavelength, asked["zero_fixed"])
    if isinstance(shift, float) and limits["zero_shift"] == "fit":
        limits["zero_start"] = shift
    return limits


def _first(array, n):
    return None if array is None else array[:n]


def as_peaks(peaks, unit=None, wavelength=None, radiation=None, max_bytes=None):
    """Return `ddi.index.peaks.Peaks` of a file, an array or peaks already read."""
    if isinstance(peaks, peaklist.Peaks):
        return peaks
    if isinstance(peaks, (str, os.PathLike)):
        limit = readers.MAX_BYTES if max_bytes is None else max_bytes
        return readers.read_peaks(peaks, unit, wavelength, radiation, limit)
    if unit is None:
        values = np.asarray(peaks, dtype=float)
        if values.size and (np.nanmax(values) > 3 or np.all(np.diff(values) < 0)):
            raise DDIError(
                f"an array without a unit must be q2 = 1/d^2 in A^-2, and {values.flat[0]:g} ... "
                "is not; add unit='d', 'q', 'q2', 'q2pi' or '2theta'"
            )
    values = peaklist.from_values(peaks, unit or "q2", as_wavelength(wavelength), source="array")
    return replace(values, radiation=radiation or "xray")


def chosen_lattices(lattice):
    """Return the Bravais lattices that names, also as text with commas, stand for; None for all."""
    parts = [lattice] if isinstance(lattice, str) else lattice or ()
    names = [name for part in parts for name in part.replace(",", " ").split()]
    if not names or names == ["all"]:
        return None
    return search.chosen(names)


def known_shift(value):
    """Return "fit", None, or the zero shift in degrees 2theta that is taken as known."""
    if value in ("fit", None):
        return value
    if value == "none":
        return None
    try:
        shift = float(value)
    except (TypeError, ValueError):
        shift = np.inf
    if not abs(shift) < 2:
        raise DDIError(
            f"zero shift '{value}' is not understood; use fit, none, or a number of degrees "
            "2theta between -2 and 2"
        )
    return shift


def _shift_in_words(shift, wavelength, fixed):
    if shift is None:
        return "none"
    if shift == "fit" and not wavelength:
        return "fit (as if Cu K-alpha)"
    return shift if fixed or not wavelength else "fit"


_LEAST = {"foreign": 0, "n_peaks": 4, "max_volume": 10, "time": 0.01, "jobs": 1}


def _check_limits(**values):
    for name, value in values.items():
        if value is not None and not _LEAST[name] <= value < 1e9:
            option = name.replace("_", "-")
            raise DDIError(f"--{option} {value} makes no sense; it must be {_LEAST[name]} or more")
