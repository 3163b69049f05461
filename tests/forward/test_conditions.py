"""Reflection conditions against gemmi's absences and against International Tables."""

import gemmi
import numpy as np
import pytest

from ddi.forward import conditions
from ddi.forward.conditions import distance, pattern_of
from ddi.forward.constants import FORWARD

LETTERS = {
    "triclinic": "a",
    "monoclinic": "m",
    "orthorhombic": "o",
    "tetragonal": "t",
    "trigonal": "h",
    "hexagonal": "h",
    "cubic": "c",
}


def of(symbol):
    group = gemmi.SpaceGroup(symbol)
    axis = {"a": 0, "b": 1, "c": 2}.get(group.monoclinic_unique_axis(), -1)
    bravais = LETTERS[group.crystal_system_str()] + ("R" if symbol.endswith(":R") else "P")
    return pattern_of(tuple(op.triplet() for op in group.operations()), bravais, axis)


@pytest.mark.parametrize(
    "symbol, label",
    [
        ("P 1", "P"),
        ("P 21 21 2", "P; h00:2n; 0k0:2n"),
        ("P 2 21 21", "P; 0k0:2n; 00l:2n"),
        ("P 2 2 21", "P; 00l:2n"),
        ("P n m a", "P; 0kl:k+l=2n; hk0:h=2n"),
        ("P 1 21/c 1", "P, b unique; h0l:l=2n; 0k0:2n"),
        ("P 1 1 21/n", "P, c unique; hk0:h+k=2n; 00l:2n"),
        ("C 1 2/c 1", "C, b unique; h0l:l=2n"),
        ("F d d 2", "F; 0kl:k+l=4n; h0l:h+l=4n"),
        ("I 41/a", "I; hk0:h=2n; 00l:4n"),
        ("I 41/a m d", "I; hk0:h=2n; hhl:2h+l=4n"),
        ("P 31 2 1", "P; 00l:3n"),
        ("P 61", "P; 00l:6n"),
        ("P 63/m m c", "P; hhl:l=2n"),
        ("R -3 c:R", "R; hhl:l=2n"),
        ("P a -3", "P; 0kl:k=2n"),
        ("P 41 3 2", "P; h00:4n"),
        ("I a -3 d", "I; 0kl:k=2n; hhl:2h+l=4n"),
        ("F d -3 m", "F; 0kl:k+l=4n"),
    ],
)
def test_labels_read_as_in_international_tables(symbol, label):
    assert of(symbol).label == label


def standard_settings():
    """Every tabulated setting that reindexing can lead to: no C- or F-centred tetragonal, no H, no
    hexagonal axes of R.
    """
    for group in gemmi.spacegroup_table():
        kind = group.crystal_system_str()
        letter = group.hm[0]
        if (kind, letter) in {
            ("tetragonal", "C"),
            ("tetragonal", "F"),
            ("trigonal", "H"),
            ("hexagonal", "H"),
            ("monoclinic", "F"),
        }:
            continue
        if letter != "R" or group.ext == "R":
            yield group


def test_one_label_stands_for_one_set_of_absences():
    seen = {}
    for group in standard_settings():
        pattern = of(group.xhm())
        bravais = LETTERS[group.crystal_system_str()] + group.hm[0]
        known = seen.setdefault((bravais, pattern.label), pattern)
        assert (known.absent == pattern.absent).all(), (group.xhm(), pattern.label)
    assert len(seen) > 200


def test_a_shifted_origin_changes_nothing():
    group = gemmi.SpaceGroup("P 21 21 21").operations()
    moved = gemmi.GroupOps(list(group))
    moved.change_basis_forward(gemmi.Op("x+1/4,y,z+1/8"))
    first, second = (
        pattern_of(tuple(op.triplet() for op in ops), "oP", -1) for ops in (group, moved)
    )
    assert first.label == second.label and (first.absent == second.absent).all()


def test_distance_counts_low_orders_most():
    none = of("P 2 2 2")
    screw = of("P 2 2 21")
    glide = of("P m m a")
    odd = sum(1.0 / l**4 for l in (1, 3, 5))
    assert distance(none, screw) == pytest.approx(odd)
    assert distance(none, none) == 0
    assert distance(none, glide) > 1.5 * distance(none, screw)
    assert distance(screw, glide) == distance(glide, screw)
    # What a diagonal glide adds to the two screws that it implies lies at higher orders.
    assert distance(of("P 2 21 21"), of("P n m m")) < 0.3 * distance(none, screw)


def test_reach_covers_six_fold_screws():
    assert FORWARD.condition_reach >= 6 and np.abs(conditions._HKL).max() == FORWARD.condition_reach
