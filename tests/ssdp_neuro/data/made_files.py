"""Idx files and event recordings made for tests, byte by byte."""

import gzip
import zipfile

import numpy as np


def idx_bytes(array, code=8):
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    values = array.astype(array.dtype.newbyteorder(">")).tobytes()
    return bytes([0, 0, code, array.ndim]) + sizes + values


def mnist_like(folder, rng, per_class=3, side=4, n_classes=4):
    """The four files; an image of class c is bright in its pixel c and random elsewhere."""
    for part in ("train", "t10k"):
        labels = np.tile(np.arange(n_classes), per_class).astype(np.uint8)
        images = rng.integers(0, 100, size=(len(labels), side, side)).astype(np.uint8)
        images.reshape(len(labels), -1)[np.arange(len(labels)), labels] = 255
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{part}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(idx_bytes(array), mtime=0))


def event_bytes(x, y, p, t):
    """40 bits per event: x, y, polarity and 23 bits of microseconds."""
    rows = np.stack([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255], axis=1)
    return rows.astype(np.uint8).tobytes()


def random_events(rng, n=50):
    x, y = rng.integers(0, 34, size=(2, n))
    return x, y, rng.integers(0, 2, size=n), np.sort(rng.integers(0, 300_000, size=n))


def recordings_file(path, rng, per_class=3, n_classes=2):
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("Train", "Test"):
            for number in range(per_class * n_classes):
                name = f"{part}/{number % n_classes}/{number + 1:05d}.bin"
                archive.writestr(name, event_bytes(*random_events(rng)))
        archive.writestr("readme.txt", "not a recording")
