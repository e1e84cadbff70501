"""Projections: synapses from one population to another, weights as integer mantissas.

Every projection delivers one step late, as Lava's connections do: a spike of step ``t``
reaches its target in step ``t + 1``, or ``t + 1 + delay``. What arrives is
``floor(sum of weights * 2**weight_exponent)``, with one floor for all the spikes of a
step that share a delay.
"""

from hw_models.projections.fields import MAX_DELAY, WEIGHT_HIGH, WEIGHT_LOW
from hw_models.projections.image import (
    CONV_SUM_LIMIT,
    ConvProjection,
    PoolProjection,
    convolved_shape,
)
from hw_models.projections.kinds import Projection, check_ends
from hw_models.projections.matrix import DenseProjection, SparseProjection

__all__ = [
    "CONV_SUM_LIMIT",
    "MAX_DELAY",
    "WEIGHT_HIGH",
    "WEIGHT_LOW",
    "ConvProjection",
    "DenseProjection",
    "PoolProjection",
    "Projection",
    "SparseProjection",
    "check_ends",
    "convolved_shape",
]
