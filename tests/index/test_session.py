"""From a file's content to a cell without a command line, as the page does it."""

import json

import gemmi
import numpy as np
import pytest
import small_search
from small_search import CELL, CU

from ddi.base.errors import DDIError
from ddi.forward.bragg import two_theta
from ddi.index import session


@pytest.fixture
def asked(monkeypatch):
    return small_search.install(monkeypatch)


def listed(values, name="peaks.txt"):
    made = session.Session()
    made.open(name, "\n".join(f"{value:.5f}" for value in values).encode())
    return made


@pytest.fixture
def pattern():
    made = session.Session()
    made.open(*session.example_pattern())
    made.read()
    return made


def test_what_a_file_does_not_say_is_asked_for():
    made = listed(two_theta(small_search.lines(), CU))
    with pytest.raises(DDIError, match="--unit"):
        made.read()
    with pytest.raises(DDIError, match="without a wavelength"):
        made.read("2theta")
    made.read("2theta", "CuKa1")
    np.testing.assert_allclose(made.peaks.q2, small_search.lines(), rtol=1e-4)


def test_nothing_in_it_is_one_sentence():
    with pytest.raises(DDIError, match="empty"):
        listed([]).read("d")


def test_peaks_left_out_are_neither_searched_nor_counted(asked):
    made = listed(small_search.lines() ** -0.5)
    made.read("d")
    made.keep(3, False)
    assert made.index().peaks.source.endswith("1 of them left out by hand")
    np.testing.assert_allclose(asked["q2"], np.delete(made.peaks.q2, 3))
    made.keep(3, True)
    assert made.result is None and made.chosen() is made.peaks


def test_too_few_peaks_are_refused(asked):
    made = listed(small_search.lines() ** -0.5)
    made.read("d")
    for number in range(3, len(made.peaks)):
        made.keep(number, False)
    with pytest.raises(DDIError, match="3 peaks are left"):
        made.index()
    assert not asked


def test_another_file_forgets_the_first(asked):
    made = listed(small_search.lines() ** -0.5)
    made.read("d")
    made.index()
    made.open("b.txt", b"nothing")
    assert made.peaks is made.result is made.kept is None


def test_a_click_finds_the_nearest_peak_and_none_far_from_all(pattern):
    at = pattern.positions()
    assert pattern.nearest(at[4] + 0.01, 40) == 4
    assert pattern.nearest(at[0] - 5, 40) is None


def test_the_simulated_pattern_has_the_peaks_of_the_list(pattern):
    known = session.Session()
    known.open(*session.example_list())
    known.read()
    miss = np.abs(known.positions()[:, None] - pattern.positions()).min(axis=1)
    assert np.median(miss) < 0.005 and np.mean(miss < 0.05) > 0.9
    assert pattern.peaks.pattern is not None and pattern.peaks.radiation == "monochromatic"


def test_files_to_take_home_are_read_back(pattern, asked):
    pattern.index()
    block = gemmi.cif.read_string(pattern.file(".cif").decode()).sole_block()
    cell = [gemmi.cif.as_number(block.find_value(f"_cell_length_{axis}")) for axis in "abc"]
    np.testing.assert_allclose(cell, CELL[:3], atol=0.01)  # rounded to their s.u.
    entry = json.loads(pattern.file(".json"))
    assert entry["file"] == "simulated_pattern.xy" and len(entry["cells"]) == 2
    assert pattern.file(".csv").startswith(b"file,rank")
    assert pattern.file(".png").startswith(b"\x89PNG")
    assert {suffix for suffix in session.EXPORTS if pattern.file(suffix, rank=2)} == set(
        session.EXPORTS
    )


def test_ends_of_the_axis_in_the_picture():
    from ddi.base.figure import figure

    fig, axes = figure(4, 2)
    axes.set_xlim(10, 50)
    content, ((left, right), limits) = session.png(fig)
    assert content.startswith(b"\x89PNG") and limits == (10, 50)
    assert 0 < left < 0.2 and 0.9 < right <= 1
