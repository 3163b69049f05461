"""A file is whole or not there."""

import hashlib

import pytest

from ddi.base.errors import DDIError
from ddi.base.files import atomic, sha256


def test_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "sub" / "a.txt"
    with atomic(target) as path:
        path.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as path:
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_temporary_name_keeps_the_suffix(tmp_path):
    with atomic(tmp_path / "a.tar.gz") as path:
        assert path.name.endswith(".tar.gz") and path.parent == tmp_path


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DDIError, match="cannot write"), atomic(tmp_path / "file" / "a.txt"):
        pass


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"ddi" * 1000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"ddi" * 1000).hexdigest()
