"""No damaged file makes a traceback: mutations of valid files of every format, a fixed seed."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddi.base.errors import DDIError
from ddi.bench import fuzz
from ddi.index import readers
from ddi.index.readers import opening, registry


def test_damaged_files_are_read_or_refused():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # whose peak of memory is its own
        outcome = pool.submit(fuzz.attack, number=7, n=1500, seed=1).result()
    assert not outcome.failures
    assert outcome.slowest[0] < fuzz.HANG and outcome.peak_mb < 1000
    assert {"refused", "Peaks", "Pattern"} <= set(outcome.answers)


def test_the_same_seed_damages_alike():
    contents = list(fuzz.seeds().values())
    first, again = (
        [fuzz.mutated(content, contents, np.random.default_rng(2)) for content in contents]
        for _ in range(2)
    )
    assert first == again and first != contents


def test_every_seed_is_read_before_it_is_damaged():
    readable = 0
    for name, content in fuzz.seeds().items():
        try:
            registry.parse(opening.Input("a.txt", content, readers.MAX_BYTES), 1.54)
            readable += 1
        except DDIError as error:
            assert "--unit" in str(error) or name in ("structured array", "GSAS-II peaks", "DIF")
    assert readable > 20


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_edit_of_a_valid_file_makes_a_traceback(data):
    content = data.draw(st.sampled_from(list(fuzz.seeds().values())))
    at = data.draw(st.integers(0, len(content)))
    changed = content[:at] + data.draw(st.binary(max_size=12)) + content[at + 3 :]
    try:
        registry.parse(opening.Input("a", changed, readers.MAX_BYTES, "2theta"), 1.54)
    except DDIError as error:
        assert str(error)


@pytest.mark.slow
def test_thousands_of_damaged_files():
    done = fuzz.run(2_500, seed=9)  # `python -m ddi bench fuzz` does 10,000
    assert done["failed"] == 0, done["kinds"]
