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


@part
def settle_row(program, synapses, pre):
    """Make up for what waits for a source; returns the number of changes."""
    first, last = np.int64(synapses.settled[pre]), synapses.n_logged[0]
    if first == last:
        return np.int64(0)
    synapses.settled[pre] = last
    stop = first  # behind the last slot that changes anything
    stays = synapses.change_of[0] == 0  # and so it does: without spikes a trace of 0 stays 0
    for slot in range(first, last):
        trace = synapses.log_trace[slot, pre]
        if stays and trace == 0:
            break
        change = synapses.change_of[trace]
        if program.is_lava:
            change = np.int32(np.int32(change + synapses.log_added[slot]) >> np.int32(7))
        else:
            synapses.waiting_word[slot] = absorb(synapses.log_offset[slot], np.uint32(pre))
        synapses.waiting_change[slot] = change
        stop = slot + 1 if change != 0 else stop
    begin, end = synapses.log_first[first], synapses.log_first[stop]
    start = synapses.first[pre]
    row = synapses.variables[WEIGHT, start : start + synapses.n_post]
    low, high = np.int32(program.low[WEIGHT]), np.int32(program.high[WEIGHT])
    posts, slots, changes = synapses.log_post, synapses.log_slot, synapses.waiting_change
    if not program.is_lava:
        post_words, words = synapses.log_word, synapses.waiting_word
        add_by_chance(row, posts, slots, post_words, changes, words, begin, end, low, high)
    elif end - begin < DENSE_SLOT * (stop - first):
        add_entries(row, posts, slots, changes, begin, end, low, high)
    else:
        add_slots(row, posts, synapses.log_first, changes, first, stop, low, high)
    return end - begin


@part
def settle_all(program, synapses):
    """Make up for everything, so that weights can be read, and begin a new log."""
    n_visited = np.int64(0)
    if synapses.n_logged[0] == 0:
        return n_visited
    for pre in range(synapses.n_pre):
        n_visited += settle_row(program, synapses, pre)
        synapses.settled[pre] = 0
    synapses.n_logged[0] = 0
    return n_visited


@part
def word_of(offset, neuron):
    """The random number of one end of a synapse."""
    return absorb(offset, np.uint32(neuron))


@part
def changed_by_both(program, synapses, pre, post, weight, draw):
    """A weight after spikes of both ends in one epoch: products in order, sums clipped."""
    trace = synapses.x[program.waiting_trace, pre]
    of_post, of_pre = synapses.change_of[trace], synapses.change[post]
    total = np.int32(np.int32(weight) << np.int32(7))
    total = bounded(np.int32(total + (of_post if program.is_post_first else of_pre)))
    total = bounded(np.int32(total + (of_pre if program.is_post_first else of_post)))
    floor, ceiling = program.accumulator_low[WEIGHT], program.accumulator_high[WEIGHT]
    total = min(max(total, np.int32(floor)), np.int32(ceiling))
    value = np.int32(np.int32(total + np.int32(np.int32(127) - draw)) >> np.int32(7))
    return min(max(value, np.int32(program.low[WEIGHT])), np.int32(program.high[WEIGHT]))


@part
def change_fired(program, synapses, pre, pre_offset, lava_rounding):
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
        synapses.numbers[k] = changed_by_both(program, synapses, pre, post, row[post], draw)
    if program.is_lava:
        add_row(row, synapses.rounded, program.low[WEIGHT], program.high[WEIGHT])
    else:
        low, high = program.low[WEIGHT], program.high[WEIGHT]
        add_row_by_chance(row, synapses.change, words, word, low, high)
    for k in range(n_fired):
        row[synapses.post_fired[k]] = np.int16(synapses.numbers[k])


@part
def log_epoch(program, synapses, pre_offset, post_offset, lava_rounding):
    """Put down which targets fired, and the traces of all sources."""
    slot = synapses.n_logged[0]
    traces = synapses.x[program.waiting_trace]
    keep_traces(traces, synapses.log_trace[slot])
    synapses.log_added[slot] = 127 - lava_rounding
    synapses.log_offset[slot] = pre_offset
    begin = synapses.log_first[slot]
    for k in range(synapses.n_fired[1]):
        post = synapses.post_fired[k]
        synapses.log_post[begin + k] = post
        synapses.log_slot[begin + k] = slot
        if not program.is_lava:
            synapses.log_word[begin + k] = word_of(post_offset, post)
    synapses.log_first[slot + 1] = begin + synapses.n_fired[1]
    synapses.n_logged[0] = slot + 1


@part
def fill_pair(program, synapses, post_offset, lava_rounding):
    """What a source's spike does to its synapses, the same for all sources."""
    p = program.pair
    if p >= 0:
        f = program.first_factor[p]
        trace = program.pair_trace
        right, left = np.int32(program.right[p]), np.int32(program.left[p])
        constant, bound = program.constant[f], program.bound[f]
        traces = synapses.y_history[trace, 1]
        fill_changes(synapses.change, traces, program.mantissa[p], constant, bound, right, left)
    if program.is_lava:
        round_changes(synapses.change, synapses.rounded, 127 - lava_rounding)
    else:
        words = synapses.post_words[WEIGHT]
        fill_words(words, post_offset)


@part
def change_waiting(program, synapses, now, lava_rounding):
    """Change the rows of sources that fired, and log the spikes of targets for the others."""
    n_visited = np.int64(0)
    logged = synapses.n_logged[0] + (1 if synapses.n_fired[1] > 0 else 0)
    pre_offset, post_offset = np.uint32(0), np.uint32(0)
    if not program.is_lava:
        key = ROUNDING_KEY + WEIGHT
        pre_offset = place_offset(program.seed, key, now, OF_PRE)
        post_offset = place_offset(program.seed, key, now, OF_POST)
    if synapses.n_fired[0] > 0:
        fill_pair(program, synapses, post_offset, lava_rounding)
    for k in range(synapses.n_fired[0]):
        pre = synapses.pre_fired[k]
        n_visited += settle_row(program, synapses, pre) + synapses.n_post
        change_fired(program, synapses, pre, pre_offset, lava_rounding)
        synapses.settled[pre] = logged
    if synapses.n_fired[1] > 0:
        log_epoch(program, synapses, pre_offset, post_offset, lava_rounding)
        room = synapses.log_post.shape[0] - synapses.log_first[logged]
        if logged == synapses.log_trace.shape[0] or room < synapses.n_post:
            n_visited += settle_all(program, synapses)
    return n_visited
