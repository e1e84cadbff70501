"""Arrays that the user made: spikes, images or signals with labels in one ``.npz``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hw_models import InputError
from ssdp_neuro.data.codes.level_crossing import LevelCrossing
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.formats.array_file import array_path, read_arrays, wanted_array
from ssdp_neuro.data.sets.event_sources import only_events
from ssdp_neuro.data.sets.image_sources import images_source
from ssdp_neuro.data.settings import DataSettings, Encoding
from ssdp_neuro.data.source import Source
from ssdp_neuro.data.stored_spikes import stored

MOST_CLASSES = 2**16
KINDS = ("spikes", "images", "signals")


def npz(settings: DataSettings) -> Source:
    """One of three kinds of samples, and what is known about each.

    - ``spikes``: 0 and 1, ``(N, n_steps, ...)``;
    - ``images``: uint8, ``(N, height, width)`` or ``(N, channels, height, width)``;
    - ``signals``: integers, ``(N, samples)`` or ``(N, samples, leads)``;
    - ``labels``: integers from 0, ``(N,)``;
    - optional: ``test``, true for those of the test, ``groups``, names or numbers, both
      ``(N,)``, and ``classes``, one name for each label.
    """
    path = array_path(settings.folder)
    arrays = read_arrays(path)
    kinds = [kind for kind in KINDS if kind in arrays]
    if len(kinds) != 1:
        raise InputError(f"{path}: arrays {sorted(arrays)}; one of {KINDS} is needed")
    labels = wanted_array(arrays, path, "labels", "iu", 1).astype(np.int64)
    names = _class_names(arrays, path, labels)
    samples = arrays[kinds[0]]
    if samples.ndim < 2 or len(samples) != len(labels) or 0 in samples.shape[1:]:
        raise InputError(f"{path}: {kinds[0]} of {samples.shape} for {len(labels)} labels")
    is_test = groups = None
    if "test" in arrays:
        is_test = wanted_array(arrays, path, "test", "biu", 1, len(labels)) != 0
    if "groups" in arrays:
        groups = wanted_array(arrays, path, "groups", "iuU", 1, len(labels)).astype(str)
    if kinds[0] == "images":
        images = samples[:, None] if samples.ndim == 3 else samples
        if images.ndim != 4 or images.dtype != np.uint8:
            raise InputError(f"{path}: images of {samples.shape}, {samples.dtype}; uint8 is needed")
        return images_source(
            settings,
            where=str(path),
            images=images,
            labels=labels,
            class_names=names,
            is_test=is_test,
            groups=groups,
        )
    encode, usual = (
        (_spikes_as_they_are, Encoding.EVENTS)
        if kinds[0] == "spikes"
        else (_signals, Encoding.DELTA)
    )
    spikes = encode(samples, path, settings)

    def make(places: np.ndarray, labels: np.ndarray, n_classes: int) -> SpikeDataset:
        return stored(
            spikes[places],
            labels,
            n_steps=settings.n_steps,
            input_shape=tuple(int(size) for size in spikes.shape[2:]),
            n_classes=n_classes,
        )

    return Source(
        where=str(path),
        labels=labels,
        class_names=names,
        make=make,
        encoding=usual,
        is_test=is_test,
        groups=groups,
    )


def _class_names(arrays: dict[str, np.ndarray], path: Path, labels: np.ndarray) -> tuple[str, ...]:
    if "classes" in arrays:
        return tuple(wanted_array(arrays, path, "classes", "U", 1).tolist())
    highest = int(labels.max()) if labels.size else 0
    most = min(MOST_CLASSES, len(labels))
    if not 0 <= highest < max(most, 1):
        raise InputError(
            f"{path}: label {highest}; {len(labels)} samples without the names of their classes"
            f" allow 0..{most - 1} (an array 'classes' of text names them)"
        )
    return tuple(str(label) for label in range(highest + 1))


def _spikes_as_they_are(samples: np.ndarray, path: Path, settings: DataSettings) -> np.ndarray:
    only_events(settings)
    if (
        samples.ndim < 3
        or samples.shape[1] != settings.n_steps
        or samples.dtype.kind not in "biu"
        or not np.isin(samples, (0, 1)).all()
    ):
        raise InputError(
            f"{path}: spikes of shape {samples.shape}, {samples.dtype}; 0 and 1 of shape"
            f" (N, {settings.n_steps}, ...) are needed (n_steps is {settings.n_steps})"
        )
    return samples != 0


def _signals(samples: np.ndarray, path: Path, settings: DataSettings) -> np.ndarray:
    signals = samples[:, :, None] if samples.ndim == 2 else samples
    if signals.ndim != 3 or signals.dtype.kind not in "iu" or not signals.size:
        raise InputError(
            f"{path}: signals of {samples.shape}, {samples.dtype}; integers (N, samples) or"
            " (N, samples, leads) are needed"
        )
    if np.abs(signals.astype(np.float64)).max() >= 2**31:
        raise InputError(f"{path}: signals beyond 32 bits")
    if settings.code not in (Encoding.AUTO, Encoding.DELTA):
        raise InputError(
            f"data.encoding: {settings.encoding!r} is not for the signals of {path};"
            " allowed: auto, delta"
        )
    if not settings.delta:
        raise InputError(f"data.delta: not given; {path} has signals of an unknown unit")
    return LevelCrossing(settings.n_steps, settings.delta, settings.levels)(signals)
