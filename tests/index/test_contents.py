"""What a formula says of a cell: atoms counted, volumes, formula units, a soft prior."""

import math

import numpy as np
import pytest
import small_search
from small_search import CELL, CU, lines

from ddi import cli
from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.index import api, contents, observed, search
from ddi.index.constants import SEARCH

VOLUME = float(lattice.volume(CELL))  # barite, four formula units


@pytest.mark.parametrize(
    "formula, counts",
    [
        ("Ba S O4", {"Ba": 1, "S": 1, "O": 4}),
        ("Ca(OH)2", {"Ca": 1, "O": 2, "H": 2}),
        ("CaSO4.2H2O", {"Ca": 1, "S": 1, "O": 6, "H": 4}),
        ("CuSO4\u00b75(H2O)", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("Fe0.5Mg0.5O", {"Fe": 0.5, "Mg": 0.5, "O": 1}),
        ("Ni0.5Zn.5Fe2O4", {"Ni": 0.5, "Zn": 0.5, "Fe": 2, "O": 4}),
        ("K[Al3Si3O10(OH)2]", {"K": 1, "Al": 3, "Si": 3, "O": 12, "H": 2}),
        ("Al2O3*2SiO2*2H2O", {"Al": 2, "Si": 2, "O": 9, "H": 4}),
        ("D2 O", {"H": 2, "O": 1}),
        ("Co", {"Co": 1}),
        ("CO", {"C": 1, "O": 1}),
    ],
)
def test_formulas_are_counted(formula, counts):
    assert contents.composition(formula) == counts


@pytest.mark.parametrize("formula", ["", "Xx2", "BaSO4)", "12", "ba s o4", "Ba-S", "(OH"])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(DDIError, match="no chemical formula"):
        contents.composition(formula)


def test_the_right_volume_is_likelier_than_others_and_none_is_excluded():
    known = contents.Contents.of("Ba S O4")
    volumes = VOLUME * np.array([1, 0.125, 8.7])
    right, small, odd = known.log_ratio("oP", volumes)
    assert right > 0.5 > odd and right > small + 2
    assert min(small, odd) >= math.log(contents.CONTENTS.doubt)


def test_z_and_density_sharpen():
    free, with_z, with_both = (
        contents.Contents.of("Ba S O4", *given).log_ratio("oP", [VOLUME, 1.5 * VOLUME])
        for given in ((None, None), (4, None), (4, 4.47))
    )
    gaps = [gap[0] - gap[1] for gap in (free, with_z, with_both)]
    assert gaps[0] < gaps[1] and with_both[0] > with_z[0] > free[0]
    # Z is of the conventional cell: four in oF are one a lattice point
    in_f = contents.Contents.of("Na Cl", 4).log_ratio("cF", [5.64**3 / 4, 5.64**3])
    assert in_f[0] > 0.5 and in_f[1] < -1


def test_the_contents_of_a_cell_are_taken_for_a_formula():
    unit, cell = contents.Contents.of("PbS"), contents.Contents.of("Pb4 S4")
    assert cell.volume == pytest.approx(unit.volume) and cell.mass == pytest.approx(unit.mass)
    said = contents.Contents.of("Pb4S4", z=1)  # who states Z means what is written
    assert said.volume == pytest.approx(4 * unit.volume)


def test_the_prior_is_a_ratio_of_densities():
    """It averages to one over the logarithms of the volumes that are searched."""
    known = contents.Contents.of("Ba S O4")
    grid = np.linspace(np.log(SEARCH.min_volume), np.log(SEARCH.max_volume), 4001)
    ratio = np.exp(known.log_ratio("oP", np.exp(grid)))
    assert ratio.mean() == pytest.approx(1, abs=0.1)


def test_molecules_and_minerals_have_their_own_volumes():
    naphthalene = contents.Contents.of("C10 H8")  # 2 in 360 A^3
    assert naphthalene.volume == pytest.approx(180, rel=0.08)
    for formula, volume in (("CaCO3", 61.3), ("SiO2", 37.7), ("NaCl", 44.8), ("TiO2", 31.2)):
        assert contents.Contents.of(formula).volume == pytest.approx(volume, rel=0.15)


def test_what_a_cell_implies_is_said():
    said = contents.Contents.of("Ba S O4").said(VOLUME)
    density = 4 * 233.388 * 1.660539 / VOLUME
    assert "Z = 4" in said and f"density {density:.3f}" in said


def test_a_search_follows_the_formula():
    """Scores of the same cell with and without it differ by what the formula says of its volume."""
    known = contents.Contents.of("Ba S O4")
    options = dict(wavelength=CU, bravais="oP")
    plain = search.run(lines(20), **options)
    told = search.run(lines(20), **options, contents=known)
    for table in (plain, told):
        np.testing.assert_allclose(np.sort(table["cell"][0][:3]), CELL[:3], rtol=1e-3)
    gain = told.score[0] - plain.score[0]
    assert gain == pytest.approx(float(known.log_ratio("oP", VOLUME)), abs=0.01)
    assert observed.prepare(lines(20)).told("oP", np.ones(3)).tolist() == [0, 0, 0]


def test_the_answer_and_the_command_say_it(monkeypatch, tmp_path, capsys):
    asked = small_search.install(monkeypatch)
    found = api.index_peaks(lines(), wavelength=CU, formula="Ba S O4")
    assert asked["contents"].formula == "Ba S O4"
    assert "Z = 4" in found.notes[0] and found.to_dict()["notes"] == list(found.notes)
    assert "Z = 4" in found._repr_html_()
    path = tmp_path / "a.txt"
    np.savetxt(path, lines())
    command = ["index", str(path), "--unit", "q2", "--formula", "BaSO4", "--z", "4"]
    assert cli.main(command) == 0 and "Z = 4" in capsys.readouterr().out
    assert cli.main([*command[:4], "--density", "4.5"]) == 2
    assert "--formula" in capsys.readouterr().err
    assert cli.main([*command[:5], "BaSO4", "--z", "-1"]) == 2
