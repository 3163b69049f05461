"""What the README quotes is what the default run wrote."""

import shutil

import pytest

from ddi.base.errors import DDIError
from ddi.base.paths import ROOT
from ddi.study import readme


def test_the_readme_quotes_the_last_default_run():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.filled(text) == text


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "paper" / "tables").mkdir(parents=True)
    shutil.copy(ROOT / "README.md", tmp_path)
    for name in ("numbers.tex", "readme.md", "tables/00_study.csv"):
        shutil.copy(ROOT / "paper" / name, tmp_path / "paper" / name)
    return tmp_path


def test_a_number_that_changed_changes_the_readme(repository):
    table = repository / "paper" / "tables" / "00_study.csv"
    table.write_text("notebook,time / s,memory / MiB\n01_qc,7260,3072\n")
    numbers = repository / "paper" / "numbers.tex"
    lines = [line for line in numbers.read_text().splitlines() if "PeerFoxFirst}" not in line]
    numbers.write_text("\n".join([*lines, r"\newcommand{\PeerFoxFirst}{7 \% (1--{,}3)}"]))
    readme.write(repository)
    text = (repository / "README.md").read_text()
    assert "121 minutes and 3.0 GiB;" in text and "| 7260 |\n" in text
    assert "has 7 % (1-,3) first" in text
    assert "## Data and licences" in text, "what follows the results is left alone"


def test_a_name_that_no_notebook_wrote_is_refused(repository):
    (repository / "paper" / "readme.md").write_text("{NoSuchNumber} %\n")
    before = (repository / "README.md").read_bytes()
    with pytest.raises(DDIError, match="NoSuchNumber"):
        readme.write(repository)
    assert (repository / "README.md").read_bytes() == before
