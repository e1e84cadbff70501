"""Images that are encoded when a batch of them is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import InputError, ShapeError
from hw_models.records import short_repr
from ssdp_neuro.data.codes.image_encoders import (
    BitPlaneEncoder,
    ImageEncoder,
    LatencyEncoder,
    LevelEncoder,
    RandomRateEncoder,
    RegularRateEncoder,
    ThresholdEncoder,
)
from ssdp_neuro.data.codes.saccades import SACCADES_US, SaccadeEncoder
from ssdp_neuro.data.dataset import IndexedPairs, places_in
from ssdp_neuro.data.sets.event_sources import step_us
from ssdp_neuro.data.settings import DataSettings, Encoding


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedImages(IndexedPairs):
    """Labelled images and how they become spikes; a :class:`~ssdp_neuro.data.SpikeDataset`.

    Parameters
    ----------
    images
        uint8 ``(N, channels, height, width)``.
    labels
        int64 ``(N,)``.
    keys
        int64 ``(N,)``, which sample of the data set each is: random encodings depend on it.
    n_classes
        Labels are below this.
    encoder
        Makes the spikes.
    """

    images: np.ndarray
    labels: np.ndarray
    keys: np.ndarray
    n_classes: int
    encoder: ImageEncoder

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ShapeError(
                f"EncodedImages.images: {self.images.shape}, {self.images.dtype};"
                " uint8 (N, channels, height, width) is needed"
            )
        if not len(self.images) == len(self.labels) == len(self.keys):
            raise ShapeError(
                f"EncodedImages: {len(self.images)} images, {len(self.labels)} labels and"
                f" {len(self.keys)} keys"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return self.encoder.n_steps

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels of spikes, height and width."""
        return self.encoder.spike_shape(self.images.shape[1:])

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``."""
        places = places_in(indices, len(self))
        if not places.size:
            return np.zeros((0, self.n_steps, *self.input_shape), dtype=bool)
        return self.encoder(self.images[places], self.keys[places], epoch)


def image_encoder(settings: DataSettings) -> ImageEncoder:
    """The encoder that the settings name; latency code for ``auto``.

    Raises
    ------
    InputError
        If it is none for images.
    """
    steps = settings.n_steps
    if settings.code in (Encoding.AUTO, Encoding.LATENCY):
        return LatencyEncoder(steps, settings.window or steps, settings.darkest)
    if settings.code is Encoding.RATE:
        return RandomRateEncoder(steps, settings.max_rate, settings.seed)
    if settings.code is Encoding.REGULAR:
        return RegularRateEncoder(steps, settings.max_rate, settings.seed)
    if settings.code is Encoding.BIT_PLANES:
        return BitPlaneEncoder(steps)
    if settings.code is Encoding.THRESHOLD:
        return ThresholdEncoder(steps)
    if settings.code is Encoding.LEVELS:
        return LevelEncoder(steps, settings.levels)
    if settings.code is Encoding.SACCADES:
        length = step_us(settings, SACCADES_US)
        return SaccadeEncoder(steps, length, settings.levels, settings.pool, settings.seed)
    raise InputError(
        f"data.encoding: {settings.encoding!r} is not for the images of {settings.name!r};"
        " allowed: auto, latency, rate, regular, bit-planes, threshold, levels, saccades"
    )


def pooled(images: np.ndarray, pool: int) -> np.ndarray:
    """Squares of ``pool`` x ``pool`` pixels as their mean, rounded half up.

    Parameters
    ----------
    images
        uint8 ``(N, channels, height, width)``.
    pool
        Divides height and width.

    Raises
    ------
    ShapeError
        If it does not.
    """
    if pool == 1:
        return images
    n, channels, height, width = images.shape
    if height % pool or width % pool:
        raise ShapeError(f"data.pool: {pool} does not divide {height} x {width} pixels")
    squares = images.reshape(n, channels, height // pool, pool, width // pool, pool)
    total = squares.sum(axis=(3, 5), dtype=np.int64)
    return ((total + pool * pool // 2) // (pool * pool)).astype(np.uint8)
