"""N-MNIST, the whole or a part of it: a folder, or zip files."""

from __future__ import annotations

import numpy as np

from hw_models import InputError, ShapeError
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.formats.event_recordings import (
    SENSOR,
    binned_events,
    decode_events,
    find_recordings,
)
from ssdp_neuro.data.formats.file_tree import contents
from ssdp_neuro.data.settings import DataSettings, Encoding
from ssdp_neuro.data.source import Source
from ssdp_neuro.data.stored_spikes import stored

NMNIST_US = 300_000  # three movements of the camera
TEN = tuple(str(digit) for digit in range(10))


def nmnist_files(settings: DataSettings) -> Source:
    """Recordings ``Train/<digit>/<number>.bin`` and ``Test/...``, cut into steps."""
    only_events(settings)
    if SENSOR[1] % settings.pool:
        raise ShapeError(f"data.pool: {settings.pool} does not divide {SENSOR[1]} x {SENSOR[2]}")
    side = SENSOR[1] // settings.pool
    train, test = (find_recordings(settings.folder, part) for part in ("train", "test"))
    files = [*train, *test]

    def make(places: np.ndarray, labels: np.ndarray, n_classes: int) -> SpikeDataset:
        wanted = [files[place] for place in places]
        samples = (
            binned_events(
                decode_events(data, str(file)),
                settings.n_steps,
                step_us=step_us(settings, NMNIST_US),
                pool=settings.pool,
            )
            for file, data in zip(wanted, contents(wanted), strict=True)
        )
        return stored(
            samples,
            labels,
            n_steps=settings.n_steps,
            input_shape=(SENSOR[0], side, side),
            n_classes=n_classes,
        )

    return Source(
        where=settings.folder,
        labels=np.array([int(file.match[2]) for file in files], dtype=np.int64),
        class_names=TEN,
        make=make,
        encoding=Encoding.EVENTS,
        is_test=np.arange(len(files)) >= len(train),
    )


def only_events(settings: DataSettings) -> None:
    """Refuse encodings that are not for recorded events."""
    if settings.code not in (Encoding.AUTO, Encoding.EVENTS):
        raise InputError(
            f"data.encoding: {settings.encoding!r} is not for the events of {settings.name!r};"
            " allowed: auto, events"
        )


def step_us(settings: DataSettings, usual_us: int) -> int:
    """Microseconds of a step: those of the settings, or the usual length by ``n_steps``.

    Raises
    ------
    InputError
        If there are more steps than microseconds.
    """
    if settings.step_us:
        return settings.step_us
    if settings.n_steps > usual_us:
        raise InputError(
            f"data.n_steps: {settings.n_steps}; at most {usual_us}, one per microsecond of"
            f" {settings.name!r}, unless step_us is given"
        )
    return usual_us // settings.n_steps
