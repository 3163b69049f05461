"""The house: rooms import one way, every file looks as ruff would have it, nothing is too long."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

BIN = Path(sys.executable).parent
FILES = sorted((ROOT / "ddi").rglob("*.py"))
MOST_LINES = 300  # of a file
MOST_OF_FUNCTION = 40  # lines without the docstring; compiled loops may be longer, see `_compiled`
MOST_PACKED = 0.02  # share of assignments that pack several names into one line


@pytest.mark.parametrize(
    "command",
    [
        ("lint-imports", "--no-cache"),
        ("ruff", "check", "ddi", "tests"),
        ("ruff", "format", "--check", "ddi", "tests"),
    ],
    ids=["imports", "lint", "format"],
)
def test_code_keeps_the_house_rules(command):
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _compiled(function):
    """Whether numba compiles a function: its loops share local arrays, and calls would cost."""
    marks = " ".join(ast.unparse(entry) for entry in function.decorator_list)
    return "jit" in marks or "compiled" in marks


def _length(function):
    docstring = ast.get_docstring(function, clean=False)
    own = len(docstring.split("\n")) if docstring else 0
    return function.end_lineno - function.lineno + 1 - own


def test_no_file_is_long():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    too_long = {path.relative_to(ROOT).as_posix() for path in FILES if lengths[path] > MOST_LINES}
    assert not too_long


def test_no_function_is_long():
    too_long = [
        f"{path}:{node.lineno} {node.name} {_length(node)}"
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _length(node) > MOST_OF_FUNCTION
        and not _compiled(node)
    ]
    assert not too_long


def test_one_assignment_a_line():
    assignments = [
        node for path in FILES for node in ast.walk(parsed(path)) if isinstance(node, ast.Assign)
    ]
    packed = [
        node
        for node in assignments
        if isinstance(node.value, ast.Tuple)
        and any(isinstance(target, ast.Tuple) for target in node.targets)
    ]
    assert len(packed) < MOST_PACKED * len(assignments)


@pytest.mark.parametrize(
    "room", ["base", "forward", "data", "models", "mcmc", "index", "study", "bench"]
)
def test_every_room_says_what_it_is_and_imports_nothing(room):
    tree = parsed(ROOT / "ddi" / room / "__init__.py")
    assert len(ast.get_docstring(tree) or "") > 200
    names = {ast.unparse(n) for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)}
    assert names <= {"import importlib", "import pkgutil", "from importlib import import_module"}
