"""Packets of sensor events, cut into steps as these are complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, InputPopulation, ShapeError
from hw_models.arrays import plain_array
from hw_models.integers import integer
from ssdp_neuro.engine.spike_forms import inside, times_and_indices
from ssdp_neuro.engine.spike_input import SpikeInput

MOST_AT_ONCE = 1024  # steps
LATEST = 2**62


class EventStream:
    """Events that have come and have not been handed on.

    Parameters
    ----------
    population
        The input that they are of.
    time_per_step
        From 1, in the events' unit of time; step ``k`` holds the times from
        ``start + k * time_per_step`` on.
    start
        Time of the first step, from 0.

    Raises
    ------
    RangeError, TypeMismatchError
        If a number is not one of those.
    """

    def __init__(self, population: InputPopulation, time_per_step: int, start: int) -> None:
        self.population = population
        self._time_per_step = integer("time_per_step", time_per_step, 1, LATEST)
        self._start = self._now = integer("start", start, 0, LATEST)
        self._n_done = 0  # steps handed on
        self._keys = np.zeros((0, 2), dtype=np.int64)  # distinct (step, index), sorted
        self._n_packets = 0

    def add(self, packet: Any) -> None:
        """Take a packet: structured events, ``(time, index)`` pairs, or a time that has come.

        Raises
        ------
        InputError, ShapeError, RangeError, TypeMismatchError
            If it does not fit; nothing of it is taken.
        """
        where = f"{self.population.name}: packet {self._n_packets}"
        if isinstance(packet, (int, np.integer)):
            self._now = integer(f"{where}: time", packet, self._now, LATEST)
            self._n_packets += 1
            return
        times, indices = self._read(where, packet)
        late = np.diff(times, prepend=self._now) < 0
        if late.any():
            first = int(np.argmax(late))
            before = int(times[first - 1]) if first else self._now
            raise InputError(
                f"{where}: event {first} at time {int(times[first])} comes after time {before};"
                " times must not fall"
            )
        steps = (times - self._start) // self._time_per_step
        new = np.stack([steps, indices], axis=1)
        self._keys = np.unique(np.concatenate([self._keys, new]), axis=0)
        self._now = int(times[-1]) if times.size else self._now
        self._n_packets += 1

    def complete(self) -> Iterator[tuple[np.ndarray, int]]:
        """Steps into which nothing more can come.

        Yields
        ------
        pairs, n_steps
            Distinct, sorted ``(step, index)`` pairs int64 ``(n, 2)`` of the next ``n_steps``
            steps, at most ``MOST_AT_ONCE``, counted from the first of them.
        """
        yield from self._until((self._now - self._start) // self._time_per_step)

    def rest(self) -> Iterator[tuple[np.ndarray, int]]:
        """The same of the step under way, if there is an event in it."""
        yield from self._until(int(self._keys[-1, 0]) + 1 if len(self._keys) else self._n_done)

    def _until(self, end: int) -> Iterator[tuple[np.ndarray, int]]:
        while self._n_done < end:
            n_steps = min(MOST_AT_ONCE, end - self._n_done)
            begun, n_new = (
                self._n_done,
                int(np.searchsorted(self._keys[:, 0], self._n_done + n_steps)),
            )
            pairs, self._keys = self._keys[:n_new], self._keys[n_new:]
            self._n_done += n_steps
            yield pairs - [begun, 0], n_steps

    def _read(self, where: str, packet: Any) -> tuple[np.ndarray, np.ndarray]:
        """Times and flat indices, int64."""
        if isinstance(packet, np.ndarray) and packet.dtype.names is not None:
            times, indices = times_and_indices(where, self.population.shape, packet)
        else:
            pairs = plain_array(where, packet)
            if pairs.size == 0:
                pairs = np.zeros((0, 2), dtype=np.int64)
            if pairs.dtype.kind not in "iu":
                raise InputError(f"{where}: pairs of dtype {pairs.dtype}; integers are needed")
            if pairs.ndim != 2 or pairs.shape[1] != 2:
                raise ShapeError(f"{where}: shape {pairs.shape}; (n_events, 2) is needed")
            times, indices = pairs[:, 0], inside(where, "index", pairs[:, 1], self._n_neurons)
        return inside(where, "time", times, LATEST), indices

    @property
    def _n_neurons(self) -> int:
        return self.population.n_neurons


def input_of(network: FixedPointNetwork, name: str, pairs: np.ndarray, n_steps: int) -> SpikeInput:
    """Spikes of one input from distinct, sorted (step, index) pairs."""
    edges = np.arange(n_steps + 1)
    starts = {p.name: np.zeros(n_steps + 1, dtype=np.int64) for p in network.inputs}
    indices = {p.name: np.zeros(0, dtype=np.int32) for p in network.inputs}
    starts[name], indices[name] = np.searchsorted(pairs[:, 0], edges), pairs[:, 1]
    return SpikeInput(n_samples=None, starts=starts, indices=indices)
