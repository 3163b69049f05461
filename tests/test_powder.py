"""Simulated patterns against gemmi, brute force and the line positions of NIST's standards."""

import gemmi
import numpy as np
import pytest
from crystals import everything, made, reindexed, settings_of, some

from ddi import lattice, powder, scattering


@pytest.fixture(scope="module")
def crystals_200(tmp_path_factory):
    return [reindexed(entry) for entry in some(200, tmp_path_factory.mktemp("entries"))]


def test_list_1_equals_brute_force(crystals_200):
    for setting, atoms in crystals_200:
        found = powder.simulate(setting.cell, setting.operations, *atoms).q2[: powder.N_LINES]
        cell = gemmi.UnitCell(*setting.cell)
        q2 = np.sort(cell.calculate_1_d2_array(everything(setting.cell, setting.operations, found[-1] * (1 + 1e-10))))
        distinct = q2[np.diff(q2, prepend=-1) > powder.COINCIDENT * q2]
        np.testing.assert_allclose(found, distinct, rtol=1e-8)


def test_reindexing_does_not_change_the_pattern():
    for group in settings_of(23):
        entry = made(group)
        setting, atoms = reindexed(entry)
        old = powder.simulate(entry.cell, entry.operations, entry.elements, entry.xyz, entry.occupancy, entry.b_iso)
        new = powder.simulate(setting.cell, setting.operations, *atoms)
        np.testing.assert_allclose(new.q2, old.q2, rtol=1e-9)
        np.testing.assert_allclose(new.intensity, old.intensity, atol=1e-6)
        np.testing.assert_array_equal(new.observed, old.observed)


# Certified lattice parameters (22.5 C) of NIST's SRM 640e (silicon), 660c (LaB6) and 676a (corundum), and the line positions in degrees
# at 1.5405929 A that were published with these standards (for corundum with the first issue, SRM 676), to 0.001 degrees.
CERTIFIED = {
    "640e": ("F d -3 m:1", (5.431179,) * 3 + (90,) * 3, {(1, 1, 1): 28.441, (2, 2, 0): 47.300, (3, 1, 1): 56.119, (4, 0, 0): 69.126}),
    "660c": ("P m -3 m", (4.156826,) * 3 + (90,) * 3, {(1, 0, 0): 21.358, (1, 1, 0): 30.385, (1, 1, 1): 37.442, (2, 0, 0): 43.507}),
    "676a": ("R -3 c:H", (4.759091, 4.759091, 12.991779, 90, 90, 120), {(0, 1, 2): 25.574, (1, 0, 4): 35.149, (1, 1, 3): 43.351}),
}


@pytest.mark.parametrize("standard", CERTIFIED)
def test_line_positions_of_the_nist_standards(standard):
    symbol, cell, lines = CERTIFIED[standard]
    operations = tuple(op.triplet() for op in gemmi.SpaceGroup(symbol).operations())
    simulated = powder.simulate(cell, operations, ["Al"], [[0.1, 0.2, 0.3]], [1], [0.5], wavelength=1.5405929)
    position = powder.two_theta_of(simulated.q2, 1.5405929)
    for hkl, certified in lines.items():
        expected = powder.two_theta_of(lattice.q2(np.array([hkl]), cell)[0], 1.5405929)
        nearest = position[np.abs(position - certified).argmin()]
        assert abs(nearest - expected) < 1e-9 and abs(nearest - certified) < 0.002


def test_corundum_looks_like_corundum():
    """Relative intensities of Al2O3 within a few per cent of the well-known sequence: 113, 104, 116 lead; 012 is about two thirds."""
    operations = tuple(op.triplet() for op in gemmi.SpaceGroup("R -3 c:H").operations())
    atoms = (["Al", "O"], [[0, 0, 0.35216], [0.30624, 0, 0.25]], [1, 1], [0.2, 0.25])
    cell = np.array(CERTIFIED["676a"][1], dtype=float)
    simulated = powder.simulate(cell, operations, *atoms, wavelength=1.5405929)
    assert [len(part) for part in scattering.unit_cell(cell, operations, *atoms)[:1]] == [10]  # two formula units a primitive cell
    height = dict(zip(powder.two_theta_of(simulated.q2, 1.5405929).round(1), simulated.intensity))
    assert {position for position, value in height.items() if value > 0.8} == {35.2, 43.4, 57.5}
    assert 0.5 < height[25.6] < 0.8 and 0.3 < height[37.8] < 0.5


def brute_observable(two_theta, intensity, pattern):
    """The four conditions, written as the write-up says them, one line after the other."""
    kept = []
    for i, position in enumerate(two_theta):
        p = min(round(position / powder.STEP), len(pattern) - 2)  # a line on the last step is judged at the one before
        if pattern[p] > 0.001 and pattern[p - 1] + pattern[p + 1] < 2 * pattern[p]:
            kept.append(i)
    out = []
    for i in sorted(kept, key=lambda i: (-intensity[i], i)):
        if all(abs(two_theta[i] - two_theta[j]) >= 0.1 / 1.5 for j in out):
            out.append(i)
    return sorted(out)


def test_list_2_equals_the_four_conditions_spelled_out(crystals_200):
    for setting, atoms in crystals_200[::10]:
        if lattice.volume(setting.cell) > 1500:
            continue
        simulated = powder.simulate(setting.cell, setting.operations, *atoms)
        two_theta = powder.two_theta_of(simulated.q2)
        assert simulated.observed.tolist() == brute_observable(two_theta, simulated.intensity, simulated.pattern)[: powder.N_LINES]


def test_pattern_has_norm_one_and_the_width_asked_for():
    pattern = powder.profile(np.array([40.0]), np.array([3.0]))
    assert (pattern**2).sum() == pytest.approx(1) and len(pattern) == 4501
    above = np.flatnonzero(pattern > pattern.max() / 2) * powder.STEP
    assert above[-1] - above[0] == pytest.approx(powder.FWHM, abs=powder.STEP + 1e-9)


def test_cutting_a_large_cell_short_does_not_change_its_lists(monkeypatch):
    entry = made(gemmi.SpaceGroup("P 1 21/c 1"))
    cell = entry.cell * [3, 3, 3, 1, 1, 1]
    arguments = (cell, entry.operations, entry.elements, entry.xyz, entry.occupancy, entry.b_iso)
    monkeypatch.setattr(powder, "FULL_TERMS", 10)
    short = powder.simulate(*arguments)
    monkeypatch.setattr(powder, "FULL_TERMS", 10**12)
    whole = powder.simulate(*arguments)
    assert np.isnan(short.pattern).any() and len(short.q2) < len(whole.q2)
    np.testing.assert_array_equal(short.q2[:60], whole.q2[:60])
    np.testing.assert_array_equal(short.observed, whole.observed)


def test_coincident_lines_are_one_line_with_the_strongest_indices():
    _, hkl, intensity = powder.merge(np.array([1.0, 0.5, 0.5]), np.array([[2, 0, 0], [1, 1, 1], [5, 1, 1]]), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(hkl, [[5, 1, 1], [2, 0, 0]])
    np.testing.assert_allclose(intensity, [5, 1])
