"""Lists in sentences, under titles, and with words or brackets behind their numbers."""

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, rows
from ddi.index import readers
from ddi.index.readers.prose import in_sentence

TTH = {"unit": "2theta", "wavelength": CU}
COMMAS = ", ".join(f"{angle}\u00b0" for angle in ANGLE[:-1])
LAST = f"{ANGLE[-1]}\u00b0"
HKL = [f"{h}{k}{h}" for h, k in zip(range(10), range(9, -1, -1))]
SPACED = [" ".join(hkl) for hkl in HKL]
HEIGHTS = [f"{height:.0f}" for height in HEIGHT]


def read(folder, text, **options):
    (folder / "a.txt").write_text(text, encoding="utf-8")
    return readers.read(folder / "a.txt", **options)


def behind(form, *columns):
    return "".join(form.format(*row) + "\n" for row in zip(*columns))


WITHOUT = {
    "a sentence": f"The peaks at 2\u03b8 = {COMMAS}, and {LAST} are of the (110), (220) and (101) "
    "planes of a salt with a = 5.43 \u00c5.",
    "a sentence in two lines": "Sample 3. Peaks at 2\u03b8 "
    + f"{COMMAS}\nand {LAST}".replace(", ", ",\n", 1),
    "LaTeX": "Peaks at $"
    + "$, $".join(" ".join(str(angle)) + " ^ { \\circ }" for angle in ANGLE)
    + "$ in Fig. 1(e).",
    "a label and a tolerance": f"Form I: {', '.join(map(str, ANGLE))} (\u00b1 0.2\u00b0)",
    "decimal commas": f"Reflexe bei {COMMAS} und {LAST}".replace(".", ","),
    "about each": f"Peaks at about {', about '.join(map(str, ANGLE))} degrees",
    "strengths": "Lines: " + ", ".join(f"{a} {s}" for a, s in zip(ANGLE, ["vs", "m"] * 5)),
    "intensity and indices": "Lines: "
    + ", ".join(f"{a}({i})({hkl})" for a, i, hkl in zip(ANGLE, HEIGHTS, HKL)),
    "indices in front": "Lines: " + ", ".join(f"({h}) {a}" for h, a in zip(HKL, ANGLE)),
    "a title in front of one line": f"LiFePO4 (olivine)\n{', '.join(map(str, ANGLE))}",
    "indices behind": behind("{} ({})", ANGLE, HKL),
    "indices behind, in one line": f"A salt: {behind('{} ({}),', ANGLE, HKL)}".replace("\n", " "),
    "words behind some": "".join(
        f"{angle}{'  Nb' if k in (3, 8) else ''}\n" for k, angle in enumerate(ANGLE)
    ),
    "a column of indices": "2theta (deg)\thkl\n" + behind("{}\t{}", ANGLE, HKL),
    "h k l, and 1/d behind": behind(
        " 1 0 {} {} {:.6f}", range(len(D)), ANGLE, 1 / D
    ),
}  # fmt: skip
WITH = {
    "intensities behind": behind("{} ({})", ANGLE, HEIGHTS),
    "a formula above": f"V2O5, 9-387\n{behind('{} {}', ANGLE, HEIGHTS)}",
    "indices in brackets": "2-Theta\tI(f)\t( h k l)\n"
    + behind("{}  {}  ( {})", ANGLE, HEIGHTS, SPACED),
}


@pytest.mark.parametrize("kind", WITHOUT)
def test_a_list_without_intensities(tmp_path, kind):
    found = read(tmp_path, WITHOUT[kind], **TTH)
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    assert found.intensity is None


@pytest.mark.parametrize("kind", WITH)
def test_a_list_with_intensities(tmp_path, kind):
    found = read(tmp_path, WITH[kind], **TTH)
    np.testing.assert_allclose(found.d, D, rtol=2e-4)
    np.testing.assert_allclose(found.intensity, HEIGHT)


def test_a_sentence_says_what_its_numbers_are(tmp_path):
    text = f"Lines at d = {', '.join(map(str, D))} \u00c5 were seen."
    np.testing.assert_allclose(read(tmp_path, text).d, D)
    with pytest.raises(DDIError, match="--unit is 2theta"):
        read(tmp_path, text, **TTH)
    with pytest.raises(DDIError, match="2theta"):
        read(tmp_path, f"Peaks at 2theta = {COMMAS} and {LAST}.")  # no wavelength
    with pytest.raises(DDIError, match="--unit"):
        read(tmp_path, f"Form I: {', '.join(map(str, ANGLE))}")


AMBIGUOUS = {
    "two lists": "28.4, 47.3, 56.1, 69.1 are of silicon, 27.4, 36.1, 41.2, 54.3 of rutile",
    "a reference within": "peaks at 28.4, 47.3, 56.1, 69.1 [12] and 76.4 degrees",
    "a figure in front": "in Fig. 3, 28.4, 47.3, 56.1, 69.1 and 76.4",
    "a spoilt number behind": "peaks at 28.4, 47.3, 56.1, 69.1, 7b.4",
    "a spoilt number in front": "peaks at 2S.4, 47.3, 56.1, 69.1 and 76.4",
    "a spoilt row": "28.4\n47.3\n56.1\n69.1\nx76.4\n",
    "a card of ITO": "sample\n1.5406\n  15.917  20.008  20.484\n  22.810  24.881\n",
    "another quantity": "a = 8.8842, 8.8861, 8.8893, 8.8921",
    "in no order": "47.3, 28.4, 56.1, 69.1",
    "three": "28.4\u00b0, 47.3\u00b0 and 56.1\u00b0",
    "nanometres": "d = 0.3136, 0.1920, 0.1638, 0.1358 nm",
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_what_may_be_another_list_is_none(kind):
    assert in_sentence(AMBIGUOUS[kind]) is None


@pytest.mark.parametrize("line", ["x8.88 100", "8.88 nm", "l2 8.88"])
def test_a_spoilt_first_row_and_a_unit_are_no_title(tmp_path, line):
    with pytest.raises(DDIError, match="line 1"):
        read(tmp_path, line + "\n" + rows(D), unit="d")
