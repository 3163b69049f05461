"""The house: rooms import one way, and every file looks as ruff would have it."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

BIN = Path(sys.executable).parent


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
