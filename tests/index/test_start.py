"""What a list of peaks does without: half a second of imports and more."""

import subprocess
import sys

CODE = """
import sys
from ddi.cli import main
main(["index", {peaks!r}])
heavy = "scipy.signal scipy.ndimage scipy.stats matplotlib tensorflow sklearn pyarrow.parquet"
print("HEAVY", [name for name in heavy.split() if name in sys.modules])
"""


def test_a_list_of_peaks_reads_no_pattern_s_modules(root):
    code = CODE.format(peaks=str(root / "data" / "example_peaks.txt"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert "HEAVY []" in done.stdout, done.stdout[-300:] + done.stderr[-2000:]


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
