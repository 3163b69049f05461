"""One-dimensional lists, lattices with the same lines, and what the answer says of both."""

import gemmi
import numpy as np
import pytest
import small_search
from small_search import CU, lines

from ddi import cli
from ddi.forward import bragg, lattice
from ddi.index import api, comparison, lamellar, partners, peaks, remarks, result

LISTS = {
    "cP": [4.2, 4.2, 4.2, 90, 90, 90],
    "cI": [8.9, 8.9, 8.9, 90, 90, 90],
    "cF": [5.4309, 5.4309, 5.4309, 90, 90, 90],
    "hP": [4.9, 4.9, 5.4, 90, 90, 120],
    "tP": [4.1, 4.1, 22.0, 90, 90, 90],
    "oP": [5.1, 7.9, 38.0, 90, 90, 90],
    "mP": [7.29, 5.88, 28.07, 90, 93.8, 90],
    "aP": [6.1, 9.0, 30.2, 87, 98, 104],
}


def harmonics(period, orders, noise=0.01, zero=0.03, foreign=(), seed=1):
    """2theta of the orders of one line and of foreign spacings."""
    rng = np.random.default_rng(seed)
    d = np.sort(np.append(period / np.array(orders), foreign))[::-1]
    angles = bragg.two_theta(d**-2.0, CU)
    return angles + zero + noise * rng.standard_normal(len(angles))


@pytest.mark.parametrize("period", [7.2, 14.9, 33.4, 62.0])
@pytest.mark.parametrize("missing", [(), (1,), (2, 5)])
def test_orders_of_one_line_determine_its_length(period, missing):
    orders = [n for n in range(1, 10) if n not in missing and period / n > 0.79]
    read = peaks.from_values(harmonics(period, orders), "2theta", CU)
    found = remarks.one_length(read)
    assert found.period == pytest.approx(period, rel=2e-3)
    assert found.orders.tolist() == orders
    assert abs(found.period - period) < 6 * found.su + 1e-3 * period
    assert "one length and no more" in found.said


def test_a_foreign_line_changes_nothing():
    read = peaks.from_values(harmonics(14.9, range(1, 9), foreign=[3.245]), "2theta", CU)
    found = remarks.one_length(read)
    assert found.period == pytest.approx(14.9, rel=1e-3)
    assert np.count_nonzero(found.orders == 0) == 1


def test_spacings_do_without_a_wavelength():
    found = remarks.one_length(peaks.from_values(49.2 / np.arange(1, 8), "d"))
    assert found.period == pytest.approx(49.2, rel=1e-4) and found.zero_shift == 0


@pytest.mark.parametrize("bravais", LISTS)
@pytest.mark.parametrize("n", [6, 9, 20, 40])
def test_other_lists_are_left_alone(bravais, n):
    q2 = comparison.calculated_lines(LISTS[bravais], bravais, 1.6)[0][:n]
    assert remarks.one_length(peaks.from_values(q2, "q2", CU)) is None


def test_random_lists_are_left_alone():
    rng = np.random.default_rng(3)
    for _ in range(200):
        q2 = np.sort(rng.uniform(0.004, 0.4, int(rng.integers(6, 30))))
        assert lamellar.find(api_peaks(q2)) is None


def api_peaks(q2):
    from ddi.index.observed import prepare

    return prepare(q2, None, None, CU)


def test_no_cell_of_a_one_dimensional_list_is_likely(tmp_path, capsys):
    path = tmp_path / "film.txt"
    np.savetxt(path, harmonics(14.9, range(1, 9)))
    command = ["index", str(path), "--unit", "2theta", "--wavelength", "1.540593"]
    assert cli.main([*command, "--lattice", "cubic", "hexagonal"]) == 3
    said = capsys.readouterr().out
    assert "one length and no more" in said
    found = api.index_peaks(str(path), unit="2theta", wavelength=CU, lattice="cubic,hexagonal")
    assert (found.cells.probability <= 0.05).all() and not found.convinces
    assert found.to_dict()["one_length"] == pytest.approx(14.9, rel=1e-3)


MIGHELL_SANTORO = [  # table of the paper: lattice, partner, share of the primitive volume
    ("cI", [8, 8, 8, 90, 90, 90], {("tP", 1 / 2), ("oF", 1 / 3), ("oP", 1 / 4)}),
    ("cF", [9, 9, 9, 90, 90, 90], {("oC", 1 / 2), ("oI", 1 / 3)}),
    ("cP", [8, 8, 8, 90, 90, 90], {("tP", 1 / 2)}),
    ("hP", [8, 8, 7, 90, 90, 120], {("oP", 1 / 2)}),
    ("hR", [8, 8, 17, 90, 90, 120], {("mP", 1 / 2)}),
]


@pytest.mark.parametrize("bravais, cell, known", MIGHELL_SANTORO)
def test_partners_are_those_of_the_paper(bravais, cell, known):
    found = partners.partners(bravais, cell, 0.4)
    exact = {(one.bravais, one.ratio) for one in found if not one.deciding}
    assert known <= exact
    for one in found:
        if not one.deciding:
            np.testing.assert_allclose(
                all_lines(one.cell, one.bravais, 1.49), all_lines(cell, bravais, 1.49), rtol=1e-6
            )


def all_lines(cell, bravais, end):
    """gemmi's distinct lines of a bare lattice."""
    group = gemmi.SpaceGroup("R 3:H" if bravais == "hR" else f"{bravais[1]} 1")
    unit_cell = gemmi.UnitCell(*map(float, cell))
    hkl = gemmi.make_miller_array(unit_cell, group, end**-0.5, 0, True)
    absent = np.asarray(group.operations().systematic_absences(hkl), dtype=bool)
    q2 = np.sort(unit_cell.calculate_1_d2_array(hkl[~absent]))
    return q2[np.diff(q2, prepend=-1) > 1e-6]


def test_the_more_symmetric_partner_is_found_from_the_other():
    half = 8 / np.sqrt(2)
    (first, *_) = partners.partners("tP", [half, half, 4, 90, 90, 90], 0.4)
    assert (first.bravais, first.ratio) == ("cI", 2.0)
    np.testing.assert_allclose(first.cell[:3], 8, rtol=1e-6)


@pytest.mark.parametrize("bravais", ["tP", "oP", "mP", "aP"])
def test_most_lattices_have_no_partner(bravais):
    cells = {"tP": [5, 5, 7, 90, 90, 90]} | {name: LISTS[name] for name in ("oP", "mP", "aP")}
    assert not partners.partners(bravais, cells[bravais], 0.3)


def test_the_line_that_decides_is_one_of_either():
    (one,) = [p for p in partners.partners("cF", [12, 12, 12, 90, 90, 90], 0.05) if p.deciding]
    hkl, d, has = one.deciding[0]
    own, other = all_lines([12] * 3 + [90] * 3, "cF", 0.25), all_lines(one.cell, one.bravais, 0.25)
    here, there = (np.abs(lines - d**-2).min() < 1e-6 for lines in (own, other))
    assert here != there and there == has and d**-2 > 0.05
    assert f"d = {d:.4f}" in partners.said([one])[0]


def test_the_answer_names_partners(monkeypatch):
    small_search.install(monkeypatch)
    assert api.index_peaks(lines(), wavelength=CU).notes == ()
    found = api.index_peaks(lines(), wavelength=CU)
    cells = found.cells.assign(bravais="hP", a=8.0, b=8.0, c=7.0, gamma=120.0)
    said = remarks.with_remarks(result.Result(cells, found.peaks, 0.0)).notes
    assert "exactly the same line positions: oP" in said[0] and "1/2" in said[0]
    assert lattice.volume([4, 6.928, 7, 90, 90, 90]) == pytest.approx(194, rel=1e-2)


def listed(cell, bravais, noise=0.015, n=70):
    q2 = comparison.calculated_lines(cell, bravais, 1.6)[0][:n]
    angles = bragg.two_theta(q2, CU)
    return angles + noise * np.random.default_rng(3).standard_normal(len(angles))


def test_the_error_of_the_positions_is_stated():
    angles = listed(LISTS["hP"], "hP", n=30)
    found = api.index_peaks(angles, unit="2theta", wavelength=CU, lattice="hexagonal", n_jobs=1)
    (said,) = (note for note in found.notes if "scatter" in note)
    assert 0.008 < float(said.split("by ")[1].split()[0]) < 0.025 and "degrees" in said


def test_later_peaks_must_be_explained_too():
    angles = listed([12.0, 12.0, 12.0, 90, 90, 90], "cP", noise=0.004, n=53)
    options = dict(unit="2theta", wavelength=CU, lattice="cubic", n_jobs=1)
    assert api.index_peaks(angles[:-1], **options).cells.probability[0] > 0.8
    between = np.append(angles[:42], (angles[42:-1] + angles[43:]) / 2)
    doubted = api.index_peaks(between, **options)
    assert doubted.cells.a[0] == pytest.approx(12.0, rel=1e-3)
    assert doubted.cells.probability[0] <= 0.5
    assert "of the 12 peaks after the first 40" in doubted.notes[-1]
