"""How many numbers the rows of a table hold: rows that are wider or narrower than the others."""

from collections import Counter

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward.bragg import anode
from ddi.index.readers.unnamed import in_order

_MOST_UNEVEN = 60  # rows: a list of peaks may have remarks in numbers; chosen
_MOST_PARAMETERS = 5  # rows of a program's parameters above the peaks; chosen


def usual(widths):
    """The commonest of the numbers of fields."""
    return Counter(widths).most_common(1)[0][0]


def padded(rows):
    """Rows of (number, standard deviation), all as wide as the widest, filled with nan."""
    width = max(map(len, rows))
    return [row + [(np.nan, None)] * (width - len(row)) for row in rows]


def check_widths(name, widths, named):
    """Refuse rows at the top that are wider or narrower than all others, parameters of a program
    that would be read as peaks, and long tables of uneven rows.

    Raises
    ------
    DDIError
    """
    if len(widths) >= _MOST_UNEVEN and len(set(widths[:-1])) > 1 and not named:
        raise DDIError(
            f"{name} has {len(widths)} rows of {min(widths)} to {max(widths)} numbers; if blanks "
            "group thousands take them out, else name the columns in a line above them"
        )
    first = next((k for k, width in enumerate(widths) if width == widths[-1]), 0)
    if 0 < first <= _MOST_PARAMETERS and len(widths) >= 6 + first:
        if len(set(widths[first:])) == 1:
            raise DDIError(
                f"{name} begins with {first} row(s) of {widths[0]} number(s), before rows of "
                f"{widths[-1]}; if they are no peaks, start them with #"
            )


def check_order(name, rows):
    """Refuse a row of another width whose position is out of the order of all others, or whole
    among decimals: a number that is broken in two, `2. 7112`.

    Raises
    ------
    DDIError
    """
    widths = [len(row) for row in rows]
    most = usual(widths)
    odd = [row for row in rows if len(row) != most]
    if not 0 < len(odd) < 0.2 * len(rows):
        return
    others = [row[0][0] for row in rows if len(row) == most]
    whole = odd[0][0][0] % 1 == 0 and all(value % 1 for value in others)
    whole = whole or len(odd) == len(odd[0]) == 1 and anode(odd[0][0][0])
    if in_order(others) and (whole or not in_order([row[0][0] for row in rows])):
        said = " ".join(f"{value:g}" for value, _ in odd[0])
        raise DDIError(
            f"{name} has a row of {len(odd[0])} numbers, {said}, among rows of {most}, and its "
            "position is whole, out of order or a tube's wavelength; correct that row, or start it "
            "with #"
        )
