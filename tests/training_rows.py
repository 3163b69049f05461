"""Made training rows for the tests of generators."""

import numpy as np
import pandas as pd

from ddi.forward import lattice
from ddi.models.cells import free_parameters

CELLS = {
    "cubic": [5, 5, 5, 90, 90, 90],
    "tetragonal": [5, 5, 8, 90, 90, 90],
    "hexagonal": [5, 5, 8, 90, 90, 120],
    "rhombohedral": [6, 6, 6, 70, 70, 70],
    "orthorhombic": [5, 7, 9, 90, 90, 90],
    "monoclinic": [5, 7, 9, 90, 90, 105],
    "triclinic": [5, 7, 9, 95, 99, 104],
}


def frame(system, n=120, seed=0, groups=2):
    """Make training rows: cells around one, with their own lines as patterns."""
    rng = np.random.default_rng(seed)
    axis = 2 if system == "monoclinic" else -1
    free = free_parameters(np.array(CELLS[system], dtype=float), system, axis)
    cells = lattice.full_cell(free * np.exp(0.08 * rng.standard_normal((n, len(free)))), system)
    cells[:, 3:] = np.where(
        np.isin(cells[:, 3:], (90, 120)), cells[:, 3:], np.clip(cells[:, 3:], 65, 110)
    )
    if axis == 2:
        cells[:, [4, 5]] = cells[:, [5, 4]]
    grid = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3), axis=-1).reshape(-1, 3)
    lines = [np.unique(np.round(q2[q2 > 0], 9))[:40] for q2 in lattice.q2(grid, cells)]
    names = [f"crystal{k}" for k in range(n)]
    columns = {
        "identifier": names,
        "parent": "",
        "augmented": False,
        "group": [f"g{k % groups}" for k in range(n)],
        "bravais": "xP",
    }
    return pd.DataFrame(columns).assign(unique_axis=axis, cell=list(cells), q2=lines)
