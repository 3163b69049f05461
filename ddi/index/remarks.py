"""What is to be said of a result besides its cells."""

from dataclasses import replace


def added(result, contents=None):
    """Return a `ddi.index.result.Result` with what its first cell implies.

    Parameters
    ----------
    result : ddi.index.result.Result
    contents : ddi.index.contents.Contents, optional
        Of the formula that the user gave.
    """
    notes = []
    if contents is not None and len(result.cells):
        notes.append(contents.said(float(result.cells.volume.iloc[0])))
    return replace(result, notes=tuple(notes))
