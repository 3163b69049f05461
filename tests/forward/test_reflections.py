"""Reference Miller indices and labels against brute force and the point groups of the lattices."""

import gemmi
import numpy as np
import pytest
from crystals import SKEW

from ddi.forward import lattice, reflections

HOLOHEDRY = {
    "cubic": "P m -3 m",
    "tetragonal": "P 4/m m m",
    "hexagonal": "P 6/m m m",
    "rhombohedral": "R -3 m :R",
    "orthorhombic": "P m m m",
    "monoclinic": "P 1 2/m 1",
    "triclinic": "P -1",
}
PRINTED = {
    "cubic": lambda h, k, l: (h * h + k * k + l * l,),
    "tetragonal": lambda h, k, l: (h * h + k * k, l * l),
    "hexagonal": lambda h, k, l: (h * h + h * k + k * k, l * l),
    "rhombohedral": lambda h, k, l: (h * h + k * k + l * l, h * k + k * l + h * l),
    "orthorhombic": lambda h, k, l: (h * h, k * k, l * l),
    "monoclinic": lambda h, k, l: (h * h, k * k, l * l, h * l),
    "triclinic": lambda h, k, l: (h * h, k * k, l * l, h * k, k * l, h * l),
}
"""The invariants as section 2.3.1 lists them."""


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_forms_are_the_printed_invariants(system):
    grid = np.indices([41] * 3).reshape(3, -1).T - 20
    expected = {PRINTED[system](*map(int, hkl)) for hkl in grid} - {PRINTED[system](0, 0, 0)}
    found = [PRINTED[system](*map(int, hkl)) for hkl in reflections.forms(system)]
    assert len(found) == len(expected) and set(found) == expected


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_base_order_and_lengths(system):
    reference = reflections.reference_hkl(system)
    assert len(reference) == (100 if system == "cubic" else 500)
    assert not reference[-1].any() and reference[:-1].any(axis=1).all()
    h, k, l = reference[:-1].T
    base = (
        4 / 3 * (h * h + h * k + k * k) + l * l if system == "hexagonal" else h * h + k * k + l * l
    )
    assert (np.diff(base) > -1e-9).all()


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_order_by_mean_q2(system):
    free = np.array(SKEW[system]) * np.random.default_rng(3).uniform(
        0.97, 1.03, (30, len(SKEW[system]))
    )
    cells = lattice.full_cell(free, system)
    reference = reflections.reference_hkl(system, order_by=cells)
    mean = lattice.q2(reference[:-1], cells).mean(axis=0)
    assert (np.diff(mean) > -1e-12).all()
    beyond = lattice.q2(reflections.forms(system), cells).mean(axis=0)
    assert (beyond < mean[-1] - 1e-9).sum() == len(mean) - 1 - (np.abs(mean - mean[-1]) < 1e-9)[
        :-1
    ].sum()


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_labels_against_brute_force(system):
    reference = reflections.reference_hkl(system, n=80)
    hkl = np.random.default_rng(1).integers(-6, 7, (4, 50, 3))
    table = {PRINTED[system](*map(int, r)): i for i, r in enumerate(reference)}
    expected = [[table.get(PRINTED[system](*map(int, v)), 79) for v in row] for row in hkl]
    np.testing.assert_array_equal(reflections.labels(hkl, reference, system), expected)


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_equivalents_of_the_holohedry_share_a_label(system):
    reference = reflections.reference_hkl(system, n=60)
    operations = gemmi.SpaceGroup(HOLOHEDRY[system]).operations()
    images = np.array(
        [[op.apply_to_hkl(hkl.tolist()) for op in operations.sym_ops] for hkl in reference]
    )
    found = reflections.labels(images, reference, system)
    assert (found == np.arange(60)[:, None]).all()


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_a_label_reproduces_q2(system):
    cell = lattice.full_cell(SKEW[system], system)
    reference = reflections.reference_hkl(system, order_by=cell)
    hkl = np.random.default_rng(5).integers(-3, 4, (200, 3))
    label = reflections.labels(hkl, reference, system)
    listed = label < len(reference) - 1
    assert listed.mean() > 0.9
    np.testing.assert_allclose(
        lattice.q2(reference[label[listed]], cell), lattice.q2(hkl[listed], cell), rtol=1e-12
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("oblique", [76.0, 108.0])
@pytest.mark.parametrize("lengths", [(4.0, 7.0, 11.0), (11.0, 4.0, 7.0), (7.0, 11.0, 4.0)])
def test_b_unique_hkl_reproduces_q2(axis, oblique, lengths):
    angles = np.where(np.arange(3) == axis, oblique, 90.0)
    cell = np.array([*lengths, *angles])
    hkl = np.random.default_rng(2).integers(-5, 6, (40, 3))
    turned = reflections.b_unique_hkl(hkl[None], cell[None], np.array([axis]))[0]
    np.testing.assert_allclose(
        lattice.q2(turned, lattice.b_unique(cell, axis)), lattice.q2(hkl, cell), rtol=1e-12
    )
