"""JSON: records and arrays with names, and tables whose names stand apart from their rows."""

import json
from dataclasses import replace

from ddi.base.errors import DDIError
from ddi.index.readers.literals import in_rows_of
from ddi.index.readers.text import read_table

_LONGEST = 2_000_000  # characters of a text that is parsed; chosen


def read_json(source):
    """Positions of a table; None if a text of JSON holds columns that are read as others are."""
    table = _table(source.text)
    if table:
        return replace(read_table(replace(source, content=table.encode())), format="JSON")
    if in_rows_of(source.text) is None:
        raise DDIError(
            f"{source.name} is a file of the format JSON in which no positions are found: expected "
            'records {"2theta": 26.6, "I": 100} or arrays {"d": [...], "I": [...]}'
        )
    return None


def _table(text):
    """Rows with tabs below their names, of `{"columns": ["d", "I"], "data": [[3.34, 100], ...]}` as
    pandas writes it and others do, what else it says as remarks; or None.
    """
    try:
        content = json.loads(text) if len(text) < _LONGEST else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    lists = [value for value in content.values() if isinstance(value, list) and value]
    names = [one for one in lists if all(isinstance(name, str) for name in one)]
    rows = [one for one in lists if all(isinstance(row, list) for row in one)]
    if len(names) != 1 or len(rows) != 1 or {len(row) for row in rows[0]} != {len(names[0])}:
        return None
    said = [f"# {key}: {_plain(value)}" for key, value in content.items() if value not in lists]
    cells = ["\t".join(map(_plain, row)) for row in (names[0], *rows[0])]
    return "\n".join([*said, *cells]) + "\n"


def _plain(value):
    """A value as one cell: a list such as [1, 0, 1] as a word, numbers of a record first."""
    if isinstance(value, dict):
        return ", ".join(map(_plain, sorted(value.values(), key=lambda one: isinstance(one, str))))
    return "_".join(map(str, value)) if isinstance(value, list) else str(value)
