"""Data sets from arrays that are in memory, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ssdp_neuro.data.dataset import SpikeDataset
from ssdp_neuro.data.torch_pairs import as_spike_dataset


def from_arrays(spikes: Any, labels: Any, *, n_classes: int | None = None) -> SpikeDataset:
    """A data set of arrays: what :func:`as_spike_dataset` makes of one batch.

    Parameters
    ----------
    spikes : bool or exactly 0/1, shape (N, n_steps, *input_shape)
    labels : integers, shape (N,)
    n_classes
        Labels are below this; one more than the highest if not given.

    Raises
    ------
    InputError, ShapeError, TypeMismatchError
        If there is no sample, or the arrays have other shapes or values.

    Examples
    --------
    >>> data = from_arrays(np.eye(6).reshape(2, 3, 6), [0, 1])
    >>> data.n_steps, data.input_shape, data.n_classes
    (3, (6,), 2)
    """
    return as_spike_dataset("from_arrays", [(spikes, labels)], n_classes=n_classes)


def to_arrays(dataset: SpikeDataset, *, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """All samples of a data set: spikes, bool ``(N, n_steps, *input_shape)``, and labels."""
    return dataset.spikes(np.arange(len(dataset)), epoch=epoch), np.asarray(dataset.labels)
