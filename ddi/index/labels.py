"""Miller indices at the strong lines of a figure, where there is room for them."""

import numpy as np

WIDTH = 7.5  # points along the axis that an upright label takes
SIZE = 6  # points
MOST = 30
GAP = 3.0  # points between a peak and its label
FAINT = 0.01  # of the highest peak; weaker lines get none


def bars_over(hkl):
    """Return three indices as text for a figure, bars over negative ones.

    Examples
    --------
    >>> bars_over((1, -2, 0)), bars_over((1, 10, 2))
    ('$1\\\\bar{2}0$', '$1\\\\,10\\\\,2$')
    """
    indices = [int(k) for k in hkl]
    space = r"\," if max(map(abs, indices)) > 9 else ""
    return "$" + space.join(rf"\bar{{{-k}}}" if k < 0 else str(k) for k in indices) + "$"


def with_room(at, strength, distance, most=MOST):
    """Return which places get a label: the strongest first, none nearer than `distance` to one that
    has its own.

    Parameters
    ----------
    at, strength : ndarray, shape (n,)
    distance : float
        In the unit of `at`.
    most : int

    Returns
    -------
    list of int
    """
    chosen = []
    for k in np.argsort(-strength, kind="stable"):
        if len(chosen) < most and all(abs(at[k] - at[other]) >= distance for other in chosen):
            chosen.append(int(k))
    return chosen


def write(axes, at, top, hkl, strength, curve=None):
    """Write the indices above the strong lines and make room for them.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Its limits along x are final.
    at, top : ndarray, shape (n,)
        Of the indexed peaks, in the axes' units.
    hkl : ndarray of int, shape (n, 3)
    strength : ndarray, shape (n,)
        Stronger lines come first, those below `FAINT` of the strongest not at all.
    curve : (ndarray, ndarray), optional
        What is drawn; a label stands above all of it within its own width.
    """
    low, high = axes.get_xlim()
    points = 72 * axes.figure.get_figwidth() * axes.get_position().width
    width = WIDTH * (high - low) / points
    seen = (at >= low) & (at <= high) & (strength > FAINT * strength.max(initial=0))
    at, top, hkl, strength = (values[seen] for values in (at, top, hkl, strength))
    for k in with_room(at, strength, width):
        height = top[k]
        if curve is not None:
            beside = np.abs(curve[0] - at[k]) < 0.6 * width
            height = max(height, curve[1][beside].max(initial=0))
        axes.annotate(
            bars_over(hkl[k]),
            (at[k], height),
            (0, GAP),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=SIZE,
            annotation_clip=False,
        )
    bottom, level = axes.get_ylim()
    axes.set_ylim(bottom, level + 0.16 * (level - bottom))
