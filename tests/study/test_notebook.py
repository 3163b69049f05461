"""Sentences of notebooks: filled with the run's numbers, or left out."""

from ddi.study.notebook import fill

NUMBERS = {"A": "27.7 % (25.4-30.1), n = 1400", "B": "9.0 % (8.0-9.9), n = 1400", "C": "--"}


def test_a_line_without_its_number_is_left_out():
    assert fill("- {C} of them\n- the\n  rest", NUMBERS) == "- the rest"


def test_a_sample_size_is_said_once_a_line():
    text = fill("{A}, {B}; {D}\n{B}", NUMBERS | {"D": "1 %, n = 140"})
    first, second = text.splitlines()
    assert first == "27.7 % (25.4–30.1), n = 1400, 9.0 % (8.0–9.9); 1 %, n = 140"
    assert second == "9.0 % (8.0–9.9), n = 1400"
