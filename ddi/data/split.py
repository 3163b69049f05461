"""Training and test sets without relatives on both sides, and what other splits leak (write-up,
section 2.1.3; errata, decision 5).

Two entries are *isotypes* when they have the same space group and their reduced cells agree within
5 % in either of two readings:

- the six Niggli parameters: lengths within 5 %, angles within 5 % of their value, obtuse ones
counted as their supplement;
- the seven lengths of `signature`, which do not jump where a Niggli cell flips from one type to the
other.

A *family* is everything that a chain of isotypes connects.
"""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ddi.forward import lattice

TOLERANCE = 0.05


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


def isotype_pairs(numbers, cells, tolerance=TOLERANCE):
    """Return every pair of isotypes.

    Parameters
    ----------
    numbers : array_like of int, shape (n,)
        Space-group numbers, which no choice of setting changes.
    cells : array_like, shape (n, 6)
        Niggli cells.
    tolerance : float
        Largest relative difference, of the smaller number.

    Returns
    -------
    ndarray of int, shape (n_pairs, 2)
    """
    numbers = pd.factorize(np.asarray(numbers))[0]
    cells = np.asarray(cells, dtype=float)
    found = [np.empty((0, 2), dtype=int)]
    for number in np.unique(numbers):
        rows = np.flatnonzero(numbers == number)
        for features in (signature(cells[rows]), folded(cells[rows])):
            tree = cKDTree(np.log(features))
            found.append(
                rows[tree.query_pairs(np.log1p(tolerance), p=np.inf, output_type="ndarray")]
            )
    return np.unique(np.concatenate(found), axis=0)


def families(numbers, cells, tolerance=TOLERANCE):
    """Number the isotype families, in order of their first member; arguments as for
    `isotype_pairs`.
    """
    pairs = isotype_pairs(numbers, cells, tolerance)
    n = len(cells)
    labels = connected_components(
        coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n)), directed=False
    )[1]
    return pd.factorize(labels)[0]


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


def split_entries(group, *, fraction=0.2, seed=0):
    """Split entries inside each group without regard to relatives: the write-up's own split. As
    `split_families`.
    """
    return split_families(group, np.arange(len(group)), fraction=fraction, seed=seed)


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


def leakage(frame, splits=("split", "split_entry"), kin="sg_number", tolerance=TOLERANCE):
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
        Columns split, identifier, lattice_system, relative, distance, isotype (is it within
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
            pd.DataFrame({"split": split, "identifier": test["identifier"].to_numpy(), "lattice_system": test["lattice_system"].to_numpy(),
                          "relative": relatives, "distance": apart, "isotype": apart <= tolerance})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)
