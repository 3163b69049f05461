"""What a step's result depends on, and whether its last run still holds.

A stamp is a JSON file: the hashes of the notebook's code, of its parameters, of the `ddi` modules
that it imports (without docstrings and layout), of the files that it reads, and of those that it
wrote. A stamp that cannot be read, or lacks a key, is no stamp.
"""

import ast
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

from ddi.base.files import atomic, sha256
from ddi.study.tables import macros_of

PACKAGE = Path(__file__).resolve().parents[1]
FORMAT = 2
KEYS = {"format": int, "depends": dict, "outputs": dict, "seconds": float, "peak_mib": int}
_DATA_FILE = re.compile(r"""["']([\w.-]+\.(?:npz|json|yml|xlsx))["']""")
_FUNCTION = re.compile(r'"([a-z]\w*)\.[a-z]\w*"')  # "module.function", as tables of formats name it


def read_stamp(path):
    """Return a stamp, or None where there is no valid one."""
    try:
        stamp = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    valid = isinstance(stamp, dict) and all(
        isinstance(stamp.get(key), (int, float) if kind is float else kind)
        for key, kind in KEYS.items()
    )
    return stamp if valid and stamp["format"] == FORMAT else None


def write_stamp(path, depends, outputs, seconds, peak_mib):
    """Write a stamp and return it."""
    stamp = {
        "format": FORMAT,
        "depends": depends,
        "outputs": outputs,
        "seconds": round(float(seconds), 1),
        "peak_mib": round(peak_mib),
    }
    with atomic(path) as target:
        target.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    return stamp


def dependencies(step):
    """Return label -> hash of everything that a step's result depends on."""
    source = code_of(step.content)
    found = {"its code": _hash(source)}
    found |= {f"parameter {name}": _hash(value) for name, value in step.parameters.items()}
    found |= {path.relative_to(PACKAGE.parent).as_posix(): module_hash(path)
              for path in imported("\n".join(source))}  # fmt: skip
    inputs = step.study.files(step.io["reads"])
    return found | {label: _input_hash(label, path) for label, path in inputs.items()}


def outputs(step):
    """Return label -> hash of the files that a step wrote, and of its macros for the paper."""
    study = step.study
    root = study.root
    found = {label: sha256(path) for label, path in study.files(step.io["writes"]).items()}
    number = step.name[:2]
    folders = {study.figures, study.tables, study.results / "figures", study.results / "tables"}
    names = [f"{number}_*"] + ["00_workflow.*"] * (
        number == "01"
    )  # drawn there for the whole study
    written = [path for folder in folders for name in names for path in folder.glob(name)]
    written += [study.numbers / f"{number}.json", step.executed]
    found |= {path.relative_to(root).as_posix(): sha256(path) for path in sorted(written)
              if path.is_file()}  # fmt: skip
    macros = macros_of(study, number)
    return found | ({f"numbers.tex, {number}": _hash(macros)} if macros else {})


def why_stale(step):
    """Return why a step must run, in a few words, or nothing where its last run holds."""
    if not step.stamp.exists():
        return "has not run"
    stamp = read_stamp(step.stamp)
    if stamp is None:
        return "its stamp cannot be read"
    return _difference(stamp["depends"], dependencies(step), "new", "changed", "gone") or (
        _difference(stamp["outputs"], outputs(step), "not its own", "changed since", "deleted")
    )


def _difference(before, now, added, changed, removed):
    words = [f"{name} {removed}" for name in sorted(before.keys() - now.keys())]
    words += [f"{name} {added}" for name in sorted(now.keys() - before.keys())]
    words += [f"{name} {changed}" for name in sorted(now) if name in before
              and now[name] != before[name]]  # fmt: skip
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def code_of(notebook):
    """Return the sources of a notebook's code cells; the runner's own cell is left out."""
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        and "injected-parameters" not in cell["metadata"].get("tags", [])
    ]


def fingerprint(notebook, parameters):
    """Return the hash of a notebook's code, its parameters and the `ddi` sources that it uses."""
    source = code_of(notebook)
    files = {path.relative_to(PACKAGE).as_posix(): module_hash(path)
             for path in imported("\n".join(source))}  # fmt: skip
    return _hash([source, parameters, files])


def _hash(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _input_hash(label, path):
    if path is None:
        return "not set"
    if label.startswith("$DDI_COD"):  # half a million files: size and time say enough
        return f"{path.stat().st_size} {path.stat().st_mtime_ns}"
    return sha256(path)


def module_hash(path):
    """Hash a module's syntax tree without docstrings, so that layout and words rerun nothing; a
    data file by its bytes.
    """
    if path.suffix != ".py":
        return sha256(path)
    return _tree_hash(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _tree_hash(path, _written):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_text(item)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node):
    is_expression = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_expression and isinstance(node.value.value, str)


def imported(source, seen=None):
    """Return the files of the `ddi` modules that a piece of Python imports, directly or through one
    another, and the data files and functions of modules beside them that they name.
    """
    seen = set() if seen is None else seen
    lines = "\n".join("" if re.match(r"\s*[%!]", line) else line for line in source.splitlines())
    for node in ast.walk(ast.parse(lines)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            _follow(name.split("."), seen)
    return sorted(seen)


def _follow(parts, seen):
    """Add the module called ``parts`` and all that it imports; ``ddi/__init__`` imports lazily, so
    it stands for nothing that is used.
    """
    if parts[0] != "ddi" or len(parts) == 1:
        return
    stem = PACKAGE.joinpath(*parts[1:])
    path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
    if path.is_file() and path not in seen:
        seen.add(path)
        text = path.read_text(encoding="utf-8")
        beside = (path.parent / name for name in _DATA_FILE.findall(text))
        seen.update(file for file in beside if file.is_file())
        imported(text, seen)
        for name in _FUNCTION.findall(text):
            _follow([*path.relative_to(PACKAGE.parent).parts[:-1], name], seen)
