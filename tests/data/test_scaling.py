"""Scalers: by hand, round trip, and through an npz file."""

import numpy as np
import pytest

from ddi.data.scaling import CellScaler, Q2Scaler
from ddi.forward import lattice


def test_peaks_are_scaled_by_one_mean_and_deviation():
    q2 = np.array([[0.0, 1.0], [2.0, 3.0]])
    scaler = Q2Scaler.fit(q2)
    assert (scaler.mean, scaler.std) == pytest.approx((1.5, np.sqrt(1.25)))
    assert scaler.forward(q2).mean() == pytest.approx(0) and scaler.forward(
        q2
    ).std() == pytest.approx(1)
    assert scaler.inverse(scaler.forward(q2)) == pytest.approx(q2)


def test_right_angles_go_to_zero_and_do_not_count():
    free = [[5, 6, 7, 90], [6, 7, 8, 100], [7, 8, 9, 110]]
    scaler = CellScaler.fit(free, "monoclinic")
    assert scaler.length_mean == pytest.approx(7) and scaler.length_std == pytest.approx(
        np.std([5, 6, 7, 6, 7, 8, 7, 8, 9])
    )
    assert scaler.angle_std == pytest.approx(np.radians(5))
    assert scaler.forward(free)[:, 3] == pytest.approx([0, 2, 4])


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_round_trip_and_storage(system, tmp_path):
    rng = np.random.default_rng(0)
    n = len(lattice.SYSTEM[system].free)
    free = np.where(
        np.array(lattice.SYSTEM[system].free) < 3,
        rng.uniform(4, 20, (50, n)),
        rng.uniform(70, 110, (50, n)),
    )
    scaler = CellScaler.fit(free, system)
    assert scaler.inverse(scaler.forward(free)) == pytest.approx(free)
    assert np.abs(scaler.forward(free)).max() < 5
    np.savez(tmp_path / "scaler.npz", **scaler.to_dict())
    with np.load(tmp_path / "scaler.npz") as stored:
        again = CellScaler.from_dict(stored)
    assert (again.forward(free) == scaler.forward(free)).all()


def test_nothing_to_spread_divides_by_one():
    assert CellScaler.fit([[5.0]], "cubic").length_std == 1 and Q2Scaler.fit([[0.1]]).std == 1
