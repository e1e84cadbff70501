"""How much can arrive at a neuron in one step: whether a current stays within 24 bits."""

from __future__ import annotations

import numpy as np

from hw_models import (
    ConvProjection,
    DenseProjection,
    FixedPointNetwork,
    PoolProjection,
    SparseProjection,
)
from hw_models.arithmetic import ALIGN_SHIFT

MAX_STATE = 1 << 23
MAX_INPUT = 2 * MAX_STATE >> ALIGN_SHIFT  # beyond it, one wrap may leave more than 24 bits
Projection = ConvProjection | DenseProjection | PoolProjection | SparseProjection


def is_narrow(network: FixedPointNetwork, name: str) -> bool:
    """Whether the current of every neuron stays within ``-2**23..2**23``, whatever arrives.

    A current that does, and an aligned input of at most ``2**24``, are together less than
    ``2**25``, which wrapping to 24 bits brings back.
    """
    arriving = 0
    for projection in network.projections:
        if projection.target == name:
            n_pre = network.population(projection.source).n_neurons
            arriving += most_input(projection, n_pre)
    return arriving <= MAX_INPUT


def most_input(projection: Projection, n_pre: int) -> int:
    """A bound on what a projection adds to the input of a neuron in a step, either way."""
    if isinstance(projection, DenseProjection):
        plasticity = projection.plasticity
        if plasticity is None:
            weights = projection.weights
            up = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
            down = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
            most = max(int(up.max(initial=0)), -int(down.min(initial=0)))
        else:
            most = n_pre * max(-plasticity.weight_low, plasticity.weight_high)
    elif isinstance(projection, SparseProjection):
        n_synapses = int(np.bincount(projection.post).max(initial=0))
        rule = projection.plasticity
        most = n_synapses * (
            highest(projection.weights) if rule is None else max(-rule.weight_low, rule.weight_high)
        )
    elif isinstance(projection, ConvProjection):
        most = int(np.prod(projection.weights.shape[1:])) * highest(projection.weights)
    else:
        most = int(np.prod(projection.kernel_size)) * abs(int(projection.weight))
    if projection.weight_exponent >= 0:
        return most << projection.weight_exponent
    delays = getattr(projection, "delays", None)
    n_sums = 1 if delays is None else 1 + int(delays.max(initial=0))  # each is floored
    return (most >> -projection.weight_exponent) + n_sums


def highest(weights: np.ndarray) -> int:
    """Largest magnitude of some weights."""
    return max(int(weights.max(initial=0)), -int(weights.min(initial=0)))
