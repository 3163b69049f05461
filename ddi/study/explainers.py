"""How cells that explain a pattern in the place of the true one map onto it (write-up, section
2.4.4; 09_optimize, table 09_explainers).

`ddi.forward.relations.explain` gives a transformation in some axes; many of them are one super- or
sublattice. Here each is told in the reduced axes of the smaller of the two lattices, in Hermite
form, of which every lattice has one.
"""

import numpy as np
import pandas as pd

NONE = ""


def hermite(rows):
    """Return the Hermite form of an integer matrix: lower triangular, the same lattice of rows.

    Parameters
    ----------
    rows : array_like of int, shape (3, 3)
        Not singular.

    Returns
    -------
    ndarray of int, shape (3, 3)
        Positive on the diagonal, and below it from 0 to less than the diagonal of the column.

    Examples
    --------
    >>> hermite([[0, 1, 0], [2, 0, 0], [4, 3, -1]]).tolist()
    [[2, 0, 0], [0, 1, 0], [0, 0, 1]]
    """
    left = np.array(rows, dtype=int)
    for k in (2, 1, 0):
        while np.count_nonzero(left[: k + 1, k]) > 1 or not left[k, k]:
            used = np.flatnonzero(left[: k + 1, k])
            least = used[np.abs(left[used, k]).argmin()]
            left[[k, least]] = left[[least, k]]
            left[:k] -= left[:k, k : k + 1] // left[k, k] * left[k]
        left[k] *= np.sign(left[k, k])
        left[k + 1 :] -= left[k + 1 :, k : k + 1] // left[k, k] * left[k]
    return left


def told(label, transformation):
    """Return an explainer's transformation as text; empty where it is none of index two or more.

    Parameters
    ----------
    label : str
        Of `ddi.forward.relations.explain`, both cells primitive.
    transformation : ndarray, shape (3, 3), or None
        Rows express the found axes by the true ones.

    Examples
    --------
    >>> told("supercell", np.diag([1.0, 2, 1]))
    'a, 2b, c'
    >>> told("subcell", np.diag([1.0, 1, 0.5]))
    'a, b, 2c'
    """
    if label not in ("supercell", "subcell"):
        return NONE
    rows = transformation if label == "supercell" else np.linalg.inv(transformation)
    return ", ".join(map(_axis, hermite(np.round(rows))))


def _axis(row):
    parts = [f"{'' if n == 1 else n}{name}" for n, name in zip(row, "abc") if n]
    return " + ".join(parts)


def table(*frames):
    """Return how often which transformation makes the first cell of an unsolved attempt, for
    people.

    Parameters
    ----------
    *frames : DataFrame
        Of `ddi.study.compare_optimisation.attempts`: columns system, missed, transformation.

    Returns
    -------
    DataFrame
        One row a lattice system, relation and lattice, the frequent ones first.
    """
    keys = ["system", "missed", "transformation"]
    rows = pd.concat([frame.reindex(columns=keys) for frame in frames], ignore_index=True)
    rows = rows[rows["missed"].fillna(NONE).isin(["supercell", "subcell"])]
    counts = rows.groupby(keys, sort=False).size().rename("attempts").reset_index()
    counts.insert(2, "index", [_index(text) for text in counts["transformation"]])
    order = {"by": ["system", "attempts", "transformation"], "ascending": [True, False, True]}
    names = {"system": "lattice system", "missed": "first cell is a"}
    names |= {"transformation": "axes of the larger by the smaller"}
    return counts.sort_values(**order).reset_index(drop=True).rename(columns=names)


def _index(text):
    """The determinant of a Hermite form as `told` writes it."""
    index = 1
    for axis in text.split(", "):
        index *= int(axis.split(" + ")[-1][:-1] or 1)
    return index
