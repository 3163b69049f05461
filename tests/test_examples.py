"""The examples in docstrings run and say what they say."""

import doctest
import importlib

import pytest
from conftest import ROOT

import ddi.forward

WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "ddi").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    modules = [importlib.import_module(f"ddi.forward.{name}") for name in ddi.forward.__all__]
    finder = doctest.DocTestFinder()
    examples = [test for module in modules for test in finder.find(module) if test.examples]
    assert len(examples) >= 12
