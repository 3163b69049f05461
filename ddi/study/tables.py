"""What notebooks hand to the paper: tables, and numbers as LaTeX macros.

One `pandas` Styler makes both the table that a notebook shows and the one that the paper prints, so
both are rounded alike.
"""

import json
import re
from collections import defaultdict

import numpy as np
import pandas as pd

from ddi.base.errors import DDIError
from ddi.base.files import atomic

_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "\u2009": r"\,",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    "Å": r"\AA{}",
    "²": "$^2$",
    "³": "$^3$",
    "⁻": "$^-$",
    **{"₀₁₂₃₄₅"[k]: f"$_{k}$" for k in range(1, 6)},
}


def latex(text):
    """Return `text` with LaTeX's special characters escaped."""
    text = str(text).replace("⁻²", "\0").replace("⁻¹", "\1")
    text = "".join(_SPECIAL.get(character, character) for character in text)
    text = text.replace("\0", "$^{-2}$").replace("\1", "$^{-1}$")
    return re.sub("(\\d)\u0304", r"$\\bar{\1}$", text)


def typeset(text):
    """Return a text with thin spaces between thousands, minus signs, and dashes in ranges."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "\u2009", str(text))
    text = re.sub(r"(?<![\w.)-])-(?=\.?\d)", "−", text)
    return re.sub(r"(?<=\d)-(?=[\d.])", "–", text)


def hermann_mauguin(symbol):
    """Return space-group or extinction symbols with the subscripts of their screw axes
    and bars over their inversion axes.

    Examples
    --------
    >>> hermann_mauguin("P 21/c; P 63/m c m; P - 21 -")
    'P 2₁/c; P 6₃/m c m; P - 2₁ -'
    """
    symbol = re.sub(r"(?<![\w.])-([1346])(?![\d.])", "\\1\u0304", str(symbol))
    axis = r"(?<![\w.])(21|3[12]|4[123]|6[12345])(?![\d.])"
    return re.sub(axis, lambda found: found[0][0] + "₀₁₂₃₄₅"[int(found[0][1])], symbol)


def rounded(value):
    """Return a number as text with three digits, thousands whole; anything else as it is."""
    if isinstance(value, (float, np.floating)):
        return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, (int, np.integer)) and value >= 10000 else value


def styled(table, formats=None, escape=str):
    """Return a table as a Styler, without its index, rounded, an empty cell as a dash.

    Parameters
    ----------
    table : pandas.DataFrame
    formats : dict, optional
        Column -> format string or function; the others are `rounded`.
    escape : callable
        `latex` for the paper.
    """
    forms = {column: rounded for column in table.columns} | (formats or {})

    def form_of(column):
        form = forms[column]
        shown = form.format if isinstance(form, str) else form
        return lambda value: escape(typeset(shown(value)))

    plain = table.reset_index(drop=True)
    plain = plain.astype(object).where(plain.notna(), None)
    style = plain.style.hide(axis="index").set_uuid("table")
    forms = {column: form_of(column) for column in table.columns}
    return style.format(forms, na_rep=escape("–")).format_index(escape, axis=1)


def write_table(study, table, name, caption="", formats=None):
    """Write a table as ``name.tex`` (booktabs, with caption and label) and ``name.csv``.

    Parameters
    ----------
    study : ddi.base.paths.Study
    table : pandas.DataFrame
        Columns become headings; the index is not written.
    name : str
        ``NN_name``; the label is ``tab:NN_name``.
    caption : str
        Plain text.
    formats : dict, optional
        Column -> format string such as ``"{:.2f}"``; the others are `rounded`.

    Returns
    -------
    pandas.io.formats.style.Styler
        What a notebook shows; ``.data`` is the table.
    """
    columns = "".join("r" if pd.api.types.is_numeric_dtype(kind) else "l" for kind in table.dtypes)
    text = styled(table, formats, latex).to_latex(
        hrules=True,
        column_format=columns or "l",
        caption=latex(typeset(caption)),
        label=f"tab:{name}",
        position_float="centering",
    )
    with atomic(study.tables / f"{name}.tex") as path:
        path.write_text(text.replace("\\centering\n", "\\centering\\small\n"), encoding="utf-8")
    with atomic(study.tables / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format="%.6g")
    return styled(table, formats)


def write_numbers(study, notebook, numbers):
    """Keep a notebook's quoted numbers, and put them into the macros of the paper.

    Parameters
    ----------
    study : ddi.base.paths.Study
    notebook : str
        ``"01"`` and so on; what it wrote before is replaced, what others wrote stays.
    numbers : dict
        Macro name (letters only) -> value; floats are written with four significant digits,
        integers from 10,000 with a separator of thousands, anything else as it is.

    Returns
    -------
    dict
        Name -> text, to fill the sentences of the notebook with.

    Raises
    ------
    DDIError
        If a name is no LaTeX macro name, or another notebook owns it.
    """
    for name in numbers:
        if not re.fullmatch("[A-Za-z]+", name):
            raise DDIError(
                f"'{name}' cannot be a LaTeX macro; use letters only, such as 'AmcsdEntries'"
            )
    plain = {
        name: f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(rounded(value))
        for name, value in numbers.items()
    }
    with atomic(study.numbers / f"{notebook}.json") as path:
        path.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sections = _sections(study)
    for other, lines in sections.items():
        if other != notebook and (taken := sorted(plain.keys() & lines.keys())):
            raise DDIError(
                f"macro {taken[0]} is written by notebooks {other} and {notebook}; rename one"
            )
    sections[notebook] = {
        name: f"\\newcommand{{\\{name}}}{{{latex(typeset(value))}}}"
        for name, value in plain.items()
    }
    with atomic(_macros_file(study)) as path:
        path.write_text(
            "".join(
                f"% {number}\n" + "".join(f"{line}\n" for _, line in sorted(lines.items()))
                for number, lines in sorted(sections.items())
            ),
            encoding="utf-8",
        )
    return plain


def macros_of(study, notebook):
    """Return the lines of the paper's macros that a notebook wrote, by name."""
    return dict(_sections(study).get(notebook, {}))


def _macros_file(study):
    return study.tables.parent / "numbers.tex"


def _sections(study):
    """Return notebook -> macro -> line, as ``numbers.tex`` has them below ``% NN``."""
    sections = defaultdict(dict)
    path = _macros_file(study)
    current = None
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.startswith("% "):
            current = line[2:]
        elif current and (macro := re.match(r"\\newcommand\{\\(\w+)\}", line)):
            sections[current][macro[1]] = line
    return sections
