"""Conventional axes and standard uncertainties, against gemmi, closed forms and repeats."""

import gemmi
import numpy as np
import pytest

from ddi.forward import lattice
from ddi.index import setting


def same_lattice(cell, other, centring):
    return np.allclose(
        lattice.reduced_cell(cell, centring), lattice.reduced_cell(other, centring), atol=2e-3
    )


@pytest.mark.parametrize("bravais", ["mP", "mC", "aP", "oP", "oC", "oI", "oF"])
def test_conventional_cells_are_the_same_lattice_in_order(bravais):
    rng = np.random.default_rng(3)
    system, centring = lattice.BRAVAIS[bravais]
    for _ in range(60):
        lengths = rng.uniform(4, 15, 3)
        angles = rng.uniform(70, 110, 3)
        free = np.concatenate([lengths, angles])[list(lattice.SYSTEM[system].free)]
        given = lattice.full_cell(free, system)
        cell, rows = setting.conventional(given, bravais)
        assert same_lattice(given, cell, centring)
        assert round(np.linalg.det(rows)) == 1
        np.testing.assert_allclose(lattice.change_basis(given, rows), cell, atol=1e-6)
        ordered = {"oC": [0, 1], "mP": [0, 2], "mC": []}.get(bravais, [0, 1, 2])
        assert np.all(np.diff(cell[ordered]) >= -1e-6)
        if system == "monoclinic":
            assert 90 <= cell[4] < 130
        if system == "triclinic":
            assert np.all(cell[3:] < 90 + 1e-9) or np.all(cell[3:] > 90 - 1e-9)
            np.testing.assert_allclose(cell, lattice.reduced_cell(given), atol=1e-6)


def test_no_monoclinic_cell_could_be_shorter():
    """Against every choice of two lattice vectors across b, for a strongly skewed cell."""
    cell, _ = setting.conventional([6.0, 7.0, 17.0, 90, 152.0, 90], "mP")
    twice, _ = setting.conventional(cell, "mP")
    np.testing.assert_allclose(cell, twice)
    assert 90 <= cell[4] <= 120 and cell[0] <= cell[2]


def test_other_lattices_stay_as_they_are():
    for bravais, cell in (("hR", [5, 5, 13, 90, 90, 120]), ("tI", [7, 7, 3, 90, 90, 90])):
        same, rows = setting.conventional(cell, bravais)
        assert (same == cell).all() and (rows == np.eye(3)).all()


def hkl_of(cell, bravais, d_min):
    return gemmi.make_miller_array(
        gemmi.UnitCell(*cell), gemmi.SpaceGroup(f"{bravais[1]} 1"), d_min, 0, True
    )


@pytest.mark.parametrize(
    "bravais, cell",
    [
        ("cF", [5.43, 5.43, 5.43, 90, 90, 90]),
        ("tP", [4.6, 4.6, 2.96, 90, 90, 90]),
        ("mP", [5.1, 5.2, 5.3, 90, 99.2, 90]),
        ("aP", [5.1, 6.2, 7.3, 95, 99.2, 103]),
    ],
)
def test_uncertainties_are_the_scatter_of_repeats(bravais, cell):
    """200 repeats of a linear fit: within 30 %, the issue's floor (statistics alone give 5 %)."""
    rng = np.random.default_rng(0)
    cell = np.array(cell, dtype=float)
    system = lattice.BRAVAIS[bravais][0]
    hkl = hkl_of(cell, bravais, 1.2)[:30]
    exact = lattice.q2(hkl, cell)
    sigma = 2e-4 * np.sqrt(exact)
    slope = 0.01 * np.sqrt(exact)
    design = np.column_stack([lattice.design(hkl, system), slope]) / sigma[:, None]
    fitted, stated = [], []
    for _ in range(200):
        q2 = exact + rng.normal(0, 1.7 * sigma)
        solution = np.linalg.lstsq(design, q2 / sigma, rcond=None)[0]
        found = lattice.x_to_cell(lattice.full_x(solution[:-1], system))
        fitted.append([*found, lattice.volume(found), solution[-1]])
        stated.append(
            setting.uncertainties(
                found, bravais, hkl, q2 - solution[-1] * slope, sigma, slope, inflation=1.0
            )
        )
    scatter = np.std(fitted, axis=0)
    mean = np.sqrt(np.mean(np.square(stated), axis=0))
    free = scatter > 1e-9
    np.testing.assert_allclose(mean[free] / scatter[free], 1, atol=0.3)
    assert (mean[~free] < 1e-9).all()


def test_too_few_peaks_give_no_uncertainty():
    cell = np.array([5.1, 6.2, 7.3, 95, 99.2, 103])
    hkl = hkl_of(cell, "aP", 3.0)[:6]
    assert np.isnan(
        setting.uncertainties(cell, "aP", hkl, lattice.q2(hkl, cell), np.full(6, 1e-4))
    ).all()


@pytest.mark.parametrize(
    "value, su, text",
    [
        (5.45631, 0.00042, "5.4563(4)"),
        (5.45631, 0.00015, "5.45631(15)"),
        (5.45631, 0.000195, "5.4563(2)"),
        (346.94, 0.04, "346.94(4)"),
        (1234.5, 13.0, "1234(13)"),
        (1234.5, 40.0, "1230(40)"),
        (-0.0283, 0.002, "-0.028(2)"),
        (90.0, 0.0, "90"),
        (5.4, np.nan, "5.4000"),
        (5.458, 1e-13, "5.458000(1)"),
        (99.96, 0.0996, "99.96(10)"),
    ],
)
def test_numbers_with_their_uncertainty(value, su, text):
    assert setting.with_su(value, su) == text
