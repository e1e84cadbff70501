"""NumPy files, ``.npy`` and ``.npz``: the one reader that every command and data set uses.

What a file claims is compared with its bytes before an array is made of it: nothing is
unpickled, and no size, type or packing is taken at its word.

An ``.npz`` of samples has one array of them (``spikes``, or ``images``, ``signals`` or ``values``
where those are meant) and, if known, what is said about each in :data:`ABOUT_SAMPLES`.
"""

from __future__ import annotations

import contextlib
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from hw_models import InputError

SPIKES = "spikes"
ABOUT_SAMPLES = frozenset({"labels", "test", "groups", "classes"})
ENDING = ".npy"
PLAIN_KINDS = "biufSU"
MOST_DEFLATE = 1032  # bytes that one byte of deflate can stand for
LONGEST_HEADER = 10_000
ENCRYPTED = 1  # bit of a member's flags
HIGHEST_CHARACTER = 0x10FFFF


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz`` file.

    Raises
    ------
    InputError
        If it is not such a file, or a damaged one.
    OSError
        If it cannot be opened.
    """
    what = "a whole NumPy archive of plain arrays (.npz)"
    with Path(path).open("rb") as file, _errors(path, what):
        return _archive(file)


def read_array_or_arrays(path: str | os.PathLike[str]) -> np.ndarray | dict[str, np.ndarray]:
    """The array of an ``.npy`` file, or all arrays of an ``.npz``; errors as read_arrays."""
    what = "a NumPy file of plain arrays (.npy or .npz, nothing pickled)"
    with Path(path).open("rb") as file, _errors(path, what):
        start = file.read(len(np.lib.format.MAGIC_PREFIX))
        file.seek(0)
        if start != np.lib.format.MAGIC_PREFIX:
            return _archive(file)
        return _array(file, os.fstat(file.fileno()).st_size)


@contextlib.contextmanager
def _errors(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # zipfile and numpy report damage by errors of many kinds
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: not {what}: {reason}") from None


def _archive(file: IO[bytes]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    size = os.fstat(file.fileno()).st_size
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if sum(member.compress_size for member in members) > size:
            raise ValueError("its members claim more bytes than it has")
        for member in members:
            name = member.filename.removesuffix(ENDING)
            if name == member.filename:
                raise ValueError(f"{member.filename!r} is no {ENDING} file")
            if name in arrays:
                raise ValueError(f"{member.filename!r} is there twice")
            if member.flag_bits & ENCRYPTED:
                raise ValueError(f"{member.filename!r} is encrypted")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename!r} is packed by method {member.compress_type}")
            if member.file_size > MOST_DEFLATE * (member.compress_size + 1):
                raise ValueError(
                    f"{member.filename!r} claims {member.file_size} bytes, packed in"
                    f" {member.compress_size}"
                )
            with archive.open(member) as opened:
                arrays[name] = _array(opened, member.file_size)
    return arrays


def _array(file: IO[bytes], size: int) -> np.ndarray:
    """The array of an opened ``.npy`` file of ``size`` bytes."""
    version = np.lib.format.read_magic(file)
    readers: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f".npy version {version}; 1.0 and 2.0 are read")
    shape, by_column, dtype = readers[version](file, max_header_size=LONGEST_HEADER)
    if dtype.kind not in PLAIN_KINDS or dtype.hasobject or dtype.subdtype is not None:
        raise ValueError(f"an array of {dtype}; numbers, booleans and text are read")
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"shape {shape}")
    needed = math.prod(shape) * dtype.itemsize
    if needed != size - file.tell():
        raise ValueError(f"{shape} of {dtype} is {needed} bytes, {size - file.tell()} are there")
    data = file.read(needed)
    if len(data) != needed:  # zipfile has compared the sum by now
        raise ValueError(f"{shape} of {dtype} is {needed} bytes, {len(data)} are there")
    array = np.frombuffer(bytearray(data), dtype=dtype).reshape(
        shape, order="F" if by_column else "C"
    )
    _refuse_what_numpy_cannot_hold(array)
    return array


def _refuse_what_numpy_cannot_hold(array: np.ndarray) -> None:
    flat = array.reshape(-1, order="A")
    if array.dtype.kind == "b" and (flat.view(np.uint8) > 1).any():
        raise ValueError("a boolean that is neither 0 nor 1")
    if array.dtype.kind == "U" and array.dtype.itemsize:
        characters = flat.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if (characters > HIGHEST_CHARACTER).any():
            raise ValueError("text with a character that Unicode does not have")


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
        Its axes; of several, all but the first must have a length above 0.
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
    unfit = array.ndim != ndim or (length and len(array) != length) or 0 in array.shape[1:]
    if unfit or array.dtype.kind not in kinds:
        first = length or "N"
        raise InputError(
            f"{path}: {name} of shape {array.shape}, {array.dtype}; {ndim} axes are needed, the"
            f" first of {first}, and a type of kind {' or '.join(kinds)}"
        )
    return array
