"""Random input spikes, a pure function of (seed, population, sample, step, neuron)."""

from __future__ import annotations

import math

import numpy as np

from hw_models import FixedPointNetwork, RangeError, TypeMismatchError
from hw_models.integers import integer
from hw_models.random_bits import random_bits
from ssdp_neuro.engine.spike_input import SpikeInput

CHUNK = 1 << 22  # bits drawn at a time


def random_spikes(
    network: FixedPointNetwork,
    rate: float,
    *,
    n_steps: int,
    n_samples: int | None = None,
    seed: int = 0,
) -> SpikeInput:
    """Let every input neuron fire in every step with the same probability.

    Parameters
    ----------
    network
        Its input populations get the spikes.
    rate
        Spikes per neuron and step, 0..1.
    n_steps
        Steps of a sample.
    n_samples
        Samples, or None for one without a batch axis.
    seed
        Key of the random numbers. More samples or steps do not change the earlier ones.

    Raises
    ------
    RangeError, TypeMismatchError
        If the rate is not in 0..1, or steps, samples or seed are none.
    """
    if not isinstance(rate, (int, float, np.integer, np.floating)):
        raise TypeMismatchError(f"rate: {rate!r}; spikes per neuron and step, 0..1, are needed")
    if not (math.isfinite(rate) and 0 <= rate <= 1):
        raise RangeError(f"rate: {rate} spikes per neuron and step; allowed 0..1")
    seed = integer("seed", seed, 0, 2**63 - 1)
    n_steps = integer("n_steps", n_steps, 1, 2**31 - 1)
    if n_samples is not None:
        n_samples = integer("n_samples", n_samples, 1, 2**31 - 1)
    limit = np.uint64(round(rate * 2**32))
    starts, indices = {}, {}
    for number, population in enumerate(network.inputs):
        neurons = np.arange(population.n_neurons)
        rows_at_once = max(1, CHUNK // population.n_neurons)
        n_rows = (n_samples or 1) * n_steps
        counts, fired = [np.zeros(1, dtype=np.int64)], [np.zeros(0, dtype=np.int32)]
        for first in range(0, n_rows, rows_at_once):
            rows = np.arange(first, min(first + rows_at_once, n_rows))[:, None]
            bits = random_bits(seed, number, rows // n_steps, rows % n_steps, neurons)
            spikes = bits.astype(np.uint64) < limit
            counts.append(spikes.sum(axis=1, dtype=np.int64))
            fired.append(np.nonzero(spikes)[1].astype(np.int32))
        starts[population.name] = np.cumsum(np.concatenate(counts))
        indices[population.name] = np.concatenate(fired)
    return SpikeInput(n_samples=n_samples, starts=starts, indices=indices)
