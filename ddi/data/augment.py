"""More training entries where symbols are rare: perturbed cells, their lines, resampled peaks
(write-up, section 2.1.5).
"""

from dataclasses import dataclass

import gemmi
import numpy as np
import pandas as pd

from ddi.data.constants import DATA
from ddi.data.perturb import Perturbation, b_placed, is_valid, shrinkage
from ddi.data.resample import Resampler
from ddi.forward import lattice

_GENERIC = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])  # tells rows of integers apart by one number


def n_children(symbols, total, rng, at_most=DATA.children):
    """Return how many children each entry gets, rare symbols first.

    Every symbol is filled up to the same level of rows, real and augmented, as far as `at_most`
    children an entry reach; the level is the highest that needs no more than `total` children. What
    does not divide evenly falls on entries at random.

    Parameters
    ----------
    symbols : array_like of str, shape (n,)
    total : int
    rng : numpy.random.Generator
    at_most : int

    Returns
    -------
    children : ndarray of int, shape (n,)
    level : int
        Rows that a symbol is filled up to.
    """
    code, _ = pd.factorize(np.asarray(symbols))
    sizes = np.bincount(code)

    def needed(level):
        return np.clip(level - sizes, 0, at_most * sizes)

    low = 0
    high = (at_most + 1) * int(sizes.max(initial=0)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if needed(middle).sum() <= total else (low, middle)
    each, rest = np.divmod(needed(low), np.maximum(sizes, 1))
    order = rng.permutation(len(code))
    rank = np.empty(len(code), dtype=int)
    rank[order] = pd.Series(code[order]).groupby(code[order]).cumcount()
    return each[code] + (rank < rest[code]), low


def line_rows(cell, operations, unique_axis, system, q2_to, n=DATA.parent_lines):
    """Return a crystal's first lines that are not systematically absent.

    Parameters
    ----------
    cell : array_like, shape (6,)
        A and degrees; a monoclinic cell with its unique axis at b (`ddi.data.perturb.b_placed`).
    operations : sequence of str
        Triplets of the whole group, on the axes before `b_placed`.
    unique_axis : int
        On those axes; -1 if not monoclinic.
    system : str
    q2_to : float
        How far to look, in A^-2.
    n : int
        How many lines to keep.

    Returns
    -------
    rows : ndarray, shape (<= n, n_free)
        Of the design matrix, by ascending q2; indices that coincide in every cell of the system are
        one line.
    complete : float
        No line below this q2 is missing.
    """
    reach = np.ceil(np.asarray(cell[:3]) * np.sqrt(q2_to)).astype(int)
    hkl = np.indices((reach[0] + 1, *(2 * reach[1:] + 1))).reshape(3, -1).T - (
        0,
        reach[1],
        reach[2],
    )
    x = lattice.cell_to_x(cell)
    q2 = ((hkl @ np.linalg.cholesky(lattice.x_to_metric(x))) ** 2).sum(axis=1)
    hkl = hkl[(q2 <= q2_to) & (q2 > 0)].astype(np.int32)
    hkl = hkl[
        ~np.asarray(_group(operations).systematic_absences(b_placed(hkl, unique_axis)), dtype=bool)
    ]
    rows = lattice.design(hkl, system)
    rows = rows[np.unique(np.round(rows @ _GENERIC[: rows.shape[1]], 6), return_index=True)[1]]
    q2 = rows @ lattice.free_x(x, system)
    order = np.argsort(q2, kind="stable")[:n]
    return rows[order], float(q2[order[-1]]) if len(order) == n else float(q2_to)


def _group(operations):
    return gemmi.GroupOps([gemmi.Op(operation) for operation in operations])


@dataclass(frozen=True)
class Family:
    """Parents of one lattice system, every monoclinic one with its unique axis at b.

    Attributes
    ----------
    system : str
    unique_axis : ndarray of int, shape (n,)
    cells : ndarray, shape (n, 6)
    rows : ndarray, shape (n, n_lines, n_free)
        From `line_rows`, filled with infinity.
    complete : ndarray, shape (n,)
    """

    system: str
    unique_axis: np.ndarray
    cells: np.ndarray
    rows: np.ndarray
    complete: np.ndarray

    @classmethod
    def of(cls, frame, system, q2_max):
        """Collect from rows of the dataset: columns unique_axis, cell, operations_reindexed, q2_1;
        `q2_max` ends the patterns.
        """
        unique_axis = frame["unique_axis"].to_numpy()
        cells = b_placed(np.array(frame["cell"].tolist()), unique_axis)
        rows = np.full((len(frame), DATA.parent_lines, len(lattice.SYSTEM[system].free)), np.inf)
        complete = np.empty(len(frame))
        for i, (operations, q2) in enumerate(zip(frame["operations_reindexed"], frame["q2_1"])):
            # The number of lines grows as q2^(3/2); beyond DATA.farthest even a child that has
            # shrunk a lot shows none.
            q2_to = min(
                1.2 * q2[-1] * (DATA.parent_lines / len(q2)) ** (2 / 3), DATA.farthest * q2_max
            )
            found, complete[i] = line_rows(cells[i], operations, unique_axis[i], system, q2_to)
            rows[i, : len(found)] = found
        return cls(system, unique_axis, cells, rows, complete)

    def lines(self, which, cells, q2_max):
        """Return the ascending lines of children, rows padded with infinity, as far as none is
        missing.

        Parameters
        ----------
        which : ndarray of int, shape (n,)
            Their parents.
        cells : ndarray, shape (n, 6)
            Unique axis at b.
        q2_max : float
            A^-2.

        Returns
        -------
        ndarray, shape (n, n_lines)
        """
        x = lattice.free_x(lattice.cell_to_x(cells), self.system)
        rows = self.rows[which]
        known = np.isfinite(rows[:, :, 0])
        q2 = np.where(
            known, np.einsum("clf,cf->cl", np.where(known[:, :, None], rows, 0), x), np.inf
        )
        limit = np.minimum(shrinkage(self.cells[which], cells) * self.complete[which], q2_max)
        return np.sort(np.where(q2 <= limit[:, None], q2, np.inf), axis=1)

    def children(self, counts, perturbation, resampler, rng, q2_max):
        """Perturb cells and resample peaks until every child is valid and shows enough peaks, or
        `DATA.rounds` is over.

        Parameters
        ----------
        counts : array_like of int, shape (n,)
            How many of each parent.
        perturbation : ddi.data.perturb.Perturbation
        resampler : ddi.data.resample.Resampler
        rng : numpy.random.Generator
        q2_max : float
            End of the patterns, A^-2.

        Returns
        -------
        parents : ndarray of int, shape (n_made,)
        cells : ndarray, shape (n_made, 6)
            On the model's axes.
        q2 : list of ndarray
        """
        pending = np.repeat(np.arange(len(self.cells)), counts)
        made = []
        free = lattice.free_cell(self.cells, self.system)
        for _ in range(DATA.rounds):
            placed = lattice.full_cell(perturbation.draw(free[pending], rng), self.system)
            cells = b_placed(placed, self.unique_axis[pending])
            good = is_valid(cells, self.system, perturbation.shortest, perturbation.longest)
            lines = self.lines(pending[good], placed[good], q2_max)
            chosen = resampler.draw(lines, rng)
            enough = chosen.sum(axis=1) >= lattice.N_PEAKS[self.system]
            good[good] = enough
            peaks = [
                line[mask][: DATA.longest_list] for line, mask in zip(lines[enough], chosen[enough])
            ]
            made.append((pending[good], cells[good], peaks))
            pending = pending[~good]
        order = np.argsort(np.concatenate([parents for parents, _, _ in made]), kind="stable")
        parents, cells = (np.concatenate([part[k] for part in made])[order] for k in (0, 1))
        peaks = [q2 for part in made for q2 in part[2]]
        return parents, cells, [peaks[i] for i in order]


def augment_system(frame, system, *, total, seed, q2_max, method=None, train=None):
    """Augment the entries of one lattice system.

    Parameters
    ----------
    frame : pandas.DataFrame
        Entries with peaks enough, of one side of the split; columns identifier,
        sg_symbol_reindexed, bravais, group, unique_axis, cell, operations_reindexed, q2_1, q2_2,
        split.
    system : str
    total : int
        Children at most.
    seed : int
    q2_max : float
        End of the simulated patterns in A^-2.
    method : str, optional
        See `ddi.data.perturb.Perturbation.fit`.
    train : pandas.DataFrame, optional
        What perturbation and resampling are fitted to, if not `frame` itself.

    Returns
    -------
    augmented : pandas.DataFrame
        Columns identifier, parent, augmented, lattice_system, bravais, group, unique_axis, cell,
        q2, split; real rows first.
    fitted : dict
        perturbation, resampler, level (rows a symbol is filled up to), asked (children).
    """
    train = frame if train is None else train
    rng = np.random.default_rng([seed, lattice.SYSTEMS.index(system)])
    resampler = Resampler.fit(train["q2_1"].tolist(), train["q2_2"].tolist(), q2_max)
    placed = b_placed(np.array(train["cell"].tolist()), train["unique_axis"])
    perturbation = Perturbation.fit(lattice.free_cell(placed, system), system, method)
    counts, level = n_children(frame["sg_symbol_reindexed"], total, rng)
    chosen = np.flatnonzero(counts)
    family = Family.of(frame.iloc[chosen], system, q2_max)
    parents, cells, q2 = family.children(counts[chosen], perturbation, resampler, rng, q2_max)
    children = frame.iloc[chosen[parents]].assign(cell=list(cells), q2=q2, augmented=True)
    children["parent"] = children["identifier"]
    number = children.groupby("identifier").cumcount() + 1
    children["identifier"] = children["parent"] + "#" + number.astype(str)
    real = frame.assign(q2=frame["q2_2"], augmented=False, parent="")
    columns = [
        "identifier",
        "parent",
        "augmented",
        "lattice_system",
        "bravais",
        "group",
        "unique_axis",
        "cell",
        "q2",
        "split",
    ]
    fitted = {
        "perturbation": perturbation,
        "resampler": resampler,
        "level": level,
        "asked": int(counts.sum()),
    }
    return pd.concat([real, children])[columns].reset_index(drop=True), fitted


def augment_item(item, **options):
    """Return `augment_system` of an item ``(system, frame)``: the form in which systems are handed
    to several processes.
    """
    system, frame = item
    return augment_system(frame, system, **options)
