"""A study that is killed, and one whose Dask worker is killed, end with the same tables."""

import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest

from ddi.bench import kills

ONLY = ("01",)
N_KILLS = 2  # `python -m ddi bench kills` does 20, over two notebooks


def test_tables_differ_in_what_is_no_matter_of_the_clock():
    one = {"a": pd.DataFrame({"n": [1, 2]})}
    assert kills.are_equal(one, {"a": pd.DataFrame({"n": [1, 2]})})
    assert not kills.are_equal(one, {"a": pd.DataFrame({"n": [1, 3]})})
    assert not kills.are_equal(one, {}) and not kills.are_equal({}, {})


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The cut study killed at random moments: its folder, what was seen, and its tables."""
    root = tmp_path_factory.mktemp("killed") / "root"
    seen = kills.run(root, N_KILLS, seed=1, only=ONLY)
    return root, seen, kills.tables(root, kills.PROFILE)


@pytest.mark.study
def test_killed_at_random_moments(killed):
    _, seen, _ = killed
    assert seen["equal"] == seen["n"] == N_KILLS and seen["tables"] > 2, seen
    assert seen["alive"] == seen["left"] == 0, seen


def dask(part):
    return [sys.executable, "-m", f"distributed.cli.dask_{part}"]


@pytest.mark.study
def test_a_worker_killed_while_it_computes(killed, tmp_path):
    """A scheduler and two workers as processes of their own, one of them killed half-way."""
    from dask.distributed import Client

    root, _, tables = killed
    kills.forget(root)
    file = tmp_path / "scheduler.json"
    own = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = subprocess.Popen([*dask("scheduler"), "--port", "0", *place], **own)
    worker = [*dask("worker"), "--nworkers", "1", "--nthreads", "1", "--no-nanny", *place]
    workers = [subprocess.Popen(worker, **own) for _ in range(2)]
    try:
        with Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
            study = kills.start(root, ONLY, "--cluster", address)
            until = time.monotonic() + 200
            while time.monotonic() < until and not any(client.processing().values()):
                time.sleep(0.1)
            assert study.poll() is None, "the study ended before a worker computed"
            time.sleep(0.5)
            workers[0].kill()
            assert study.wait(400) == 0
            assert len(client.scheduler_info()["workers"]) == 1
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
    again = kills.tables(root, kills.PROFILE)
    assert kills.are_equal(tables, again)
    shutil.rmtree(root)
