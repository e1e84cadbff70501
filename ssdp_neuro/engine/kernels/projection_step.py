"""One step of one projection, by kind: deliver its source's spikes.

Each is a kernel of its own, compiled when a network first has such a projection.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.convolution import (
    deliver_conv,
    deliver_runs,
    is_crowded,
    settle_conv,
)
from ssdp_neuro.engine.kernels.delivery import (
    WORDS_PER_LINE,
    deliver_delayed,
    deliver_dense8,
    deliver_dense16,
    deliver_floored,
    deliver_group,
    deliver_packed,
    deliver_single,
    deliver_sparse,
    list_rows,
    new_rest,
    prefetch,
    settle_dense,
    settle_sparse,
)
from ssdp_neuro.engine.kernels.ranges import number_of
from ssdp_neuro.engine.kernels.table_view import open_tables, section
from ssdp_neuro.engine.kernels.tables import DELAYED, GEOMETRY, LANES
from ssdp_neuro.engine.kernels.tap_sums import deliver_quads, many_fire

FEW_A_PLACE = 4  # of so many places one is reached, up to which each sum is floored as it grows
ASKED_AHEAD = 32  # rows of a part asked for before its turn


@part
def spikes_of(q, step, spare, tables):
    """Whose spikes part ``q`` delivers after this step, and ``spare`` entries more.

    Where its synapses are listed by place, the places where those neurons are kept.
    """
    projections, populations, state = tables.projections, tables.populations, tables.state
    source, lag = projections.source[q], projections.lag[q]
    if lag < 0:
        first = state.first[source]
        last = first + state.n_fired[source] + spare
        if projections.placed[q]:
            return section(state.kept, first, last)
        return section(state.fired, first, last)
    slot = (step - lag) % populations.depth[source]
    first = populations.past_row[source] + slot * (populations.size[source] + 3)
    n_fired = state.n_past[populations.past_count_row[source] + slot]
    return section(state.past, first, first + n_fired + spare)


@part
def rows_of(q, step, tables):
    """Rows of a dense part that are to be added, and three entries more."""
    projections, state = tables.projections, tables.state
    if projections.lag[q] < 0:
        return spikes_of(q, step, 3, tables)
    first = projections.row_map[q]
    row_of = section(tables.synapses.row_of, first, tables.synapses.row_of.shape[0])
    n_rows = list_rows(spikes_of(q, step, 0, tables), row_of, state.rows)
    return section(state.rows, 0, n_rows + 3)


@part
def starts_of(q, projections, synapses):
    """First synapse of each source of projection ``q``, and the end of the last.

    Where they are in ranges of targets, that of each source and range.
    """
    base = projections.base[q]
    return section(synapses.row_start, base, base + projections.rows[q] * projections.cuts[q] + 1)


@part
def words_of(q, projections, synapses):
    """The synapse of each source of projection ``q``, of kind SINGLE, as sources are kept."""
    base = projections.base[q]
    return section(synapses.packed, base, base + projections.rows[q])


@part
def geometry_of(q, projections):
    """What convolution projection ``q`` is."""
    return section(projections.geometry, q * GEOMETRY, (q + 1) * GEOMETRY)


@part
def next_drive(target, step, populations, state):
    """Input of population ``target`` in the step after ``step``."""
    slot = (step + 1) % populations.ring[target]
    start = populations.drive_offset[target] + slot * populations.stride[target]
    return section(state.drive, start, start + populations.size[target])


@part
def next_sums(target, step, populations, state):
    """Where sums that are floored are kept meanwhile."""
    slot = (step + 1) % populations.ring[target]
    start = slot * populations.stride[target]
    return section(state.sum32, start, start + populations.size[target])


@step_kernel
def deliver_dense8_rows(q, step, low, high, handle):
    """Deliver the spikes of projection ``q``'s source; return the number of operations."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target, floor = projections.target[q], projections.floor[q]
    drive = section(next_drive(target, step, populations, state), low, high)
    sums = section(next_sums(target, step, populations, state), low, high) if floor else drive
    done = deliver_dense8(
        rows_of(q, step, tables),
        tables.synapses.dense8,
        projections.base[q] + low,
        projections.row[q],
        projections.rows[q],
        section(state.sum16, 0, (high - low + LANES - 1) // LANES * LANES),
        sums,
        projections.shift[q],
    )
    if floor:
        settle_dense(sums, drive, floor)
    return done


@step_kernel
def deliver_dense16_rows(q, step, low, high, handle):
    """The same with weights of 16 bits."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target, floor = projections.target[q], projections.floor[q]
    drive = section(next_drive(target, step, populations, state), low, high)
    sums = section(next_sums(target, step, populations, state), low, high) if floor else drive
    done = deliver_dense16(
        rows_of(q, step, tables),
        tables.synapses.dense16,
        projections.base[q] + low,
        projections.row[q],
        projections.rows[q],
        section(state.sum16, 0, (high - low + LANES - 1) // LANES * LANES),
        sums,
        projections.shift[q],
    )
    if floor:
        settle_dense(sums, drive, floor)
    return done


@step_kernel
def deliver_packed_list(q, step, low, high, handle):
    """The same of packed synapses."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target = projections.target[q]
    spikes = spikes_of(q, step, 0, tables)
    row_start = starts_of(q, projections, tables.synapses)
    packed, shift = tables.synapses.packed, projections.shift[q]
    drive = next_drive(target, step, populations, state)
    return deliver_packed(spikes, row_start, packed, drive, shift, low, high)


@step_kernel
def deliver_list(q, step, low, high, handle):
    """The same of listed synapses."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    synapses = tables.synapses
    target, floor = projections.target[q], projections.floor[q]
    shift, delayed = projections.shift[q], projections.delayed[q]
    spikes = spikes_of(q, step, 0, tables)
    row_start = starts_of(q, projections, synapses)
    ring, stride = populations.ring[target], populations.stride[target]
    slot = (step + 1) % ring
    start = populations.drive_offset[target]
    slots = section(state.drive, start, start + ring * stride)
    all_sums = section(state.sum32, 0, ring * stride) if floor else slots
    if delayed:
        done = deliver_delayed(
            spikes,
            row_start,
            synapses.target,
            synapses.weight,
            synapses.delay,
            all_sums,
            ring,
            slot,
            shift,
        )
    else:
        sums = section(all_sums, slot * stride, slot * stride + populations.size[target])
        done = deliver_sparse(spikes, row_start, synapses.target, synapses.weight, sums, shift)
    if floor:
        settle_sparse(
            spikes,
            row_start,
            synapses.target,
            synapses.delay,
            delayed,
            all_sums,
            slots,
            ring,
            slot,
            floor,
        )
    return done


@step_kernel
def deliver_single_list(q, step, low, high, handle):
    """The same where no source has two synapses."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    return deliver_single(
        spikes_of(q, step, 0, tables),
        words_of(q, projections, tables.synapses),
        next_drive(projections.target[q], step, populations, state),
        projections.shift[q],
        low,
        high,
    )


@part
def ask_for_rows(q, step, low, high, size, tables):
    """Ask memory for what part ``q`` will read, and part ``q + 1`` after it, if of this kind.

    A thread that has the targets ``low..high - 1`` of ``size`` is taken to have as large a share
    of others.

    A large network has few spikes for each part, in rows that lie anywhere: without this
    every one of them would be waited for.
    """
    projections, synapses = tables.projections, tables.synapses
    n_parts = projections.kind.shape[0]
    if q + 1 < n_parts and projections.kind[q + 1] == DELAYED:
        row_start = starts_of(q + 1, projections, synapses)
        spikes = spikes_of(q + 1, step, 0, tables)
        for k in range(min(spikes.shape[0], ASKED_AHEAD)):
            prefetch(row_start, spikes[k] * projections.cuts[q + 1])
    if q < n_parts and projections.kind[q] == DELAYED:
        row_start = starts_of(q, projections, synapses)
        spikes = spikes_of(q, step, 0, tables)
        cuts = projections.cuts[q]
        for k in range(min(spikes.shape[0], ASKED_AHEAD)):
            first, count = row_start[spikes[k] * cuts], row_start[(spikes[k] + 1) * cuts]
            count -= first
            for s in range(
                first + count * low // size, first + count * high // size, WORDS_PER_LINE
            ):
                prefetch(synapses.delayed, s)


@step_kernel
def deliver_delay_group(q, step, low, high, handle):
    """The same of a group of delays."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    ask_for_rows(q + 1, step, low, high, populations.size[projections.target[q]], tables)
    target, floor, span = projections.target[q], projections.floor[q], projections.span[q]
    spikes, row_start = spikes_of(q, step, 0, tables), starts_of(q, projections, tables.synapses)
    ring, stride, size = (
        populations.ring[target],
        populations.stride[target],
        populations.size[target],
    )
    slot = (step + 1) % ring
    base, start = populations.drive_offset[target], slot * stride
    slots = section(state.drive, base, base + ring * stride)
    words, shift = tables.synapses.delayed, projections.shift[q]
    cuts = projections.cuts[q]
    begin, end = number_of(low, cuts, size), number_of(high, cuts, size)
    n_coming = np.int64(0)
    for k in range(spikes.shape[0] if floor else 0):
        n_coming += row_start[(spikes[k] + 1) * cuts] - row_start[spikes[k] * cuts]
    if floor and n_coming * FEW_A_PLACE < span * size:
        rest, number = state.rest, new_rest(state.rest, state.rest_number)
        return deliver_floored(
            spikes, row_start, cuts, words, rest, number, slots, start, span * stride, floor
        )
    # sums that are floored always begin at the same place, so that they stay in a cache
    sums = section(state.sum32, 0, span * stride) if floor else slots
    first = np.int64(0) if floor else start
    done = deliver_group(
        spikes, row_start, cuts, begin, end, words, sums, first, span * stride, shift
    )
    for later in range(span if floor else 0):
        begin = (slot + later) % ring * stride
        those = section(sums, later * stride, later * stride + size)
        settle_dense(those, section(slots, begin, begin + size), floor)
    return done


@step_kernel
def deliver_taps(q, step, low, high, handle):
    """The same of a convolution."""
    tables = open_tables(handle)
    projections, populations, state = tables.projections, tables.populations, tables.state
    target, floor = projections.target[q], projections.floor[q]
    spikes = spikes_of(q, step, 0, tables)
    geometry, placed = geometry_of(q, projections), projections.placed[q] != 0
    drive = next_drive(target, step, populations, state)
    sums = next_sums(target, step, populations, state) if floor else drive
    row = geometry[6] * geometry[15]
    first, last = low // row, (high + row - 1) // row
    if projections.sums_row[q] >= 0 and many_fire(spikes.shape[0], geometry):
        row = projections.quads_row[q]
        done = deliver_quads(
            spikes,
            section(tables.synapses.quad_words, row, row + projections.rows[q]),
            section(state.quads, 0, projections.quads[q]),
            tables.synapses.tap_sums,
            projections.sums_row[q],
            projections.taps_per_flush[q],
            geometry,
            state.tile,
            sums,
            projections.shift[q],
            first,
            last,
        )
        if floor:
            settle_dense(section(sums, low, high), section(drive, low, high), floor)
        return done
    weights, base, met_row = tables.synapses.conv, projections.base[q], projections.met_row[q]
    if met_row >= 0:
        met = section(tables.synapses.met, met_row, met_row + geometry[1] + geometry[2])
        done = deliver_runs(spikes, placed, weights, base, met, geometry, sums, first, last)
    else:
        done = deliver_conv(spikes, placed, weights, base, geometry, sums, first, last)
    if floor and is_crowded(spikes.shape[0], geometry):
        settle_dense(section(sums, low, high), section(drive, low, high), floor)
    elif floor:
        settle_conv(spikes, placed, geometry, sums, drive, floor, first, last)
    return done
