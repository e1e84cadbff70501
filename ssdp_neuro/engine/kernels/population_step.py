"""One step of one population: all of its neurons, or those of its live blocks."""

import numpy as np

from ssdp_neuro.engine.kernels.blocks import CENSUS_MASK, census, is_quiet
from ssdp_neuro.engine.kernels.compiler import part
from ssdp_neuro.engine.kernels.lif import (
    update_general,
    update_memoryless,
    update_uniform,
    update_wide,
)
from ssdp_neuro.engine.kernels.spike_list import SPARE, list_spikes
from ssdp_neuro.engine.kernels.tables import ASLEEP, BLOCK, BLOCK_BITS, UNIFORM, WIDE


@part
def update_run(low, high, p, slot, populations, state, probes):
    """One LIF step of neurons ``low..high - 1`` of population ``p``."""
    start = populations.offset[p] + low
    end = populations.offset[p] + high
    u, v, flags = state.u[start:end], state.v[start:end], state.flags[start:end]
    base = populations.drive_offset[p] + slot * populations.stride[p]
    drive = state.drive[base + low : base + high]
    if populations.kind[p] != UNIFORM:
        row_low, row_high = populations.row[p] + low, populations.row[p] + high
        wait = state.wait[row_low:row_high]
        keep_u = populations.each_keep_u[row_low:row_high]
        keep_v = populations.each_keep_v[row_low:row_high]
        biases = populations.each_bias[row_low:row_high]
        thresholds = populations.each_threshold[row_low:row_high]
        refractory, subtract = populations.refractory[p], populations.subtract[p]
        same = (u, v, wait, drive, flags, keep_u, keep_v, biases, thresholds)
        if populations.kind[p] == WIDE:
            update_wide(*same, refractory, subtract)
        else:
            update_general(*same, refractory, subtract)
        return
    keep_v = populations.keep_v[p]
    bias, threshold = populations.bias[p], populations.threshold[p]
    if populations.keep_u[p] == 0 and probes.population.shape[0] == 0:
        update_memoryless(v, drive, flags, keep_v, bias, threshold)
    else:
        update_uniform(u, v, drive, flags, populations.keep_u[p], keep_v, bias, threshold)


@part
def reset_population(p, populations, state):
    """The periodic reset of one population."""
    start, size = populations.offset[p], populations.size[p]
    state.u[start : start + size] = 0
    state.v[start : start + size] = 0
    if populations.kind[p] != UNIFORM:
        state.wait[populations.row[p] : populations.row[p] + size] = 0


@part
def update_population(p, step, populations, state, probes, tally):
    """One step of population ``p``: all neurons, or the live blocks; then list who fired."""
    size, offset = populations.size[p], populations.offset[p]
    stride = populations.stride[p]
    slot = step % populations.ring[p]
    if step < state.pending_until[p]:
        base = populations.drive_offset[p] + slot * stride
        start = populations.pending_row[p] + step % populations.reach[p] * stride
        for i in range(size):
            arriving = state.pending[start + i]
            state.drive[base + i] = np.int32(state.drive[base + i] + arriving)
            state.pending[start + i] = np.int32(0)
    interval = populations.interval[p]
    if interval and (step + 1) % interval == populations.phase[p]:
        reset_population(p, populations, state)
    fired = state.fired[state.first[p] : state.first[p] + size + SPARE]
    n_fired = 0
    if state.sweep[p]:
        update_run(0, size, p, slot, populations, state, probes)
        flags = state.flags[offset : offset + stride]
        n_fired = list_spikes(flags, 0, state.marked, fired, 0)
        tally.updates[p] += size
        may_sleep = not populations.awake[p] and step + 1 >= state.pending_until[p]
        if may_sleep and step & CENSUS_MASK == CENSUS_MASK:
            census(p, step, populations, state)
    else:
        first = offset >> BLOCK_BITS
        n_live = 0
        for k in range(state.n_live[p]):
            block = state.live_list[first + k]
            low, high = block * BLOCK, min(block * BLOCK + BLOCK, size)
            update_run(low, high, p, slot, populations, state, probes)
            flags = state.flags[offset + low : offset + low + BLOCK]
            n_fired = list_spikes(flags, low, state.marked, fired, n_fired)
            tally.updates[p] += high - low
            arrived = step >= state.touched[first + block] + populations.ring[p]
            if arrived and is_quiet(low, high, p, populations, state):
                state.live[first + block] = ASLEEP
            else:
                state.live_list[first + n_live] = block
                n_live += 1
        state.n_live[p] = n_live
    row = populations.order_row[p]
    if row >= 0:
        for k in range(n_fired):
            fired[k] = populations.order[row + fired[k]]
    state.n_fired[p] = n_fired
