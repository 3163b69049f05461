"""fom: to be described."""

from dataclasses import dataclass

import numpy as np


def two_theta(q2, wavelength):
    """Return 2theta in degrees; NaN beyond what the wavelength (A) reaches."""
    sine = 0.5 * wavelength * np.sqrt(np.asarray(q2, dtype=float))
    return np.degrees(2 * np.arcsin(np.where(sine <= 1, sine, np.nan)))


def q2_of(two_theta_deg, wavelength):
    """Return q2 = 1/d^2 in A^-2 of 2theta in degrees."""
    return (2 * np.sin(np.radians(np.asarray(two_theta_deg, dtype=float)) / 2) / wavelength) ** 2


DOUBLET_RATIO = 0.5


@dataclass(frozen=True)
class Anode:
    """K lines of an X-ray tube, wavelengths in Angstrom (Hoelzer et al. (1997), Phys. Rev. A 56,
    4554; Bearden (1967) for Mo and Ag).
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


def anode(wavelength):
    """Return the `Anode` whose K-alpha1 or mean K-alpha `wavelength` (Angstrom) is, or None: then
    there is one line only.
    """
    for entry in ANODES:
        if min(abs(wavelength - entry.alpha1), abs(wavelength - entry.mean)) < 0.0006:
            return entry
    return None


def moved(two_theta, ratio):
    """Return where the line at `two_theta` (degrees) stands for a wavelength that is `ratio` times
    as long; NaN beyond 180 degrees.
    """
    sine = np.sin(np.radians(np.asarray(two_theta) / 2)) * ratio
    return np.degrees(2 * np.arcsin(np.where(sine < 1, sine, np.nan)))


def alpha1_wavelength(wavelength):
    """Return the wavelength in Angstrom that picked positions belong to: K-alpha1 of a known tube,
    else `wavelength` itself.
    """
    tube = anode(wavelength)
    return tube.alpha1 if tube else wavelength
