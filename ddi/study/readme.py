"""What the README quotes of the default run, written by a command instead of by hand.

The sentences stand in ``paper/readme.md``, with the names of the paper's macros in braces; times
come from the table of the study's cost.
"""

import re

import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.base.paths import ROOT

_RESULTS = re.compile(r"(?<=## Results\n).*?(?=\n## )", re.DOTALL)
_COST = re.compile(r"(?<=packages on disk: ).*?(?=;)")
_MACRO = re.compile(r"\\newcommand\{\\([A-Za-z]+)\}\{(.*)\}")
_PLAIN = {r"\%": "%", "--": "-", r"\,": "", "$-$": "-", "~": " ", "{,}": ",", "{": "", "}": ""}


def macros(root=ROOT):
    """Return name -> text of the numbers that the paper quotes, without LaTeX."""
    text = (root / "paper" / "numbers.tex").read_text(encoding="utf-8")
    found = dict(match.groups() for match in map(_MACRO.fullmatch, text.splitlines()) if match)
    for marked, plain in _PLAIN.items():
        found = {name: value.replace(marked, plain) for name, value in found.items()}
    return found


def filled(text, root=ROOT):
    """Return the README with the numbers of the last default run in place of those in it.

    Parameters
    ----------
    text : str
        The README.
    root : Path
        The repository.

    Raises
    ------
    DDIError
        If ``paper/readme.md`` names a number that no notebook wrote.
    """
    template = (root / "paper" / "readme.md").read_text(encoding="utf-8")
    try:
        results = template.format(**macros(root))
    except KeyError as error:
        raise DDIError(
            f"paper/readme.md names {error}, which is no number in paper/numbers.tex; "
            "run the notebook that writes it, or mend the name"
        ) from error
    cost = pd.read_csv(root / "paper" / "tables" / "00_study.csv")
    for row in cost.itertuples(index=False):
        own = re.compile(rf"(?<=\n)(\| {row[0]} \|.*\|) [\d ]*\|(?=\n)")
        text = own.sub(rf"\1 {row[1]:.0f} |", text)
    minutes = cost.iloc[:, 1].sum() / 60
    text = _COST.sub(f"{minutes:.0f} minutes and {cost.iloc[:, 2].max() / 1024:.1f} GiB", text)
    return _RESULTS.sub(lambda _: results, text)


def write(root=ROOT):
    """Fill the README in place."""
    path = root / "README.md"
    text = filled(path.read_text(encoding="utf-8"), root)
    with atomic(path) as target:
        target.write_text(text, encoding="utf-8")
