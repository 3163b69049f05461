"""Which name stands over which column, and the wavelength that columns of d and 2theta mean."""

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import anode
from ddi.index.readers.unnamed import agree, are_indices, counts_rows, numbered, wavelengths
from ddi.index.readers.vocabulary import POSITIONS

_CONTRADICTS = 0.03  # of the wavelength that d and 2theta of a row mean; chosen


def aligned(name, heading, values):
    """The names of the columns of `values` and their scales; refused where they cannot be told."""
    if heading is None:
        return (), ()
    names = heading.names
    headless = len(names) + 1 == values.shape[1]
    if names[0] in POSITIONS and (headless or not heading.separated) and counts_rows(values):
        sure = len(names) if headless else (*names, None).index(None)
        return (None, *names[:sure]), (1.0, *heading.scales[:sure])  # the numbers are headed `#`
    if len(names) + 2 == values.shape[1] and (at := _of_indices(names, values)) is not None:
        three = (*names[:at], None, None, None, *names[at + 1 :])
        scales = heading.scales
        return three, (*scales[:at], 1.0, 1.0, 1.0, *scales[at + 1 :])
    if len(names) == values.shape[1] or heading.separated:
        return names, heading.scales
    if len(names) == 1 and (before := numbered(values)):  # 2theta behind h, k, l
        return (None,) * before + names, (1.0,) * before + heading.scales
    if (
        names[0] not in POSITIONS
        or names[1:] == ("intensity",)
        and len(names) + 2 < values.shape[1]
    ):
        raise DDIError(
            f"{name} has {len(names)} names over {values.shape[1]} columns; separate names and "
            "numbers with commas or tabs, or keep the column of positions alone"
        )
    # of too many names some have blanks in them; of too few one stands over several columns (hkl)
    sure = 2 if len(names) > values.shape[1] else (*names, None).index(None)
    known = [k for k in range(min(sure, len(names))) if names[k]]
    if sure == 2:
        known = [k for k in known if names[k] in (*POSITIONS, "intensity")]
    return tuple(names[k] for k in known), tuple(heading.scales[k] for k in known)


def _of_indices(names, values):
    """Which of the names stands over three columns, h, k and l; or None."""
    return next(
        (
            k
            for k, name in enumerate(names)
            if name in (None, "none") and are_indices(values[:, k : k + 3])
        ),
        None,
    )


def bragg_wavelength(name, values, where, scales):
    """The wavelength in Angstrom that a column of d and one of 2theta mean together."""
    d = values[:, where["d"]] * scales[where["d"]]
    two_theta = values[:, where["2theta"]]
    if not agree(wavelengths(two_theta, d)):
        raise DDIError(
            f"{name} names columns of d and 2theta that no wavelength brings together; check that "
            "the heading has as many names as there are columns"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        each = 2 * d * np.sin(np.radians(two_theta / 2))
    middle = float(np.nanmedian(each))
    if len(odd := np.flatnonzero(np.abs(each / middle - 1) > _CONTRADICTS)):
        raise DDIError(
            f"{name}: 2theta {two_theta[odd[0]]:g} and d {d[odd[0]]:g} of one row contradict each "
            f"other (other rows mean {middle:.4f} A); correct one of the two"
        )
    tube = anode(middle)
    return min((tube.alpha1, tube.mean), key=lambda line: abs(line - middle)) if tube else middle
