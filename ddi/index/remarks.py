"""What is to be said of a result besides its cells."""

from dataclasses import replace

import numpy as np

from ddi.index import lamellar, partners
from ddi.index.comparison import cell_of
from ddi.index.constants import LAMELLAR
from ddi.index.observed import prepare


def added(result, contents=None):
    """Return a `ddi.index.result.Result` with what its list and its first cell imply.

    A one-dimensional list leaves no cell likely. Of a cell, the lattices with the same lines are
    named, and what a formula makes of its volume.

    Parameters
    ----------
    result : ddi.index.result.Result
    contents : ddi.index.contents.Contents, optional
        Of the formula that the user gave.
    """
    one = one_length(result.peaks)
    if one is not None:
        cells = result.cells.assign(
            probability=np.minimum(result.cells.probability, LAMELLAR.most_likely)
        )
        return replace(result, cells=cells, one_length=one)
    if not len(result.cells):
        return result
    first = result.cells.iloc[0]
    notes = [contents.said(float(first.volume))] if contents is not None else []
    found = partners.partners(first.bravais, cell_of(first), float(result.peaks.q2[-1]))
    notes += partners.said(found, result.peaks.wavelength) if result.convinces else []
    return replace(result, notes=tuple(notes))


def one_length(peaks):
    """Return the `ddi.index.lamellar.OneLength` of `ddi.index.peaks.Peaks`, or None."""
    return lamellar.find(prepare(peaks.q2, peaks.sigma_q2, None, peaks.wavelength))
