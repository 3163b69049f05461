"""Tables as people write them: other units in the heading, pipes, brackets, empty cells. Each means
the ten peaks of the seeds, or is refused with a reason; no column moves.
"""

import numpy as np
import pytest

from ddi.base.errors import DDIError
from ddi.bench.seeds import ANGLE, CU, HEIGHT, D, rows
from ddi.index import readers
from ddi.index.readers.headings import heading


def of_arc(angle, degree="\u00b0", minute="\u2032", seconds=True):
    """Degrees as read from a film: 19\u00b058\u203230\u2033, or 19 58.5'."""
    degrees, rest = divmod(angle, 1)
    if not seconds:
        return f"{degrees:.0f}{degree}{rest * 60:.1f}{minute}"
    minutes, rest = divmod(rest * 60, 1)
    return f"{degrees:.0f}{degree}{minutes:02.0f}{minute}{rest * 59.99:02.0f}\u2033"


SINE = np.sin(np.radians(ANGLE / 2)) ** 2
NUMBERS = range(1, 11)
PAIRS = list(zip(ANGLE, HEIGHT))
WRITTEN = {
    "theta symbol": "2\u03b8 (\u00b0), Intensity (a.u.)\n" + rows(ANGLE, HEIGHT, join=","),
    "sin2theta": "sin2theta  I\n" + rows(SINE, HEIGHT, join="  ", form="{:.6f}"),
    "sin^2(theta)": "sin^2(theta)\tI\n" + rows(SINE, HEIGHT, form="{:.6f}"),
    "sin\u00b2\u03b8": "sin\u00b2\u03b8;I\n" + rows(SINE, HEIGHT, join=";", form="{:.6f}"),
    "1/d^2": "1/d^2 (A^-2)  I\n" + rows(D**-2, HEIGHT, join="  ", form="{:.6f}"),
    "10^4/d^2": "10^4/d^2  I\n" + rows(1e4 * D**-2, HEIGHT, join="  ", form="{:.3f}"),
    "Q of Ito": "Q (10^4/d^2)\tI\n" + rows(1e4 * D**-2, HEIGHT, form="{:.3f}"),
    "10\u2074 Q": "10\u2074 Q  I\n" + rows(1e4 * D**-2, HEIGHT, join="  ", form="{:.3f}"),
    "1/d^2 in 1/nm^2": "1/d2 [1/nm^2]\tI\n" + rows(1e2 * D**-2, HEIGHT, form="{:.5f}"),
    "d/nm": "d/nm;I\n" + rows(D / 10, HEIGHT, join=";", form="{:.6f}"),
    "d [pm]": "d [pm]\tI\n" + rows(D * 100, HEIGHT, form="{:.2f}"),
    "2theta beside d in nm": "2theta\td [nm]\tI\n" + rows(ANGLE, D / 10, HEIGHT, form="{:.6f}"),
    "pipes": "| 2theta | I |\n|---|---|\n"
    + "".join(f"| {a} | {h} |\n" for a, h in zip(ANGLE, HEIGHT)),
    "quoted decimal commas": "2Theta,I\n"
    + "".join(f'"{a:.4f}"'.replace(".", ",") + f",{h:.0f}\n" for a, h in zip(ANGLE, HEIGHT)),
    "EVA": "EVA peak list\n\nCaption\tAngle\td Value\tNet Intensity\tRel. Intensity\n"
    "\t2-Theta \u00b0\tAngstrom\tCps\t%\n"
    + "".join(f"d={d:.4f}\t{a}\t{d}\t{h}\t{h}%\n" for a, d, h in zip(ANGLE, D, HEIGHT)),
    "an index without a name": ",2theta,I\n" + rows(NUMBERS, ANGLE, HEIGHT, join=","),
    "an empty cell in a row": "No.;2theta;FWHM;d;I\n"
    + rows(NUMBERS, ANGLE, [0.1] * 10, D, HEIGHT, join=";").replace("0.1000", "", 3),
    "tabs to align": "2theta\t\tI\n" + rows(ANGLE, HEIGHT, join="\t\t"),
    "Cu Ka1 in a remark": "# Cu K-alpha1\n# 2theta I\n" + rows(ANGLE, HEIGHT),
    "a column of Cu": "2Theta (Cu)\tI\n" + rows(ANGLE, HEIGHT),
    "degrees, minutes, seconds": "2theta;I\n"
    + "".join(f"{of_arc(a)};{h}\n" for a, h in zip(ANGLE, HEIGHT)),
    "minutes without a degree sign": "2theta  I\n"
    + "".join(f"{of_arc(a, ' ', chr(39), False)}  {h}\n" for a, h in zip(ANGLE, HEIGHT)),
    "10^4 sin2theta": "sin\u00b2\u03b8 \u00d7 10\u2074  I\n" + rows(SINE * 1e4, HEIGHT, join="  "),
    "10^3 in front of sin2theta": "10\u00b3 sin\u00b2\u03b8\tI\n" + rows(SINE * 1e3, HEIGHT),
    "sin(theta)/lambda": "sin(theta)/lambda\tI\n" + rows(0.5 / D, HEIGHT, form="{:.6f}"),
    "of 1/nm": "sin\u03b8/\u03bb (nm-1)\tI\n" + rows(5 / D, HEIGHT, form="{:.5f}"),
    "sin^2(theta)/lambda^2": "sin^2(theta)/lambda^2\tI\n"
    + rows(0.25 * D**-2, HEIGHT, form="{:.7f}"),
    "broad and diffuse": "d  I\n"
    + "".join(f"{d:.4f}{mark}  {h}\n" for d, h, mark in zip(D, HEIGHT, "B  D B    ")),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_way_of_writing_means_the_same_peaks(tmp_path, kind, ending):
    path = tmp_path / "a.txt"
    path.write_bytes(WRITTEN[kind].replace("\n", ending).encode("utf-8-sig"))
    read = readers.read(path, None, None if "Cu" in kind else CU)
    np.testing.assert_allclose(read.d, D, rtol=5e-4)
    np.testing.assert_allclose(read.intensity, HEIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "d = " + ", ".join(f"{d:.4f}" for d in D),
        "d: " + " ".join(f"{d:.4f}" for d in D),
        "d [nm]: " + "; ".join(f"{d / 10:.5f}" for d in D),
        "d: " + "; ".join(f"{d:.4f}".replace(".", ",") for d in D),
    ],
)
def test_a_name_before_its_numbers(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    np.testing.assert_allclose(readers.read(path).d, D, rtol=5e-4)


def test_brackets_and_numbers_with_brackets(tmp_path):
    path = tmp_path / "a.txt"
    for text in (
        "[" + ", ".join(map(str, ANGLE)) + "]\n",
        "".join(f"{k}) {a} {h}\n" for k, a, h in zip(NUMBERS, ANGLE, HEIGHT)),
    ):
        path.write_text(text, encoding="utf-8")
        np.testing.assert_allclose(readers.read(path, "2theta", CU).d, D, rtol=5e-4)


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "2theta,I\n" + "".join(f'{a},"1,{h:03.0f}"\n' for a, h in zip(ANGLE, HEIGHT)),
            "thousands",
        ),
        ("sin theta  I\n" + rows(SINE**0.5, HEIGHT, join="  "), "names over"),
        ("sin2theta\n" + rows(SINE * 10), "between 0 and 1"),
        ("".join(f"{a} ({h:.0f}) 3\n" for a, h in zip(ANGLE, HEIGHT)), "not a row of numbers"),
        ("deg min I\n" + rows(ANGLE // 1, ANGLE % 1 * 60, HEIGHT), "decimal degrees"),
        ("2theta (Co)\t2theta (Cu)\n" + rows(ANGLE * 1.2, ANGLE), "several tubes"),
        ("data_a\nloop_\n_refln_d_spacing\n" + rows(D), "format CIF"),
    ],
)
def test_what_could_be_misread_is_refused(tmp_path, text, said):
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DDIError, match=said):
        readers.read(path, None, CU)


def test_two_tubes_in_a_remark_state_no_wavelength(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(
        "# measured with Mo Ka, converted to Cu Ka1\n# 2theta I\n" + rows(ANGLE, HEIGHT)
    )
    with pytest.raises(DDIError, match="without a wavelength"):
        readers.read(path)


@pytest.mark.parametrize(
    "text, scale",
    [
        ("q (1/nm)", 0.1),
        ("q_nm^-1", 0.1),
        ("q/nm-1", 0.1),
        ("d [pm]", 0.01),
        ("d (nm)", 10),
        ("10^4/d^2", 1e-4),
    ],
)
def test_units_of_names(text, scale):
    assert heading(text).scales == (pytest.approx(scale),)
