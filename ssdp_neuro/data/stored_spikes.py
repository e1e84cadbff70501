"""Spikes that were made once, kept as the places where they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import RangeError, ShapeError
from hw_models.records import short_repr
from ssdp_neuro.data.dataset import IndexedPairs, places_in


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredSpikes(IndexedPairs):
    """Labelled samples of events or encoded signals; a :class:`~ssdp_neuro.data.SpikeDataset`.

    Parameters
    ----------
    cells
        int32 ``(M,)``: ``step * inputs + input`` of every spike, one sample after the other.
    starts
        int64 ``(N + 1,)``: where in ``cells`` each sample begins, and the end.
    labels
        int64 ``(N,)``.
    n_steps, input_shape, n_classes
        As in :class:`~ssdp_neuro.data.SpikeDataset`.
    """

    cells: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    n_steps: int
    input_shape: tuple[int, ...]
    n_classes: int

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if len(self.starts) != len(self.labels) + 1 or self.starts[-1] != len(self.cells):
            raise ShapeError(
                f"StoredSpikes: {len(self.starts)} starts, the last {self.starts[-1]}, for"
                f" {len(self.labels)} labels and {len(self.cells)} spikes"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, *input_shape)``; the same in any epoch."""
        places = places_in(indices, len(self))
        spikes = np.zeros((len(places), self.n_steps * math.prod(self.input_shape)), dtype=bool)
        for row, place in zip(spikes, places, strict=True):
            row[self.cells[self.starts[place] : self.starts[place + 1]]] = True
        return spikes.reshape(len(places), self.n_steps, *self.input_shape)


def cells_of(sample: np.ndarray) -> np.ndarray:
    """Places of a sample's spikes, int32: ``step * inputs + input``.

    Raises
    ------
    RangeError
        If it has more than 2**31 - 1 places.
    """
    if sample.size > 2**31 - 1:
        raise RangeError(
            f"a sample of {sample.shape} has {sample.size} places; at most {2**31 - 1}"
        )
    return np.flatnonzero(sample).astype(np.int32)


def stored(
    samples: Iterable[np.ndarray],
    labels: np.ndarray,
    *,
    n_steps: int,
    input_shape: tuple[int, ...],
    n_classes: int,
) -> StoredSpikes:
    """Keep what encoders give.

    Parameters
    ----------
    samples
        One bool array ``(n_steps, *input_shape)`` for each label, in their order.
    labels
        int64 ``(N,)``.
    n_steps, input_shape, n_classes
        As in :class:`~ssdp_neuro.data.SpikeDataset`.

    Raises
    ------
    RangeError
        If a sample has more than 2**31 - 1 places.
    """
    size = n_steps * math.prod(input_shape)
    if size > 2**31 - 1:
        raise RangeError(f"data.n_steps: {n_steps} x {input_shape} places; at most {2**31 - 1}")
    cells = []
    for sample in samples:
        if sample.shape != (n_steps, *input_shape):
            raise ShapeError(f"sample of {sample.shape}; {(n_steps, *input_shape)} is needed")
        cells.append(cells_of(sample))
    starts = np.zeros(len(cells) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in cells], out=starts[1:])
    return StoredSpikes(
        cells=np.concatenate(cells) if cells else np.zeros(0, dtype=np.int32),
        starts=starts,
        labels=labels,
        n_steps=n_steps,
        input_shape=input_shape,
        n_classes=n_classes,
    )
