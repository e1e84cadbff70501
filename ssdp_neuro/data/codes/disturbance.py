"""Spikes that come early or late, get lost, or come from nowhere: for tests of robustness."""

from __future__ import annotations

import functools
import math
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from ssdp_neuro.data.dataset import places_in
from ssdp_neuro.data.derived import DerivedDataset

CHANCE_BITS = 32
NORMAL_BITS = 12  # of the table of the normal distribution: beyond 3.67 sigma there is nothing
LOST, SHIFTED, ADDED = 0, 1, 2  # uses of the same seed


@dataclass(frozen=True, kw_only=True, eq=False)
class Disturbed(DerivedDataset):
    """A data set under spike-time jitter and event noise; a :class:`SpikeDataset` itself.

    What happens to a spike is a function of (seed, epoch, index, step, input) alone. First
    spikes are lost, then what is left is shifted, then some are added; spikes of one input
    that meet in a step become one.

    Parameters
    ----------
    dataset
        What is disturbed.
    jitter
        Standard deviation of a normal shift, steps, rounded to whole steps; spikes that
        would leave the sample stay in its first or last step.
    lost
        Chance of each spike to be lost, 0..1.
    added
        Chance of each input and step to get a spike, 0..1.
    seed
        Key of the draws.

    Raises
    ------
    RangeError
        If a number is not allowed.
    """

    jitter: float = 0.0
    lost: float = 0.0
    added: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= self.dataset.n_steps:
            raise RangeError(
                f"Disturbed.jitter: {self.jitter}; allowed 0..{self.dataset.n_steps} (n_steps)"
            )
        for name in ("lost", "added"):
            if not 0 <= getattr(self, name) <= 1:
                raise RangeError(f"Disturbed.{name}: {getattr(self, name)}; allowed 0..1")
        integer("Disturbed.seed", self.seed, 0, 2**32 - 1)

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``."""
        places = places_in(indices, len(self))
        spikes = self.dataset.spikes(places, epoch=epoch)
        flat = spikes.reshape(len(places), self.n_steps, math.prod(self.input_shape))
        row, step, cell = np.nonzero(flat)
        if self.lost:
            bits = random_bits(self.seed, LOST, epoch, places[row], step, cell)
            kept = bits >= _threshold(self.lost)
            row, step, cell = row[kept], step[kept], cell[kept]
        if self.jitter:
            bits = random_bits(self.seed, SHIFTED, epoch, places[row], step, cell)
            normal = _normal_table()[bits >> np.uint32(32 - NORMAL_BITS)]
            shift = np.rint(self.jitter * normal).astype(np.int64)
            step = np.clip(step + shift, 0, self.n_steps - 1)
        disturbed = np.zeros_like(flat)
        disturbed[row, step, cell] = True
        if self.added:
            steps, cells = np.arange(self.n_steps)[:, None], np.arange(flat.shape[2])
            for one, place in zip(disturbed, places, strict=True):
                bits = random_bits(self.seed, ADDED, epoch, int(place), steps, cells)
                one |= bits < _threshold(self.added)
        return disturbed.reshape(spikes.shape)


def _threshold(chance: float) -> np.uint64:
    """Of 32 random bits: below it with this chance, and always at 1."""
    return np.uint64(round(chance * (1 << CHANCE_BITS)))


@functools.lru_cache(maxsize=1)
def _normal_table() -> np.ndarray:
    """Quantiles of the normal distribution in the middle of equal shares, float64."""
    normal, size = statistics.NormalDist(), 1 << NORMAL_BITS
    return np.array([normal.inv_cdf((i + 0.5) / size) for i in range(size)])
