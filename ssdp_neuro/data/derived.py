"""A data set that is another one with changed spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssdp_neuro.data.dataset import IndexedPairs, SpikeDataset


@dataclass(frozen=True, kw_only=True, eq=False)
class DerivedDataset(IndexedPairs):
    """What the samples of another data set keep when their spikes are changed.

    A :class:`SpikeDataset` but for ``spikes``, which a subclass gives.

    Parameters
    ----------
    dataset
        The other one.
    """

    dataset: SpikeDataset

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def n_steps(self) -> int:
        """Steps of a sample."""
        return self.dataset.n_steps

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one step's spikes."""
        return tuple(self.dataset.input_shape)

    @property
    def n_classes(self) -> int:
        """Labels are below this."""
        return self.dataset.n_classes

    @property
    def labels(self) -> np.ndarray:
        """Classes, int64 ``(N,)``."""
        return self.dataset.labels
