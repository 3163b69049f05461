"""Forest and network at equal seconds: counts from costs, and rows by hand."""

import numpy as np
import pandas as pd
import pytest

from ddi.study import equal_seconds


class Clock:
    """A clock that only drawing moves: `fixed` seconds a call and `each` a cell."""

    def __init__(self, fixed, each):
        self.now = 0.0
        self.fixed = fixed
        self.each = each

    def draw(self, n):
        self.now += self.fixed + self.each * n

    def process_time(self):
        return self.now


@pytest.mark.parametrize("seconds, expected", [(2.0, 30), (5.0, 150), (3.99, 110), (1e6, 600)])
def test_as_many_cells_as_the_seconds_buy(monkeypatch, seconds, expected):
    clock = Clock(1.25, 0.025)
    monkeypatch.setattr(equal_seconds.time, "process_time", clock.process_time)
    found = equal_seconds.affordable(clock.draw, 30, seconds)
    assert abs(found - expected) <= 1


def test_the_cost_is_that_of_the_fastest_draw(monkeypatch):
    clock = Clock(0.0, 1.0)
    monkeypatch.setattr(equal_seconds.time, "process_time", clock.process_time)
    slow = iter([9.0, 2.0, 5.0])

    def draw(n):
        clock.now += next(slow)

    assert equal_seconds.cost(draw, 3) == 2.0


def test_a_pattern_counts_where_one_of_both_is_near():
    true = np.array([[5.0, 5, 5, 90, 90, 90], [9.0, 9, 9, 90, 90, 90], [4.0, 4, 4, 90, 90, 90]])
    far = np.full((3, 1, 6), 90.0)
    first, second = far.copy(), far.copy()
    first[0, 0, :3] = 5.1
    second[1, 0, :3] = 9.1
    draws = [lambda count: first, lambda count: second]
    near = [equal_seconds._near(draws, count, true, 0.05) for count in ((1, 0), (0, 1), (1, 1))]
    assert np.array(near).tolist() == [[True, False, False], [False, True, False],
                                       [True, True, False]]  # fmt: skip


def test_the_table_pools_patterns_and_weighs_cells_by_them():
    about = {"variant": "as written", "budget": equal_seconds.BUDGET}
    rows = pd.DataFrame(
        [
            about | dict(zip(("draws", "cells", "patterns", "k", "seconds"), row))
            | {"only both": both, "only this": this}
            for row, both, this in (
                (("forest", 100, 300, 30, 0.3), 12, 0),
                (("both", 60, 300, 42, 0.3), 0, 0),
                (("forest", 500, 100, 10, 0.5), 0, 4),
                (("both", 60, 100, 6, 0.5), 0, 0),
            )
        ]
    )  # fmt: skip
    table = equal_seconds.table(rows).set_index("draws")
    assert table.loc["forest", "cells a pattern"] == "200"
    assert table.loc["forest", "CPU ms a pattern"] == "2.00"
    assert table.loc["forest", "rate"].startswith("10.0 %")
    assert table.loc["forest", "both less this"].startswith("+2.0 (")
    numbers = equal_seconds.numbers(rows)
    assert numbers["EqualSecondsCellsAsWrittenForest"] == "200"
    assert numbers["EqualSecondsAsWrittenBoth"].startswith("12.0 %")
