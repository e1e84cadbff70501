"""Waking: put the blocks that input is on its way to on the list of live ones.

A step kernel for each kind of projection, as for delivery.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.convolution import run_met, runs_of, source_of
from ssdp_neuro.engine.kernels.projection_step import geometry_of, spikes_of, starts_of, words_of
from ssdp_neuro.engine.kernels.table_view import open_tables
from ssdp_neuro.engine.kernels.tables import (
    ASLEEP,
    BLOCK_BITS,
    LIVE,
    NO_SYNAPSE,
    PLACES,
    WEIGHT_BITS,
)

PLACE_MASK = np.uint32(PLACES - 1)


@part
def wake(block, target, first, step, state):
    """Put a block of population ``target``, whose blocks begin at ``first``, on its list."""
    place = first + block
    state.touched[place] = step
    if state.live[place] != LIVE:
        if state.live[place] != ASLEEP:
            state.known_list[first + state.n_known[target]] = block
            state.n_known[target] += 1
        state.live[place] = LIVE
        state.live_list[first + state.n_live[target]] = block
        state.n_live[target] += 1


@part
def sweep_if_many(target, populations, state):
    """Sweep a population as a whole once most of its blocks are live."""
    if state.n_live[target] * 2 > populations.stride[target] >> BLOCK_BITS:
        state.sweep[target] = 1
        state.swept[target] = 1


@part
def wake_listed(q, step, words, shift, tables):
    """Wake the block ``words[s] >> shift`` of every synapse of the sources that fired."""
    projections, populations, state = tables.projections, tables.populations, tables.state
    target = projections.target[q]
    first = populations.offset[target] >> BLOCK_BITS
    spikes = spikes_of(q, step, 0, tables)
    row_start = starts_of(q, projections, tables.synapses)
    for k in range(spikes.shape[0]):
        for s in range(row_start[spikes[k]], row_start[spikes[k] + 1]):
            wake(np.int64(words[s]) >> shift, target, first, step, state)
    sweep_if_many(target, populations, state)


@step_kernel
def wake_list(q, step, low, high, handle):
    """Wake what listed synapses reached."""
    tables = open_tables(handle)
    wake_listed(q, step, tables.synapses.target, BLOCK_BITS, tables)
    return 0


@step_kernel
def wake_packed_list(q, step, low, high, handle):
    """Wake what packed synapses reached."""
    tables = open_tables(handle)
    wake_listed(q, step, tables.synapses.packed, BLOCK_BITS + WEIGHT_BITS, tables)
    return 0


@step_kernel
def wake_single_list(q, step, low, high, handle):
    """Wake what a projection of kind SINGLE reached."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target = projections.target[q]
    first = populations.offset[target] >> BLOCK_BITS
    spikes = spikes_of(q, step, 0, tables)
    words = words_of(q, projections, tables.synapses)
    for k in range(spikes.shape[0]):
        word = words[spikes[k]]
        if word != NO_SYNAPSE:
            wake(np.int64(word) >> (BLOCK_BITS + WEIGHT_BITS), target, first, step, state)
    sweep_if_many(target, populations, state)
    return 0


@step_kernel
def wake_delay_group(q, step, low, high, handle):
    """Wake what a group of delays reached; its places run over slots of the drive."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target = projections.target[q]
    first, stride = populations.offset[target] >> BLOCK_BITS, populations.stride[target]
    spikes, row_start = spikes_of(q, step, 0, tables), starts_of(q, projections, tables.synapses)
    words = tables.synapses.delayed
    cuts = projections.cuts[q]
    for k in range(spikes.shape[0]):
        slot = np.int64(0)
        for s in range(row_start[spikes[k] * cuts], row_start[(spikes[k] + 1) * cuts]):
            place = np.int64(words[s] & PLACE_MASK)
            if place < slot:  # places of a range are in order of their slots
                slot = np.int64(0)
            while place >= slot + stride:
                slot += stride
            wake((place - slot) >> BLOCK_BITS, target, first, step, state)
    sweep_if_many(target, populations, state)
    return 0


@step_kernel
def wake_all(q, step, low, high, handle):
    """Sweep the target, all of which dense rows reached."""
    tables = open_tables(handle)
    target = tables.projections.target[q]
    tables.state.n_live[target] = tables.populations.stride[target] >> BLOCK_BITS
    sweep_if_many(target, tables.populations, tables.state)
    return 0


@step_kernel
def wake_taps(q, step, low, high, handle):
    """Wake what a convolution reached."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target = projections.target[q]
    first = populations.offset[target] >> BLOCK_BITS
    spikes, geometry = spikes_of(q, step, 0, tables), geometry_of(q, projections)
    n_out, n_in, rows, columns = geometry[3], geometry[4], geometry[5], geometry[6]
    row_taps, column_taps, channels = geometry[7], geometry[8], geometry[15]
    long_rows, long_columns = runs_of(geometry)
    placed = projections.placed[q] != 0
    for k in range(spikes.shape[0]):
        channel, y, x = source_of(spikes[k], placed, geometry)
        group = (channel // n_in) * n_out
        for a in range(1 if long_rows else row_taps):
            row, n_rows, _ = run_met(
                y + geometry[11], a, rows, row_taps, geometry[9], long_rows, geometry[13]
            )
            for b in range(1 if long_columns else column_taps):
                column, n_columns, _ = run_met(
                    x + geometry[12],
                    b,
                    columns,
                    column_taps,
                    geometry[10],
                    long_columns,
                    geometry[14],
                )
                if n_columns <= 0:
                    continue
                for other in range(row, row + n_rows):
                    post = (other * columns + column) * channels + group
                    end = post + n_columns * n_out
                    for block in range(post >> BLOCK_BITS, ((end - 1) >> BLOCK_BITS) + 1):
                        wake(block, target, first, step, state)
    sweep_if_many(target, populations, state)
    return 0
