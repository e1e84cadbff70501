"""Event cameras: when each group of columns and of rows has had its events.

The clock counts events, not microseconds: a step is a 104th of the sample's events, so how much
moves at what time is lost too, and only the order in which places see it is left.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np

from benchmarks.latency_data.real_set import (
    LEARNED,
    TESTED,
    VALIDATED,
    RealSet,
    Task,
    both_ways,
    shares_reached,
)
from conversions.demo.latency_study import LAST
from ssdp_neuro.data.formats.event_recordings import EVENTS, NAME, decode_events
from ssdp_neuro.data.formats.file_tree import contents, find_files

MOVEMENTS_US = ((0, 105_000), (105_000, 210_000), (210_000, 315_000))  # of the camera, N-MNIST
LEFT_US, RIGHT_US = (400_000, 900_000), (1_000_000, 1_500_000)  # of the digit, MNIST-DVS
SIDE = 128  # of the sensor of MNIST-DVS and of the gestures
CLIP = re.compile(r"(?:.*/)?0([4-7])\.bin")
CIRCLES = {4: LEARNED, 5: VALIDATED, 6: TESTED, 7: TESTED}  # an arm in circles; 4, 5 the right one
OTHER_WAY = (5, 7)
HEADS = 31  # rows above the arms
TURN_US, BIN_US, NEAR_US = 800_000, 20_000, 100_000


def between(events: np.ndarray, times: tuple[int, int]) -> np.ndarray:
    return events[(events["t"] >= times[0]) & (events["t"] < times[1])]


def profile(events: np.ndarray, side: int, pool: int) -> np.ndarray:
    """Events of groups of columns and of rows in each step, int ``(LAST, 2 * groups)``."""
    groups = -(-side // pool)
    step = np.arange(len(events)) * LAST // max(1, len(events))
    level = np.zeros((LAST, 2 * groups), dtype=np.int64)
    np.add.at(level, (step, events["x"] // pool), 1)
    np.add.at(level, (step, groups + events["y"] // pool), 1)
    return level


def counts(events: np.ndarray, side: int, pool: int) -> np.ndarray:
    """Events of each polarity in each square of pixels."""
    groups = -(-side // pool)
    place = (events["p"] * groups + events["y"] // pool) * groups + events["x"] // pool
    return np.bincount(place, minlength=2 * groups * groups)


@functools.cache
def camera(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """N-MNIST: profiles, counts ``(N, 3 movements, ...)`` and part of each recording."""
    files = find_files(folder / "nmnist", NAME)
    level, usual, part = [], [], []
    for file, data in zip(files, contents(files), strict=True):
        events = decode_events(data, str(file))
        moves = [between(events, times) for times in MOVEMENTS_US]
        level.append([profile(one, 34, 2) for one in moves])
        usual.append([counts(one, 34, 2) for one in moves])
        known = VALIDATED if int(file.match[3]) % 4 == 0 else LEARNED
        part.append(known if file.match[1] == "Train" else TESTED)
    return np.array(level), np.array(usual), np.array(part)


def camera_movements(folder: Path) -> RealSet:
    """Which of its three movements the camera makes."""
    level, usual, part = camera(folder)
    latencies = shares_reached(level.reshape(-1, *level.shape[2:]))
    labels = np.tile([0, 1, 2], len(part))
    return RealSet(latencies, usual.reshape(len(labels), -1), labels, np.repeat(part, 3))


def directed_movements(folder: Path) -> RealSet:
    """The first movement, forwards against backwards."""
    level, usual, part = camera(folder)
    return both_ways(level[:, 0], usual[:, 0], part)


def digit_movements(folder: Path) -> RealSet:
    """MNIST-DVS: does the digit go to the left or to the right?"""
    with np.load(next((folder / "mnist-dvs").glob("*.npz"))) as stored:
        columns = {name: stored[name] for name in ("x", "y", "p", "dt_us", "offset")}
    level, usual = [], []
    for begin, end in zip(columns["offset"][:-1], columns["offset"][1:], strict=True):
        events = np.empty(end - begin, dtype=EVENTS)
        for name in "xyp":
            events[name] = columns[name][begin:end]
        events["t"] = np.cumsum(columns["dt_us"][begin:end].astype(np.int64))
        for times in (LEFT_US, RIGHT_US):
            level.append(profile(between(events, times), SIDE, 4))
            usual.append(counts(between(events, times), SIDE, 8))
    number = np.arange(len(level)) // 2
    part = np.where(number % 5 == 4, TESTED, np.where(number % 5 == 3, VALIDATED, LEARNED))
    return RealSet(
        shares_reached(np.array(level)), np.array(usual), np.arange(len(level)) % 2, part
    )


def centred(events: np.ndarray) -> np.ndarray:
    """Of the arm alone, its middle in the middle of the sensor."""
    events = events[events["y"] >= HEADS].copy()
    for name in "xy":
        middle = int(np.median(events[name]))
        events[name] = np.clip(events[name] - middle + SIDE // 2, 0, SIDE - 1)
    return events


def backwards(events: np.ndarray) -> np.ndarray:
    played = events[::-1].copy()
    played["t"] = events["t"][-1] - played["t"]
    return played


def tops(events: np.ndarray) -> list[int]:
    """Microseconds in which the arm is highest."""
    bins = events["t"] // BIN_US
    height = np.array([np.median(events["y"][bins == k]) for k in range(bins[-1] + 1)])
    height = np.convolve(np.pad(height, 3, mode="edge"), np.ones(7) / 7, "valid")
    high = np.flatnonzero(height < SIDE // 2 - 10)
    starts = np.maximum(high - 15, 0)
    first = [a + height[a : k + 16].argmin() for a, k in zip(starts, high, strict=True)]
    return [int(k) * BIN_US for k, lowest in zip(high, first, strict=True) if k == lowest]


def circles(folder: Path) -> RealSet:
    """Which way round an arm goes: turns that begin near the top, each played both ways."""
    files = find_files(folder / "dvs128-gesture", CLIP)
    level, usual, labels, parts = [], [], [], []
    for file, data in zip(files, contents(files), strict=True):
        clip = int(file.match[1])
        arm = centred(decode_events(data, str(file), (2, SIDE, SIDE)))
        for way, events in enumerate((arm, backwards(arm))):
            for top in tops(events):
                for begin in range(top - NEAR_US, top + NEAR_US + 1, BIN_US):
                    if not 0 <= begin <= events["t"][-1] - TURN_US:
                        continue
                    turn = between(events, (begin, begin + TURN_US))
                    level.append(profile(turn, SIDE, 8))
                    usual.append(counts(turn, SIDE, 8))
                    labels.append(way ^ (clip in OTHER_WAY))
                    parts.append(CIRCLES[clip])
    latencies = shares_reached(np.array(level))
    return RealSet(latencies, np.array(usual), np.array(labels, dtype=int), np.array(parts))


TASKS = {
    "camera's movement, 50 a class": Task(camera_movements, 50, 10),
    "movement's direction, 50 a class": Task(directed_movements, 50, 10),
    "digit's movement, 50 a class": Task(digit_movements, 50, 10),
    "arm's circles, 15 a class": Task(circles, 15, 20),
}
