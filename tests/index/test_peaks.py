"""Peak lists: every unit means the same peaks, every bad file gets its own sentence, and nothing
makes a traceback.
"""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.index import peaks, readers

CU = 1.540593
Q2 = np.sort(
    lattice.q2(
        [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1], [0, 0, 2]],
        [5.1, 6.2, 7.3, 90, 97, 90],
    )
)
VALUES = {
    "q2": Q2,
    "q": np.sqrt(Q2),
    "q2pi": 2 * np.pi * np.sqrt(Q2),
    "d": Q2**-0.5,
    "2theta": np.degrees(2 * np.arcsin(np.sqrt(Q2) * CU / 2)),
}


def write(tmp_path, text, name="peaks.txt"):
    path = tmp_path / name
    path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text)
    return path


def column(values):
    return "\n".join(f"{value:.9f}" for value in values) + "\n"


@pytest.mark.parametrize("unit", peaks.UNITS)
def test_every_unit_means_the_same_peaks(tmp_path, unit):
    read = readers.read_peaks(
        write(tmp_path, column(VALUES[unit])), unit, CU if unit == "2theta" else None
    )
    np.testing.assert_allclose(read.q2, Q2, rtol=1e-6)
    assert not read.warnings


@pytest.mark.parametrize("unit", peaks.UNITS)
def test_sigma_follows_the_derivative(unit):
    step = 1e-6 * VALUES[unit]
    got = peaks.from_values(VALUES[unit], unit, CU, sigma=step).sigma_q2
    moved = peaks.from_values(VALUES[unit] + step, unit, CU).q2
    np.testing.assert_allclose(got, np.abs(moved - Q2), rtol=1e-4)


@pytest.mark.parametrize(
    "heading",
    [
        "d,intensity",
        "# d_obs  I",
        "d-spacing (A)\tInt",
        "2theta;d;intensity",
        "'2θ d intensity",
        "d [Å], Intensity",
    ],
)
def test_columns_are_found_by_name(tmp_path, heading):
    has_angle = "2" in heading
    separator = ";" if ";" in heading else "," if "," in heading else "\t"
    columns = ([VALUES["2theta"]] if has_angle else []) + [VALUES["d"], np.arange(1.0, 9)]
    rows = [separator.join(f"{value:.9f}" for value in row) for row in zip(*columns)]
    read = readers.read_peaks(write(tmp_path, "\n".join([heading, *rows])))
    np.testing.assert_allclose(read.q2, Q2, rtol=1e-6)
    np.testing.assert_allclose(read.intensity, np.arange(1.0, 9))


def test_npy_and_gsas_and_a_stated_wavelength(tmp_path):
    np.save(tmp_path / "a.npy", np.stack([Q2, np.ones(8)], axis=1))
    np.testing.assert_allclose(readers.read_peaks(tmp_path / "a.npy", "q2").q2, Q2)
    rows = [
        f"[{angle:.6f}, True, {100 + k}, True, 12.5, False, 0.1, False]"
        for k, angle in enumerate(VALUES["2theta"])
    ]
    gsas = write(tmp_path, "\n".join(["#GSAS-II peaks", *rows]), "a.pkslst")
    np.testing.assert_allclose(readers.read_peaks(gsas, wavelength=CU).q2, Q2, rtol=1e-6)
    assert readers.read_peaks(gsas, wavelength=CU).intensity[0] == 100
    stated = write(tmp_path, f"# wavelength = {CU}\n2theta\n" + column(VALUES["2theta"]))
    np.testing.assert_allclose(readers.read_peaks(stated).q2, Q2, rtol=1e-6)


def test_descending_order_is_accepted_and_said(tmp_path):
    read = readers.read_peaks(write(tmp_path, column(VALUES["2theta"][::-1] + 25)), "2theta", CU)
    assert (np.diff(read.q2) > 0).all() and "sorted" in read.warnings[0]


def test_a_pattern_is_picked(tmp_path):
    x = np.arange(10, 60, 0.02)
    y = 5 + sum(100 * np.exp(-0.5 * ((x - angle) / 0.04) ** 2) for angle in np.linspace(14, 55, 9))
    rows = "\n".join(f"{a:.3f} {b:.4f}" for a, b in zip(x, y))
    read = readers.read_peaks(write(tmp_path, rows, "a.xy"), "2theta", 1.3)
    np.testing.assert_allclose(
        2 * np.degrees(np.arcsin(np.sqrt(read.q2) * 0.65)), np.linspace(14, 55, 9), atol=2e-3
    )
    assert read.pattern is not None
    with pytest.raises(DDIError, match="--unit 2theta --wavelength"):
        readers.read_peaks(tmp_path / "a.xy")


def test_angles_given_as_spacings_are_remarked_on():
    said = peaks.from_values(VALUES["2theta"] + 12, "d").warnings
    assert len(said) == 1 and "--unit 2theta" in said[0]
    assert not peaks.from_values(VALUES["d"] * 4, "d").warnings
    assert not peaks.from_values(VALUES["d"][::-1], "d").warnings


BAD = {
    "empty": ("", "d", None, "is empty"),
    "blank": (" \n\n ", "d", None, "is empty"),
    "text": ("hello world, these are\nno peaks\n", "d", None, "not a row of numbers"),
    "letters": (column(VALUES["d"]) + "3.x4\n", "d", None, r"line 9.*not a row of numbers"),
    "nan": (column(VALUES["d"]) + "nan\n", "d", None, "NaN"),
    "negative": (column(VALUES["d"]) + "-1.2\n", "d", None, "negative"),
    "zero": (column(VALUES["d"]) + "0\n", "d", None, "zero"),
    "duplicate": (column([*VALUES["d"], VALUES["d"][3]]), "d", None, "2 times"),
    "few": (column(VALUES["d"][:3]), "d", None, "too few"),
    "many": (column(np.linspace(1, 9, 201)), "d", None, "more than 200"),
    "angle": (column([*VALUES["2theta"], 181.0]), "2theta", CU, "beyond 180"),
    "no wavelength": (column(VALUES["2theta"]), "2theta", None, "--wavelength"),
    "d as 2theta": (column(VALUES["d"]), "2theta", CU, "--unit d"),
    "named d as 2theta": ("d\n" + column(VALUES["d"]), "2theta", CU, "says its positions are d"),
    "no unit": (column(VALUES["d"]), None, None, r"--unit d\b"),
    "no unit, angles": (column(VALUES["2theta"] + 20), None, None, "--unit 2theta --wavelength"),
    "bytes": (b"\x00\x01\x02\x93NUMPY", "d", None, "not text"),
    "unknown unit": (column(VALUES["d"]), "angstrom", None, "choose one of"),
    "wavelength": (column(VALUES["d"]), "d", -1.0, "between 0.01 and 100"),
    "too long a wave": (column(VALUES["d"]), "d", 2.01 * min(VALUES["d"]), "half the wavelength"),
}


@pytest.mark.parametrize("kind", BAD)
def test_each_bad_file_gets_its_own_sentence(tmp_path, kind):
    content, unit, wavelength, said = BAD[kind]
    with pytest.raises(DDIError, match=said):
        readers.read_peaks(write(tmp_path, content), unit, wavelength)
    assert [path.name for path in tmp_path.iterdir()] == ["peaks.txt"]


def test_missing_folder_and_broken_npy(tmp_path):
    with pytest.raises(DDIError, match="no file"):
        readers.read_peaks(tmp_path / "none.txt", "d")
    with pytest.raises(DDIError, match="is a folder"):
        readers.read_peaks(tmp_path, "d")
    with pytest.raises(DDIError, match="no .npy file"):
        readers.read_peaks(write(tmp_path, b"\x93NUMPY\x01\x00garbage", "b.npy"), "d")


def check(path, unit, wavelength):
    try:
        read = readers.read_peaks(path, unit, wavelength)
    except DDIError as error:
        assert str(error)
        return
    assert (np.diff(read.q2) > 0).all() and np.isfinite(read.q2).all() and 6 <= len(read) <= 200


OPTIONS = st.tuples(
    st.sampled_from([None, *peaks.UNITS]), st.one_of(st.none(), st.floats(allow_nan=True))
)
CALM = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBER = st.one_of(
    st.floats().map(str), st.floats(0.5, 90).map(lambda value: f"{value:.4f}"), st.text(max_size=4)
)
ROWS = st.lists(st.lists(NUMBER, max_size=4).map(",".join), max_size=30).map("\n".join)
NAME = st.sampled_from(["a.txt", "a.csv", "a.npy", "a.pkslst", "a.xy"])


@CALM
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")),
    ),
    options=OPTIONS,
    name=NAME,
)
def test_no_bytes_make_a_traceback(tmp_path, content, options, name):
    check(write(tmp_path, content, name), *options)


@CALM
@given(
    rows=ROWS,
    options=OPTIONS,
    name=NAME,
    head=st.sampled_from(
        ["", "d\n", "2theta,intensity\n", "#GSAS-II\n", "2-THETA D-SPACING\n", "##RRUFFID=1\n"]
    ),
)
def test_no_table_makes_a_traceback(tmp_path, rows, options, name, head):
    check(write(tmp_path, (head + rows).encode("utf-8", "replace"), name), *options)


@CALM
@given(values=st.lists(st.floats(allow_nan=True), max_size=12), options=OPTIONS)
def test_no_numbers_make_a_traceback(values, options):
    try:
        peaks.from_values(values, options[0] or "q2", options[1])
    except DDIError as error:
        assert str(error)


def test_errors_are_valid_json_text():
    with pytest.raises(DDIError) as caught:
        peaks.from_values([1.0, 2.0], "d")
    assert json.dumps(str(caught.value))
