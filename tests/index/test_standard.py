"""Standard settings: gemmi's own change of basis, and the lines that stay where they are."""

import gemmi
import numpy as np
import pytest

from ddi.forward import lattice, lines
from ddi.index import extinction, profile, standard
from ddi.study import damage

CELLS = {"monoclinic": [6, 7, 8, 90, 94, 90], "orthorhombic": [5, 6, 7, 90, 90, 90]}
GROUPS = [
    (name, lattice.BRAVAIS[bravais][0])
    for bravais in ("mP", "mC", "oP", "oC", "oI", "oF")
    for entry in extinction.classes(bravais)
    for name in entry.space_groups
]


def allowed(space_group, cell):
    """1/d^2 of the lines that a space group allows, sorted."""
    unit_cell = gemmi.UnitCell(*cell)
    hkl = gemmi.make_miller_array(unit_cell, gemmi.SpaceGroup("P 1"), 1.3, 0, True)
    absent = gemmi.SpaceGroup(space_group).operations().systematic_absences(hkl)
    return np.sort(unit_cell.calculate_1_d2_array(hkl[~np.asarray(absent, dtype=bool)]))


def test_every_group_keeps_its_lines():
    for name, system in GROUPS:
        found = standard.setting(name, CELLS[system])
        group = gemmi.find_spacegroup_by_number(gemmi.SpaceGroup(name).number)
        assert found["space_group"] == group.hm
        assert system == "orthorhombic" or found["cell"][4] > 90 - 1e-6
        here = allowed(name, CELLS[system])
        np.testing.assert_allclose(allowed(group.hm, found["cell"]), here, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["P 21 21 21", "P 1 21/c 1", "C 1 2/c 1", "P n m a"])
def test_standard_ones_stay(name):
    system = "monoclinic" if " 1" in name else "orthorhombic"
    found = standard.setting(name, CELLS[system])
    assert found == {"space_group": name, "axes": "a,b,c", "cell": CELLS[system]}


def test_axes_in_words():
    assert standard.setting("I 1 2/a 1", CELLS["monoclinic"])["axes"] == "-a+c,-b,a"
    assert standard.setting("P n c a", CELLS["orthorhombic"])["axes"] == "b,c,a"


def test_a_fit_lists_standard_settings():
    """Every listed space group of the JSON has its standard setting beside it."""
    cell = np.array([7.1, 8.3, 6.2, 90, 90, 90])
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), "oP", 0.4)
    there = ~gemmi.SpaceGroup("P n c a").operations().systematic_absences(hkl.astype(np.int32))
    height = np.random.default_rng(0).exponential(1.0, there.sum())
    peaks, zero = damage.peaks(q2[there], height, seed=0)
    (fit,) = profile.of_peaks(peaks, [("oP", cell, zero)])
    rows = fit.to_dict()["whole_pattern"]["symbols"]
    assert sum(row["probability"] for row in rows) > 0.9
    named = {
        name: standard["space_group"]
        for row in rows
        for name, standard in zip(row["space_groups"], row["standard"], strict=True)
    }
    assert named["P n c a"] == "P b c n"
