"""One step of one projection: deliver its source's spikes, and wake what they reach."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import part
from ssdp_neuro.engine.kernels.convolution import (
    deliver_conv,
    is_crowded,
    settle_conv,
)
from ssdp_neuro.engine.kernels.delivery import (
    deliver_delayed,
    deliver_dense8,
    deliver_dense16,
    deliver_group,
    deliver_packed,
    deliver_single,
    deliver_sparse,
    list_rows,
    settle_dense,
    settle_group,
    settle_sparse,
)
from ssdp_neuro.engine.kernels.tables import (
    BLOCK_BITS,
    CONV,
    DELAYED,
    DENSE8,
    DENSE16,
    PACKED,
    SINGLE,
    SPARSE,
    WEIGHT_BITS,
)
from ssdp_neuro.engine.kernels.waking import wake_group, wake_single, wake_sparse


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
    if kind in (DENSE8, DENSE16) and projections.lag[q] >= 0:
        first = projections.row_map[q]
        n_rows = list_rows(spikes, synapses.row_of[first:], state.rows)
        fired, spikes = state.rows[: n_rows + 3], state.rows[:n_rows]
    if kind == DENSE8:
        row_sums = state.sum16[: projections.row[q]]
        zero_row = projections.rows[q]
        done = deliver_dense8(fired, synapses.dense8, base, zero_row, row_sums, sums, shift)
        if floor:
            settle_dense(sums, drive, floor)
    elif kind == DENSE16:
        row_sums = state.sum16[: projections.row[q]]
        zero_row = projections.rows[q]
        done = deliver_dense16(fired, synapses.dense16, base, zero_row, row_sums, sums, shift)
        if floor:
            settle_dense(sums, drive, floor)
    elif kind == CONV:
        geometry = projections.geometry[q]
        done = deliver_conv(spikes, synapses.conv, base, geometry, sums)
        if floor and is_crowded(spikes.shape[0], geometry):
            settle_dense(sums, drive, floor)
        elif floor:
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
    elif kind == DELAYED:
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        all_sums = state.sum32[: ring * stride] if floor else slots
        words, start, span = synapses.delayed, slot * stride, projections.span[q]
        done = deliver_group(spikes, row_start, words, all_sums, start, span * stride, shift)
        if floor and done * 4 < span * size:
            settle_group(spikes, row_start, words, all_sums, slots, start, floor)
        elif floor:
            for later in range(span):
                low = (slot + later) % ring * stride
                settle_dense(all_sums[low : low + size], slots[low : low + size], floor)
    elif kind == SINGLE:
        words = synapses.packed[base : base + projections.rows[q]]
        done = deliver_single(spikes, words, sums, shift)
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
    elif kind == DELAYED:
        row_start = synapses.row_start[base : base + projections.rows[q] + 1]
        n_live, n_known = wake_group(
            spikes,
            row_start,
            synapses.delayed,
            populations.stride[target],
            step,
            touched,
            live,
            live_list,
            n_live,
            known_list,
            n_known,
        )
    elif kind == SINGLE:
        words = synapses.packed[base : base + projections.rows[q]]
        n_live, n_known = wake_single(
            spikes, words, step, touched, live, live_list, n_live, known_list, n_known
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
