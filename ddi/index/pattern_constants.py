"""The numbers that reading a whole pattern uses, each with its unit and where it comes from: peak
picking, the whole-pattern fit, and what intensities say. "RRUFF" as in `ddi.index.constants`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PickingConstants:
    """What counts as a peak."""

    fewest_points: int = 100  # of a pattern; chosen, not measured
    constant_end: int = 8  # equal points at an end that are no measurement; chosen
    most_points: int = 60_000  # more are averaged in groups; chosen, for speed
    most_per_width: float = 24.0  # points a FWHM, more are averaged; laboratories have 5 to 15
    widest: float = 1.6  # usual widths; what is broader is no line; chosen on RRUFF patterns
    first_kept: int = 30  # without K-alpha lines, whatever their height; chosen, not measured
    dominant: float = 10.0  # times the fifth line: of a highest line no more counts; chosen
    missed_snr: float = 1.0  # more than min_snr in what the first fit leaves; chosen on RRUFF
    misfit: float = 0.06  # of the model, counted as noise there; chosen on RRUFF patterns
    faint_height: float = 0.001  # relative to the highest peak; chosen, not measured
    # signal-to-noise ratios, and which share of the peaks that `pick` leaves belongs to no line;
    # counted on 193 RRUFF patterns
    faint_snr: tuple = (3.0, 3.5, 4.5, 6.0)
    faint_spurious: tuple = (0.55, 0.4, 0.25, 0.18)


@dataclass(frozen=True)
class FitConstants:
    """Where one cluster ends and when two lines are better than a broad one."""

    gap: float = 5.0  # FWHM between two clusters; chosen: RRUFF positions move by < 0.001 degrees
    most_lines: int = 8  # of a cluster, else it is split at its widest gap; chosen, for speed
    merged: float = 0.2  # FWHM: closer lines were one; chosen, no line of 45 RRUFF patterns lost
    margin: float = 3.0  # FWHM beyond the outer lines of a cluster; chosen, not measured
    broad: float = 1.3  # usual widths from which splitting is tried; chosen on RRUFF patterns
    split_gain: float = 60.0  # chi-square each further line must save; chosen on RRUFF
    sigma_floor: float = 0.006  # degrees: alignment, grain statistics; errors of RRUFF positions
    sigma_floor_width: float = 0.1  # FWHM, for lines sharper than a laboratory's; chosen


@dataclass(frozen=True)
class ProfileConstants:
    """How a whole pattern is fitted: see `ddi.index.profile`."""

    reach: float = 12.0  # FWHM beyond which a profile is taken for zero; chosen, not measured
    merged: float = 0.25  # FWHM within which lines share an intensity; chosen, not measured
    knot_spacing: float = 4.0  # degrees 2theta between background knots; chosen, not measured
    # standard deviation of a background level, relative to the usual noise; chosen, not measured
    level_spread: float = 3.0
    # of the intensity above background, counted as error beside the noise, because profiles are
    # no exact pseudo-Voigt curves; chosen, not measured
    model_error: float = 0.04
    eta: float = 0.5  # Lorentz share at the start; chosen, not measured
    # prior standard deviations, relative to the largest component of the metric; degrees 2theta
    # twice; relative to the usual FWHM; of eta; chosen, not measured
    metric_spread: float = 0.01
    zero_spread: float = 0.06
    displacement_spread: float = 0.06
    width_spread: float = 0.3
    eta_spread: float = 0.25
    # FWHM beyond which a picked peak is no line of the cell, but one of its own; chosen
    foreign: float = 0.9
    least_shown: float = 0.01  # probability of a symbol that is listed; chosen, not measured
    most_lines: int = 400  # the pattern is cut where a cell has more; chosen for speed
    last_angle: float = 90.0  # degrees 2theta; weak and crowded lines follow; chosen for speed
    fewest_points: int = 50  # of the fitted part of a pattern; chosen, not measured
    ridge: float = 1e-9  # relative to the diagonal of the normal matrix; chosen, not measured
    rounds: int = 14  # Gauss-Newton steps at most, shortened ones included; chosen, not measured
    converged: float = 0.1  # fall of the cost, a reduced chi-square of 1, that ends the fit; chosen


@dataclass(frozen=True)
class SymbolConstants:
    """How a fit's intensities judge extinction symbols: see `ddi.index.symbols`."""

    scales: tuple = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # of exponential laws, in means nearby; chosen
    # of the laws; maximum likelihood, 6610 intensities of the choosing half of RRUFF (51 minerals)
    weights: tuple = (0.13, 0.40, 0.15, 0.10, 0.09, 0.13)
    window: float = 10.0  # degrees 2theta of the mean; chosen
    # width in standard uncertainties and in what the strongest neighbour leaks; shares of misfits
    # and of foreign lines where a line is extinct, scales of both relative to the mean nearby and
    # to the strongest line; log loss of 51 minerals and 903 simulated patterns, choosing halves
    spread: float = 1.2
    leak: float = 0.06
    misfit: float = 0.02
    misfit_scales: tuple = (0.3, 0.1, 0.03)
    foreign: float = 0.005
    foreign_scale: float = 0.03
    tungsten: float = 1.47639  # A, L-alpha1 of a tube's tungsten; Bearden (1967)
    nothing: float = 1e3  # standard uncertainty, in means, of a line that was not measured; chosen
    weak: float = 0.01  # probability that a class of lines is weak; same loss, flat 0.008 to 0.016
    unseen: float = 0.3  # crystals added to every space group; chosen, not measured
    minerals: float = 0.5  # share in the prior; log loss of the choosing halves, flat 0.3 to 0.6


@dataclass(frozen=True)
class EvidenceConstants:
    """What a pattern says of a cell against its subcells: see `ddi.index.evidence`."""

    # law of intensities where no line is, Student's t: width in standard uncertainties, share of
    # the strongest neighbour, degrees of freedom; maximum likelihood, 26,851 positions of 220
    # random superlattices of 110 patterns: choosing half of RRUFF and of simulated COD structures
    spread: float = 0.95
    leak: float = 0.06
    freedom: float = 5.5
    # share of positions with something foreign; 0.009 by the same fit, more since supercells are
    # listed because they explain foreign peaks; log loss of 184 patterns of the choosing halves
    foreign: float = 0.03
    # shares of the larger cell's own positions that have a line, and the prior of none; chosen
    shares: tuple = (0.0, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.8)
    none: float = 0.3333
    # widths within which one line speaks; widths and degrees within which two lines are one; chosen
    apart: float = 2.0
    same: float = 0.6
    least_reach: float = 0.05
    # from so many negative intensities on, this quantile of them in widths, of its usual value,
    # makes the law wider, up to so many times; chosen, not measured
    fewest: int = 10
    quantile: float = 0.9
    usual: float = 1.9
    widest: float = 3.0
    # first rows that are compared, how far behind the first at most, and how far evidence counts,
    # in log units; log loss of 184 patterns of the choosing halves
    n_compared: int = 3
    reach: float = 8.0
    most: float = 6.0
    # highest probability of a first cell of which pattern and lattices' shares favour a supercell;
    # log loss 0.226 to 0.223 beside a threshold of -0.56 on the evidence, as few wrong above it;
    # 237 patterns of the choosing halves of RRUFF and of simulated structures
    most_unsettled: float = 0.8
    unseen: float = 5.0  # minerals added to every Bravais lattice; chosen, not measured


@dataclass(frozen=True)
class PhaseConstants:
    """When peaks that the first cell leaves are searched for a second phase."""

    least: int = 6  # peaks left; 14 lists of 6 to 8 random ones: no cell convinces
    misfit: float = 0.06  # of a line's height, what its profile may leave beside it; chosen
    # of the fit's height beside it, which a line that is left must exceed; its source was not kept
    stands_out: float = 0.2
    beta: float = 0.035  # of a line's height, its K-beta at most; as in `ddi.index.picking`
    # FWHM within which a line of the first cell hides one that is less than so many times as high,
    # since their shares are open; probability that such a one belongs to no line; chosen
    hiding: float = 0.5
    hidden: float = 2.0
    doubt: float = 0.4
    # probability from which the first cell is not searched again in what the second one leaves:
    # the same cell came out in 9 of 9 sums of the choosing half
    sure: float = 0.9
    # degrees 2theta by which the zero shifts of two phases of a specimen differ, one standard
    # deviation, and the most that it counts in log units; chosen, not measured
    zero_apart: float = 0.05
    least_gain: float = -20.0


PICKING = PickingConstants()
FIT = FitConstants()
PROFILE = ProfileConstants()
SYMBOLS = SymbolConstants()
EVIDENCE = EvidenceConstants()
PHASES = PhaseConstants()
