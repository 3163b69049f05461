"""Does a learned generator propose the right cell where index templates do not?

The Bravais lattice is given. Where no candidate of the templates is right, three other sources are
asked: the templates again with longer lists or with the strongest peaks only, and the draws of the
template network (`ddi.models.template_network`), refined as they are or after joint assignment.
Draws of the right cell with an error stand beside them, to show that the joint assignment works.
"""

import time
from dataclasses import replace

import numpy as np
import pandas as pd

from ddi.base.stats import wilson
from ddi.bench import crystals, lists
from ddi.bench.registry import benchmark
from ddi.forward import lattice, relations
from ddi.forward.lines import KINDS, distinct_lines
from ddi.index import peaks as peaklist
from ddi.index import proposals, screening, search
from ddi.index.constants import SEARCH
from ddi.models.assigners import LinePrior
from ddi.models.joint import JointAssignment
from ddi.models.template_axes import settings
from ddi.models.template_network import SHIPPED, TemplateNetwork

N_DRAWN = 100
ERROR = 0.03  # of the lengths, relative, and of angles, radians, of right cells that are spoilt
SIZES = (0.01, 0.03)  # errors that the joint assignment expects, in the same units
FOREIGN = 0.1  # prior probability of a peak without a line
LEAST_VOLUME = 1200.0  # A^3, of a large triclinic cell
LONGER = {"n_screened": 20000, "n_refined": 4800}
WAYS = ("templates", "longer lists", "strongest", "network", "joint", "spoilt, joint")


def cases(which, kind, n, seed=0):
    """Return (peaks, bravais, cell, centring) of at most n lists that hold twenty peaks, of a half:
    "impure" as in `ddi.bench.lists`, or "large" triclinic cells.
    """
    if kind == "impure":
        made = lists.tasks(which, ("impure",), n, seed)
    else:
        rows = crystals.held_out()
        rows = rows[(rows.half == which) & (rows.bravais == "aP")]
        volume = lattice.volume(np.array(rows.cell.tolist()))
        rows = rows[volume > LEAST_VOLUME]
        rows = rows.sample(min(n, len(rows)), random_state=seed)
        made = [("laboratory", row, k) for k, row in enumerate(rows.itertuples())]
    for how, row, number in made:
        drawn = lists.simulated(row, how, number)
        if drawn is None:
            continue
        seen = peaklist.from_values(drawn[0], "2theta", lists.CU, drawn[1])
        peaks = search.prepare(seen.q2, None, seen.intensity, lists.CU)
        if len(peaks.q2) >= 20:
            yield peaks, row.bravais, np.array(row.cell), row.centring


def is_among(x, bravais, cell, centring):
    """Say whether one of x (n, 6) is the lattice of a cell with a centring."""
    cells = lattice.x_to_cell(x[lattice.is_positive(x)])
    return any(
        relations.same_lattice(each, cell, lattice.BRAVAIS[bravais][1], centring) for each in cells
    )


def refined(x, peaks, bravais, zero):
    """Return x (n, 6) refined as the search refines candidates."""
    x = x[lattice.is_positive(x)]
    first = slice(peaks.n_search)
    shifts = np.full(len(x), zero.mean)
    observed = peaks.q2[first], peaks.slope[first], peaks.sigma[first], zero.mean, zero.sigma
    widths = np.array(SEARCH.widths)
    screening.refine(x, shifts, KINDS[bravais], *observed, widths, SEARCH.screen_lines)
    return x


def joined(x, peaks, bravais, zero):
    """Return what joint assignment makes of x (n, 6), every line of a cell being as likely."""
    found = [_joined(each, peaks, bravais, zero) for each in x]
    return np.array([each for each in found if each is not None]).reshape(-1, 6)


def _joined(x, peaks, bravais, zero):
    system = KINDS[bravais].system
    q2 = (peaks.q2 - zero.mean * peaks.slope)[: peaks.n_search]
    hkl = distinct_lines(x, bravais, 1.1 * q2[-1])[0]
    if not len(hkl) or len(hkl) > SEARCH.screen_lines:
        return None
    reference = np.vstack([hkl, np.zeros(3, dtype=int)])
    flat = np.append(np.full(len(hkl), (1 - FOREIGN) / len(hkl)), FOREIGN)
    prior = LinePrior(system, reference, np.log(flat)[None])
    joint = JointAssignment(system, reference, prior, None, None, noise=1.5 * SEARCH.sigma)
    slope = lattice.free_x(_slope(x).T, system).T
    spreads = np.array([size**2 * slope @ slope.T for size in SIZES])
    best = joint.histories(q2, lattice.free_x(x, system), spreads)[2][0]
    return lattice.full_x(best, system)


def _slope(x):
    """Derivatives of x by the logarithms of lengths and by angles in radians, shape (6, 6)."""
    cell = lattice.x_to_cell(x)
    step = 1e-4
    unit = step * np.append(cell[:3], np.full(3, np.degrees(1)))
    return (lattice.cell_to_x(cell + np.diag(unit)) - x).T / step


def compared(case, network, rng):
    """Return for each of `WAYS` whether the right cell is among its candidates and the seconds of
    CPU; ways after the first are asked where that one fails.
    """
    peaks, bravais, cell, centring = case
    zero = search.Zero().within(peaks)
    ways = _ways(case, zero, network, rng)
    found = {}
    for name in WAYS:
        began = time.process_time()
        x = ways[name]()
        found[name] = is_among(x, bravais, cell, centring), time.process_time() - began
        if found["templates"][0]:
            break
    return found


def _right_setting(bravais, cell, centring):
    """The right cell on the axes of the search."""
    for axes in settings(cell, bravais, -1):
        if is_among(lattice.cell_to_x(axes)[None], bravais, cell, centring):
            return axes
    return settings(cell, bravais, -1)[0]


def _ways(case, zero, network, rng):
    peaks, bravais, cell, centring = case

    def drawn():
        cells = network.sample(peaks.q2[None, :20], N_DRAWN, seed=0)[0]
        axes = [each for one in cells for each in settings(one, bravais, 1)]
        x = lattice.cell_to_x(np.array(axes))
        return x[lattice.is_positive(x)]

    def spoilt():
        system = lattice.BRAVAIS[bravais][0]
        right = _right_setting(bravais, cell, centring)
        error = ERROR * rng.uniform(-1, 1, (N_DRAWN, 6))
        cells = right + np.column_stack([right[:3] * error[:, :3], np.degrees(error[:, 3:])])
        return lattice.cell_to_x(lattice.full_cell(lattice.free_cell(cells, system), system))

    def longer():
        usual = proposals.SEARCH
        proposals.SEARCH = replace(usual, **LONGER)
        try:
            return search.search_lattice(peaks, bravais, zero).x
        finally:
            proposals.SEARCH = usual

    def improved(x):
        return refined(joined(x, peaks, bravais, zero), peaks, bravais, zero)

    crowded = proposals.Effort(crowded=True)
    return {
        "templates": lambda: search.search_lattice(peaks, bravais, zero).x,
        "longer lists": longer,
        "strongest": lambda: search.search_lattice(peaks, bravais, zero, crowded).x,
        "network": lambda: refined(drawn(), peaks, bravais, zero),
        "joint": lambda: improved(drawn()),
        "spoilt, joint": lambda: improved(spoilt()),
    }


def measured(which, n=40, seed=0):
    """Return a row a kind and way: lists asked, right cell among the candidates, CPU a list."""
    rows = []
    for kind, system in (("impure", "monoclinic"), ("large", "triclinic")):
        path = SHIPPED / f"{TemplateNetwork.name}_{system}.npz"
        network = TemplateNetwork.load(path, system=system)
        rng = np.random.default_rng(seed)
        found = [compared(case, network, rng) for case in cases(which, kind, n, seed)]
        for way in WAYS:
            asked = [each[way] for each in found if way in each]
            right = sum(hit for hit, _ in asked)
            low, high = wilson(right, len(asked)) if asked else (0.0, 1.0)
            cost = float(np.median([cpu for _, cpu in asked])) if asked else np.nan
            about = {"kind": kind, "way": way, "n": len(asked), "right": right}
            rows.append(about | {"low": low, "high": high, "cpu_s": cost})
    return pd.DataFrame(rows)


@benchmark(
    "learned",
    floor=0.0,
    about="lists where no template gives the right cell: does the template network (needs "
    "`make study`)",
)
def bench_learned(n=40, path=None):
    """Right cells among the candidates of each way; written to `path` (CSV) if one is given."""
    rows = measured("reporting", n)
    if path:
        rows.to_csv(path, index=False, float_format="%.4g")
    asked = rows[rows.way == "joint"]
    n = int(asked.n.sum())
    share = asked.right.sum() / max(n, 1)
    return {"value": share, "unit": "share", "n": n, "rows": rows.to_dict("records")}
