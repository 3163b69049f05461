"""What a search carries from its lattices to the ranked list: refined and judged candidates."""

from dataclasses import dataclass

import numpy as np

from ddi.forward import lattice
from ddi.forward.lines import KINDS


@dataclass(frozen=True, eq=False)
class Found:
    """Refined candidates of one Bravais lattice: x (n, 6) on the axes of the search, zero (n,) in
    degrees, who proposed them.
    """

    bravais: str
    x: np.ndarray
    zero: np.ndarray
    source: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidate:
    """A cell refined against all peaks.

    Attributes
    ----------
    bravais : str
    x : ndarray, shape (6,)
        Reciprocal metric in A^-2 on the axes of the search.
    zero : float
        Degrees 2theta.
    plain : float
        Score by nearest lines without absences.
    source : str
        Who proposed it.
    """

    bravais: str
    x: np.ndarray
    zero: float
    plain: float
    source: str


@dataclass(frozen=True, eq=False)
class Judged(Candidate):
    """A candidate with its score.

    Attributes
    ----------
    score : float
        Log units, under the likeliest extinction symbol and superstructure.
    symbol : str
        That extinction symbol.
    n_lines : int
        Lines that it allows up to the last peak.
    cell : ndarray, shape (6,)
        Conventional; Angstrom and degrees; hexagonal axes for hR.
    reduced : ndarray, shape (6,)
        Reduced primitive cell.
    primitive_volume : float
        A^3.
    partner : Judged or None
        The cell of another phase with which it has its score: see `ddi.index.pairs`.
    """

    score: float
    symbol: str
    n_lines: int
    cell: np.ndarray
    reduced: np.ndarray
    primitive_volume: float
    partner: "Judged | None" = None

    @property
    def paired(self):
        """Whether it has its score with a partner."""
        return self.partner is not None

    @property
    def n_free(self):
        """Free cell parameters of its lattice system."""
        return lattice.ties(KINDS[self.bravais].system).shape[1]

    @property
    def centring(self):
        """Centring letter that goes with `cell`."""
        return lattice.BRAVAIS[self.bravais][1]
