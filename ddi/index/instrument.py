"""Radiations and wavelengths as people name them."""

import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import bragg

RADIATIONS = ("xray", "monochromatic", "synchrotron", "neutron")
"""Only "xray", a tube without a K-alpha1 monochromator, has a K-alpha2 line."""
_NAMED = re.compile(r"(cu|co|fe|cr|mo|ag)[ _-]*k?[ _-]*(?:a|alpha)?[ _-]*([12]?)", re.I)
_KEV_A = 12.398419843  # h c in keV Angstrom


def as_wavelength(value):
    """Return a wavelength in Angstrom from a number, or text: "1.5406", "CuKa1", "Mo K-alpha",
    "12.4 keV"; None stays None.

    Examples
    --------
    >>> as_wavelength("CuKa1"), as_wavelength("12.398419843 keV")
    (1.540593, 1.0)
    """
    if value is None:
        return None
    text = str(value).strip().replace("\u03b1", "a")
    if named := _NAMED.fullmatch(text):
        tube = next(entry for entry in bragg.ANODES if entry.name == named[1].capitalize())
        return {"1": tube.alpha1, "2": tube.alpha2, "": tube.mean}[named[2]]
    energy = re.fullmatch(r"([\d.]+)\s*kev", text, re.I)
    try:
        number = _KEV_A / float(energy[1]) if energy else float(re.sub(r"\s*(A|\u00c5)$", "", text))
    except (ValueError, ZeroDivisionError):
        number = np.nan
    if not 0.01 < number < 100:
        raise DDIError(
            f"the wavelength must be a number of Angstrom between 0.01 and 100, a line (CuKa1, "
            f"MoKa) or an energy (12.4keV), not {value}"
        )
    return number
