"""Long axes, large cells, wide zero shifts, metric symmetry: what lists ask of a search."""

import numpy as np
import pytest

from ddi.bench import shapes
from ddi.forward import bragg, lattice, lines, relations
from ddi.index import proposals, ranking, search, views
from ddi.index.api import index_peaks
from ddi.index.constants import SEARCH
from ddi.index.observed import Zero, prepare

CU = 1.540593


def lines_of(cell, bravais, n, wavelength=CU, shift=0.0):
    x = lattice.cell_to_x(np.asarray(cell, dtype=float))
    _, q2 = lines.distinct_lines(x, bravais, 0.6)
    q2 = q2[np.diff(q2, prepend=0.0) > 1e-6 * q2][:n]
    return bragg.q2_of(bragg.two_theta(q2, wavelength) + shift, wavelength)


def ranked(q2, **options):
    return search.run(q2, n_jobs=1, **options)


def is_first(table, cell, bravais):
    first = table.iloc[0]
    centrings = lattice.BRAVAIS[first.bravais][1], lattice.BRAVAIS[bravais][1]
    return relations.same_lattice(first.cell, cell, *centrings)


def test_a_series_of_orders_may_begin_with_the_second():
    q2 = np.array([4, 9, 16, 25, 26.3, 31.7, 36]) * 1.27e-3
    np.testing.assert_array_equal(views.orders_of_one_line(q2, np.full(7, 1e-5)), [0, 1, 2, 3, 6])


def test_peaks_without_a_series_have_no_other_view():
    q2 = lines_of([5.4, 7.1, 8.9, 90, 90, 90], "oP", 20)
    assert views.without_orders(q2, np.full(20, 1e-7)) == []


def test_a_view_leaves_one_or_two_of_the_orders():
    q2 = np.array([1, 4, 9, 16, 17.3, 21.9, 25]) * 1e-3
    one, two = views.without_orders(q2, np.full(7, 1e-6))
    assert one.tolist() == [0, 4, 5] and two.tolist() == [0, 1, 4, 5]


def test_a_long_axis_is_found():
    cell = np.array([5.2, 5.2, 44.0, 90, 90, 120])
    q2 = lines_of(cell, "hP", 30)
    assert len(views.without_orders(q2[:20], 1e-7 + 0 * q2[:20])) == 2
    assert is_first(ranked(q2, wavelength=CU, bravais=["hexagonal", "orthorhombic"]), cell, "hP")


def test_a_mesophase_is_not_beyond_the_limit_of_volume():
    q2 = lines_of(np.array([16.64, 16.64, 16.64, 90, 90, 90]), "cP", 12) / 100
    peaks = prepare(q2)
    assert proposals.volume_limit(peaks, "cP") > 166.4**3 > SEARCH.max_volume
    table = ranked(q2)
    assert table.cell[0][0] == pytest.approx(166.4, rel=1e-3)


def test_a_coarse_cubic_series_convinces_where_random_spacings_do_not():
    orders = np.array([2, 3, 4, 6, 8, 9, 11, 12, 14, 17])
    rng = np.random.default_rng(4)
    series = 166.0**-2 * orders * (1 + 0.006 * rng.standard_normal(10))
    table = ranked(np.sort(series))
    assert table.bravais[0] == "cP" and table.probability[0] > 0.5
    by_chance = ranked(np.sort(rng.uniform(2, 17, 10)) ** (2 / 3) * 166.0**-2)
    assert by_chance.probability[0] < 0.5


def test_a_given_limit_of_volume_holds_for_supercells_too():
    cell = np.array([5.4, 7.1, 8.9, 90, 90, 90])
    table = ranked(lines_of(cell, "oP", 25), wavelength=CU, bravais="orthorhombic", max_volume=400)
    centred = [lattice.POINTS[lattice.BRAVAIS[symbol][1]] for symbol in table.bravais]
    assert (table.volume / centred).max() < 400 * 1.05


def test_a_zero_shift_of_half_a_degree_is_found():
    cell = np.array([3.89, 3.89, 3.89, 90, 90, 90])
    table = ranked(lines_of(cell, "cP", 14, 1.494, shift=0.55), wavelength=1.494, bravais="cubic")
    assert is_first(table, cell, "cP") and table.zero_shift[0] == pytest.approx(0.55, abs=0.03)


def test_higher_metric_symmetry_is_preferred_and_the_other_listed():
    cell = np.array([5.64, 5.64, 5.64, 90, 90, 90])
    angles = bragg.two_theta(lines_of(cell, "cF", 7), CU)
    rough = bragg.q2_of(angles + 0.03 * np.array([1, -1, 1, 0, -1, 1, -1]), CU)
    table = ranked(rough, wavelength=CU)
    assert table.bravais[0] == "cF"


def test_coarse_lines_do_not_lower_the_symmetry():
    angles = bragg.two_theta(lines_of([5.64, 5.64, 5.64, 90, 90, 90], "cF", 7), 1.54)
    errors = np.array([0.05, 0.1, 0.05, 0.0, 0.07, 0.1, -0.1])
    table = ranked(bragg.q2_of(angles + errors, 1.54), wavelength=1.54)
    assert table.bravais[0] == "cF"


@pytest.mark.parametrize(("beta", "named"), [(90.0, "oP"), (90.9, "mP")])
def test_lines_decide_between_a_lattice_and_a_more_symmetric_one(beta, named):
    cell = [5.31, 7.44, 9.02, 90, beta, 90]
    noise = 0.012 * np.random.default_rng(2).standard_normal(30)
    angles = bragg.two_theta(lines_of(cell, "mP", 30), CU) + noise
    q2 = bragg.q2_of(np.sort(angles), CU)
    table = ranked(q2, wavelength=CU, bravais=["monoclinic", "orthorhombic"])
    assert is_first(table, cell, "mP") and table.bravais[0] == named


def test_a_cell_asked_for_with_less_symmetry_says_what_it_is():
    angles = bragg.two_theta(lines_of([5.31, 7.44, 9.02, 90, 90, 90], "oP", 25), CU)
    asked = index_peaks(angles, unit="2theta", wavelength=CU, lattice="monoclinic", n_jobs=1)
    assert "orthorhombic (oP)" in asked.message
    plain = index_peaks(angles, unit="2theta", wavelength=CU, lattice="orthorhombic", n_jobs=1)
    assert "Within its errors" not in plain.message


def test_more_symmetric_descriptions_need_small_distances():
    assert relations.more_symmetric([5.0, 6.0, 7.0, 90, 90, 90], (0.002, 0.006)) == []
    near = relations.more_symmetric([5.0, 5.02, 7.0, 90, 90, 90], (0.002, 0.006))
    assert [bravais for bravais, _ in near] == ["tP"]
    cell = lattice.x_to_cell(near[0][1])
    np.testing.assert_allclose(cell, [5.01, 5.01, 7, 90, 90, 90], atol=2e-2)


def test_a_cell_with_fewer_lines_than_peaks_is_never_likely():
    q2 = lines_of([5.4, 7.1, 8.9, 90, 90, 90], "oP", 20)
    peaks = prepare(q2, wavelength=CU)
    (row,) = ranking.order(peaks, [candidate([2.5, 2.6, 2.7, 90, 90, 90], "oP")])
    assert ranking.doubted(len(peaks.q2), row, 0.99, merit=50) == 0.5
    (row,) = ranking.order(peaks, [candidate([5.4, 7.1, 8.9, 90, 90, 90], "oP")])
    assert ranking.doubted(len(peaks.q2), row, 0.99, merit=50) == 0.99
    assert ranking.doubted(len(peaks.q2), row, 0.99, merit=2.5) == 0.5


def candidate(cell, bravais):
    x = lattice.cell_to_x(np.array(cell, dtype=float))
    return ranking.Candidate(bravais, x, 0.0, 0.0, "test")


def test_noise_never_outvotes_the_peaks():
    q2 = lines_of([5.4, 7.1, 8.9, 90, 90, 90], "oP", 10)
    faint = np.array(
        [np.linspace(0.02, 0.9 * q2[-1], 50), np.full(50, 1e-4), np.linspace(0.2, 0.6, 50)]
    )
    votes = prepare(q2, wavelength=CU, faint=faint).votes
    assert len(votes.q2) == 20 and votes.spurious[10:].max() < 0.3


@pytest.mark.parametrize("system", shapes.PRIMITIVE)
def test_simulated_lists_lie_on_the_lines_of_their_cell(system):
    rng = np.random.default_rng(3)
    cell = shapes.with_axis(system, 2, 25, 60, rng)
    q2 = shapes.observed(cell, shapes.PRIMITIVE[system], rng)
    _, exact = lines.distinct_lines(lattice.cell_to_x(cell), shapes.PRIMITIVE[system], 1.1 * q2[-1])
    miss = np.abs(q2[:, None] - exact).min(axis=1) / bragg.q2_slope(q2, CU)
    assert 4 < len(q2) <= shapes.N_PEAKS and miss.max() < 0.05 + 4 * shapes.ERROR


def test_the_wide_prior_covers_half_a_degree():
    wide = Zero.wide()
    assert max(wide.trials) >= 0.5 and min(wide.trials) <= -0.5


def test_angular_errors_of_synchrotrons_are_smaller_in_proportion():
    assert Zero.asked("fit", CU) == Zero() and Zero.wide(CU) == Zero.wide()
    assert Zero.asked("fit", 0.7093) == Zero()  # a molybdenum tube errs as a copper tube does
    short = Zero.asked("fit", 0.5 * SEARCH.short)
    np.testing.assert_allclose(short.trials, 0.5 * np.array(Zero().trials))
    assert short.sigma == 0.5 * Zero().sigma and short.mean == 0.5 * Zero().mean
    assert Zero.asked(0.3, 0.4).mean == 0.3 and Zero.asked(0.3, 0.4, fixed=True).trials == (0.3,)
    q2 = np.linspace(0.01, 0.05, 9)
    error = prepare(q2, wavelength=0.4).sigma / prepare(q2, wavelength=CU).sigma
    np.testing.assert_allclose(error, CU / SEARCH.short, rtol=0.02)  # the same in q2


def test_precise_lines_of_a_large_cell_at_a_short_wavelength_convince():
    cell = [14.2, 20.6, 25.9, 90, 90, 90]
    rng = np.random.default_rng(4)
    q2 = lines_of(cell, "oP", 60, wavelength=0.4)
    q2 = q2[rng.random(len(q2)) < 0.6][:24]
    seen = bragg.two_theta(q2, 0.4) + 0.0015 * rng.standard_normal(len(q2))
    table = ranked(bragg.q2_of(seen, 0.4), wavelength=0.4, bravais="oP")
    assert is_first(table, cell, "oP") and table.probability[0] > 0.9


def test_strongest_peaks_propose_the_main_phase_where_many_are_foreign():
    cell = [5.43, 5.43, 7.1, 90, 90, 90]
    own = lines_of(cell, "tP", 9)
    foreign = np.sort(np.random.default_rng(2).uniform(own[0] / 3, own[-1], 11))
    q2 = np.concatenate([foreign, own])
    intensity = np.where(np.isin(q2, own), 100.0, 10.0)
    peaks = prepare(q2, None, intensity, wavelength=CU)
    usual, crowded = (
        proposals.from_templates(peaks, "tP", Zero(), proposals.Effort(crowded=crowded))[0]
        for crowded in (False, True)
    )
    miss = [np.abs(lattice.x_to_cell(x) - cell).max(axis=1).min() for x in (usual, crowded)]
    assert len(crowded) > len(usual) and miss[1] < 0.05 < miss[0]
