"""Labelled spikes from what the user has: digits, idx images, event recordings, or arrays."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw_models import InputError, RangeError, ShapeError
from hw_models.arrays import batch_first_hint
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from hw_models.records import short_repr
from ssdp_neuro.data.codes.encoding import latency_code
from ssdp_neuro.data.formats.array_file import read_arrays
from ssdp_neuro.data.formats.event_recordings import SENSOR, binned_events, read_recordings
from ssdp_neuro.data.formats.idx_file import read_labelled_images
from ssdp_neuro.data.sets.digits import load_digits

DIGITS = "digits"
RECORDING_US = 300_000  # of N-MNIST: three movements of the camera
BRIGHTEST = 255.0


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeSamples:
    """Samples as spikes, with their classes.

    Parameters
    ----------
    spikes
        bool ``(B, T, *shape)``.
    labels
        int64 ``(B,)``.

    Raises
    ------
    ShapeError
        If these are not as many.
    """

    spikes: np.ndarray
    labels: np.ndarray

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if self.spikes.ndim < 3 or self.labels.shape != self.spikes.shape[:1]:
            raise ShapeError(
                f"SpikeSamples: spikes {self.spikes.shape} and labels {self.labels.shape};"
                f" (B, T, ...) and (B,) are needed{self._hint()}"
            )

    def _hint(self) -> str:
        n_labels = self.labels.size if self.labels.ndim == 1 else -1
        return batch_first_hint(self.spikes.shape, n_labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return int(self.spikes.shape[1])

    def take(self, places: Any) -> SpikeSamples:
        """Those at the given places."""
        return SpikeSamples(spikes=self.spikes[places], labels=self.labels[places])

    def of_classes(self, classes: Any) -> SpikeSamples:
        """Those of the given classes, in the same order."""
        return self.take(np.isin(self.labels, list(classes)))

    def first_of_each(self, count: int, *, skip: int = 0) -> SpikeSamples:
        """The first ``count`` of each class after ``skip`` of them, in their order here."""
        places = [
            np.flatnonzero(self.labels == label)[skip : skip + count]
            for label in np.unique(self.labels)
        ]
        return self.take(np.sort(np.concatenate(places)))


def load_samples(
    data: str | os.PathLike[str],
    *,
    n_inputs: int,
    n_steps: int,
    window: int | None = None,
    train_per_class: int,
    test_per_class: int,
    seed: int = 0,
) -> tuple[SpikeSamples, SpikeSamples]:
    """Read labelled samples, to learn from and to be judged by.

    Images become one spike per pixel, the earlier the brighter; recordings of 300 ms are
    cut into ``n_steps`` bins. Squares of pixels are pooled where ``n_inputs`` asks for it.

    Parameters
    ----------
    data
        ``"digits"`` (scikit-learn's, 8 x 8); a folder with the idx files of MNIST or of a
        data set stored like it; a folder with one zip file of N-MNIST recordings, or that
        file; or an ``.npz`` of ``spikes`` (B, T, N) and ``labels`` (B,), of which every
        class gives its last samples to the test.
    n_inputs
        Size of the network's input population; decides about pooling.
    n_steps
        Steps of a sample.
    window
        Steps into which the spikes of images fall; all if not given.
    train_per_class, test_per_class
        At most so many samples of each class.
    seed
        Which ones, and their order; the same everywhere.

    Returns
    -------
    train, test : SpikeSamples

    Raises
    ------
    InputError, ShapeError, RangeError
        If there is no such data, a file is damaged, or they don't fit ``n_inputs``.
    """
    counts = tuple(
        integer(f"load_samples.{name}", value, 1, 2**31 - 1)
        for name, value in (
            ("train_per_class", train_per_class),
            ("test_per_class", test_per_class),
        )
    )
    if str(data) == DIGITS:
        split = load_digits(seed)
        return tuple(  # type: ignore[return-value]
            _coded(part.images, part.labels, n_inputs, n_steps, window, str(data))
            for part in (
                split.train.first_of_each(dict.fromkeys(range(10), counts[0])),
                split.held_out.first_of_each(dict.fromkeys(range(10), counts[1])),
            )
        )
    path = Path(data)
    if path.is_file() and path.suffix == ".npz":
        return _from_arrays(path, n_inputs, n_steps, counts, seed)
    recordings = [path] if path.is_file() else sorted(path.glob("*.zip"))
    if len(recordings) == 1:
        return _from_recordings(recordings[0], n_inputs, n_steps, counts, seed)
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; 'digits', a folder or a file is needed")
    parts = []
    for part, count in zip(("train", "test"), counts, strict=True):
        images, labels = read_labelled_images(path, part)
        places = chosen(labels, count, seed)
        parts.append(
            _coded(images[places] / BRIGHTEST, labels[places], n_inputs, n_steps, window, str(path))
        )
    return parts[0], parts[1]


def chosen(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Places of at most ``per_class`` samples of each class, shuffled by ``seed``."""
    order = np.argsort(random_bits(seed, np.arange(len(labels))), kind="stable")
    kept = [order[labels[order] == label][:per_class] for label in np.unique(labels)]
    places = np.concatenate(kept)
    return places[np.argsort(random_bits(seed, places), kind="stable")]


def _coded(
    images: np.ndarray, labels: np.ndarray, n_inputs: int, n_steps: int, window: int | None, of: str
) -> SpikeSamples:
    """Images in latency code, pooled to ``n_inputs`` pixels."""
    height, width = images.shape[1:]
    pool = _pool(of, (1, height, width), n_inputs)
    pooled = images.reshape(-1, height // pool, pool, width // pool, pool).mean(axis=(2, 4))
    spikes = latency_code(pooled, n_steps, window=window)
    return SpikeSamples(spikes=spikes.reshape(len(labels), n_steps, -1), labels=labels)


def _pool(of: str, shape: tuple[int, int, int], n_inputs: int) -> int:
    channels, height, width = shape
    sizes = {
        channels * (height // pool) * (width // pool): pool
        for pool in range(1, min(height, width) + 1)
        if height % pool == 0 and width % pool == 0
    }
    if n_inputs not in sizes:
        raise ShapeError(
            f"{of}: {channels} x {height} x {width} pixels do not make {n_inputs} inputs;"
            f" pooled in squares they make {sorted(sizes)}"
        )
    return sizes[n_inputs]


def _from_recordings(
    path: Path, n_inputs: int, n_steps: int, counts: tuple[int, ...], seed: int
) -> tuple[SpikeSamples, SpikeSamples]:
    pool = _pool(str(path), SENSOR, n_inputs)
    if n_steps > RECORDING_US:
        raise RangeError(f"n_steps: {n_steps}; at most one per microsecond of the recording")
    parts = []
    for part, count in zip(("train", "test"), counts, strict=True):
        spikes, labels = [], []
        for events, label in read_recordings(path, part):
            one = binned_events(events, n_steps, step_us=RECORDING_US // n_steps, pool=pool)
            spikes.append(one.reshape(n_steps, -1))
            labels.append(label)
        everything = SpikeSamples(spikes=np.stack(spikes), labels=np.array(labels, dtype=np.int64))
        parts.append(everything.take(chosen(everything.labels, count, seed)))
    return parts[0], parts[1]


def _from_arrays(
    path: Path, n_inputs: int, n_steps: int, counts: tuple[int, ...], seed: int
) -> tuple[SpikeSamples, SpikeSamples]:
    stored = read_arrays(path)
    if not {"spikes", "labels"} <= set(stored):
        raise InputError(
            f"{path}: not a NumPy archive of spikes and labels; it has {sorted(stored)}"
        )
    spikes, labels = stored["spikes"], stored["labels"]
    if (
        spikes.ndim < 3
        or spikes.shape[1] != n_steps
        or math.prod(spikes.shape[2:]) != n_inputs
        or spikes.dtype.kind not in "biu"
        or not np.isin(spikes, (0, 1)).all()
    ):
        raise InputError(
            f"{path}: spikes of shape {spikes.shape}, {spikes.dtype};"
            f" 0 and 1 of shape (B, {n_steps}, {n_inputs}) are needed"
        )
    if not spikes.size:
        raise InputError(f"{path}: no samples, or samples without spikes: {spikes.shape}")
    if labels.shape != spikes.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise InputError(
            f"{path}: labels of shape {labels.shape}, {labels.dtype};"
            f" integers from 0 of shape ({len(spikes)},) are needed"
            f"{batch_first_hint(spikes.shape, labels.size)}"
        )
    flat = SpikeSamples(
        spikes=spikes.reshape(len(spikes), n_steps, -1) != 0, labels=labels.astype(np.int64)
    )
    places = chosen(flat.labels, len(flat), seed)
    test, train = [], []
    for label in np.unique(flat.labels):
        of_label = places[flat.labels[places] == label]
        held_out = min(counts[1], len(of_label) // 2)
        if held_out == 0:
            raise InputError(f"{path}: one sample of class {label}; two or more are needed")
        test.append(of_label[len(of_label) - held_out :])
        train.append(of_label[: len(of_label) - held_out][: counts[0]])
    by_key = [
        p[np.argsort(random_bits(seed, p), kind="stable")]
        for p in map(np.concatenate, (train, test))
    ]
    return flat.take(by_key[0]), flat.take(by_key[1])
