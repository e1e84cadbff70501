"""Blocks of 64 synapses whose variable changes in 16 bits, as vectors written by hand.

LLVM's own loop passes four vectors at a time and the rest of a row in small ones, which of rows
of a few hundred synapses is a quarter of the time.
"""

import numpy as np
from numba.core import types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.masked_rows import HALF, ROW, splat
from ssdp_neuro.engine.kernels.spike_list import ONE_BY_ONE
from ssdp_neuro.engine.kernels.tables import BLOCK


def _fader(has_marks, has_changes):
    """For blocks of which some, or all, change by one product more."""

    @intrinsic
    def fade(typing_context, start, row, factors, numbers, added, marks, changes, change, terms):
        def generate(context, builder, signature, arguments):
            start, change = arguments[0], arguments[7]

            def block(k):
                array = context.make_array(signature.args[k])(context, builder, arguments[k])
                place = builder.gep(array.data, [start])
                return builder.bitcast(place, ROW.as_pointer())

            def loaded(k):
                return builder.load(block(k), align=2)

            def spread(number):
                return splat(builder, builder.trunc(number, HALF))

            def clipped(values, low, high):
                values = builder.select(builder.icmp_signed("<", values, low), low, values)
                return builder.select(builder.icmp_signed(">", values, high), high, values)

            constant, least, most, mask, power, low, high = (
                spread(builder.extract_value(arguments[8], k)) for k in range(7)
            )
            factor = clipped(builder.add(loaded(2), constant), least, most)
            product = builder.and_(builder.mul(factor, loaded(3)), mask)
            total = builder.add(builder.mul(product, power), loaded(4))
            if has_marks:
                total = builder.add(total, builder.and_(loaded(5), spread(change)))
            if has_changes:
                total = builder.add(total, loaded(6))
            whole = builder.ashr(total, ROW([HALF(7)] * BLOCK))
            value = clipped(builder.add(loaded(1), whole), low, high)
            builder.store(value, block(1), align=2)
            return context.get_dummy_value()

        arrays = (row, factors, numbers, added, marks, changes)
        return types.void(types.int64, *arrays, types.int64, terms), generate

    return fade


def _fader_one_by_one(has_marks, has_changes):
    """The same, as an interpreter or a check of bounds can follow it."""

    def fade(start, row, factors, numbers, added, marks, changes, change, terms):
        constant, least, most, mask, power, low, high = terms
        for k in range(start, start + BLOCK):
            factor = min(max(np.int64(factors[k]) + constant, least), most)
            total = ((factor * np.int64(numbers[k])) & mask) * power + np.int64(added[k])
            if has_marks:
                total += np.int64(marks[k]) & np.int64(change)
            if has_changes:
                total += np.int64(changes[k])
            row[k] = np.int16(min(max(np.int64(row[k]) + (total >> 7), low), high))

    return fade


_KINDS = ((False, False), (True, False), (True, True))
if ONE_BY_ONE:
    fade_block, fade_marked_block, fade_fired_block = (
        part(_fader_one_by_one(*kind)) for kind in _KINDS
    )
else:
    fade_block, fade_marked_block, fade_fired_block = (_fader(*kind) for kind in _KINDS)
BY_ONE = tuple(_fader_one_by_one(*kind) for kind in _KINDS)
