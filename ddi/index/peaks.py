"""The peaks of one pattern, in any unit: checked, or refused with a reason.

Positions may be d (Angstrom), q = 1/d (1/Angstrom), q2 = 1/d^2 (1/Angstrom^2), q2pi = 2 pi/d
(1/Angstrom) or 2theta (degrees).
"""

from dataclasses import dataclass, field, replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import alpha1_wavelength, q2_of, q2_slope
from ddi.index.instrument import RADIATIONS, as_wavelength

UNITS = ("d", "q", "q2", "q2pi", "2theta")
FEWEST = 4
MOST = 200


@dataclass(frozen=True)
class Peaks:
    """A pattern's peaks in ascending q2.

    Attributes
    ----------
    q2 : ndarray, shape (n,)
        1/d^2 in A^-2.
    sigma_q2 : ndarray, shape (n,), or None
        Standard deviations in A^-2; None where nothing is known.
    intensity : ndarray, shape (n,), or None
    wavelength : float or None
        In Angstrom; the one that belongs to the positions.
    source : str
        What was read, and as what.
    warnings : tuple of str
        What was noticed and put right.
    pattern : (ndarray, ndarray) or None
        The measured pattern, 2theta in degrees and intensity, where the peaks were picked from one.
    faint : ndarray, shape (3, m), or None
        q2 and sigma_q2 in A^-2 of peaks that are too weak to be listed, and the probability of each
        to belong to no line.
    radiation : str
        One of `RADIATIONS`.
    left_out : ndarray, shape (k,)
        q2 in A^-2 of peaks that are lines of something known.
    """

    q2: np.ndarray
    sigma_q2: np.ndarray | None = None
    intensity: np.ndarray | None = None
    wavelength: float | None = None
    source: str = ""
    warnings: tuple = ()
    pattern: tuple | None = None
    faint: np.ndarray | None = None
    radiation: str = "xray"
    left_out: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def d(self):
        """Spacings in Angstrom, shape (n,)."""
        return 1 / np.sqrt(self.q2)

    def __len__(self):
        return len(self.q2)


def from_values(
    values,
    unit,
    wavelength=None,
    intensity=None,
    sigma=None,
    source="values",
    pattern=None,
    warnings=(),
):
    """Turn positions in any unit into `Peaks`, after checking them.

    Parameters
    ----------
    values : array_like, shape (n,)
    unit : {"d", "q", "q2", "q2pi", "2theta"}
    wavelength : float, optional
        In Angstrom.
    intensity, sigma : array_like, shape (n,), optional
        sigma in the unit of `values`.
    source, pattern, warnings

    Returns
    -------
    Peaks

    Raises
    ------
    DDIError
        For each kind of list that cannot be indexed.
    """
    check_options(unit, wavelength)
    wavelength = as_wavelength(wavelength)
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DDIError(
            f"{source}: the peak positions are not all numbers; remove what is text"
        ) from error
    _check_values(values, source)
    if unit == "2theta":
        _check_angles(values, wavelength, source)
    q2 = _to_q2(values, unit, wavelength)
    _check_spacings(q2, unit, wavelength, source)
    sigma_q2 = (
        None
        if sigma is None
        else _sigma_q2(values, np.asarray(sigma, dtype=float), q2, unit, wavelength, source)
    )
    order = np.argsort(q2, kind="stable")
    warnings = (*warnings, *_order_warning(q2, unit), *_scale_warning(q2, unit))

    def pick(array):
        return None if array is None else np.asarray(array, dtype=float)[order]

    return Peaks(
        q2[order], pick(sigma_q2), pick(_usable(intensity)), wavelength, source, warnings, pattern
    )


def from_pattern(two_theta, intensity, wavelength, source="pattern", radiation="xray"):
    """Pick the peaks of a measured pattern (`ddi.index.picking.strong`, at most the 60 highest) and
    the faint ones; return them as `Peaks`. Only tubes ("xray") have a K-alpha2.
    """
    from ddi.index import picking

    wavelength = as_wavelength(wavelength)
    prepared = picking.prepare(two_theta, intensity, wavelength, radiation == "xray")
    picked = picking.strong(prepared)
    line = alpha1_wavelength(wavelength) if prepared.tube else wavelength
    said = ()
    if line != wavelength:
        said = (f"peaks are at K-alpha1, so the wavelength is {line:.7g}, not {wavelength:.7g} A",)
    note = f"{source}: {len(picked.two_theta)} peaks picked from {len(two_theta)} points"
    pattern = np.asarray(two_theta), np.asarray(intensity)
    peaks = from_values(
        picked.two_theta, "2theta", line, picked.height, picked.sigma, note, pattern, said
    )
    weak = picking.faint(prepared, picked.two_theta)
    q2 = _to_q2(weak.two_theta, "2theta", line)
    sigma_q2 = _sigma_q2(weak.two_theta, weak.sigma, q2, "2theta", line, source)
    return replace(peaks, faint=np.array([q2, sigma_q2, weak.spurious]), radiation=radiation)


@dataclass(frozen=True)
class Pattern:
    """A measured pattern.

    Attributes
    ----------
    two_theta, intensity : ndarray, shape (n,)
        Degrees, rising; any unit proportional to counts.
    wavelength : float
        In Angstrom.
    radiation : str
        One of `RADIATIONS`; only "xray" has a K-alpha2.
    source : str
    """

    two_theta: np.ndarray
    intensity: np.ndarray
    wavelength: float
    radiation: str = "xray"
    source: str = "pattern"

    def peaks(self):
        """Pick the peaks; return `Peaks`."""
        return from_pattern(
            self.two_theta, self.intensity, self.wavelength, self.source, self.radiation
        )


def check_options(unit, wavelength, radiation=None):
    """Refuse a unit, a wavelength or a radiation that is not known."""
    for value, choices, what in ((unit, UNITS, "unit"), (radiation, RADIATIONS, "radiation")):
        if value is not None and value not in choices:
            raise DDIError(f"{what} '{value}' is not known; choose one of {', '.join(choices)}")
    as_wavelength(wavelength)


def _check_values(values, source):
    if values.ndim != 1:
        raise DDIError(
            f"{source}: expected one row of peak positions, got an array of shape {values.shape}"
        )
    if not len(values):
        raise DDIError(f"{source}: no peak positions at all; expected at least {FEWEST}")
    for bad, what in (
        (np.isnan(values), "NaN"),
        (np.isinf(values), "infinite"),
        (values < 0, "negative"),
        (values == 0, "zero"),
    ):
        if bad.any():
            raise DDIError(
                f"{source}: peak {np.flatnonzero(bad)[0] + 1} is {what}; "
                "every position must be a positive number"
            )
    unique, count = np.unique(values, return_counts=True)
    if (count > 1).any():
        said = f"the position {unique[count > 1][0]:g} is there {count.max()} times"
        raise DDIError(f"{source}: {said}; list every peak once")
    if len(values) < FEWEST:
        raise DDIError(
            f"{source}: {len(values)} of at least {FEWEST} peaks, too few to index; better are 20"
        )
    if len(values) > MOST:
        raise DDIError(
            f"{source}: {len(values)} peaks are more than {MOST}; keep the first 20 to 40 "
            "lines, or give the pattern itself"
        )


def _check_angles(values, wavelength, source):
    if wavelength is None:
        raise DDIError(
            f"{source}: 2theta means nothing without a wavelength; add "
            "--wavelength 1.540593 for Cu K-alpha1"
        )
    if values.max() >= 180:
        raise DDIError(
            f"{source}: 2theta of {values.max():g} degrees is beyond 180, which no "
            "wavelength allows; check --unit"
        )
    d = np.maximum(q2_of(values, wavelength), 1e-12) ** -0.5
    small = (values.max() < 30 and values.min() < 5) or (d.min() > 5 and d.max() > 25)
    if small and (np.diff(values) < 0).all():
        raise DDIError(
            f"{source}: {values.min():g} to {values.max():g} looks like a list of d "
            f"given as 2theta (it would mean d from {d.max():.1f} down to {d.min():.1f} A); use "
            "--unit d, or convert to q2 if it is right"
        )


def _check_spacings(q2, unit, wavelength, source):
    if not (np.isfinite(q2) & (q2 > 1e-12) & (q2 < 1e6)).all():
        raise DDIError(
            f"{source}: as {unit} these positions mean spacings that no lattice has; check --unit"
        )
    if wavelength and q2.max() > 4 / wavelength**2:
        raise DDIError(
            f"{source}: a spacing of {q2.max() ** -0.5:.4g} A is below {wavelength / 2:.4g} A, "
            "half the wavelength, and cannot be measured with it; check --unit and --wavelength"
        )


def _to_q2(values, unit, wavelength):
    with np.errstate(over="ignore", divide="ignore"):
        if unit == "2theta":
            return q2_of(values, wavelength)
        if unit == "q2pi":
            return (values / (2 * np.pi)) ** 2
        return {"d": lambda v: v**-2.0, "q": lambda v: v**2.0, "q2": lambda v: v}[unit](values)


def _sigma_q2(values, sigma, q2, unit, wavelength, source):
    """Propagate standard deviations of the positions to q2: |dq2/dv| sigma."""
    if sigma.shape != values.shape or not (np.isfinite(sigma).all() and (sigma > 0).all()):
        said = "the standard deviations must be as many positive numbers as there are peaks"
        raise DDIError(f"{source}: {said}")
    if unit == "2theta":
        return sigma * q2_slope(q2, wavelength)
    return sigma if unit == "q2" else 2 * q2 / values * sigma  # powers of d, q and q2pi


def _usable(intensity):
    """Intensities, or None where they are no such thing."""
    if intensity is None:
        return None
    intensity = np.asarray(intensity, dtype=float)
    usable = np.isfinite(intensity).all() and (intensity >= 0).all() and intensity.max() > 0
    return intensity if usable else None


def _order_warning(q2, unit):
    rising = np.diff(q2 if unit != "d" else -1 / q2)
    if (rising > 0).all() or (unit == "d" and (np.diff(q2) < 0).all()):
        return ()
    return ("the positions were not in ascending order; they have been sorted",)


def _scale_warning(q2, unit):
    longest = 1 / np.sqrt(q2.min())
    if unit == "q" and longest < 1.6:
        said = f"the largest spacing is {longest:.2f} A; q is 1/d here, for q = 2 pi/d use"
        return (f"{said} --unit q2pi",)
    if unit == "2theta" and longest > 25 and q2.max() < 0.04:
        return (f"spacings from {longest:.1f} A; if the positions are d, use --unit d",)
    if unit == "d" and q2.max() < 0.04 and (np.diff(q2) < 0).all():
        return (f"spacings up to {longest:.1f} A; if positions are 2theta, use --unit 2theta",)
    if longest < 1.0 or longest > 200:
        return (f"the largest spacing is {longest:.4g} A, which is unusual; check --unit",)
    return ()
