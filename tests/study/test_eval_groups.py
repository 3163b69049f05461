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


def test_both_of_sixty_by_hand():
    """The forest is right in group g0 only, the network never: both equal the forest."""
    rows = frame("orthorhombic", 12, groups=1).assign(cell=list(TRUE[[0] * 12]))
    models = {"forest": Fixed(["g0"]), "network": Fixed([])}
    table = eval_groups.need_both(models, rows, "orthorhombic", n=30)
    assert set(table["variant"]) == {"improved"} and (table["patterns"] == 12).all()
    shown = table.set_index(["budget", "draws"])
    assert [shown.k["each group", name] for name in ("forest", "network", "both")] == [12, 0, 12]
    assert shown.cells["each group", "both"] == 120 and shown.cells["shared", "both"] == 60
    assert shown["only both"]["shared", "network"] == 12 and not shown["only this"].any()
    pooled = eval_groups.summarise_both(table).set_index(["budget", "draws"])
    assert pooled["both less this"]["shared", "network"] == "+100.0 (+100.0 to +100.0)"
    assert pooled["both less this"]["shared", "forest"] == "+0.0 (+0.0 to +0.0)"
    assert pooled["rate"]["shared", "both"].endswith("n = 12")


def test_equal_totals_whatever_is_drawn(monkeypatch):
    """Each way of spending a budget draws the same number of cells."""
    models = [Fixed(["g0"]), Fixed([])]
    for budget, cells in (("each group", 120), ("shared", 60)):
        drawn = eval_groups._of_each_and_both(models, np.ones((3, 20)), 30, 0, budget)
        assert {value.shape for value in drawn.values()} == {(3, cells, 6)}


def test_a_classifier_spends_the_budget_on_likely_groups():
    """Two groups whose patterns differ: all but a few cells come from the right one."""
    rows = frame("orthorhombic", 80)
    rows["q2"] = [q2 * (1 if g == "g0" else 3) for q2, g in zip(rows["q2"], rows["group"])]
    q2 = eval_groups.pattern_matrix(rows, "orthorhombic")
    cells, chance = eval_groups.by_chosen_groups(Fixed(["g0"]), rows, q2, 20)
    own = np.isclose(cells[:, :, 0], TRUE[0, 0]).mean(axis=1)
    right = (rows["group"] == "g0").to_numpy()
    assert own[right].mean() > 0.8 and own[~right].mean() < 0.2
    np.testing.assert_allclose(chance.sum(axis=1), 1)


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
