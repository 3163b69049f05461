"""Bragg's law: scattering angles and q2, the wavelengths of X-ray tubes, and errors of one as
errors of the other.

``q2 = 1/d^2 = (2 sin(theta) / lambda)^2`` and ``dq2/d(2theta) = (2/lambda^2) sin(2theta)``
(write-up, section 1.1). Angles are 2theta in degrees, wavelengths in Angstrom, q2 in A^-2.
"""

from dataclasses import dataclass

import numpy as np

from ddi.base.errors import DDIError

DOUBLET_RATIO = 0.5  # of the intensities of K-alpha2 and K-alpha1
SAME_WAVELENGTH = 0.0006  # A; a tube is recognised by its wavelength, however it was rounded


@dataclass(frozen=True)
class Anode:
    """K lines of an X-ray tube, wavelengths in Angstrom (Hoelzer et al. (1997), Phys. Rev. A 56,
    4554; Bearden (1967), Rev. Mod. Phys. 39, 78, for Mo and Ag).
    """

    name: str
    alpha1: float
    alpha2: float
    beta: float

    @property
    def mean(self):
        """Weighted mean of the K-alpha doublet in Angstrom."""
        return (2 * self.alpha1 + self.alpha2) / 3


ANODES = (
    Anode("Cu", 1.540593, 1.544427, 1.392250),
    Anode("Co", 1.788996, 1.792835, 1.620826),
    Anode("Fe", 1.936041, 1.939973, 1.756604),
    Anode("Cr", 2.289726, 2.293651, 2.084881),
    Anode("Mo", 0.709317, 0.713607, 0.632303),
    Anode("Ag", 0.559422, 0.563813, 0.497082),
)
CU_KALPHA1 = ANODES[0].alpha1  # A
WRITEUP_WAVELENGTH = 1.54
"""Angstrom; what the write-up calls Cu K-alpha (section 2.1.1), for its simulated patterns."""


def as_q2(q2, at_least=1):
    """Return one pattern's q2 as an array of floats, shape (n,), in the order given.

    Raises
    ------
    DDIError
        If there are fewer than `at_least`, or one is not a positive number.
    """
    q2 = np.asarray(q2, dtype=float)
    if q2.ndim != 1 or len(q2) < at_least or not (np.isfinite(q2).all() and (q2 > 0).all()):
        raise DDIError(
            f"read {q2.size} values of q2; expected a list of at least {at_least} positive numbers"
            " in A^-2"
        )
    return q2


def two_theta(q2, wavelength):
    """Return 2theta in degrees; NaN beyond what the wavelength (A) reaches.

    Examples
    --------
    >>> two_theta([1 / 3.1356**2, 3.0], CU_KALPHA1).round(3)  # silicon 111; nothing
    array([28.442,    nan])
    """
    sine = 0.5 * wavelength * np.sqrt(np.asarray(q2, dtype=float))
    return np.degrees(2 * np.arcsin(np.where(sine <= 1, sine, np.nan)))


def q2_of(two_theta_deg, wavelength):
    """Return q2 = 1/d^2 in A^-2 of 2theta in degrees.

    Examples
    --------
    >>> float(q2_of(28.441, CU_KALPHA1) ** -0.5)  # doctest: +ELLIPSIS
    3.135...
    """
    return (2 * np.sin(np.radians(np.asarray(two_theta_deg, dtype=float)) / 2) / wavelength) ** 2


def q2_slope(q2, wavelength):
    """Return dq2/d(2theta) in A^-2 per degree; NaN beyond what the wavelength reaches."""
    return 2 / wavelength**2 * np.sin(np.radians(two_theta(q2, wavelength))) * np.pi / 180


def sigma_q2(q2, sigma_two_theta, wavelength=CU_KALPHA1):
    """Return the error of q2 in A^-2 that an error of 2theta in degrees means.

    Near 0 and 180 degrees, where the slope vanishes, and beyond, the error is that of a slope of
    one twentieth of the greatest.

    Examples
    --------
    >>> sigma_q2(np.array([0.05, 0.1, 0.2]), 0.02).round(6)
    array([0.0001  , 0.000139, 0.00019 ])
    """
    slope = np.nan_to_num(q2_slope(q2, wavelength))
    return sigma_two_theta * np.maximum(slope, 0.05 * np.max(slope))


def wavelength_reaching(q2_max, wavelength=CU_KALPHA1):
    """Return `wavelength`, or a shorter one if that does not reach `q2_max` (A^-2)."""
    return min(wavelength, 1.9 / np.sqrt(q2_max))


def anode(wavelength):
    """Return the `Anode` whose K-alpha1 or mean K-alpha `wavelength` (Angstrom) is, or None: then
    there is one line only.

    Examples
    --------
    >>> anode(1.5418).name, anode(1.2) is None
    ('Cu', True)
    """
    for entry in ANODES:
        if min(abs(wavelength - entry.alpha1), abs(wavelength - entry.mean)) < SAME_WAVELENGTH:
            return entry
    return None


def moved(two_theta_deg, ratio):
    """Return where the line at `two_theta_deg` stands for a wavelength that is `ratio` times as
    long; NaN beyond 180 degrees.
    """
    sine = np.sin(np.radians(np.asarray(two_theta_deg) / 2)) * ratio
    return np.degrees(2 * np.arcsin(np.where(sine < 1, sine, np.nan)))


def alpha1_wavelength(wavelength):
    """Return the wavelength in Angstrom that picked positions belong to: K-alpha1 of a known tube,
    else `wavelength` itself.
    """
    tube = anode(wavelength)
    return tube.alpha1 if tube else wavelength
