"""The notebooks keep their contract, and the paper quotes only what they wrote."""

import ast
import json
import re

import pytest
import yaml
from conftest import ROOT

from ddi.base.paths import Study
from ddi.study import stamps
from ddi.study.runner import parameter_types, steps

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
NAMES = [
    "01_qc", "02_dedup", "03_grouping", "04_augment", "05_neural_networks", "06_random_forest",
    "07_rf_vs_nn", "08_assignment", "09_optimize", "10_rruff_eval", "11_index_your_pattern",
]  # fmt: skip
LIMIT_MIB = 8.0

# What prose may hold of digits: formulas, code, references, and what no rerun changes.
NO_RESULT = [
    r"\$[^$]*\$", r"`[^`]*`", r"\]\([^)]*\)", r"^# \d\d · ", r"\b\d\d_\w+",
    r"[Ss]ections? \d(\.\d)*( (to|and) \d(\.\d)*)?", r"decision \d", r"\b[Rr]ules? \d( to \d)?",
    r"[Ll]ists? \d", r"\((19|20)\d\d\)", r"\b[Nn]otebooks? \d\d( (to|and) \d\d)?",
    r"\bNext: \d\d", r"\(\d\d\)", r"\b\d\d (asks|sorts|fills|trains|optimises)", r"sha256",
    r"accepted in \d\d", r"Å⁻?[²³]", r"\bK-?[αa]\w*\d?", r"M20|F20", r"## \d\. ", r"rank 0",
]  # fmt: skip


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def is_prose(cell):
    """Sentences beside a table and the closing cell: templates, filled by the run."""
    return bool(re.search(r"^(learned|say)\(", source(cell), re.MULTILINE))


def typed_digits(text):
    """Return the lines of a text with digits that could be a result."""
    found = []
    for line in text.splitlines():
        rest = line
        for pattern in NO_RESULT:
            rest = re.sub(pattern, "", rest)
        if re.search(r"\d", rest):
            found.append(line)
    return found


def test_all_notebooks_are_there():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestContract:
    def test_has_a_kernel(self, path):
        assert json.loads(path.read_text())["metadata"]["kernelspec"]["name"] == "python3"

    def test_opens_with_its_number_and_question(self, path):
        first = source(cells(path, "markdown")[0])
        assert re.match(rf"# {path.stem[:2]} · .+\?", first), first[:80]
        assert "Symbols: " in first

    def test_shows_the_answer_at_its_top_and_what_we_learned_at_its_end(self, path):
        code = [source(cell) for cell in cells(path, "code")]
        assert "answer = Answer()" in code[1] and "answer.tell(" in "".join(code)
        last = json.loads(path.read_text())["cells"][-1]
        assert last["cell_type"] == "code" and source(last).startswith("learned(")
        assert 3 <= source(last).count("\n- ") <= 6

    def test_parameters_are_annotated_and_commented(self, path):
        (cell,) = [
            cell for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])
        ]
        tree = ast.parse(source(cell))
        assert all(isinstance(node, ast.AnnAssign) for node in tree.body)
        assert all("#" in line for line in source(cell).splitlines() if re.match(r"\w+:", line))
        assert {"profile", "seed", "n_jobs", "systems"} <= parameter_types(path).keys()

    def test_says_what_it_reads_and_writes(self, path):
        io = json.loads(path.read_text())["metadata"]["ddi"]
        assert {"reads", "writes"} <= set(io)
        assert any("| Reads | Writes |" in source(cell) for cell in cells(path, "markdown"))

    def test_cells_are_short(self, path):
        for cell in cells(path, "code"):
            lines = source(cell).splitlines()
            assert max(map(len, lines)) <= 100, max(lines, key=len)
            is_import = sum("import " in line for line in lines) > 3
            is_parameters = "parameters" in cell["metadata"].get("tags", [])
            assert len(lines) <= 10 or is_import or is_parameters or is_prose(cell), source(cell)

    def test_types_no_number_that_a_rerun_could_falsify(self, path):
        text = "\n".join(source(cell) for cell in cells(path, "markdown"))
        assert not typed_digits(text)
        for cell in cells(path, "code"):
            if is_prose(cell):
                said = source(cell).partition("learned(")[2] or source(cell).partition("say(")[2]
                assert not typed_digits(re.sub(r"\{\w+\}", "", said))

    def test_draws_by_savefig_and_prints_tables_rounded(self, path):
        code = "\n".join(source(cell) for cell in cells(path, "code"))
        assert "plt." not in code and ".savefig(" not in code and "to_latex" not in code

    def test_writes_where_it_was_started(self, path):
        code = "\n".join(source(cell) for cell in cells(path, "code"))
        assert "study = Study.here(profile" in code and "Study(" not in code

    @pytest.mark.parametrize("profile", ["smoke", "default", "full"])
    def test_profiles_name_only_parameters_that_exist(self, path, profile):
        given = (
            yaml.safe_load((ROOT / "notebooks" / "profiles" / f"{profile}.yml").read_text()).get(
                path.stem
            )
            or {}
        )
        assert set(given) <= parameter_types(path).keys()

    def test_a_reader_sees_the_parameters_that_ran(self, path):
        profile = yaml.safe_load((ROOT / "notebooks" / "profiles" / "default.yml").read_text())
        assert not profile.get(path.stem), "the default profile stands in the notebook's own cell"


def is_published(path):
    return "fingerprint" in json.loads(path.read_text())["metadata"]["ddi"]


@pytest.mark.skipif(not any(map(is_published, NOTEBOOKS)), reason="no notebook is published yet")
class TestPublished:
    """What `python -m ddi study --publish` put in place."""

    @pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
    def test_outputs_are_those_of_this_code_and_these_parameters(self, path):
        (step,) = steps(Study(), only=[path.stem])
        mark = step.content["metadata"]["ddi"].get("fingerprint")
        assert mark == stamps.fingerprint(step.content, step.parameters), (
            "its code, its parameters or the ddi sources have changed since it was published; "
            "run `python -m ddi study`, then `python -m ddi study --publish`"
        )

    @pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
    def test_a_visitor_sees_figures_and_no_noise(self, path):
        outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
        assert any("image/png" in output.get("data", {}) for output in outputs)
        assert any("What we learned" in str(output.get("data", "")) for output in outputs)
        streams = "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")
        assert all(o.get("name") != "stderr" for o in outputs)
        assert not re.search(r"\d%\||it/s|\d\d:\d\d:\d\d", streams)

    def test_they_are_small(self):
        assert sum(path.stat().st_size for path in NOTEBOOKS) < LIMIT_MIB * 2**20


def test_the_digits_test_finds_what_it_is_for():
    assert typed_digits("It solves 181 of 193 patterns.")
    assert typed_digits("The forest finds 29.5 %.")
    assert not typed_digits("# 07 · Which? See section 2.1.1, $n = 30$, `x2`, notebook 08, rule 7.")


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
        "Lambda",
        "Sigma",
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
