"""The distance of a start to the true lattice, and what a convergence curve over it predicts."""

import numpy as np
import pandas as pd
import pytest

from ddi.forward import lattice, relations
from ddi.forward.bragg import sigma_q2
from ddi.forward.reflections import reference_hkl
from ddi.mcmc import starts
from ddi.study import convergence

CELLS = {
    "orthorhombic": [5.1, 8.7, 12.2, 90, 90, 90],
    "monoclinic": [6.31, 9.19, 11.42, 90, 104.3, 90],
    "triclinic": [6.3, 7.4, 9.9, 81, 97, 104],
}


@pytest.mark.parametrize("system", CELLS)
def test_every_setting_of_the_truth_is_at_distance_zero(system):
    cell = np.array(CELLS[system])
    settings = convergence.equivalents(cell, system)
    assert len(settings) >= 6 and all(
        relations.same_lattice(other, cell) for other in settings[:20]
    )
    np.testing.assert_allclose(convergence.distance(settings[:20], cell, system), 0, atol=1e-6)


def test_distance_is_the_relative_error_of_an_isotropic_scaling():
    cell = np.array(CELLS["triclinic"])
    scaled = np.stack([cell * np.array([1 + e] * 3 + [1] * 3) for e in (0.001, 0.01)])
    np.testing.assert_allclose(
        convergence.distance(scaled, cell, "triclinic"), [0.001, 0.01], rtol=0.02
    )


def test_axes_in_another_order_are_as_near():
    cell = np.array(CELLS["orthorhombic"])
    other = lattice.permute(cell * np.array([1.03, 1, 0.98, 1, 1, 1]), [2, 0, 1])[None]
    first = convergence.distance(
        cell[None] * np.array([1.03, 1, 0.98, 1, 1, 1]), cell, "orthorhombic"
    )
    np.testing.assert_allclose(convergence.distance(other, cell, "orthorhombic"), first, rtol=1e-6)


def test_curve_and_prediction_by_hand():
    far = np.array([0.001, 0.001, 0.015, 0.015, 0.015, 0.015])
    hit = np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    shares = convergence.curve(far, hit)
    assert (
        shares[0] == 1 and shares[1] == 1 and shares[2] == 0.25 and (shares[3:] == 0.25).all()
    )  # empty bins take their neighbour's
    assert convergence.predicted(np.array([0.015, 0.012]), shares) == pytest.approx(1 - 0.75**2)
    own = convergence.curve(far[:2], hit[:2], common=np.full(len(shares), 0.5))
    assert (
        own[0] == pytest.approx((2 + 0.5 * convergence.SHARED) / (2 + convergence.SHARED))
        and own[5] == 0.5
    )


def test_curve_predicts_starts_that_it_was_not_measured_on():
    cell = np.array(CELLS["monoclinic"])
    q2 = np.unique(np.round(lattice.q2(reference_hkl("monoclinic")[:-1], cell), 9))[:20]
    pattern = {
        "q2": np.sort(q2 + sigma_q2(q2, 0.01) * np.random.default_rng(0).standard_normal(20)),
        "cell": cell,
        "system": "monoclinic",
    }
    far, hit = convergence.trials(
        pattern, [0.01, 0.03, 0.1, 0.3], "misfit weights", n_starts=100, seed=1
    )
    assert hit[:100].mean() > 0.9 and hit[300:].mean() < 0.2  # 1 % off; 30 % off and random
    cells = starts.random_cells("monoclinic", lattice.volume(cell), 300, seed=9)
    expected = convergence.curve(far, hit)[
        np.searchsorted(
            convergence.EDGES, convergence.distance(cells, cell, "monoclinic"), side="right"
        )
        - 1
    ]
    found = convergence.arrived(pattern, cells, "misfit weights", seed=2).sum()
    assert abs(found - expected.sum()) < 4 * np.sqrt(expected.sum() + 1) + 0.5 * expected.sum()


def test_calibration_counts():
    rows = pd.DataFrame({"predicted": [0.05, 0.3, 0.4, 1.0], "arrived": [False, True, False, True]})
    table = convergence.calibration(rows)
    assert table["n"].tolist() == [1, 2, 1] and table["arrived"].tolist() == [0, 0.5, 1]
    assert (table["low"] <= table["arrived"]).all() and (
        table["arrived"] <= table["high"] + 1e-12
    ).all()
