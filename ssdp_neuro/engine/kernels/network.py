"""A network over many steps and samples in one call: events in, events out."""

import numpy as np

from ssdp_neuro.engine.kernels.blocks import (
    CENSUS_MASK,
    census,
    is_quiet,
    wake_listed,
    wake_targets,
)
from ssdp_neuro.engine.kernels.compiler import kernel
from ssdp_neuro.engine.kernels.delivery import (
    ADD,
    LIST,
    SETTLE,
    deliver_delayed,
    deliver_dense8,
    deliver_dense16,
    deliver_sparse,
    settle_dense,
    settle_sparse,
    visit_conv,
)
from ssdp_neuro.engine.kernels.lif import list_fired, update_general, update_uniform
from ssdp_neuro.engine.kernels.tables import (
    BLOCK,
    BLOCK_BITS,
    CONV,
    DENSE8,
    DENSE16,
    GENERAL,
    INPUT,
    SPARSE,
)


@kernel
def clear(populations, state):
    """State of a fresh sample."""
    state.u[:] = 0
    state.v[:] = 0
    state.wait[:] = 0
    state.drive[:] = 0
    state.live[:] = 0
    state.n_live[:] = 0
    state.sweep[:] = populations.awake


@kernel
def update_run(low, high, p, slot, populations, state):
    """One LIF step of neurons ``low..high - 1`` of population ``p``."""
    start = populations.offset[p] + low
    end = populations.offset[p] + high
    u, v, flags = state.u[start:end], state.v[start:end], state.flags[start:end]
    base = populations.drive_offset[p] + slot * populations.stride[p]
    drive = state.drive[base + low : base + high]
    if populations.kind[p] == GENERAL:
        row_low, row_high = populations.row[p] + low, populations.row[p] + high
        update_general(
            u,
            v,
            state.wait[row_low:row_high],
            drive,
            flags,
            populations.each_keep_u[row_low:row_high],
            populations.each_keep_v[row_low:row_high],
            populations.each_bias[row_low:row_high],
            populations.each_threshold[row_low:row_high],
            populations.refractory[p],
            populations.subtract[p],
        )
    else:
        update_uniform(
            u,
            v,
            drive,
            flags,
            populations.keep_u[p],
            populations.keep_v[p],
            populations.bias[p],
            populations.threshold[p],
        )


@kernel
def reset_population(p, populations, state):
    """The periodic reset of one population."""
    start, size = populations.offset[p], populations.size[p]
    state.u[start : start + size] = 0
    state.v[start : start + size] = 0
    if populations.kind[p] == GENERAL:
        state.wait[populations.row[p] : populations.row[p] + size] = 0


@kernel
def update_population(p, step, populations, state, tally):
    """One step of population ``p``: all neurons, or the live blocks; then list who fired."""
    size, offset = populations.size[p], populations.offset[p]
    slot = step % populations.ring[p]
    interval = populations.interval[p]
    if interval and (step + 1) % interval == populations.phase[p]:
        reset_population(p, populations, state)
    words = state.flags.view(np.uint64)
    fired = state.fired[state.first[p] : state.first[p] + size]
    n_fired = 0
    if state.sweep[p]:
        update_run(0, size, p, slot, populations, state)
        flags = state.flags[offset : offset + size]
        n_fired = list_fired(flags, words[offset >> 3 : (offset + size) >> 3], 0, fired, 0)
        tally.updates[p] += size
        if not populations.awake[p] and step & CENSUS_MASK == CENSUS_MASK:
            census(p, step, populations, state)
    else:
        first = offset >> BLOCK_BITS
        n_live = 0
        for k in range(state.n_live[p]):
            block = state.live_list[first + k]
            low, high = block * BLOCK, min(block * BLOCK + BLOCK, size)
            update_run(low, high, p, slot, populations, state)
            flags = state.flags[offset + low : offset + high]
            own = words[(offset + low) >> 3 : (offset + high) >> 3]
            n_fired = list_fired(flags, own, low, fired, n_fired)
            tally.updates[p] += high - low
            arrived = step >= state.touched[first + block] + populations.ring[p]
            if arrived and is_quiet(low, high, p, populations, state):
                state.live[first + block] = 0
            else:
                state.live_list[first + n_live] = block
                n_live += 1
        state.n_live[p] = n_live
    state.n_fired[p] = n_fired


@kernel
def deliver(q, step, fired, populations, projections, synapses, state):
    """Deliver the spikes of projection ``q``'s source; return the number of operations."""
    kind, target = projections.kind[q], projections.target[q]
    size, stride, ring = (
        populations.size[target],
        populations.stride[target],
        populations.ring[target],
    )
    shift, floor, base = projections.shift[q], projections.floor[q], projections.base[q]
    row = projections.row[q]
    slots = state.drive[populations.drive_offset[target] :][: ring * stride]
    slot = (step + 1) % ring
    drive = slots[slot * stride : slot * stride + size]
    sums = state.sum32[:size] if floor else drive
    spikes = fired[: fired.shape[0] - 3]
    if kind == DENSE8:
        done = deliver_dense8(
            fired, synapses.dense8, base, row, projections.rows[q], state.sum16, sums, shift
        )
    elif kind == DENSE16:
        done = deliver_dense16(spikes, synapses.dense16, base, row, sums, shift)
    elif kind == CONV:
        geometry = projections.geometry[q]
        weights = synapses.conv
        none = state.live_list[:0]
        done = visit_conv(ADD, spikes, weights, base, geometry, sums, drive, shift, floor, none)
        if floor:
            visit_conv(SETTLE, spikes, weights, base, geometry, sums, drive, shift, floor, none)
    else:
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        targets, weights, delay = synapses.target, synapses.weight, synapses.delay
        delayed = projections.delayed[q]
        if delayed:
            sums = state.sum32[: ring * stride] if floor else slots
            done = deliver_delayed(
                spikes, row_start, targets, weights, delay, sums, ring, slot, shift
            )
        else:
            if floor:
                sums = state.sum32[slot * stride : slot * stride + size]
            done = deliver_sparse(spikes, row_start, targets, weights, sums, shift)
        if floor:
            settle_sparse(
                spikes, row_start, targets, delay, delayed, state.sum32, slots, ring, slot, floor
            )
    if floor and kind in (DENSE8, DENSE16):
        settle_dense(sums, drive, floor)
    return done


@kernel
def wake_reached(q, step, fired, done, populations, projections, synapses, state):
    """Wake what projection ``q`` reached, or sweep its target if that is most of it."""
    kind, target = projections.kind[q], projections.target[q]
    first = populations.offset[target] >> BLOCK_BITS
    n_blocks = populations.stride[target] >> BLOCK_BITS
    spikes = fired[: fired.shape[0] - 3]
    n_live = state.n_live[target]
    base = projections.base[q]
    if kind == SPARSE:
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        n_live = wake_targets(spikes, row_start, synapses.target, first, step, state, n_live)
    elif kind == CONV:
        blocks = np.empty(done, np.int64)
        visit_conv(
            LIST,
            spikes,
            synapses.conv,
            base,
            projections.geometry[q],
            state.sum32,
            state.sum32,
            np.int32(0),
            np.int32(0),
            blocks,
        )
        n_live = wake_listed(blocks, first, step, state, n_live)
    else:
        n_live = n_blocks
    state.n_live[target] = n_live
    if n_live * 2 > n_blocks:
        state.sweep[target] = 1


@kernel
def record(p, step, n_steps, sample, populations, state, probes):
    """Copy what the probes of population ``p`` ask for."""
    size, offset = populations.size[p], populations.offset[p]
    for k in range(probes.population.shape[0]):
        if probes.population[k] == p:
            values = state.v if probes.voltage[k] else state.u
            start = probes.base[k] + (sample * n_steps + step) * size
            probes.values[start : start + size] = values[offset : offset + size]


@kernel
def run_network(window, populations, projections, synapses, state, inputs, probes, counts, tally):
    """Run samples ``window[0]..window[1] - 1`` over steps ``window[2]..window[3] - 1``.

    ``window[4]`` is the number of steps of a whole sample. A window that begins at step 0
    starts each sample afresh; a later one goes on with the one sample in ``state``.

    Mutates ``state``, ``probes.values``, ``tally`` and ``counts``: int32
    ``(n_samples, n_steps, P)`` of the window, spikes by sample, step and population.

    Returns
    -------
    int32 array of the neurons that fired, in the order of ``counts``; unsorted within a
    step for a population that keeps a list of live blocks.
    """
    n_steps = window[4]
    n_populations = populations.kind.shape[0]
    out = np.empty(4096, np.int32)
    n_out = 0
    for sample in range(window[0], window[1]):
        if window[2] == 0 and state.dirty[0]:
            clear(populations, state)
        state.dirty[0] = 1
        for step in range(window[2], window[3]):
            for p in range(n_populations):
                first = state.first[p]
                if populations.kind[p] == INPUT:
                    at = inputs.base[p] + sample * n_steps + step
                    low, high = inputs.starts[at], inputs.starts[at + 1]
                    for k in range(high - low):
                        state.fired[first + k] = inputs.indices[low + k]
                    state.n_fired[p] = high - low
                else:
                    update_population(p, step, populations, state, tally)
                    record(p, step, n_steps, sample, populations, state, probes)
                n_fired = state.n_fired[p]
                counts[sample - window[0], step - window[2], p] = n_fired
                if n_out + n_fired > out.shape[0]:
                    longer = np.empty(2 * (n_out + n_fired), np.int32)
                    longer[:n_out] = out[:n_out]
                    out = longer
                for k in range(n_fired):
                    out[n_out + k] = state.fired[first + k]
                n_out += n_fired
            for q in range(projections.kind.shape[0]):
                source = projections.source[q]
                n_fired = state.n_fired[source]
                if n_fired == 0:
                    continue
                first = state.first[source]
                fired = state.fired[first : first + n_fired + 3]
                done = deliver(q, step, fired, populations, projections, synapses, state)
                tally.operations[q] += done
                if not state.sweep[projections.target[q]]:
                    wake_reached(q, step, fired, done, populations, projections, synapses, state)
    return out[:n_out]
