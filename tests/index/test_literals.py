"""Lists as programs and people write them: records, arrays, assignments, pairs; words behind."""

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D
from ddi.index import readers

TTH = {"unit": "2theta", "wavelength": CU}
TENS = np.where(HEIGHT == HEIGHT.max(), 100, 10 * np.clip(HEIGHT // 10, 1, 9)).astype(int)
CARD = "  ".join(f"{d}{'x' if tens == 100 else f'_{tens // 10}'}" for d, tens in zip(D, TENS))
ROWS = list(zip(ANGLE, HEIGHT.astype(int), D))


def read(folder, text, **options):
    (folder / "a.txt").write_text(text, encoding="utf-8")
    return readers.read(folder / "a.txt", **options)


def each(form, between="\n"):
    return between.join(form.format(a=a, i=i, d=d) for a, i, d in ROWS)


def listed(values, between=", "):
    return between.join(map(str, values))


WITH = {
    "Python: records": "[" + each("{{'2theta': {a}, 'I': {i}}}", ",\n ") + "]",
    "Python: pairs": "peaks = [" + each("({a}, {i})", ", ") + "]",
    "Python: columns": f"{{'d': [{listed(D)}],\n 'intensity': [{each('{i}', ', ')}]}}",
    "Python: position to height": "{" + each("{a}: {i}", ", ") + "}",
    "JSON: records": '{"peaks": [' + each('{{"d": {d}, "intensity": {i}}}', ", ") + "]}",
    "JSON: a record a line": each('{{"d": {d}, "I": {i}}}'),
    "NumPy: printed": "[[" + each("{a}  {i}.", "]\n [") + "]]",
    "NumPy: as typed": "array([[" + each("{a}, {i}.", "],\n       [") + "]])",
    "MATLAB: two vectors": f"tth = [{listed(ANGLE, ' ')}];\nI = [{each('{i}', ' ')}];",
    "MATLAB: a matrix": "M = [" + each("{a} {i};") + "];",
    "R": f"data.frame(tth = c({listed(ANGLE)}), I = c({each('{i}', ', ')}))",
    "C": "double p[10][2] = {\n" + each("  {{{a}, {i}}}", ",\n") + "\n};",
    "YAML": "peaks:\n" + each("  - two_theta: {a}\n    intensity: {i}"),
    "pandas": "   2theta    I\n" + "\n".join(f"{k} {a} {i}" for k, (a, i, _) in enumerate(ROWS)),
    "labels a row": each("2theta: {a}, d: {d}, I: {i}"),
    "labels of numbered peaks": each("Peak 3: 2theta = {a}, I = {i}"),
    "arrows": each("{a} -> {i}"),
    "arrows of one sign": each("{a} \u2192 {i}"),
    "pairs with colons": each("{a}: {i}"),
    "dotted leaders": each("{a} ........ {i}"),
    "per cent in brackets": each("{a}\u00b0 ({i}%)"),
    "words behind": each("{a} {i}").replace("\n", " quartz\n", 1),
    "words behind decimal commas": each("{a} {i}").replace(".", ",").replace("\n", " Halter\n", 1),
    "widths behind": each("{a} {i} 0.12"),
    "indices and widths between": each("{a} 0.12 {i}"),
}  # fmt: skip
WITHOUT = {
    "NumPy: over lines": f"array([{listed(ANGLE[:4])},\n       {listed(ANGLE[4:])}])",
    "Fortran": f"      REAL A(9)\n      DATA TTH /{listed(ANGLE[:4])},\n     1 "
    f"{listed(ANGLE[4:])}/",
    "MATLAB: continued": f"tth = [{listed(ANGLE[:4], ' ')} ...\n {listed(ANGLE[4:], ' ')}];",
    "R: console": f" [1] {listed(ANGLE[:6], ' ')}\n [7] {listed(ANGLE[6:], ' ')}",
    "TOML": f"wavelength = {CU}\ntwo_theta = [\n {listed(ANGLE)},\n]",
    "rows of five": f"{listed(ANGLE[:5], ' ')}\n{listed(ANGLE[5:], ' ')}",
    "two columns of one list": "\n".join(f"{a}  {b}" for a, b in zip(ANGLE[:5], ANGLE[5:])),
    "the wavelength in the first line": f"{CU}\n" + listed(ANGLE, "\n"),
    "the wavelength in the last line": listed(ANGLE, "\n") + f"\n{CU}",
}


@pytest.mark.parametrize("name", WITH)
def test_positions_and_intensities_of_programs(tmp_path, name):
    peaks = read(
        tmp_path, WITH[name], **({} if "'d'" in WITH[name] or '"d"' in WITH[name] else TTH)
    )
    np.testing.assert_allclose(np.sort(peaks.d), np.sort(D), rtol=2e-3)
    np.testing.assert_array_equal(peaks.intensity, HEIGHT.astype(int)[np.argsort(-D)])


@pytest.mark.parametrize("name", WITHOUT)
def test_positions_of_programs(tmp_path, name):
    peaks = read(tmp_path, WITHOUT[name], **TTH)
    np.testing.assert_allclose(np.sort(peaks.d), np.sort(D), rtol=2e-3)
    assert peaks.intensity is None


def test_old_cards_give_tens_of_intensity(tmp_path):
    peaks = read(tmp_path, CARD, unit="d")
    np.testing.assert_array_equal(peaks.intensity, TENS[np.argsort(-D)])


def test_strong_lines_above_a_table_are_not_the_list(tmp_path):
    strong = "Strong Line: " + "  ".join(f"{d}/X" for d in D[:4])
    peaks = read(tmp_path, f"{strong}\nd(A)  I\n" + each("{d}  {i}"))
    np.testing.assert_allclose(np.sort(peaks.d), np.sort(D))


def test_a_lone_wavelength_below_rows_is_no_peak(tmp_path):
    peaks = read(tmp_path, each("{d} {i}") + "\n1.5406\n", unit="d")
    assert len(peaks) == len(D)


def test_words_behind_numbers_are_said_to_have_no_effect(tmp_path):
    text = each("{a} {i}").split("\n")
    text[2] += "  impurity?"
    text[5] += "  holder"
    text[8] += "  holder"
    peaks = read(tmp_path, "\n".join(text), **TTH)
    said = "words behind numbers have no effect: 'impurity?' (line 3), 'holder' (lines 6, 9)"
    assert said in peaks.warnings


def test_one_word_in_every_row_is_not_remarked(tmp_path):
    assert not read(tmp_path, each("{d} quartz"), unit="d").warnings


def test_columns_of_unequal_length_are_refused(tmp_path):
    with pytest.raises(DDIError, match="I has 9 numbers for 10 positions"):
        read(
            tmp_path, f"tth = [{listed(ANGLE)}]\nI = [{each('{i}', ', ').rsplit(',', 1)[0]}]", **TTH
        )


def test_settings_in_json_are_no_list(tmp_path):
    with pytest.raises(DDIError, match="no positions are found: expected records"):
        read(tmp_path, '{"zero": 0.02, "peaks": 20}')
