"""Extinction symbols from fitted intensities: densities, prior, and a group that was put in."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scipy.integrate import quad

from ddi.data import rruff
from ddi.forward import bragg, lattice, lines
from ddi.index import evidence, extinction, picking, profile, symbols
from ddi.index.pattern_constants import SYMBOLS

LAMBDA = bragg.CU_KALPHA1


def simulated(cell, bravais, group, seed=0):
    """A pattern with random intensities where the group allows a line."""
    rng = np.random.default_rng(seed)
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), bravais, bragg.q2_of(62, LAMBDA))
    there = ~gemmi.SpaceGroup(group).operations().systematic_absences(hkl.astype(np.int32))
    x = np.arange(8, 60, 0.02)
    y = np.zeros_like(x)
    for at, area in zip(bragg.two_theta(q2[there], LAMBDA), rng.exponential(1.0, there.sum())):
        u = (x - at) / 0.1
        y += area * (0.5 / (1 + 4 * u**2) + 0.5 * np.exp(-4 * np.log(2) * u**2))
    return picking.prepare(x, rng.poisson(3000 * y / y.max() + 100).astype(float), LAMBDA, False)


@pytest.mark.parametrize(
    ("group", "bravais"),
    [("P 21 21 21", "oP"), ("P n m a", "oP"), ("P 1 21/c 1", "mP"), ("P m m m", "oP")],
)
def test_symbol_of_a_group_is_found(group, bravais):
    angle = 104.0 if bravais == "mP" else 90.0
    cell = np.array([7.1, 8.3, 6.2, 90, angle, 90])
    fit = profile.fit(simulated(cell, bravais, group), LAMBDA, bravais, lattice.cell_to_x(cell))
    best, *others = symbols.rank(fit)
    assert gemmi.SpaceGroup(group).hm in best.space_groups and best.probability > 0.5
    assert best.probability + sum(other.probability for other in others) == pytest.approx(1)


def test_densities_integrate_to_one():
    one = np.array([1.0])
    seen = symbols.Observed(0 * one, 1.5 * one, 20 * one, 30 * one, 900.0)

    def density(value):
        now = seen._replace(value=np.array([value]))
        return np.exp([symbols.log_present(now)[0], symbols.log_null(now)[0]])

    for k in (0, 1):
        pieces = [(-4000, -50), (-50, 0), (0, 5), (5, 50), (50, 500), (500, 4000)]
        total = sum(quad(lambda v: density(v)[k], *ends, limit=200)[0] for ends in pieces)
        assert total == pytest.approx(sum(SYMBOLS.weights), abs=5e-3)


@pytest.mark.parametrize("bravais", ["oP", "mC", "hR", "cF", "aP"])
def test_prior_adds_up_and_prefers_what_occurs(bravais):
    prior = np.exp(symbols.log_prior(bravais))
    assert len(prior) == len(extinction.classes(bravais)) and prior.sum() == pytest.approx(1)
    if bravais == "mC":  # C 2/c occurs in more minerals than C 2/m
        names = [entry.symbol for entry in extinction.classes(bravais)]
        assert prior[names.index("C 1 c 1")] > 0.3


@pytest.mark.parametrize("bravais", ["cP", "cI", "cF", "tP", "hP", "hR", "oC", "mP"])
def test_a_line_is_allowed_if_one_of_its_equivalents_is(bravais):
    cell = {"h": [5, 5, 8, 90, 90, 120], "m": [5, 6, 7, 90, 98, 90], "o": [5, 6, 7, 90, 90, 90]}
    cell |= {"c": [5, 5, 5, 90, 90, 90], "t": [5, 5, 7, 90, 90, 90]}
    x = lattice.cell_to_x(np.array(cell[bravais[0]], dtype=float))
    hkl, _ = lines.distinct_lines(x, bravais, 1.2)
    equivalent = [np.ascontiguousarray(hkl @ turn) for turn in evidence.rotations(bravais)]
    for entry, told in zip(extinction.classes(bravais), extinction.allowed(bravais, hkl)):
        group = gemmi.SpaceGroup(entry.space_groups[0]).operations()
        absent = [group.systematic_absences(each.astype(np.int32)) for each in equivalent]
        np.testing.assert_array_equal(told, ~np.all(absent, axis=0), entry.symbol)


def test_lines_of_pyrite():
    listed = [entry.space_groups for entry in extinction.classes("cP")]
    names = listed.index(("P a -3",))
    hkl = np.array([[1, 0, 0], [1, 1, 0], [2, 1, 0], [3, 2, 0], [3, 1, 0], [5, 2, 0]])
    assert extinction.allowed("cP", hkl)[names].tolist() == [False, False, True, True, False, True]


def test_every_space_group_has_one_lattice():
    found = {}
    for bravais in lattice.BRAVAIS:
        for number in sum(extinction.numbers(bravais), ()):
            found.setdefault(number, set()).add(bravais)
    assert sorted(found) == list(range(1, 231))
    assert all(len(names) == 1 for names in found.values())


def test_every_class_has_its_own_symbol():
    for bravais in lattice.BRAVAIS:
        names = [entry.symbol for entry in extinction.classes(bravais)]
        assert len(set(names)) == len(names)
    by_group = {group: entry for entry in extinction.classes("oP") for group in entry.space_groups}
    assert by_group["P 21 21 2"].symbol == "P 21 21 -"


def test_groups_of_frameworks_count_beside_those_of_minerals():
    assert sum(symbols.counts("frameworks").values()) > 4000
    names = [entry.symbol for entry in extinction.classes("mP")]
    of_symbol = dict(zip(names, symbols.log_prior("mP")))
    assert max(of_symbol, key=of_symbol.get) in ("P 1 21/c 1", "P 1 21/n 1", "P 1 21/a 1")
    assert of_symbol["P 1 21 1"] > of_symbol["P 1 a 1"]


def test_a_line_before_the_pattern_says_nothing():
    cell = np.array([13.1, 8.3, 14.2, 90, 90, 90])  # 001 at 6.2, 100 at 6.7 degrees
    fit = profile.fit(simulated(cell, "oP", "P 21 21 21"), LAMBDA, "oP", lattice.cell_to_x(cell))
    gain = symbols.log_ratio(symbols.observed(fit))
    before = fit.lines.column[fit.lines.two_theta < fit.two_theta[0]]
    assert len(before) >= 2
    assert not gain[before].any() and gain[~np.isin(np.arange(len(gain)), before)].all()


def test_far_below_zero_an_intensity_says_no_more_than_at_zero():
    ones = np.ones(3)
    seen = symbols.Observed(np.array([-8.0, -3.0, 0.0]), ones, 30 * ones, 10 * ones, 900.0)
    gain = symbols.log_ratio(seen)
    assert gain[0] < gain[2] + 2.5 and gain[1] < gain[2] + 1.5
    blurred_less = symbols.log_null(seen) - symbols.log_present(seen)
    assert blurred_less[0] > gain[0] + 10
    strong = symbols.log_ratio(seen._replace(value=np.array([2.0, 12.0, 90.0])))
    assert (np.diff(strong) < -1).all()  # a line of three times the mean is hardly foreign


@pytest.mark.parametrize("wavelength", [bragg.ANODES[0].beta, SYMBOLS.tungsten])
def test_a_weak_line_of_the_tube_speaks_for_no_line(wavelength):
    cell = np.array([7.1, 8.3, 6.2, 90, 90, 90])
    fit = profile.fit(simulated(cell, "oP", "P n m a"), LAMBDA, "oP", lattice.cell_to_x(cell))
    seen = symbols.observed(fit)
    place = fit.places
    ghosts = bragg.moved(place, wavelength / LAMBDA)
    strong, ghost = np.argwhere(np.abs(ghosts[:, None] - place) < 0.02)[0]
    value = seen.value.copy()
    value[strong] = 40 * value.max()
    value[ghost] = 0.02 * value[strong]
    now = seen._replace(value=value)
    width = fit.width(place)
    tube = bragg.ANODES[0]
    assert symbols.companions(value, place, width, tube, [wavelength])[ghost]
    assert (
        symbols._of_extinction(replace(fit, tube=tube), now)[ghost]
        == 0
        > symbols.log_ratio(now)[ghost]
    )
    assert symbols._of_extinction(replace(fit, tube=None), now)[ghost] < 0
    value[ghost] = 0.1 * value[strong]  # too strong for it
    assert not symbols.companions(value, place, width, tube, [wavelength])[ghost]


def test_a_class_of_weak_lines_decides_no_more_than_its_odds():
    extinct = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]], dtype=bool)
    told = symbols.with_weak_classes(np.array([0.0, 3.0, -2.0, 60.0]), extinct, 0.01)
    assert told[3] == pytest.approx(60, abs=0.02)
    np.testing.assert_allclose(told[:3], 60 + np.log(0.01), atol=1e-6)
    against = symbols.with_weak_classes(np.array([0.0, -50.0, -40.0, -90.0]), extinct, 0.01)
    np.testing.assert_allclose(against, [0, -50, -40, -90], atol=0.02)


def test_measured_minerals_have_halves_that_case_does_not_change():
    names = ["Quartz", "Barite", "Zircon", "Talc", "Galena", "Pyrite", "Calcite", "Albite"]
    assert {rruff.half(name) for name in names} == {"choosing", "reporting"}
    assert all(rruff.half(name) == rruff.half(name.upper()) for name in names)


def test_a_column_is_extinct_only_if_all_its_lines_are():
    cell = np.array([7.1, 7.1003, 6.2, 90, 90, 90])  # h0l and 0kl share intensities
    fit = profile.fit(simulated(cell, "oP", "P m m m"), LAMBDA, "oP", lattice.cell_to_x(cell))
    entry = next(row for row in symbols.rank(fit) if row.symbol == "P n - -")
    alone = replace(fit, lines=fit.lines._replace(column=np.arange(len(fit.lines.q2))))
    forbidden = [c.symbol for c in extinction.classes("oP")].index("P n - -")
    single = (~extinction.allowed("oP", alone.lines.hkl)[forbidden]).sum()
    assert entry.n_extinct < single
