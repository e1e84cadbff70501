"""Spikes of the input populations, from whatever the user has, as sorted event lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, ShapeError
from hw_models.arrays import integer_array
from hw_models.integers import INDEX_HIGH, integer
from hw_models.records import short_repr
from ssdp_neuro.engine.spike_forms import event_lists


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeInput:
    """Input spikes of a run, checked: what kernels read of it cannot lead them astray.

    Parameters
    ----------
    n_samples
        Samples, or None without a batch axis.
    starts
        By population: int64 ``(n_samples * n_steps + 1,)``, where each step's events begin.
    indices
        By population: int32 neuron indices, sorted within a step, each at most once.
    merged
        Sensor events that became one spike with an earlier one of the same neuron and
        step, over all populations and samples.

    Raises
    ------
    InputError, RangeError, ShapeError, TypeMismatchError
        If these are not the events of so many samples.
    """

    n_samples: int | None
    starts: Mapping[str, np.ndarray]
    indices: Mapping[str, np.ndarray]
    merged: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        if self.n_samples is not None:
            put(self, "n_samples", integer("SpikeInput.n_samples", self.n_samples, 1, INDEX_HIGH))
        if set(self.starts) != set(self.indices):
            raise InputError(
                f"SpikeInput: starts of {list(self.starts)}, indices of {list(self.indices)}"
            )
        starts, indices = {}, {}
        for name in self.starts:
            starts[name], indices[name] = _checked_events(
                f"SpikeInput of {name!r}", self.starts[name], self.indices[name]
            )
            if (starts[name].size - 1) % (self.n_samples or 1):
                raise InputError(
                    f"SpikeInput of {name!r}: {starts[name].size - 1} rows are not the steps of"
                    f" {self.n_samples} samples"
                )
        put(self, "starts", starts)
        put(self, "indices", indices)

    __repr__ = short_repr

    def sample(self, number: int, n_steps: int) -> SpikeInput:
        """One sample of the batch by itself, without a batch axis; ``merged`` is not split."""
        starts, indices = {}, {}
        for name, all_starts in self.starts.items():
            part = all_starts[number * n_steps : (number + 1) * n_steps + 1]
            starts[name] = part - part[0]
            indices[name] = self.indices[name][part[0] : part[-1]]
        one = object.__new__(SpikeInput)  # parts of checked events need no second look
        for field, value in (
            ("n_samples", None),
            ("starts", starts),
            ("indices", indices),
            ("merged", 0),
        ):
            object.__setattr__(one, field, value)
        return one

    def rasters(self, network: FixedPointNetwork, n_steps: int) -> dict[str, np.ndarray]:
        """The same spikes as bool arrays ``(B, T, N)``, for executors that want them."""
        rasters = {}
        for population in network.inputs:
            starts = self.starts[population.name]
            flat = np.zeros((starts.size - 1, population.n_neurons), dtype=bool)
            rows = np.repeat(np.arange(starts.size - 1), np.diff(starts))
            flat[rows, self.indices[population.name]] = True
            rasters[population.name] = flat.reshape(-1, n_steps, population.n_neurons)
        return rasters


def spike_input(network: FixedPointNetwork, spikes: Any, n_steps: int) -> SpikeInput:
    """Check and normalise the spikes given to an executor.

    Parameters
    ----------
    network
        Its input populations say what is needed.
    spikes
        For a network with one input population, one of the forms below; with several, a
        mapping from their names to such a form; None for a network without inputs (or
        to leave them silent). The forms, ``T = n_steps``:

        - bool or 0/1 integer array ``(T, N)``, ``(T, *shape)``, or either with a batch
          axis in front;
        - ``(step, index)`` pairs, sorted by step, each at most once: a list of pairs or an
          integer array ``(n_events, 2)``;
        - a structured event array as tonic gives, with fields ``t`` (steps, sorted),
          ``x`` and, where the shape has them, ``y`` and ``p``: the neuron is
          ``(p, y, x)`` in a shape ``(channels, height, width)``, ``(y, x)`` in
          ``(height, width)``, ``x`` in ``(n,)``; a field that the shape has no axis for
          is not looked at. Several events of a neuron in one step are one spike, and
          ``merged`` counts what that took away;
        - a list of pair arrays or structured arrays: a batch.

        A :class:`SpikeInput` made for this network and ``n_steps`` is returned as it is.
    n_steps
        Steps of a sample.

    Raises
    ------
    InputError, ShapeError
        If spikes are for an unknown population, of a wrong shape or type, negative, not
        sorted, beyond ``n_steps`` or the population, given twice, or not 0 or 1; or if an
        integer array can be both a raster of two neurons and pairs.
    RangeError, TypeMismatchError
        If ``n_steps`` is not a positive integer.
    """
    n_steps = integer("n_steps", n_steps, 1, 2**31 - 1)
    names = [population.name for population in network.inputs]
    if isinstance(spikes, SpikeInput):
        return _same_input(network, spikes, n_steps)
    if spikes is None:
        spikes = {}
    elif not isinstance(spikes, Mapping):
        if len(names) != 1:
            raise InputError(
                f"the network has {len(names)} input populations ({', '.join(names) or 'none'});"
                " give spikes as a mapping from their names"
            )
        spikes = {names[0]: spikes}
    unknown = [name for name in spikes if name not in names]
    if unknown:
        raise InputError(f"spikes for {unknown[0]!r}; input populations are {names}")
    lists = {
        population.name: event_lists(population, spikes[population.name], n_steps)
        for population in network.inputs
        if population.name in spikes
    }
    batches = {name: events.n_samples for name, events in lists.items()}
    if len(set(batches.values())) > 1:
        raise InputError(f"input populations have different numbers of samples: {batches}")
    n_samples = next(iter(batches.values()), None)
    starts, indices = {}, {}
    for name in names:
        if name in lists:
            starts[name], indices[name] = lists[name].starts, lists[name].indices
        else:
            starts[name] = np.zeros((n_samples or 1) * n_steps + 1, dtype=np.int64)
            indices[name] = np.zeros(0, dtype=np.int32)
    merged = sum(events.merged for events in lists.values())
    return SpikeInput(n_samples=n_samples, starts=starts, indices=indices, merged=merged)


def _checked_events(where: str, starts: Any, indices: Any) -> tuple[np.ndarray, np.ndarray]:
    """Starts int64 and indices int32, read-only, of events in order."""
    indices = integer_array(f"{where}: indices", indices, 0, INDEX_HIGH, np.int32)
    if indices.ndim != 1:
        raise ShapeError(f"{where}: indices of shape {indices.shape}; (n_events,) is needed")
    starts = integer_array(f"{where}: starts", starts, 0, indices.size, np.int64)
    if starts.ndim != 1 or starts.size < 2:
        raise ShapeError(f"{where}: starts of shape {starts.shape}; (n_rows + 1,) is needed")
    if starts[0] != 0 or starts[-1] != indices.size or np.any(starts[1:] < starts[:-1]):
        raise InputError(f"{where}: starts do not rise from 0 to {indices.size}, the events")
    late = np.diff(indices, prepend=-1) <= 0
    late[starts[:-1][starts[:-1] < indices.size]] = False  # the first event of each row
    if late.any():
        event = int(np.argmax(late))
        raise InputError(
            f"{where}: event {event} has index {indices[event]} after {indices[event - 1]};"
            " those of a step must rise"
        )
    return starts, indices


def _same_input(network: FixedPointNetwork, given: SpikeInput, n_steps: int) -> SpikeInput:
    """Return ``given`` if it fits the network and the number of steps."""
    needed = (given.n_samples or 1) * n_steps + 1
    sizes = {name: starts.size for name, starts in given.starts.items()}
    names = [population.name for population in network.inputs]
    if sizes != dict.fromkeys(names, needed):
        raise InputError(f"SpikeInput of {sizes}; {names} with {needed} are needed")
    for population in network.inputs:
        highest = given.indices[population.name].max(initial=0)
        if highest >= population.n_neurons:
            raise InputError(
                f"{population.name}: SpikeInput has index {highest};"
                f" allowed 0..{population.n_neurons - 1}"
            )
    return given
