"""Live blocks: the 64-neuron blocks that a step must visit; all others are at rest.

A block at rest cannot change until an input reaches it. A population whose blocks are
mostly live is swept as a whole instead, which is faster and keeps no list.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.table_view import section
from ssdp_neuro.engine.kernels.tables import ASLEEP, BLOCK, BLOCK_BITS, LIVE, UNIFORM

CENSUS_MASK = 63  # a swept population is counted every 64 steps


@part
def is_quiet(low, high, p, populations, state):
    """Whether neurons ``low..high - 1`` of population ``p`` can't change without input.

    That is ``u = 0``, no refractory step left, and a membrane potential that is 0, or
    that does not leak and is not above the threshold. (A bias keeps a population awake.)
    """
    offset = populations.offset[p]
    u = section(state.u, offset + low, offset + high)
    v = section(state.v, offset + low, offset + high)
    moving = np.int32(0)
    if populations.kind[p] == UNIFORM:
        keeps, threshold = populations.keep_v[p] == 1.0, populations.threshold[p]
        for i in range(u.shape[0]):
            restless = np.int32(v[i] > threshold)
            moving |= np.int32(u[i] | (restless if keeps else v[i]))
    else:
        row = populations.row[p] + low
        for i in range(u.shape[0]):
            restless = np.int32(v[i] > populations.each_threshold[row + i])
            keeps = populations.each_keep_v[row + i] == 1.0
            moving |= np.int32(u[i] | state.wait[row + i] | (restless if keeps else v[i]))
    return moving == 0


@part
def has_input(low, high, p, populations, state):
    """Whether something is on its way to neurons ``low..high - 1`` of population ``p``."""
    coming = np.int32(0)
    for slot in range(populations.ring[p]):
        start = populations.drive_offset[p] + slot * populations.stride[p]
        for i in range(start + low, start + high):
            coming |= state.drive[i]
    return coming != 0


@part
def census(p, step, populations, state):
    """Go from sweeping to a list of live blocks if less than a quarter of them is live."""
    size = populations.size[p]
    first = populations.offset[p] >> BLOCK_BITS
    n_blocks = populations.stride[p] >> BLOCK_BITS
    n_live = 0
    block = 0
    while block < n_blocks and n_live * 4 <= n_blocks:
        low, high = block * BLOCK, min(block * BLOCK + BLOCK, size)
        quiet = is_quiet(low, high, p, populations, state)
        if not quiet or has_input(low, high, p, populations, state):
            state.live_list[first + n_live] = block
            n_live += 1
        block += 1
    if n_live * 4 > n_blocks:
        return
    for block in range(n_blocks):
        state.live[first + block] = ASLEEP
    for k in range(n_live):
        block = state.live_list[first + k]
        state.live[first + block] = LIVE
        state.touched[first + block] = step
    state.n_live[p] = n_live
    state.sweep[p] = 0
