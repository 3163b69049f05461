"""Networks are the same whatever the number of processes that train them."""

import numpy as np
import pytest

from ddi.base.paths import Study
from ddi.models import generator
from ddi.study import draw_networks


@pytest.mark.slow
def test_two_processes_train_the_same_networks(tmp_path):
    made = Study("default").interim
    if not (made / "augmented.parquet").exists():
        pytest.skip("no default data: run notebooks 01 to 04")
    options = {"cycles": 1, "epochs": 1, "min_steps": 5, "max_steps": 8}
    models = [generator.kind(kind)(**options) for kind in ("network", "tuned")]
    found = []
    for n_jobs in (1, 2):
        study = Study(f"jobs{n_jobs}", root=tmp_path)
        for name in ("augmented", "dataset", "groups"):
            (study.interim / f"{name}.parquet").symlink_to(made / f"{name}.parquet")
        table, history = draw_networks.train(study, ["rhombohedral"], models, seed=1, n_jobs=n_jobs)
        assert table["generator"].tolist() == ["network", "tuned"]
        found.append((history, study.models))
    assert found[0][0].equals(found[1][0])
    for model in models:
        names = [f"{model.name}_rhombohedral.npz"] * 2
        first, second = (np.load(folder / name) for (_, folder), name in zip(found, names))
        assert first.files == second.files
        assert all(np.array_equal(first[key], second[key]) for key in first.files)
