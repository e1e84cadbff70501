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

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.random_words import absorb, fill_words, synapse_word
from ssdp_neuro.engine.kernels.rule_rows import bounded, scaled
from ssdp_neuro.engine.kernels.rule_tables import OF_POST, OF_PRE, ROUNDING_KEY, WEIGHT
from ssdp_neuro.engine.kernels.rule_traces import place_offset, ranged

DENSE_SLOT = 8  # so many spikes of a slot, and passing over slots pays


@lean_kernel
def fill_changes(changes, traces, mantissa, constant, bound, right, left):
    """Changes of accumulators by a product of one trace, for each value or neuron."""
    for k in range(traces.shape[0]):
        factor = ranged(traces[k], constant, bound)
        product = np.int32(np.int64(np.int32(mantissa)) * factor)
        changes[k] = scaled(product, right, left)


@part
def begin_log(program, log):
    """Find the change by a waiting spike for each trace of a source."""
    p, f = program.waiting, program.first_factor[program.waiting]
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    for trace in range(log.change_of.shape[0]):
        factor = ranged(np.int32(trace), program.constant[f], program.bound[f])
        product = np.int32(np.int64(np.int32(program.mantissa[p])) * factor)
        log.change_of[trace] = scaled(product, right, left)


@lean_kernel
def round_changes(changes, rounded, added):
    """Whole changes of weights, if one random number rounds all."""
    for k in range(rounded.shape[0]):
        rounded[k] = np.int16(np.int32(changes[k] + np.int32(added)) >> np.int32(7))


@lean_kernel
def keep_traces(traces, kept):
    """Keep traces in a byte each."""
    for k in range(traces.shape[0]):
        kept[k] = np.uint8(traces[k])


@lean_kernel
def add_entries(row, posts, slots, changes, begin, end, low, high):
    """Add whole changes to the weights of the log's entries, one after the other."""
    for k in range(begin, end):
        post, slot = np.uint32(posts[k]), np.uint32(slots[k])
        value = np.int32(np.int32(row[post]) + changes[slot])
        row[post] = np.int16(min(max(value, low), high))


@lean_kernel
def add_slots(row, posts, log_first, changes, first, stop, low, high):
    """The same, passing over slots without a change."""
    for slot in range(first, stop):
        change = changes[slot]
        if change != 0:
            for k in range(log_first[slot], log_first[slot + 1]):
                post = np.uint32(posts[k])
                value = np.int32(np.int32(row[post]) + change)
                row[post] = np.int16(min(max(value, low), high))


@lean_kernel
def add_by_chance(row, posts, slots, post_words, changes, words, begin, end, low, high):
    """Add changes in 1/128, each rounded by its random number."""
    for k in range(begin, end):
        post, slot = np.uint32(posts[k]), np.uint32(slots[k])
        draw = np.int32(synapse_word(words[slot], post_words[k]) >> np.uint32(25))
        change = np.int32(np.int32(changes[slot] + np.int32(127)) - draw)
        value = np.int32(np.int32(row[post]) + np.int32(change >> np.int32(7)))
        row[post] = np.int16(min(max(value, low), high))


@lean_kernel
def add_row(row, rounded, low, high):
    """Add whole numbers to weights."""
    for k in range(row.shape[0]):
        value = np.int16(row[k] + rounded[k])
        row[k] = min(max(value, np.int16(low)), np.int16(high))


@lean_kernel
def add_row_by_chance(row, changes, words, word, low, high):
    """Add changes in 1/128 to weights, each rounded by its random number."""
    for k in range(row.shape[0]):
        draw = np.int32(synapse_word(word, words[k]) >> np.uint32(25))
        change = np.int32(np.int32(changes[k] + np.int32(127)) - draw)
        value = np.int32(np.int32(row[k]) + np.int32(change >> np.int32(7)))
        row[k] = np.int16(min(max(value, np.int32(low)), np.int32(high)))


@lean_kernel
def settle_row(program, synapses, log, pre):
    """Make up for what waits for a source; returns the number of changes."""
    first, last = np.int64(log.settled[pre]), log.n_slots[0]
    if first == last:
        return np.int64(0)
    log.settled[pre] = last
    stop = first  # behind the last slot that changes anything
    stays = log.change_of[0] == 0  # and so it does: without spikes a trace of 0 stays 0
    for slot in range(first, last):
        trace = log.traces[slot, pre]
        if stays and trace == 0:
            break
        change = log.change_of[trace]
        if program.is_lava:
            change = np.int32(np.int32(change + log.added[slot]) >> np.int32(7))
        else:
            log.slot_word[slot] = absorb(log.offset[slot], np.uint32(pre))
        log.slot_change[slot] = change
        stop = slot + 1 if change != 0 else stop
    begin, end = log.first[first], log.first[stop]
    start = synapses.first[pre]
    row = synapses.variables[WEIGHT, start : start + synapses.n_post]
    low, high = np.int32(program.low[WEIGHT]), np.int32(program.high[WEIGHT])
    posts, slots, changes = log.post, log.slot, log.slot_change
    if not program.is_lava:
        post_words, words = log.word, log.slot_word
        add_by_chance(row, posts, slots, post_words, changes, words, begin, end, low, high)
    elif end - begin < DENSE_SLOT * (stop - first):
        add_entries(row, posts, slots, changes, begin, end, low, high)
    else:
        add_slots(row, posts, log.first, changes, first, stop, low, high)
    return end - begin


@lean_kernel
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


@part
def changed_by_both(program, synapses, log, pre, post, weight, draw):
    """A weight after spikes of both ends in one epoch: products in order, sums clipped."""
    trace = synapses.x[program.waiting_trace, pre]
    of_post, of_pre = log.change_of[trace], log.change[post]
    total = np.int32(np.int32(weight) << np.int32(7))
    total = bounded(np.int32(total + (of_post if program.is_post_first else of_pre)))
    total = bounded(np.int32(total + (of_pre if program.is_post_first else of_post)))
    floor, ceiling = program.accumulator_low[WEIGHT], program.accumulator_high[WEIGHT]
    total = min(max(total, np.int32(floor)), np.int32(ceiling))
    value = np.int32(np.int32(total + np.int32(np.int32(127) - draw)) >> np.int32(7))
    return min(max(value, np.int32(program.low[WEIGHT])), np.int32(program.high[WEIGHT]))


@lean_kernel
def change_fired(program, synapses, log, pre, pre_offset, lava_rounding):
    """The row of a source that fired: what its spike does, and anew who fired with it."""
    start, n_fired = synapses.first[pre], synapses.n_fired[1]
    row = synapses.variables[WEIGHT, start : synapses.first[pre + 1]]
    words = synapses.post_words[WEIGHT]
    draw, word = np.int32(lava_rounding), np.uint32(0)
    if not program.is_lava:
        word = word_of(pre_offset, pre)
    for k in range(n_fired):
        post = synapses.post_fired[k]
        if not program.is_lava:
            draw = np.int32(synapse_word(word, words[post]) >> np.uint32(25))
        synapses.numbers[k] = changed_by_both(program, synapses, log, pre, post, row[post], draw)
    if program.is_lava:
        add_row(row, log.rounded, program.low[WEIGHT], program.high[WEIGHT])
    else:
        low, high = program.low[WEIGHT], program.high[WEIGHT]
        add_row_by_chance(row, log.change, words, word, low, high)
    for k in range(n_fired):
        row[synapses.post_fired[k]] = np.int16(synapses.numbers[k])


@lean_kernel
def log_epoch(program, synapses, log, pre_offset, post_offset, lava_rounding):
    """Put down which targets fired, and the traces of all sources."""
    slot = log.n_slots[0]
    traces = synapses.x[program.waiting_trace]
    keep_traces(traces, log.traces[slot])
    log.added[slot] = 127 - lava_rounding
    log.offset[slot] = pre_offset
    begin = log.first[slot]
    for k in range(synapses.n_fired[1]):
        post = synapses.post_fired[k]
        log.post[begin + k] = post
        log.slot[begin + k] = slot
        if not program.is_lava:
            log.word[begin + k] = word_of(post_offset, post)
    log.first[slot + 1] = begin + synapses.n_fired[1]
    log.n_slots[0] = slot + 1


@lean_kernel
def fill_pair(program, synapses, log, post_offset, lava_rounding):
    """What a source's spike does to its synapses, the same for all sources."""
    p = program.pair
    if p >= 0:
        f = program.first_factor[p]
        trace = program.pair_trace
        right, left = np.int32(program.right[p]), np.int32(program.left[p])
        constant, bound = program.constant[f], program.bound[f]
        traces = synapses.y_history[trace, 1]
        fill_changes(log.change, traces, program.mantissa[p], constant, bound, right, left)
    if program.is_lava:
        round_changes(log.change, log.rounded, 127 - lava_rounding)
    else:
        words = synapses.post_words[WEIGHT]
        fill_words(words, post_offset)


@lean_kernel
def change_waiting(program, synapses, log, now, lava_rounding):
    """Change the rows of sources that fired, and log the spikes of targets for the others."""
    n_visited = np.int64(0)
    logged = log.n_slots[0] + (1 if synapses.n_fired[1] > 0 else 0)
    pre_offset, post_offset = np.uint32(0), np.uint32(0)
    if not program.is_lava:
        key = ROUNDING_KEY + WEIGHT
        pre_offset = place_offset(program.seed, key, now, OF_PRE)
        post_offset = place_offset(program.seed, key, now, OF_POST)
    if synapses.n_fired[0] > 0:
        fill_pair(program, synapses, log, post_offset, lava_rounding)
    for k in range(synapses.n_fired[0]):
        pre = synapses.pre_fired[k]
        n_visited += settle_row(program, synapses, log, pre) + synapses.n_post
        change_fired(program, synapses, log, pre, pre_offset, lava_rounding)
        log.settled[pre] = logged
    if synapses.n_fired[1] > 0:
        log_epoch(program, synapses, log, pre_offset, post_offset, lava_rounding)
        room = log.post.shape[0] - log.first[logged]
        if logged == log.traces.shape[0] or room < synapses.n_post:
            n_visited += settle_all(program, synapses, log)
    return n_visited
