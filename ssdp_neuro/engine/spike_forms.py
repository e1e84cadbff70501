"""The forms in which spikes may be given, each turned into sorted event lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hw_models import InputError, InputPopulation, ShapeError
from hw_models.arrays import plain_array, spike_array
from ssdp_neuro.engine.kernels.catalog import COUNT_ROWS, FILL_ROWS
from ssdp_neuro.engine.kernels.reading_tables import RasterTable

EVENT_AXES = {1: ("x",), 2: ("y", "x"), 3: ("p", "y", "x")}


class EventLists(NamedTuple):
    """Spikes of one population.

    Parameters
    ----------
    starts
        int64 ``(B * T + 1,)``, where each step's events begin.
    indices
        int32 neuron indices, sorted within a step.
    n_samples
        Samples, or None without a batch axis.
    merged
        Sensor events that fell on a spike that was there already.
    """

    starts: np.ndarray
    indices: np.ndarray
    n_samples: int | None
    merged: int = 0


def event_lists(population: InputPopulation, form: Any, n_steps: int) -> EventLists:
    """Spikes of a population in any of the forms of :func:`..spike_input.spike_input`."""
    if _is_structured(form):
        return _from_events(population, [form], n_steps)._replace(n_samples=None)
    if isinstance(form, (list, tuple)) and form and _is_sample(form[0]):
        return _from_events(population, list(form), n_steps)
    array = _array(population.name, form)
    if not _is_pairs(population, array, n_steps, listed=isinstance(form, (list, tuple))):
        return _from_raster(population, array, n_steps)
    return _from_events(population, [array], n_steps)._replace(n_samples=None)


def _is_structured(form: Any) -> bool:
    return isinstance(form, np.ndarray) and form.dtype.names is not None


def _is_sample(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return part.dtype.names is not None or part.ndim == 2
    return isinstance(part, Sequence) and (len(part) == 0 or not np.isscalar(part[0]))


def _is_pairs(population: InputPopulation, array: np.ndarray, n_steps: int, listed: bool) -> bool:
    """Whether an array holds (step, index) pairs and not a raster of two neurons.

    A list is always pairs, a bool array never. An integer array is what it can be; where
    it can be both, with different spikes, it is refused.
    """
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind == "b":
        return False
    if listed or array.shape not in _raster_shapes(population, n_steps):
        return True
    if array.dtype.kind not in "iu":
        return False
    steps = array[:, 0]
    pairs = bool(
        np.all(np.diff(steps.astype(np.int64)) >= 0)
        and len(np.unique(array, axis=0)) == len(array)
        and array.min(initial=0) >= 0
        and steps.max(initial=0) < n_steps
    )
    if pairs and array.max(initial=0) <= 1:
        raise InputError(
            f"{population.name}: an integer array of shape {array.shape} can be a raster of two"
            " neurons or (step, index) pairs; give a raster as bool or pairs as a list"
        )
    return pairs


def _array(name: str, form: Any) -> np.ndarray:
    try:
        array = plain_array(name, form)
    except ShapeError:
        raise InputError(f"{name}: spikes are neither an array nor (step, index) pairs") from None
    if array.size == 0 and array.ndim < 2:
        return np.zeros((0, 2), dtype=np.int64)
    return array


def _from_events(population: InputPopulation, samples: list[Any], n_steps: int) -> EventLists:
    starts = np.zeros(len(samples) * n_steps + 1, dtype=np.int64)
    indices, merged = [np.zeros(0, dtype=np.int32)], 0
    for number, sample in enumerate(samples):
        where = f"{population.name}: sample {number}" if len(samples) > 1 else population.name
        structured = _is_structured(sample)
        shape = population.shape
        pairs = _flatten(where, shape, sample, n_steps) if structured else _array(where, sample)
        key = _sorted_keys(where, pairs, n_steps, population.n_neurons)
        repeated = np.flatnonzero(np.diff(key) == 0)
        if repeated.size and not structured:
            step, neuron = divmod(int(key[repeated[0]]), population.n_neurons)
            raise InputError(
                f"{where}: neuron {neuron} has two events in step {step}; one is allowed"
            )
        key = np.delete(key, repeated)
        merged += repeated.size
        steps, index = np.divmod(key, population.n_neurons)
        row = 1 + number * n_steps
        starts[row : row + n_steps] = np.bincount(steps, minlength=n_steps)
        indices.append(index.astype(np.int32))
    np.cumsum(starts, out=starts)
    return EventLists(starts, np.concatenate(indices), len(samples), merged)


def _flatten(where: str, shape: tuple[int, ...], events: np.ndarray, n_steps: int) -> np.ndarray:
    """Sensor events as (step, flat neuron index) pairs."""
    steps, index = times_and_indices(where, shape, events)
    return np.stack([inside(where, "step", steps, n_steps), index], axis=1)


def times_and_indices(
    where: str, shape: tuple[int, ...], events: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Times as they are, and flat neuron indices int64, of structured sensor events.

    Raises
    ------
    InputError
        If a field is missing, no integers, or outside of the shape.
    """
    axes = EVENT_AXES.get(len(shape))
    missing = [field for field in ("t", *(axes or ())) if field not in (events.dtype.names or ())]
    if axes is None or missing or events.ndim != 1:
        raise InputError(
            f"{where}: events of shape {events.shape} with fields {events.dtype.names} do not fit"
            f" shape {shape}; needed are (n_events,) with"
            f" {('t', *axes) if axes else 'a shape of at most three axes'}"
        )
    columns = {}
    for field in ("t", *axes):
        column = plain_array(f"{where}: event field {field!r}", events[field])
        if column.dtype.kind not in ("iu" if field == "t" else "iub"):
            raise InputError(
                f"{where}: event field {field!r} is {column.dtype}; integers are needed"
            )
        columns[field] = column
    index = np.zeros(events.size, dtype=np.int64)
    for size, field in zip(shape, axes, strict=True):
        index = index * size + inside(where, field, columns[field], size)
    return columns["t"], index


def _sorted_keys(where: str, pairs: np.ndarray, n_steps: int, n_neurons: int) -> np.ndarray:
    """``step * n_neurons + index`` of each event, sorted, repetitions included."""
    if pairs.dtype.kind not in "iu":
        raise InputError(f"{where}: events of dtype {pairs.dtype}; integers are needed")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ShapeError(f"{where}: events of shape {pairs.shape}; (n_events, 2) is needed")
    steps = inside(where, "step", pairs[:, 0], n_steps)
    index = inside(where, "index", pairs[:, 1], n_neurons)
    late = np.flatnonzero(np.diff(steps) < 0)
    if late.size:
        first = int(late[0]) + 1
        raise InputError(
            f"{where}: event {first} at step {steps[first]} follows one at step"
            f" {steps[first - 1]}; events must be sorted by step"
        )
    key = steps * n_neurons + index
    return np.sort(key) if np.any(np.diff(key) < 0) else key


def inside(where: str, what: str, values: np.ndarray, size: int) -> np.ndarray:
    """The values as int64, all inside ``0..size - 1``."""
    bad = (values < 0) | (values >= size)
    if bad.any():
        first = int(np.argmax(bad))
        raise InputError(
            f"{where}: event {first} has {what} {int(values[first])}; allowed 0..{size - 1}"
        )
    return values.astype(np.int64)


def _raster_shapes(population: InputPopulation, n_steps: int) -> set[tuple[int, ...]]:
    return {(n_steps, population.n_neurons), (n_steps, *population.shape)}


def _from_raster(population: InputPopulation, array: np.ndarray, n_steps: int) -> EventLists:
    name, n_neurons = population.name, population.n_neurons
    shapes = _raster_shapes(population, n_steps)
    if array.shape not in shapes and array.shape[1:] not in shapes:
        by_time = array.ndim > 1 and (array.shape[0], *array.shape[2:]) in shapes
        raise ShapeError(
            f"{name}: spikes of shape {array.shape}; allowed"
            f" {' or '.join(map(str, sorted(shapes, key=len)))} or (B, {n_steps}, {n_neurons})"
            + (", the batch before the steps: give them swapaxes(0, 1)" if by_time else "")
        )
    if array.shape[0] == 0:
        raise InputError(f"{name}: spikes of no samples; a batch of at least one is needed")
    rows = spike_array(name, array).reshape(-1, n_neurons)
    starts, indices = _events_of_rows(rows.view(np.uint8))
    return EventLists(starts, indices, None if array.shape in shapes else array.shape[0])


def _events_of_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Event lists of a 0/1 uint8 array ``(n_rows, n_neurons)``: starts int64, indices int32."""
    rows = np.ascontiguousarray(rows)
    flat = (rows.copy() if rows.ctypes.data % 8 else rows).reshape(-1)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    n_rows, n_columns = rows.shape
    starts = np.zeros(n_rows + 1, dtype=np.int64)
    marked = np.empty(n_columns // 8 + 2, dtype=np.int64)
    none = np.zeros(0, dtype=np.int32)
    count = COUNT_ROWS(n_rows, n_columns, 0, 0, RasterTable(flat, words, starts, marked, none))
    indices = np.empty(count + 1, dtype=np.int32)
    FILL_ROWS(n_rows, n_columns, 0, 0, RasterTable(flat, words, starts, marked, indices))
    return starts, indices[:-1]
