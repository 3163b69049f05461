"""Where chains start: random cells, cells of the generators, or both, fresh ones in every round."""

import numpy as np

from ddi.mcmc import starts
from ddi.models import generator
from ddi.study.damage import disturbed_cells

# relative, a round: later rounds of a generator look around its first cells
JITTER = 0.02
MAX_JITTER = 0.08
PER_ROUND = 300  # starts


def sampler(study, start, pattern, seed):
    """Return ``sample(number) -> cells`` for `ddi.index.known.solve`.

    Parameters
    ----------
    start : str
        "random" (growing volumes, as SVD-Index), names of generators joined by "+"
        ("forest+network+random"), or "both".
    """
    names = start.replace("both", "forest+network").split("+")
    q2 = pattern["q2"]
    system = pattern["system"]
    per_name = PER_ROUND // len(names)
    rounds = -(-per_name // len(starts.volumes(q2, system)))
    random = starts.sampler(q2, system, seed, rounds)

    def sample(number):
        parts = [
            random(number)
            if name == "random"
            else _drawn(study, name, system, q2, per_name, number, seed)
            for name in names
        ]
        return np.concatenate(parts)

    return sample


def _drawn(study, name, system, q2, n, number, seed):
    cells = generator.load(study, name, system).pooled(q2[None], n, seed=seed + number)[0]
    return disturbed_cells(cells, system, min(JITTER * number, MAX_JITTER), [seed, number])
