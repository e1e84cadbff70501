"""The order in which the kernels keep the neurons of a population, where it is not its own.

Images are kept channels last, ``(row, column, channel)``: a spike of a convolution then adds
whole vectors, whatever the size of the image, and pooling goes through both images in order.
Lists of who fired, and all that leaves the engine, have the population's own order; matrices and
single synapses are listed by the places of such sources.
"""

from __future__ import annotations

import numpy as np

from hw_models import ConvProjection, FixedPointNetwork, PoolProjection


def kept_order(network: FixedPointNetwork, name: str) -> np.ndarray | None:
    """Index of each neuron that the kernels keep, int64 ``(n_neurons,)``; None for its own order.

    A plastic projection's rows are read and changed in the population's own order.
    """
    shape = network.population(name).shape
    ending = [projection for projection in network.projections if projection.target == name]
    imaged = any(isinstance(projection, (ConvProjection, PoolProjection)) for projection in ending)
    plastic = any(getattr(projection, "plasticity", None) is not None for projection in ending)
    if not imaged or plastic:
        return None
    return np.arange(np.prod(shape)).reshape(shape[0], -1).T.reshape(-1)


def inverse(order: np.ndarray) -> np.ndarray:
    """Where each neuron is kept."""
    places = np.empty_like(order)
    places[order] = np.arange(order.size)
    return places
