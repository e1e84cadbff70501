"""Idx files and event recordings made for tests, byte by byte."""

import gzip
import io
import wave
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


def wave_bytes(samples, rate=8000, channels=1):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def tone(hertz, seconds=0.1, rate=8000, loudness=8000):
    time = np.arange(int(seconds * rate)) / rate
    return np.rint(loudness * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def words_file(path, n_words=3, speakers=("ann", "bob", "carl"), count=8):
    """Each word a tone; each speaker a little higher than the one before."""
    with zipfile.ZipFile(path, "w") as archive:
        for word in range(n_words):
            for place, speaker in enumerate(speakers):
                for index in range(count):
                    sound = tone(300 * 2**word * (1 + 0.05 * place), 0.05 + 0.002 * index)
                    archive.writestr(f"some/{word}_{speaker}_{index}.wav", wave_bytes(sound))
        archive.writestr("some/notes.txt", "not a sound")
