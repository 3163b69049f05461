"""Damaged and hostile archives are refused in a sentence, and nothing is written to disk."""

import io
import tarfile
import zipfile

import pytest

from ddi.base.errors import DDIError
from ddi.data.sources import archives, core_mof


def any_name(_):
    return True


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path, members, **changes):
    with tarfile.open(path, "w:xz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in changes.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(data))
    return path


MAKERS = [(zipped, archives.read_zip), (tarred, archives.read_tar)]
each = pytest.mark.parametrize(("make", "read"), MAKERS, ids=["zip", "tar"])


@each
def test_what_is_wanted_is_read(tmp_path, make, read):
    path = make(tmp_path / "a", {"b/2.txt": b"two", "b/1.txt": b"one", "c": b"no"})
    found = dict(read(path, lambda name: name.endswith(".txt")))
    assert found == {"b/1.txt": b"one", "b/2.txt": b"two"}


@each
@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_members_outside_their_folder_are_refused(tmp_path, make, read, name):
    path = make(tmp_path / "a", {name: b"x"})
    with pytest.raises(DDIError, match="outside the archive"):
        list(read(path, any_name))
    assert [file.name for file in tmp_path.rglob("*")] == ["a"]


@each
def test_bombs_are_refused(tmp_path, make, read, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER", 10_000)
    monkeypatch.setattr(archives, "MAX_TOTAL", 25_000)
    with pytest.raises(DDIError, match="'big' unpacks to more"):
        list(read(make(tmp_path / "a", {"big": bytes(10_001)}), any_name))
    many = {f"m{i}": bytes(9_000) for i in range(3)}
    with pytest.raises(DDIError, match="'m2' unpacks to more"):
        list(read(make(tmp_path / "b", many), any_name))


def test_a_zip_that_lies_about_a_size_is_read_no_further(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER", 100_000)
    path = zipped(tmp_path / "a", {"x": bytes(1_000_000)})
    true, false = (n.to_bytes(4, "little") for n in (1_000_000, 1_000))
    path.write_bytes(path.read_bytes().replace(true, false))
    with pytest.raises(DDIError, match="cannot be read|unpacks to more"):
        list(archives.read_zip(path, any_name))


@each
@pytest.mark.parametrize("keep", [0, 1, 30, 0.5, 0.9])
def test_truncated_archives_are_refused(tmp_path, make, read, keep):
    path = make(tmp_path / "a", {f"{i}.txt": bytes(range(256)) * 40 for i in range(5)})
    data = path.read_bytes()
    cut = int(keep * len(data)) if isinstance(keep, float) else keep
    path.write_bytes(data[:cut])
    with pytest.raises(DDIError, match="cannot be read"):
        list(read(path, any_name))


@each
def test_a_changed_byte_is_noticed_or_changes_nothing(tmp_path, make, read):
    members = {f"{i}.txt": bytes(range(256)) * 10 for i in range(2)}
    path = make(tmp_path / "a", members)
    data = path.read_bytes()
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            found = dict(read(path, any_name))
        except DDIError:
            continue
        assert set(found.values()) <= set(members.values())


def test_links_are_no_files(tmp_path):
    path = tarred(tmp_path / "a", {"x.cif": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    assert list(archives.read_tar(path, any_name)) == []


def test_core_mof_refuses_hostile_archives(tmp_path):
    for name in core_mof.ARCHIVES:
        tarred(tmp_path / name, {"../ABAVIJ.cif": b"data_x"})
    with pytest.raises(DDIError, match="outside the archive"):
        core_mof.unpack(tmp_path)
