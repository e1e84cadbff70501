"""Spikes of targets that wait for their sources: pair rules, whose rows are visited rarely.

What a target's spike does to the synapses of a source that does not fire is put down once, in a
log of epochs, and made up for when the source fires, the log is full, or weights are read: row
after row in the cache instead of columns across the whole matrix, in the order of the epochs,
so that nothing is different but the time.

This holds of all-to-all rules of one step's epochs that change weights by one y0 product of a
source's trace, and by one x0 product of a target's, or none (``Program.waits``). Where one
product is added alone the accumulator's ends do not show: they are beyond those of a weight.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import inner_kernel, part, step_kernel
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.masked_rows import add_masked
from ssdp_neuro.engine.kernels.prefetch import prefetch_row
from ssdp_neuro.engine.kernels.random_planes import (
    draw_row,
    fill_carries,
    fill_plane_words,
    pick_numbers,
)
from ssdp_neuro.engine.kernels.random_words import absorb
from ssdp_neuro.engine.kernels.rule_rows import bounded, scaled
from ssdp_neuro.engine.kernels.rule_tables import (
    ENTRY_ADDED,
    ENTRY_CHANGE,
    ENTRY_VALUE,
    OF_POST,
    OF_PRE,
    PLANES,
    ROUNDING_KEY,
    WEIGHT,
)
from ssdp_neuro.engine.kernels.rule_traces import copy, fill, place_offset, ranged
from ssdp_neuro.engine.kernels.table_view import open_learner, section
from ssdp_neuro.engine.kernels.tables import BLOCK

MOST_SUM = 2**15 - 1 - 2**9  # of changes in 16 bits, beside a weight
FEW = 16  # numbers of 32 bits in a vector


@part
def row_of(synapses, pre):
    """Weights of a source."""
    first = synapses.first
    return section(synapses.variables[WEIGHT], first[pre], first[pre + 1])


@inner_kernel
def fill_changes(program, synapses, log):
    """Changes of accumulators by a source's spike, for each target."""
    p = program.pair
    f = program.first_factor[p]
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    mantissa, constant, bound = np.int32(program.mantissa[p]), program.constant[f], program.bound[f]
    traces, changes = synapses.y_history[program.pair_trace, 1], log.change
    for k in range(changes.shape[0]):
        factor = ranged(traces[k], constant, bound)
        changes[k] = scaled(np.int32(np.int64(mantissa) * factor), right, left)


@part
def begin_log(program, log):
    """Find the change by a waiting spike for each trace of a source."""
    p, f = program.waiting, program.first_factor[program.waiting]
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    for trace in range(log.change_of.shape[0]):
        factor = ranged(np.int32(trace), program.constant[f], program.bound[f])
        product = np.int32(np.int64(np.int32(program.mantissa[p])) * factor)
        log.change_of[trace] = scaled(product, right, left)
    least, most = np.int32(0), np.int32(0)  # whole changes, Lava's number having rounded them
    for trace in range(log.change_of.shape[0]):
        change = log.change_of[trace]
        least = min(least, np.int32(change >> np.int32(7)))
        most = max(most, np.int32(np.int32(change + np.int32(127)) >> np.int32(7)))
    log.has_one_sign[0] = least == 0 or most == 0


@inner_kernel
def round_changes(log, added):
    """Whole changes of weights: rounded by one random number, or down if it is 0."""
    changes, rounded, fractions = log.change, log.rounded, log.fraction
    for k in range(rounded.shape[0]):
        rounded[k] = np.int16(np.int32(changes[k] + np.int32(added)) >> np.int32(7))
        fractions[k] = np.int16(changes[k] & np.int32(127))


@inner_kernel
def keep_traces(program, synapses, log, slot):
    """Keep traces of sources in a byte each."""
    traces, kept = synapses.x[program.waiting_trace], log.traces[slot]
    for k in range(kept.shape[0]):
        kept[k] = np.uint8(traces[k])


@part
def add_entries(log, row, begin, end, low, high):
    """Add whole changes to the weights of the log's entries, one after the other."""
    posts, slots, changes = log.post, log.slot, log.slot_change
    for k in range(np.uint64(begin), np.uint64(end)):
        post, slot = np.uint32(posts[k]), np.uint32(slots[k])
        value = np.int32(np.int32(row[post]) + changes[slot])
        row[post] = np.int16(min(max(value, low), high))


@part
def add_entries_by_chance(log, row, begin, end, low, high):
    """The same, and 1 where the bit of a target is set."""
    posts, slots, changes, carries = log.post, log.slot, log.slot_change, log.slot_carry
    for k in range(np.uint64(begin), np.uint64(end)):
        post, slot = np.uint32(posts[k]), np.uint32(slots[k])
        word = log.bits[np.uint64(carries[slot]) + np.uint64(post >> np.uint32(5))]
        carry = np.int32(word >> (post & np.uint32(31)) & np.uint32(1))
        value = np.int32(np.int32(np.int32(row[post]) + changes[slot]) + carry)
        row[post] = np.int16(min(max(value, low), high))


@inner_kernel
def add_row(program, synapses, log, pre):
    """Add whole numbers to the weights of a source."""
    wide_vectors()
    low, high = np.int16(program.low[WEIGHT]), np.int16(program.high[WEIGHT])
    row, rounded = row_of(synapses, pre), log.rounded
    for k in range(rounded.shape[0]):
        value = np.int16(row[k] + rounded[k])
        row[k] = min(max(value, low), high)


@inner_kernel
def add_row_by_chance(program, synapses, log, pre):
    """The same, and 1 where a random number of ``narrow_added`` carries the fraction."""
    wide_vectors()
    low, high = np.int16(program.low[WEIGHT]), np.int16(program.high[WEIGHT])
    row, rounded, fractions = row_of(synapses, pre), log.rounded, log.fraction
    added = synapses.narrow_added
    for k in range(rounded.shape[0]):
        carry = np.int16(np.int16(fractions[k] + added[k]) >> np.int16(7))
        value = np.int16(np.int16(row[k] + rounded[k]) + carry)
        row[k] = min(max(value, low), high)


@part
def list_together(log, pre, stride, first, last, stays):
    """What changes a source's row: bits of targets, and whole numbers to be added there.

    Lava's one number has rounded all changes of a slot. Returns how many there are and, 2**32
    times, the sum of their sizes.
    """
    traces, change_of, added = log.traces, log.change_of, log.added
    slot_change, places, numbers = log.slot_change, log.place, log.number
    n_used, total = np.int64(0), np.int64(0)
    pre = np.uint64(pre)
    for slot in range(first, last):
        trace = np.uint32(traces[np.uint64(slot), pre])
        if stays and trace == 0:
            break
        change = np.int32(np.int32(change_of[trace] + added[np.uint64(slot)]) >> np.int32(7))
        slot_change[np.uint64(slot)] = change
        places[np.uint64(n_used)] = slot * stride
        numbers[np.uint64(n_used)] = np.int16(change)
        n_used += np.int64(change != 0)
        total += np.int64(abs(change))
    return n_used + (total << 32)


@inner_kernel
def list_apart(program, log, pre, stride, first, last, stays):
    """The same of changes that are rounded down; the bits where one carries are one more."""
    wide_vectors()
    n_slots, n_used, total = log.traces.shape[0], np.int64(0), np.int64(0)
    plane = program.waiting_plane
    for slot in range(first, last):
        trace = log.traces[np.uint64(slot), np.uint64(pre)]
        if stays and trace == 0:
            break
        change = log.change_of[trace]
        whole, fraction = np.int32(change >> np.int32(7)), np.int64(change & np.int32(127))
        log.slot_change[slot] = whole
        log.slot_carry[slot] = 2 * n_slots * stride  # bits of none
        log.place[n_used], log.number[n_used] = slot * stride, whole
        n_used += np.int64(whole != 0)
        total += np.int64(abs(whole))
        if fraction != 0:
            place, start, bits = (n_slots + slot) * stride, slot * PLANES * stride, log.bits
            number = absorb(log.offset[slot], np.uint32(pre))
            fill_carries(
                bits, place, log.words, start, number, stride, plane, fraction, bits, slot * stride
            )
            log.slot_carry[slot] = place
            log.place[n_used], log.number[n_used] = place, 1
            n_used += 1
            total += 1
    return n_used + (total << 32)


@inner_kernel
def settle_row(program, synapses, log, pre):
    """Make up for what waits for a source; returns the number of changes."""
    wide_vectors()
    first, last = np.int64(log.settled[pre]), log.n_slots[0]
    if first == last:
        return np.int64(0)
    log.settled[pre] = last
    stays = log.change_of[0] == 0  # and so it does: without spikes a trace of 0 stays 0
    n_slots, stride = log.traces.shape[0], synapses.stride
    if program.is_lava:
        found = list_together(log, pre, stride, first, last, stays)
    else:
        found = list_apart(program, log, pre, stride, first, last, stays)
    n_used, total = found & 0xFFFFFFFF, found >> 32
    if n_used == 0:
        return np.int64(0)
    stop = log.place[n_used - 1] // stride % n_slots + 1  # behind the last that changes anything
    row, low, high = row_of(synapses, pre), program.low[WEIGHT], program.high[WEIGHT]
    begin, end = log.first[first], log.first[stop]
    n_words = row.shape[0] // BLOCK
    if log.has_one_sign[0] and total <= MOST_SUM and n_used * n_words <= 2 * (end - begin):
        # changes of one sign, whose sum can be clipped at the end
        add_masked(row, log.bits, log.place, log.number, n_used, total <= 127, low, high)
    elif program.is_lava:
        add_entries(log, row, begin, end, np.int32(low), np.int32(high))
    else:
        add_entries_by_chance(log, row, begin, end, np.int32(low), np.int32(high))
    return end - begin


@inner_kernel
def settle_all(program, synapses, log):
    """Make up for everything, so that weights can be read, and begin a new log."""
    n_visited = np.int64(0)
    if log.n_slots[0] == 0:
        return n_visited
    for pre in range(synapses.n_pre):
        n_visited += settle_row(program, synapses, log, pre)
        log.settled[pre] = 0
    log.n_slots[0] = 0
    return n_visited


@part
def word_of(offset, neuron):
    """The random number of one end of a synapse."""
    return absorb(offset, np.uint32(neuron))


@inner_kernel
def list_fired(synapses, log):
    """What a source's spike does to the synapses of targets that fired with it."""
    changes, places = synapses.entries[ENTRY_CHANGE], synapses.post_fired
    for k in range(synapses.n_fired[1]):
        changes[k] = log.change[np.uint64(places[k])]


@inner_kernel
def fill_values(program, synapses, log, pre):
    """New weights of the synapses whose both ends fired."""
    wide_vectors()
    places, row, count = synapses.post_fired, row_of(synapses, pre), synapses.n_fired[1]
    values, added = synapses.entries[ENTRY_VALUE], synapses.entries[ENTRY_ADDED]
    of_pre = synapses.entries[ENTRY_CHANGE]
    for k in range(count):
        values[k] = np.int32(row[np.uint64(places[k])])
    of_post = np.int32(log.change_of[synapses.x[program.waiting_trace, pre]])
    floor = np.int32(program.accumulator_low[WEIGHT])
    ceiling = np.int32(program.accumulator_high[WEIGHT])
    low, high = np.int32(program.low[WEIGHT]), np.int32(program.high[WEIGHT])
    post_first = np.int32(-1 if program.is_post_first else 0)
    for k in range((count + FEW - 1) // FEW * FEW):
        first = np.int32((of_post & post_first) | (of_pre[k] & ~post_first))
        second = np.int32(np.int32(of_post + of_pre[k]) - first)
        total = bounded(np.int32(np.int32(values[k] << np.int32(7)) + first))
        total = bounded(np.int32(total + second))
        total = min(max(total, floor), ceiling)
        total = np.int32(np.int32(total + added[k]) >> np.int32(7))
        values[k] = min(max(total, low), high)


@part
def change_fired(program, synapses, log, pre, pre_offset):
    """The row of a source that fired: what its spike does, and anew who fired with it."""
    word = np.uint32(0) if program.is_lava else word_of(pre_offset, pre)
    n_fired = synapses.n_fired[1]
    if not program.is_lava:  # all bits decide where a sum of two changes is cut off
        draw_row(synapses, WEIGHT, word, program.pair_plane, n_fired > 0)
        pick_numbers(synapses, synapses.entries[ENTRY_ADDED], synapses.post_fired, n_fired)
    fill_values(program, synapses, log, pre)
    row = row_of(synapses, pre)
    if program.is_lava:
        add_row(program, synapses, log, pre)
    else:
        add_row_by_chance(program, synapses, log, pre)
    places, values = synapses.post_fired, synapses.entries[ENTRY_VALUE]
    for k in range(n_fired):
        row[np.uint64(places[k])] = np.int16(values[k])


@part
def mark_bits(bits, posts, count):
    """Set the bits of neurons, and no others."""
    for word in range(bits.shape[0]):
        bits[word] = np.uint32(0)
    for k in range(count):
        post = np.uint64(posts[k])
        bit = np.uint32(np.uint64(1) << (post & np.uint64(31)))
        bits[post >> np.uint64(5)] |= bit


@inner_kernel
def log_epoch(program, synapses, log, pre_offset, lava_rounding):
    """Put down which targets fired, and the traces of all sources."""
    slot = log.n_slots[0]
    keep_traces(program, synapses, log, slot)
    log.added[slot] = 127 - lava_rounding if program.is_lava else 0
    log.offset[slot] = pre_offset
    begin = log.first[slot]
    n_fired = synapses.n_fired[1]
    for k in range(n_fired):
        post = synapses.post_fired[k]
        log.post[begin + k] = post
        log.slot[begin + k] = slot
    stride = synapses.stride
    mark_bits(section(log.bits, slot * stride, (slot + 1) * stride), synapses.post_fired, n_fired)
    if not program.is_lava:
        size = PLANES * stride
        copy(synapses.post_words[WEIGHT], section(log.words, slot * size, (slot + 1) * size))
    log.first[slot + 1] = begin + n_fired
    log.n_slots[0] = slot + 1


@inner_kernel
def fill_pair(program, synapses, log, lava_rounding):
    """What a source's spike does to its synapses, the same for all sources."""
    if program.pair >= 0:
        fill_changes(program, synapses, log)
    list_fired(synapses, log)
    if program.is_lava:
        fill(synapses.entries[ENTRY_ADDED], np.int32(127 - lava_rounding))
        round_changes(log, 127 - lava_rounding)
    else:
        round_changes(log, 0)


@step_kernel
def change_waiting(index, step, low, high, handle):
    """Change the rows of sources that fired, and log the spikes of targets for the others.

    ``low`` is Lava's random number of the epoch, and ``high`` whether it is the last of a run:
    nothing waits any longer then.
    """
    learner = open_learner(handle)
    program, synapses, log = learner.program, learner.synapses, learner.log
    now, lava_rounding = step, low
    n_visited = np.int64(0)
    logged = log.n_slots[0] + (1 if synapses.n_fired[1] > 0 else 0)
    pre_offset = np.uint32(0)
    if not program.is_lava and (synapses.n_fired[0] > 0 or synapses.n_fired[1] > 0):
        key = ROUNDING_KEY + WEIGHT
        pre_offset = place_offset(program.seed, key, now, OF_PRE)
        post_offset = place_offset(program.seed, key, now, OF_POST)
        fill_plane_words(synapses.post_words[WEIGHT], synapses.stride, post_offset)
    if synapses.n_fired[0] > 0:
        fill_pair(program, synapses, log, lava_rounding)
    for k in range(synapses.n_fired[0]):
        pre = synapses.pre_fired[k]
        if k + 1 < synapses.n_fired[0]:
            prefetch_row(row_of(synapses, synapses.pre_fired[k + 1]))
        n_visited += settle_row(program, synapses, log, pre) + synapses.n_post
        change_fired(program, synapses, log, pre, pre_offset)
        log.settled[pre] = logged
    if synapses.n_fired[1] > 0:
        log_epoch(program, synapses, log, pre_offset, lava_rounding)
    room = log.post.shape[0] - log.first[logged]
    if high != 0 or logged == log.traces.shape[0] or room < synapses.n_post:
        n_visited += settle_all(program, synapses, log)
    return n_visited
