"""The same results from one process, two processes and a Dask cluster, also when a worker dies
half-way.
"""

import os
import signal
import time

import pytest

from ddi.base.parallel import map_parallel, progress


def square(number):
    return number * number


def slow_square(number):
    time.sleep(0.05)
    return number * number


def pid(_):
    time.sleep(0.02)
    return os.getpid()


ITEMS = list(range(40))


def test_two_processes_equal_one():
    assert (
        map_parallel(square, ITEMS, n_jobs=2)
        == map_parallel(square, ITEMS, n_jobs=1)
        == [n * n for n in ITEMS]
    )


def test_two_processes_are_used():
    assert os.getpid() not in set(map_parallel(pid, ITEMS, n_jobs=2))


@pytest.fixture(scope="module")
def cluster():
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as local,
        Client(local) as client,
    ):
        yield client


def test_dask_equals_one_process(cluster):
    assert map_parallel(square, ITEMS, cluster=cluster) == [n * n for n in ITEMS]


def test_a_killed_worker_changes_nothing(cluster):
    import threading

    victim = next(iter(cluster.run(os.getpid).values()))
    threading.Timer(0.4, os.kill, (victim, signal.SIGKILL)).start()
    assert map_parallel(slow_square, ITEMS, cluster=cluster) == [n * n for n in ITEMS]


def test_a_log_gets_plain_lines(capsys):
    assert list(progress(range(3), "counting")) == [0, 1, 2]
    assert "counting: done, 3 in" in capsys.readouterr().err
