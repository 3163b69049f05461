"""The constants of this room, with units and sources."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConstants:
    """Measured or chosen; "chosen" means chosen and not measured."""

    # networks
    epsilon: float = 1e-3  # of the layer normalisation: Keras' default, which the write-up uses
    least_beta: float = 1e-6  # added to beta, scaled units squared; chosen
    least_variance: float = 1e-6  # clips the stopped factor of the beta-NLL; chosen
    most_variance: float = 1e3  # the same from above; chosen
    # assigners
    chunk: int = 64  # candidates whose pairwise array, 64 x 20 x 500 float32, is in memory; chosen
    narrowest: float = 0.001  # relative error of q2, the first that `AdaptivePrior` tries; chosen
    n_widths: int = 8  # how many it tries, each twice the one before; chosen
    shared_ranks: float = 1.0  # ranks; over how many a line prior shares its counts; chosen
    pseudo_count: float = 0.5  # added to each count of a line prior (Jeffreys)
    # joint assignment (`ddi.models.joint`)
    beam: int = 32  # histories; 64 name at most one point more at noise 0.05 (2026-11)
    joint_noise: float = 0.005  # degrees 2theta, of a peak, as in synthetic patterns; chosen
    gate: float = 3.5  # standard deviations within which a line may belong to a peak; chosen
    hopeless: float = 14.0  # log units below the best history, where one is dropped; chosen
    lost: float = 0.02  # probability that is left to the line prior, the truth being lost; chosen
    error_sizes: int = 4  # of a candidate, equally probable; chosen
    least_error: float = 1e-4  # of a candidate's free parameters, scaled units; chosen
    # snapping
    snap_sigma: float = 0.03  # degrees 2theta, error of a peak; chosen
    # share of the peaks that takes part in each round; chosen
    snap_rounds: tuple = (0.3, 0.4, 0.6, 0.8, 1.0, 1.0)
    snap_reach: float = 1.03  # times the last peak: how far lines are counted; chosen
    # templates
    n_patterns: int = 30_000  # disturbed copies a Bravais lattice; chosen
    max_reach: int = 13  # peaks; how far a template may look in a zone or row; chosen
    enough: int = 3  # choices of peaks a free parameter that end the look further; chosen
    amplification: float = 8.0  # times an observed line's error, rms of twenty lines; chosen
    drop: float = 0.2  # share of the lines that a disturbed copy loses; chosen
    # foreign peaks a line in a disturbed copy, a rate and not the prior of a score; chosen
    spurious: float = 0.05
    # synthetic patterns (`ddi.models.synthetic`)
    n_lines: int = 180  # lines of a seed: those of a cell twice as long; chosen
    spread: float = 0.5
    """Largest width of a kernel, in log length. From 0.15 to 0.45 the best of 30 within 5 % rises
    from 43 to 57 % (200 orthorhombic test patterns, 2026-11); beyond, chosen.
    """
    own_lines: float = 0.25  # share of patterns that show the lines their seed shows; chosen
    flipped: float = 0.05  # at most so many lines change from seen to unseen or back; chosen
    noise: float = 1e-4  # relative error of q2, 0.005 degrees at 2theta = 60; chosen
    damaged: float = (
        0.3  # share of patterns with larger errors, shifted zero, foreign peaks; chosen
    )
    shift: float = 4e-4  # of q, relative to the pattern's mean q, standard deviation; chosen
    n_bins: int = 96  # of the density that the network reads; chosen
    # index sets and the template network (`ddi.models.index_sets`, `ddi.models.coincidences`)
    most_sets: int = 40_000  # of the commonest that are looked at; chosen
    sets_of_one: int = 60  # that one synthetic pattern gives at most; chosen
    cover_patterns: int = 2500  # synthetic patterns that the sets must meet; chosen
    cover_depth: int = 6  # how often each; chosen
    near: float = 0.05  # a set is right within this, as best-of-n counts (section 2.2.4)
    apart: float = 0.02  # draws nearer than this, lengths and radians, are repeats; chosen
    ratios: tuple = (2, 3, 4, 5, 7, 9, 3 / 2, 4 / 3, 9 / 4, 5 / 2, 7 / 3, 7 / 4)
    """Of q2 of two lines of a row or of a zone of tetragonal or hexagonal lattices; chosen."""
    bumps: tuple = (4e-4, 2e-3)  # half widths at half height of a coincidence, relative; chosen
    first_peaks: int = 12  # that ratios and sums are made of; chosen


CONSTANTS = ModelConstants()
