"""Which of many crystals represents each: the search behind `ddi.data.dedup`, and synthetic
crystals to time it on.

Going from most to least wanted, a crystal is kept unless it duplicates one already kept. It is
compared only with kept ones in boxes that a duplicate could be in. The axes of the boxes are the
lengths, the number of atoms, and the commonest element with its number. Let duplicates differ by at
most m atoms of any element. Then in a duplicate of a crystal the latter's commonest element is less
than 2 m short of being the commonest. So a kept crystal is filed under every element that is; where
2 m short means none at all, it is filed under no element, and everyone looks there too.
"""

import time

import numpy as np
import pandas as pd
from numba import njit
from scipy.sparse import csr_matrix

from ddi.data.constants import DATA

# tolerances that a box is wide: half of the crystals look into one box along an axis, half into two
BOX = 4.0


def leaders(these, atoms, order):
    """Return for each of n crystals the one that represents it, itself if it is kept, shape (n,).

    No two kept crystals are duplicates, every other is a duplicate of the most wanted kept one it
    duplicates, and chains of near-duplicates are not swallowed whole. The order of the input does
    not matter, because `order` is total.

    Parameters
    ----------
    these : ddi.data.dedup.Features
    atoms : float
        By which contents may differ; `DATA.rounding` is added.
    order : ndarray of int, shape (n,)
        From most to least wanted, as `ddi.data.dedup.priority` returns it.
    """
    return leaders_and_work(these, atoms, order)[0]


def leaders_and_work(these, atoms, order):
    """Return what `leaders` does, and how many pairs were compared for it."""
    allowed = atoms + DATA.rounding
    n_elements = these.contents.shape[1]
    contents = these.contents[order].sorted_indices()
    family = these.family[order]
    n_atoms = np.asarray(contents.sum(axis=1)).ravel()
    logs = np.log(these.cell[order]) / np.log1p(DATA.duplicate_cell)
    places = np.column_stack(
        [n_atoms / allowed, logs, 2.0 * family]
    )  # of duplicates, within one in each
    content = contents.indptr, contents.indices, contents.data
    leader, compared = _leaders(places, family * (n_elements + 1), n_elements, *content, allowed)
    found = np.empty(len(order), dtype=int)
    found[order] = order[leader]
    return found, int(compared)


@njit(cache=True)
def _leaders(places, family, none, start, element, count, allowed):
    n = len(places)
    slack = 2 * allowed + 1e-6
    compared = 0
    leader = np.arange(n)
    slots = np.full(
        _power_of_two(2 * n), -1, np.int32
    )  # where the list of a box begins; boxes may share a slot
    # a kept crystal and where the list goes on
    nodes = np.empty((len(count) + n, 2), np.int32)
    filed = 0
    box, low, high = np.empty((3, 6), np.int64)
    for i in range(n):
        elements = element[start[i] : start[i + 1]]
        counts = count[start[i] : start[i + 1]]
        most, common = (counts.max(), elements[counts.argmax()]) if len(counts) else (0.0, none)
        for name, number in ((none, 0.0), (common, most / allowed)):
            _put(low, family[i] + name, places[i], number, -1 - 1e-6)
            _put(high, family[i] + name, places[i], number, 1 + 1e-6)
            box[:] = low
            more = True
            while more:
                node = slots[_slot(box, len(slots))]
                while node >= 0:
                    other = nodes[node, 0]
                    node = nodes[node, 1]
                    compared += 1
                    if other < leader[i] and _duplicates(
                        i, other, places, start, element, count, allowed
                    ):
                        leader[i] = other
                more = _next(box, low, high)
        if leader[i] == i and most <= slack:
            _put(box, family[i] + none, places[i], 0.0, 0.0)
            filed = _file(i, box, slots, nodes, filed)
        elif leader[i] == i:
            for k in np.flatnonzero(counts >= most - slack):
                _put(box, family[i] + elements[k], places[i], counts[k] / allowed, 0.0)
                filed = _file(i, box, slots, nodes, filed)
    return leader, compared


@njit(cache=True)
def _put(box, name, place, number, shift):
    """Set a box: family and element, number of atoms, three lengths, number of that element."""
    box[0] = name
    for k in range(4):
        box[k + 1] = np.floor((place[k] + shift) / BOX)
    box[5] = np.floor((number + shift) / BOX)


@njit(cache=True)
def _next(box, low, high):
    """Step to the next box between two corners; False after the last."""
    for k in range(len(box)):
        if box[k] < high[k]:
            box[k] += 1
            return True
        box[k] = low[k]
    return False


@njit(cache=True)
def _file(i, box, slots, nodes, filed):
    slot = _slot(box, len(slots))
    nodes[filed, 0] = i
    nodes[filed, 1] = slots[slot]
    slots[slot] = filed
    return filed + 1


@njit(cache=True)
def _slot(box, n_slots):
    mixed = np.uint64(0)
    for number in box:
        mixed = (mixed ^ np.uint64(number)) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
        mixed ^= mixed >> np.uint64(32)
    return mixed & np.uint64(n_slots - 1)


@njit(cache=True)
def _power_of_two(n):
    size = 1
    while size < n:
        size *= 2
    return size


@njit(cache=True)
def _duplicates(i, j, places, start, element, count, allowed):
    for k in range(places.shape[1]):
        if abs(places[i, k] - places[j, k]) > 1 + 1e-9:
            return False
    more = 0.0
    less = 0.0
    a = start[i]
    b = start[j]
    while a < start[i + 1] or b < start[j + 1]:
        ahead = a < start[i + 1] and (b == start[j + 1] or element[a] <= element[b])
        behind = b < start[j + 1] and (a == start[i + 1] or element[b] <= element[a])
        difference = (count[a] if ahead else 0.0) - (count[b] if behind else 0.0)
        more = more + max(difference, 0.0)
        less = less + max(-difference, 0.0)
        a = a + ahead
        b = b + behind
    return max(more, less) <= allowed


def substituted(these, n, seed=0):
    """Make a larger, synthetic database: every round of copies consists of other elements, so that
    each crystal has as many duplicates as in the real one.

    Parameters
    ----------
    these : ddi.data.dedup.Features
        Of a real database.
    n, seed : int

    Returns
    -------
    ddi.data.dedup.Features
        Real ones in turn, lengths perturbed by 0.2 %, elements exchanged in each round by a random
        permutation.
    """
    rng = np.random.default_rng(seed)
    chosen = np.arange(n) % len(these.family)
    contents = these.contents[chosen].tocoo()
    n_elements = contents.shape[1]
    rounds = np.arange(n) // len(these.family)
    exchange = np.array(
        [
            np.arange(n_elements),
            *(rng.permutation(n_elements) for _ in range(rounds.max(initial=0))),
        ]
    )
    elements = exchange[rounds[contents.row], contents.col]
    return _changed(
        these,
        chosen,
        rng,
        (0.002, 0),
        csr_matrix((contents.data, (contents.row, elements)), contents.shape),
    )


def remeasured(these, n, seed=0):
    """Make a synthetic database of the same crystals measured again and again: ever more duplicates
    in the same space; arguments as for `substituted`.

    Lengths are perturbed by 2 %, angles by 0.5 %, and two copies of three have one atom more or
    less of one element.
    """
    rng = np.random.default_rng(seed)
    chosen = np.arange(n) % len(these.family)
    contents = these.contents[chosen]
    one = contents.indptr[:-1] + (rng.random(n) * np.diff(contents.indptr)).astype(int)
    contents.data[one] = np.maximum(contents.data[one] + rng.integers(-1, 2, n), 0.01)
    return _changed(these, chosen, rng, (0.02, 0.005), contents)


def _changed(these, chosen, rng, spread, contents):
    cell = these.cell[chosen] * np.exp(rng.normal(0, np.repeat(spread, 3), (len(chosen), 6)))
    return type(these)(these.family[chosen], cell, contents)


def growth(these, pretend, sizes, atoms=1, seed=0):
    """Time `leaders` on synthetic databases.

    Parameters
    ----------
    these : ddi.data.dedup.Features
    pretend : callable
        `substituted` or `remeasured`.
    sizes : sequence of int
    atoms, seed
        As in `leaders` and `pretend`.

    Returns
    -------
    pandas.DataFrame
        Columns n, seconds (CPU), pairs (compared) and kept (share of n); the least of two timings.
    """
    leaders(pretend(these, 100, seed), atoms, np.arange(100))  # loads the compiled code
    rows = []
    for n in sizes:
        pretended = pretend(these, n, seed)
        times = []
        for _ in range(2):
            started = time.process_time()
            leader, pairs = leaders_and_work(pretended, atoms, np.arange(n))
            times.append(time.process_time() - started)
        rows.append((n, min(times), pairs, np.mean(leader == np.arange(n))))
    return pd.DataFrame(rows, columns=["n", "seconds", "pairs", "kept"])
