"""Lists as programs and people write them: records, arrays, assignments, pairs, words behind
numbers; and columns without names that are neither positions nor intensities.
"""

import json

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, rows
from ddi.index import readers

HEIGHTS = [f"{height:.0f}" for height in HEIGHT]
TTH = {"unit": "2theta", "wavelength": CU}
LIST = ", ".join(map(str, ANGLE))
HALVES = [", ".join(map(str, part)) for part in (ANGLE[:6], ANGLE[6:])]
PAIRS = list(zip(ANGLE, HEIGHTS))
NUMBERED = "    ".join(map(str, ANGLE[:6])), "    ".join(map(str, ANGLE[6:]))


def read(folder, text, **options):
    (folder / "a.txt").write_text(text, encoding="utf-8")
    return readers.read(folder / "a.txt", **options)


def each(form, *columns, join="\n"):
    return join.join(form.format(*row) for row in zip(*columns))


NAMED = {
    "JSON, records": json.dumps([{"2theta": a, "I": h} for a, h in zip(ANGLE, HEIGHT)]),
    "JSON, arrays": json.dumps({"tth": ANGLE.tolist(), "sample": "Q7", "I": HEIGHT.tolist()}),
    "JSON, a line each": each('{{"2theta": {}, "I": {}}}', ANGLE, HEIGHTS),
    "JSON, strings": json.dumps([{"2theta": str(a), "I": h} for a, h in PAIRS]),
    "Python, calls": each("Peak(tth={}, I={}),", ANGLE, HEIGHTS),
    "Python, a dictionary of columns": f"p = {{'tth': [{LIST}],\n 'I': {HEIGHT.tolist()}}}",
    "R": f"p <- data.frame(tth = c({HALVES[0]},\n  {HALVES[1]}), I = c({', '.join(HEIGHTS)}))",
    "YAML": "peaks:\n" + each("- two_theta: {}\n  intensity: {}", ANGLE, HEIGHTS),
    "rows across": f"2theta {LIST.replace(',', '')}\nI {' '.join(HEIGHTS)}",
    "rows across, below a title": f"halite, {CU} A\n2theta (deg),{LIST}\nInt.,{','.join(HEIGHTS)}",
    "labels": each("2theta: {}, d: {}, I: {}", ANGLE, D, HEIGHTS),
    "labels and units": each("I = {} %; 2\u03b8 = {}\u00b0", HEIGHTS, ANGLE),
    "a fragment of HTML": "<p>Salt</p><table><tr><th>2&theta;</th><th>I</th></tr>"
    + each("<tr><td>{}</td><td>{}</td></tr>", ANGLE, HEIGHTS) + "</table>",
}  # fmt: skip
UNNAMED = {
    "tuples": "peaks = [\n" + each("  ({}, {}),", ANGLE, HEIGHTS) + "\n]",
    "NumPy": "array([[" + each("{}, {}.", ANGLE, HEIGHTS, join="],\n       [") + "]])",
    "NumPy, printed": "[[" + each("{}  {}.", ANGLE, HEIGHTS, join="]\n [") + "]]",
    "C": "double peaks[10][2] = {\n" + each("{{{}, {}}}", ANGLE, HEIGHTS, join=",\n") + "};",
    "MATLAB": "M = [" + each("{} {};", ANGLE, HEIGHTS) + "];",
    "two arrays": f"[[{LIST}],\n [{', '.join(HEIGHTS)}]]",
    "arrows": each("{} -> {}", ANGLE, HEIGHTS),
    "heights first": each("{} @ {}", HEIGHTS, ANGLE),
    "colons": each("{}: {}", ANGLE, HEIGHTS, join=", "),
    "slashes": each("{}/{}", ANGLE, HEIGHTS, join=", "),
    "leaders": each("{} ....... {}", ANGLE, HEIGHTS),
    "per cent": each("{}\u00b0 ({}%)", ANGLE, HEIGHTS),
    "mid dots": each("{} {}", ANGLE, HEIGHTS).replace(".", "\u00b7"),
    "pairs in one line": each("{} {}", ANGLE, HEIGHTS, join="  "),
    "errors between": rows(ANGLE, np.linspace(0.003, 0.008, 10), HEIGHT),
    "widths between": rows(ANGLE, np.linspace(0.13, 0.21, 10), HEIGHT),
    "calculated positions between": rows(ANGLE, ANGLE + 0.01, HEIGHT),
    "numbers from 4": rows(range(4, 14), ANGLE, HEIGHT),
    "a wavelength in front": f"{CU}\n" + rows(ANGLE, HEIGHT),
    "a wavelength behind": rows(ANGLE, HEIGHT) + f"{CU}\n",
}  # fmt: skip
WITHOUT = {
    "Fortran": f"      DATA TTH /{HALVES[0]},\n     1  {HALVES[1]}/\n",
    "MATLAB, continued": f"tth = [{HALVES[0]} ...\n  {HALVES[1]}];",
    "C": f"double tth[] = {{{LIST}}};",
    "NumPy": f"tth = [{HALVES[0]}\n {HALVES[1]}]".replace(",", ""),
}


@pytest.mark.parametrize("kind", [*NAMED, *UNNAMED])
def test_a_list_with_intensities(tmp_path, kind):
    found = read(tmp_path, {**NAMED, **UNNAMED}[kind], **(TTH if kind in UNNAMED else {}) | {
        "wavelength": CU})  # fmt: skip
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    np.testing.assert_allclose(found.intensity, HEIGHT)


@pytest.mark.parametrize("kind", WITHOUT)
def test_a_list_without_intensities(tmp_path, kind):
    found = read(tmp_path, WITHOUT[kind], wavelength=CU)
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    assert found.intensity is None


@pytest.mark.parametrize(
    "text",
    [
        f" [1] {NUMBERED[0]}\n [7] {NUMBERED[1]}",  # R's print
        rows(ANGLE[::2], ANGLE[1::2]),  # row by row
        rows(ANGLE[:5], ANGLE[5:]),  # column by column
        f"{CU}\n" + rows(ANGLE),
    ],
)
def test_every_number_is_a_position(tmp_path, text):
    found = read(tmp_path, text, **TTH)
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    assert found.intensity is None


def test_the_strongest_first_behind_its_intensity(tmp_path):
    order = np.argsort(-HEIGHT)
    heights = np.round(HEIGHT / HEIGHT.max() * 100)
    found = read(tmp_path, rows(heights[order], D[order]), unit="d")
    np.testing.assert_allclose((found.d, found.intensity), (D, heights))


def test_indices_written_as_one_number_are_no_intensities(tmp_path):
    indices = np.array([100, 110, 111, 200, 210, 211, 220, 221, 310, 311])
    squares = sum((indices // 10**k % 10) ** 2 for k in range(3))
    d = 4.123 / np.sqrt(squares)
    assert read(tmp_path, rows(d, indices), unit="d").intensity is None
    found = read(tmp_path, rows(d, indices, HEIGHT), unit="d")
    np.testing.assert_allclose(found.intensity, HEIGHT)
    np.testing.assert_allclose(read(tmp_path, rows(indices, d), unit="d").d, d, rtol=1e-4)


def test_cards_of_the_icdd(tmp_path):
    signs = ["x" if height == 80 else f"_{height // 10:.0f}" for height in HEIGHT]
    found = read(tmp_path, each("{:.2f}{}", D, signs, join="  "), unit="d")
    np.testing.assert_allclose(found.d, D.round(2))
    np.testing.assert_allclose(found.intensity, [10 * (h // 10) if h < 80 else 100 for h in HEIGHT])
    table = "Strong Line: 4.18/X 2.45/5 2.69/4 1.72/2\nd I\n" + rows(D, HEIGHT)
    np.testing.assert_allclose(read(tmp_path, table).d, D)


@pytest.mark.parametrize(
    "behind, said",
    [
        ({3: "quartz"}, "'quartz' (line 4)"),
        ({1: "broad", 6: "impurity?"}, "'broad' (line 2), 'impurity?' (line 7)"),
        ({2: "(holder)", 5: "?"}, "'holder' (line 3), '?' (line 6)"),
        ({2: "Al2O3"}, "'Al2O3' (line 3)"),
        ({k: "A" if k < 5 else "calcite" for k in range(10)}, "'calcite' (lines 6, 7, 8, ...)"),
    ],
)
def test_words_behind_numbers_are_named(tmp_path, behind, said):
    text = "".join(f"{a} {h} {behind.get(k, '')}\n" for k, (a, h) in enumerate(PAIRS))
    if "A" in behind.values():
        text = text.replace(" A\n", " aragonite\n")
    found = read(tmp_path, text, **TTH)
    np.testing.assert_allclose(found.intensity, HEIGHT)
    assert said in found.warnings[0]


REFUSED = {
    "numbers in no order": (LIST + " 8.5", "one row of 11 numbers in no order"),
    "arrays of unequal length": (f"tth = [{LIST}]\nI = [100, 50, 25]", "I has 3 numbers for 10"),
    "a wavelength below spacings": (rows(D, HEIGHT) + f"{CU}\n", "a tube's wavelength"),
    "JSON without positions": ('{"a": {"b": [1, 2]}}', "JSON in which no positions"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_be_misread_is_refused(tmp_path, kind):
    text, said = REFUSED[kind]
    with pytest.raises(DDIError, match=said):
        read(tmp_path, text, **({"unit": "d"} if "spacings" in kind else TTH))


@pytest.mark.parametrize(
    "part", ["a=", "1" * 9, "a=1,", "(1,", "[", "1.5 .", '"a":', "{1;2}", "1.5/"]
)
def test_reading_takes_time_in_proportion_to_the_text(part):
    import time

    from ddi.index.readers.literals import in_pairs, in_rows_of
    from ddi.index.readers.stated import words_behind

    text = part * (190_000 // len(part))
    started = time.process_time()
    in_rows_of("x = [" + text), in_pairs([text]), words_behind("1.5 " + text)
    assert time.process_time() - started < 5
