"""Brightness in 256 levels to spikes; encoders that need no more than a table of the levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hw_models.random_bits import random_bits
from ssdp_neuro.data.codes.encoding import PHASE_BITS, latency_code

LEVELS = np.arange(256)
BRIGHTEST = 255
SILENT = -1
CHANCE_BITS = 16  # two draws from the 32 bits of a key
CHUNK = 1 << 16  # values of a random draw at a time, to stay in the processor's cache


class ImageEncoder(Protocol):
    """Makes spikes of images."""

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""

    def spike_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a step's spikes, of an image's; channels come first in both."""

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode.

        Parameters
        ----------
        images
            uint8 ``(B, channels, ...)``.
        keys
            int64 ``(B,)``, which sample of its data set each is.
        epoch
            Part of the key of random encodings.

        Returns
        -------
        bool, shape (B, n_steps, *spike_shape)
        """


class PixelEncoder:
    """What those have in common whose spikes are where the pixels are."""

    @property
    def n_copies(self) -> int:
        """Channels of spikes for each channel of an image."""
        return 1

    def spike_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a step's spikes, of an image's."""
        channels, *size = shape
        return (channels * self.n_copies, *size)


@dataclass(frozen=True)
class LatencyEncoder(PixelEncoder):
    """One spike per pixel, as :func:`ssdp_neuro.data.codes.encoding.latency_code` has it.

    Parameters
    ----------
    n_steps
        Steps of a sample.
    window
        Spikes fall into steps 0 (brightest) to ``window - 1``.
    darkest
        Pixels below this brightness, 0..1, stay silent.
    """

    n_steps: int
    window: int
    darkest: float

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`ImageEncoder`."""
        code = latency_code(
            LEVELS[None] / BRIGHTEST, self.n_steps, window=self.window, darkest=self.darkest
        )[0]
        step = np.where(code.any(axis=0), code.argmax(axis=0), SILENT).astype(np.int32)
        return step[images][:, None] == steps_of(self.n_steps, images)


@dataclass(frozen=True)
class RandomRateEncoder(PixelEncoder):
    """A spike with a chance of brightness x ``max_rate`` in each step, independently.

    The chance is a multiple of 2**-16; a spike is a function of (seed, epoch, sample, step,
    pixel) alone.

    Parameters
    ----------
    n_steps
        Steps of a sample.
    max_rate
        Chance of the brightest pixel, above 0 to 1.
    seed
        Key of the draws.
    """

    n_steps: int
    max_rate: float
    seed: int

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`ImageEncoder`."""
        chance = np.rint(LEVELS / BRIGHTEST * self.max_rate * (1 << CHANCE_BITS)).astype(np.uint32)
        n_pixels = images[0].size if len(images) else 1
        flat = chance[images.reshape(len(images), 1, n_pixels)]
        words = np.arange((self.n_steps + 1) // 2)[:, None]
        spikes = np.empty((len(images), 2 * len(words), n_pixels), dtype=bool)
        at_once = max(1, CHUNK // (len(words) * n_pixels))
        for start in range(0, len(images), at_once):
            part = slice(start, start + at_once)
            key = keys[part, None, None]
            bits = random_bits(self.seed, epoch, key, words, np.arange(n_pixels))
            spikes[part, 0::2] = (bits & np.uint32(0xFFFF)) < flat[part]
            spikes[part, 1::2] = (bits >> np.uint32(CHANCE_BITS)) < flat[part]
        return spikes[:, : self.n_steps].reshape(len(images), self.n_steps, *images.shape[1:])


@dataclass(frozen=True)
class RegularRateEncoder(PixelEncoder):
    """Evenly spaced spikes, as many as brightness x ``max_rate`` x ``n_steps``; no chance.

    Every pixel has its own phase, a function of (seed, pixel), as in
    :func:`ssdp_neuro.data.codes.encoding.rate_code`.

    Parameters
    ----------
    n_steps, max_rate, seed
        As in :class:`RandomRateEncoder`.
    """

    n_steps: int
    max_rate: float
    seed: int

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`ImageEncoder`."""
        levels = np.rint(np.ldexp(LEVELS / BRIGHTEST * self.max_rate, PHASE_BITS)).astype(np.int64)
        rate = levels[images][:, None]
        pixels = np.arange(images[0].size if len(images) else 0).reshape(images.shape[1:])
        phase = random_bits(self.seed, pixels).astype(np.int64) >> (32 - PHASE_BITS)
        before = phase + rate * steps_of(self.n_steps, images)
        return ((before + rate) >> PHASE_BITS) > (before >> PHASE_BITS)


@dataclass(frozen=True)
class BitPlaneEncoder(PixelEncoder):
    """Step t shows bit ``7 - t % 8`` of the brightness: the highest bit first.

    Parameters
    ----------
    n_steps
        8 for the whole number; fewer leave out the low bits, more begin again.
    """

    n_steps: int

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`ImageEncoder`."""
        bit = (7 - steps_of(self.n_steps, images) % 8).astype(np.uint8)
        return (images[:, None] >> bit & np.uint8(1)).astype(bool)


@dataclass(frozen=True)
class ThresholdEncoder(PixelEncoder):
    """Step t fires where the brightness reaches the t-th of ``n_steps`` even thresholds.

    The highest threshold comes first, so that a brighter pixel begins earlier and then fires
    on: step t fires if level x (n_steps + 1) >= 255 x (n_steps - t).

    Parameters
    ----------
    n_steps
        Steps of a sample.
    """

    n_steps: int

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`ImageEncoder`."""
        thresholds = BRIGHTEST * (self.n_steps - steps_of(self.n_steps, images))
        return images[:, None].astype(np.int64) * (self.n_steps + 1) >= thresholds


@dataclass(frozen=True)
class LevelEncoder(PixelEncoder):
    """A channel for each of some even thresholds, firing in all steps where a pixel reaches it.

    Channel ``c * n_levels + k`` fires if level x (n_levels + 1) >= 255 x (k + 1).

    Parameters
    ----------
    n_steps
        Steps of a sample.
    n_levels
        Thresholds of each channel of the image.
    """

    n_steps: int
    n_levels: int

    @property
    def n_copies(self) -> int:
        """One for each threshold."""
        return self.n_levels

    def __call__(self, images: np.ndarray, keys: np.ndarray, epoch: int) -> np.ndarray:
        """Encode; see :class:`ImageEncoder`."""
        k = np.arange(self.n_levels).reshape(-1, *(1,) * (images.ndim - 2))
        lowest = -(-BRIGHTEST * (k + 1) // (self.n_levels + 1))  # level that fires, rounded up
        fired = images[:, :, None] >= lowest.astype(np.uint8)
        flat = fired.reshape(len(images), 1, -1, *images.shape[2:])
        return np.repeat(flat, self.n_steps, axis=1)


def steps_of(n_steps: int, images: np.ndarray) -> np.ndarray:
    """Step numbers, int32, in a shape that broadcasts to ``(B, n_steps, ...)``."""
    return np.arange(n_steps, dtype=np.int32).reshape(1, n_steps, *(1,) * (images.ndim - 1))
