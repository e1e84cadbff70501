"""Spike delivery: add the weights of the sources that fired to their targets' drive.

Every function mutates ``drive`` (and its scratch, left at zero), visits only synapses of
the fired sources, and returns how many. Sums wrap in int32, as Lava's do.
"""

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.clearing import clear_words
from ssdp_neuro.engine.kernels.row_sums import add_rows
from ssdp_neuro.engine.kernels.table_view import section
from ssdp_neuro.engine.kernels.tables import PLACE_BITS, PLACES

LINE_BYTES = 64


@intrinsic
def _prefetch(typing_context, array, index):
    def generate(context, builder, signature, arguments):
        array_type, _ = signature.args
        struct = context.make_array(array_type)(context, builder, arguments[0])
        pointer = builder.gep(struct.data, [arguments[1]])
        byte = builder.bitcast(pointer, cgutils.voidptr_t)
        number = cgutils.ir.IntType(32)
        kind = cgutils.ir.FunctionType(
            cgutils.ir.VoidType(), [cgutils.voidptr_t, number, number, number]
        )
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # to be read, kept in all levels, as data
        builder.call(function, [byte, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


def _nothing(array, index):
    """Interpreted kernels run without it."""


prefetch = _nothing if numba.config.DISABLE_JIT else _prefetch


PLACE_MASK = np.uint32(PLACES - 1)
WEIGHT_SHIFT = np.int32(PLACE_BITS)
GROUP_ROWS_AHEAD = 4  # rows of a group of delays asked for before their turn
ROWS_AHEAD = 12  # rows of packed synapses asked for before their turn
STARTS_AHEAD = 2 * ROWS_AHEAD  # and where they begin, which lies anywhere as well
WORDS_PER_LINE = LINE_BYTES // 4
ROWS_PER_FLUSH = 252  # 255 rows of -128 still fit int16; a multiple of 4
WIDE_ROWS_PER_FLUSH = 124  # likewise of -256


@part
def flush(sums, drive, shift):
    """Add sums, shifted, to ``drive`` and clear them."""
    wide_vectors()
    for j in range(drive.shape[0]):
        drive[j] = np.int32(drive[j] + np.int32(np.int32(sums[j]) << (shift & 31)))
    for j in range(sums.shape[0]):
        sums[j] = np.int16(0)


@part
def _deliver_rows(fired, weights, base, stride, zero_row, sums, drive, shift, per_flush):
    wide_vectors()
    n = fired.shape[0] - 3
    for spare in range(n, n + 3):
        fired[spare] = zero_row
    place = 0
    while place < n:
        end = min(place + per_flush, n)
        while end - place > 4:
            add_rows(sums, weights, base, stride, fired, place, 8)
            place += 8
        if place < end:
            add_rows(sums, weights, base, stride, fired, place, 4)
            place += 4
        flush(sums, drive, shift)
    return n * drive.shape[0]


@part
def deliver_dense8(fired, weights, base, stride, zero_row, sums, drive, shift):
    """Rows of int8, summed in int16 and flushed before they can overflow.

    ``fired`` has room for three more entries, which are pointed at the row of zeros so
    that rows go eight or four at a time. Rows are ``stride`` apart; ``drive`` has one entry for
    each target of a range of them, whose columns begin at ``base``, and ``sums`` as many, padded.
    """
    return _deliver_rows(fired, weights, base, stride, zero_row, sums, drive, shift, ROWS_PER_FLUSH)


@part
def deliver_dense16(fired, weights, base, stride, zero_row, sums, drive, shift):
    """The same with rows of int16, for weights of 9 bits that have no 8-bit form."""
    return _deliver_rows(
        fired, weights, base, stride, zero_row, sums, drive, shift, WIDE_ROWS_PER_FLUSH
    )


@part
def settle_dense(sums, drive, floor):
    """Add floored sums to ``drive`` and clear them."""
    for j in range(drive.shape[0]):
        drive[j] = np.int32(drive[j] + np.int32(sums[j] >> floor))
        sums[j] = np.int32(0)


@part
def deliver_sparse(fired, row_start, target, weight, drive, shift):
    """Listed synapses without delays."""
    n_operations = 0
    for k in range(fired.shape[0]):
        start, end = row_start[fired[k]], row_start[fired[k] + 1]
        posts, weights = target[start:end], weight[start:end]
        n_operations += end - start
        for s in range(posts.shape[0]):
            post = posts[s]
            drive[post] = np.int32(drive[post] + np.int32(np.int32(weights[s]) << shift))
    return n_operations


@part
def ask_for_row(source, row_start, packed, low, high, size):
    """Ask for the words of a source, those of targets ``low..high - 1`` if evenly spread."""
    first, last = row_start[source], row_start[source + 1]
    begin, stop = first, last
    if high - low != size:
        begin = max(first + (last - first) * low // size - WORDS_PER_LINE, first)
        stop = min(first + (last - first) * high // size + WORDS_PER_LINE, last)
    for s in range(begin, stop, WORDS_PER_LINE):
        prefetch(packed, s)


@part
def deliver_packed(fired, row_start, packed, drive, shift, low, high):
    """Synapses without delays, one word each: ``target << 8 | weight & 255``, sorted by target.

    Those to targets ``low..high - 1`` alone. Rows lie anywhere in memory, and so do the places
    where they begin: the first ones are all asked for at once, later ones ahead of their turn.
    """
    n_fired, size = fired.shape[0], drive.shape[0]
    for k in range(min(n_fired, STARTS_AHEAD)):
        prefetch(row_start, fired[k])
    for k in range(min(n_fired, ROWS_AHEAD)):
        ask_for_row(fired[k], row_start, packed, low, high, size)
    n_operations = 0
    for k in range(n_fired):
        if k + STARTS_AHEAD < n_fired:
            prefetch(row_start, fired[k + STARTS_AHEAD])
        if k + ROWS_AHEAD < n_fired:
            ask_for_row(fired[k + ROWS_AHEAD], row_start, packed, low, high, size)
        start, end = row_start[fired[k]], row_start[fired[k] + 1]
        if low > 0:
            start = first_word(packed, start, end, low << 8)
        if high < size:
            end = first_word(packed, start, end, high << 8)
        words = section(packed, start, end)
        n_operations += words.shape[0]
        for s in range(words.shape[0]):
            post = words[s] >> np.uint32(8)
            drive[post] = np.int32(drive[post] + np.int32(np.int32(np.int8(words[s])) << shift))
    return n_operations


@part
def first_word(words, start, end, limit):
    """Place of the first word of a sorted row that is not below ``limit``."""
    while start < end:
        middle = (start + end) >> 1
        is_below = np.int64(words[middle]) < limit
        start = middle + 1 if is_below else start
        end = end if is_below else middle
    return start


@part
def deliver_single(fired, words, drive, shift, low, high):
    """The same where no source has two: pooling, and one to one.

    NO_SYNAPSE is beyond every target.
    """
    n_operations = 0
    for k in range(fired.shape[0]):
        word = words[np.uint64(fired[k])]
        post = word >> np.uint32(8)
        if np.int64(post) >= low and np.int64(post) < high:
            drive[post] = np.int32(drive[post] + np.int32(np.int32(np.int8(word)) << shift))
            n_operations += 1
    return n_operations


@part
def deliver_group(fired, row_start, cuts, low, high, words, sums, start, span, shift):
    """A group of delays: ``words`` are ``weight << 23 | place``, places from ``start`` on.

    Of each row, which is in ``cuts`` pieces, those from ``low`` to ``high - 1``. ``sums`` is a
    ring, in which the group reaches over ``span`` entries. Rows are asked for ahead, as those of
    packed synapses.
    """
    size = sums.shape[0]
    ahead_of = section(sums, start, size)
    goes_round = start + span > size
    n_operations = 0
    for k in range(fired.shape[0]):
        if k + GROUP_ROWS_AHEAD < fired.shape[0]:
            ahead = fired[k + GROUP_ROWS_AHEAD] * cuts
            for s in range(row_start[ahead + low], row_start[ahead + high], WORDS_PER_LINE):
                prefetch(words, s)
        first = fired[k] * cuts
        row = section(words, row_start[first + low], row_start[first + high])
        n_operations += row.shape[0]
        if goes_round:
            for s in range(row.shape[0]):
                place = start + np.int64(row[s] & PLACE_MASK)
                place = place - size if place >= size else place
                weight = np.int32(np.int32(row[s]) >> WEIGHT_SHIFT)
                sums[place] = np.int32(sums[place] + np.int32(weight << shift))
        else:
            for s in range(row.shape[0]):
                place = np.int64(row[s] & PLACE_MASK)
                weight = np.int32(np.int32(row[s]) >> WEIGHT_SHIFT)
                ahead_of[place] = np.int32(ahead_of[place] + np.int32(weight << shift))
    return n_operations


@part
def new_rest(rest, number):
    """The number of another use of what floors leave."""
    number[0] += 1
    if number[0] > 255:
        clear_words(rest, 0, rest.shape[0])
        number[0] = 1
    return number[0]


@part
def left_by(kept, above):
    """What an earlier synapse of the same use has left, at most 8 bits."""
    left = np.int32(np.int32(kept) - above)
    return left if np.uint32(left) < np.uint32(256) else np.int32(0)


@part
def deliver_floored(fired, row_start, cuts, words, rest, number, drive, start, span, floor):
    """A group of delays whose sums are floored, one synapse after the other.

    ``rest`` (``span``,) keeps what a floor leaves of each sum, at most 8 bits, for the next synapse
    to the same place: the floors of a sum's parts, rests passed on, are the floor of the sum. What
    it kept before counts as zero: it does not have this use's ``number`` above those bits.
    """
    size, low_bits, above = drive.shape[0], np.int32((1 << floor) - 1), np.int32(number << 8)
    ahead_of = section(drive, start, size)
    goes_round = start + span > size
    n_operations = 0
    for k in range(fired.shape[0]):
        if k + GROUP_ROWS_AHEAD < fired.shape[0]:
            ahead = fired[k + GROUP_ROWS_AHEAD] * cuts
            for s in range(row_start[ahead], row_start[ahead + cuts], WORDS_PER_LINE):
                prefetch(words, s)
        row = section(words, row_start[fired[k] * cuts], row_start[(fired[k] + 1) * cuts])
        n_operations += row.shape[0]
        if goes_round:
            for s in range(row.shape[0]):
                place = np.int64(row[s] & PLACE_MASK)
                left = left_by(rest[place], above)
                total = np.int32(np.int32(np.int32(row[s]) >> WEIGHT_SHIFT) + left)
                rest[place] = np.uint16(above | (total & low_bits))
                later = start + place
                later = later - size if later >= size else later
                drive[later] = np.int32(drive[later] + np.int32(total >> floor))
        else:
            for s in range(row.shape[0]):
                place = np.int64(row[s] & PLACE_MASK)
                left = left_by(rest[place], above)
                total = np.int32(np.int32(np.int32(row[s]) >> WEIGHT_SHIFT) + left)
                rest[place] = np.uint16(above | (total & low_bits))
                ahead_of[place] = np.int32(ahead_of[place] + np.int32(total >> floor))
    return n_operations


@part
def list_rows(fired, row_of, rows):
    """Rows of the sources that have one; returns how many."""
    n_rows = 0
    for k in range(fired.shape[0]):
        rows[n_rows] = row_of[fired[k]]
        n_rows += np.int64(row_of[fired[k]] >= 0)
    return n_rows


@part
def deliver_delayed(fired, row_start, target, weight, delay, drive, ring, slot, shift):
    """Listed synapses with delays.

    ``drive`` is ``(ring, stride)`` flat, and ``slot`` that of the next step.
    """
    stride = drive.shape[0] // ring
    n_operations = 0
    for k in range(fired.shape[0]):
        start, end = row_start[fired[k]], row_start[fired[k] + 1]
        n_operations += end - start
        for s in range(start, end):
            place = ((slot + delay[s]) % ring) * stride + np.int64(target[s])
            drive[place] = np.int32(drive[place] + np.int32(np.int32(weight[s]) << shift))
    return n_operations


@part
def settle_sparse(fired, row_start, target, delay, delayed, sums, drive, ring, slot, floor):
    """Floor the sums of the synapses just visited, once per target and delay, into ``drive``."""
    stride = drive.shape[0] // ring
    for k in range(fired.shape[0]):
        for s in range(row_start[fired[k]], row_start[fired[k] + 1]):
            place = (slot % ring) * stride + np.int64(target[s])
            if delayed:
                place = ((slot + delay[s]) % ring) * stride + np.int64(target[s])
            if sums[place] != 0:
                drive[place] = np.int32(drive[place] + np.int32(sums[place] >> floor))
                sums[place] = np.int32(0)
