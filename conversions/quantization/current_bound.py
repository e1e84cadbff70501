"""How full the current's register can get, whatever the spikes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from conversions.quantization.decays import current_kept
from hw_models import DenseProjection, LifPopulation, SparseProjection
from hw_models.arithmetic import ALIGN_SHIFT
from hw_models.projections import Projection


def current_bound(
    population: LifPopulation, projections: Iterable[Projection], clock: str = ""
) -> np.ndarray:
    """Largest magnitude of each neuron's current, float64 ``(N,)``, in units of the register.

    If all synapses of one sign are hit in every step; below 2**23 it can never wrap.

    Parameters
    ----------
    population
        The neurons.
    projections
        Of the network; those that end elsewhere do not count. No pooling.
    clock
        Name of a neuron that fires in every step, whose synapses of different delays may
        cancel each other.
    """
    n = population.n_neurons
    ending = [p for p in projections if p.target == population.name]
    up, down = _by_clock([p for p in ending if p.source == clock], n)
    for projection in (p for p in ending if p.source != clock):
        up += _row_sums(projection, n, 1)
        down += _row_sums(projection, n, -1)
    most = np.maximum(up, down) * (1 << ALIGN_SHIFT)
    return most / (1.0 - current_kept(population.current_decay))


def _by_clock(projections: list[Any], n_post: int) -> tuple[np.ndarray, np.ndarray]:
    """Most and least (negated) that arrives in a step, each projection from its delay on."""
    arriving: dict[int, np.ndarray] = {}
    for projection in projections:
        delay = 0 if projection.delays is None else int(projection.delays.flat[0])
        sums = _row_sums(projection, n_post, 1) - _row_sums(projection, n_post, -1)
        arriving[delay] = arriving.get(delay, 0.0) + sums
    up, down, total = np.zeros(n_post), np.zeros(n_post), np.zeros(n_post)
    for delay in sorted(arriving):
        total = total + arriving[delay]
        up, down = np.maximum(up, total), np.maximum(down, -total)
    return up, down


def _row_sums(projection: Projection, n_post: int, sign: int) -> np.ndarray:
    """What the synapses of one sign deliver to each neuron together, float64 ``(n_post,)``."""
    assert not hasattr(projection, "kernel_size")
    weights = (sign * projection.weights.astype(np.float64)).clip(min=0)
    weights = np.ldexp(weights, projection.weight_exponent)
    if isinstance(projection, SparseProjection):
        return np.bincount(projection.post, weights, n_post)
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    if isinstance(projection, DenseProjection):
        return sums
    return np.repeat(sums, n_post // len(sums))
