"""Numbers quoted beside the tables of 08_assignment and 09_optimize: counts by hand."""

import pandas as pd

from ddi.study import quote_assignment, quote_optimisation


def test_misses_are_told_by_what_stands_first_and_why():
    table = pd.DataFrame(
        [("subcell", "first cell explains every peak", 2), ("wrong", "true cell not found", 3)],
        columns=["first cell is", "because", "patterns"],
    )
    found = quote_optimisation.missed(table)
    assert found == {"MissedPatterns": 5, "MissedSubcell": 2, "MissedNotFound": 3}


def test_radius_is_that_of_starts_about_five_per_cent_off():
    rows = pd.DataFrame(
        [("nearest line", 0.02, 1.0), ("nearest line", 0.06, 0.2), ("nearest line", 0.06, 0.4)],
        columns=["method", "error", "share"],
    )
    assert quote_optimisation.radius(rows) == {"RadiusError": "6", "RadiusNearestLine": "30"}
    assert quote_optimisation.radius(rows[:0]) == {}


def test_series_are_added_over_systems_and_cells():
    table = pd.DataFrame(
        [("nearest lines", 10, 1), ("nearest lines", 20, 2), ("as written, all levels", 10, 4)],
        columns=["series", "n", "true after"],
    )
    found = quote_assignment.series(table, "0.05")
    assert (found["SeriesCells"], found["SeriesNearest"], found["SeriesAll"]) == (30, 3, 4)
    assert found["SeriesMiddle"] == 0
