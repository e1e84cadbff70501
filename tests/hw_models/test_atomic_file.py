import pytest

from hw_models import NetworkFileError
from hw_models.atomic_file import write_whole


def test_write_whole__replaces_the_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_write_whole__leaves_nothing_behind_when_it_fails(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(NetworkFileError, match="cannot be written"):
        write_whole(tmp_path / "folder", b"data")
    with pytest.raises(NetworkFileError, match="No such file"):
        write_whole(tmp_path / "missing" / "file", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
