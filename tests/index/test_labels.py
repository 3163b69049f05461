"""Indices in a figure: the strong lines have theirs, and no two overlap."""

import itertools

import matplotlib.pyplot as plt
import numpy as np

from ddi.index import labels


def test_strongest_come_first_and_keep_their_distance():
    at = np.array([1.0, 1.4, 2.1, 5.0, 5.2])
    strength = np.array([3.0, 9.0, 5.0, 1.0, 2.0])
    assert labels.with_room(at, strength, 1.0) == [1, 4]
    assert labels.with_room(at, strength, 0.5, most=3) == [1, 2, 4]


def test_labels_do_not_overlap():
    rng = np.random.default_rng(0)
    at = np.sort(rng.uniform(10, 90, 120))
    strength = rng.exponential(1, 120)
    fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    axes.vlines(at, 0, strength)
    axes.set_xlim(5, 95)
    labels.write(axes, at, strength, rng.integers(-12, 13, (120, 3)), strength)
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) > 15
    for one, other in itertools.combinations(boxes, 2):
        assert one.x1 <= other.x0 or other.x1 <= one.x0
    plt.close(fig)
