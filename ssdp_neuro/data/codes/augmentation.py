"""Samples that are changed anew in every epoch, for training: images moved, words warped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError, ShapeError
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from ssdp_neuro.data.dataset import SpikeDataset, places_in
from ssdp_neuro.data.derived import DerivedDataset

USE = 0xA096  # key of these draws, apart from other uses of the seed
VARIANT_USE = 0xA097
ONE = 1 << 10  # matrices are whole numbers of 1/1024: the same pixels on every machine


@dataclass(frozen=True, kw_only=True, eq=False)
class Augmented(DerivedDataset):
    """A data set whose images are mirrored, bent and shifted; a :class:`SpikeDataset` itself.

    What happens to a sample is a function of (seed, epoch, index) alone, and the same in all
    its steps and channels. What comes in from outside is silent, what goes out is lost.

    Parameters
    ----------
    dataset
        What is changed; one step's spikes are ``(channels, height, width)``.
    mirror
        Whether left and right change places, with a chance of one half.
    affine
        To each entry of the identity matrix a number of at most this is added, all as likely;
        a pixel, seen from the middle, shows what was at the matrix times its place, the nearest
        pixel. That turns, shears, stretches and zooms. 0..0.5.
    shift
        Up to so many pixels up or down, and left or right, each as likely as the other.
    seed
        Key of the draws.

    Raises
    ------
    ShapeError
        If the samples are no images.
    RangeError
        If a shift can leave nothing of an image, or ``affine`` is not in 0..0.5.
    """

    mirror: bool = False
    affine: float = 0.0
    shift: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3:
            raise ShapeError(
                f"data.mirror, data.affine, data.shift: spikes of shape {self.input_shape} are no"
                " images; (channels, height, width) is needed"
            )
        smallest = min(self.input_shape[1:])
        if not 0 <= self.shift < smallest:
            raise RangeError(f"data.shift: {self.shift}; allowed 0..{smallest - 1}")
        if not 0 <= self.affine <= 0.5:
            raise RangeError(f"data.affine: {self.affine}; allowed 0..0.5")
        integer("Augmented.seed", self.seed, 0, 2**32 - 1)

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``."""
        places = places_in(indices, len(self))
        given = self.dataset.spikes(places, epoch=epoch)
        n_steps, channels, height, width = given.shape[1:]
        flat = given.reshape(len(places), n_steps * channels, height * width)
        made = np.empty_like(flat)
        for one, image, (source, inside) in zip(
            made, flat, self._sources(places, epoch), strict=True
        ):
            np.take(image, source, axis=1, out=one)
            one &= inside
        return made.reshape(given.shape)

    def _sources(self, places: np.ndarray, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each sample the pixel that each pixel shows, int64, and whether there is one."""
        height, width = self.input_shape[1:]
        mirrored = self.mirror * (random_bits(self.seed, USE, epoch, places, 0) & np.uint32(1))
        down, right = (self._drawn(places, epoch, axis, self.shift) for axis in (1, 2))
        bend = [self._drawn(places, epoch, 3 + k, round(self.affine * ONE)) for k in range(4)]
        y, x = np.divmod(np.arange(height * width), width)
        for turn, south, east, *by in zip(mirrored, down, right, *bend, strict=True):
            # twice the places, from the middle of the image, so that they are whole numbers
            from_top, from_left = 2 * (y - south) - height + 1, 2 * (x - east) - width + 1
            up = (ONE + by[0]) * from_top + by[1] * from_left + ONE * (height - 1)
            side = by[2] * from_top + (ONE + by[3]) * from_left + ONE * (width - 1)
            row, column = (up + ONE) // (2 * ONE), (side + ONE) // (2 * ONE)
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            column = width - 1 - column if turn else column
            yield np.where(inside, row * width + column, 0), inside

    def _drawn(self, places: np.ndarray, epoch: int, use: int, most: int) -> np.ndarray:
        """A whole number from ``-most`` to ``most`` for each sample, int64 ``(B,)``."""
        # the remainder of 32 bits favours none by more than one part in 2**32 / (2 most + 1)
        bits = random_bits(self.seed, USE, epoch, places, use) % np.uint32(2 * most + 1)
        return bits.astype(np.int64) - most


@dataclass(frozen=True, kw_only=True, eq=False)
class Varied(DerivedDataset):
    """A data set and others of the same samples, one of which is drawn for each sample and epoch.

    Parameters
    ----------
    dataset, others
        As likely as each other.
    seed
        Key of the draws: which one it is depends on (seed, epoch, index) alone.
    """

    others: tuple[SpikeDataset, ...]
    seed: int = 0

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``."""
        places = places_in(indices, len(self))
        every = (self.dataset, *self.others)
        drawn = random_bits(self.seed, VARIANT_USE, epoch, places) % np.uint32(len(every))
        made = np.zeros((len(places), self.n_steps, *self.input_shape), dtype=bool)
        for number, dataset in enumerate(every):
            here = drawn == number
            if here.any():
                made[here] = dataset.spikes(places[here], epoch=epoch)
        return made
