"""Simulated measurements for extinction symbols: preferred orientation, and what is put in."""

import gemmi
import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench import registry
from ddi.forward import bragg, lattice, lines, powder
from ddi.study import eval_symbols, simulated_patterns

LAMBDA = bragg.WRITEUP_WAVELENGTH
CELL = np.array([7.1, 8.3, 6.2, 90, 90, 90])


def test_march_dollase_keeps_the_mean_over_all_directions():
    cosine = np.linspace(0, 1, 4001)
    cell = np.array([1.0, 1, 1, 90, 90, 90])
    hkl = np.column_stack([np.sqrt(1 - cosine**2), 0 * cosine, cosine])
    factor = simulated_patterns.preferred(hkl, np.array([0, 0, 1]), 0.8, cell, "P 1")
    assert np.trapezoid(factor, cosine) == pytest.approx(1, abs=1e-3)
    assert factor[-1] == pytest.approx(0.8**-3) and factor[0] == pytest.approx(0.8**1.5)


def test_equivalent_lines_have_one_factor():
    axis = np.array([1, 0, 0])
    pair = [[1, 2, 3], [-1, 2, 3]]
    same = simulated_patterns.preferred(pair, axis, 0.8, CELL, "P m m m")
    assert same[0] == pytest.approx(same[1])


def test_symbol_of_a_simulated_measurement_is_found():
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(CELL), "oP", 0.35)
    there = ~gemmi.SpaceGroup("P 21 21 21").operations().systematic_absences(hkl.astype(np.int32))
    row = {
        "identifier": "x",
        "name": "made",
        "bravais": "oP",
        "sg_symbol": "P 21 21 21",
        "cell_conventional": CELL,
        "q2": q2[there],
        "intensity": np.random.default_rng(1).exponential(1, there.sum()) + 0.05,
        "hkl": hkl[there],
        "end": 54.0,
    }
    pattern = simulated_patterns.measurement(row, seed=3)
    assert pattern.two_theta[-1] == pytest.approx(54.0, abs=0.03)
    found = eval_symbols.judged(pattern)
    assert found.true == "P 21 21 21" and found.place == 0 and found.bravais == "oP"


def listed_lines(group, seed=4):
    """A structure's lines up to 80 degrees, and the data set's row and pattern of them."""
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(CELL), "oP", float(bragg.q2_of(80, LAMBDA)))
    there = ~gemmi.SpaceGroup(group).operations().systematic_absences(hkl.astype(np.int32))
    hkl = hkl[there]
    q2 = q2[there]
    intensity = np.random.default_rng(seed).exponential(1, len(q2))
    pattern = powder.profile(bragg.two_theta(q2, LAMBDA), intensity).astype(np.float16)
    row = {
        "bravais": "oP",
        "sg_symbol": group,
        "cell_conventional": CELL,
        "q2_1": q2[:60],
        "intensity_1": intensity[:60],
        "hkl_conventional_1": hkl[:60].ravel(),
    }
    return hkl, q2, intensity, row, pattern


def test_lines_after_the_list_come_from_the_simulated_pattern():
    hkl, q2, intensity, row, pattern = listed_lines("P n m a")
    found = simulated_patterns.lines(row, pattern)
    n = len(found["q2"])
    assert n > 80
    np.testing.assert_allclose(found["q2"], q2[:n])
    np.testing.assert_array_equal(found["hkl"], hkl[:n])
    place = bragg.two_theta(q2[:n], LAMBDA)
    inside = place < simulated_patterns.END
    alone = np.diff(np.concatenate([[0], place, [90]]))
    alone = inside & (np.minimum(alone[:-1], alone[1:]) > 0.06)
    np.testing.assert_allclose(found["intensity"][alone], intensity[:n][alone], atol=0.02)
    assert found["intensity"][inside].sum() == pytest.approx(intensity[:n][inside].sum(), rel=0.01)


def test_a_measurement_ends_where_lines_are_unknown():
    *_, row, pattern = listed_lines("P n m a")
    pattern[2500:] = np.nan  # from 50 degrees on
    assert simulated_patterns.lines(row, pattern)["end"] == pytest.approx(49.6, abs=0.1)


def test_rates_tell_the_calibration_error():
    row = eval_symbols.Judged("x", "oP", "reporting", "P - - -", 0, 1, "P - - -", 0.9, 0.1)
    rows = [row, row._replace(place=1, probability=0.6), row._replace(place=5, probability=0.2)]
    found = eval_symbols.rates(rows)
    assert found["first"] == pytest.approx(1 / 3) and found["listed"] == pytest.approx(2 / 3)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.2) / 3)


def test_families_have_halves():
    found = [simulated_patterns.half(family) for family in range(400)]
    assert 160 < found.count("choosing") < 240 and set(found) == {"choosing", "reporting"}


def test_a_benchmark_refuses_what_it_does_not_take():
    with pytest.raises(DDIError, match="takes no --simulated"):
        registry.run("mixtures", simulated=True)
