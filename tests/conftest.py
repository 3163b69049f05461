"""What several tests share: the repository, the default dataset where it has been made, and a copy
of the study elsewhere.
"""

import os
from pathlib import Path

import matplotlib
import pytest

matplotlib.use("Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return ROOT


@pytest.fixture
def study(tmp_path):
    """An empty study in a temporary folder."""
    from ddi.base.paths import Study

    return Study("test", tmp_path)
