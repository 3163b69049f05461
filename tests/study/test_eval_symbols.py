"""Simulated measurements for extinction symbols: preferred orientation, and what is put in."""

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench import registry
from ddi.forward import lattice, lines
from ddi.study import eval_symbols

CELL = np.array([7.1, 8.3, 6.2, 90, 90, 90])


def test_march_dollase_keeps_the_mean_over_all_directions():
    cosine = np.linspace(0, 1, 4001)
    cell = np.array([1.0, 1, 1, 90, 90, 90])
    hkl = np.column_stack([np.sqrt(1 - cosine**2), 0 * cosine, cosine])
    factor = eval_symbols.preferred(hkl, np.array([0, 0, 1]), 0.8, cell, "P 1")
    assert np.trapezoid(factor, cosine) == pytest.approx(1, abs=1e-3)
    assert factor[-1] == pytest.approx(0.8**-3) and factor[0] == pytest.approx(0.8**1.5)


def test_equivalent_lines_have_one_factor():
    axis = np.array([1, 0, 0])
    pair = [[1, 2, 3], [-1, 2, 3]]
    same = eval_symbols.preferred(pair, axis, 0.8, CELL, "P m m m")
    assert same[0] == pytest.approx(same[1])


def test_symbol_of_a_simulated_measurement_is_found():
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(CELL), "oP", 0.35)
    there = ~eval_symbols.gemmi.SpaceGroup("P 21 21 21").operations().systematic_absences(
        hkl.astype(np.int32)
    )
    row = {
        "identifier": "x",
        "name": "made",
        "bravais": "oP",
        "sg_symbol": "P 21 21 21",
        "cell_conventional": CELL,
        "q2_1": q2[there],
        "intensity_1": np.random.default_rng(1).exponential(1, there.sum()) + 0.05,
        "hkl_conventional_1": hkl[there],
    }
    found = eval_symbols.judged(eval_symbols.measurement(row, seed=3))
    assert found.true == "P 21 21 21" and found.place == 0 and found.bravais == "oP"


def test_a_benchmark_refuses_what_it_does_not_take():
    with pytest.raises(DDIError, match="takes no --simulated"):
        registry.run("mixtures", simulated=True)
