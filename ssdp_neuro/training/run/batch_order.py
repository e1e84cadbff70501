"""Which samples make up each step: a pure function of seed, epoch and rank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hw_models import InputError
from hw_models.random_bits import random_bits

ORDER = 0x0DE2  # key of the order, apart from other uses of the seed


class Batch(NamedTuple):
    """Samples of this rank in one step, and how many all ranks have together."""

    places: np.ndarray
    n_all: int


def order_of(seed: int, epoch: int, n_samples: int) -> np.ndarray:
    """A permutation of the samples, int64; the same on every machine."""
    keys = random_bits(seed, ORDER, epoch, np.arange(n_samples))
    return np.argsort(keys, kind="stable")


def n_batches(n_samples: int, batch_size: int) -> int:
    """Steps of an epoch."""
    return -(-n_samples // batch_size)


def batches_of(
    seed: int, epoch: int, n_samples: int, batch_size: int, *, rank: int = 0, n_ranks: int = 1
) -> list[Batch]:
    """The steps of an epoch; every sample is in one of them, on one rank.

    Batches are as equal as can be, within one sample, so that no small one is left over;
    so are the shares of the ranks. All ranks' shares of a step together are the batch that
    a single process would have.

    Raises
    ------
    InputError
        If a rank would get no sample.
    """
    parts = np.array_split(order_of(seed, epoch, n_samples), n_batches(n_samples, batch_size))
    smallest = min(len(part) for part in parts)
    if smallest < n_ranks:
        raise InputError(
            f"[training] batch_size: {batch_size} with {n_samples} samples makes batches of"
            f" {smallest}; {n_ranks} ranks need one sample each"
        )
    return [Batch(np.array_split(part, n_ranks)[rank], len(part)) for part in parts]
