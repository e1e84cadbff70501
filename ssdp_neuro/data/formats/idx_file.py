"""Reader of idx files, the form in which MNIST and Fashion-MNIST are given."""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from hw_models import InputError
from ssdp_neuro.data.formats.array_file import MOST_DEFLATE

GZIP_MAGIC = b"\x1f\x8b"
TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_AXES = 32  # of a NumPy 1 array
MOST_BYTES = 2**31
PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an idx file, gzipped or not.

    Two zero bytes, a code of the type, the number of axes, a big-endian size of each, and
    the values.

    Parameters
    ----------
    path
        Whether it is gzipped is seen from its first bytes, not from its name.

    Returns
    -------
    array of the file's type and shape, in this machine's byte order

    Raises
    ------
    InputError
        If it is not such a file, is cut off, or goes on after the last value.
    OSError
        If it cannot be opened.
    """
    with Path(path).open("rb") as file:
        start = file.read(2)
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        try:
            if start == GZIP_MAGIC:
                with gzip.open(file) as unpacked:
                    return _read(path, unpacked, MOST_DEFLATE * size)
            return _read(path, file, size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path}: damaged gzip file: {error}") from None


def read_labelled_images(
    folder: str | os.PathLike[str], part: str
) -> tuple[np.ndarray, np.ndarray]:
    """Read a part of MNIST or of a data set that is stored like it.

    Parameters
    ----------
    folder
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with
        ``t10k``; with or without ``.gz``.
    part
        ``"train"`` or ``"test"``.

    Returns
    -------
    images : uint8, shape (B, height, width)
    labels : int64, shape (B,)

    Raises
    ------
    InputError
        If a file is missing or damaged, or the two do not fit each other.
    """
    if part not in PARTS:
        raise InputError(f"read_labelled_images.part: {part!r}; one of {tuple(PARTS)} is needed")
    images_file = idx_path(folder, f"{PARTS[part]}-images-idx3-ubyte")
    labels_file = idx_path(folder, f"{PARTS[part]}-labels-idx1-ubyte")
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3 or images.dtype != np.uint8 or images.size == 0:
        raise InputError(
            f"{images_file}: shape {images.shape}, {images.dtype}; uint8 (B, H, W) is needed"
        )
    if labels.shape != images.shape[:1] or labels.dtype != np.uint8:
        raise InputError(
            f"{labels_file}: shape {labels.shape}, {labels.dtype}; uint8 ({len(images)},) is"
            f" needed, as {images_file.name} has images"
        )
    return images, labels.astype(np.int64)


def idx_path(folder: str | os.PathLike[str], name: str) -> Path:
    """The file of that name in a folder, with or without ``.gz``.

    If there is none, the only one that has something and ``-`` before the name, ``test`` for
    ``t10k`` or ``.idx`` for ``-idx`` is taken, as in ``emnist-letters-test-images.idx3-ubyte``.

    Raises
    ------
    InputError
        If there is neither, or several.
    """
    for path in (Path(folder, name), Path(folder, f"{name}.gz")):
        if path.is_file():
            return path
    like = re.escape(name).replace("t10k", "(?:t10k|test)").replace(r"\-idx", "[-.]idx")
    pattern = re.compile(rf"(?:.+-)?{like}(?:\.gz)?")
    inside = Path(folder).iterdir() if Path(folder).is_dir() else ()
    found = sorted(path for path in inside if pattern.fullmatch(path.name) and path.is_file())
    if len(found) > 1:
        raise InputError(
            f"{folder}: {[path.name for path in found]} all stand for {name}; one is needed"
        )
    if not found:
        raise InputError(f"{folder}: no file {name} or {name}.gz")
    return found[0]


def _read(path: Any, file: IO[bytes] | gzip.GzipFile, most: int) -> np.ndarray:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] == 0:
        raise InputError(f"{path}: begins with {magic!r}; not an idx file")
    if magic[3] > MOST_AXES:
        raise InputError(f"{path}: {magic[3]} axes; allowed 1..{MOST_AXES}")
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise InputError(f"{path}: cut off in its header of {magic[3]} axes")
    shape = tuple(int(size) for size in np.frombuffer(header, dtype=">u4"))
    dtype = np.dtype(TYPES[magic[2]])
    needed = math.prod(shape) * dtype.itemsize
    if needed > MOST_BYTES:
        raise InputError(f"{path}: shape {shape} needs {needed} bytes; allowed up to {MOST_BYTES}")
    if needed > most:
        raise InputError(f"{path}: shape {shape} needs {needed} bytes; cut off, it has fewer")
    data = file.read(needed + 1)
    if len(data) != needed:
        has = "more" if len(data) > needed else f"{len(data)}"
        raise InputError(f"{path}: shape {shape} needs {needed} bytes; the file has {has}")
    return np.frombuffer(data, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="))
