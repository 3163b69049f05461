"""What columns without names are, by their numbers alone."""

import numpy as np

from ddi.base.errors import DDIError
from ddi.index.peaks import FEWEST, MOST


def positions_among(values, unit):
    """The number of the column of positions; of d and 2theta side by side the one of `unit`."""
    first = numbered(values)
    for second in range(first + 1, values.shape[1]) if len(values) >= 6 else ():
        pair = values[:, first], values[:, second]
        if np.isfinite(pair).all(axis=0).mean() < 0.5:
            continue
        spreads = [_spread(wavelengths(*columns)) for columns in (pair, pair[::-1])]
        if min(spreads) <= _ONE_WAVELENGTH and unit in ("d", "2theta"):
            angles, spacings = (first, second) if spreads[0] < spreads[1] else (second, first)
            return angles if unit == "2theta" else spacings
    return first


def side_by_side(values):
    """After how many columns a list without names goes on in the next ones, if it does: `d I d I`;
    else 0.
    """
    if len(values) < 2 or np.isinf(values).any():
        return 0
    for size in range(1, values.shape[1] // 2 + 1):
        if values.shape[1] % size:
            continue
        columns = values[:, ::size].T
        decimal = all((column[np.isfinite(column)] % 1 != 0).any() for column in columns)
        together = columns[np.isfinite(columns)]
        if decimal and _ordered(together) and (size > 1 or _even(together, len(values))):
            return size
    return 0


def _even(together, size):
    """Whether the step from one column of positions to the next is none of its own, as it is where
    q and 2theta stand side by side.
    """
    steps = np.abs(np.diff(together))
    between = steps[size - 1 :: size]
    return (
        size >= _FEWEST_TURNED
        and between.max() <= 2 * np.delete(steps, np.s_[size - 1 :: size]).max()
    )


def one_a_row(name, rows):
    """A list that was written in lines of several positions, with a row for each; pairs of position
    and intensity in one line, with a row for each; other rows unchanged.
    """
    flat = [pair for row in rows for pair in row]
    values = [value for value, _ in flat]
    beside = [
        row for row in rows if len(row) == 2 and abs(row[0][0] - row[1][0]) < 0.01 * row[0][0]
    ]
    if in_order(values) and len(beside) < 0.5 * len(rows):
        return [[pair] for pair in flat]
    if len(rows) == 1 and len(flat) >= 2 * FEWEST:
        whole = all(value % 1 == 0 for value in values[1::2])
        if len(flat) % 2 == 0 and whole and in_order(values[::2]):
            return [flat[k : k + 2] for k in range(0, len(flat), 2)]
        raise DDIError(
            f"{name} holds one row of {len(flat)} numbers in no order, {values[0]:g} to "
            f"{values[-1]:g}; write one peak a line, and take out what is no position"
        )
    return rows


def numbered(values):
    """1 where the first of several columns only counts the rows or holds other whole numbers (h k l
    in one, intensities), 3 or 4 where h, k, l, or these and a multiplicity, stand before the
    positions, else 0.
    """
    if values.shape[1] < 2 or len(values) < 6 or np.isinf(values).any():
        return 0
    if values.shape[1] > 3 and are_indices(values[:, :3]):
        found = [k for k in (3, 4) if k < values.shape[1] and _ordered(values[:, k])]
        if found and (values[:, 3 : found[0]] % 1 == 0).all():
            return found[0]
    whole, decimals = (values[:, 0] % 1 == 0).all(), (values[:, 1] % 1 != 0).mean() > _DECIMAL
    if agree(wavelengths(values[:, 0], values[:, 1])):
        return 0
    if whole and _ordered(values[:, 1]) and (decimals or not _ordered(values[:, 0], 0)):
        return int(not _is_axis(values[:, 0]))
    if whole and decimals and _strongest_first(values[:, 0]):
        return 1
    return int(counts_rows(values) and _ordered(values[:, 1], 0))


def _is_axis(column):
    """Whether numbers go in equal steps that are no counts, as the angles of a scan do."""
    steps = np.diff(column)
    return bool((steps == steps[0]).all() and steps[0] > 1)


def _strongest_first(column):
    """Whether a column holds relative intensities, the strongest line's first."""
    return column[0] == column.max() and column[0] in STRONGEST


def counts_rows(values):
    """Whether the first of several columns counts the rows."""
    several = values.shape[1] > 1 and len(values) >= 6 and values[0, 0] in (0, 1)
    return several and bool((np.diff(values[:, 0]) == 1).all())


def are_indices(columns):
    """Whether three columns are h, k and l."""
    whole = columns.shape[1] == 3 and np.isfinite(columns).all()
    return whole and (columns % 1 == 0).all() and np.abs(columns).max() < 50


def intensities_behind(values, first):
    """The column behind that of positions, and what to say of it; not one that holds them again, as
    d beside 2theta, nor errors, multiplicities or indices.
    """
    indices = [are_indices(values[:, k : k + 3]) for k in range(values.shape[1])]
    for second in range(first + 1, values.shape[1]):
        if any(indices[max(second - 2, first + 1) : second + 1]):
            continue
        if _no_intensities(values, first, second):
            continue
        pair = values[:, first], values[:, second]
        with np.errstate(divide="ignore", over="ignore"):
            ways = pair, pair[::-1], (pair[0], 1 / pair[1])
        if len(values) < 6 or not any(agree(wavelengths(*both)) for both in ways):
            skipped = second > first + 1 and not any(indices)
            return second, f", intensities of column {second + 1}" if skipped else ""
    if first == 1 and _strongest_first(values[:, 0]):
        return 0, ", intensities of column 1"
    twice = values.shape[1] == 2 and first == 0 and _again(values[:, 0], values[:, 1])
    return None, ", column 2 is nearly the same and not read" if twice else ""


def _again(x, y):
    """Whether two columns are the same positions, such as observed and calculated."""
    return bool((np.abs(x - y) < 0.01 * np.abs(x)).all())


def _no_intensities(values, first, column):
    """Whether a column behind the positions holds what no intensities are: errors or widths,
    multiplicities, calculated positions, or h k l written as one number.
    """
    x, y = values[:, first], values[:, column]
    if not len(values) >= 6 or len(values) > MOST or not np.isfinite(values).all():
        return False
    later = column + 1 < values.shape[1] and values[:, column + 1].max() > max(1.0, y.max())
    widths = 0 < y.min() and y.max() < (_WIDEST if later else _LARGEST_ERROR)
    return bool(widths or _again(x, y) or _weaker(y, values[:, column + 1 :]) or _are_glued(x, y))


def _weaker(y, later):
    """Whether a later column holds relative intensities, and this one other numbers."""
    scaled = [z for z in later.T if z.max() in STRONGEST and np.ptp(z)]
    if y.max() in STRONGEST or not scaled or not np.ptp(y):
        return False
    with np.errstate(all="ignore"):  # numbers near the largest
        return bool(np.corrcoef(y, scaled[0])[0, 1] < _ALIKE)


def _are_glued(x, hkl):
    """Whether numbers such as 110 are the h, k and l of positions in any unit: a quadratic form of
    the indices then gives 1/d^2.
    """
    if (hkl % 1 != 0).any() or not (0 < hkl).all() or hkl.max() > 999 or len(set(hkl)) < 6:
        return False
    h, k, l = hkl // 100, hkl // 10 % 10, hkl % 10
    squares = np.stack([h * h, k * k, l * l, h * k], axis=1)
    with np.errstate(all="ignore"):
        for q2 in (np.sin(np.radians(x / 2)) ** 2, x**-2.0, x * x):
            rows = squares / q2[:, None]
            if not np.isfinite(rows).all():  # a position that no such unit has
                continue
            form = np.linalg.lstsq(rows, np.ones(len(x)), rcond=None)[0]
            if (np.abs(squares @ form / q2 - 1) < _WORST_FORM).all():
                return True
    return False


def _ordered(column, decimals=1):
    """Whether numbers rise or fall throughout, and are not all whole."""
    return in_order(column) and bool(not decimals or (column % 1 != 0).any())


def in_order(numbers):
    """Whether numbers rise or fall throughout; `None` stands for one that could not be read."""
    numbers = np.asarray(numbers, dtype=float)
    steps = np.diff(numbers) if np.isfinite(numbers).all() else []
    return len(steps) > 0 and bool((steps > 0).all() or (steps < 0).all())


def looks_measured(position, intensity):
    """Say whether positions rise in steps as equal as a diffractometer's."""
    if intensity is None or len(position) < FEWEST_POINTS or not np.isfinite(position).all():
        return False
    if not (np.diff(position) > 0).all():
        return False
    steps = position[_REACH:] - position[:-_REACH]
    ratio = steps[_REACH:] / steps[:-_REACH]
    return bool(np.mean((ratio > 0.8) & (ratio < 1.25)) > REGULAR)


def wavelengths(two_theta, d):
    """2 d sin(theta) of each row that has both, in the unit of d."""
    with np.errstate(invalid="ignore", over="ignore"):
        each = 2 * d * np.sin(np.radians(two_theta / 2))
    return each[np.isfinite(each)]


def agree(each):
    """Whether most rows mean the same wavelength."""
    return _spread(each) <= _ONE_WAVELENGTH


def _spread(each):
    """How far most rows are from the middle one, relative to it."""
    middle = float(np.median(each)) if len(each) else 0.0
    with np.errstate(over="ignore"):
        return np.quantile(np.abs(each - middle), 0.8) / middle if middle > 0 else np.inf


FEWEST_POINTS = 60  # in steps so equal that no peak list has them; chosen
REGULAR = 0.85  # share of five-point steps that must be within 25 % of their neighbours'; chosen
_REACH = 5  # points: rounded positions have unequal single steps
_ONE_WAVELENGTH = 0.01  # relative; chosen
_WORST_FORM = 0.02  # of 1/d^2 of any row, relative; chosen
# of a width in degrees or a relative error; the strongest line has at least 1; chosen
_WIDEST = 0.9
_LARGEST_ERROR = 0.05  # where nothing stands behind it; chosen
_ALIKE = 0.9  # correlation of counts and relative intensities; chosen
_DECIMAL = 0.8  # share of numbers with decimals that makes a column beside whole ones; chosen
_FEWEST_TURNED = 3  # rows of a list in several columns, one below the other; chosen
STRONGEST = (100, 999, 1000)  # the relative intensity of the strongest line
