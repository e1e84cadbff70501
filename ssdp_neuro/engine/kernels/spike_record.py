"""Who fired in a step, as it is written down: a list of neurons, or bits where those are shorter.

Up to ``most_listed`` spikes of a population are a list of its neurons; more are a bit for every
place where a neuron is kept, two words of 32 bits a block. So their number says what they are.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.population_step import list_of, name_of
from ssdp_neuro.engine.kernels.spike_list import PLACES, append, block_bits
from ssdp_neuro.engine.kernels.table_view import section
from ssdp_neuro.engine.kernels.tables import BLOCK, BLOCK_BITS, INPUT

HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)


@part
def copy_spikes(fired, out):
    """Both begin at 0: a sum as index, which might be negative, costs three times as much."""
    for k in range(fired.shape[0]):
        out[k] = np.int32(fired[k])


@part
def write_spikes(p, n_out, tables):
    """Write down who fired in population ``p``, from entry ``n_out`` on; return the next entry."""
    populations, state, window = tables.populations, tables.state, tables.window
    n_fired, n_words = state.n_fired[p], window.most_listed[p]
    first, offset = state.first[p], populations.offset[p]
    if n_fired <= n_words:
        out = section(window.fired, n_out, n_out + n_fired)
        copy_spikes(section(state.fired, first, first + n_fired), out)
        return n_out + n_fired
    out = section(window.fired, n_out, n_out + n_words)
    if state.sweep[p] and populations.kind[p] != INPUT:
        flags = section(state.flags, offset, offset + populations.stride[p])
        for block in range(n_words >> 1):
            bits = block_bits(flags, block << BLOCK_BITS)
            out[2 * block] = np.int32(bits & LOW_HALF)
            out[2 * block + 1] = np.int32(bits >> HALF)
        return n_out + n_words
    for word in range(n_words):  # flags of blocks at rest are those of an earlier step
        out[word] = np.int32(0)
    places = list_of(p, populations, state)
    for k in range(n_fired):
        place = places[k]
        out[place >> 5] |= np.int32(np.uint32(1) << np.uint32(place & 31))
    return n_out + n_words


@part
def spikes_at(p, at, n_fired, reading):
    """The neurons of one entry of what was written down, which begins at ``at``."""
    n_words, channels = reading.most_listed[p], reading.shape[5]
    if n_fired <= n_words:
        return section(reading.fired, at, at + n_fired)
    crowd = reading.crowd
    n = np.int64(0)
    for block in range(n_words >> 1):
        low = np.uint64(np.uint32(reading.fired[at + 2 * block]))
        high = np.uint64(np.uint32(reading.fired[at + 2 * block + 1]))
        bits = low | high << HALF
        if bits != 0:
            n = append(bits, block * BLOCK, PLACES, crowd, n)
    if channels > 0:
        plane = reading.shape[3] // channels
        for k in range(n):
            crowd[k] = np.int32(name_of(crowd[k], channels, plane, 1.0 / channels))
    return section(crowd, 0, n)
