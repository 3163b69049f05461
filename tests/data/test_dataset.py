"""The dataset file: columns and metadata, chunks that resume, and what the models are handed."""

import json
import os
import signal
import threading

import gemmi
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from crystals import made

import ddi
from ddi.base.errors import DDIError
from ddi.data import dataset
from ddi.forward import bragg, lattice
from ddi.forward.constants import FORWARD

GROUPS = ("P 21 21 2", "F m -3 m", "P -1", "R -3 m:H", "P 1 21/c 1", "P 6/m m m", "I 4/m m m")


@pytest.fixture(scope="module")
def entries():
    return [made(gemmi.SpaceGroup(symbol), seed) for seed, symbol in enumerate(GROUPS)]


def same(path, other):
    return all(
        path.with_name(name).read_bytes() == other.with_name(name).read_bytes()
        for name in (path.name, "patterns.npy")
    )


def test_rows_units_and_version(entries, study):
    n = dataset.build(entries, study.interim / "dataset.parquet", sources="abc")
    frame = dataset.load(study)
    assert n == len(frame) == len(entries) and frame.identifier.tolist() == [
        e.identifier for e in entries
    ]
    schema = pq.read_schema(study.interim / "dataset.parquet")
    assert (
        schema.metadata[b"ddi"].decode() == ddi.__version__
        and schema.metadata[b"sources"] == b"abc"
    )
    assert json.loads(schema.metadata[b"units"])["q2_1"].endswith("A^-2")
    assert set(frame.lattice_system) == set(lattice.SYSTEMS)
    assert [len(h) for h in frame.hkl_1] == [3 * len(q) for q in frame.q2_1]
    assert frame.q2_1.map(len).max() == FORWARD.n_lines
    patterns = np.load(study.interim / "patterns.npy")
    assert patterns.shape == (len(frame), 4501)
    assert not list(study.interim.glob("*.chunks"))


def test_two_processes_and_an_interrupted_build_give_the_same(entries, study, monkeypatch):
    monkeypatch.setattr(dataset, "CHUNK", 2)
    dataset.build(entries, study.interim / "a" / "dataset.parquet")
    dataset.build(entries, study.interim / "b" / "dataset.parquet", n_jobs=2)
    assert same(study.interim / "a" / "dataset.parquet", study.interim / "b" / "dataset.parquet")
    done = []
    row = dataset.row

    def broken(entry, **options):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(entry.identifier)
        return row(entry, **options)

    monkeypatch.setattr(dataset, "row", broken)
    target = study.interim / "c" / "dataset.parquet"
    with pytest.raises(KeyboardInterrupt):
        dataset.build(entries, target)
    assert not target.exists()
    done.clear()
    dataset.build(entries, target)
    assert done == [entry.identifier for entry in entries[4:]]
    assert same(study.interim / "a" / "dataset.parquet", target)


def test_the_pattern_ends_where_asked(entries, study):
    dataset.build(entries, study.interim / "dataset.parquet", two_theta_max=60.0)
    frame = dataset.load(study, ["q2_1"])
    assert max(q[-1] for q in frame.q2_1) <= bragg.q2_of(60.0, bragg.WRITEUP_WAVELENGTH)
    assert np.load(study.interim / "patterns.npy").shape[1] == 3001


def test_no_entries_make_an_empty_dataset(study):
    assert dataset.build([], study.interim / "dataset.parquet") == 0
    assert len(dataset.load(study)) == 0


def test_training_and_test_rows(entries, study):
    dataset.build(entries, study.interim / "dataset.parquet")
    frame = dataset.load(study)
    split = ["train", "test", "train", "test", "test", "train", "train"]
    groups = frame[["identifier", "lattice_system", "bravais"]].assign(group="g", split=split)
    groups.to_parquet(study.interim / "groups.parquet")
    columns = ["identifier", "lattice_system", "bravais", "unique_axis", "cell"]
    augmented = frame[columns].assign(
        parent=frame.identifier, augmented=True, group="g", split=split, q2=frame.q2_2
    )
    augmented.to_parquet(study.interim / "augmented.parquet")
    for system, own in zip(frame.lattice_system, split):
        mine, other = (
            (dataset.training, dataset.test) if own == "train" else (dataset.test, dataset.training)
        )
        assert len(mine(study, system)) == 1 and len(other(study, system)) == 0
        assert mine(study, system).q2[0].size >= lattice.N_PEAKS[system]
    assert list(dataset.training(study, "cubic").columns) == list(
        dataset.test(study, "cubic").columns
    )


def test_stack():
    series = pd.Series([np.arange(6), np.arange(9)], name="hkl_2")
    assert dataset.stack(series, 4).shape == (2, 4)
    assert dataset.stack(series, 2, width=3).shape == (2, 2, 3)
    with pytest.raises(DDIError, match="1 rows of 'hkl_2' have fewer than 3 peaks"):
        dataset.stack(series, 3, width=3)


def test_missing_files_say_what_to_run(study):
    with pytest.raises(DDIError, match="run notebook 02 first"):
        dataset.load(study)
    with pytest.raises(DDIError, match="run notebook 04 first"):
        dataset.training(study, "cubic")


def test_a_dask_cluster_gives_the_same_even_when_a_worker_dies(entries, study, monkeypatch):
    distributed = pytest.importorskip("dask.distributed")
    monkeypatch.setattr(dataset, "CHUNK", 1)
    dataset.build(entries, study.interim / "a" / "dataset.parquet")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        kill = threading.Timer(
            1.0, lambda: os.kill(list(client.run(os.getpid).values())[0], signal.SIGKILL)
        )
        kill.start()
        dataset.build(entries, study.interim / "b" / "dataset.parquet", cluster=client)
        kill.join()
    assert same(study.interim / "a" / "dataset.parquet", study.interim / "b" / "dataset.parquet")
