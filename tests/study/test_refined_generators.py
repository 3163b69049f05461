"""Raw beside refined draws, and what the template network says of itself."""

import numpy as np
import pandas as pd
import pytest

from ddi.forward import lattice
from ddi.models import index_sets
from ddi.study import refined_generators


class Sure:
    """Two sets for orthorhombic patterns whose first three peaks are 100, 010 and 001: this, and
    one that is wrong.
    """

    peaks = np.array([[0, 1, 2], [0, 1, 2]], dtype=np.int8)
    spread = index_sets.spread(
        np.array([[[0, 0, 1], [0, 1, 0], [1, 0, 0]], [[0, 0, 2], [0, 1, 0], [1, 0, 0]]]),
        "orthorhombic",
    )

    def predict(self, q2):
        return np.log(np.tile([0.8, 0.2], (len(q2), 1)))

    def usable(self, cells):
        return np.sort(cells, axis=-1) if cells.shape[-1] == 3 else cells


@pytest.fixture
def tests():
    cells = np.array([[5, 7, 9, 90, 90, 90], [6, 7, 8, 90, 90, 90.0]])
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3), axis=-1).reshape(-1, 3)
    q2 = [np.unique(np.round(v[v > 0], 9))[:20] for v in lattice.q2(grid, cells)]
    axes = [v[:1] for v in q2]
    assert np.allclose(np.ravel(axes), cells[:, 2] ** -2.0)
    first = [np.concatenate([c[2::-1] ** -2.0, v[-17:]]) for c, v in zip(cells, q2)]
    return pd.DataFrame({"cell": list(cells), "q2": first, "unique_axis": -1}), q2


def test_what_is_said_and_what_is_right(tests):
    rows = refined_generators.sureness(Sure(), tests[0], "orthorhombic")
    np.testing.assert_allclose(rows["given"], 0.8)
    assert rows["right"].all()
    table = refined_generators.sureness_table(rows)
    assert table[["right", "n"]].to_numpy().tolist() == [[2, 2]] and table["observed"].iloc[0] == 1


def test_refining_brings_cells_near(tests):
    frame, q2 = tests
    frame = frame.assign(q2=q2)
    truth = np.array(frame["cell"].tolist())
    far = truth[:, None] * np.array([1.03, 0.98, 1.02, 1, 1, 1])
    cells = {"orthorhombic": {"nearest": far}}
    arguments = {"orthorhombic": truth}, {"orthorhombic": frame}
    row = refined_generators.raw_and_refined(cells, *arguments, 0.005).iloc[0]
    assert row["raw"] == 0 and row["refined"] == 2 == row["patterns"]
    table = refined_generators.refined_table(pd.DataFrame([row]))
    assert list(table.columns) == ["generator", "raw / %", "refined / %"]
