"""From a file to an answer: tables, JSON, figure, exit codes. The search itself is tested in
test_search; here a small one stands in.
"""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.forward.fom import m20
from ddi.index import api, peaks, result

CU = 1.540593
CELL = np.array([5.458, 7.157, 8.884, 90, 90, 90])
COLUMNS = "rank score probability bravais cell volume M20 F20 n_indexed n_peaks zero_shift family hkl".split()


def lines(n=24):
    return result.calculated_lines(CELL, "oP", 0.5)[0][:n]


@pytest.fixture
def engine(monkeypatch):
    """A search that knows two cells: the right one and its double, and what it was asked."""
    asked = {}

    def run(q2, sigma_q2=None, **options):
        asked.update(options, q2=np.asarray(q2))
        rows = []
        for rank, (cell, probability) in enumerate(
            [(CELL, asked.pop("probability", 0.97)), (CELL * [2, 1, 1, 1, 1, 1], 0.02)], 1
        ):
            figure = float(m20(q2, result.calculated_lines(cell, "oP", 0.6)[0]))
            rows.append(
                [
                    rank,
                    1.0,
                    probability,
                    "oP",
                    cell,
                    lattice.volume(cell),
                    figure,
                    figure,
                    20,
                    20,
                    0.0,
                    1,
                    np.zeros((len(q2), 3), int),
                ]
            )
        return pd.DataFrame(rows, columns=COLUMNS)

    monkeypatch.setattr("ddi.index.search.run", run)
    return asked


def arguments(*files, **options):
    defaults = dict(
        unit="q2",
        wavelength=None,
        lattice=["all"],
        n_peaks=20,
        max_volume=None,
        time=None,
        zero_shift="fit",
        json=None,
        plot=None,
        jobs=1,
        seed=0,
    )
    return SimpleNamespace(files=list(map(str, files)), **{**defaults, **options})


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.txt"
    np.savetxt(path, lines())
    return path


def test_calculated_lines_are_gemmis():
    import gemmi

    cell = gemmi.UnitCell(*CELL)
    expected = cell.calculate_1_d2_array(
        gemmi.make_miller_array(cell, gemmi.SpaceGroup("P m m m"), 0.5**-0.5, 0, True)
    )
    q2, hkl = result.calculated_lines(CELL, "oP", 0.5)
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
    assert found.cells.extinction_symbols[0] and "oP a = 5.4580" in found.message


def test_a_zero_shift_comes_off_the_observed_lines(engine):
    angles = np.degrees(2 * np.arcsin(np.sqrt(lines()) * CU / 2)) + 0.05
    found = api.index_peaks(angles, unit="2theta", wavelength=CU)
    found.cells["zero_shift"] = 0.05
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
        and "max_volume" in found.message
    )


def test_json_of_several_files_keeps_their_order(engine, good, tmp_path, capsys):
    out = tmp_path / "out.json"
    bad = tmp_path / "bad.txt"
    bad.write_text("no peaks\n")
    assert api.main(arguments(good, bad, good, json=str(out))) == 2
    first, second, third = json.loads(out.read_text())
    assert (
        first["results"][0]["cell"] == pytest.approx(CELL)
        and "error" in second
        and third["file"] == str(good)
    )
    assert first["results"][0]["hkl"][0]["d_obs"] == pytest.approx(lines()[0] ** -0.5, abs=1e-5)
    assert "bad.txt" in capsys.readouterr().err


def test_one_file_is_one_object_and_a_figure(engine, good, tmp_path):
    assert (
        api.main(
            arguments(
                good, json=str(tmp_path / "o.json"), plot=str(tmp_path / "o.png"), wavelength=CU
            )
        )
        == 0
    )
    assert json.loads((tmp_path / "o.json").read_text())["results"][0]["bravais"] == "oP"
    assert (tmp_path / "o.png").stat().st_size > 5000


def test_bad_input_writes_nothing(engine, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_text("1 2 x\n")
    assert (
        api.main(arguments(bad, json=str(tmp_path / "o.json"), plot=str(tmp_path / "o.png"))) == 2
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bad.txt"]


def test_unwritable_output_is_said_before_anything_is_done(engine, good, tmp_path):
    for out in (tmp_path, good / "below.json"):
        with pytest.raises(DDIError, match="cannot write"):
            api.main(arguments(good, json=str(out)))
    with pytest.raises(DDIError, match="no figure"):
        api.main(arguments(good, plot=str(tmp_path / "o.docx")))
    assert "q2" not in engine


def test_files_that_follow_the_lattice_are_still_files(engine, good):
    assert api.main(arguments(lattice=["oP", str(good)])) == 0
    assert engine["bravais"] == ["oP"]
    with pytest.raises(DDIError, match="no file named"):
        api.main(arguments())


def test_a_result_without_cells_still_speaks(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "ddi.index.search.run", lambda *_args, **_options: pd.DataFrame(columns=COLUMNS)
    )
    found = api.index_peaks(peaks.from_values(lines(), "q2"))
    assert "No cell was found" in found.message and found.to_dict()["results"] == []
    found.plot(tmp_path / "o.pdf")
    found.print()
