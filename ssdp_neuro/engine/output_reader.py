"""Spikes of a run in the engine, read from what its kernel wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ssdp_neuro.engine.kernels.catalog import COUNT_SPIKES, FIND_FIRST, LIST_EVENTS, MARK_SPIKES
from ssdp_neuro.engine.kernels.reading_tables import ReadingTable
from ssdp_neuro.engine.kernels.tables import SPARE
from ssdp_neuro.engine.results import BATCH_EVENT


class WindowOutput(NamedTuple):
    """What one window of samples and steps wrote down.

    Parameters
    ----------
    first, start
        Its first sample and step.
    counts
        Spikes by sample, step and population, int32 ``(n_samples, n_steps, P)``.
    parts
        Neurons that fired, in the order of ``counts``, int32; one after the other.
    """

    first: int
    start: int
    counts: np.ndarray
    parts: list[np.ndarray]

    def fired(self) -> np.ndarray:
        """All parts as one array; joined when it is first asked for."""
        if len(self.parts) != 1:
            self.parts[:] = [np.concatenate([np.zeros(0, np.int32), *self.parts])]
        return self.parts[0]


class WrittenForms(NamedTuple):
    """In which form spikes are written down; entries of all populations.

    Parameters
    ----------
    most_listed
        Spikes of a step that are listed; more are bits. int64 ``(P,)``
    channels
        Of images that are kept channels last, else 0. int64 ``(P,)``
    """

    most_listed: np.ndarray
    channels: np.ndarray


class OutputReader:
    """A :class:`ssdp_neuro.engine.results.SpikeReader` over the windows of a run.

    Parameters
    ----------
    outputs
        Of all windows, in any order.
    index
        Number of each population in the kernels' tables.
    sizes
        Neurons of each population.
    forms
        In which they were written down.
    n_samples, n_steps
        Of the run.
    """

    def __init__(
        self,
        outputs: list[WindowOutput],
        index: Mapping[str, int],
        sizes: Mapping[str, int],
        forms: WrittenForms,
        n_samples: int,
        n_steps: int,
    ) -> None:
        self._outputs = sorted(outputs, key=lambda window: (window.first, window.start))
        self._index, self._sizes, self._forms = index, sizes, forms
        self._n_samples, self._n_steps = n_samples, n_steps

    def counts(self, name: str) -> np.ndarray:
        """Spikes of each neuron, int64 ``(B, N)``."""
        totals = np.zeros((self._n_samples, self._sizes[name]), dtype=np.int64)
        for window in self._outputs:
            reading = self._reading(window, name, totals=totals.reshape(-1))
            COUNT_SPIKES(self._index[name], window.first, window.start, window.first, reading)
        return totals

    def first_spikes(self, name: str) -> np.ndarray:
        """First spike step of each neuron, ``n_steps`` if silent, int32 ``(B, N)``."""
        first = np.full((self._n_samples, self._sizes[name]), self._n_steps, dtype=np.int32)
        for window in self._outputs:
            reading = self._reading(window, name, first=first.reshape(-1))
            FIND_FIRST(self._index[name], window.first, window.start, window.first, reading)
        return first

    def raster(self, name: str) -> np.ndarray:
        """Spikes, bool ``(B, T, N)``."""
        shape = (self._n_samples, self._n_steps, self._sizes[name])
        raster = np.zeros(shape, dtype=bool)
        as_bytes = raster.view(np.uint8).reshape(-1)
        for window in self._outputs:
            reading = self._reading(window, name, raster=as_bytes)
            MARK_SPIKES(self._index[name], window.first, window.start, window.first, reading)
        return raster

    def events(self, name: str) -> np.ndarray:
        """Spikes sorted by sample, step and index, dtype ``BATCH_EVENT``."""
        p = self._index[name]
        lengths = [int(window.counts[:, :, p].sum()) for window in self._outputs]
        table = np.empty((sum(lengths), 3), dtype=np.int32)
        at, rising = 0, True
        for window, length in zip(self._outputs, lengths, strict=True):
            reading = self._reading(window, name, events=table.reshape(-1))
            rising &= bool(LIST_EVENTS(p, window.first, window.start, at, reading))
            at += length
        return _sorted_events(table, self._sizes[name], self._n_steps, rising)

    def _reading(self, window: WindowOutput, name: str, **wanted: np.ndarray) -> ReadingTable:
        size, channels = self._sizes[name], self._forms.channels[self._index[name]]
        shape = (*window.counts.shape, size, self._n_steps, channels)
        return ReadingTable(
            shape=np.array(shape, dtype=np.int64),
            counts=window.counts.reshape(-1),
            fired=window.fired(),
            most_listed=self._forms.most_listed,
            crowd=np.empty(size + SPARE, dtype=np.int32),
            **wanted,
        )


def _sorted_events(table: np.ndarray, size: int, n_steps: int, rising: bool) -> np.ndarray:
    if not rising:  # samples and steps are in order, the neurons of a step are not
        rows = table[:, 0].astype(np.int64) * n_steps + table[:, 1]
        places = np.sort(rows * size + table[:, 2])
        table[:, 2] = places % size
    return table.view(BATCH_EVENT).reshape(-1)
