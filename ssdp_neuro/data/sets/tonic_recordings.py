"""Recordings of one of tonic's data sets, made to spikes when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.atomic_file import whole_file
from hw_models.records import short_repr
from ssdp_neuro.data.dataset import IndexedPairs, places_in


@dataclass(frozen=True, kw_only=True)
class EventFrames:
    """Events to spikes by tonic's transforms: a pixel fires in a step if it had any event.

    Steps are counted from the first event; what is beyond the last step is left out.

    Parameters
    ----------
    sensor
        Columns, rows and polarities; rows are 1 where events have no ``y``.
    n_steps, step_us
        Steps, and microseconds in one.
    pool
        So many rows and columns (or channels) become one.

    Raises
    ------
    ShapeError
        If ``pool`` does not divide the sensor.
    """

    sensor: tuple[int, int, int]
    n_steps: int
    step_us: int
    pool: int

    def __post_init__(self) -> None:
        columns, rows, _ = self.sensor
        if columns % self.pool or (rows > 1 and rows % self.pool):
            raise ShapeError(f"data.pool: {self.pool} does not divide {rows} x {columns}")

    @property
    def pooled_sensor(self) -> tuple[int, int, int]:
        """The sensor after pooling."""
        columns, rows, polarities = self.sensor
        return columns // self.pool, max(1, rows // self.pool), polarities

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Polarities, rows and columns; channels only where there are no rows."""
        columns, rows, polarities = self.pooled_sensor
        return (columns,) if rows == 1 else (polarities, rows, columns)

    def __call__(self, events: np.ndarray) -> np.ndarray:
        """Spikes, bool ``(n_steps, *input_shape)``.

        Raises
        ------
        InputError
            If an event lies outside the sensor or before the one before it.
        """
        from tonic import transforms

        events = events.copy()
        names = events.dtype.names or ()
        for name, size in zip("xyp", self.sensor, strict=True):
            if name in names and len(events) and size > 1:
                values = events[name].astype(np.int64)
                if values.min() < 0 or values.max() >= size:
                    raise InputError(
                        f"{name} of {values.min()}..{values.max()}; allowed 0..{size - 1}"
                    )
        time = events["t"].astype(np.int64)
        if (np.diff(time) < 0).any():
            raise InputError("an event lies before the one before it")
        end = self.n_steps * self.step_us
        events["t"] = time - time[0] if len(events) else time
        events = events[events["t"] < end]
        if not len(events):
            return np.zeros((self.n_steps, *self.input_shape), dtype=bool)
        frames = transforms.Compose(
            [
                transforms.Downsample(spatial_factor=1 / self.pool),
                transforms.ToFrame(
                    sensor_size=self.pooled_sensor,
                    time_window=self.step_us,
                    start_time=0,
                    end_time=end,
                ),
            ]
        )(events)
        return (frames > 0).reshape(self.n_steps, *self.input_shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class TonicRecordings(IndexedPairs):
    """Labelled recordings; a :class:`~ssdp_neuro.data.SpikeDataset`.

    Parameters
    ----------
    read
        ``read(place)`` gives the events of a recording of the data set.
    names
        For messages, one for each recording of the data set.
    places
        Which recordings these samples are, int64 ``(N,)``.
    labels
        int64 ``(N,)``.
    n_classes
        Labels are below this.
    frames
        Makes the spikes.
    cache
        Folder for spikes that were made; None for none. A file in it appears whole or not
        at all, and one that cannot be read is made again.
    """

    read: Callable[[int], np.ndarray]
    names: list[str]
    places: np.ndarray
    labels: np.ndarray
    n_classes: int
    frames: EventFrames
    cache: Path | None = None

    __repr__ = short_repr

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return self.frames.n_steps

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one step's spikes."""
        return self.frames.input_shape

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``; the same in any epoch.

        Raises
        ------
        InputError
            If a recording cannot be read.
        """
        chosen = self.places[places_in(indices, len(self))]
        spikes = np.zeros((len(chosen), self.n_steps, *self.input_shape), dtype=bool)
        for row, place in zip(spikes, chosen, strict=True):
            row[...] = self._spikes_of(int(place))
        return spikes

    def _spikes_of(self, place: int) -> np.ndarray:
        if self.cache is None:
            return self._made(place)
        from tonic.cached_dataset import load_from_disk_cache, save_to_disk_cache

        key = repr((self.names[place], self.frames))
        path = self.cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.hdf5"
        try:
            spikes, _ = load_from_disk_cache(path)
            return np.asarray(spikes, dtype=bool).reshape(self.n_steps, *self.input_shape)
        except (OSError, KeyError, ValueError):
            spikes = self._made(place)
        self.cache.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            save_to_disk_cache(spikes, 0, file_path=partial)
        return spikes

    def _made(self, place: int) -> np.ndarray:
        try:
            return self.frames(self.read(place))
        except (OSError, ValueError, KeyError, IndexError, EOFError) as error:
            raise InputError(f"{self.names[place]}: cannot be read: {error}") from None
