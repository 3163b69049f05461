"""Mutated files through every reader: what ends in a traceback, hangs or grows.

Two processes read valid files of every format (`ddi.bench.seeds`) after each of them was damaged at
random; a reader may answer or refuse with a `DDIError`, nothing else.
"""

import io
import re
import resource
import signal
import time
import traceback
import warnings
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ddi.base.errors import DDIError
from ddi.bench.registry import benchmark
from ddi.bench.seeds import CU, LISTS, PATTERNS

N_INPUTS = 100_000
HANG = 5  # seconds of CPU, so that other programs do not count
_CHUNK = 2_000  # inputs of one task
_PICKED = 0.01  # share of the patterns read whose peaks are picked, which takes ten times as long
_TOKENS = (
    b"nan inf -inf 1e999 -1 0 1e-320 99999999999999999999 1,5 \xff\xfe \x00 ; , # ( ) [/b] \r \t "
    b"\xc3 --- = \xe2\x82 BANK ## data_ loop_ *RAS_INT_START </a> <!DOCTYPE 2147483647 -2147483648"
).split(b" ")
_SUFFIXES = (".txt", ".npy", ".pkslst", ".chi", ".dat", ".cif", ".raw", ".inp", "")


class Outcome(NamedTuple):
    """What a task saw."""

    n: int
    failures: tuple  # (name of the seed, last line of the traceback, where)
    slowest: tuple  # seconds, name of the seed
    peak_mb: float  # of the process, at its end
    answers: Counter  # how many were read, how many refused


def seeds():
    """Return the content of every valid file, by name."""
    files = {kind: content for kind, (content, _) in LISTS.items()} | PATTERNS
    buffer = io.BytesIO()
    np.save(buffer, np.array([(5.0, 1.0)] * 7, dtype=[("d", "f8"), ("I", "f8")]))
    files["structured array"] = buffer.getvalue()
    files["GSAS-II peaks"] = "#GSAS-II\n" + "[10.5, True, 700.0, True, 25.0, False]\n" * 3
    files["DIF"] = "  2-THETA  INTENSITY  D-SPACING  H K L\n  20.0  10.0  4.43  1 0 0\n"
    as_bytes = {k: c if isinstance(c, bytes) else c.encode() for k, c in files.items()}
    return dict(sorted(as_bytes.items()))


def mutated(content, others, rng):
    """Damage bytes in one or two ways; a zip archive may be damaged inside instead."""
    if content[:2] == b"PK" and rng.random() < 0.5:
        return _inside(content, others, rng)
    for _ in range(rng.integers(1, 3)):
        content = _damaged(content, others, rng)
    return content


def _damaged(content, others, rng):
    size = len(content)
    first, last = np.sort(rng.integers(0, size + 1, 2))
    last = min(last, first + int(rng.choice((1, 8, 100, 10_000))))
    token = _TOKENS[rng.integers(len(_TOKENS))]
    other = others[rng.integers(len(others))]
    kind = rng.integers(7)
    if kind == 0:
        return content[:first] + rng.bytes(last - first) + content[last:]
    if kind == 1:
        return content[:first] + content[last:]
    if kind == 2:
        return content[:last] + content[first:last] * int(rng.choice((1, 3, 30))) + content[last:]
    if kind == 3:
        return content[:first]
    if kind == 4:
        return content[:first] + other[: last - first] + content[last:]
    if kind == 5:
        lines = content.split(b"\n")
        lines[rng.integers(len(lines))] = token
        return b"\n".join(lines)
    return content[:first] + token + content[first:]


def _inside(content, others, rng):
    """Damage a member of an archive and pack it again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        names = old.namelist()
        hit = names[rng.integers(len(names))]
        for name in names:
            whole = old.read(name)
            inside = zipfile.ZipInfo(name)  # without the time of day
            new.writestr(inside, _damaged(whole, others, rng) if name == hit else whole)
    return buffer.getvalue()


def attack(number, n=_CHUNK, seed=0):
    """Read `n` damaged files, and return the `Outcome` of task `number`."""
    rng = np.random.default_rng((seed, number))
    files = seeds()
    names, contents = list(files), list(files.values())
    failures = []
    slowest = (0.0, "")
    answers = Counter()
    signal.signal(signal.SIGPROF, _too_long)
    for _ in range(n):
        at = rng.integers(len(names))
        content = mutated(contents[at], contents, rng)
        started = time.process_time()
        failure, answer = _one(content, rng)
        slowest = max(slowest, (time.process_time() - started, names[at]))
        answers[answer] += 1
        if failure:
            failures.append((names[at], *failure))
    return Outcome(n, tuple(failures), slowest, _peak_mb(), answers)


def _peak_mb():
    """Return the largest memory that this process has held, in MiB; on Linux not that of the one
    that started it, which `getrusage` counts.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s*(\d+)", status.read_text(encoding="utf-8"))[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _too_long(*_):
    raise TimeoutError(f"more than {HANG} s")


def _one(content, rng):
    """Read one file; return what went wrong, or None, and how it ended."""
    from ddi.index.peaks import UNITS, Peaks
    from ddi.index.readers.opening import MAX_BYTES, Input
    from ddi.index.readers.registry import parse

    unit = "2theta" if rng.random() < 0.5 else (None, *UNITS)[rng.integers(len(UNITS) + 1)]
    name = "a[/b]" + _SUFFIXES[rng.integers(len(_SUFFIXES))]
    signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            source = Input(name, content, MAX_BYTES, unit)
            found = parse(source, CU if rng.random() < 0.7 else None)
            if not isinstance(found, Peaks) and rng.random() < _PICKED:
                found = found.peaks()
            sound = not isinstance(found, Peaks) or np.isfinite(found.q2).all()
            return (None if sound else ("not finite", "")), type(found).__name__
    except DDIError as error:
        return (None if str(error).strip() else ("no message", "")), "refused"
    except Exception as error:  # what this bench looks for
        where = traceback.extract_tb(error.__traceback__)[-1]
        own = [f for f in traceback.extract_tb(error.__traceback__) if "ddi" in f.filename][-1]
        said = f"{type(error).__name__}: {str(error)[:80]}"
        return (said, f"{own.filename.split('ddi/')[-1]}:{own.lineno} ({where.name})"), "failed"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def run(n_inputs=N_INPUTS, seed=0, n_jobs=2):
    """Run all tasks; return failures by kind, the slowest input, the largest process and counts."""
    tasks = -(-n_inputs // _CHUNK)
    with ProcessPoolExecutor(n_jobs) as pool:
        done = list(pool.map(partial(attack, seed=seed), range(tasks)))
    failures = Counter((said, where) for part in done for _, said, where in part.failures)
    return {
        "n": sum(part.n for part in done),
        "failed": sum(failures.values()),
        "kinds": [[count, *kind] for kind, count in failures.most_common(20)],
        "slowest": max(part.slowest for part in done),
        "largest_mb": max(part.peak_mb for part in done),
        "answers": dict(sum((part.answers for part in done), Counter())),
    }


@benchmark(
    "fuzz",
    floor=0,
    better="lower",
    about="damaged files of 100,000, all readers, that end in a traceback or take over 5 s",
)
def bench_fuzz():
    done = run()
    return dict(value=done["failed"], unit="inputs", **done)
