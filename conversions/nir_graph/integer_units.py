"""Neurons and projections of integers in real numbers: one unit is that of a weight."""

from __future__ import annotations

import numpy as np

from conversions.linear_maps import pooling
from conversions.nir_graph.drawn import DrawnNeurons
from conversions.real_network import RealConv, RealDense, RealSparse
from conversions.real_network.projections import LinearMap
from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    LifPopulation,
    SparseProjection,
)
from hw_models.arithmetic import DECAY_UNITY
from hw_models.projections import Projection

UNIT = 64  # of the membrane's registers in one unit of a weight


def neurons_in_units(neurons: LifPopulation) -> DrawnNeurons:
    """A population of integers as it is drawn."""
    return DrawnNeurons(
        name=neurons.name,
        shape=neurons.shape,
        voltage_kept=(DECAY_UNITY - neurons.voltage_decay) / DECAY_UNITY,
        current_kept=(DECAY_UNITY - 1 - neurons.current_decay) / DECAY_UNITY,
        gain=np.ones(1),
        current_bias=np.zeros(1),
        bias=neurons.bias / UNIT,
        threshold=neurons.threshold.astype(np.float64),
    )


def real_map(projection: Projection, network: FixedPointNetwork) -> LinearMap:
    """A projection of integers as a map in units of a weight."""
    scale = 2.0**projection.weight_exponent
    if isinstance(projection, DenseProjection):
        return RealDense(weights=projection.weights * scale)
    if isinstance(projection, SparseProjection):
        weights = projection.weights * scale
        return RealSparse(pre=projection.pre, post=projection.post, weights=weights)
    if isinstance(projection, ConvProjection):
        moves = {f: getattr(projection, f) for f in ("stride", "padding", "dilation", "groups")}
        return RealConv(weights=projection.weights * scale, **moves)
    channels = network.population(projection.source).shape[0]
    ones = pooling(
        channels, projection.kernel_size, projection.stride, projection.padding, average=False
    )
    return RealConv(
        weights=ones.weights * (projection.weight * scale),
        stride=ones.stride,
        padding=ones.padding,
        groups=channels,
    )
