"""Training and test sets without relatives on both sides, and what other splits leak (write-up,
section 2.1.3; errata, decision 5).

Three kinds of pairs are relatives:

- *Lattice analogues*: the same space group, and reduced cells that agree within 5 % in either of
  two readings: the six Niggli parameters (angles within 5 % of their value, obtuse ones counted as
  their supplement), or the seven lengths of `signature`, which do not jump where a Niggli cell
  flips from one type to the other.
- *Twins*: the same formula and such cells, whatever the space group: one structure described in
  two symmetries.
- *One refcode family*: the same six letters of a CSD refcode, which CoRE MOF names have too:
  redeterminations and treatments of one compound.

A *family* is everything that a chain of relatives connects.
"""

import re

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ddi.base.errors import DDIError
from ddi.data.composition import parse_formula
from ddi.data.constants import DATA
from ddi.forward import lattice

REFCODE = re.compile(r"(?:csd|coremof):([A-Z]{6})(?:\d\d)?")
LEVELS = {"group": "group", "symbol": "sg_symbol_reindexed"}
"""Level at which shares are kept -> column."""


def signature(cells):
    """Return the seven lengths that tell reduced lattices apart without a jump, sorted, in A.

    The edges of the Niggli cell, the shorter diagonal of each face and the shortest body diagonal
    (Bernstein, Andrews & Xerri (2023), Acta Cryst. A79, 369-380).

    Parameters
    ----------
    cells : array_like, shape (n, 6)
        Niggli cells.

    Returns
    -------
    ndarray, shape (n, 7)
    """
    metric = lattice.metric(cells)
    edges = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[[0, 1, 1], [0, 1, -1]], [[1, 0, 1], [1, 0, -1]], [[1, 1, 0], [1, -1, 0]]])
    bodies = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])

    def square(vectors):
        return np.einsum("...i,nij,...j->n...", vectors, metric, vectors)

    lengths = [
        square(edges),
        square(faces).min(axis=-1),
        square(bodies).min(axis=-1, keepdims=True),
    ]
    return np.sqrt(np.sort(np.concatenate(lengths, axis=1), axis=1))


def folded(cells):
    """Return Niggli cells with obtuse angles replaced by their supplements."""
    cells = np.array(cells, dtype=float)
    cells[:, 3:] = np.minimum(cells[:, 3:], 180 - cells[:, 3:])
    return cells


def analogue_pairs(labels, cells, tolerance=DATA.relative_cell):
    """Return every pair of entries with one label and similar reduced cells.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Space-group numbers, which no choice of setting changes, for lattice analogues.
    cells : array_like, shape (n, 6)
        Niggli cells.
    tolerance : float
        Largest relative difference, of the smaller number.

    Returns
    -------
    ndarray of int, shape (n_pairs, 2)
    """
    labels = pd.factorize(np.asarray(labels))[0]
    cells = np.asarray(cells, dtype=float)
    found = [np.empty((0, 2), dtype=int)]
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for features in (signature(cells[rows]), folded(cells[rows])):
            tree = cKDTree(np.log(features))
            near = tree.query_pairs(np.log1p(tolerance), p=np.inf, output_type="ndarray")
            found.append(rows[near])
    return np.unique(np.concatenate(found), axis=0)


def refcode(identifier):
    """Return the six letters of a CSD refcode, ``"ABAVIJ"`` of ``"coremof:ABAVIJ01"``, or the whole
    identifier if it holds none.
    """
    named = REFCODE.fullmatch(identifier)
    return named.group(1) if named else identifier


def proportions(formula):
    """Return a formula as element and share of the atoms in per cent, which the number of formula
    units in a cell does not change.
    """
    counts = parse_formula(formula)
    total = sum(counts.values())
    return tuple((element, round(100 * n / total)) for element, n in sorted(counts.items()))


def relatives(frame, tolerance=DATA.relative_cell):
    """Return the pairs of relatives by kind.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns identifier, formula, sg_number and cell_niggli.
    tolerance : float

    Returns
    -------
    dict of ndarray of int, shape (n_pairs, 2)
        Keys "lattice analogues", "twins", "refcode families".
    """
    cells = np.array(frame["cell_niggli"].tolist())
    codes = pd.factorize(frame["identifier"].map(refcode))[0]
    order = np.argsort(codes, kind="stable")
    same = codes[order[1:]] == codes[order[:-1]]
    return {
        "lattice analogues": analogue_pairs(frame["sg_number"], cells, tolerance),
        "twins": analogue_pairs(frame["formula"].map(proportions), cells, tolerance),
        "refcode families": np.column_stack([order[:-1][same], order[1:][same]]),
    }


def families(frame, tolerance=DATA.relative_cell):
    """Number the families in order of their first member; arguments as for `relatives`."""
    pairs = np.concatenate(list(relatives(frame, tolerance).values()))
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(frame),) * 2)
    return pd.factorize(connected_components(links, directed=False)[1])[0]


def across(frame, side):
    """Return how many test entries have a relative in training, by kind; columns of `frame` as in
    `relatives`, `side` as `split_families` returns it.
    """
    side = np.asarray(side)
    counts = {}
    for kind, pairs in relatives(frame).items():
        apart = pairs[side[pairs[:, 0]] != side[pairs[:, 1]]].ravel()
        counts[kind] = len(np.unique(apart[side[apart] == "test"]))
    return counts


def split(frame, level="group", unit="family", *, fraction=0.2, seed=0):
    """Split a dataset.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns group and family, for the level of symbols sg_symbol_reindexed.
    level : str
        Of what `fraction` is tested: "group" (write-up) or "symbol", which its author doubts
        whether to prefer (section 2.1.3).
    unit : str
        What stays on one side: "family", or "entry" as the write-up has it.
    fraction, seed
        As in `split_families`.

    Returns
    -------
    ndarray of str, shape (n,)
        "train" or "test".
    """
    if level not in LEVELS or unit not in ("family", "entry"):
        raise DDIError(
            f"cannot split by {unit} at the level of a {level}; units are family and entry, "
            f"levels {' and '.join(LEVELS)}"
        )
    kin = frame["family"] if unit == "family" else np.arange(len(frame))
    return split_families(frame[LEVELS[level]], kin, fraction=fraction, seed=seed)


def split_families(group, family, *, fraction=0.2, seed=0):
    """Split families so that each group has `fraction` of its entries in the test set, or as many
    as whole families allow.

    Families come in random order; one goes to the test set if that takes no group above its share.

    Parameters
    ----------
    group : array_like, shape (n,)
        A family may reach into several groups; it stays on one side all the same.
    family : array_like of int, shape (n,)
    fraction : float
    seed : int

    Returns
    -------
    ndarray of str, shape (n,)
        "train" or "test".
    """
    group = pd.factorize(np.asarray(group))[0]
    family = pd.factorize(np.asarray(family))[0]
    room = np.round(fraction * np.bincount(group)).astype(int)
    counts = pd.Series(1, pd.MultiIndex.from_arrays([family, group])).groupby(level=[0, 1]).sum()
    members = {
        number: (rows.index.get_level_values(1).to_numpy(), rows.to_numpy())
        for number, rows in counts.groupby(level=0)
    }
    test = np.zeros(len(members), dtype=bool)
    for number in np.random.default_rng(seed).permutation(len(members)):
        groups, sizes = members[number]
        if (sizes <= room[groups]).all():
            room[groups] -= sizes
            test[number] = True
    return np.where(test[family], "test", "train")


def nearest_relative(numbers, cells, side):
    """Return how far each test entry is from its nearest relative in training.

    Parameters
    ----------
    numbers : array_like, shape (n,)
        What relatives share: space-group numbers, or any other label.
    cells : array_like, shape (n, 6)
        Niggli cells.
    side : array_like of str, shape (n,)
        "train" or "test".

    Returns
    -------
    distance : ndarray, shape (n_test,)
        Largest relative difference of the seven lengths of `signature` or, if that is less, of the
        six folded Niggli parameters, from the nearest training entry of the same space group;
        infinite where there is none.
    index : ndarray of int, shape (n_test,)
        That training entry, or -1.
    """
    numbers = pd.factorize(np.asarray(numbers))[0]
    cells = np.asarray(cells, dtype=float)
    side = np.asarray(side)
    best = np.full(len(numbers), np.inf)
    index = np.full(len(numbers), -1)
    for number in np.unique(numbers):
        train, test = (
            np.flatnonzero((numbers == number) & (side == name)) for name in ("train", "test")
        )
        if len(train) and len(test):
            for describe in (signature, folded):
                apart, nearest = cKDTree(np.log(describe(cells[train]))).query(
                    np.log(describe(cells[test])), p=np.inf
                )
                closer = np.expm1(apart) < best[test]
                best[test[closer]] = np.expm1(apart[closer])
                index[test[closer]] = train[nearest[closer]]
    return best[side == "test"], index[side == "test"]


def leakage(frame, splits=("split", "split_entry"), kin="sg_number", tolerance=DATA.relative_cell):
    """Return, for each test entry under each split, its nearest training relative.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns identifier, lattice_system, cell_niggli and those named in `splits` and by `kin`.
    splits : sequence of str
    kin : str
        Column that relatives share; ``"bravais"`` looks for like lattices in other space groups as
        well.
    tolerance : float

    Returns
    -------
    pandas.DataFrame
        Columns split, identifier, lattice_system, relative, distance, analogue (is it within
        `tolerance`).
    """
    cells = np.array(frame["cell_niggli"].tolist())
    names = frame["identifier"].to_numpy()
    parts = []
    for split in splits:
        apart, index = nearest_relative(frame[kin], cells, frame[split])
        test = frame[frame[split] == "test"]
        relatives = np.where(index >= 0, names[index], "")
        parts.append(
            test[["identifier", "lattice_system"]].assign(
                split=split, relative=relatives, distance=apart, analogue=apart <= tolerance
            )
        )
    return pd.concat(parts, ignore_index=True)
