"""What groups do: the test of the hunch about foreign groups."""

import numpy as np
import pytest
from training_rows import CELLS, frame

from ddi.models import generator
from ddi.study import eval_groups

TRUE = np.array([CELLS["orthorhombic"]] * 4, dtype=float)
WRONG = TRUE * [1.3, 1.3, 1.3, 1, 1, 1]


class Fixed(generator.Generator):
    """Groups named in `right` draw the one true cell, the others a wrong one."""

    name = "fixed"

    def __init__(self, right):
        self.system = "orthorhombic"
        self.groups = [generator.Group("g0", 10), generator.Group("g1", 10)]
        self.right = right

    def _draw(self, group, q2, n, rng):
        return np.repeat(
            (TRUE if group.name in self.right else WRONG)[:1][None], len(q2) * n, axis=0
        ).reshape(len(q2), n, 6)


@pytest.mark.parametrize(("right", "own", "mixed"), [(["g0"], 1, 1), (["g1"], 0, 1), ([], 0, 0)])
def test_foreign_groups_by_hand(right, own, mixed):
    rows = frame("orthorhombic", 12, groups=1).assign(cell=list(TRUE[[0] * 12]))
    table = eval_groups.foreign_groups(
        Fixed(right), rows, "orthorhombic", missing=(0, 0.2), n=4, seed=0, tolerance=0.05
    )
    assert (
        list(table["patterns"]) == [12, 12]
        and (table["own"] == own).all()
        and (table["mixed"] == mixed).all()
    )
    assert (table["gain"] == mixed - own).all() and (table["change"] == 0).all()


def test_foreign_groups_need_two_groups():
    model = Fixed(["g0"])
    model.groups = model.groups[:1]
    rows = frame("orthorhombic", 5, groups=1)
    assert not len(
        eval_groups.foreign_groups(model, rows, "orthorhombic", missing=(0, 0.2), n=4, seed=0)
    )
