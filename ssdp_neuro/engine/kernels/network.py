"""A network over many steps and samples in one call: events in, events out."""

import numpy as np

from ssdp_neuro.engine.kernels.blocks import CENSUS_MASK, census, is_quiet
from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.delivery import (
    deliver_conv,
    deliver_delayed,
    deliver_dense8,
    deliver_dense16,
    deliver_packed,
    deliver_sparse,
    settle_conv,
    settle_dense,
    settle_sparse,
    wake_sparse,
)
from ssdp_neuro.engine.kernels.lif import update_general, update_uniform
from ssdp_neuro.engine.kernels.raster import list_set
from ssdp_neuro.engine.kernels.tables import (
    ASLEEP,
    BLOCK,
    BLOCK_BITS,
    CONV,
    DENSE8,
    DENSE16,
    GENERAL,
    INPUT,
    PACKED,
    SPARSE,
    WEIGHT_BITS,
)


@part
def clear_run(low, high, p, populations, state):
    """Neurons ``low..high - 1`` of population ``p`` at rest, nothing on its way to them."""
    offset = populations.offset[p]
    state.u[offset + low : offset + high] = 0
    state.v[offset + low : offset + high] = 0
    if populations.kind[p] == GENERAL:
        row = populations.row[p]
        state.wait[row + low : row + high] = 0
    for slot in range(populations.ring[p]):
        base = populations.drive_offset[p] + slot * populations.stride[p]
        state.drive[base + low : base + high] = 0


@part
def clear(populations, state):
    """A fresh sample; visits only what the last one can have changed."""
    for p in range(populations.kind.shape[0]):
        size = populations.size[p]
        first = populations.offset[p] >> BLOCK_BITS
        n_blocks = populations.stride[p] >> BLOCK_BITS
        if state.swept[p]:
            clear_run(0, size, p, populations, state)
            state.live[first : first + n_blocks] = 0
        else:
            for k in range(state.n_known[p]):
                block = state.known_list[first + k]
                low, high = block * BLOCK, min(block * BLOCK + BLOCK, size)
                clear_run(low, high, p, populations, state)
                state.live[first + block] = 0
        state.n_live[p] = 0
        state.n_known[p] = 0
        state.sweep[p] = populations.awake[p]
        state.swept[p] = populations.awake[p] and populations.kind[p] != INPUT


@part
def most_spikes(sample, step, n_steps, populations, inputs, state):
    """A bound on the spikes of this step."""
    total = 0
    for p in range(populations.kind.shape[0]):
        if populations.kind[p] == INPUT:
            at = inputs.base[p] + sample * n_steps + step
            total += inputs.starts[at + 1] - inputs.starts[at]
        elif state.sweep[p]:
            total += populations.size[p]
        else:
            total += state.n_live[p] * BLOCK
    return total


@part
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


@part
def reset_population(p, populations, state):
    """The periodic reset of one population."""
    start, size = populations.offset[p], populations.size[p]
    state.u[start : start + size] = 0
    state.v[start : start + size] = 0
    if populations.kind[p] == GENERAL:
        state.wait[populations.row[p] : populations.row[p] + size] = 0


@part
def update_population(p, step, populations, state, tally):
    """One step of population ``p``: all neurons, or the live blocks; then list who fired."""
    size, offset = populations.size[p], populations.offset[p]
    slot = step % populations.ring[p]
    interval = populations.interval[p]
    if interval and (step + 1) % interval == populations.phase[p]:
        reset_population(p, populations, state)
    fired = state.fired[state.first[p] : state.first[p] + size + 1]
    n_fired = 0
    if state.sweep[p]:
        update_run(0, size, p, slot, populations, state)
        flags = state.flags[offset : offset + size]
        words = state.flag_words[offset >> 3 : (offset + size) >> 3]
        n_fired = list_set(flags, words, 0, state.marked, fired, 0)
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
            words = state.flag_words[(offset + low) >> 3 : (offset + high) >> 3]
            n_fired = list_set(flags, words, low, state.marked, fired, n_fired)
            tally.updates[p] += high - low
            arrived = step >= state.touched[first + block] + populations.ring[p]
            if arrived and is_quiet(low, high, p, populations, state):
                state.live[first + block] = ASLEEP
            else:
                state.live_list[first + n_live] = block
                n_live += 1
        state.n_live[p] = n_live
    state.n_fired[p] = n_fired


@part
def deliver(q, step, fired, populations, projections, synapses, state):
    """Deliver the spikes of projection ``q``'s source; return the number of operations.

    ``fired`` has three spare entries at its end.
    """
    kind, target, base = projections.kind[q], projections.target[q], projections.base[q]
    size, stride = populations.size[target], populations.stride[target]
    ring = populations.ring[target]
    shift, floor = projections.shift[q], projections.floor[q]
    drive_offset = populations.drive_offset[target]
    slots = state.drive[drive_offset : drive_offset + ring * stride]
    slot = (step + 1) % ring
    drive = slots[slot * stride : slot * stride + size]
    sums = state.sum32[slot * stride : slot * stride + size] if floor else drive
    spikes = fired[: fired.shape[0] - 3]
    if kind == DENSE8:
        row_sums = state.sum16[: projections.row[q]]
        zero_row = projections.rows[q]
        done = deliver_dense8(fired, synapses.dense8, base, zero_row, row_sums, sums, shift)
        if floor:
            settle_dense(sums, drive, floor)
    elif kind == DENSE16:
        row = projections.row[q]
        done = deliver_dense16(spikes, synapses.dense16, base, row, sums, shift)
        if floor:
            settle_dense(sums, drive, floor)
    elif kind == CONV:
        geometry = projections.geometry[q]
        done = deliver_conv(spikes, synapses.conv, base, geometry, sums, shift)
        if floor:
            settle_conv(
                spikes,
                geometry,
                sums,
                drive,
                floor,
                False,
                step,
                state.touched,
                state.live,
                state.live_list,
                0,
                state.known_list,
                0,
            )
    elif kind == PACKED:
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        done = deliver_packed(spikes, row_start, synapses.packed, sums, shift)
    else:
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        targets, weights, delay = synapses.target, synapses.weight, synapses.delay
        delayed = projections.delayed[q]
        if delayed:
            all_sums = state.sum32[: ring * stride] if floor else slots
            done = deliver_delayed(
                spikes, row_start, targets, weights, delay, all_sums, ring, slot, shift
            )
        else:
            done = deliver_sparse(spikes, row_start, targets, weights, sums, shift)
        if floor:
            settle_sparse(
                spikes, row_start, targets, delay, delayed, state.sum32, slots, ring, slot, floor
            )
    return done


@part
def wake_reached(q, step, spikes, populations, projections, synapses, state):
    """Wake what projection ``q`` reached, or sweep its target if that is most of it."""
    kind, target, base = projections.kind[q], projections.target[q], projections.base[q]
    first = populations.offset[target] >> BLOCK_BITS
    n_blocks = populations.stride[target] >> BLOCK_BITS
    touched = state.touched[first : first + n_blocks]
    live = state.live[first : first + n_blocks]
    live_list = state.live_list[first : first + n_blocks]
    known_list = state.known_list[first : first + n_blocks]
    n_live = state.n_live[target]
    n_known = state.n_known[target]
    if kind in (SPARSE, PACKED):
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        targets = synapses.target if kind == SPARSE else synapses.packed
        shift = BLOCK_BITS if kind == SPARSE else BLOCK_BITS + WEIGHT_BITS
        n_live, n_known = wake_sparse(
            spikes,
            row_start,
            targets,
            shift,
            step,
            touched,
            live,
            live_list,
            n_live,
            known_list,
            n_known,
        )
    elif kind == CONV:
        n_live, n_known = settle_conv(
            spikes,
            projections.geometry[q],
            state.drive,
            state.drive,
            np.int32(0),
            True,
            step,
            touched,
            live,
            live_list,
            n_live,
            known_list,
            n_known,
        )
    else:
        n_live = n_blocks
    state.n_live[target] = n_live
    state.n_known[target] = n_known
    if n_live * 2 > n_blocks:
        state.sweep[target] = 1
        state.swept[target] = 1


@part
def record(p, step, n_steps, sample, populations, state, probes):
    """Copy what the probes of population ``p`` ask for."""
    size, offset = populations.size[p], populations.offset[p]
    for k in range(probes.population.shape[0]):
        if probes.population[k] == p:
            values = state.v if probes.voltage[k] else state.u
            start = probes.base[k] + (sample * n_steps + step) * size
            for i in range(size):
                probes.values[start + i] = values[offset + i]


@lean_kernel
def run_network(
    cursor, window, populations, projections, synapses, state, inputs, probes, counts, out, tally
):
    """Run samples up to ``window[1]`` over steps ``window[2]..window[3] - 1``.

    Parameters
    ----------
    cursor : int64 (4,)
        Where to go on: sample, step, and entries of ``out`` in use; kept up to date. Then
        the entries that the next step may need.
    window : int64 (5,)
        First and last sample (exclusive), first and last step (exclusive) of this call,
        and the steps of a whole sample. A sample that begins at step 0 begins afresh.
    counts : int32 (n_samples, n_steps, P)
        Spikes by sample, step and population of the window; filled.
    out : int32
        Neurons that fired, in the order of ``counts``; unsorted within a step for a
        population that keeps a list of live blocks.

    Returns
    -------
    Whether the window is done; if not, ``out`` is full and a new one is needed.
    """
    n_populations = populations.kind.shape[0]
    n_out = cursor[2]
    while cursor[0] < window[1]:
        sample = cursor[0]
        if cursor[1] == 0:
            clear(populations, state)
        while cursor[1] < window[3]:
            step = cursor[1]
            room = most_spikes(sample, step, window[4], populations, inputs, state)
            if n_out + room > out.shape[0]:
                cursor[2] = n_out
                cursor[3] = room
                return False
            for p in range(n_populations):
                first = state.first[p]
                if populations.kind[p] == INPUT:
                    at = inputs.base[p] + sample * window[4] + step
                    low, high = inputs.starts[at], inputs.starts[at + 1]
                    for k in range(high - low):
                        state.fired[first + k] = inputs.indices[low + k]
                    state.n_fired[p] = high - low
                else:
                    update_population(p, step, populations, state, tally)
                    record(p, step, window[4], sample, populations, state, probes)
                n_fired = state.n_fired[p]
                counts[sample - window[0], step - window[2], p] = n_fired
                for k in range(n_fired):
                    out[n_out + k] = np.int32(state.fired[first + k])
                n_out += n_fired
            for q in range(projections.kind.shape[0]):
                source = projections.source[q]
                n_fired = state.n_fired[source]
                if n_fired == 0:
                    continue
                first = state.first[source]
                fired = state.fired[first : first + n_fired + 3]
                tally.operations[q] += deliver(
                    q, step, fired, populations, projections, synapses, state
                )
                if not state.sweep[projections.target[q]]:
                    spikes = state.fired[first : first + n_fired]
                    wake_reached(q, step, spikes, populations, projections, synapses, state)
            cursor[1] += 1
        cursor[0] += 1
        cursor[1] = window[2]
    cursor[2] = n_out
    return True
