"""Live blocks: the 64-neuron blocks that a step must visit; all others are at rest.

A block at rest cannot change until an input reaches it. A population whose blocks are
mostly live is swept as a whole instead, which is faster and keeps no list.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import part
from ssdp_neuro.engine.kernels.tables import ASLEEP, BLOCK, BLOCK_BITS, LIVE, UNIFORM

CENSUS_MASK = 63  # a swept population is counted every 64 steps


@part
def is_quiet(low, high, p, populations, state):
    """Whether neurons ``low..high - 1`` of population ``p`` can't change without input.

    That is ``u = 0``, no refractory step left, and a membrane potential that is 0, or
    that does not leak and is not above the threshold. (A bias keeps a population awake.)
    """
    offset = populations.offset[p]
    u, v = state.u[offset + low : offset + high], state.v[offset + low : offset + high]
    if populations.kind[p] == UNIFORM:
        keeps, threshold = populations.keep_v[p] == 1.0, populations.threshold[p]
        moving = np.int32(0)
        for i in range(u.shape[0]):
            restless = np.int32(1) if v[i] > threshold else np.int32(0)
            moving |= np.int32(u[i] | (restless if keeps else v[i]))
        return moving == 0
    row = populations.row[p]
    for i in range(u.shape[0]):
        place = row + low + i
        keeps, threshold = populations.each_keep_v[place] == 1.0, populations.each_threshold[place]
        if u[i] != 0 or state.wait[place] != 0 or (v[i] > threshold if keeps else v[i] != 0):
            return False
    return True


@part
def census(p, step, populations, state):
    """Go from sweeping to a list of live blocks if less than a quarter of them is live."""
    size, ring = populations.size[p], populations.ring[p]
    stride, base = populations.stride[p], populations.drive_offset[p]
    first = populations.offset[p] >> BLOCK_BITS
    n_blocks = stride >> BLOCK_BITS
    n_live = 0
    for block in range(n_blocks):
        low, high = block * BLOCK, min(block * BLOCK + BLOCK, size)
        quiet = is_quiet(low, high, p, populations, state)
        for slot in range(ring):
            start = base + slot * stride
            for i in range(low, high):
                quiet = quiet and state.drive[start + i] == 0
        if not quiet:
            state.live_list[first + n_live] = block
            n_live += 1
            if n_live * 4 > n_blocks:
                return
    state.live[first : first + n_blocks] = ASLEEP
    for k in range(n_live):
        block = state.live_list[first + k]
        state.live[first + block] = LIVE
        state.touched[first + block] = step
    state.n_live[p] = n_live
    state.sweep[p] = 0
