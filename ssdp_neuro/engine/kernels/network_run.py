"""A network over many steps and samples in one call: events in, events out."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.population_step import update_population
from ssdp_neuro.engine.kernels.projection_step import deliver, wake_reached
from ssdp_neuro.engine.kernels.rounding import TO_NEAREST, TOWARD_ZERO, set_rounding
from ssdp_neuro.engine.kernels.tables import BLOCK, BLOCK_BITS, INPUT, UNIFORM
from ssdp_neuro.engine.kernels.vector_width import wide_vectors


@part
def clear_run(low, high, p, populations, state):
    """Neurons ``low..high - 1`` of population ``p`` at rest, nothing on its way to them."""
    offset = populations.offset[p]
    state.u[offset + low : offset + high] = 0
    state.v[offset + low : offset + high] = 0
    if populations.kind[p] != UNIFORM:
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
        for slot in range(populations.depth[p]):
            state.n_past[populations.past_count_row[p] + slot] = 0
        if state.pending_until[p] > 0:
            start = populations.pending_row[p]
            state.pending[start : start + populations.reach[p] * populations.stride[p]] = 0
            state.pending_until[p] = 0
        state.n_live[p] = 0
        state.n_known[p] = 0
        state.sweep[p] = populations.awake[p]
        state.swept[p] = populations.awake[p] and populations.kind[p] != INPUT
        if populations.begins[p]:
            start, row = populations.offset[p], populations.begin_row[p]
            for i in range(size):
                state.u[start + i] = populations.begin_u[row + i]
                state.v[start + i] = populations.begin_v[row + i]
            state.sweep[p] = 1
            state.swept[p] = 1


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
def record(p, step, n_steps, sample, populations, state, probes):
    """Copy what the probes of population ``p`` ask for."""
    size, offset = populations.size[p], populations.offset[p]
    for k in range(probes.population.shape[0]):
        if probes.population[k] == p:
            values = state.v if probes.voltage[k] else state.u
            start = probes.base[k] + (sample * n_steps + step) * size
            row = populations.order_row[p]
            for i in range(size):
                place = i if row < 0 else populations.order[row + i]
                probes.values[start + place] = values[offset + i]


@part
def remember(p, step, populations, state):
    """Keep the list of who fired in population ``p`` for projections with delays."""
    depth = populations.depth[p]
    if depth > 0:
        slot = step % depth
        first, n_fired = state.first[p], state.n_fired[p]
        start = populations.past_row[p] + slot * (populations.size[p] + 3)
        state.n_past[populations.past_count_row[p] + slot] = n_fired
        for k in range(n_fired):
            state.past[start + k] = state.fired[first + k]


@part
def note_latencies(p, step, state, latencies):
    """Codes, counts and first steps of who fired in population ``p``."""
    first = state.first[p]
    for k in range(latencies.coded.shape[0]):
        if latencies.coded[k] == p:
            base, silent = latencies.code_base[k], latencies.silent[k]
            code = np.uint8(step >> latencies.shift[k])
            for i in range(state.n_fired[p]):
                place = base + state.fired[first + i]
                if latencies.codes[place] == silent:
                    latencies.codes[place] = code
    for k in range(latencies.counted.shape[0]):
        if latencies.counted[k] == p:
            base = latencies.count_base[k]
            for i in range(state.n_fired[p]):
                place = base + state.fired[first + i]
                if latencies.counts[place] == 0:
                    latencies.first[place] = step
                latencies.counts[place] += 1


@lean_kernel
def run_network(
    cursor,
    window,
    populations,
    projections,
    synapses,
    state,
    inputs,
    probes,
    latencies,
    counts,
    out,
    tally,
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
        Spikes by sample, step and population of the window; filled. Without an entry,
        no spike is kept, and ``out`` may be empty, too.
    out : int32
        Neurons that fired, in the order of ``counts``; unsorted within a step for a
        population that keeps a list of live blocks.

    Returns
    -------
    Whether the window is done; if not, ``out`` is full and a new one is needed.
    """
    wide_vectors()
    n_populations = populations.kind.shape[0]
    n_out = cursor[2]
    keeps_spikes = counts.shape[0] > 0
    set_rounding(TOWARD_ZERO)
    while cursor[0] < window[1]:
        sample = cursor[0]
        if cursor[1] == 0:
            clear(populations, state)
        while cursor[1] < window[3]:
            step = cursor[1]
            room = most_spikes(sample, step, window[4], populations, inputs, state)
            if keeps_spikes and n_out + room > out.shape[0]:
                cursor[2] = n_out
                cursor[3] = room
                set_rounding(TO_NEAREST)
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
                    update_population(p, step, populations, state, probes, tally)
                    record(p, step, window[4], sample, populations, state, probes)
                remember(p, step, populations, state)
                note_latencies(p, step, state, latencies)
                if keeps_spikes:
                    n_fired = state.n_fired[p]
                    counts[sample - window[0], step - window[2], p] = n_fired
                    for k in range(n_fired):
                        out[n_out + k] = np.int32(state.fired[first + k])
                    n_out += n_fired
            for q in range(projections.kind.shape[0]):
                source, lag, counted = (
                    projections.source[q],
                    projections.lag[q],
                    projections.counted[q],
                )
                n_fired, first = state.n_fired[source], state.first[source]
                if counted >= 0:
                    for k in range(n_fired):
                        place = counted + state.fired[first + k]
                        tally.operations[projections.owner[q]] += synapses.fan_out[place]
                lists = state.fired
                if lag >= 0:
                    slot = (step - lag) % populations.depth[source]
                    n_fired = state.n_past[populations.past_count_row[source] + slot]
                    first = populations.past_row[source] + slot * (populations.size[source] + 3)
                    lists = state.past
                if n_fired == 0:
                    continue
                fired = lists[first : first + n_fired + 3]
                done = deliver(q, step, fired, populations, projections, synapses, state)
                if lag < 0:
                    tally.operations[projections.owner[q]] += done
                if not state.sweep[projections.target[q]]:
                    spikes = lists[first : first + n_fired]
                    wake_reached(q, step, spikes, populations, projections, synapses, state)
            cursor[1] += 1
        cursor[0] += 1
        cursor[1] = window[2]
    cursor[2] = n_out
    set_rounding(TO_NEAREST)
    return True
