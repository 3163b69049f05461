"""The examples in the docstrings of this room run and say what they say."""

import doctest
import importlib

import pytest

import ddi.forward


@pytest.mark.parametrize("name", ddi.forward.__all__)
def test_examples(name):
    module = importlib.import_module(f"ddi.forward.{name}")
    found = doctest.testmod(module)
    assert found.failed == 0


def test_there_are_examples():
    modules = [importlib.import_module(f"ddi.forward.{name}") for name in ddi.forward.__all__]
    finder = doctest.DocTestFinder()
    examples = [test for module in modules for test in finder.find(module) if test.examples]
    assert len(examples) >= 12
