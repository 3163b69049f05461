"""The constants of this room, with units and sources."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChainConstants:
    """Measured or chosen; "chosen" means chosen and not measured.

    The prior of a spurious peak and the cost of a parameter are those of `ddi.forward.chance`.
    """

    # likelihood (section 2.4.1)
    eps_q2: float = 1e-4  # A^-2, epsilon of sigma^2: 0.02 degrees 2theta at 25 degrees, Cu K-alpha
    # lines shared between peaks
    window: float = 4.0  # sigma beyond which a line has no share in a peak; chosen
    widths: tuple = (0.03, 0.001)  # first and last one of a line, as a fraction of q2; chosen
    background: float = 3.0  # sigma at which "no line" has as large a share as a line; chosen
    # chains (section 2.4.3)
    subsample: int = 15  # peaks a step, of twenty: the write-up's example
    largest_exponent: float = 4.0  # of d in Coelho's weights, drawn from 0 to it (Coelho 2003)
    reassign_every: int = 10  # iterations between two calls of a network not in the ratio; chosen
    jitter: float = 0.03  # relative, of a start that a chain goes back to; chosen
    least_chance: float = 1e-6  # of a label, so that a peak given up can still be drawn; chosen
    max_polished: int = 500  # states, best log-likelihood first, that are polished; chosen
    least_q2: float = 1e-6  # A^-2, of a line in the line prior, as in `ddi.models.assigners`
    # gradient ascent of the marginal likelihood (Adam; Kingma & Ba 2015); chosen
    ascent_step: float = 0.3  # of the width: how far a step moves a cell, relative
    # of a candidate's largest component: scale on which a small one moves
    ascent_floor: float = 0.1
    ascent_decay: tuple = (0.9, 0.99)  # of the means of the slope and of its square
    ascent_least: float = 1e-12  # added to the root of the mean square, against division by zero
    # polishing
    sigma_2theta: float = 0.02  # degrees, error of a peak where none is given; chosen
    polish_rounds: int = 6  # chosen
    polish_start: float = 20.0  # sigma, half-width of the weights in the first round; chosen
    polish_end: float = 2.0  # sigma, in the last
    # starts of SVD-Index (section 1.2); not in the paper of 2003 in this form
    volume_range: tuple = (0.4, 6.0)  # times the volume estimated from the density of lines; chosen
    volume_growth: float = 1.25  # from shell to shell; chosen
    axis_ratio: float = 4.0  # largest, before scaling to the volume; chosen


@dataclass(frozen=True)
class SolveConstants:
    """When rounds of chains in a known lattice system end: see `ddi.index.known`; chosen."""

    # rounds that must find the best score again, to so many log units
    confirmations: int = 3
    same_score: float = 0.5
    # log units a peak; below it a search wants so many times the confirmations
    convincing: float = 0.4
    patience: int = 4
    # times the peaks that chains read, for their score; reference indices reach no further
    seen: int = 2
    n_kept: int = 40  # rows of the ranking from round to round


CONSTANTS = ChainConstants()
SOLVE = SolveConstants()
