"""Tables, macros and intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from ddi.base.errors import DDIError
from ddi.base.stats import calibration_error, rate, wilson
from ddi.study.tables import hermann_mauguin, latex, rounded, typeset, write_numbers, write_table


@pytest.mark.parametrize("k, n", [(0, 5), (1, 7), (61, 90), (90, 90)])
def test_wilson_equals_scipy(k, n):
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_calibration_error_of_hand_counted_bins():
    # bins hold 2 and 3: |0.1 - 1| and |2.9 - 3|
    probability = [0.05, 0.05, 0.95, 0.95, 1.0]
    right = [False, True, True, True, True]
    assert calibration_error(probability, right) == pytest.approx((0.9 + 0.1) / 5)
    draws = np.random.default_rng(0).random((2, 20000))
    assert calibration_error(draws[0], draws[1] < draws[0]) < 0.01


def test_wilson_of_nothing_is_everything():
    low, high = wilson(np.array([0, 3]), np.array([0, 3]))
    assert (low[0], high[0]) == (0, 1) and high[1] == 1


def test_rate_reads_well():
    assert rate(61, 90) == "67.8 % (57.6-76.5), n = 90"


def test_latex_escapes():
    assert latex("5 % of P_1 & {x}") == r"5 \% of P\_1 \& \{x\}"


@pytest.mark.parametrize(
    "value, text", [(0.123456, "0.123"), (1234.5, "1,234"), (12.0, "12"), (12345, "12,345")]
)
def test_rounding_keeps_three_digits_and_whole_thousands(value, text):
    assert rounded(value) == text


def test_table_has_one_line_a_row_and_a_csv_beside_it(study):
    frame = pd.DataFrame({"system": ["cubic", "a_b"], "n": [3, 4], "x / A": [1.23456, np.nan]})
    shown = write_table(study, frame, "01_t", "Of 5 %.", {"x / A": "{:.2f}"})
    text = (study.tables / "01_t.tex").read_text()
    assert r"\caption{Of 5 \%.}" in text and r"\label{tab:01_t}" in text
    assert r"\begin{tabular}{lrr}" in text and r"\toprule" in text and r"\bottomrule" in text
    assert r"cubic & 3 & 1.23 \\" in text and r"a\_b & 4 & -- \\" in text
    assert len(pd.read_csv(study.tables / "01_t.csv")) == 2
    assert (
        list(shown.data.n) == [3, 4]
        and "1.23" in shown.to_html()
        and "1.23456" not in shown.to_html()
    )


def test_numbers_are_typeset_for_people():
    assert typeset("15,490 of 1,398; -5.8 (27.1-31.9), aP-01, 8.5e-04") == (
        "15\u2009490 of 1\u2009398; −5.8 (27.1–31.9), aP-01, 8.5e-04"
    )
    assert latex(typeset("15,490 (-5.8 to 2-3) Å⁻²")) == r"15\,490 ($-$5.8 to 2--3) \AA{}$^{-2}$"


def test_screw_axes_have_subscripts():
    assert hermann_mauguin("I 41/a c d, P 32 2 1") == "I 4₁/a c d, P 3₂ 2 1"
    assert hermann_mauguin("P 4 3 2 and h00:2n") == "P 4 3 2 and h00:2n"
    assert latex(hermann_mauguin("F d -3 c")) == r"F d $\bar{3}$ c"
    assert latex(hermann_mauguin("P 21 21 2")) == "P 2$_1$ 2$_1$ 2"


def test_an_empty_table_is_a_table(study):
    frame = pd.DataFrame(columns=["system", "n"])
    write_table(study, frame, "01_t", "Nothing.", {"gone": "{:.2f}"})
    assert r"system & n \\" in (study.tables / "01_t.tex").read_text()


def test_numbers_become_macros_and_are_replaced_not_added(study):
    write_numbers(study, "01", {"Entries": 9275, "Gone": 1})
    assert write_numbers(study, "01", {"Entries": 9276}) == {"Entries": "9276"}
    write_numbers(study, "02", {"Rate": 0.123456})
    assert write_numbers(study, "03", {"Rows": 15490})["Rows"] == "15,490"
    assert r"\newcommand{\Rows}{15\,490}" in (study.tables.parent / "numbers.tex").read_text()
    write_numbers(study, "03", {})
    text = (study.tables.parent / "numbers.tex").read_text()
    assert text == "% 01\n\\newcommand{\\Entries}{9276}\n% 02\n\\newcommand{\\Rate}{0.1235}\n% 03\n"


def test_numbers_of_other_notebooks_stay_without_their_files(study):
    write_numbers(study, "01", {"Entries": 9275})
    (study.numbers / "01.json").unlink()
    write_numbers(study, "11", {"Rate": 1})
    assert "Entries" in (study.tables.parent / "numbers.tex").read_text()


def test_macro_names_are_letters_and_have_one_owner(study):
    with pytest.raises(DDIError, match="letters only"):
        write_numbers(study, "01", {"n_1": 1})
    write_numbers(study, "01", {"Entries": 1})
    with pytest.raises(DDIError, match="notebooks 01 and 02"):
        write_numbers(study, "02", {"Entries": 2})
