"""How well the search indexes patterns whose cell is known: row by row, and success rates."""

import numpy as np
import pandas as pd

from ddi.base.stats import wilson
from ddi.forward import lattice, relations
from ddi.forward.relations import explain
from ddi.index.comparison import cell_of
from ddi.index.show import CELL_COLUMNS as CELL


def is_right(case, cell, centring):
    """Say whether a cell is the case's lattice: reduced cells within 1.5 % and 1.5 degrees."""
    return relations.same_lattice(cell, case.cell, centring, case.centring)


def first_right(case, cells, centrings, n_first=10):
    """Return the rank, from 1, of the first right cell among the first `n_first`, or 0."""
    for rank, (cell, centring) in enumerate(zip(cells[:n_first], centrings), 1):
        if is_right(case, cell, centring):
            return rank
    return 0


def rank_in(cells, truth, n_first=10):
    """Return `first_right` of a table of cells.

    Parameters
    ----------
    cells : DataFrame
        `ddi.index.result.Result.cells`, best first.
    truth : object
        With the attributes cell, shape (6,), and centring: a `Case`, a pattern.
    n_first : int
    """
    first = cells.head(n_first)
    centrings = [lattice.BRAVAIS[symbol][1] for symbol in first.bravais]
    return first_right(truth, first[CELL].to_numpy(dtype=float), centrings, n_first)


def is_first(truth, result):
    """Say whether the first cell of a `ddi.index.result.Result` is the lattice of `truth`."""
    return rank_in(result.cells, truth, 1) == 1


def primitive_volume(cell, centring):
    """Return the volume of the primitive cell in A^3."""
    return float(lattice.volume(lattice.reduced_cell(np.asarray(cell, dtype=float), centring)))


def index(case, *, lattices="all", seed=0, n_jobs=1, peaks=None, **options):
    """Index one case with `ddi.index.api.index_peaks` and compare with the truth.

    Parameters
    ----------
    case : Case
    lattices : "all", "known" or names
    peaks : Peaks, optional
        In place of the case's own.

    Returns
    -------
    dict
        id, mineral, bravais, rank (of the right cell among the first ten, 0 if not there), family
        (of the first cell: whether the right one is in it), probability and zero_shift (of the
        first), found (its Bravais lattice) and its cell a, b, c, alpha, beta, gamma, cause
        (`ddi.forward.relations.explain` of the first cell), seconds.
    """
    from ddi.index.api import index_peaks

    chosen = case.bravais if lattices == "known" else lattices
    result = index_peaks(peaks or case.peaks, lattice=chosen, seed=seed, n_jobs=n_jobs, **options)
    rank = rank_in(result.cells, case)
    row = {"id": case.id, "mineral": case.mineral, "bravais": case.bravais, "rank": rank}
    row |= {"family": False, "probability": 0.0}
    row |= {"found": "none", "cause": "nothing found", "seconds": result.seconds}
    if not len(result.cells):
        return row
    best = result.cells.iloc[0]
    cell = cell_of(best)
    centring = lattice.BRAVAIS[best.bravais][1]
    return row | {
        "family": bool(rank and result.cells.family.iloc[rank - 1] == 1),
        "probability": float(best.probability),
        "found": best.bravais,
        "cause": "correct" if rank == 1 else explain(cell, centring, case.cell, case.centring)[0],
        "zero_shift": float(best.zero_shift),
        **dict(zip(CELL, cell)),
    }


def changed(case, *, apply, **options):
    """Index what `apply` makes of a case; options and row as for `index`."""
    return index(case, peaks=apply(case), **options)


def share(name, k, n):
    """Return k / n as `name`, with its Wilson interval as ``name_low`` and ``name_high``."""
    low, high = wilson(k, n)
    # against rounding at none and at all
    return {name: k / n, f"{name}_low": min(low, k / n), f"{name}_high": max(high, k / n)}


def rates(outcomes, by, order=None):
    """Return success rates, first and in the first ten, with n and 95 % Wilson intervals.

    Parameters
    ----------
    outcomes : DataFrame
        With a column rank, 0 meaning not among the first ten.
    by : list of str
    order : list, optional
        Of the values of the first column of `by`.

    Returns
    -------
    DataFrame
        Columns `by`, n, first, first_low, first_high, ten, ten_low, ten_high; rates between 0 and
        1.
    """
    rows = []
    for key, group in outcomes.groupby(by, sort=True):
        n = len(group)
        shares = share("first", int((group["rank"] == 1).sum()), n)
        shares |= share("ten", int((group["rank"] > 0).sum()), n)
        rows.append(dict(zip(by, key)) | {"n": n} | shares)
    table = pd.DataFrame(rows)
    if order is not None and len(table):
        places = {value: k for k, value in enumerate(order)}
        table = table.sort_values(by[0], key=lambda column: column.map(places), kind="stable")
    return table.reset_index(drop=True)
