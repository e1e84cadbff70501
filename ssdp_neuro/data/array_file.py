"""NumPy archives whose arrays have the names, types and lengths that a reader needs."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from hw_models import InputError


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz`` file; nothing is unpickled.

    Raises
    ------
    InputError
        If it is not such a file, or a damaged one.
    OSError
        If it cannot be opened.
    """
    try:
        with Path(path).open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise ValueError("one array without a name")
            with stored:
                return {name: stored[name] for name in stored.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise InputError(
            f"{path}: not a whole NumPy archive of plain arrays (.npz): {error}"
        ) from None


def array_path(folder: str | os.PathLike[str]) -> Path:
    """The file itself, or the only ``.npz`` of a folder.

    Raises
    ------
    InputError
        If the folder has none, or several.
    """
    path = Path(folder)
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.npz"))
    if len(found) != 1:
        names = [file.name for file in found]
        raise InputError(f"{folder}: .npz files {names}; one is needed, or name the file")
    return found[0]


def wanted_array(
    arrays: dict[str, np.ndarray], path: Path, name: str, kinds: str, ndim: int, length: int = 0
) -> np.ndarray:
    """One array of the file.

    Parameters
    ----------
    arrays, path
        Content of the file, and its place for messages.
    name
        Of the array.
    kinds
        Allowed NumPy kinds of its type, as in ``"iu"``.
    ndim
        Its axes.
    length
        Of the first axis; any if 0.

    Raises
    ------
    InputError
        If it is not there, or does not fit.
    """
    if name not in arrays:
        raise InputError(f"{path}: no array {name!r}; it has {sorted(arrays)}")
    array = arrays[name]
    if array.dtype.kind not in kinds or array.ndim != ndim or (length and len(array) != length):
        first = length or "N"
        raise InputError(
            f"{path}: {name} of shape {array.shape}, {array.dtype}; {ndim} axes are needed, the"
            f" first of {first}, and a type of kind {' or '.join(kinds)}"
        )
    return array
