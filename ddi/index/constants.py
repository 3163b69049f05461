"""The numbers that search and ranking use, each with its unit and where it comes from.

"RRUFF" stands for measured patterns that were looked at while the value was chosen, so that rates
on them are optimistic: 191 to 197 fair patterns of 119 minerals at most (2026-11).
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class SearchConstants:
    """How candidates are made, screened and refined."""

    short: float = 1.5  # A, below which synchrotrons err less in degrees 2theta; chosen
    sigma: float = 0.012  # degrees 2theta, error of a laboratory peak; RRUFF, n = 197
    roundings: tuple = (1.0, 0.1, 0.01)  # A or degrees, steps in which positions stand; chosen
    zero_mean: float = 0.02  # degrees 2theta, prior of the zero shift; RRUFF, n = 197
    zero_sigma: float = 0.06  # degrees 2theta; the same, twice as wide as observed
    # degrees 2theta; the first, the commonest, is tried with every template; RRUFF, n = 197
    trial_shifts: tuple = (0.04, 0.0, 0.08, -0.04, -0.08)
    # as of Cu K-alpha for spacings alone; none is likeliest; chosen: 27 of 33 lists first (26)
    nominal_sigma: float = 0.04
    nominal_shifts: tuple = (0.0, 0.05, -0.05)
    # share and least number of templates tried at other shifts; RRUFF, 193: same cells, less time
    promising: float = 0.05
    min_promising: int = 500
    screen_sigma: float = 0.03  # degrees 2theta, error of a template's cell; chosen, not measured
    screen_lines: int = 400  # up to the last peak that searches: more explain anything; chosen
    # sigmas beyond which a peak's weight falls off, one a round; chosen, not measured
    widths: tuple = (3.0, 2.5, 2.0, 1.6, 1.3, 1.0, 1.0, 1.0)
    n_screened: int = 4000  # candidates a lattice that survive screening; chosen
    n_refined: int = 1200  # distinct ones of these that are refined; chosen
    # relative volume and log units within which two screened candidates are one; chosen
    same_volume: float = 0.006
    same_score: float = 0.25
    cubic_lines: int = 12  # of a cubic lattice that any peak may be; chosen, not measured
    n_drawn: int = 400  # cells asked of any other generator; chosen, not measured
    min_volume: float = 10.0  # A^3 of the primitive cell; chosen, not measured
    max_volume: float = 8000.0  # A^3 of the primitive cell; chosen
    unseen_lines: float = 10.0  # how many more lines than peaks a larger one may have; chosen
    # probability of the first cell below which the search begins anew with zero shifts up to half a
    # degree; prior and trials then, degrees 2theta; chosen, not measured
    convincing: float = 0.5
    wide_zero_sigma: float = 0.3
    wide_shifts: tuple = (0.04, -0.04, 0.12, -0.12, 0.2, -0.2, 0.3, -0.3, 0.4, -0.4, 0.5, -0.5, 0.6)
    # where the first cell does not convince, or leaves so many of the peaks that search, or a few
    # and is less than likely (30 patterns of one phase of the choosing half: 4), these are searched
    # again with every peak foreign with so high a probability; cost in log units: it puts
    # what 12 lists of random peaks reach (12.5 at most, 8.2 in the mean) where the ordinary search
    # has it; chosen on 12 sums of two patterns of the choosing half
    many_left: int = 4
    few_left: int = 2
    likely: float = 0.9
    crowded: float = 0.4
    # numbers of strongest peaks that make candidates by themselves then; chosen on 10 such sums
    strongest: tuple = (14, 8)
    crowded_cost: float = 4.0
    min_peaks: int = 4  # chosen, not measured
    max_verify: int = 40  # peaks that judge at most; chosen, not measured


@dataclass(frozen=True)
class ZoneConstants:
    """Cells with one long axis: see `ddi.index.zones`."""

    sigma: float = 0.02  # degrees 2theta, error of a peak at least; chosen, not measured
    first: int = 8  # peaks among which a series of orders begins; chosen, not measured
    highest_first: int = 4  # order of the first one at most; chosen, not measured
    # log units of a series: where nothing convinces yet or no zero shift is fitted (20 triclinic
    # cells, even ones of bench long_axis), and always (speed; 9 to 16 of 89 RRUFF patterns have it)
    least_gain: float = 4.0
    sure_gain: float = 11.0
    same_unit: float = 0.005  # relative, within which two series are one; chosen, not measured
    n_adjusted: int = 4  # units a trial zero shift that are refined; chosen for speed
    n_series: int = 2  # chosen for speed
    others: float = 0.75  # share of the peaks that are on no one row; chosen, not measured
    least_start: float = 4.0  # of a row, in units: other axes are shorter; chosen, not measured
    n_rows: int = 36  # likeliest rows that are combined; chosen for speed
    n_kept: int = 400  # cells a series that are refined; chosen for speed


@dataclass(frozen=True)
class LaterConstants:
    """When peaks after those that search and verify speak against a cell."""

    least: int = 6  # such peaks; chosen, not measured
    explained: float = 0.4  # least share that the cell explains; right cells of RRUFF: 0.67 to 0.93


class Shortlist(NamedTuple):
    """How many candidates a lattice are refined against all peaks, and kept; how many of all
    lattices are judged; how many peaks a round of refinement before the last takes, 0 for none,
    candidates that are nearly the same then being refined once.
    """

    n_refined: int
    n_per_lattice: int
    n_judged: int
    first_peaks: int = 0


@dataclass(frozen=True)
class RankingConstants:
    """How candidates are compared: see `ddi.index.score` and `ddi.index.ranking`."""

    # how `SCORE.spurious` goes with intensity: a power, and its limits; RRUFF, n = 197
    spurious_power: float = 0.3
    spurious_range: tuple = (0.005, 0.25)
    # log units that an extinction symbol and a superstructure cost; RRUFF, n = 197
    extinction_cost: float = 3.0
    superstructure_cost: float = 2.0
    # of the peaks that a superstructure puts on its subcell's lines, those tried; RRUFF, n = 193
    shares: tuple = (0.5, 0.6, 0.7, 0.8, 0.88, 0.94, 0.97)
    # how much worse than stated positions may be, and the cost in log units; RRUFF, n = 193
    scales: tuple = ((1.0, 0.0), (1.7, 2.0))
    # the same for lists that state no errors, besides; chosen, not measured
    coarse_scales: tuple = ((3.0, 2.5), (6.0, 3.5))
    widths: tuple = (1.5, 1.2, 1.0, 1.0)  # as those of the search, in the last refinement; chosen
    # chosen for speed, RRUFF, n = 193; where another phase may be there the right cell stands
    # farther behind and is met half refined: chosen on 10 sums of the choosing half
    usual: Shortlist = Shortlist(n_refined=60, n_per_lattice=12, n_judged=70)
    crowded: Shortlist = Shortlist(n_refined=100, n_per_lattice=20, n_judged=280, first_peaks=30)
    # relative volume, log units and lines within which two candidates of a lattice are one; chosen
    same: tuple = (0.003, 0.5, 1.0)
    indexed_sigmas: float = 3.0  # a peak farther from its line is not indexed; chosen, not measured
    # the search ends when the first cell is so likely and explains all of so many peaks; RRUFF, 193
    beyond_doubt: float = 0.999
    min_certain: int = 10
    # rounds of relatives of the first; log units that super- and subcells cost; RRUFF, n = 191
    max_climb: int = 3
    metric: tuple = (0.002, 0.006)  # relative, within which metric symmetry is higher; chosen
    # log units by which the less symmetric description of one lattice must be better to stand in
    # front: a cell comes so near a special ratio by chance once in four hundred; chosen
    metric_gain: float = 6.0
    stated_metric_gain: float = 1.0  # where errors are stated; 297 patterns of the choosing halves
    supercell_cost: float = 3.0
    subcell_cost: float = 0.0
    # log units that cells of a system reach in lists of 10 to 30 random peaks: of 32 such lists,
    # half with a zero shift, the best had 1.4, 2.2 and 6.1, the second 1.1, 1.0 and 4.1
    by_chance: tuple = (("cubic", 3.0), ("hexagonal", 4.0), ("tetragonal", 7.0))
    # highest probability of a cell with fewer lines than peaks or less than so much of M20; chosen
    most_doubtful: float = 0.5
    least_merit: float = 3.5
    n_related: int = 10  # heads among which a family is looked for; chosen, not measured


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
class KnownConstants:
    """What follows from what users say of their sample: see `ddi.index.known_lines`, `similar`."""

    # degrees 2theta: zero shifts tried while lines of a known substance are looked for; chosen
    shifts: tuple = tuple(round(0.01 * k, 2) for k in range(-15, 16))
    # cells like a given one: standard deviations of the common scale, of each axis (both relative)
    # and of angles in degrees; chosen, not measured
    like_scale: float = 0.03
    like_axis: float = 0.015
    like_angle: float = 1.0
    # degrees 2theta about a given zero shift: prior, and trials in screening; chosen, not measured
    start_sigma: float = 0.15
    start_trials: tuple = (0.0, 0.04, -0.04, 0.08, -0.08, 0.14, -0.14)
    # highest prior probability of a peak to be foreign, where users allow several; chosen
    most_foreign: float = 0.6


@dataclass(frozen=True)
class ContentsConstants:
    """What a formula says of a cell: see `ddi.index.contents`."""

    other_volume: float = 18.0  # A^3 of an atom of which nothing is known; Kempster and Lipson 1972
    density_error: float = 0.03  # relative, of a measured density; chosen, not measured
    # share of samples that are not what they are said to be; chosen, not measured
    doubt: float = 0.1


@dataclass(frozen=True)
class PhaseConstants:
    """When peaks that the first cell leaves are searched for a second phase."""

    least: int = 6  # peaks left; 14 lists of 6 to 8 random ones: no cell convinces
    misfit: float = 0.06  # of a line's height, what its profile may leave beside it; chosen
    # of the fit's height beside it, which a line that is left must exceed; its source was not kept
    stands_out: float = 0.2
    beta: float = 0.035  # of a line's height, its K-beta at most; as in `ddi.index.picking`


@dataclass(frozen=True)
class PartnerConstants:
    """How lattices with the same lines are looked for: see `ddi.index.partners`; chosen."""

    indices: tuple = (2, 3, 4)  # of sub- and supercells
    reach: float = 4.0  # times the last peak's q2, where deciding lines are looked for
    same: float = 1e-7  # relative to the last q2: roundoff
    most: int = 3  # partners, and deciding lines of each, that are named


PARTNERS = PartnerConstants()
CONTENTS = ContentsConstants()
KNOWN = KnownConstants()
SEARCH = SearchConstants()
PHASES = PhaseConstants()
ZONES = ZoneConstants()
LATER = LaterConstants()
SYMBOLS = SymbolConstants()
EVIDENCE = EvidenceConstants()
RANKING = RankingConstants()
PROFILE = ProfileConstants()
