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


@pytest.fixture(scope="session")
def smoke_studies(tmp_path_factory):
    """Name -> future of a smoke study: its folder and what it printed; see `smoke_studies.py`."""
    from smoke_studies import SmokeStudies

    studies = SmokeStudies(tmp_path_factory.mktemp("studies"))
    yield studies.found
    studies.close()


@pytest.fixture(scope="session", autouse=True)
def studies_begin_early(request):
    """Start the smoke studies before the first test, if any test asks for one."""
    if any("smoke_studies" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("smoke_studies")
