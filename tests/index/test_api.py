"""From peaks to a result: tables, the answer in words, options. The search itself is tested in
test_search; here a small one stands in.
"""

import numpy as np
import pytest
import small_search
from small_search import CELL, COLUMNS, CU, lines

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice
from ddi.index import api, comparison, peaks, result
from ddi.index.rows import Row


@pytest.fixture
def engine(monkeypatch):
    return small_search.install(monkeypatch)


def test_calculated_lines_are_gemmis():
    import gemmi

    cell = gemmi.UnitCell(*CELL)
    expected = cell.calculate_1_d2_array(
        gemmi.make_miller_array(cell, gemmi.SpaceGroup("P m m m"), 0.5**-0.5, 0, True)
    )
    q2, hkl = comparison.calculated_lines(CELL, "oP", 0.5)
    np.testing.assert_allclose(q2, np.unique(expected.round(12)), rtol=1e-9)
    np.testing.assert_allclose(lattice.q2(hkl, CELL), q2)
    assert (hkl >= 0).all()


def test_tables_hold_the_cell_and_its_lines(engine):
    found = api.index_peaks(lines(), wavelength=CU)
    assert list(found.cells.columns) == result.TABLE
    np.testing.assert_allclose(found.cells.iloc[0][result.CELL_COLUMNS].astype(float), CELL)
    table = found.hkl(1)
    np.testing.assert_allclose(table.d_calc, lines() ** -0.5)
    assert table.indexed.all() and np.abs(table.two_theta_diff).max() < 1e-9
    np.testing.assert_allclose(CU / (2 * np.sin(np.radians(table.two_theta_obs / 2))), table.d_obs)
    assert found.cells.extinction_symbols[0][0] == "P - - -"
    assert "oP a = 5.458" in found.message and found.convinces


def test_without_a_wavelength_angles_are_those_of_copper(engine):
    moved = bragg.q2_of(bragg.two_theta(lines(), CU) + 0.05, CU)
    plain = api.index_peaks(moved)
    assert plain.cells.F20.isna().all() and not any("as if" in note for note in plain.notes)
    engine["zero_shift_found"] = 0.05
    found = api.index_peaks(moved)
    assert "as if measured at 1.5406 A, a zero shift of +0.05 degrees" in " ".join(found.notes)
    table = found.hkl(1)
    np.testing.assert_allclose(table.d_obs, table.d_calc, rtol=1e-9)
    assert table.two_theta_obs.isna().all() and found.cells.zero_shift_su[0] > 0


def test_no_zero_shift_is_none(engine):
    found = api.index_peaks(lines(), zero_shift="none")
    assert found.cells[["zero_shift", "F20", "zero_shift_su"]].isna().all().all()
    assert found.to_dict()["cells"][0]["zero_shift"] is None


def test_json_and_python_use_one_name(engine):
    found = api.index_peaks(lines(), wavelength=CU)
    content = found.to_dict()
    assert content["schema"] == result.SCHEMA and content["program"].startswith("ddi ")
    first = content["cells"][0]
    assert first["cell"] == pytest.approx(CELL) and len(first["cell_su"]) == 6
    assert first["cell_su"][3:] == [0, 0, 0] and first["from_search"] == np.eye(3).tolist()
    assert first["hkl"][0]["d_obs"] == pytest.approx(lines()[0] ** -0.5, abs=1e-5)


def test_monoclinic_cells_come_out_on_conventional_axes(monkeypatch):
    skewed = np.array([12.0, 7.0, 6.0, 90, 62.0, 90])
    q2 = comparison.calculated_lines(skewed, "mP", 0.5)[0][:24]

    def run(*_args, **_options):
        volume = lattice.volume(skewed)
        row = [1, 1.0, 0.9, "mP", skewed, volume, 20.0, 30.0, 20, 20, 0.0, 1, 99, None]
        return [Row(zip(COLUMNS, row))]

    monkeypatch.setattr("ddi.index.search.ranked", run)
    row = api.index_peaks(q2, wavelength=CU).cells.iloc[0]
    assert row.beta >= 90 and row.a <= row.c
    np.testing.assert_allclose(
        lattice.change_basis(skewed, row.from_search), comparison.cell_of(row), atol=1e-6
    )


def test_a_zero_shift_comes_off_the_observed_lines(engine):
    angles = np.degrees(2 * np.arcsin(np.sqrt(lines()) * CU / 2)) + 0.05
    engine["zero_shift_found"] = 0.05
    found = api.index_peaks(angles, unit="2theta", wavelength=CU)
    assert np.abs(found.hkl(1).two_theta_diff).max() < 1e-6


def test_options_reach_the_search(engine):
    api.index_peaks(
        lines(),
        lattice="monoclinic,oP",
        zero_shift="none",
        n_peaks=15,
        max_volume=900,
        time=3,
        seed=7,
    )
    assert (
        engine["bravais"] == ["oP", "mC", "mP"]
        and engine["zero_shift"] is None
        and engine["time_budget"] == 3
    )
    assert (engine["n_peaks"], engine["max_volume"], engine["seed"]) == (15, 900, 7)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"lattice": "cubical"}, "no lattice is called"),
        ({"zero_shift": "much"}, "not understood"),
        ({"n_peaks": 3}, "--n-peaks"),
        ({"time": -1}, "--time"),
        ({"max_volume": float("nan")}, "--max-volume"),
    ],
)
def test_senseless_options_are_refused(engine, options, said):
    with pytest.raises(DDIError, match=said):
        api.index_peaks(lines(), **options)


def test_an_array_of_d_is_not_taken_for_q2(engine):
    with pytest.raises(DDIError, match="unit="):
        api.index_peaks(lines() ** -0.5)


def test_nothing_convincing_is_a_sentence(engine):
    engine["probability"] = 0.2
    found = api.index_peaks(np.append(lines(19), 0.2871))
    assert (
        "No cell convinces" in found.message
        and "d = 1.8663" in found.message
        and "max_volume from the lines" in found.message
    )
    found = api.index_peaks(lines(19), max_volume=900)
    assert found.limits["max_volume"] == 900


def test_a_result_without_cells_still_speaks(monkeypatch, tmp_path):
    monkeypatch.setattr("ddi.index.search.ranked", lambda *_args, **_options: [])
    found = api.index_peaks(peaks.from_values(lines(), "q2"))
    assert "No cell was found" in found.message and found.to_dict()["cells"] == []
    found.plot(tmp_path / "o.pdf")
    found.print()
