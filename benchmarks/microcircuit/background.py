"""The Poisson background: how many spikes reach each neuron in each step, as input spikes.

A neuron has four inputs whose weights are as 1, 2, 4 and 8; those fire that make its number.
"""

from __future__ import annotations

import functools
import math

import numba
import numpy as np

from benchmarks.microcircuit.integers import COUNT_BITS
from benchmarks.microcircuit.parameters import POPULATIONS, Scale
from ssdp_neuro.engine.spike_input import SpikeInput

RANDOM_BITS = 16


def background(scale: Scale, seed: int, block: int, n_steps: int) -> SpikeInput:
    """Spikes of a block of steps; its number and the seed alone say which."""
    starts, indices = {}, {}
    for number, name in enumerate(POPULATIONS):
        rng = np.random.default_rng([seed, 2, number, block])
        size = int(scale.sizes[number])
        raw = rng.bit_generator.random_raw(-(-n_steps * size * RANDOM_BITS // 64))
        words = raw.view(np.uint16)[: n_steps * size].reshape(n_steps, size)
        counts = counts_by_word(float(scale.background_events[number]))
        begin = np.zeros(n_steps + 1, dtype=np.int64)
        most = int(inputs_by_count()[1][counts].max())
        room = np.empty(most * words.size + COUNT_BITS, dtype=np.int32)
        n_spikes = list_inputs(words, counts, *inputs_by_count(), begin, room)
        starts[f"to {name}"], indices[f"to {name}"] = begin, room[:n_spikes]
    return SpikeInput(n_samples=None, starts=starts, indices=indices)


@functools.cache
def counts_by_word(mean: float) -> np.ndarray:
    """A Poisson number for each random word, uint8 ``(65536,)``: as often as its probability.

    At most 15; with a mean of 2.3 more come once in 10^9 times.
    """
    numbers = np.arange(1 << COUNT_BITS)
    logarithms = numbers * np.log(mean) - mean - [math.lgamma(n + 1) for n in numbers]
    ends = np.rint(np.cumsum(np.exp(logarithms)) * (1 << RANDOM_BITS))
    return np.searchsorted(ends[:-1], np.arange(1 << RANDOM_BITS), side="right").astype(np.uint8)


@functools.cache
def inputs_by_count() -> tuple[np.ndarray, np.ndarray]:
    """Inputs that fire for each number, first in their row, int32 ``(16, 4)``; and how many."""
    bits = np.arange(1 << COUNT_BITS)[:, None] >> np.arange(COUNT_BITS) & 1
    return np.argsort(1 - bits, axis=1, kind="stable").astype(np.int32), bits.sum(axis=1)


@numba.njit(nogil=True, cache=True)
def list_inputs(words, counts, inputs, n_inputs, starts, indices):  # type: ignore[no-untyped-def]
    """Inputs that fire, step by step; returns how many, and writes where steps begin.

    All four of a neuron are written, and as many kept as fire.
    """
    n = 0
    for step in range(words.shape[0]):
        for i in range(words.shape[1]):
            count = counts[words[step, i]]
            first = np.int32(i * COUNT_BITS)
            for k in range(COUNT_BITS):
                indices[n + k] = first + inputs[count, k]
            n += n_inputs[count]
        starts[step + 1] = n
    return n
