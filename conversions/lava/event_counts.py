"""Event counts of a run, from its spikes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    PoolProjection,
    SparseProjection,
)
from hw_models.populations import Population
from hw_models.projections import Projection
from ssdp_neuro.engine.results import EventCounts


def count_events(
    network: FixedPointNetwork, rasters: Mapping[str, np.ndarray], n_steps: int
) -> EventCounts:
    """Counts of an executor that computes every neuron in every step.

    Parameters
    ----------
    network
        What was run.
    rasters
        Spikes of every population: bool ``(B, T, N)``.
    n_steps
        Steps of a sample. A spike of a step counts the synapses that it visits, even if
        they would deliver after the end.
    """
    by_neuron = {name: raster.sum(axis=(0, 1)) for name, raster in rasters.items()}
    operations = {}
    for projection in network.projections:
        source = network.population(projection.source)
        visits = by_neuron[source.name] * fan_out(projection, source)
        operations[projection.name] = int(visits.sum())
    return EventCounts(
        spikes={name: int(counts.sum()) for name, counts in by_neuron.items()},
        synaptic_operations=operations,
        neuron_updates={
            lif.name: lif.n_neurons * rasters[lif.name].shape[0] * n_steps
            for lif in network.neurons
        },
    )


def fan_out(projection: Projection, source: Population) -> np.ndarray:
    """Synapses of each source neuron in a projection, int64 ``(n_pre,)``."""
    if isinstance(projection, DenseProjection):
        return np.full(source.n_neurons, projection.weights.shape[0], dtype=np.int64)
    if isinstance(projection, SparseProjection):
        return np.bincount(projection.pre, minlength=source.n_neurons)
    if isinstance(projection, PoolProjection):
        projection = projection.as_convolution(source.shape[0])
    taps = [_taps_of_position(projection, source.shape, axis) for axis in (0, 1)]
    channels = projection.weights.shape[0] // projection.groups
    image = channels * np.outer(*taps)
    return np.tile(image.reshape(-1), source.shape[0])


def _taps_of_position(projection: ConvProjection, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """How many (tap, output position) pairs along an axis read each input position."""
    size_out = projection.output_shape(shape)[1 + axis]
    tap, out = np.indices((projection.weights.shape[2 + axis], size_out)).reshape(2, -1)
    position = (
        out * projection.stride[axis] + tap * projection.dilation[axis] - projection.padding[axis]
    )
    size = shape[1 + axis]
    inside = position[(position >= 0) & (position < size)]
    return np.bincount(inside, minlength=size)
