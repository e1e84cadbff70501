"""Samples that are changed anew in every epoch, for training: images moved, words warped."""

from __future__ import annotations

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Augmented(DerivedDataset):
    """A data set whose images are mirrored and shifted; a :class:`SpikeDataset` itself.

    What happens to a sample is a function of (seed, epoch, index) alone, and the same in all
    its steps and channels.

    Parameters
    ----------
    dataset
        What is changed; one step's spikes are ``(channels, height, width)``.
    mirror
        Whether left and right change places, with a chance of one half.
    shift
        Up to so many pixels up or down, and left or right, each as likely as the other; what
        comes in is silent, what goes out is lost.
    seed
        Key of the draws.

    Raises
    ------
    ShapeError
        If the samples are no images.
    RangeError
        If a shift can leave nothing of an image.
    """

    mirror: bool = False
    shift: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3:
            raise ShapeError(
                f"data.mirror, data.shift: spikes of shape {self.input_shape} are no images;"
                " (channels, height, width) is needed"
            )
        smallest = min(self.input_shape[1:])
        if not 0 <= self.shift < smallest:
            raise RangeError(f"data.shift: {self.shift}; allowed 0..{smallest - 1}")
        integer("Augmented.seed", self.seed, 0, 2**32 - 1)

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``."""
        places = places_in(indices, len(self))
        given = self.dataset.spikes(places, epoch=epoch)
        mirrored = random_bits(self.seed, USE, epoch, places, 0) & np.uint32(1)
        span = 2 * self.shift + 1
        # the remainder of 32 bits favours no shift by more than one part in 2**32 / span
        down, right = (
            (random_bits(self.seed, USE, epoch, places, axis) % np.uint32(span)).astype(np.int64)
            - self.shift
            for axis in (1, 2)
        )
        made = np.zeros_like(given)
        for one, image, turn, y, x in zip(made, given, mirrored, down, right, strict=True):
            source = image[..., ::-1] if self.mirror and turn else image
            one[..., _after(y), _after(x)] = source[..., _after(-y), _after(-x)]
        return made


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


def _after(shift: int) -> slice:
    """The part of an axis that is filled by a shift; of the other sign, where it comes from."""
    return slice(shift, None) if shift > 0 else slice(None, shift or None)
