"""The compiled kernel against gemmi's lists of lines and against plain numpy."""

import gemmi
import numpy as np
import pytest

from ddi.forward import lattice, lines
from ddi.index import screening

FULL = {
    "cP": "P m -3 m",
    "cI": "I m -3 m",
    "cF": "F m -3 m",
    "tP": "P 4/m m m",
    "tI": "I 4/m m m",
    "hP": "P 6/m m m",
    "hR": "R -3 m:H",
    "oP": "P m m m",
    "oC": "C m m m",
    "oI": "I m m m",
    "oF": "F m m m",
    "mP": "P 1 2/m 1",
    "mC": "C 1 2/m 1",
    "aP": "P -1",
}
RNG = np.random.default_rng(5)


def some_cell(bravais):
    system = lines.KINDS[bravais].system
    cell = lattice.full_cell(
        lattice.free_cell(np.array([7.1, 9.3, 15.7, 84.0, 103.0, 71.0]), system), system
    )
    return cell * np.array([1, 1, 1.3, 1, 1, 1]) if system in ("triclinic", "monoclinic") else cell


def gemmi_lines(cell, bravais, q2_max):
    unit_cell = gemmi.UnitCell(*cell)
    hkl = gemmi.make_miller_array(unit_cell, gemmi.SpaceGroup(FULL[bravais]), q2_max**-0.5, 0, True)
    return np.sort(unit_cell.calculate_1_d2_array(hkl))


@pytest.mark.parametrize("bravais", FULL)
def test_lines_are_those_of_gemmi(bravais):
    cell = some_cell(bravais)
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), bravais, 0.3)
    expected = gemmi_lines(cell, bravais, 0.3)
    if bravais == "hR":  # gemmi counts h k l and k h l apart, which no powder pattern does
        expected = expected[np.diff(expected, prepend=0) > 1e-9]
        assert ((hkl[:, 1] + hkl[:, 2] - hkl[:, 0]) % 3 == 0).all()
    assert q2 == pytest.approx(expected, rel=1e-9)
    assert lattice.design(hkl) @ lattice.cell_to_x(cell) == pytest.approx(q2, rel=1e-12)


@pytest.mark.parametrize("bravais", FULL)
@pytest.mark.parametrize("q2_max", [0.02, 0.3])
def test_positions_in_blocks_are_the_lines(bravais, q2_max):
    _, expected = lines.distinct_lines(lattice.cell_to_x(some_cell(bravais)), bravais, q2_max)
    _, form = lines.sum_of_squares(lattice.cell_to_x(some_cell(bravais)))
    rule = lines.KINDS[bravais].rule
    q2 = np.full(len(expected) + lines.LANES, np.nan)
    assert lines.positions(form, rule, q2_max, len(expected), q2) == len(expected)
    assert np.sort(q2[: len(expected)]) == pytest.approx(expected, rel=1e-9)
    assert lines.positions(form, rule, q2_max, len(expected) - 1, q2) == -1


def plain_score(x, q2_obs, sigma, bravais):
    """What `screening.screen` computes, for one candidate."""
    q2_max = q2_obs[-1] + 3 * sigma[-1]
    _, q2 = lines.distinct_lines(x, bravais, q2_max)
    nearest_peak = np.abs(q2[:, None] - q2_obs).argmin(axis=1)
    miss = np.array(
        [np.abs(q2[nearest_peak == k] - q2_obs[k]).min(initial=1e9) for k in range(len(q2_obs))]
    )
    density = 3 * len(q2) / q2_max**1.5 * np.sqrt(q2_obs)
    return -np.log(np.minimum(1, density * np.maximum(miss, sigma))).sum()


@pytest.mark.parametrize("bravais", ["cF", "hR", "oC", "mP", "aP"])
def test_screen_equals_plain_numpy(bravais):
    kind = lines.KINDS[bravais]
    x_true = lattice.cell_to_x(some_cell(bravais))
    hkl, q2 = lines.distinct_lines(x_true, bravais, 0.5)
    keep = np.sort(RNG.permutation(min(30, len(q2)))[:20])
    obs = q2[keep] * (1 + 1e-4 * RNG.standard_normal(len(keep)))
    n_free = lattice.ties(kind.system).shape[1]
    obs.sort()
    subsets = np.array([np.sort(RNG.permutation(len(keep))[:n_free]) for _ in range(300)])
    rows = lattice.design(hkl[keep], kind.system)[subsets]
    good = np.abs(np.linalg.det(rows)) > 0.5
    spread = lattice.ties(kind.system) @ np.linalg.inv(rows[good])
    pick = subsets[good].astype(np.int16)
    pick[::2] = RNG.permuted(pick[::2], axis=1)  # wrong assignments, so that scores differ
    pick[1::4] = (pick[1::4] + 1) % len(keep)
    sigma = 2e-4 * np.ones(len(obs))
    x = np.einsum("nij,nj->ni", spread, obs[pick])
    scores = screening.screen(x, obs, sigma, kind, (1, 1e5))
    positive = lattice.is_positive(x) & (scores >= 0)
    assert positive.sum() > 20
    differ = np.abs(
        scores[positive] - [plain_score(one, obs, sigma, bravais) for one in x[positive]]
    )
    assert (
        np.mean(differ < 1e-6) > 0.9
    )  # else a line fell into a bin that two peaks share, and went to the other one
    assert differ.max() < 3


@pytest.mark.parametrize("bravais", ["tI", "oP", "mC", "aP"])
def test_refinement_finds_cell_and_zero_shift_in_spite_of_spurious_peaks(bravais):
    kind = lines.KINDS[bravais]
    x_true = lattice.cell_to_x(some_cell(bravais))
    _, q2 = lines.distinct_lines(x_true, bravais, 0.4)
    obs = q2[:24:1][:20].copy()
    slope = 0.02 * np.sqrt(obs)
    obs = obs + 0.05 * slope
    obs[[7, 12]] += 0.3 * np.diff(obs).max()
    order = np.argsort(obs)
    obs = obs[order]
    slope = slope[order]
    x = (x_true * (1 + 2e-3))[None].copy()
    zero = np.array([0.02])
    screening.refine(
        x,
        zero,
        kind,
        obs,
        slope,
        0.012 * slope,
        0.0,
        0.1,
        np.array([3, 2.5, 2, 1.6, 1.3, 1, 1, 1.0]),
    )
    assert zero[0] == pytest.approx(0.05, abs=0.01)
    assert x[0] == pytest.approx(x_true, rel=2e-3, abs=2e-6)


def test_what_is_no_lattice():
    assert len(lines.distinct_lines([1, 1, 1, 3, 0, 0], "aP", 5.0)[1]) == 0
    misses, counts = screening.describe(
        np.zeros((1, 6)), np.zeros(1), lines.KINDS["aP"], np.array([0.1, 0.2]), np.ones(2)
    )
    assert counts[0] == 0 and (misses > 1e8).all()


def test_the_refinement_is_compiled_for_one_layout_of_memory():
    for bravais in ("cP", "oP", "aP"):
        x = lattice.cell_to_x(np.array([[5.0, 5.0, 5.0, 90.0, 90.0, 90.0]]))
        given = (np.array([0.04, 0.08]), np.zeros(2), np.full(2, 1e-4))
        kind = lines.KINDS[bravais]
        screening.refine(x, np.zeros(1), kind, *given, 0.0, 1.0, np.ones(1))
    assert len(screening._refine.signatures) == 1
