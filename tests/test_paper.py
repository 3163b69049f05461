"""The paper: every number is a macro that a run wrote, every float is referred to, none dangles."""

import re
import shutil
import subprocess
from functools import cache

import pytest
from conftest import ROOT

PAPER = ROOT / "paper"
DOCUMENTS = ["main", "supplement"]
GREEK = {"Delta", "Gamma", "Lambda", "Sigma", "Omega", "IfFileExists"}
OWN_MACROS = r"\\(?:re)?newcommand\{\\([A-Za-z]+)\}"


def without_comments(text):
    return re.sub(r"(?<!\\)%.*", "", text)


@cache
def source(name):
    """A document with what it inputs put in place."""

    def put(match):
        path = PAPER / match[1]
        return source_of(path if path.suffix else path.with_suffix(".tex"))

    def source_of(path):
        text = without_comments(path.read_text(encoding="utf-8"))
        return re.sub(r"\\input\{([^}]+)\}", put, text)

    return source_of(PAPER / f"{name}.tex")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_number_of_the_text_was_written_by_a_run(name):
    known = set(re.findall(OWN_MACROS, source(name)))
    text = without_comments((PAPER / f"{name}.tex").read_text(encoding="utf-8"))
    used = set(re.findall(r"\\([A-Z][a-zA-Z]{4,})", text))
    assert used - known - GREEK == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_table_and_figure_is_referred_to_and_every_reference_has_a_label(name):
    labels = set(re.findall(r"\\label\{([^}]+)\}", source(name)))
    references = set(re.findall(r"\\(?:eq)?ref\{([^}]+)\}", source(name)))
    assert references <= labels
    floats = {label for label in labels if label.startswith(("tab:", "fig:"))}
    assert floats and floats <= references


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_figure_is_there(name):
    names = re.findall(r"\\widefigure\{([^}]+)\}", source(name))
    missing = [figure for figure in names if not (ROOT / "figures" / f"{figure}.pdf").exists()]
    assert names and not missing


def test_every_citation_is_in_the_references_and_every_reference_is_cited():
    entries = set(re.findall(r"@\w+\{([^,]+),", (PAPER / "refs.bib").read_text(encoding="utf-8")))
    cited = re.findall(r"\\cite\{([^}]+)\}", source("main"))
    assert entries == {key.strip() for group in cited for key in group.split(",")}


def test_results_hold_no_typed_percentage():
    text = (PAPER / "main.tex").read_text(encoding="utf-8")
    results = without_comments(text[text.index(r"\section{Results}") :])
    typed = re.findall(r"(?<![\\A-Za-z{.\d])\d+(?:\.\d+)?\s*~?\\%", results)
    assert [number for number in typed if not number.startswith(("5~", "10~", "95~"))] == []


def faults(log):
    """Return the lines of a LaTeX log that a reader of the pages would notice."""
    joined = re.sub(r"(?<=.{79})\n", "", log)
    return re.findall(
        r"^(?:!.*|Overfull .*|LaTeX Warning: (?:Reference|Citation|There were undefined).*)$",
        joined,
        re.M,
    )


def test_faults_are_found_in_a_log():
    fine = "This is pdfTeX\nUnderfull \\hbox (badness 1) in paragraph\n"
    assert faults(fine) == []
    assert len(faults(fine + "Overfull \\hbox (3.1pt too wide) in paragraph at lines 1--2\n")) == 1
    assert len(faults(fine + "LaTeX Warning: Reference `tab:x' on page 1 undefined\n")) == 1
    assert len(faults(fine + "! Undefined control sequence.\n")) == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX is installed")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_build_without_overfull_boxes_and_undefined_references(name, tmp_path):
    shutil.copytree(PAPER, tmp_path / "paper")
    (tmp_path / "figures").symlink_to(ROOT / "figures")
    for left in (tmp_path / "paper").glob(f"{name}.[abflo]*"):
        left.unlink()
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", f"{name}.tex"]
    subprocess.run(command, cwd=tmp_path / "paper", capture_output=True, check=False, timeout=300)
    log = (tmp_path / "paper" / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    assert faults(log) == []
    assert (tmp_path / "paper" / f"{name}.pdf").exists()


def test_the_text_is_short_enough_for_a_journal():
    text = source("main")
    assert text.count(r"\begin{table}") <= 5 and 6 <= text.count(r"\begin{figure}") <= 8
