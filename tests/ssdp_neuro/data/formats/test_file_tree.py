import re
import zipfile

import pytest

from hw_models import InputError
from ssdp_neuro.data.formats import file_tree
from ssdp_neuro.data.formats.file_tree import contents, find_files

PATTERN = re.compile(r"(?:.*/)?(\w+)\.txt")
NAMES = ("b/two.txt", "a/one.txt", "three.txt")
OTHERS = ("three.bin", "._four.txt", "__MACOSX/b/five.txt", ".git/six.txt")


def tree(folder):
    for name in (*NAMES, *OTHERS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def packed(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())


def test_find_files__folder_and_zip_hold_the_same(tmp_path):
    tree(tmp_path / ".hidden" / "open")  # what is above the folder does not matter
    folder = tmp_path / ".hidden" / "open"
    packed(folder, tmp_path / "all.zip")
    for place in (folder, tmp_path / "all.zip", tmp_path):
        found = find_files(place, PATTERN)
        assert [file.match[1] for file in found] == ["one", "two", "three"]
        assert [data.decode() for data in contents(found)] == sorted(NAMES)


def test_contents__refuses_what_is_too_large(tmp_path, monkeypatch):
    tree(tmp_path / "open")
    packed(tmp_path / "open", tmp_path / "all.zip")
    monkeypatch.setattr(file_tree, "MOST_BYTES", 8)
    for place in (tmp_path / "open", tmp_path / "all.zip"):
        found = find_files(place, PATTERN)
        with pytest.raises(InputError, match=r"one\.txt: 9 bytes; at most 8"):
            list(contents(found))
