"""Live blocks: the 64-neuron blocks that a step must visit; all others are at rest.

A block at rest cannot change until an input reaches it. A population whose blocks are
mostly live is swept as a whole instead, which is faster and keeps no list.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import kernel
from ssdp_neuro.engine.kernels.tables import BLOCK, BLOCK_BITS, GENERAL

CENSUS_MASK = 63  # a swept population is counted every 64 steps


@kernel
def wake(block, first, step, state, n_live):
    """Put a block on its population's list; return the new length of the list."""
    state.touched[first + block] = step
    if state.live[first + block] == 0:
        state.live[first + block] = 1
        state.live_list[first + n_live] = block
        n_live += 1
    return n_live


@kernel
def wake_targets(fired, row_start, target, first, step, state, n_live):
    """Wake the blocks of every synapse of the sources that fired."""
    for k in range(fired.shape[0]):
        for s in range(row_start[fired[k]], row_start[fired[k] + 1]):
            n_live = wake(np.int64(target[s]) >> BLOCK_BITS, first, step, state, n_live)
    return n_live


@kernel
def wake_listed(blocks, first, step, state, n_live):
    """Wake every block of a list, which may name a block more than once."""
    for k in range(blocks.shape[0]):
        n_live = wake(blocks[k], first, step, state, n_live)
    return n_live


@kernel
def is_quiet(low, high, p, populations, state):
    """Whether neurons ``low..high - 1`` of population ``p`` can't change without input.

    That is ``u = 0``, no refractory step left, and a membrane potential that is 0, or
    that does not leak and is not above the threshold. (A bias keeps a population awake.)
    """
    offset = populations.offset[p]
    u, v = state.u[offset + low : offset + high], state.v[offset + low : offset + high]
    if populations.kind[p] != GENERAL:
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


@kernel
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
            if quiet and np.any(state.drive[start + low : start + high]):
                quiet = False
        if not quiet:
            state.live_list[first + n_live] = block
            n_live += 1
            if n_live * 4 > n_blocks:
                return
    state.live[first : first + n_blocks] = 0
    for k in range(n_live):
        block = state.live_list[first + k]
        state.live[first + block] = 1
        state.touched[first + block] = step
    state.n_live[p] = n_live
    state.sweep[p] = 0
