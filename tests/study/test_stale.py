"""Every kind of file that the study writes or reads, changed and deleted one by one: the notebook
that made or needs it says so. The notebooks are the real ones, the files stand-ins.
"""

import shutil

import pytest
from conftest import ROOT

from ddi.base.paths import STARTED, Study
from ddi.study import stamps
from ddi.study.runner import steps

RESULTS = "data/results/default"
OUTPUTS = {  # what notebook NN writes
    "01": [
        "data/raw/amcsd_cif1.db",
        "data/interim/default/entries.parquet",
        "data/interim/default/verdicts.parquet",
        "data/interim/default/crashes.txt",
        "figures/00_workflow.pdf",
        "figures/01_volume.png",
        "figures/01_volume.csv",
    ],
    "02": [
        "data/interim/default/clusters.parquet",
        "data/interim/default/unique.parquet",
        "data/interim/default/dataset.parquet",
        "data/interim/default/patterns.npy",
        "figures/02_lists.pdf",
        "notebooks/executed/default/02_dedup.ipynb",
    ],
    "03": ["data/interim/default/groups.parquet", f"{RESULTS}/leakage.parquet"],
    "04": ["data/interim/default/augmented.parquet", f"{RESULTS}/numbers/04.json"],
    "05": [
        "data/models/default/network_cubic.npz",
        "data/models/default/tuned_cubic.npz",
        f"{RESULTS}/learning_curves.parquet",
    ],
    "06": [
        "data/models/default/forest_cubic.npz",
        "data/models/default/shape_cubic.npz",
        "data/models/default/scale_free_cubic.npz",
        "data/models/default/template_network_cubic.npz",
    ],
    "07": [
        f"{RESULTS}/best_of_n.parquet",
        f"{RESULTS}/mean_errors.csv",
        "paper/tables/07_gain.tex",
        "paper/tables/07_gain.csv",
    ],
    "08": ["data/models/default/assign_cubic_0.05.npz", f"{RESULTS}/08_accuracy.csv"],
    "09": [f"{RESULTS}/09_solved.csv", f"{RESULTS}/tables/09_which.csv"],
    "10": [f"{RESULTS}/10_outcomes.csv", f"{RESULTS}/figures/10_indexer.csv"],
}
INPUTS = {  # what notebook NN reads and no notebook writes
    "01": ["data/sources.yml"],
    "03": ["data/GroupSpec_cubic.xlsx"],
    "05": ["data/results/full/05_settings.csv"],
    "07": ["data/pretrained/template_network_cubic.npz"],
    "10": ["data/results/full/10_peers.csv", "rruff/DIF.zip", "cases/lists/one.txt"],
    "11": ["data/example_peaks.txt"],
}
USED = {  # what the next notebooks read of it
    "data/interim/default/dataset.parquet": "04",
    "data/models/default/network_cubic.npz": "08",
    "data/models/default/scale_free_cubic.npz": "07",
    "data/models/default/template_network_cubic.npz": "07",
}
SHIPPED = [  # what the code reads beside itself
    "ddi/models/templates.npz",
    "ddi/index/calibration.json",
    "ddi/index/space_groups.json",
    "ddi/index/volumes.json",
    "ddi/index/ranking.py",
]
KINDS = [
    (number, name) for kinds in (OUTPUTS, INPUTS) for number in kinds for name in kinds[number]
]
KINDS += [(number, name) for name, number in USED.items()]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of the repository in which every notebook has run, as far as stamps can tell."""
    root = tmp_path_factory.mktemp("stale") / "root"
    shutil.copytree(ROOT / "ddi", root / "ddi", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "notebooks" / "profiles", root / "notebooks" / "profiles")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, root / "notebooks")
    for _, name in KINDS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"what stands in {name}")
    (root / "cod").mkdir()
    (root / "cod" / "1.cif").write_text("data_1")
    macros = [f"% {number}\n\\newcommand{{\\A{'abcdefghij'[int(number) - 1]}}}{{1}}\n"
              for number in OUTPUTS]  # fmt: skip
    (root / "paper" / "numbers.tex").write_text("".join(macros))
    return root


@pytest.fixture(scope="module")
def study(root):
    """Its steps by number, stamped; the modules that a notebook imports are looked up once."""
    looked_up = {}
    imported = stamps.imported

    def once(source, seen=None):
        if seen is not None:
            return imported(source, seen)
        if source not in looked_up:
            looked_up[source] = imported(source)
        return looked_up[source]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STARTED, "default")
        for variable, folder in (("RRUFF", "rruff"), ("COD", "cod"), ("CASES", "cases")):
            patch.setenv(f"DDI_{variable}", str(root / folder))
        patch.setattr(stamps, "PACKAGE", root / "ddi")
        patch.setattr(stamps, "imported", once)
        found = {step.name[:2]: step for step in steps(Study("default", root))}
        for step in found.values():
            stamps.write_stamp(step.stamp, stamps.dependencies(step), stamps.outputs(step), 1, 1)
        yield found


def test_nothing_is_stale_before(study):
    assert len(KINDS) + len(SHIPPED) + 2 > 45
    assert {number: stamps.why_stale(step) for number, step in study.items()} == dict.fromkeys(
        study, ""
    )


@pytest.mark.parametrize("number, name", KINDS)
def test_a_file_changed_or_deleted_is_noticed(study, root, number, name):
    path = root / name
    before = path.read_text()
    path.write_text(before[:-1] + "?")  # as long as before
    changed = stamps.why_stale(study[number])
    path.unlink()
    deleted = stamps.why_stale(study[number])
    path.write_text(before)
    label = name.replace("rruff/", "$DDI_RRUFF/").replace("cases/", "$DDI_CASES/")
    assert changed in (f"{label} changed since", f"{label} changed")
    assert deleted in (f"{label} deleted", f"{label} gone")
    assert stamps.why_stale(study[number]) == ""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_of_the_package_changed_is_noticed(study, root, name):
    path = root / name
    before = path.read_bytes()
    path.write_bytes(before + b"\nspoilt = 1\n")
    assert stamps.why_stale(study["10"]) == f"{name} changed"
    path.write_bytes(before)
    assert stamps.why_stale(study["10"]) == ""


def test_macros_of_the_paper_changed_or_deleted_are_noticed(study, root):
    path = root / "paper" / "numbers.tex"
    before = path.read_text()
    path.write_text(before.replace(r"\Ac}{1}", r"\Ac}{2}"))
    changed = {number for number, step in study.items() if stamps.why_stale(step)}
    path.unlink()
    deleted = {number for number, step in study.items() if stamps.why_stale(step)}
    path.write_text(before)
    assert changed == {"03"} and deleted == set(OUTPUTS)


def test_a_data_base_changed_or_no_longer_named_is_noticed(study, root, monkeypatch):
    (root / "cod" / "2.cif").write_text("data_2")
    assert stamps.why_stale(study["01"]) == "$DDI_COD/2.cif new"
    (root / "cod" / "2.cif").unlink()
    monkeypatch.delenv("DDI_COD")
    assert "$DDI_COD/1.cif gone" in stamps.why_stale(study["01"])


def test_parameters_and_code_changed_are_noticed(study, monkeypatch):
    monkeypatch.setitem(study["04"].parameters, "children", 1)
    assert stamps.why_stale(study["04"]).startswith("parameter children ")
