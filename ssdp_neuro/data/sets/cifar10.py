"""CIFAR-10 from its binary version, or from an ``.npz`` of images and labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from hw_models import InputError
from ssdp_neuro.data.formats.array_file import array_path, read_arrays, wanted_array
from ssdp_neuro.data.sets.image_sources import images_source
from ssdp_neuro.data.settings import DataSettings
from ssdp_neuro.data.source import Source

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SHAPE = (3, 32, 32)
ROW_BYTES = 1 + 3 * 32 * 32  # the label, and the three colours row by row
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILE = "test_batch.bin"
SUBFOLDER = "cifar-10-batches-bin"


def cifar10(settings: DataSettings) -> Source:
    """Colour images; an ``.npz`` has x, uint8 (N, 32, 32, 3), and y, and no test of its own."""
    folder = Path(settings.folder)
    binary = folder / SUBFOLDER if (folder / SUBFOLDER).is_dir() else folder
    if (binary / TRAIN_FILES[0]).is_file():
        parts = [read_batch(binary / name) for name in (*TRAIN_FILES, TEST_FILE)]
        _refuse_cut_off(binary, [len(labels) for _, labels in parts])
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        is_test = np.arange(len(labels)) >= len(labels) - len(parts[-1][1])
        return images_source(
            settings,
            where=str(binary),
            images=images,
            labels=labels,
            class_names=CLASSES,
            is_test=is_test,
        )
    if folder.is_dir() and not any(folder.glob("*.npz")):
        raise InputError(
            f"{folder}: no {TRAIN_FILES[0]}; {', '.join(TRAIN_FILES[1:])} and {TEST_FILE} of the"
            " binary version are needed (the Python version is pickled, which is not read), or"
            " an .npz with x and y"
        )
    path = array_path(folder)
    arrays = read_arrays(path)
    images = wanted_array(arrays, path, "x", "u", 4)
    if images.dtype != np.uint8 or images.shape[3] != SHAPE[0]:
        raise InputError(f"{path}: x of {images.shape}, {images.dtype}; uint8 (N, H, W, 3)")
    return images_source(
        settings,
        where=str(path),
        images=np.ascontiguousarray(images.transpose(0, 3, 1, 2)),
        labels=wanted_array(arrays, path, "y", "iu", 1, len(images)).astype(np.int64),
        class_names=CLASSES,
    )


def _refuse_cut_off(folder: Path, n_images: list[int]) -> None:
    """Half a file is a whole number of images, too: the files are of one length."""
    most = max(n_images)
    for name, n in zip((*TRAIN_FILES, TEST_FILE), n_images, strict=True):
        if n < most:
            raise InputError(f"{folder / name}: cut off: {n} images, other files have {most}")


def read_batch(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 ``(N, 3, 32, 32)``, and labels, int64 ``(N,)``, of a binary file.

    Raises
    ------
    InputError
        If it is missing, is not a whole number of images, or has a label above 9.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    data = np.fromfile(path, dtype=np.uint8)
    if not data.size or data.size % ROW_BYTES:
        raise InputError(f"{path}: {data.size} bytes; a positive multiple of {ROW_BYTES}")
    rows = data.reshape(-1, ROW_BYTES)
    labels = rows[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        place = int(labels.argmax())
        raise InputError(f"{path}: label {labels[place]} of image {place}; allowed 0..9")
    return rows[:, 1:].reshape(-1, *SHAPE), labels
