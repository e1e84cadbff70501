"""Spikes of the input populations, from whatever the user has, as sorted event lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw_models import FixedPointNetwork, InputError, InputPopulation, ShapeError

EVENT_FIELDS = ("t", "x", "y", "p")


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeInput:
    """Input spikes of a run, checked.

    Parameters
    ----------
    n_samples
        Samples, or None without a batch axis.
    starts
        By population: int64 ``(n_samples * n_steps + 1,)``, where each step's events begin.
    indices
        By population: int32 neuron indices, sorted within a step.
    """

    n_samples: int | None
    starts: Mapping[str, np.ndarray]
    indices: Mapping[str, np.ndarray]

    def sample(self, number: int, n_steps: int) -> SpikeInput:
        """One sample of the batch by itself, without a batch axis."""
        starts, indices = {}, {}
        for name, all_starts in self.starts.items():
            part = all_starts[number * n_steps : (number + 1) * n_steps + 1]
            starts[name] = part - part[0]
            indices[name] = self.indices[name][part[0] : part[-1]]
        return SpikeInput(n_samples=None, starts=starts, indices=indices)

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
        - ``(step, index)`` pairs: an integer array ``(n_events, 2)`` or a list of pairs,
          sorted by step;
        - a structured event array as tonic gives, with fields ``t`` (steps, sorted),
          ``x`` and, where the shape has them, ``y`` and ``p``: the neuron is
          ``(p, y, x)`` in a shape ``(channels, height, width)``, ``(y, x)`` in
          ``(height, width)``, ``x`` in ``(n,)``;
        - a list of pair arrays or structured arrays: a batch.

        A :class:`SpikeInput` made for this network and ``n_steps`` is returned as it is.
    n_steps
        Steps of a sample.

    Raises
    ------
    InputError, ShapeError
        If spikes are missing or unknown, of a wrong shape or type, negative, not sorted,
        beyond ``n_steps`` or the population, given twice, or not 0 or 1.
    """
    names = [population.name for population in network.inputs]
    if isinstance(spikes, SpikeInput):
        needed = (spikes.n_samples or 1) * n_steps + 1
        sizes_made = {name: starts.size for name, starts in spikes.starts.items()}
        if sizes_made != dict.fromkeys(names, needed):
            raise InputError(f"SpikeInput of {sizes_made}; {names} with {needed} are needed")
        return spikes
    if spikes is None:
        spikes = {}
    elif not isinstance(spikes, Mapping):
        if len(names) != 1:
            raise InputError(
                f"the network has {len(names)} input populations ({', '.join(names) or 'none'});"
                " give spikes as a mapping from their names"
            )
        spikes = {names[0]: spikes}
    unknown = sorted(set(spikes) - set(names))
    if unknown:
        raise InputError(f"spikes for {unknown[0]!r}; input populations are {names}")
    starts: dict[str, np.ndarray] = {}
    indices: dict[str, np.ndarray] = {}
    batches = {}
    for population in network.inputs:
        if population.name in spikes:
            form = spikes[population.name]
            parts = _normalise(population, form, n_steps)
            starts[population.name], indices[population.name], batches[population.name] = parts
    sizes = set(batches.values())
    if len(sizes) > 1:
        raise InputError(f"input populations have different numbers of samples: {batches}")
    n_samples = sizes.pop() if sizes else None
    for name in names:
        if name not in starts:
            starts[name] = np.zeros((n_samples or 1) * n_steps + 1, dtype=np.int64)
            indices[name] = np.zeros(0, dtype=np.int32)
    return SpikeInput(n_samples=n_samples, starts=starts, indices=indices)


def _normalise(
    population: InputPopulation, form: Any, n_steps: int
) -> tuple[np.ndarray, np.ndarray, int | None]:
    name = population.name
    if isinstance(form, np.ndarray) and form.dtype.names:
        return *_from_events(population, [_flatten(population, form)], n_steps), None
    if isinstance(form, (list, tuple)) and form and _is_sample(form[0]):
        samples = [
            _flatten(population, part)
            if isinstance(part, np.ndarray) and part.dtype.names
            else _pairs(name, part)
            for part in form
        ]
        return *_from_events(population, samples, n_steps), len(samples)
    array = form if isinstance(form, np.ndarray) else _pairs(name, form)
    is_raster = array.ndim >= 2 and (
        array.shape[-1] == population.n_neurons
        or array.shape[-len(population.shape) :] == population.shape
    )
    looks_like_pairs = array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind in "iu"
    if looks_like_pairs and not (
        is_raster and array.shape[0] == n_steps and array.max(initial=0) <= 1
    ):
        return *_from_events(population, [_pairs(name, array)], n_steps), None
    return _from_raster(population, array, n_steps)


def _is_sample(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return part.dtype.names is not None or part.ndim == 2
    return isinstance(part, Sequence) and (len(part) == 0 or not np.isscalar(part[0]))


def _pairs(name: str, form: Any) -> np.ndarray:
    try:
        array = np.asarray(form)
    except ValueError:
        raise InputError(f"{name}: spikes are neither an array nor (step, index) pairs") from None
    if array.size == 0 and array.ndim < 2:
        return np.zeros((0, 2), dtype=np.int64)
    return array


def _flatten(population: InputPopulation, events: np.ndarray) -> np.ndarray:
    name, shape = population.name, population.shape
    fields = {1: ("x",), 2: ("y", "x"), 3: ("p", "y", "x")}.get(len(shape))
    missing = [f for f in ("t", *(fields or ())) if f not in (events.dtype.names or ())]
    if fields is None or missing:
        raise InputError(
            f"{name}: event fields {events.dtype.names} do not fit shape {shape};"
            f" needed are t and {fields or 'a shape of at most three axes'}"
        )
    pairs = np.zeros((events.size, 2), dtype=np.int64)
    for column, field in ((0, "t"), *((1, f) for f in fields)):
        if events[field].dtype.kind not in "iub":
            raise InputError(
                f"{name}: event field {field!r} is {events[field].dtype}; integers are needed"
            )
    pairs[:, 0] = events["t"]
    for axis, field in enumerate(fields):
        values = events[field].astype(np.int64)
        bad = (values < 0) | (values >= shape[axis])
        if bad.any():
            first = int(np.argmax(bad))
            raise InputError(
                f"{name}: event {first} has {field} = {values[first]}; allowed 0..{shape[axis] - 1}"
            )
        pairs[:, 1] = pairs[:, 1] * shape[axis] + values
    return pairs


def _from_events(
    population: InputPopulation, samples: list[np.ndarray], n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    starts = np.zeros(len(samples) * n_steps + 1, dtype=np.int64)
    parts = []
    for number, pairs in enumerate(samples):
        where = f"{population.name}: sample {number}" if len(samples) > 1 else population.name
        if pairs.dtype.kind not in "iu":
            raise InputError(f"{where}: events of dtype {pairs.dtype}; integers are needed")
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise ShapeError(f"{where}: events of shape {pairs.shape}; (n_events, 2) is needed")
        steps, index = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
        for what, values, limit in (
            ("step", steps, n_steps),
            ("index", index, population.n_neurons),
        ):
            bad = (values < 0) | (values >= limit)
            if bad.any():
                first = int(np.argmax(bad))
                raise InputError(
                    f"{where}: event {first} has {what} {values[first]}; allowed 0..{limit - 1}"
                )
        late = np.flatnonzero(np.diff(steps) < 0)
        if late.size:
            first = int(late[0]) + 1
            raise InputError(
                f"{where}: event {first} at step {steps[first]} follows one at step"
                f" {steps[first - 1]}; events must be sorted by step"
            )
        key = steps * population.n_neurons + index
        if np.any(np.diff(key) < 0):
            key = np.sort(key)
        twice = np.flatnonzero(np.diff(key) == 0)
        if twice.size:
            step, neuron = divmod(int(key[twice[0]]), population.n_neurons)
            raise InputError(
                f"{where}: neuron {neuron} has two events in step {step}; one is allowed"
            )
        steps, index = np.divmod(key, population.n_neurons)
        starts[1 + number * n_steps : 1 + (number + 1) * n_steps] = np.bincount(
            steps, minlength=n_steps
        )
        parts.append(index.astype(np.int32))
    np.cumsum(starts, out=starts)
    return starts, np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)


def _from_raster(
    population: InputPopulation, array: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray, int | None]:
    name, n_neurons = population.name, population.n_neurons
    allowed = f"({n_steps}, {n_neurons}) or (B, {n_steps}, {n_neurons})"
    flat_shapes = {(n_steps, n_neurons): None, (n_steps, *population.shape): None}
    if array.shape in flat_shapes:
        n_samples = None
    elif array.ndim > 1 and array.shape[1:] in flat_shapes:
        n_samples = array.shape[0]
    else:
        raise ShapeError(f"{name}: spikes of shape {array.shape}; allowed {allowed}")
    if array.dtype.kind not in "biu":
        raise InputError(f"{name}: spikes of dtype {array.dtype}; bool or 0/1 integers are needed")
    if array.dtype.kind != "b":
        bad = (array != 0) & (array != 1)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise InputError(f"{name}: value {array[index]} at index {index}; allowed 0 and 1")
    rows = (
        np.ascontiguousarray(array.reshape(-1, n_neurons)).view(np.uint8)
        if (array.dtype.itemsize == 1)
        else array.reshape(-1, n_neurons).astype(np.uint8)
    )
    from ssdp_neuro.engine.kernels.raster import events_of_rows

    starts, indices = events_of_rows(rows)
    return starts, indices, n_samples
