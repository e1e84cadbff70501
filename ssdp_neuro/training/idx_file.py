"""Images and labels in the idx format, as MNIST and its successors are published."""

from __future__ import annotations

import enum
import gzip
import math
import zlib
from os import PathLike
from pathlib import Path

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.integers import integer
from ssdp_neuro.training.digits import LabelledImages

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 32  # of any array in NumPy 1.26
GZIP_MAGIC = b"\x1f\x8b"
BRIGHTEST = 255


class IdxPart(enum.Enum):
    """Which images of a published set; the value begins the names of their files."""

    TRAIN = "train"
    TEST = "t10k"


def load_idx_images(
    folder: str | PathLike[str], part: IdxPart, *, count: int | None = None
) -> LabelledImages:
    """Images and labels of one part of a set, from the four files MNIST comes in.

    Parameters
    ----------
    folder
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with
        ``t10k``, each as it is or with ``.gz`` at the end.
    part
        Which two of them.
    count
        How many to take, from the first on; all if not given.

    Returns
    -------
    LabelledImages
        Brightness 0..1, float64 ``(B, height, width)``, and labels.

    Raises
    ------
    InputError
        If a file is missing, damaged, or not of unsigned bytes; names the file.
    ShapeError
        If images are not ``(B, height, width)``, labels not ``(B,)``, for the same B.
    RangeError, TypeMismatchError
        If ``count`` is not from 1 to B.
    """
    images_path = _find(Path(folder), f"{part.value}-images-idx3-ubyte")
    labels_path = _find(Path(folder), f"{part.value}-labels-idx1-ubyte")
    images, labels = read_idx(images_path), read_idx(labels_path)
    for path, array, n_axes in ((images_path, images, 3), (labels_path, labels, 1)):
        if array.dtype != np.uint8:
            raise InputError(f"{path}: values of type {array.dtype}; uint8 is needed")
        if array.ndim != n_axes:
            raise ShapeError(f"{path}: shape {array.shape}; {n_axes} axes are needed")
    if len(images) != len(labels):
        raise ShapeError(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    n = len(images) if count is None else integer("load_idx_images.count", count, 1, len(images))
    return LabelledImages(images=images[:n] / BRIGHTEST, labels=labels[:n].astype(np.int64))


def read_idx(path: str | PathLike[str]) -> np.ndarray:
    """Read one idx file, compressed by gzip or not.

    Parameters
    ----------
    path
        The file: two zero bytes, a type code, the number of axes, their lengths as
        big-endian uint32, then the values, big-endian, in C order.

    Returns
    -------
    array
        Of the shape and type that the file says, in native byte order.

    Raises
    ------
    InputError
        If there is no such file, it is not an idx file, or has more or fewer values than
        it says; names the file.
    """
    path = Path(path)
    content = _content(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in DTYPES:
        raise InputError(
            f"{path}: begins with {content[:4].hex(' ') or 'nothing'}; an idx file begins with"
            " 00 00, a type (08, 09 or 0b to 0e) and the number of axes"
        )
    n_axes = content[3]
    start = 4 + 4 * n_axes
    if n_axes > MOST_AXES:
        raise InputError(f"{path}: {n_axes} axes; allowed 0..{MOST_AXES}")
    if len(content) < start:
        raise InputError(f"{path}: {len(content)} bytes; its {n_axes} axes alone need {start}")
    shape = tuple(int(length) for length in np.frombuffer(content[4:start], dtype=">u4"))
    dtype = np.dtype(DTYPES[content[2]])
    needed = start + math.prod(shape) * dtype.itemsize
    if len(content) != needed:
        raise InputError(f"{path}: {len(content)} bytes; {needed} are needed for shape {shape}")
    values = np.frombuffer(content, dtype=dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == GZIP_MAGIC else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def _find(folder: Path, name: str) -> Path:
    """The file itself, or the compressed one."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise InputError(f"{folder}: there is neither {name} nor {name}.gz")
