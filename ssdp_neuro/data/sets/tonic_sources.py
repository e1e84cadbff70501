"""Data sets that tonic knows: where their files are, or downloaded if the settings say so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hw_models import InputError, MissingExtraError
from hw_models.extras import import_extra
from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.sets.event_sources import nmnist_files, only_events, step_us
from ssdp_neuro.data.sets.tonic_recordings import EventFrames, TonicRecordings
from ssdp_neuro.data.settings import DataSettings, Encoding
from ssdp_neuro.data.source import Source

GESTURE_US, DIGIT_US, CIFAR10_US = 1_500_000, 1_000_000, 1_300_000


def dvs_gesture(settings: DataSettings) -> Source:
    """DVS128 Gesture; its own test has people of its own."""
    parts = [tonic_data("DVSGesture", settings, train=part) for part in (True, False)]
    return _recordings(
        settings,
        parts,
        usual_us=GESTURE_US,
        class_names=tuple(name.lower() for name in parts[0].classes),
        labels=[part.targets for part in parts],
        names=[part.data for part in parts],
        groups=[[f"user{user:02d}" for user in part.users] for part in parts],
        by_group=True,
    )


def shd(settings: DataSettings) -> Source:
    """Spiking Heidelberg Digits, 700 channels, in German and English."""
    import h5py

    parts = [tonic_data("SHD", settings, train=part) for part in (True, False)]
    labels, names = [], []
    for part in parts:
        path = str(Path(part.location_on_system, part.data_filename))
        with _readable(path), h5py.File(path, "r") as file:
            labels.append(file["labels"][()])
        names.append([f"{path}: {index:06d}" for index in range(len(labels[-1]))])
    return _recordings(
        settings,
        parts,
        usual_us=DIGIT_US,
        class_names=tuple(key.decode() for key in parts[0].classes),
        labels=labels,
        names=names,
        groups=[[f"speaker{speaker:02d}" for speaker in part.speaker] for part in parts],
    )


def cifar10_dvs(settings: DataSettings) -> Source:
    """CIFAR10-DVS, which has no test of its own."""
    try:
        import aedat  # noqa: F401
    except ImportError as missing:
        raise MissingExtraError(
            "cifar10-dvs is stored as AEDAT 4, which tonic reads by: pip install aedat"
        ) from missing
    data = tonic_data("CIFAR10DVS", settings)
    return _recordings(
        settings,
        [data],
        usual_us=CIFAR10_US,
        class_names=tuple(data.classes),
        labels=[data.targets],
        names=[data.data],
        groups=None,
    )


def nmnist(settings: DataSettings) -> Source:
    """N-MNIST from files that are there, or downloaded by tonic if they are not."""
    if settings.download and not Path(settings.folder, "NMNIST").is_dir():
        for part in (True, False):
            tonic_data("NMNIST", settings, train=part)
    return nmnist_files(settings)


def tonic_data(name: str, settings: DataSettings, **more: Any) -> Any:
    """One of tonic's data sets in ``settings.folder``.

    Raises
    ------
    InputError
        If its files are not there and ``download`` is off, or a file is damaged.
    MissingExtraError
        If tonic is not installed.
    """
    datasets = import_extra("tonic.datasets", "train", f"data set {settings.name}")
    kind = getattr(datasets, name)

    def refuse(self: Any) -> None:
        raise InputError(
            f"{self.location_on_system}: not the whole of {settings.name}; {self.filename} and"
            f" what is in it are needed there: put them there (they are at {self.url}), or let"
            " tonic do it: download = true"
        )

    # the class keeps its name, which is that of its folder
    checked = kind if settings.download else type(name, (kind,), {"download": refuse})
    with _readable(settings.folder):
        return checked(save_to=settings.folder, **more)


def _recordings(
    settings: DataSettings,
    parts: list[Any],
    *,
    usual_us: int,
    class_names: tuple[str, ...],
    labels: list[Any],
    names: list[list[str]],
    groups: list[list[str]] | None,
    by_group: bool = False,
) -> Source:
    only_events(settings)
    columns, rows, polarities = parts[0].sensor_size
    frames = EventFrames(
        sensor=(columns, rows, polarities),
        n_steps=settings.n_steps,
        step_us=step_us(settings, usual_us),
        pool=settings.pool,
    )
    # tonic lists files as the file system does; by name they are in one order everywhere
    order = [(p, i) for p, part in enumerate(names) for i in np.argsort(part, kind="stable")]
    labelled = np.array([int(labels[p][i]) for p, i in order], dtype=np.int64)
    named = [names[p][i] for p, i in order]
    cache = Path(settings.cache) if settings.cache else None

    def read(place: int) -> np.ndarray:
        part, index = order[place]
        return parts[part][index][0]

    def make(places: np.ndarray, labels: np.ndarray, n_classes: int) -> SpikeDataset:
        return TonicRecordings(
            read=read,
            names=named,
            places=places,
            labels=labels,
            n_classes=n_classes,
            frames=frames,
            cache=cache,
        )

    return Source(
        where=settings.folder,
        labels=labelled,
        class_names=class_names,
        make=make,
        encoding=Encoding.EVENTS,
        is_test=np.array([p == 1 for p, _ in order]) if len(parts) == 2 else None,
        groups=None if groups is None else np.array([groups[p][i] for p, i in order]),
        by_group=by_group,
    )


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: cannot be read: {error}") from None
