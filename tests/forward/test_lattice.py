"""The forward equations against gemmi, and what must not change when a lattice is described in
another way.
"""

import gemmi
import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.forward import lattice, relations

CENTRINGS = {
    "cubic": "PIF",
    "tetragonal": "PI",
    "hexagonal": "P",
    "rhombohedral": "P",
    "orthorhombic": "PCIF",
    "monoclinic": "PC",
    "triclinic": "P",
}


def random_cells(system, n=20):
    """Cells of a system with all angles well inside what can close; the same ones each time."""
    rng = np.random.default_rng(7)
    free = [
        rng.uniform(3, 30, n) if parameter < 3 else rng.uniform(70, 110, n)
        for parameter in lattice.SYSTEM[system].free
    ]
    return lattice.full_cell(np.stack(free, axis=-1), system)


def random_hkl(n=50):
    return np.random.default_rng(8).integers(-12, 13, (n, 3))


def unimodular(rng):
    """A product of random elementary changes of basis, determinant +1 or -1."""
    matrix = np.eye(3, dtype=int)
    for _ in range(6):
        i, j = rng.permutation(3)[:2]
        matrix[i] += rng.integers(-2, 3) * matrix[j]
    return matrix[rng.permutation(3)] * rng.choice([-1, 1], (3, 1))


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_q2_equals_gemmi(system):
    hkl = random_hkl()
    for cell in random_cells(system):
        oracle = gemmi.UnitCell(*cell).calculate_1_d2_array(hkl.astype(np.int32))
        np.testing.assert_allclose(lattice.q2(hkl, cell), oracle, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_free_components_give_the_same_q2(system):
    hkl = random_hkl()
    cells = random_cells(system)
    x = lattice.free_x(lattice.cell_to_x(cells), system)
    assert x.shape == (20, len(lattice.SYSTEM[system].free))
    np.testing.assert_allclose(
        x @ lattice.design(hkl, system).T, lattice.q2(hkl, cells), rtol=1e-12, atol=1e-15
    )
    np.testing.assert_allclose(
        lattice.full_x(x, system), lattice.cell_to_x(cells), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_cell_round_trips(system):
    cells = random_cells(system)
    np.testing.assert_allclose(lattice.x_to_cell(lattice.cell_to_x(cells)), cells, rtol=1e-10)
    np.testing.assert_allclose(lattice.full_cell(lattice.free_cell(cells, system), system), cells)
    np.testing.assert_allclose(
        lattice.volume(cells), [gemmi.UnitCell(*cell).volume for cell in cells], rtol=1e-12
    )


def test_printed_equations_with_the_errata():
    """General equation of section 1.1 corrected: 1/V^2, factors of two, S_hl and S_kl in place."""
    a, b, c, *angles = cell = random_cells("triclinic", 1)[0]
    ca, cb, cg = np.cos(np.radians(angles))
    sa, sb, sg = np.sin(np.radians(angles))
    h, k, l = hkl = np.array([2, -3, 5])
    terms = (b * c * sa * h) ** 2 + (a * c * sb * k) ** 2 + (a * b * sg * l) ** 2
    cross = (
        a * b * c**2 * (ca * cb - cg) * h * k
        + a * b**2 * c * (ca * cg - cb) * h * l
        + a**2 * b * c * (cb * cg - ca) * k * l
    )
    assert lattice.q2(hkl, cell) == pytest.approx(
        (terms + 2 * cross) / lattice.volume(cell) ** 2, rel=1e-12
    )


def test_rhombohedral_closed_form_of_the_errata():
    for cell, hkl in zip(random_cells("rhombohedral"), random_hkl()):
        a = cell[0]
        cosine = np.cos(np.radians(cell[3]))
        sine = np.sin(np.radians(cell[3]))
        h, k, l = hkl
        above = (h * h + k * k + l * l) * sine**2 + 2 * (h * k + k * l + h * l) * (
            cosine**2 - cosine
        )
        assert lattice.q2(hkl, cell) == pytest.approx(
            above / (a**2 * (1 - 3 * cosine**2 + 2 * cosine**3)), rel=1e-11, abs=1e-15
        )


def test_impossible_metrics_are_nan_and_refused():
    assert np.isnan(lattice.x_to_cell([1, 1, 1, 3, 0, 0])).all()
    assert np.isnan(lattice.x_to_cell([-1, 1, 1, 0, 0, 0])).all()
    assert not lattice.is_possible([5, 5, 5, 60, 60, 150]) and np.isnan(
        lattice.volume([5, 5, 5, 60, 60, 150])
    )
    assert lattice.is_possible([5, 5, 5, 60, 60, 110])
    assert not lattice.is_possible([1.9, 5, 5, 90, 90, 90]) and not lattice.is_possible(
        [5, 5, 501, 90, 90, 90]
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_b_unique_is_the_same_lattice(axis):
    for b_cell in random_cells("monoclinic", 10):
        order = {0: [1, 0, 2], 1: [0, 1, 2], 2: [0, 2, 1]}[axis]
        turned = lattice.permute(b_cell, order)
        found = lattice.b_unique(turned, axis)
        np.testing.assert_allclose(found, lattice.b_unique(turned))
        assert found[0] <= found[2] and found[4] >= 90 and found[1] == b_cell[1]
        np.testing.assert_array_equal(found[[3, 5]], 90)
        np.testing.assert_allclose(
            lattice.reduced_cell(found), lattice.reduced_cell(b_cell), rtol=1e-9
        )


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_same_lattice_under_unimodular_changes(system):
    rng = np.random.default_rng(9)
    for cell in random_cells(system, 8):
        for centring in CENTRINGS[system]:
            other = lattice.reduced_cell(cell, centring)
            moved = lattice.change_basis(other, unimodular(rng))
            assert relations.same_lattice(cell, moved, centring)
            assert relations.same_lattice(moved, cell, "P", centring)
            bigger = moved * [1.04, 1.04, 1.04, 1, 1, 1]
            assert not relations.same_lattice(cell, bigger, centring)


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_same_lattice_forgives_small_errors(system):
    rng = np.random.default_rng(9)
    for cell in random_cells(system, 8):
        noisy = cell * (1 + 0.002 * rng.standard_normal(6) * [1, 1, 1, 0.1, 0.1, 0.1])
        assert relations.same_lattice(cell, lattice.change_basis(noisy, unimodular(rng)))


def test_same_lattice_tells_supercells_and_centrings_apart():
    cell = np.array([7.1, 8.3, 9.9, 90, 90, 90])
    doubled = cell * [2, 1, 1, 1, 1, 1]
    assert not relations.same_lattice(cell, doubled)
    for centring in "CIF":
        assert not relations.same_lattice(cell, cell, "P", centring)
    half = lattice.change_basis(cell, [[0.5, 0.5, 0], [0.5, -0.5, 0], [0, 0, 1]])
    assert relations.same_lattice(cell, half, "C", "P")


@pytest.mark.parametrize(
    ("system", "centring"), [(system, c) for system in lattice.SYSTEMS for c in CENTRINGS[system]]
)
def test_reduced_cell_has_the_primitive_volume(system, centring):
    points = {"P": 1, "C": 2, "I": 2, "F": 4}[centring]
    for cell in random_cells(system, 5):
        assert lattice.volume(lattice.reduced_cell(cell, centring)) == pytest.approx(
            lattice.volume(cell) / points, rel=1e-9
        )


OBVERSE = np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3


def test_cells_are_six_numbers():
    with pytest.raises(DDIError, match=r"shape \(3,\); give a, b, c in Angstrom"):
        lattice.volume([5.0, 6.0, 7.0])
    assert lattice.as_cells([[5, 6, 7, 90, 90, 90]]).dtype == float


def test_hexagonal_and_rhombohedral_axes():
    for cell in random_cells("rhombohedral", 10):
        hexagonal = lattice.conventional(cell, "hR")
        np.testing.assert_allclose(hexagonal[3:], [90, 90, 120], atol=1e-9)
        assert hexagonal[0] == pytest.approx(hexagonal[1])
        assert lattice.volume(hexagonal) == pytest.approx(3 * lattice.volume(cell))
        np.testing.assert_allclose(lattice.change_basis(hexagonal, OBVERSE), cell, rtol=1e-10)
        assert relations.same_lattice(hexagonal, cell, "R", "P")
        oracle = gemmi.make_miller_array(
            gemmi.UnitCell(*hexagonal), gemmi.SpaceGroup("R 3 :H"), hexagonal[0] / 4, 0, True
        )
        obverse = np.sort(gemmi.UnitCell(*hexagonal).calculate_1_d2_array(oracle))
        grid = np.indices([41] * 3).reshape(3, -1).T - 20
        lines = lattice.q2(grid, cell)
        assert all(np.abs(lines - value).min() < 1e-9 for value in obverse)


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_permutations_keep_q2(system):
    rng = np.random.default_rng(9)
    hkl = random_hkl()
    for cell in random_cells(system, 5):
        order = rng.permutation(3)
        np.testing.assert_allclose(
            lattice.q2(hkl[:, order], lattice.permute(cell, order)),
            lattice.q2(hkl, cell),
            rtol=1e-10,
            atol=1e-14,
        )
