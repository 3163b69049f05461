"""What columns without names are, by their numbers alone."""

import numpy as np


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
    for size in range(2, values.shape[1] // 2 + 1):
        if values.shape[1] % size:
            continue
        columns = values[:, ::size].T
        decimal = all((column[np.isfinite(column)] % 1 != 0).any() for column in columns)
        if decimal and _ordered(columns[np.isfinite(columns)]):
            return size
    return 0


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
    if (values[:, 0] % 1 == 0).all() and not _ordered(values[:, 0], 0) and _ordered(values[:, 1]):
        return 1
    return int(counts_rows(values) and _ordered(values[:, 1], 0))


def counts_rows(values):
    """Whether the first of several columns counts the rows."""
    several = values.shape[1] > 1 and len(values) >= 6 and values[0, 0] in (0, 1)
    return several and bool((np.diff(values[:, 0]) == 1).all())


def are_indices(columns):
    """Whether three columns are h, k and l."""
    whole = columns.shape[1] == 3 and np.isfinite(columns).all()
    return whole and (columns % 1 == 0).all() and np.abs(columns).max() < 50


def _ordered(column, decimals=1):
    """Whether numbers rise or fall throughout, and are not all whole."""
    return in_order(column) and bool(not decimals or (column % 1 != 0).any())


def in_order(numbers):
    """Whether numbers rise or fall throughout; `None` stands for one that could not be read."""
    numbers = np.asarray(numbers, dtype=float)
    steps = np.diff(numbers) if np.isfinite(numbers).all() else []
    return len(steps) > 0 and bool((steps > 0).all() or (steps < 0).all())


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


_ONE_WAVELENGTH = 0.01  # relative; chosen
