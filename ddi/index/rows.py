"""The ranked list as plain rows: a list of peaks is answered without pandas, whose import takes a
fifth of the time of starting; `ddi.index.result.Result.cells` makes a table of the same rows.
"""


class Row(dict):
    """One cell of a ranked list; a field is an item and an attribute, as in a row of a table."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def but(self, **changes):
        """Return the row with other values."""
        return Row(self, **changes)


def of(cells):
    """Return the rows (list of Row) of a DataFrame, or of rows."""
    records = cells.to_dict("records") if hasattr(cells, "to_dict") else cells
    return [Row(record) for record in records]


def reordered(rows, fits, order):
    """Return rows, and the fits of the first ones, in another order, with new ranks and families.

    Parameters
    ----------
    rows : list of Row
    fits : list
        Of the first rows.
    order : sequence of int
        Places of the rows, the new first one first.

    Returns
    -------
    rows : list of Row
        A family is numbered by the rank of its first member.
    fits : list
        As many as before; None where a row without a fit moved among them.
    """
    families = {}
    for rank, place in enumerate(order, 1):
        families.setdefault(rows[place].family, rank)
    ranked = [
        rows[place].but(rank=rank, family=families[rows[place].family])
        for rank, place in enumerate(order, 1)
    ]
    of_row = dict(enumerate(fits))
    return ranked, [of_row.get(place) for place in order[: len(fits)]]


def table(rows, columns):
    """Return rows, or a dict of columns, as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns))
