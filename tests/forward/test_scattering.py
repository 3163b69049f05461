"""Reflections, absences and structure factors against gemmi."""

import gemmi
import numpy as np
import pytest
from crystals import everything, made, reindexed, settings_of, some

from ddi.forward import lattice, scattering


@pytest.mark.parametrize("group", settings_of(7), ids=lambda group: group.xhm())
def test_reflections_and_multiplicities_cover_the_sphere_once(group):
    setting, _ = reindexed(made(group))
    hkl, multiplicity = scattering.reflections(setting.cell, setting.operations, 0.6)
    assert multiplicity.sum() == len(everything(setting.cell, setting.operations, 0.6))
    asu = gemmi.GroupOps([gemmi.Op(op) for op in setting.operations])
    assert not asu.systematic_absences(hkl.astype(np.int32)).any()


def oracle(setting, atoms, hkl, group=None):
    """gemmi's |F|: from the asymmetric unit and a tabulated group, or from all atoms of the cell in
    P 1.
    """
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*setting.cell)
    small.spacegroup = group or gemmi.SpaceGroup("P 1")
    for i, (element, xyz, occupancy, b) in enumerate(zip(*atoms)):
        site = gemmi.SmallStructure.Site()
        site.label = f"{element}{i}"
        site.element = gemmi.Element(element)
        site.fract = gemmi.Fractional(*xyz)
        site.occ = float(occupancy)
        site.u_iso = float(b) / (8 * np.pi**2)
        small.add_site(site)
    small.setup_cell_images()
    if group:
        small.change_occupancies_to_crystallographic(max_dist=0.1)
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    return np.abs(
        [calculator.calculate_sf_from_small_structure(small, [int(i) for i in h]) for h in hkl]
    )


def calculated(setting, atoms, hkl):
    expanded = scattering.unit_cell(setting.cell, setting.operations, *atoms)
    return np.abs(
        scattering.structure_factors(hkl, lattice.q2(hkl, setting.cell), *expanded)
    ), expanded


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * expected.max())


@pytest.mark.parametrize("group", settings_of(9), ids=lambda group: group.xhm())
def test_structure_factors_equal_gemmis_from_the_asymmetric_unit(group):
    entry = made(group)
    atoms = (entry.elements, entry.xyz, entry.occupancy, entry.b_iso)
    hkl, _ = scattering.reflections(entry.cell, entry.operations, 0.5)
    close(calculated(entry, atoms, hkl[:40])[0], oracle(entry, atoms, hkl[:40], group))


def test_structure_factors_of_real_entries_equal_gemmis(tmp_path):
    for setting, atoms in map(reindexed, some(40, tmp_path)):
        hkl, _ = scattering.reflections(
            setting.cell, setting.operations, 0.05 + 40 / lattice.volume(setting.cell) ** (2 / 3)
        )
        found, (positions, weights, species, factors) = calculated(setting, atoms, hkl[:30])
        z = {e: scattering._it92(e) for e in set(atoms[0])}
        names = [next(e for e in z if np.array_equal(z[e], factors[s, :9])) for s in species]
        close(found, oracle(setting, (names, positions, weights, factors[species, 9]), hkl[:30]))
