"""The numbers that this room takes for granted, each with its unit and where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ForwardConstants:
    """Powder patterns, their peak lists, and when two cells count as one."""

    # powder patterns (section 2.1.1)
    two_theta_max: float = 90.0  # degrees; errata, decision 4
    step: float = 0.02  # degrees between points; write-up
    fwhm: float = 0.1  # degrees, of the Gaussian profile; write-up
    n_lines: int = 60  # length of the two peak lists; write-up
    # condition 2: height of a peak in a pattern whose squares sum to one; write-up
    min_height: float = 0.001
    min_separation: float = 0.1 / 1.5  # degrees, condition 4: 1/1.5 of the FWHM; write-up
    coincident: float = 1e-8  # lines closer than this, relative in q2, are one; roundoff
    full_terms: int = (
        1_000_000  # lines x atoms up to which a pattern is simulated to its end; chosen
    )
    first_lines: int = 600  # symmetry-independent lines a large cell starts with; chosen
    margin: float = 0.5  # degrees at the end of a cut pattern whose peaks may change; 5 FWHM
    same_site: float = 0.1  # A; symmetry copies closer than this are one atom; chosen
    # reflection conditions and reference indices
    condition_reach: int = 6  # largest |h|, |k|, |l| looked at; 6_1 screws ask for six
    reference_range: int = 20  # largest |h|, |k|, |l| of reference indices; chosen
    same_q2: float = 1e-9  # relative; two settings of one crystal; roundoff
    # cells (bounds of section 2.4.1)
    min_length: float = 2.0  # A; write-up
    max_length: float = 500.0  # A; write-up
    # A; a refined cell obeys its lattice's ties to rounding, so its relatives do, too
    tied_length: float = 1e-3
    same_length: float = 0.015  # relative, on reduced cells; chosen, not measured
    same_angle: float = 1.5  # degrees, on reduced cells; chosen, not measured
    relative_indices: tuple = (2, 3)  # of supercells and subcells that a search tries; chosen
    largest_index: int = 6  # for which `explain` looks for a supercell or subcell; chosen
    # lines
    least_metric: float = 1e-9  # A^-2; below this x is no metric of a lattice that is indexed
    max_lines: int = 1024  # a candidate with more up to the last peak explains anything; chosen


@dataclass(frozen=True)
class ScoreConstants:
    """What the score of `ddi.forward.chance` takes for granted about peaks and lattices."""

    # share and relative width of the outer of two normal curves of a peak's error: RRUFF, n = 75
    # development patterns, 2026-11 (a 15 % tail three times as wide)
    tail: float = 0.15
    tail_width: float = 3.0
    # prior probability that a peak belongs to no line: RRUFF, n = 75; one in twenty of the first
    # twenty picked peaks is foreign, and the rank of the truth hardly moves from 0.01 to 0.08
    spurious: float = 0.04
    # log units a free parameter: RRUFF, n = 75; 3 to 5 rank equally many first
    parameter_cost: float = 5.0


FORWARD = ForwardConstants()
SCORE = ScoreConstants()
