"""Spoken digits: when each band of a word has had its sound."""

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
    shares_reached,
)
from conversions.demo.latency_study import LAST
from ssdp_neuro.data.codes.cochlea import Cochlea
from ssdp_neuro.data.formats.file_tree import contents, find_files
from ssdp_neuro.data.formats.wave_file import decode_wave
from ssdp_neuro.data.sets.sound_sources import NAME

BANDS = 32


@functools.cache
def words(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loudness ``(N, LAST, BANDS)``, digit and part of every word."""
    files = find_files(str(folder / "fsdd"), NAME)
    cochlea = Cochlea(LAST, 0, BANDS)
    level = [
        cochlea.level(decode_wave(data, str(file)))
        for file, data in zip(files, contents(files), strict=True)
    ]
    index = np.array([int(file.match[3]) for file in files])
    part = np.where(index < 5, TESTED, np.where(index < 20, VALIDATED, LEARNED))
    return np.array(level), np.array([int(file.match[1]) for file in files]), part


def counts_of_words(level: np.ndarray) -> np.ndarray:
    cochlea = Cochlea(LAST, 0, BANDS)
    return np.array([cochlea.spikes(one).sum(0).ravel() for one in level])


def digit_words(folder: Path) -> RealSet:
    level, digit, part = words(folder)
    return RealSet(shares_reached(level), counts_of_words(level), digit, part)


def directed_words(folder: Path) -> RealSet:
    level, _, part = words(folder)
    both = np.concatenate([level, level[:, ::-1]])
    backwards = np.repeat([0, 1], len(level))
    return RealSet(shares_reached(both), counts_of_words(both), backwards, np.tile(part, 2))


TASKS = {
    "words, 10 a class": Task(digit_words, 10, 20),
    "words, 50 a class": Task(digit_words, 50, 10),
    "word's direction, 50 a class": Task(directed_words, 50, 10),
}
