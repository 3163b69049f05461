"""Doing the same thing to many items: with a progress bar, on several cores or on a Dask cluster.

Results come back in the order of the items, so nothing depends on how many workers there are.
"""

import contextlib
import sys
import time

import joblib
from tqdm import tqdm

PLAIN_SECONDS = 15.0  # how often a log file hears of progress


def progress(iterable, desc, total=None):
    """Iterate with a bar on a terminal and a plain line now and then in a log.

    Parameters
    ----------
    iterable : iterable
    desc : str
        What is being done, e.g. ``"reading amcsd"``.
    total : int, optional
        Number of items where `iterable` does not know.
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    if sys.stderr.isatty():
        yield from tqdm(iterable, desc=desc, total=total, mininterval=0.5)
        return
    started = last = time.monotonic()
    count = 0
    for item in iterable:
        yield item
        count += 1
        now = time.monotonic()
        if now - last > PLAIN_SECONDS:
            last = now
            print(
                f"{desc}: {count}{f' of {total}' if total else ''}, {now - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    print(
        f"{desc}: done, {count} in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True
    )


def map_parallel(func, items, *, n_jobs=1, desc="", cluster=None):
    """Return ``[func(item) for item in items]``, computed by `n_jobs` processes or on a Dask
    cluster.

    Parameters
    ----------
    func : callable
        Of one argument; must be picklable when `n_jobs` > 1.
    items : sequence
    n_jobs : int
        Processes on this machine; 1 stays in this process.
    desc : str
        Shown with the progress.
    cluster : str or dask.distributed.Client, optional
        Address of a running Dask scheduler, e.g. ``"tcp://10.0.0.1:8786"``, or a client; takes the
        place of `n_jobs`.

    Returns
    -------
    list
        In the order of `items`.
    """
    items = list(items)
    if cluster is None and (n_jobs == 1 or len(items) < 2):
        return [func(item) for item in progress(items, desc)]
    with _backend(cluster):
        jobs = (joblib.delayed(func)(item) for item in items)
        results = joblib.Parallel(
            n_jobs=-1 if cluster else n_jobs, return_as="list" if cluster else "generator"
        )(jobs)
        return list(progress(results, desc, total=len(items)))


@contextlib.contextmanager
def _backend(cluster):
    if cluster is None:
        yield
        return
    from dask.distributed import Client

    owned = isinstance(cluster, str)
    client = Client(cluster) if owned else cluster
    try:
        with joblib.parallel_config(backend="dask", client=client):
            yield
    finally:
        if owned:
            client.close()
