"""Files for refinement programs say the cell that was found: read back with gemmi, with ddi's own
reader, and by their formats' documentation.
"""

import re

import gemmi
import numpy as np
import pytest
import small_search
from small_search import CELL, CU, lines

from ddi.base.errors import DDIError
from ddi.forward import lattice
from ddi.index import api, export, readers


@pytest.fixture
def found(monkeypatch):
    small_search.install(monkeypatch)
    noisy = lines() * (1 + np.random.default_rng(1).normal(0, 2e-4, 24))
    result = api.index_peaks(noisy, wavelength=CU)
    result.cells["zero_shift"] = 0.031
    return result


def written(found, tmp_path, suffix):
    found.export(tmp_path / f"o{suffix}")
    return (tmp_path / f"o{suffix}").read_text()


def test_gemmi_reads_the_cif(found, tmp_path):
    written(found, tmp_path, ".cif")
    block = gemmi.cif.read(str(tmp_path / "o.cif")).sole_block()
    structure = gemmi.make_small_structure_from_block(block)
    np.testing.assert_allclose(structure.cell.parameters, CELL, atol=1e-3)
    assert structure.spacegroup.point_group_hm() in ("mmm", "222", "mm2")
    assert re.fullmatch(r"5\.45\d+\(\d+\)", block.find_value("_cell_length_a"))
    assert block.find_value("_cell_angle_beta") == "90"
    lines_ = block.find("_refln_", ["index_h", "index_k", "index_l", "d_spacing"])
    hkl = [[int(value) for value in list(row)[:3]] for row in lines_]
    spacings = [float(row[3]) for row in lines_]
    np.testing.assert_allclose([structure.cell.calculate_d(h) for h in hkl], spacings, atol=2e-4)
    assert gemmi.cif.as_number(block.find_value("_pd_calib_2theta_offset")) == 0.031


def test_fullprof_lines_have_their_places(found, tmp_path):
    """FullProf reads by line: Jbt = 2 (Le Bail), the symbol, cell and zero after their headings."""
    text = written(found, tmp_path, ".pcr").splitlines()
    after = {line.split()[0]: text[k + 1].split() for k, line in enumerate(text) if "!" in line[:1]}
    assert after["!Nat"][6] == "2"
    np.testing.assert_allclose(
        [float(v) for v in text_after(text, "!     a ")[:6]], CELL, atol=1e-3
    )
    assert float(text_after(text, "!  Zero")[0]) == 0.031
    assert [float(v) for v in text_after(text, "! Lambda1")[:2]] == [CU, CU]
    assert all(len(line) <= 132 for line in text)


def text_after(text, heading):
    return text[next(k for k, line in enumerate(text) if line.startswith(heading)) + 1].split()


def test_topas_ties_what_the_lattice_ties(found, tmp_path):
    text = written(found, tmp_path, ".inp")
    values = dict(re.findall(r"^ +(a|b|c) lp_\w ([\d.]+)$", text, re.M))
    np.testing.assert_allclose([float(values[name]) for name in "abc"], CELL[:3], atol=1e-3)
    assert re.search(r"^ +al 90\.00000$", text, re.M) and "Zero_Error(zero, 0.03100)" in text
    assert text.count("{") == text.count("}") and text.count("(") == text.count(")")


def test_gsas_files(found, tmp_path):
    lines_ = written(found, tmp_path, ".instprm").splitlines()
    assert lines_[0].startswith("#GSAS-II instrument parameter file")
    values = dict(line.split(":") for line in lines_[1:])
    assert values["Type"] == "PXC" and float(values["Lam"]) == CU and values["Zero"] == "0.03100"
    written(found, tmp_path, ".pkslst")
    again = readers.read(tmp_path / "o.pkslst", wavelength=CU)
    np.testing.assert_allclose(again.q2, found.peaks.q2, rtol=1e-5)


def test_every_bravais_lattice_has_a_group(found):
    for bravais, (_, centring) in lattice.BRAVAIS.items():
        row = found.cells.iloc[0].copy()
        row["bravais"] = bravais
        row["extinction_symbols"] = []
        group = export.space_group(row)
        assert (
            group.hm[0] == centring
            and not group.operations()
            .systematic_absences(
                np.array([[2, 0, 0] if centring != "R" else [3, 0, 0]], dtype=np.int32)
            )
            .any()
        )


def test_what_cannot_be_written_is_said(found, tmp_path, monkeypatch):
    with pytest.raises(DDIError, match="no export ends in '.doc'"):
        found.export(tmp_path / "o.doc")
    small_search.install(monkeypatch)
    bare = api.index_peaks(lines())
    with pytest.raises(DDIError, match="needs a wavelength"):
        bare.export(tmp_path / "o.pcr")
    bare.export(tmp_path / "o.cif")
