"""Whole patterns of test structures as a laboratory might measure them.

K-alpha doublet, counting noise, background, zero shift and foreign lines (`ddi.study.damage`), and
preferred orientation (March-Dollase). The data set lists the first sixty lines of a structure;
those that follow come from its simulated pattern, by non-negative least squares, so that a
measurement does not end with the list.
"""

import gemmi
import numpy as np
import pandas as pd
from scipy.optimize import nnls

from ddi.data import dataset, rruff
from ddi.forward import bragg, lattice
from ddi.forward.constants import FORWARD
from ddi.forward.lines import distinct_lines
from ddi.index import extinction
from ddi.study import damage

# conditions of simulated measurements, uniform between the two; chosen: laboratory patterns
COUNTS = (1500.0, 20_000.0)  # of the highest point; its logarithm is uniform
BACKGROUND = (0.01, 0.08)  # relative to the highest point
MARCH = (0.75, 1.0)  # March-Dollase parameter
AXES = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)])
END = 70.0  # degrees 2theta at which a measurement ends
FEWEST_LINES = 12
MOST_LINES = 400  # a measurement of a larger cell ends earlier
MARGIN = 4.0  # FWHM of the data set's patterns, left out where lines are known no farther
MERGED = 0.2  # FWHM of the data set's patterns; lines closer together share an intensity


def half(family):
    """Return "choosing" or "reporting": the half of the families of the test split, by the last bit
    of the SHA-256 of the family's number.
    """
    return rruff.half(f"family {family}")


def on_axes(study, of_half=None):
    """Return test structures whose setting is one of those that the search's axes allow, with the
    row of the data set; triclinic ones have nothing to tell.

    Parameters
    ----------
    study : ddi.base.paths.Study
    of_half : {"choosing", "reporting"}, optional
        Families of one half only.
    """
    columns = ["identifier", "name", "bravais", "sg_symbol", "cell_conventional"]
    rows = dataset.load(study, [*columns, "q2_1", "intensity_1", "hkl_conventional_1"])
    rows["row"] = np.arange(len(rows))
    groups = pd.read_parquet(study.interim / "groups.parquet")
    groups = groups.loc[groups.split == "test", ["identifier", "family"]]
    rows = rows.merge(groups, on="identifier").sort_values("identifier")
    known = {
        bravais: {name for entry in extinction.classes(bravais) for name in entry.space_groups}
        for bravais in lattice.BRAVAIS
    }
    kept = [
        row.bravais != "aP"
        and row.sg_symbol.split(":")[0] in known[row.bravais]
        and (row.bravais != "hR" or row.cell_conventional[5] == 120)
        and len(row.q2_1) >= FEWEST_LINES
        and of_half in (None, half(row.family))
        for row in rows.itertuples()
    ]
    return rows[np.array(kept)]


def rows(study, n, seed=0, of_half=None):
    """Return `n` structures, as mappings, spread over the Bravais lattices, each with its `lines`.

    Parameters
    ----------
    study : ddi.base.paths.Study
        Whose data set the structures are from.
    n, seed : int
    of_half : {"choosing", "reporting"}, optional
    """
    table = on_axes(study, of_half)
    each = -(-n // max(table.bravais.nunique(), 1))
    shuffled = table.iloc[np.random.default_rng(seed).permutation(len(table))]
    patterns = np.load(study.interim / "patterns.npy", mmap_mode="r")
    chosen = shuffled.groupby("bravais").head(each).head(n)
    return [row | lines(row, patterns[row["row"]]) for row in chosen.to_dict("records")]


def lines(row, pattern):
    """Return all lines of a structure up to `END`, those of its list and those that follow.

    Parameters
    ----------
    row : mapping
        bravais, sg_symbol, cell_conventional, q2_1 (A^-2), intensity_1, hkl_conventional_1.
    pattern : array_like, shape (n_points,)
        Of `ddi.data.dataset.build`: without noise, NaN where nothing was simulated.

    Returns
    -------
    dict
        q2, intensity, hkl, and `end`, the 2theta in degrees of `ddi.forward.bragg.CU_KALPHA1` up to
        which no line is missing.
    """
    q2 = np.asarray(row["q2_1"], dtype=float)
    hkl = np.asarray(row["hkl_conventional_1"]).reshape(-1, 3)
    intensity = np.asarray(row["intensity_1"], dtype=float)
    pattern = np.asarray(pattern, dtype=float)
    end = min(_known_to(pattern), END)
    if len(q2) == FORWARD.n_lines:
        more, more_q2, end = _that_follow(row, q2[-1], end)
        found = _fitted(np.append(q2, more_q2), pattern)
        scale = found[: len(q2)].sum() / intensity.sum()
        q2 = np.append(q2, more_q2)
        hkl = np.vstack([hkl, more])
        intensity = np.append(intensity, found[len(intensity) :] / scale)
    end = bragg.moved(np.array([end]), bragg.CU_KALPHA1 / bragg.WRITEUP_WAVELENGTH)[0]
    return {"q2": q2, "hkl": hkl, "intensity": intensity, "end": float(end)}


def _known_to(pattern):
    """2theta in degrees, for the data set's wavelength, up to which a pattern's lines are known."""
    last = np.flatnonzero(np.isfinite(pattern))[-1] * FORWARD.step
    return last - MARGIN * FORWARD.fwhm if last < FORWARD.two_theta_max - 1e-6 else last


def _that_follow(row, last, end):
    """Indices and q2 of the lines after the last listed one, and where they end."""
    cell = np.asarray(row["cell_conventional"], dtype=float)
    limit = float(bragg.q2_of(end + MARGIN * FORWARD.fwhm, bragg.WRITEUP_WAVELENGTH))
    hkl, q2 = distinct_lines(lattice.cell_to_x(cell), row["bravais"], limit, 20_000)
    group = row["sg_symbol"].split(":")[0]
    names = [group in entry.space_groups for entry in extinction.classes(row["bravais"])]
    there = extinction.allowed(row["bravais"], hkl)[names.index(True)] & (q2 > last * (1 + 1e-6))
    first = np.append(True, np.diff(q2[there]) > FORWARD.coincident * q2[there][1:])
    hkl = hkl[there][first[: there.sum()]][:MOST_LINES]
    q2 = q2[there][first[: there.sum()]][:MOST_LINES]
    if len(q2) == MOST_LINES:
        place = bragg.two_theta(q2[-1], bragg.WRITEUP_WAVELENGTH)
        end = min(end, float(place) - MARGIN * FORWARD.fwhm)
    return hkl, q2, end


def _fitted(q2, pattern):
    """Integrated intensities of lines in the data set's own pattern, shape (n_lines,)."""
    place = bragg.two_theta(q2, bragg.WRITEUP_WAVELENGTH)
    group = np.append(0, np.cumsum(np.diff(place) > MERGED * FORWARD.fwhm))
    angle = np.arange(len(pattern)) * FORWARD.step
    seen = np.isfinite(pattern) & (angle < place[-1] + FORWARD.fwhm)
    sigma = FORWARD.fwhm / np.sqrt(8 * np.log(2))
    design = np.zeros((seen.sum(), group[-1] + 1))
    members = np.bincount(group)
    for line, centre in zip(group, place):
        near = np.flatnonzero(np.abs(angle[seen] - centre) < 6 * sigma)
        bell = np.exp(-0.5 * ((angle[seen][near] - centre) / sigma) ** 2)
        design[near, line] += bell / members[line]
    found, _ = nnls(design, pattern[seen])
    return found[group] / members[group]


def measurement(row, seed):
    """Return a structure as a laboratory might measure it, a `ddi.data.rruff.Pattern`.

    Parameters
    ----------
    row : mapping
        identifier, name, bravais, sg_symbol, cell_conventional, and what `lines` returns.
    seed : int
    """
    rng = np.random.default_rng(seed)
    cell = np.asarray(row["cell_conventional"], dtype=float)
    symbol = row["sg_symbol"].split(":")[0]
    axis = AXES[rng.integers(len(AXES))]
    oriented = preferred(row["hkl"], axis, rng.uniform(*MARCH), cell, symbol)
    counts = float(np.exp(rng.uniform(*np.log(COUNTS))))
    conditions = damage.Conditions(counts=counts, background=rng.uniform(*BACKGROUND) * counts)
    intensity = row["intensity"] * oriented
    angles, measured, _ = damage.pattern(row["q2"], intensity, seed=seed, conditions=conditions)
    inside = angles <= row["end"]
    centring = "R" if row["bravais"] == "hR" else row["bravais"][1]
    name = row["name"] or row["identifier"]
    known = (damage.CU.alpha1, cell, symbol, row["bravais"], centring)
    return rruff.Pattern(row["identifier"], name, angles[inside], measured[inside], *known)


def preferred(hkl, axis, march, cell, symbol):
    """Return the March-Dollase factor of each line, mean over its equivalents.

    Parameters
    ----------
    hkl : array_like of int, shape (n, 3)
    axis : array_like of int, shape (3,)
        Indices of the plane that lies flat.
    march : float
        1 without preferred orientation, less for plates.
    cell : ndarray, shape (6,)
    symbol : str
        Hermann-Mauguin.

    Returns
    -------
    ndarray, shape (n,)

    Notes
    -----
    Dollase (1986), J. Appl. Cryst. 19, 267-272.

    Examples
    --------
    >>> cubic = np.array([4.0, 4, 4, 90, 90, 90])
    >>> preferred([[2, 0, 0], [1, 1, 1]], [0, 0, 1], 1.0, cubic, "P 1").tolist()
    [1.0, 1.0]
    """
    metric = lattice.x_to_metric(lattice.cell_to_x(cell))
    turns = [op.rot for op in gemmi.SpaceGroup(symbol).operations().sym_ops]
    turned = np.asarray(hkl, dtype=float) @ (np.array(turns) / gemmi.Op.DEN)
    along = turned @ metric @ np.asarray(axis, dtype=float)
    length = np.einsum("mni,ij,mnj->mn", turned, metric, turned) * (axis @ metric @ np.array(axis))
    cos2 = np.minimum(along**2 / length, 1.0)
    return np.mean((march**2 * cos2 + (1 - cos2) / march) ** -1.5, axis=0)
