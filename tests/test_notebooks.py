"""The notebooks keep their contract, and the paper quotes only what they wrote."""

import ast
import json
import re

import pytest
import yaml
from conftest import ROOT

from ddi.study.runner import parameter_types

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
NAMES = [
    "01_qc", "02_dedup", "03_grouping", "04_augment", "05_neural_networks", "06_random_forest",
    "07_rf_vs_nn", "08_assignment", "09_optimize", "10_rruff_eval", "11_index_your_pattern",
]  # fmt: skip


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_all_notebooks_are_there():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestContract:
    def test_has_no_outputs_and_a_kernel(self, path):
        assert not any(cell["outputs"] or cell["execution_count"] for cell in cells(path, "code"))
        assert json.loads(path.read_text())["metadata"]["kernelspec"]["name"] == "python3"

    def test_opens_with_its_number_and_question(self, path):
        first = source(cells(path, "markdown")[0])
        assert re.match(rf"# {path.stem[:2]} · .+\?", first), first[:80]

    def test_closes_with_what_we_learned_and_a_committed_figure(self, path):
        last = source(json.loads(path.read_text())["cells"][-1])
        assert "What we learned" in last
        figures = re.findall(r"\(\.\./figures/([^)]+\.png)\)", last)
        assert all((ROOT / "figures" / name).exists() for name in figures)

    def test_parameters_are_annotated_and_commented(self, path):
        (cell,) = [
            cell for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])
        ]
        tree = ast.parse(source(cell))
        assert all(isinstance(node, ast.AnnAssign) for node in tree.body)
        assert all("#" in line for line in source(cell).splitlines() if re.match(r"\w+:", line))

    def test_says_what_it_reads_and_writes(self, path):
        io = json.loads(path.read_text())["metadata"]["ddi"]
        assert set(io) == {"reads", "writes"}

    def test_cells_are_short(self, path):
        assert max(source(cell).count("\n") + 1 for cell in cells(path, "code")) <= 40

    @pytest.mark.parametrize("profile", ["smoke", "default", "full"])
    def test_profiles_name_only_parameters_that_exist(self, path, profile):
        given = (
            yaml.safe_load((ROOT / "notebooks" / "profiles" / f"{profile}.yml").read_text()).get(
                path.stem
            )
            or {}
        )
        assert set(given) <= parameter_types(path).keys()


def test_each_step_reads_only_what_an_earlier_one_writes():
    written = set()
    for path in NOTEBOOKS[:10]:
        io = json.loads(path.read_text())["metadata"]["ddi"]
        for pattern in io["reads"]:
            if pattern.startswith(("data/interim", "data/models", "data/results/{profile}")):
                stem = pattern.split("*")[0]
                assert any(
                    stem.startswith(w.split("*")[0]) or w.startswith(stem) for w in written
                ), f"{path.stem} reads {pattern}"
        written.update(io["writes"])


def test_the_paper_uses_every_macro_it_needs_and_none_else():
    text = (ROOT / "paper" / "main.tex").read_text()
    numbers = set(
        re.findall(r"\\newcommand\{\\(\w+)\}", (ROOT / "paper" / "numbers.tex").read_text())
    )
    own = set(re.findall(r"\\(?:new|provide)command\{?\\(\w+)\}?", text))
    camel = {name for name in re.findall(r"\\([A-Z][A-Za-z]+)\b", text)} - {
        "AA",
        "Delta",
        "Gamma",
        "AfterEndEnvironment",
        "BeforeBeginEnvironment",
        "IfFileExists",
    }
    assert camel - own <= numbers, sorted(camel - own - numbers)


def test_the_paper_includes_only_figures_and_tables_that_exist():
    text = (ROOT / "paper" / "main.tex").read_text()
    figures = re.findall(r"\\(?:widefigure|includegraphics(?:\[[^]]*\])?)\{([^}#]+)\}", text)
    tables = re.findall(r"\\input\{tables/([^}]+)\}", text)
    assert figures and tables
    assert all(
        (ROOT / "figures" / f"{name.split('/')[-1]}").with_suffix(".pdf").exists()
        for name in figures
    )
    assert all(
        (ROOT / "paper" / "tables" / f"{name.removesuffix('.tex')}.tex").exists() for name in tables
    )


def test_every_figure_has_its_csv():
    pictures = {path.stem for path in (ROOT / "figures").glob("*.png")}
    missing = {name for name in pictures if not (ROOT / "figures" / f"{name}.csv").exists()}
    assert not missing
    assert pictures == {path.stem for path in (ROOT / "figures").glob("*.pdf")}
