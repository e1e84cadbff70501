"""Recordings of an event camera as N-MNIST stores them: 40 bits per event."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.integers import integer
from ssdp_neuro.data.formats.file_tree import TreeFile, contents, find_files

EVENT_BYTES = 5
OVERFLOW_ROW = 240  # such an entry is no event: the clock has wrapped
CLOCK_WRAP = 2**13
MOST_EVENTS = 2**24  # in a packet
SENSOR = (2, 34, 34)  # polarities, rows, columns of N-MNIST
EVENTS = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")])
NAME = re.compile(r"(?:.*/)?(Train|Test)/(\d)/(\d+)\.bin")
PARTS = {"train": "Train", "test": "Test"}


class Recording(NamedTuple):
    """Events of one recording, structured (x, y, t in microseconds, p), and its class."""

    events: np.ndarray
    label: int


def decode_events(data: bytes, where: str, sensor: tuple[int, int, int] = SENSOR) -> np.ndarray:
    """Decode the 40-bit events: 8 bits x, 8 bits y, 1 bit polarity, 23 bits microseconds.

    Parameters
    ----------
    data
        Content of a ``.bin`` file.
    where
        Its name, for messages.
    sensor
        Polarities, rows and columns.

    Returns
    -------
    structured array with fields x, y, t, p, as tonic gives

    Raises
    ------
    InputError
        If the length is not a whole number of events, or an event lies outside the sensor
        or before the one before it.
    """
    return _decoded(data, where, sensor, FilePlace())[0]


def event_packets(
    path: str | os.PathLike[str],
    *,
    n_events: int = 4096,
    sensor: tuple[int, int, int] = SENSOR,
) -> Iterator[np.ndarray]:
    """Packets of a file of 40-bit events, read as they are asked for, for ``Session.stream``.

    Parameters
    ----------
    path
        The file; see :func:`decode_events`.
    n_events
        At most in a packet, from 1.
    sensor
        Polarities, rows and columns.

    Yields
    ------
    structured array with fields x, y, t (microseconds), p

    Raises
    ------
    InputError
        As :func:`decode_events`, when the packet is reached; and if there is no such file.
    """
    size = EVENT_BYTES * integer("n_events", n_events, 1, MOST_EVENTS)
    where, place = os.fspath(path), FilePlace()
    try:
        with Path(path).open("rb") as file:
            while data := file.read(size):
                events, place = _decoded(data, where, sensor, place)
                yield events
    except OSError as error:
        raise InputError(f"{where}: {error.strerror}") from error


class FilePlace(NamedTuple):
    """Where in a recording a part of it begins."""

    number: int = 0  # of the first event
    clock: int = 0  # microseconds before which nothing may come
    n_wraps: int = 0  # of the clock


def _decoded(
    data: bytes, where: str, sensor: tuple[int, int, int], place: FilePlace
) -> tuple[np.ndarray, FilePlace]:
    """The events of a part, and where the next one begins."""
    if not data or len(data) % EVENT_BYTES:
        raise InputError(f"{where}: {len(data)} bytes; a positive multiple of 5 is needed")
    raw = np.frombuffer(data, dtype=np.uint8).reshape(-1, EVENT_BYTES).astype(np.int64)
    wrapped = raw[:, 1] == OVERFLOW_ROW
    clock = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    clock += CLOCK_WRAP * (place.n_wraps + np.cumsum(wrapped))
    raw, clock = raw[~wrapped], clock[~wrapped]
    outside = (raw[:, 0] >= sensor[2]) | (raw[:, 1] >= sensor[1])
    late = np.flatnonzero(np.diff(clock, prepend=place.clock) < 0)
    if outside.any() or late.size:
        first = int(outside.argmax()) if outside.any() else int(late[0])
        raise InputError(
            f"{where}: event {place.number + first} at x {raw[first, 0]}, y {raw[first, 1]},"
            f" t {clock[first]}; allowed are x below {sensor[2]}, y below {sensor[1]} and times"
            " that do not go back"
        )
    events = np.empty(len(raw), dtype=EVENTS)
    events["x"], events["y"], events["t"], events["p"] = raw[:, 0], raw[:, 1], clock, raw[:, 2] >> 7
    now = int(clock[-1]) if clock.size else place.clock
    n_wraps = place.n_wraps + int(np.count_nonzero(wrapped))
    return events, FilePlace(place.number + len(events), now, n_wraps)


def find_recordings(path: str | os.PathLike[str], part: str) -> list[TreeFile]:
    """Recordings ``Train/<digit>/<number>.bin`` or ``Test/...`` in a folder or zip, by number.

    Parameters
    ----------
    path
        The whole of N-MNIST or a subset, as a folder, a zip file, or a folder of zip files.
    part
        ``"train"`` or ``"test"``.

    Raises
    ------
    InputError
        If a zip file is damaged, or there is no recording of this part.
    """
    if part not in PARTS:
        raise InputError(f"find_recordings.part: {part!r}; one of {tuple(PARTS)} is needed")
    found = [file for file in find_files(path, NAME) if file.match[1] == PARTS[part]]
    if not found:
        raise InputError(f"{path}: no recording {PARTS[part]}/<digit>/<number>.bin in it")
    return sorted(found, key=lambda file: (int(file.match[3]), int(file.match[2])))


def read_recordings(path: str | os.PathLike[str], part: str) -> Iterator[Recording]:
    """Recordings that :func:`find_recordings` finds, one after the other.

    Raises
    ------
    InputError
        As there, or if a recording is damaged.
    OSError
        If a file cannot be opened.
    """
    files = find_recordings(path, part)
    for file, data in zip(files, contents(files), strict=True):
        yield Recording(decode_events(data, str(file)), int(file.match[2]))


def binned_events(
    events: np.ndarray,
    n_steps: int,
    *,
    step_us: int,
    pool: int = 1,
    sensor: tuple[int, int, int] = SENSOR,
) -> np.ndarray:
    """Events as spikes: one per step and pixel that had any.

    Parameters
    ----------
    events
        Structured, with fields x, y, t (microseconds) and p.
    n_steps, step_us
        Steps, and the length of one; events after the last step are left out.
    pool
        So many rows and columns become one.
    sensor
        Polarities, rows and columns.

    Returns
    -------
    bool, shape (n_steps, polarities, rows // pool, columns // pool)

    Raises
    ------
    ShapeError
        If ``pool`` does not divide rows and columns.
    """
    n_steps = integer("binned_events.n_steps", n_steps, 1, 2**31 - 1)
    step_us = integer("binned_events.step_us", step_us, 1, 2**31 - 1)
    pool = integer("binned_events.pool", pool, 1, 2**15)
    if sensor[1] % pool or sensor[2] % pool:
        raise ShapeError(f"binned_events.pool: {pool} does not divide {sensor[1]} x {sensor[2]}")
    spikes = np.zeros((n_steps, sensor[0], sensor[1] // pool, sensor[2] // pool), dtype=bool)
    step: Any = events["t"] // step_us
    seen = step < n_steps
    kept = events[seen]
    spikes[step[seen], kept["p"], kept["y"] // pool, kept["x"] // pool] = True
    return spikes
