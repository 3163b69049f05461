"""What users know of a sample: cells as they write them, lines of known substances, isostructural
compounds, foreign lines, a zero shift as a start.
"""

import gemmi
import numpy as np
import pytest
import small_search
from small_search import CELL, CU, lines

from ddi import cli
from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice
from ddi.index import api, command, known_lines, observed, peaks, search, similar, written_cells
from ddi.models.templates import Templates

SILICON = "5.4309 5.4309 5.4309 90 90 90 F"
BARITE = "oP 5.458 7.157 8.884"


@pytest.fixture
def engine(monkeypatch):
    return small_search.install(monkeypatch)


def gemmis_lines(cell, symbol, end):
    """Distinct q2 of the reflections that gemmi allows."""
    group = gemmi.SpaceGroup(symbol)
    hkl = gemmi.make_miller_array(gemmi.UnitCell(*cell), group, end**-0.5, 0, True)
    found = gemmi.UnitCell(*cell).calculate_1_d2_array(hkl)
    absent = np.asarray(group.operations().systematic_absences(hkl), dtype=bool)
    return np.unique(found[~absent].round(9))


@pytest.mark.parametrize(
    "text, symbol, cell",
    [
        (SILICON, "F m -3 m", [5.4309] * 3 + [90] * 3),
        ("cF 5.4309", "F m -3 m", [5.4309] * 3 + [90] * 3),
        ("4.99, 4.99, 17.06, 90, 90, 120, R", "R -3 m:H", [4.99, 4.99, 17.06, 90, 90, 120]),
        ("hR 4.99 17.06", "R -3 m:H", [4.99, 4.99, 17.06, 90, 90, 120]),
        ("8.87 16.4 7.14 90 93.8 90", "P 2/m", [8.87, 16.4, 7.14, 90, 93.8, 90]),
    ],
)
def test_written_cells_have_gemmis_lines(text, symbol, cell):
    np.testing.assert_allclose(
        written_cells.read(text).lines(0.4), gemmis_lines(cell, symbol, 0.4), rtol=1e-6
    )


def test_a_cif_brings_the_absences_of_its_space_group(tmp_path):
    path = tmp_path / "a.cif"
    path.write_text(
        "data_a\n_cell_length_a 5.4309\n_cell_length_b 5.4309\n_cell_length_c 5.4309\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        "_symmetry_space_group_name_H-M 'F d -3 m'\n"
    )
    np.testing.assert_allclose(
        written_cells.read(path).lines(1.0),
        gemmis_lines([5.4309] * 3 + [90] * 3, "F d -3 m", 1.0),
        rtol=1e-6,
    )


@pytest.mark.parametrize("text", ["no.txt", "1 2 3", "5 5 5 90 90 90 X", "5 5 5 90 90 999", "cF"])
def test_what_is_no_cell_is_refused(text):
    with pytest.raises(DDIError, match="such as"):
        written_cells.read(text)


@pytest.mark.parametrize("shift", [0.0, 0.07])
def test_lines_of_a_known_cell_are_left_out(shift):
    silicon = written_cells.read(SILICON).lines(0.5)
    own = np.array([q for q in lines(30) if np.abs(q - silicon).min() > 1e-3])
    together = np.sort(np.append(own, silicon[silicon < own[-1]]))
    angles = bragg.two_theta(together, CU) + shift
    left = known_lines.without(peaks.from_values(angles, "2theta", CU), SILICON)
    assert len(left) == len(own)
    np.testing.assert_allclose(bragg.two_theta(left.q2, CU) - shift, bragg.two_theta(own, CU))
    np.testing.assert_allclose(np.sort(np.append(left.q2, left.left_out)), bragg.q2_of(angles, CU))
    (said,) = left.warnings
    assert (
        "left out as lines of 5.4309" in said
        and f"{bragg.two_theta(silicon, CU)[0] + shift:.3f}" in said
    )


def test_lines_of_a_list_are_left_out(tmp_path):
    path = tmp_path / "impurity.txt"
    path.write_text("# d\n" + "\n".join(f"{d:.4f}" for d in lines()[[2, 5, 7, 11, 12, 13]] ** -0.5))
    left = known_lines.without(peaks.from_values(lines(), "q2"), str(path), "d")
    np.testing.assert_allclose(left.q2, np.delete(lines(), [2, 5, 7, 11, 12, 13]))


def test_a_substance_that_explains_everything_is_refused():
    with pytest.raises(DDIError, match="are left"):
        known_lines.without(peaks.from_values(lines(), "q2", CU), BARITE)


def test_lines_that_chance_would_meet_are_said():
    found = peaks.from_values(lines(30) * 1.013, "q2", CU)
    (said,) = known_lines.without(found, "aP 11.1 12.3 7.7 91 95 97").warnings
    assert "by chance" in said


@pytest.mark.parametrize("text", [BARITE, "hR 4.99 17.06", "cF 5.4", "mP 8.87 7.14 16.4 93.8"])
def test_cells_like_a_given_one_keep_its_lattice(text):
    given = similar.Similar(written_cells.read(text))
    cells = given.sample(np.ones((1, 20)), 50)[0]
    assert cells.shape == (50, 6)
    conventional = lattice.conventional(cells, given.bravais)
    first = lattice.volume(conventional[0])
    assert first == pytest.approx(lattice.volume(written_cells.read(text).cell))
    assert np.ptp(lattice.volume(conventional) / first) > 0.1
    np.testing.assert_array_equal(cells, given.sample(np.ones((1, 20)), 50)[0])


def test_a_search_without_templates_starts_from_a_cell_like_it():
    """The given axes are one to three per cent off; nothing else proposes cells."""
    q2 = lines(20)
    options = dict(wavelength=CU, bravais="oP", templates=Templates())
    near = "oP 5.54 7.05 8.97"
    assert not len(search.run(q2, **options))
    found = search.run(q2, **options, generators=similar.generators(near)).iloc[0]
    assert found.source == "like"
    np.testing.assert_allclose(np.sort(found["cell"][:3]), CELL[:3], rtol=1e-3)


def test_foreign_lines_are_as_many_as_said():
    intensity = np.random.default_rng(1).uniform(1, 100, 30)
    for foreign in (0, 1, 4):
        found = observed.prepare(lines(), None, intensity[:24], CU, 20, foreign=foreign)
        assert found.spurious.mean() == pytest.approx(max(foreign, 0.1) / 20, rel=0.05)
    usual = observed.prepare(lines(), None, intensity[:24], CU, 20)
    assert 0.02 < usual.spurious.mean() < 0.08


def test_a_given_zero_shift_is_a_start_unless_it_is_fixed():
    start = observed.Zero.asked(0.5, CU)
    assert start.mean == 0.5 and start.sigma > 0.05 and start.trials[0] == 0.5
    assert observed.Zero.asked(0.5, CU, fixed=True).sigma < 1e-5
    angles = bragg.two_theta(lines(20), CU) + 0.57
    options = dict(unit="2theta", wavelength=CU, lattice="oP", zero_shift=0.5)
    found = api.index_peaks(angles, **options)
    assert found.cells.zero_shift[0] == pytest.approx(0.57, abs=0.01)
    assert found.limits["zero_start"] == 0.5
    fixed = api.index_peaks(angles, **options, zero_fixed=True)
    assert fixed.cells.zero_shift[0] == pytest.approx(0.5) and fixed.limits["zero_shift"] == 0.5


def test_the_command_hands_on_what_is_known(engine, tmp_path, capsys):
    path = tmp_path / "a.txt"
    np.savetxt(path, lines())
    arguments = ["--unit", "q2", "--foreign", "3", "--like", BARITE, "--without", "cF 3.6148"]
    assert cli.main(["index", str(path), *arguments, "--zero-shift", "0.1", "--zero-fixed"]) == 0
    assert engine["foreign"] == 3 and engine["zero_fixed"]
    assert set(engine["generators"]) == {"orthorhombic"}
    assert "left" in capsys.readouterr().out and "--without" in command.EPILOG
    assert cli.main(["index", str(path), "--unit", "q2", "--foreign", "0"]) == 0
    assert engine["foreign"] == 0, "none at all, which is not the same as not said"
    assert cli.main(["index", str(path), "--unit", "q2", "--foreign", "-1"]) == 2
