"""The executed notebooks of the default run, cleaned, in the place of the sources.

What a visitor sees on a code-hosting site: figures as PNG and rounded tables; no progress bars,
time stamps or messages. The fingerprint of code, parameters and `ddi` sources is kept in the
metadata, and tests compare it.
"""

import json
import re

from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.base.paths import DEFAULT, Study
from ddi.study import processes, readme, runner, stamps

LIMIT_MIB = 8.0  # of all published notebooks together
_KEPT = ("image/png", "text/html", "text/markdown", "text/plain")


def publish(root=None):
    """Put the executed notebooks of a complete default run in place, and its numbers in the README;
    return the notebooks' names.

    Raises
    ------
    DDIError
        If a step of the default run is not current, or the notebooks are too large together.
    """
    with processes.started(DEFAULT):
        study = Study(DEFAULT, root)
        chosen = runner.steps(study)
        stale = {step.name: why for step in chosen if (why := stamps.why_stale(step))}
    if stale:
        name, why = next(iter(stale.items()))
        raise DDIError(
            f"{len(stale)} of {len(chosen)} notebooks are not current, the first {name} ({why}); "
            "run `python -m ddi study`, then publish"
        )
    texts = {step.notebook: _published(step) for step in chosen}
    mib = sum(map(len, texts.values())) / 2**20
    if mib > LIMIT_MIB:
        raise DDIError(f"the notebooks have {mib:.1f} MiB together, at most {LIMIT_MIB} are wanted")
    for path, text in texts.items():
        with atomic(path) as target:
            target.write_text(text, encoding="utf-8")
    readme.write(study.root)
    return [path.name for path in texts]


def _published(step):
    """Return a step's notebook as text: the source's cells, each with its cleaned outputs."""
    executed = json.loads(step.executed.read_text(encoding="utf-8"))
    ran = [cell for cell in executed["cells"] if cell["cell_type"] == "code"]
    ran = [c for c in ran if "injected-parameters" not in c["metadata"].get("tags", [])]
    notebook = step.content
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, done) in enumerate(zip(cells, ran, strict=True), start=1):
        cell["execution_count"] = number
        cell["outputs"] = [clean for output in done["outputs"] if (clean := _clean(output))]
        for output in cell["outputs"]:
            if "execution_count" in output:
                output["execution_count"] = number
    notebook["metadata"]["ddi"]["fingerprint"] = stamps.fingerprint(notebook, step.parameters)
    notebook["metadata"]["language_info"] = {"name": "python"}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _clean(output):
    """Return an output without what no reader needs, or nothing."""
    kind = output["output_type"]
    if kind == "stream":
        text = "".join(output["text"])
        if output["name"] == "stderr" or not text.strip():
            return None
        return {"name": "stdout", "output_type": kind, "text": text.splitlines(keepends=True)}
    if kind not in ("display_data", "execute_result"):
        return None
    data = {name: value for name, value in output["data"].items() if name in _KEPT}
    if "text/html" in data or "text/markdown" in data or "image/png" in data:
        data.pop("text/plain", None)  # addresses in memory, and the same again
    if "text/html" in data:
        data["text/html"] = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.S)
    kept = {"data": data, "metadata": {}, "output_type": kind}
    return (kept | ({"execution_count": 0} if kind == "execute_result" else {})) if data else None
