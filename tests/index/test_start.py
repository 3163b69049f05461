"""What a list of peaks does without: half a second of imports and more."""

import subprocess
import sys

CODE = """
import sys
from ddi.cli import main
main(["index", {peaks!r}])
heavy = "pandas pyarrow scipy.linalg scipy.signal matplotlib tensorflow sklearn"
print("HEAVY", [name for name in heavy.split() if name in sys.modules])
"""


def test_a_list_of_peaks_reads_neither_tables_nor_what_patterns_need(root):
    code = CODE.format(peaks=str(root / "data" / "example_peaks.txt"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert "HEAVY []" in done.stdout, done.stdout[-300:] + done.stderr[-2000:]


PRODUCTS = """
import sys
from ddi.index.command import _BLAS, _ready_without
_ready_without(_BLAS)
read = _BLAS in sys.modules
import numba, numpy
made = numba.njit(lambda a: a @ a + numpy.linalg.inv(a))(numpy.diag([2.0, 4.0]))
print(read, made.diagonal().tolist())
"""


def test_numba_finds_linear_algebra_after_it_started_without(root):
    done = subprocess.run([sys.executable, "-c", PRODUCTS], capture_output=True, text=True)
    assert done.stdout == "False [4.5, 16.25]\n", done.stdout + done.stderr[-2000:]


FREEZE = """
import atexit, gc
atexit.register(lambda: print(len(gc.get_objects()) < 1000))  # the first one registered runs last
from ddi.cli import main
from ddi.index.command import _imported
main(["index", "no such file"])
first = gc.get_freeze_count()
rest = [[] for _ in range(1000)]
_imported()
print(first > 10_000, gc.get_freeze_count() == first, gc.isenabled())
"""


def test_only_what_the_import_made_is_never_collected_before_the_end(root):
    done = subprocess.run([sys.executable, "-c", FREEZE], capture_output=True, text=True, cwd=root)
    assert done.stdout.split() == ["True"] * 4, done.stdout + done.stderr[-2000:]
