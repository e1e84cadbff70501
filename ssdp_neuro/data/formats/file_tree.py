"""Files of a data set, whether they lie in a folder or in zip files."""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hw_models import InputError

MOST_BYTES = 64 * 2**20  # of one file


@dataclass(frozen=True)
class TreeFile:
    """A file of the tree.

    Parameters
    ----------
    match
        Of the wanted pattern on its name.
    archive
        The zip file that has it, or None.
    name
        Its path, or its name in the zip file.
    """

    match: re.Match[str]
    archive: Path | None
    name: str

    def __str__(self) -> str:
        return self.name if self.archive is None else f"{self.archive}: {self.name}"


def find_files(path: str | os.PathLike[str], pattern: re.Pattern[str]) -> list[TreeFile]:
    """Files whose name, with ``/`` between folders, matches the whole pattern.

    Those that lie open in the folder or below it are taken before those in its zip files;
    hidden ones and what macOS adds to zip files are passed over.

    Parameters
    ----------
    path
        A folder or a zip file.
    pattern
        Of the wanted names.

    Returns
    -------
    list, in the order of the names

    Raises
    ------
    InputError
        If a zip file is damaged.
    OSError
        If one cannot be opened.
    """
    root = Path(path)
    archives = [root]
    if root.is_dir():
        found = [
            TreeFile(match, None, str(file))
            for file in root.rglob("*")
            if (match := _matched(pattern, file.relative_to(root).as_posix())) and file.is_file()
        ]
        if found:
            return sorted(found, key=lambda file: file.name)
        archives = sorted(root.glob("*.zip"))
    found = []
    for archive in archives:
        with archive.open("rb") as file, _zip_errors(archive), zipfile.ZipFile(file) as opened:
            for entry in opened.namelist():
                match = _matched(pattern, entry)
                if match:
                    found.append(TreeFile(match, archive, entry))
    return sorted(found, key=lambda file: file.name)


def _matched(pattern: re.Pattern[str], name: str) -> re.Match[str] | None:
    if any(part.startswith((".", "__MACOSX")) for part in name.split("/")):
        return None
    return pattern.fullmatch(name)


def contents(files: list[TreeFile]) -> Iterator[bytes]:
    """The bytes of files, in their order.

    Raises
    ------
    InputError
        If one is damaged or larger than 64 MiB.
    OSError
        If one cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        opened: dict[Path, zipfile.ZipFile] = {}
        for file in files:
            if file.archive is None:
                size = Path(file.name).stat().st_size
            else:
                if file.archive not in opened:
                    plain = stack.enter_context(file.archive.open("rb"))
                    with _zip_errors(file.archive):
                        archive = stack.enter_context(zipfile.ZipFile(plain))
                    opened[file.archive] = archive
                with _zip_errors(file.archive):
                    size = opened[file.archive].getinfo(file.name).file_size
            if size > MOST_BYTES:
                raise InputError(f"{file}: {size} bytes; at most {MOST_BYTES}")
            if file.archive is None:
                yield Path(file.name).read_bytes()
                continue
            with _zip_errors(file.archive, file.name):
                data = opened[file.archive].read(file.name)
            yield data


@contextlib.contextmanager
def _zip_errors(archive: Path, name: str | None = None) -> Iterator[None]:
    where = archive if name is None else f"{archive}: {name}"
    try:
        yield
    except Exception as error:  # zipfile reports damage by errors of many kinds
        reason = str(error) or type(error).__name__
        raise InputError(f"{where}: not a readable zip file: {reason}") from None
