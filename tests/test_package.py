"""The package as a whole: light to import, one set of pins, no cycles upwards."""

import re
import subprocess
import sys
import time
import tomllib

import yaml
from conftest import ROOT


def test_import_and_help_stay_light():
    code = "import sys, ddi; assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    subprocess.run([sys.executable, "-m", "ddi", "--help"], check=True, capture_output=True)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ddi", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.5


def test_every_module_imports_without_tensorflow():
    files = sorted((ROOT / "ddi").rglob("*.py"))
    modules = ", ".join(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if not path.stem.startswith("__")
    )
    code = f"import sys, {modules}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    return dict(line.split(";")[0].strip().split("==") for line in lines)


def test_conda_and_lock_have_the_pins_of_pyproject():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    flat = [
        line for entry in conda for line in (entry["pip"] if isinstance(entry, dict) else [entry])
    ]
    versions = dict(
        re.split("==?", line)[:2]
        for line in flat
        if "=" in line and not line.startswith(("python=", "-e"))
    )
    lock = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.M))
    expected = {name: version for name, version in pins().items() if name != "tensorflow-cpu"}
    assert versions == expected
    assert {name: lock[name] for name in pins()} == pins()


def test_lock_names_no_address():
    assert not re.search(r"https?://|index-url|find-links", (ROOT / "requirements.txt").read_text())


def test_readme_names_every_dependency():
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in pins() if name not in readme and name != "tensorflow-cpu"]
    assert not missing


def test_readme_is_short():
    assert (ROOT / "README.md").read_text().count("\n") <= 150


def test_pictures_of_the_readme_exist():
    names = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert names and all((ROOT / name).exists() for name in names)
