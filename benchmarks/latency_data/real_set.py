"""Samples of which only latencies are kept, their parts, and what readers are given of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from conversions.demo.latency_study import N_STEPS, LatencySamples

LEARNED, VALIDATED, TESTED = range(3)  # parts of a set
SHARES = (0.25, 0.5, 0.75)
MOST_TESTED = 500  # samples of a class


@dataclass(frozen=True)
class RealSet:
    """Latencies int ``(N, inputs)``, counts of the usual code ``(N, channels)``, class, part."""

    latencies: np.ndarray
    usual: np.ndarray
    labels: np.ndarray
    part: np.ndarray

    def drawn(self, seed: int, shots: int, *, tuning: bool) -> tuple[np.ndarray, np.ndarray]:
        """Places of ``shots`` training samples a class, in any order, and of all test samples."""
        rng = np.random.default_rng(seed)
        known = self.part == LEARNED if tuning else self.part != TESTED
        asked = self.part == (VALIDATED if tuning else TESTED)
        classes = range(self.labels.max() + 1)
        seen = [
            rng.permutation(np.flatnonzero(known & (self.labels == c)))[:shots] for c in classes
        ]
        tested = []
        for one in classes:
            places = np.flatnonzero(asked & (self.labels == one))
            n = min(MOST_TESTED, len(places))
            tested.append(places[np.arange(n) * len(places) // n])
        return rng.permutation(np.concatenate(seen)), np.concatenate(tested)

    def samples(self, seed: int, shots: int, *, tuning: bool) -> LatencySamples:
        seen, asked = self.drawn(seed, shots, tuning=tuning)
        given = (self.latencies[seen], self.labels[seen], self.latencies[asked], self.labels[asked])
        return LatencySamples(*given, np.random.default_rng([seed, 1]))

    def values(self, reader: str) -> np.ndarray:
        """What ridge regression is given, ``(N, values)``."""
        if reader == "counts of the usual code":
            return self.usual / max(1, self.usual.max())
        fired = self.latencies < N_STEPS  # at most once each, so counts are the same
        return self.latencies / N_STEPS if reader == "latencies" else fired.astype(float)


class Task(NamedTuple):
    """A set made of the files in a folder, training samples of a class, and epochs."""

    make: Callable[[Path], RealSet]
    shots: int
    epochs: int


def shares_reached(level: np.ndarray, shares: Sequence[float] = SHARES) -> np.ndarray:
    """Step in which each channel has had its shares, int ``(N, shares * channels)``.

    ``level`` is int ``(N, steps, channels)``. A channel that gets nothing has ``N_STEPS``.
    """
    total = np.cumsum(level, axis=1)
    whole = total[:, -1]
    steps = [(total >= share * whole[:, None]).argmax(1) for share in shares]
    return np.concatenate([np.where(whole > 0, step, N_STEPS) for step in steps], axis=1)


def both_ways(
    level: np.ndarray, usual: np.ndarray, part: np.ndarray, shares: Sequence[float] = SHARES
) -> RealSet:
    """Each sample forwards (class 0) and backwards in time (class 1)."""
    return RealSet(
        latencies=shares_reached(np.concatenate([level, level[:, ::-1]]), shares),
        usual=np.concatenate([usual, usual]),
        labels=np.repeat([0, 1], len(level)),
        part=np.tile(part, 2),
    )
