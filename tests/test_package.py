"""The package as a whole: light to import, declared as it is imported, one lock, a wheel that works
outside the repository.
"""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.version import Version

from ddi.bench.first import cpu_of_children

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PROJECT["optional-dependencies"].items()
}
DECLARED = [*BASE, *(entry for entries in EXTRAS.values() for entry in entries)]
INDEX_ROOMS = ("index", "mcmc", "models", "forward", "base")
IMPORTED_AS = {"scikit-learn": "sklearn", "pyyaml": "yaml", "tensorflow-cpu": "tensorflow"}
# started as programs, or imported by notebooks and by the tools that run them
NOT_IMPORTED = {
    "ipykernel",
    "jupyterlab",
    "voila",
    "pip",
    "ruff",
    "import-linter",
    "setuptools",
    "distributed",
}
# asked for where they are used, with a message that says how to get them
FOREIGN = {"ccdc", "cctbx", "mlindex", "pyobjcryst"}


def run_python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, **options
    )


def test_import_and_help_stay_light():
    code = "import sys, ddi; assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
    assert run_python(code).returncode == 0
    seconds = []
    for _ in range(3):
        before = cpu_of_children()
        done = run_python("from ddi.cli import main; main(['index', '--help'])")
        seconds.append(cpu_of_children() - before)
        assert "exit codes" in done.stdout
    assert min(seconds) < 0.5


def test_every_module_imports_without_tensorflow():
    files = sorted((ROOT / "ddi").rglob("*.py"))
    modules = ", ".join(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if not path.stem.startswith("__")
    )
    code = f"import sys, {modules}; assert 'tensorflow' not in sys.modules"
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_indexing_needs_no_more_than_the_base():
    """What the command has imported when it has printed its answer, without --plot."""
    code = (
        "import sys; from ddi.cli import main; code = main(['index', 'data/example_peaks.txt']);"
        "print(code, *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    code_, *modules = run_python(code).stderr.splitlines()[-1].split()
    assert code_ == "0"
    heavy = {"tensorflow", "keras", "matplotlib", "IPython", "jupyter_core", "sklearn", "joblib"}
    assert not heavy & set(modules)
    code = code.replace("file=sys.stderr", "").replace("{name.split('.')[0]", "{name")
    assert "ddi.study" not in run_python(code).stdout.split()


def imports(folder):
    """Top-level names that the modules below a folder import, anywhere in them."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"ddi"}


def import_name(requirement):
    return IMPORTED_AS.get(requirement.name, requirement.name)


def test_declared_is_imported_and_imported_is_declared():
    own = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {"tests"}
    notebooks = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("notebooks/*.ipynb"))
    used = imports(ROOT / "ddi") | (imports(ROOT / "tests") - own)
    used |= {name for name in ("IPython",) if f"from {name}" in notebooks}
    declared = {import_name(entry).replace("ipython", "IPython") for entry in DECLARED}
    assert used - declared - FOREIGN - {"packaging"} == set()  # pytest brings packaging
    assert declared - used - NOT_IMPORTED == set()


def module_level(path):
    """Top-level names that a module imports when it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_the_index_room_imports_the_base_only():
    base = {import_name(entry) for entry in BASE} | set(sys.stdlib_module_names) | {"ddi"}
    for path in (ROOT / "ddi" / "index").rglob("*.py"):
        assert module_level(path) <= base, path


def lock():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.M))


def test_the_lock_satisfies_what_is_declared():
    pins = lock()
    for entry in DECLARED:
        assert entry.specifier.contains(Version(pins[entry.name])), entry
        assert not any(part.operator == "==" for part in entry.specifier), entry


def conda_requirements():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    lines = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    return [Requirement(line) for line in lines if not line.startswith("-e")]


def test_conda_has_the_versions_of_the_lock():
    pins = lock()
    listed = {entry.name: str(entry.specifier).removeprefix("==") for entry in conda_requirements()}
    assert listed == {entry.name: pins[entry.name] for entry in DECLARED}


@pytest.mark.parametrize(
    "system, machine", [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")]
)
def test_conda_resolves_to_one_tensorflow(system, machine):
    """With what the editable install adds: its base, which names none."""
    place = {"sys_platform": system, "platform_machine": machine, "python_version": "3.11"}
    chosen = [
        entry.name
        for entry in conda_requirements()
        if entry.name.startswith("tensorflow")
        and (entry.marker is None or entry.marker.evaluate(place))
    ]
    assert len(chosen) == 1
    assert not any(entry.name.startswith("tensorflow") for entry in BASE)


def test_lock_names_no_address():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?://|index-url|find-links", text)


def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_names_every_dependency():
    missing = [entry.name for entry in DECLARED if entry.name.removesuffix("-cpu") not in readme()]
    assert not missing


def test_readme_is_short():
    assert readme().count("\n") <= 150


def test_pictures_of_the_readme_exist():
    names = re.findall(r"!\[[^]]*\]\(([^)]+)\)", readme())
    assert names and all((ROOT / name).exists() for name in names)


def test_every_folder_of_ddi_is_packaged():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("ddi/**/*.py")}
    assert set(listed["tool"]["setuptools"]["packages"]) == folders


def test_one_version():
    import ddi

    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert ddi.__version__ == PROJECT["version"] == cff["version"]
    assert f"## {ddi.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert cff["authors"] == [{"name": "The ddi developers"}]


def opens_text_without_encoding(call):
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {keyword.arg for keyword in call.keywords}
    if name in ("read_text", "write_text"):
        return "encoding" not in given
    mode = call.args[1].value if len(call.args) > 1 and hasattr(call.args[1], "value") else "r"
    return (
        isinstance(call.func, ast.Name)
        and name == "open"
        and not ("encoding" in given or "b" in str(mode))
    )


def test_encodings_are_given_everywhere():
    """Text is read and written as UTF-8 wherever the program runs, Windows among them."""
    for path in sorted((ROOT / "ddi").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert not opens_text_without_encoding(node), f"{path}:{node.lineno}"


@pytest.mark.slow
def test_the_wheel_indexes_in_an_environment_of_its_own(tmp_path):
    """Only the base is installed, at the locked versions."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT], check=True
    )
    (wheel,) = tmp_path.glob("ddi_index-*.whl")
    pins = tmp_path / "pins.txt"
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins.write_text("\n".join(re.findall(r"^([a-z0-9-]+==.*?) ?\\\\?$", text, re.M)))
    install = [*pip, "--python", python, "install", "-c", pins, wheel]
    done = subprocess.run(install, capture_output=True, text=True)
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip("no package index at hand")
    assert done.returncode == 0, done.stderr
    example = tmp_path / "example.txt"
    example.write_bytes((ROOT / "data" / "example_peaks.txt").read_bytes())
    command = [python.with_name("ddi"), "index", "example.txt", "--json", "-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cells"][0]["cell"][:3] == pytest.approx(
        [5.456, 7.157, 8.884], abs=0.003
    )
    packages = environment / "lib"
    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    count = len(list(packages.rglob("*.dist-info")))
    print(f"base: {count} distributions, {size / 2**20:.0f} MiB")
    assert count <= 30 and size < 0.9 * 2**30


def test_metadata_names_the_command():
    try:
        found = importlib.metadata.distribution("ddi-index")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("installed under an older name; make sets it right")
    assert [entry.value for entry in found.entry_points] == ["ddi.cli:main"]
    assert Path(ROOT, "ddi").is_dir()
