"""How well patterns are solved: held-out simulated patterns with noise, starts from any generator,
every method, convergence radius.
"""

import time
from functools import lru_cache

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.stats import wilson
from ddi.data import dataset
from ddi.forward import lattice, relations
from ddi.forward.bragg import CU_KALPHA1, sigma_q2
from ddi.forward.lines import KINDS, distinct_lines
from ddi.index import known, screening, search
from ddi.mcmc import starts
from ddi.models.assignment import AssignmentNetwork, file_name
from ddi.study import explainers, svd_index
from ddi.study.start_cells import sampler

METHODS = {
    "nearest line": {"weights": "sigma", "accept": "metropolis"},
    "resampled": {"assign": "resample", "accept": "metropolis", "annealing": 3.0},
    "drawn from softmax": {
        "assign": "line prior",
        "prior": "drawn",
        "accept": "metropolis",
        "annealing": 3.0,
    },
    "as written": {"assign": "network_literal", "prior": "softmax"},
    "line prior": {"assign": "line prior", "prior": "softmax"},
    "marginal": {"assign": "marginal", "accept": "always", "subsample": 20},
    "misfit weights": {"weights": "coelho", "accept": "always"},
    "all lines": {"weights": "coelho", "accept": "always", "centrings": "P"},
    "assignment network": {"weights": "sigma", "accept": "metropolis", "assign": "network"},
    "SVD-Index": svd_index.OPTIONS,
}
"""Options of `ddi.mcmc.sampler.optimize` by the name that figures use; "as written" is
section 2.4.3 to the letter, "nearest line" the same with the nearest line and a prior uniform over
the lines, "resampled" draws from a Gaussian of the distance, "all lines" leaves all starts to
chains that know no centring."""
ASSIGNERS = ("network", "line prior", "network_literal")
N_VOTE = 40
"""Peaks that judge the cells that chains found with the first ten or twenty: what a supercell or
a chance match hides in twenty lines shows in the next."""
# prior probability of a peak to belong to no line: simulated lists have no spurious peak, so it is
# less than that of measured ones (`ddi.forward.chance.SCORE`), and above zero because a user would
# not know it; chosen, not measured
SPURIOUS_SIMULATED = 0.01
EXPLAINED = 4.0  # sigma within which a peak lies on a line
# a pattern has one core: on an idle machine this is wall time, on a busy one it is still the cost
CLOCK = time.process_time


def patterns(study, system, n, seed, noise=0.02, n_vote=N_VOTE):
    """Return up to n test patterns of a lattice system, with errors of `noise` degrees 2theta; the
    first of more are the same.

    Returns
    -------
    list of dict
        system, identifier, bravais, cell (b unique if monoclinic), reduced (of the true lattice),
        peaks (`ddi.index.search.Peaks`: up to `n_vote`), q2 (n_peaks,) as generators and chains
        read it, number.
    """
    frame = dataset.test(study, system)
    frame = frame.sample(min(n, len(frame)), random_state=seed).reset_index(drop=True)
    rows = []
    for number, row in enumerate(frame.itertuples()):
        rng = np.random.default_rng([seed, lattice.SYSTEMS.index(system), number])
        n_read = lattice.N_PEAKS[system]
        q2 = np.asarray(row.q2, dtype=float)[:n_vote]
        cell = np.asarray(row.cell, dtype=float)
        cell = lattice.b_unique(cell, row.unique_axis) if row.unique_axis >= 0 else cell
        about = {
            "system": system,
            "identifier": row.identifier,
            "bravais": row.bravais,
            "cell": cell,
            "number": number,
        }
        about["reduced"] = true_lattice(cell, row.bravais, q2)
        q2 = np.sort(np.maximum(q2 + sigma_q2(q2, noise) * rng.standard_normal(len(q2)), 1e-6))
        peaks = search.prepare(
            q2,
            sigma_q2(q2, noise),
            wavelength=CU_KALPHA1,
            n_peaks=n_read,
            spurious=SPURIOUS_SIMULATED,
        )
        rows.append(about | {"peaks": peaks, "q2": q2[:n_read]})
    return rows


def true_lattice(cell, bravais, q2):
    """Return the reduced cell (6,): entries name the Bravais lattice, not which face of their cell
    is centred.

    It is the face whose lines the exact positions q2, shape (n_peaks,), lie on.
    """
    system, centring = lattice.BRAVAIS[bravais]
    if centring != "C":
        return lattice.reduced_cell(cell, "P" if centring == "R" else centring)
    lattices = [
        lattice.reduced_cell(cell, letter)
        for letter in ("CAB" if system == "orthorhombic" else "CAI")
    ]
    return min(lattices, key=lambda reduced: _worst_miss(reduced, q2))


def _worst_miss(reduced, q2):
    bravais, axes = relations.standard(reduced)
    return (
        np.abs(q2[:, None] - distinct_lines(lattice.cell_to_x(axes), bravais, 1.01 * q2[-1])[1])
        .min(axis=1)
        .max()
    )


@lru_cache(maxsize=32)
def assigner(models, system, name, level="0.05"):
    """Return the options that let a trained assigner of a folder of models assign; None if there is
    none.

    Parameters
    ----------
    models : Path
    system : str
    name : str
        "network" (on a line prior), "line prior" (that one alone) or "network_literal" (section
        2.3.3 as it stands).
    level : str
        Of `ddi.models.assignment.LEVELS`; 0.05 is the error of the starts in notebook 09.
    """
    if name not in ASSIGNERS:
        raise DDIError(f"there is no assigner '{name}'; use network, line prior or network_literal")
    path = models / file_name(system, level, literal=name == "network_literal")
    if not path.exists():
        return None
    network = AssignmentNetwork.load(path, system)
    found = network.prior if name == "line prior" else network
    return {"assign": found, "hkl": found.reference}


def attempt(study, pattern, start, method, *, seed, time_budget=10.0, max_rounds=1000, **options):
    """Solve one pattern from one kind of start with one method.

    Returns
    -------
    dict
        solved (the true lattice stands first), by_score (it would by the chains' own score),
        in_ten, missed ("" or what `ddi.forward.relations.explain` calls the first cell),
        transformation (`ddi.study.explainers.told`), rounds, seconds, correct_from (seconds when
        the first place became and stayed true; nan if not), score, bravais ...
    """
    if method not in METHODS:
        raise DDIError(f"there is no method '{method}'; use one of {', '.join(METHODS)}")
    given = {**METHODS[method], **options}
    if given.get("assign") in ASSIGNERS:
        assigning = assigner(study.models, pattern["system"], given["assign"])
        if assigning is None:
            return None
        given |= assigning
    peaks = pattern["peaks"]
    system = pattern["system"]
    given |= {"seed": seed, "time_budget": time_budget, "clock": CLOCK, "n_jobs": 1}
    if method == "SVD-Index":
        finds = svd_index.index(peaks, system, max_rounds=6 * max_rounds, **given)
    else:
        finds = known.solve(
            peaks, system, sampler(study, start, pattern, seed), max_rounds=max_rounds, **given
        )
    return _judged(finds, pattern) | {"start": start, "method": method, "system": system}


def _judged(finds, pattern):
    row = {
        "identifier": pattern["identifier"],
        "bravais": pattern["bravais"],
        "rounds": finds.rounds,
        "seconds": finds.seconds(),
    }
    if not finds.rows:
        return row | {
            "solved": False,
            "by_score": False,
            "in_ten": False,
            "missed": "nothing found",
            "transformation": "",
            "cause": "nothing found",
            "correct_from": np.nan,
            "score": np.nan,
        }
    right = [relations.same_lattice(found.reduced, pattern["reduced"]) for found in finds.rows]
    first = finds.rows[0].reduced
    how = ("", None) if right[0] else relations.explain(first, "P", pattern["reduced"], "P")
    row |= {
        "solved": right[0],
        "by_score": relations.same_lattice(finds.best_by_chains, pattern["reduced"]),
        "in_ten": any(right[:10]),
        "missed": how[0],
        "transformation": explainers.told(*how),
        "cause": "" if right[0] else _cause(finds, any(right)),
    }
    return row | {
        "correct_from": finds.history[-1][0] if right[0] else np.nan,
        "score": finds.rows[0].score,
    }


def _cause(finds, found):
    """Why another cell stands first: the truth was never found, or it was and the first cell scores
    more, with every peak or without.
    """
    if not found:
        return "true cell not found"
    peaks = finds.peaks
    first = finds.rows[0]
    kind = KINDS[first.bravais]
    misses, _ = screening.describe(
        first.x[None], np.array([first.zero]), kind, peaks.q2, peaks.slope
    )
    return (
        "first cell explains every peak"
        if (np.abs(misses) < EXPLAINED * peaks.sigma).all()
        else "true cell outscored"
    )


def warm_up():
    """Load the compiled loops, so that the first pattern's time is not that of the compiler."""
    q2, cell = starts.exact_pattern("orthorhombic", 0)
    known.solve(
        search.prepare(q2, 1e-4),
        "orthorhombic",
        lambda number: cell[None],
        max_rounds=1,
        n_iterations=2,
        n_jobs=1,
    )


def curve(rows, times):
    """Return the share of attempts whose first place is right from each time on, (n_times,)."""
    return (rows["correct_from"].to_numpy()[:, None] <= np.asarray(times)).mean(axis=0)


def summary(rows):
    """Return n, solved and in_ten with Wilson intervals (per cent) of attempts and their seconds,
    one row a lattice system.
    """
    table = []
    for system in [s for s in lattice.SYSTEMS if (rows["system"] == s).any()]:
        mine = rows[rows["system"] == system]
        low, high = wilson(mine["solved"].sum(), len(mine))
        row = {
            "lattice system": system,
            "n": len(mine),
            "solved / %": 100 * mine["solved"].mean(),
            "from": 100 * low,
            "to": 100 * high,
        }
        row |= {
            "in first ten / %": 100 * mine["in_ten"].mean(),
            "by the chains' score / %": 100 * mine["by_score"].mean(),
        }
        table.append(
            row
            | {
                "median time to it / s": mine["correct_from"].median(),
                "mean time to end / s": mine["seconds"].mean(),
            }
        )
    return pd.DataFrame(table)
