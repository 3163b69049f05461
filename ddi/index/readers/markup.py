"""Tables within the marks of something else: LaTeX, pipes of Markdown, grids of reStructuredText,
rows of SQL, quoted mail. Put into columns with tabs.
"""

import re

_LATEX = re.compile(
    r"\\\\.*$|\\(?:h|top|mid|bottom)(?:line|rule)|\\(?:begin|end)\{.*|\\end(?:first)?head|\$"
    r"|\\(?=theta)|\\(?:mathrm|mathit|text|num|si|unit)\b|[{}_]|\\[,;!]|\\(?=%)|\^(?=\\circ)"
)
_GRID = re.compile(r"\s*\+(?:[-=]{2,}\+)+\s*")
_FOOTNOTE = re.compile(r"\[\^\w+\](?!:)")
_QUOTED = re.compile(r"^(?:>[ \t]?)+")
_INSERT = re.compile(r"(?im)^\s*insert\s+into\s+\S+\s*\(([^()]{1,500})\)\s*values")
_MATHEMATICA = re.compile(r"\(\*([^*\n]{0,500})\*\)")


def without_statements(text):
    """A text with the names of an SQL statement and remarks of Mathematica in lines of remarks."""
    return _MATHEMATICA.sub(r"# \1", _INSERT.sub(r"# \1", text))


def without_markup(lines):
    """Return the lines of a table with tabs in place of what separated its cells."""
    lines = [line for line in lines if not _GRID.fullmatch(line)]
    if any("[^" in line for line in lines):
        lines = [_FOOTNOTE.sub("", line) for line in lines if not re.match(r"\s*\[\^\w+\]:", line)]
    if sum(line.startswith(">") for line in lines) > 0.5 * len(lines):
        lines = [_QUOTED.sub("", line) for line in lines]
    if sum("&" in line and "\\\\" in line for line in lines) > 0.5 * len(lines):
        lines = [_without_latex(line).replace("&", "\t") for line in lines]
    if sum("|" in line for line in lines) > 0.5 * len(lines):
        lines = [line.replace("||", "|") if line.startswith("||") else line for line in lines]
        lines = [
            line.strip().strip("|").replace("|", "\t").replace("**", "")
            for line in lines
            if not _is_rule(line)
        ]
        lines = [re.sub(r"^\s*#\s*(?=\t)", "No", line) for line in lines]
    return lines


def _without_latex(line):
    if re.match(r"\s*\\multicolumn(?!.*\d[.,]\d)", line):
        return ""  # `continued`
    line = line.replace("\\AA", "\u00c5").replace("\\angstrom", "\u00c5")
    line = re.sub(r"\\(?:circ|degree)\b", "\u00b0", line).replace("\\num", "")
    return _LATEX.sub("", line)


def _is_rule(line):
    """A line of dashes below the heading of a table with pipes."""
    return bool(re.fullmatch(r"[\s|:+=-]+", line)) and "-" in line
