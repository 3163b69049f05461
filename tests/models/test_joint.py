"""Joint assignment: exact posteriors by enumeration, cells by least squares, limits, and more right
labels than the nearest line.
"""

import itertools

import numpy as np
import pytest
from crystals import SKEW
from scipy.stats import multivariate_normal
from test_assignment import toy

from ddi.data.scaling import CellScaler
from ddi.forward import bragg, lattice, reflections
from ddi.models.assigners import LinePrior, NearestLine
from ddi.models.assignment_data import Problem, noisy_cells
from ddi.models.assignment_training import controls
from ddi.models.constants import CONSTANTS
from ddi.models.joint import JointAssignment, free_scaled, sizes
from ddi.study.eval_assignment import score
from ddi.study.joint_chains import improved, table


def flat_joint(system, n_ref=60, error=0.05, n_peaks=20, **options):
    """With a flat prior, and errors of one size."""
    reference = reflections.reference_hkl(system, n_ref)
    known = np.log(np.full((n_peaks, n_ref), 1 / n_ref)).astype(np.float32)
    prior = LinePrior(system, reference, known, 0.01)
    oblique = np.array(lattice.SYSTEM[system].free) >= 3
    scaler = CellScaler(10.0, 2.0, 0.1, oblique)
    errors = np.full((1, len(oblique)), error)
    return JointAssignment(system, reference, prior, scaler, errors, **options)


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_weights_are_the_posterior_over_all_pairs_of_labels(system):
    """Two peaks, a few lines: every pair of labels enumerated, with the Normal law of both peaks.

    Lines beyond the gate are the only ones that the beam leaves out.
    """
    joint = flat_joint(system, n_ref=6, error=0.2, n_peaks=2, beam=1000)
    x = lattice.free_x(lattice.cell_to_x(lattice.full_cell([SKEW[system]], system)), system)
    lines = np.sort(joint.H_ref()[:5] @ x[0])
    q2 = lines[[1, 3]] * 1.002
    spread = joint.covariances(x)[0]
    labels, weights, _ = joint.histories(q2, x[0], spread)
    H = joint.H_ref()
    own = np.diag(bragg.sigma_q2(q2, joint.noise) ** 2)
    expected = {}
    for pair in itertools.product(range(6), repeat=2):
        listed = [k for k in range(2) if pair[k] < 5]
        if len(listed) == 2 and pair[0] == pair[1]:
            continue
        value = q2[-1] ** -(2 - len(listed))
        if listed:
            rows = H[[pair[k] for k in listed]]
            covariance = rows @ spread[0] @ rows.T + own[np.ix_(listed, listed)]
            law = multivariate_normal(rows @ x[0], covariance, allow_singular=True)
            value *= law.pdf(q2[listed])
        expected[pair] = value
    found = dict(zip(map(tuple, labels.tolist()), weights))
    ratio = [expected[pair] / weight for pair, weight in found.items()]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    assert sum(expected[pair] for pair in found) > 0.99 * sum(expected.values())


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_a_historys_cell_is_the_least_squares_cell(system):
    """Conditioning peak by peak ends where the normal equations with the prior do."""
    peaks = toy(system, n=2, n_peaks=lattice.N_PEAKS[system])
    joint = flat_joint(system, n_ref=200)
    x = peaks.x * 1.004
    spreads = joint.covariances(x)[0]
    labels, _, cells = joint.histories(peaks.q2[0], x[0], spreads)
    inverse = np.linalg.inv(spreads[0])
    sigma = bragg.sigma_q2(peaks.q2[0], joint.noise)
    for label, cell in list(zip(labels, cells))[:3]:
        rows = (joint.H_ref()[label] / sigma[:, None])[label < len(joint.reference) - 1]
        seen = (peaks.q2[0] / sigma)[label < len(joint.reference) - 1]
        moved = np.linalg.solve(inverse + rows.T @ rows, rows.T @ (seen - rows @ x[0]))
        np.testing.assert_allclose(cell, x[0] + moved, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("system", ["orthorhombic", "monoclinic", "triclinic"])
def test_names_more_lines_than_the_nearest_and_mends_the_cell(system):
    peaks = toy(system, n=40)
    joint = flat_joint(system, n_ref=500, error=0.05)
    rng = np.random.default_rng(2)
    cells = noisy_cells(peaks.cells, system, 0.05, joint.scaler, rng)
    x = lattice.free_x(lattice.cell_to_x(cells), system)
    right = score(joint, peaks, x).first.mean()
    nearest = score(NearestLine(system, joint.reference, 1e-3), peaks, x).first.mean()
    alone = flat_joint(system, n_ref=500, error=0.05, shared=False)
    assert right > nearest + 0.15
    assert right > score(alone, peaks, x).first.mean() + 0.1
    x_new = np.array([improved(joint, q2, cell[None])[0] for q2, cell in zip(peaks.q2, cells)])
    error = [np.abs(free_scaled(each, system, joint.scaler) - _true(peaks, joint)).max(axis=1)
             for each in (x_new, x)]  # fmt: skip
    assert np.median(error[0]) < 0.1 * np.median(error[1])


def _true(peaks, joint):
    return free_scaled(peaks.x, peaks.system, joint.scaler)


def test_exact_cells_are_read_as_by_the_nearest_line():
    peaks = toy(n=20)
    joint = flat_joint("orthorhombic", n_ref=500, error=1e-4)
    nearest = NearestLine("orthorhombic", joint.reference, 1e-3)
    assert score(joint, peaks, peaks.x).first.mean() > 0.97
    same = joint.predict(peaks.q2, peaks.x)[0] == nearest.predict(peaks.q2, peaks.x)[0]
    assert same.mean() > 0.97


def test_probabilities_add_up_and_know_nothing_of_the_batch():
    peaks = toy(n=70, n_peaks=22)
    joint = flat_joint("orthorhombic", n_ref=80)
    x = peaks.x * 1.01
    together = joint.probabilities(peaks.q2, x)
    assert together.shape == (70, 22, 80)
    np.testing.assert_allclose(together.sum(axis=-1), 1, rtol=1e-5)
    assert together.min() >= 0
    one = joint.probabilities(peaks.q2[66], x[66:67])
    np.testing.assert_allclose(one[0], together[66], atol=1e-6)
    labels, confidence = joint.predict(peaks.q2, x)
    np.testing.assert_array_equal(labels, together.argmax(axis=-1))
    np.testing.assert_allclose(confidence, together.max(axis=-1), rtol=1e-4)


def test_an_x_that_is_no_cell_gets_probabilities_all_the_same():
    peaks = toy(n=1)
    joint = flat_joint("orthorhombic")
    chance = joint.probabilities(peaks.q2, -peaks.x)
    assert np.isfinite(chance).all()
    np.testing.assert_allclose(chance.sum(axis=-1), 1, rtol=1e-5)
    assert not joint.covariances(-peaks.x).any()


def test_sizes_of_error_are_the_parts_from_small_to_large():
    small = np.full((30, 2), 0.01)
    large = np.full((10, 2), 1.0)
    gone = np.full((5, 2), np.nan)
    found = sizes(np.concatenate([large, gone, small]))
    assert found.shape == (CONSTANTS.error_sizes, 2)
    np.testing.assert_allclose(found[:3], 0.01 + CONSTANTS.least_error)
    np.testing.assert_allclose(found[3], 1.0 + CONSTANTS.least_error)


def test_covariance_of_one_free_length_by_hand():
    """Cubic: x = 1/a2, so an error of a by s makes one of 2 s / a3."""
    joint = flat_joint("cubic", error=0.05)  # 0.05 times the scaler's 2 A
    assert joint.covariances(np.array([[0.01]]))[0, 0, 0, 0] == pytest.approx(
        (2 * 0.1 / 1000) ** 2, rel=1e-5
    )


def test_nothing_is_learned_from_test_entries():
    train, test, other = (toy(n=60, seed=seed) for seed in (1, 2, 3))
    ways = [controls(Problem.of(train, side), "0.05", 0)["joint"] for side in (test, other)]
    np.testing.assert_array_equal(ways[0].errors, ways[1].errors)
    np.testing.assert_array_equal(ways[0].prior.log_prior, ways[1].prior.log_prior)
    np.testing.assert_array_equal(ways[0].reference, ways[1].reference)


def test_the_table_of_chains_counts_patterns():
    import pandas as pd

    rows = pd.DataFrame({"system": "cubic", "way": "joint", "share": [1.0, 0.5], "seconds": 0.01})
    row = table(rows).iloc[0]
    assert row["patterns"] == 2 and row["arrive / %"].startswith("75 (")
    assert row["ms a start"] == "10.0" and row["arrive a second"] == "75"
