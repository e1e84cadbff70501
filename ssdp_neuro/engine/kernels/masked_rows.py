"""Whole rows of int16 to which numbers are added where bits are set: 64 at a time.

Each of many words of bits adds a number of its own. The sums stay in registers until all words
are through, which Numba has no vectors for.
"""

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.rule_tables import GROUP
from ssdp_neuro.engine.kernels.spike_list import ONE_BY_ONE
from ssdp_neuro.engine.kernels.tables import BLOCK

BYTE, HALF, WORD = (cgutils.ir.IntType(bits) for bits in (8, 16, 64))
FLAGS = cgutils.ir.VectorType(cgutils.ir.IntType(1), BLOCK)
ROW = cgutils.ir.VectorType(HALF, BLOCK)


def splat(builder, value):
    """A block of one value."""
    lanes = cgutils.ir.VectorType(cgutils.ir.IntType(32), BLOCK)(None)
    vector = cgutils.ir.VectorType(value.type, BLOCK)(None)
    first = builder.insert_element(vector, value, cgutils.ir.IntType(32)(0))
    return builder.shuffle_vector(first, first, lanes)


def _adder(n_words, kind):
    """For so many words at once, with sums of a type of integers."""

    @intrinsic
    def add(typing_context, row, start, bits, places, numbers, count, word, low, high):
        def generate(context, builder, signature, arguments):
            _, start, _, _, _, count, word, low, high = arguments
            row, bits, places, numbers = (
                context.make_array(signature.args[k])(context, builder, arguments[k])
                for k in (0, 2, 3, 4)
            )
            zeros = cgutils.ir.VectorType(kind, BLOCK)(None)
            sums = [cgutils.alloca_once_value(builder, zeros) for _ in range(n_words)]
            with cgutils.for_range(builder, count) as loop:
                place = builder.load(builder.gep(places.data, [loop.index]))
                number = builder.load(builder.gep(numbers.data, [loop.index]))
                number = splat(builder, builder.trunc(number, kind) if kind is BYTE else number)
                first = builder.add(place, builder.shl(word, WORD(1)))
                for k, total in enumerate(sums):
                    address = builder.gep(bits.data, [builder.add(first, WORD(2 * k))])
                    address = builder.bitcast(address, FLAGS.as_pointer())
                    flags = builder.load(address, align=4)
                    before = builder.load(total)
                    after = builder.select(flags, builder.add(before, number), before)
                    builder.store(after, total)
            low, high = (splat(builder, builder.trunc(end, HALF)) for end in (low, high))
            for k, total in enumerate(sums):
                place = builder.add(start, WORD(k * BLOCK))
                address = builder.bitcast(builder.gep(row.data, [place]), ROW.as_pointer())
                change = builder.load(total)
                change = builder.sext(change, ROW) if kind is BYTE else change
                value = builder.add(builder.load(address, align=2), change)
                value = builder.select(builder.icmp_signed("<", value, low), low, value)
                value = builder.select(builder.icmp_signed(">", value, high), high, value)
                builder.store(value, address, align=2)
            return context.get_dummy_value()

        return types.void(row, types.int64, bits, places, numbers, *[types.int64] * 4), generate

    return add


@part
def _add_one_by_one(row, start, bits, places, numbers, count, word, low, high):
    """The same, as an interpreter or a check of bounds can follow it."""
    for i in range(BLOCK):
        total = np.int64(row[start + i])
        for k in range(count):
            place = places[k] + 2 * word + i // GROUP
            flag = bits[place] >> np.uint32(i % GROUP) & np.uint32(1)
            total += np.int64(numbers[k]) if flag else np.int64(0)
        row[start + i] = np.int16(min(max(total, low), high))


@part
def _add_two_one_by_one(row, start, bits, places, numbers, count, word, low, high):
    for k in range(2):
        _add_one_by_one(row, start + k * BLOCK, bits, places, numbers, count, word + k, low, high)


@part
def _add_eight_one_by_one(row, start, bits, places, numbers, count, word, low, high):
    for k in range(8):
        _add_one_by_one(row, start + k * BLOCK, bits, places, numbers, count, word + k, low, high)


if ONE_BY_ONE:
    add_one = small_add_one = _add_one_by_one
    add_two = small_add_two = _add_two_one_by_one
    add_eight = small_add_eight = _add_eight_one_by_one
else:
    add_one, add_two, add_eight = (_adder(n_words, HALF) for n_words in (1, 2, 8))
    small_add_one, small_add_two, small_add_eight = (_adder(n_words, BYTE) for n_words in (1, 2, 8))


@part
def add_masked(row, bits, places, numbers, count, is_small, low, high):
    """Add ``numbers[k]`` where the bits from ``bits[places[k]]`` on are set, and clip the sums.

    Bits are words of 32.

    ``row`` is whole blocks; all sums are in 16 bits, in 8 if they are small, and clipped once.
    """
    n_words = row.shape[0] // BLOCK
    word = np.int64(0)
    while word + 8 <= n_words:
        if is_small:
            small_add_eight(row, word * BLOCK, bits, places, numbers, count, word, low, high)
        else:
            add_eight(row, word * BLOCK, bits, places, numbers, count, word, low, high)
        word += 8
    while word + 2 <= n_words:
        if is_small:
            small_add_two(row, word * BLOCK, bits, places, numbers, count, word, low, high)
        else:
            add_two(row, word * BLOCK, bits, places, numbers, count, word, low, high)
        word += 2
    if word < n_words:
        if is_small:
            small_add_one(row, word * BLOCK, bits, places, numbers, count, word, low, high)
        else:
            add_one(row, word * BLOCK, bits, places, numbers, count, word, low, high)
