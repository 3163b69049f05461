"""The numbers that search and ranking use, each with its unit and where it comes from; those of
whole patterns are in `ddi.index.pattern_constants`.

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
class ViewConstants:
    """When a series of orders is in the way of templates: see `ddi.index.views`; chosen."""

    max_order: int = 12
    first: int = 12  # peaks among which a series of orders must begin
    min_orders: int = 3  # fewer are chance
    blocked: int = 6  # first peaks of which orders must be at least `min_orders` to be in the way
    filled: float = 0.5  # least share of the orders up to the highest that are there
    sigmas: float = 3.0  # within which a peak is an order of another


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
class RemarkConstants:
    """What is said of a result besides its cells: see `ddi.index.remarks`."""

    # peaks after those that search and verify, and the least share that a right cell explains;
    # chosen, right cells of RRUFF: 0.67 to 0.93
    least_later: int = 6
    explained: float = 0.4
    exact: float = 2e-4  # degrees 2theta or A; no instrument is as good; chosen
    least_shift: float = 0.01  # degrees 2theta that are worth a sentence; chosen, not measured


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
    # log units that e times as many lines as usual cost, and the usual number of lines a peak;
    # maximum likelihood over the cells of 178 lists and 52 patterns of the choosing halves
    unseen: float = 4.6
    usual_lines: float = 1.4
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
    n_anew: int = 30  # of the crowded search that are judged as ordinary ones, too; for speed
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
class KinshipConstants:
    """Which cells of a list are compared with each other: see `ddi.index.kinship`; chosen.

    A cell that these leave is then compared by its lines' positions (`ddi.forward.relations`).
    """

    same_length: float = 0.015  # log units, of each reduced axis of one lattice found twice
    same_volume: float = 0.05  # relative, the same
    ratios: tuple = (1.5, 4.4)  # of the volumes of sub- and supercells
    whole: float = 0.03  # relative, from a whole number


@dataclass(frozen=True)
class PairConstants:
    """How cells are scored in pairs."""

    n_candidates: int = 60  # of the list that are tried as partners; chosen for speed
    shares: tuple = (0.25, 0.4, 0.5, 0.6, 0.75)  # of the peaks that belong to the first; chosen
    # candidates whose leftovers are searched for a partner, and those kept of each; for speed
    n_heads: int = 2
    n_kept: int = 10
    # log units a pair pays: 10 for the 24,000 pairs and shares that are tried, the rest for the
    # searches for partners; with 10 alone, pairs in lists without a lattice reached 13 of score,
    # right ones 30 to 74 (sums of measured patterns, choosing half)
    cost: float = 14.0


@dataclass(frozen=True)
class LamellarConstants:
    """When a list is one-dimensional: all chosen, not measured."""

    fewest: int = 4  # orders
    share: float = 0.8  # least share of the peaks that are orders; the others are foreign
    filled: float = 0.5  # least share of the orders up to the highest that are there
    chance: float = 0.25  # most of the axis that windows of orders may cover
    # sigmas within which a peak is an order, one a round of least squares, and parts of an order
    narrowing: tuple = (30.0, 15.0, 8.0, 5.0, 3.5)
    between: float = 0.25
    after: float = 3.0  # from the first foreign peak on, orders for each foreign one
    first: int = 3  # peaks that are tried as the lowest order
    highest_first: int = 4  # of what order
    most_zero: float = 0.3  # degrees 2theta
    most_likely: float = 0.05  # probability left to a cell of such a list


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
ZONES = ZoneConstants()
REMARKS = RemarkConstants()
VIEWS = ViewConstants()
KINSHIP = KinshipConstants()
PAIRS = PairConstants()
LAMELLAR = LamellarConstants()
RANKING = RankingConstants()
