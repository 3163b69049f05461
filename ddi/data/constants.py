"""The numbers that this room takes for granted, each with its unit and where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataConstants:
    """Quality control, duplicates, groups, families and augmentation."""

    # quality control: a cell breaks the symmetry of its space group by rounding, not by more
    broken_length: float = 0.01  # relative; chosen, not measured
    broken_angle: float = 0.5  # degrees; chosen, not measured
    volume_mismatch: float = 0.01  # relative, rule 6; chosen, not measured
    volume_per_atom: float = 18.0  # A^3, rule 7; write-up, section 2.1.1
    # duplicates
    duplicate_cell: float = 0.05  # relative, of reduced lengths and angles; write-up
    rounding: float = 0.05  # atoms; occupancies are given with two or three digits
    # groups: up to this factor farther than the nearest counts as equally near; chosen
    alike: float = 1.1
    # families: largest relative difference of relatives' cells; errata, decision 5
    relative_cell: float = 0.05
    # augmentation
    strength: float = 0.2  # of a perturbation, in scaled parameters; write-up, section 2.1.5
    children: int = 10  # of one entry at most; write-up
    parent_lines: int = 200  # that a child's are taken from; chosen, not measured
    longest_list: int = 60  # peaks; write-up
    farthest: float = 3.0  # of a parent's lines, over the end of the patterns in q2; chosen
    rounds: int = 10  # how often a child that is not valid is drawn again; chosen
    # acceptance of a line: r0 times the last edge, so that the curve has come within exp(-3) = 5 %
    # of its plateau inside the bins; chosen, not measured
    saturation: float = 3.0
    misfit: float = 0.1  # root-mean-square, of curve and binned fraction; chosen, not measured


DATA = DataConstants()
