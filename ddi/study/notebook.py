"""What every notebook uses: which lattice systems it looks at, and sentences filled with the run's
own numbers.
"""

import re

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.study.tables import rounded, typeset

_FIELD = re.compile(r"\{(\w+)\}")
_SIZE = re.compile(r", n = \d+\b")


def chosen(systems):
    """Return the lattice systems asked for, in the usual order; all where none is named.

    Parameters
    ----------
    systems : str or sequence of str
        As a parameter comes: a name, names joined by commas, or a list.

    Raises
    ------
    DDIError
        If one of them is no lattice system.
    """
    names = systems.split(",") if isinstance(systems, str) else list(systems)
    names = [name.strip() for name in names if name.strip()]
    if wrong := [name for name in names if name not in lattice.SYSTEMS]:
        known = ", ".join(lattice.SYSTEMS)
        raise DDIError(f"systems: there is no lattice system '{wrong[0]}'; choose from {known}")
    return [name for name in lattice.SYSTEMS if name in names or not names]


def fill(template, numbers):
    """Return the lines of a template that the numbers can fill, filled.

    A line, with those indented below it, asks for numbers by ``{Name}``. Where one is missing, or
    there was nothing to count ("--", "nan"), the line is left out: a run without measured patterns
    says nothing of them. A size of a sample (", n = 30") is said once a line.
    """
    lines = []
    for line in re.sub(r"\n  +", " ", template.strip()).splitlines():
        values = {name: typeset(rounded(numbers.get(name, "--"))) for name in _FIELD.findall(line)}
        if not any(value in ("--", "nan", "nan %", "") for value in values.values()):
            lines.append(_sizes_once(_FIELD.sub(lambda match: values[match[1]], line)))
    return "\n".join(lines)


def _sizes_once(line):
    said = set()

    def once(match):
        again = match[0] in said
        said.add(match[0])
        return "" if again else match[0]

    return _SIZE.sub(once, line)


class Answer:
    """The answer to a notebook's question, shown at its top once its last cell has computed it."""

    def __init__(self):
        from IPython.display import Markdown, display

        text = "*The answer is computed by this run and appears here.*"
        self._handle = display(Markdown(text), display_id=True)

    def tell(self, template, numbers):
        """Show the filled template at the top."""
        from IPython.display import Markdown

        text = fill(template, numbers) or "These data do not answer it."
        if self._handle is not None:
            self._handle.update(Markdown(f"**Answer.** {text}"))


def say(template, numbers):
    """Return a sentence beside a table or a figure, filled with the run's numbers."""
    from IPython.display import Markdown

    return Markdown(fill(template, numbers))


def learned(template, numbers):
    """Return "What we learned": bullets, one a line of the template that can be filled."""
    from IPython.display import Markdown

    return Markdown("## What we learned\n" + fill(template, numbers))
