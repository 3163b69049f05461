"""Templates learned from lattices of known indices give these lattices back."""

import numpy as np
import pandas as pd
import pytest

from ddi.base.errors import DDIError
from ddi.forward import lattice, lines, relations
from ddi.models import template_axes, template_learning, templates
from ddi.models.templates import Templates

RNG = np.random.default_rng(3)


def frame(system, bravais, n, unique_axis=-1):
    lengths = np.sort(RNG.uniform(4, 12, (n, 3)), axis=1)
    angles = RNG.uniform(91, 109, (n, 3))
    cells = lattice.full_cell(lattice.free_cell(np.hstack([lengths, angles]), system), system)
    q2 = [
        lines.distinct_lines(lattice.cell_to_x(lattice.conventional(cell, bravais)), bravais, 0.5)[
            1
        ][:24]
        for cell in cells
    ]
    return pd.DataFrame(
        dict(
            bravais=bravais,
            cell=list(cells),
            q2=q2,
            unique_axis=1 if system == "monoclinic" else -1,
        )
    )


@pytest.mark.parametrize("bravais", ["cI", "tP", "hR", "oI", "mP", "aP"])
def test_a_template_of_a_known_pattern_gives_its_lattice(bravais):
    system = lattice.BRAVAIS[bravais][0]
    train = frame(system, bravais, 6)
    learned = Templates().fit(train, system=system, seed=1, n_copies=1)
    places, hkl = learned.usable(bravais, 20)
    centring = lattice.BRAVAIS[bravais][1]
    for cell, q2 in zip(train.cell, train.q2):
        x = templates.cells(places, hkl, np.asarray(q2), bravais)
        found = lattice.x_to_cell(x)
        near = found[np.isfinite(found).all(axis=1)]
        near = near[
            np.abs(lattice.volume(near) / lattice.volume(lattice.conventional(cell, bravais)) - 1)
            < 1e-6
        ]
        assert any(
            relations.same_lattice(
                one, lattice.conventional(cell, bravais), centring, centring, 1e-5, 1e-3
            )
            for one in near
        )


def test_centred_face_is_found_wherever_it_is():
    cell = np.array([5.0, 7.0, 11.0, 90, 90, 90])
    x = lattice.cell_to_x(cell)
    face_b = lattice.permute(cell, (0, 2, 1))
    _, q2 = lines.distinct_lines(lattice.cell_to_x(face_b), "oC", 0.5)
    ((_, hkl),) = template_axes.indexed_patterns(
        pd.DataFrame(dict(bravais="oC", cell=[cell], q2=[q2], unique_axis=-1)), "oC"
    )
    assert lattice.design(hkl[:, [0, 2, 1]]) @ x == pytest.approx(q2[:40])
    assert ((hkl[:, 0] + hkl[:, 1]) % 2 == 0).all()


def test_dominant_zone_makes_templates_look_further():
    cell = np.array([2.6, 21.0, 24.0, 90, 100, 90])
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), "oP", 0.3)
    subsets, places = template_learning.usable_subsets(q2, hkl, np.arange(len(q2)), "oP", 3)
    assert places.size == 0 or places.max() >= template_learning.REACH[3]


def test_same_seed_same_tables_and_round_trip(tmp_path):
    train = frame("orthorhombic", "oP", 5)
    first, again = (Templates().fit(train, seed=7).tables["oP"] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    Templates({"oP": first}).save(tmp_path / "t.npz")
    assert all(
        np.array_equal(a, b) for a, b in zip(first, Templates.load(tmp_path / "t.npz").tables["oP"])
    )
    (tmp_path / "bad.npz").write_bytes(b"no")
    with pytest.raises(DDIError, match="bad.npz"):
        Templates.load(tmp_path / "bad.npz")


def test_cover_meets_every_pattern_before_it_repeats():
    template = np.array([0, 0, 0, 1, 1, 2])
    pattern = np.array([0, 1, 2, 0, 1, 3])
    assert list(template_learning.cover(template, pattern, 2, depth=1)) == [0, 2]


def test_shipped_tables_are_small_and_complete():
    assert templates.SHIPPED.stat().st_size < 5e6
    assert set(Templates.load().tables) == set(lattice.BRAVAIS)


def test_short_lists_get_the_templates_that_look_no_further():
    places, _ = Templates.load().usable("oP", 10**4)
    short, hkl = Templates.load().usable("oP", 8)
    assert len(short) == len(hkl) == (places.max(axis=1) < 8).sum() < len(places)
    assert short.max() == 7


@pytest.mark.parametrize("bravais", lattice.BRAVAIS)
def test_cells_of_shipped_templates_are_those_of_plain_numpy(bravais):
    places, hkl = Templates.load().usable(bravais, 20)
    some = slice(None, None, max(len(places) // 500, 1))
    q2 = np.sort(np.random.default_rng(4).uniform(0.01, 0.3, 20))
    system = lines.KINDS[bravais].system
    free = np.linalg.solve(lattice.design(hkl[some], system), q2[places[some]][..., None])
    expected = free[..., 0] @ lattice.ties(system).T
    x = templates.cells(places[some], hkl[some], q2, bravais)
    assert x == pytest.approx(expected, rel=1e-9, abs=1e-12)
    again = templates.cells(places[some].astype(np.int16), hkl[some], q2, bravais)
    assert np.array_equal(x, again) and len(templates._solve.signatures) == 1


def test_no_templates_no_cells():
    places, hkl = Templates().usable("mC", 20)
    assert places.shape == (0, 4) and hkl.shape == (0, 4, 3)
    assert templates.cells(places, hkl, np.ones(20), "mC").shape == (0, 6)


def test_copies_of_a_pattern_make_up_for_few_patterns(monkeypatch):
    asked = []
    monkeypatch.setattr(templates, "learn", lambda *_, n_copies, **__: asked.append(n_copies))
    monkeypatch.setattr(templates, "CONSTANTS", type("Few", (), {"n_patterns": 60}))
    for n in (1, 5, 30):
        Templates().fit(frame("orthorhombic", "oP", n), seed=0)
    assert asked == [40, 12, 4]


def test_what_is_shipped_saw_no_test_entry_no_named_mineral_and_no_short_list(
    monkeypatch, tmp_path
):
    from ddi.data import dataset

    names = ["Halite", "QUARTZ", "Fluorite", "Sylvite", None]
    q2 = [np.arange(1, n + 1) / 10 for n in (9, 9, 9, 3, 4)]
    entries = pd.DataFrame({"identifier": list("abcde"), "name": names, "q2_2": q2})
    splits = pd.DataFrame({"identifier": list("edcba"), "group": "g",
                           "split": ["train", "train", "test", "train", "train"]})  # fmt: skip
    splits.to_parquet(tmp_path / "groups.parquet")
    seen = []

    def fit(self, train, **_):
        seen.append(train)
        return self

    monkeypatch.setattr(dataset, "load", lambda study, columns: entries)
    monkeypatch.setattr(Templates, "fit", fit)
    study = type("There", (), {"interim": tmp_path})
    entries["name"] = entries["name"].astype("string").fillna("")
    templates.build(study, tmp_path / "t.npz", without=["Quartz"])
    assert seen[0]["identifier"].tolist() == ["a", "e"]
    assert Templates.load(tmp_path / "t.npz").tables == {}
