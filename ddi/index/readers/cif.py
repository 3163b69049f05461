"""Powder CIF: measured patterns and lists of peaks, by gemmi."""

import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.readers.found import Found

_PEAK_INTENSITY = ("_pd_peak_intensity", "_pd_peak_pk_height", "_pd_peak_height")
_ANGLES = (
    "_pd_proc_2theta_corrected",
    "_pd_meas_2theta_scan",
    "_pd_meas_2theta_corrected",
    "_pd_meas_2theta",
)
_COUNTS = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_meas_counts",
    "_pd_meas_intensity",
    "_pd_proc_intensity_net",
)


def read_pdcif(source):
    """The peaks of a pdCIF if it lists them, else its measured pattern."""
    from gemmi import cif

    text = source.text
    if not re.search(r"(?im)^[ \t]*data_", text):
        text = _of_esg(text)
    try:
        document = cif.read_string(text)
    except Exception as error:  # gemmi raises several kinds
        raise DDIError(
            f"{source.name} is a CIF that is cut off or damaged: {_short(error)}"
        ) from None
    values = {}
    for block in document:
        values = _columns(block, cif)
        found = _peaks(values) or _pattern(values)
        if found:
            return Found(
                *found[:4],
                _wavelength(document, cif),
                _radiation(document),
                found[4],
                "pdCIF",
            )
    if "_pd_meas_time_of_flight" in values:
        raise DDIError(
            f"{source.name} is a pdCIF over time of flight, not read here: convert it to d and "
            "intensity and use --unit d"
        )
    raise DDIError(
        f"{source.name} is a pdCIF without measured counts or peaks; a calculated pattern is not "
        "indexed. Export the measured pattern as XY"
    )


def _of_esg(text):
    """The first block of an ESG file of MAUD, which has no `data_` and words without quotes."""
    head, _, loop = text.partition("loop_")
    items = re.findall(r"(?m)^[ \t]*_\S+[ \t]+\S+[ \t]*$", head)
    loop = re.split(r"(?m)^[ \t]*(?:loop_|_pd_block_id)", loop)[0]
    return "\n".join(["data_", *items, "loop_"]) + loop


def _short(error):
    return re.sub(r"\s+", " ", str(error))[:80]


def _columns(block, cif):
    """Every `_pd_` item and column of a block, as numbers: (values, standard deviations)."""
    found = {}
    for item in block:
        if item.pair and item.pair[0].lower().startswith("_pd_"):
            found[_undotted(item.pair[0])] = _numbers([item.pair[1]], cif)
        elif item.loop:
            for k, tag in enumerate(item.loop.tags):
                if tag.lower().startswith("_pd_"):
                    found[_undotted(tag)] = _numbers(
                        list(item.loop.values)[k :: item.loop.width()], cif
                    )
    return found


def _undotted(tag):
    """A name of the newer dictionaries, `_pd_meas.2theta_scan`, as in the older ones."""
    return tag.lower().replace(".", "_")


def _numbers(texts, cif):
    values = np.array([cif.as_number(text) for text in texts])
    return values, np.array([_spread(text) for text in texts])


def _spread(text):
    match = re.fullmatch(r"[+-]?\d*\.?(\d*)\((\d+)\)", text)
    return float(match[2]) * 10.0 ** -len(match[1]) if match else np.nan


def _first(values, names):
    for name in names:
        if name in values and np.isfinite(values[name][0]).sum() > 1:
            return values[name]
    return None


def _peaks(values):
    angle = _first(
        values, ("_pd_peak_2theta_centroid", "_pd_peak_2theta_maximum", "_pd_peak_2theta")
    )
    unit, column = ("2theta", angle) if angle else ("d", _first(values, ("_pd_peak_d_spacing",)))
    if column is None:
        return None
    intensity = _first(values, _PEAK_INTENSITY)
    good = np.isfinite(column[0])
    intensity = intensity[0][good] if intensity and len(intensity[0]) == len(good) else None
    sigma = column[1][good]
    return column[0][good], unit, intensity, sigma if np.isfinite(sigma).all() else None, False


def _pattern(values):
    counts = _first(values, _COUNTS)
    if counts is None:
        return None
    y = counts[0]
    angle = _first(values, _ANGLES)
    unit = "2theta"
    if angle is None or len(angle[0]) != len(y):
        angle = _range(values, len(y))
    if angle is None:
        unit, angle = "d", _first(values, ("_pd_proc_d_spacing",))
    if angle is None or len(angle[0]) != len(y):
        unit, angle = "q2pi", _first(values, ("_pd_proc_recip_len_q",))
    if angle is None or len(angle[0]) != len(y):
        return None
    good = np.isfinite(angle[0]) & np.isfinite(y)
    return angle[0][good], unit, y[good], None, True


def _range(values, count):
    for stem in ("_pd_proc_2theta_range", "_pd_meas_2theta_range"):  # the first is corrected
        ends = [values.get(f"{stem}_{end}", (np.array([np.nan]),))[0][0] for end in ("min", "max")]
        if np.isfinite(ends).all():
            return np.linspace(*ends, count), None
    return None


def _wavelength(document, cif):
    for block in document:
        for tag in (f"_diffrn_radiation_wavelength{end}" for end in ("", ".value", ".wavelength")):
            numbers = [cif.as_number(text) for text in block.find_values(tag)]
            numbers = [number for number in numbers if 0.01 < number < 100]
            if numbers:
                return min(numbers)  # of a doublet K-alpha1 is the shorter
    return None


def _radiation(document):
    for block in document:
        for tag in ("_diffrn_radiation_probe", "_diffrn_source", "_diffrn_radiation_type"):
            for text in block.find_values(tag):
                for radiation in ("neutron", "synchrotron"):
                    if radiation in text.lower():
                        return radiation
    return None
