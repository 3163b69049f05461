"""SVD-Index as a whole (Coelho, J. Appl. Cryst. 36, 86-95, 2003; write-up, section 1.2): random
cells of growing volume (`ddi.mcmc.starts`), each run through the chains with misfit weights.

It is not the published experiment: `ddi.study.convergence.calls_to_solution` says what is counted.
"""

from ddi.index.known import solve
from ddi.mcmc.starts import random_cells, volumes

OPTIONS = {"weights": "coelho", "accept": "always", "assign": "nearest"}


def index(peaks, system, *, per_volume=50, n_iterations=60, seed=0, time_budget=10.0, **options):
    """Index a pattern of known lattice system the way SVD-Index does, by growing volume, all peaks
    in every step.

    Parameters
    ----------
    peaks : ddi.index.search.Peaks
    system : str
    per_volume : int
        Random cells at each volume.
    n_iterations, seed, time_budget
        As in `ddi.index.known.solve`; a round is one volume, and the range is gone through again
        while there is time; the search ends early only when as many rounds as there are volumes
        have confirmed its best cell.
    **options
        Of `ddi.index.known.solve`.

    Returns
    -------
    ddi.index.known.Finds
    """
    shells = volumes(peaks.q2[: peaks.n_search], system)

    def sample(number):
        return random_cells(system, shells[number % len(shells)], per_volume, [seed, number])

    given = {
        **OPTIONS,
        "subsample": peaks.n_search,
        "centrings": "P",
        "n_iterations": n_iterations,
        "confirmations": len(shells),
        **options,
    }
    return solve(peaks, system, sample, time_budget=time_budget, seed=seed, **given)
