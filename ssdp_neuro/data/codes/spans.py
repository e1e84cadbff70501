"""A channel for each span of time: when something happened becomes where it happens.

A neuron that does not leak, behind such channels, adds up what a linear classifier sees that is
given counts by span; one that leaks forgets when the early spikes were. On a chip the host, or a
population that is driven by a clock, sends a sensor's spikes to another input in every span.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdp_neuro.data.derived import DerivedDataset


@dataclass(frozen=True, kw_only=True, eq=False)
class InSpans(DerivedDataset):
    """Another data set, each of whose channels is as many as there are spans.

    Parameters
    ----------
    dataset
        The other one; its channels are the first axis of its input.
    spans
        Of equal length, up to one step; channel ``c`` of span ``s`` is ``s * channels + c``.
    """

    spans: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one step's spikes."""
        channels, *rest = self.dataset.input_shape
        return self.spans * channels, *rest

    def spikes(self, indices: Any, *, epoch: int = 0) -> np.ndarray:
        """Spikes of some samples, bool ``(B, n_steps, spans * channels, ...)``."""
        given = self.dataset.spikes(indices, epoch=epoch)
        n_samples, n_steps, channels, *rest = given.shape
        apart = np.zeros((n_samples, n_steps, self.spans, channels, *rest), dtype=bool)
        steps = np.arange(n_steps)
        apart[:, steps, steps * self.spans // n_steps] = given
        return apart.reshape(n_samples, n_steps, *self.input_shape)
