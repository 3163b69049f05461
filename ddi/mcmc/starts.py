"""SVD-Index, the method the write-up starts from (Coelho, J. Appl. Cryst. 36, 86-95, 2003;
write-up, section 1.2).

Random cells are scaled to a volume that grows until a solution is found; each is assigned and
solved in turn, with weights d^m |d 2theta| I whose exponent m is drawn anew from 0..4 in every
iteration. The misfit is in the weight, not in its inverse: what fits worst pulls hardest, so a
chain does not converge before everything fits. The loop is that of `ddi.mcmc.chains`.
"""

import numpy as np

from ddi.forward import lattice
from ddi.forward.reflections import reference_hkl
from ddi.mcmc.constants import CONSTANTS

FORMS = {
    "cubic": 24,
    "tetragonal": 8,
    "hexagonal": 12,
    "rhombohedral": 6,
    "orthorhombic": 4,
    "monoclinic": 2,
    "triclinic": 1,
}
"""General lines that coincide, over those of the triclinic system: half the order of the Laue
group.
"""
GROWTH = CONSTANTS.volume_growth


def estimated_volume(q2_obs, system):
    """Return the volume in A^3 of a primitive cell that has as many lines as there are peaks: N =
    (2 pi / 3) V q^3 / forms.
    """
    return 3 * len(q2_obs) * FORMS[system] / (2 * np.pi * np.max(q2_obs) ** 1.5)


def random_cells(system, volume, n, seed):
    """Return n random cells, shape (n, 6), of the given volumes (A^3, scalar or (n,)).

    Axes are log-uniform over a factor of 4 before scaling, free angles uniform in 60 to 120 degrees
    (rhombohedral: 30 to 110).
    """
    rng = np.random.default_rng(seed)
    low, high = (30, 110) if system == "rhombohedral" else (60, 120)
    cells = np.empty((0, 6))
    while len(cells) < n:
        raw = np.hstack(
            [
                np.exp(rng.uniform(0, np.log(CONSTANTS.axis_ratio), (4 * n, 3))),
                rng.uniform(low, high, (4 * n, 3)),
            ]
        )
        raw = lattice.full_cell(lattice.free_cell(raw, system), system)
        filled = lattice.volume(raw) / raw[:, :3].prod(axis=1)
        cells = np.vstack([cells, raw[filled > 0.2]])
    cells = cells[:n]
    cells[:, :3] *= (volume / lattice.volume(cells))[:, None] ** (1 / 3)
    return cells


def volumes(q2_obs, system):
    """Return the volumes (n,) in A^3 that the search steps through, each at most `volume_growth`
    times the one before, within `volume_range` of the estimate from q2_obs in A^-2.
    """
    low, high = (factor * estimated_volume(q2_obs, system) for factor in CONSTANTS.volume_range)
    return np.geomspace(low, high, int(np.ceil(np.log(high / low) / np.log(GROWTH))) + 1)


def sampler(q2_obs, system, seed=0, per_volume=100):
    """Return ``sample(number) -> cells``: each call starts `per_volume` cells at every volume of
    the range, smallest first.
    """
    shells = np.repeat(volumes(q2_obs, system), per_volume)
    spread = np.random.default_rng(seed).uniform(1, GROWTH, len(shells))
    return lambda number: random_cells(system, shells * spread, len(shells), [seed, number])


def exact_pattern(system, seed, n_peaks=20):
    """Return the first lines, exact and none missing, of a random primitive cell of 200 to 2000
    A^3, and the cell: (q2, cell).
    """
    volume = np.exp(np.random.default_rng(seed).uniform(np.log(200), np.log(2000)))
    cell = random_cells(system, volume, 1, seed)[0]
    cell = lattice.b_unique(cell, 1) if system == "monoclinic" else cell
    return np.unique(np.round(lattice.q2(reference_hkl(system)[:-1], cell), 9))[:n_peaks], cell
