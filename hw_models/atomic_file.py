"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from hw_models.errors import NetworkFileError


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A place beside a file to write it to; moved there when it is on the disk.

    A crash, an error inside or a full disk leaves what was there before.

    Parameters
    ----------
    path
        Replaced if it exists.

    Raises
    ------
    NetworkFileError
        If the file cannot be written.
    """
    final = Path(os.path.realpath(path))
    partial = final.with_name(f".{final.name}.{uuid.uuid4().hex}.partial")
    try:
        yield partial
        _sync(partial)
        partial.replace(final)
        _sync(final.parent)
    except OSError as error:
        reason = error.strerror or next(iter(str(error).splitlines()), type(error).__name__)
        raise NetworkFileError(f"{path}: cannot be written: {reason}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write bytes by way of :func:`whole_file`."""
    with whole_file(path) as partial:
        partial.write_bytes(data)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
