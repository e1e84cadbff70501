"""Heart beats: when the deviation passes its levels, or the waves have sent their spikes."""

from __future__ import annotations

import functools
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
from ssdp_neuro.data.codes.level_crossing import LevelCrossing
from ssdp_neuro.data.sets.mit_bih import R_PEAK

LEVELS = 16
BEFORE_R = 50  # samples of a beat, of the 104 that are taken
SEGMENTS = ("P", "PQ", "QR", "RS", "ST", "TP")  # of QTDB, in its order
QR = SEGMENTS.index("QR")
N_LEARNED = 450  # recordings of QTDB's training part, the rest of which is for constants
LEAD_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)


def beats(folder: Path) -> RealSet:
    with np.load(next((folder / "mit-bih").glob("*.npz"))) as stored:
        kept = np.isin(stored["label"], (0, 2))
        beat, label, record, split = (stored[n][kept] for n in ("beat", "label", "record", "split"))
    known = np.unique(record[split == 1])
    part = np.where(split == 2, TESTED, np.where(np.isin(record, known[1::2]), VALIDATED, LEARNED))
    usual = LevelCrossing(128, 8, 6)(beat[:, :, None].astype(np.int64)).sum(1)
    return RealSet(level_times(beat.astype(float)), usual, (label == 2).astype(int), part)


def level_times(beat: np.ndarray) -> np.ndarray:
    """Last rise before the peak and first fall after it, through each level, int ``(N, 32)``."""
    near = beat[:, R_PEAK - BEFORE_R : R_PEAK - BEFORE_R + LAST]
    size = np.abs(near - np.median(beat, axis=1, keepdims=True))
    largest = size.max(1, keepdims=True)
    above = size[:, :, None] >= np.linspace(0.1, 0.9, LEVELS) * largest[:, :, None]
    steps, peak = np.arange(LAST)[:, None], size.argmax(1)[:, None, None]
    under_before, under_after = ~above & (steps < peak), ~above & (steps > peak)
    rise = np.where(under_before.any(1), LAST - under_before[:, ::-1].argmax(1), 0)
    fall = np.where(under_after.any(1), under_after.argmax(1), LAST)
    return np.concatenate([rise, fall], axis=1)


@functools.cache
def recordings(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """QTDB: spikes int ``(N, 1301, 4)``, segment of each step or -1, part."""
    from scipy.io import loadmat

    parts = [loadmat(folder / "qtdb" / f"QTDB_{name}.mat") for name in ("train", "test")]
    spikes = np.concatenate([part["x"] for part in parts]) > 0  # -1 is a mark, once a recording
    told = np.concatenate([part["y"] for part in parts])
    segment = np.where(told.any(2), told.argmax(2), -1)
    number = np.arange(len(spikes))
    n_known = len(parts[0]["x"])
    part = np.where(number >= n_known, TESTED, np.where(number < N_LEARNED, LEARNED, VALIDATED))
    return spikes.astype(np.int64), segment, part


def directed_waves(folder: Path) -> RealSet:
    """The time around each R peak, forwards against backwards: is P before R, or T?"""
    spikes, segment, part = recordings(folder)
    cut, parts = [], []
    for one, told, which in zip(spikes, segment, part, strict=True):
        for begin in np.flatnonzero((told[1:] == QR) & (told[:-1] != QR)) + 1 - LAST // 2:
            if 0 <= begin <= len(one) - LAST:
                cut.append(one[begin : begin + LAST])
                parts.append(which)
    level = np.array(cut)
    return both_ways(level, level.sum(1), np.array(parts), LEAD_SHARES)


def segments(folder: Path) -> RealSet:
    """The segment in which the last step of 104 lies; one place of each in every recording."""
    spikes, segment, part = recordings(folder)
    rng = np.random.default_rng(0)
    cut, labels, parts = [], [], []
    for one, told, which in zip(spikes, segment, part, strict=True):
        for label in range(len(SEGMENTS)):
            ends = np.flatnonzero(told[LAST - 1 :] == label)
            if ends.size:
                begin = rng.choice(ends)
                cut.append(one[begin : begin + LAST])
                labels.append(label)
                parts.append(which)
    level = np.array(cut)
    latencies = shares_reached(level, LEAD_SHARES)
    return RealSet(latencies, level.sum(1), np.array(labels), np.array(parts))


TASKS = {
    "beats, 50 a class": Task(beats, 50, 10),
    "wave's direction, 50 a class": Task(directed_waves, 50, 10),
    "segments, 50 a class": Task(segments, 50, 10),
}
