"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from hw_models.errors import NetworkFileError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file beside its final place, and move it there when it is on the disk.

    A crash or a full disk leaves what was there before.

    Parameters
    ----------
    path
        Replaced if it exists.
    data
        All of it.

    Raises
    ------
    NetworkFileError
        If the file cannot be written.
    """
    final = Path(os.path.realpath(path))
    partial = final.with_name(f".{final.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(final)
    except OSError as error:
        raise NetworkFileError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
