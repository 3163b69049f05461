"""What the notebooks hand to the paper: tables, numbers as LaTeX macros, and intervals."""

import json
import re

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.files import atomic

_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}


def latex(text):
    """Return `text` with LaTeX's special characters escaped."""
    return "".join(_SPECIAL.get(character, character) for character in str(text))


def _cell_text(value, form):
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "--"
    return latex(
        form.format(value) if form else f"{value:.4g}" if isinstance(value, float) else value
    )


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
        Column -> format string such as ``"{:.2f}"``.

    Returns
    -------
    pandas.DataFrame
        The same table, so that a notebook shows what it wrote.
    """
    formats = formats or {}
    numeric = [
        np.issubdtype(kind, np.number) if isinstance(kind, np.dtype) else False
        for kind in table.dtypes
    ]
    rows = [
        " & ".join(
            _cell_text(value, formats.get(column)) for column, value in zip(table.columns, row)
        )
        + r" \\"
        for row in table.itertuples(index=False, name=None)
    ]
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex(caption)}}}\label{{tab:{name}}}",
        r"\centering\small",
        rf"\begin{{tabular}}{{{''.join('r' if is_number else 'l' for is_number in numeric)}}}",
        r"\toprule",
        " & ".join(latex(column) for column in table.columns) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    with atomic(study.tables / f"{name}.tex") as path:
        path.write_text("\n".join(lines) + "\n")
    with atomic(study.tables / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format="%.6g")
    return table


def write_numbers(study, notebook, numbers):
    """Keep a notebook's quoted numbers, and rewrite the paper's macros from all notebooks' numbers.

    Parameters
    ----------
    study : ddi.base.paths.Study
    notebook : str
        ``"01"`` and so on; what it wrote before is replaced.
    numbers : dict
        Macro name (letters only) -> value; floats are written with four significant digits,
        anything else as it is.

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
        name: f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
        for name, value in numbers.items()
    }
    with atomic(study.numbers / f"{notebook}.json") as path:
        path.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")
    owners = {}
    for file in sorted(study.numbers.glob("*.json")):
        for name, value in json.loads(file.read_text()).items():
            if name in owners:
                raise DDIError(
                    f"macro {name} is written by notebooks {owners[name][0]} and {file.stem}; rename one"
                )
            owners[name] = (file.stem, value)
    target = study.tables.parent / "numbers.tex"
    with atomic(target) as path:
        path.write_text(
            "".join(
                f"\\newcommand{{\\{name}}}{{{latex(value)}}}\n"
                for name, (_, value) in sorted(owners.items())
            )
        )
