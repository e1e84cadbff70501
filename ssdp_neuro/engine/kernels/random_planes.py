"""Random bits of a source's synapses, plane by plane, and the numbers of 7 bits that they make.

A word holds one bit of each of 32 targets, so a plane of 512 synapses is mixed as one vector, and
where only the upper bits of a number decide, only their planes are. Words hold the complement: what
carries a fraction into the next whole number, 127 minus the number, is the sum of their bits.
"""

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import inner_kernel, part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.masked_rows import BYTE, FLAGS, ROW, WORD
from ssdp_neuro.engine.kernels.random_words import MIX_A, absorb, carry_bits
from ssdp_neuro.engine.kernels.rule_tables import GROUP, PLANES, WORDS
from ssdp_neuro.engine.kernels.spike_list import ONE_BY_ONE
from ssdp_neuro.engine.kernels.tables import BLOCK

UPPER = 5  # first plane of those that decide on changes in quarters
KEYS = 8  # keys of a group's planes
INTEGER = cgutils.ir.IntType(32)
VECTOR = cgutils.ir.VectorType(INTEGER, WORDS)
BYTES = cgutils.ir.VectorType(BYTE, BLOCK)


def _all(value):
    return VECTOR([INTEGER(value)] * WORDS)


def _place(context, builder, signature, arguments, k):
    array = context.make_array(signature.args[k])(context, builder, arguments[k])
    address = builder.gep(array.data, [arguments[k + 1]])
    return builder.bitcast(address, VECTOR.as_pointer())


def _mixed(context, builder, signature, arguments):
    """The complement of :func:`.random_words.synapse_bits`, of a vector of words."""
    number = builder.insert_element(VECTOR(None), arguments[4], INTEGER(0))
    number = builder.shuffle_vector(number, number, VECTOR(None))
    words = builder.load(_place(context, builder, signature, arguments, 2), align=4)
    bits = builder.add(words, number)
    bits = builder.xor(bits, builder.lshr(bits, _all(16)))
    bits = builder.mul(bits, _all(MIX_A))
    bits = builder.xor(bits, builder.lshr(bits, _all(16)))
    return builder.xor(bits, _all(0xFFFFFFFF))


@intrinsic
def _mix_block(typing_context, out, place, words, start, number):
    def generate(context, builder, signature, arguments):
        bits = _mixed(context, builder, signature, arguments)
        builder.store(bits, _place(context, builder, signature, arguments, 0), align=4)
        return context.get_dummy_value()

    return types.void(out, types.int64, words, types.int64, types.uint32), generate


@intrinsic
def _carry_block(
    typing_context, out, place, words, start, number, stride, first, fraction, fired, at
):
    def generate(context, builder, signature, arguments):
        start, stride, first, fraction = (arguments[k] for k in (3, 5, 6, 7))
        total = cgutils.alloca_once_value(builder, VECTOR(None))
        with cgutils.for_range_slice(builder, first, WORD(PLANES), WORD(1)) as (plane, _):
            begin = builder.add(start, builder.mul(plane, stride))
            given = (*arguments[:3], begin, arguments[4])
            bits, before = _mixed(context, builder, signature, given), builder.load(total)
            is_set = builder.trunc(builder.lshr(fraction, plane), cgutils.ir.IntType(1))
            after = builder.select(is_set, builder.or_(before, bits), builder.and_(before, bits))
            builder.store(after, total)
        fired = builder.load(_place(context, builder, signature, arguments, 8), align=4)
        address = _place(context, builder, signature, arguments, 0)
        builder.store(builder.and_(builder.load(total), fired), address, align=4)
        return context.get_dummy_value()

    numbers = [types.int64] * 3
    ends = (out, types.int64, words, types.int64, types.uint32, *numbers, fired, types.int64)
    return types.void(*ends), generate


def _expander(first):
    """For the planes from ``first`` on."""

    @intrinsic
    def expand(typing_context, added, start, planes, place, stride):
        def generate(context, builder, signature, arguments):
            added, start, planes, place, stride = arguments
            added = context.make_array(signature.args[0])(context, builder, added)
            planes = context.make_array(signature.args[2])(context, builder, planes)
            total = BYTES(None)
            for plane in range(first, PLANES):
                at = builder.add(place, builder.mul(stride, WORD(plane)))
                address = builder.gep(planes.data, [at])
                flags = builder.load(builder.bitcast(address, FLAGS.as_pointer()), align=4)
                bits = builder.select(flags, BYTES([BYTE(1 << plane)] * BLOCK), BYTES(None))
                total = builder.or_(total, bits)
            target = builder.bitcast(builder.gep(added.data, [start]), ROW.as_pointer())
            builder.store(builder.zext(total, ROW), target, align=2)
            return context.get_dummy_value()

        return types.void(added, types.int64, planes, types.int64, types.int64), generate

    return expand


def mix_one_by_one(out, place, words, start, number):
    """The same, as an interpreter or a check of bounds can follow it."""
    for k in range(WORDS):
        out[place + k] = carry_bits(number, words[start + k])


def carry_one_by_one(out, place, words, start, number, stride, first, fraction, fired, at):
    """The same."""
    for k in range(WORDS):
        total = np.uint32(0)
        for plane in range(first, PLANES):
            bits = carry_bits(number, words[start + plane * stride + k])
            total = total | bits if fraction >> plane & 1 else total & bits
        out[place + k] = total & fired[at + k]


def expand_one_by_one(added, start, planes, place, stride):
    """The same."""
    for k in range(BLOCK):
        added[start + k] = np.int16(0)
        for plane in range(PLANES):
            bits = planes[place + plane * stride + k // GROUP]
            bit = np.int16(bits >> np.uint32(k % GROUP) & np.uint32(1))
            added[start + k] += np.int16(bit << np.int16(plane))


mix_block = part(mix_one_by_one) if ONE_BY_ONE else _mix_block
carry_block = part(carry_one_by_one) if ONE_BY_ONE else _carry_block
expand_block = part(expand_one_by_one) if ONE_BY_ONE else _expander(0)
expand_upper_block = part(expand_one_by_one) if ONE_BY_ONE else _expander(UPPER)


@inner_kernel
def fill_plane_words(words, stride, offset):
    """Random numbers of groups of targets, plane after plane, by a key whose last word is both."""
    for plane in range(PLANES):
        for group in range(stride):
            words[plane * stride + group] = absorb(offset, np.uint32(group * KEYS + plane))


@part
def fill_carries(out, place, words, start, number, stride, first, fraction, fired, at):
    """Bits of targets that fired and whose number is below ``fraction``, 0..127.

    ``out`` from ``place`` on, ``words`` from ``start`` on, who fired from ``at`` on. Planes below
    ``first`` decide nothing: the fraction has no bits there.
    """
    for k in range(0, stride, WORDS):
        carry_block(
            out, place + k, words, start + k, number, stride, first, fraction, fired, at + k
        )


@inner_kernel
def pick_numbers(synapses, out, places, count):
    """Those of listed targets, of planes that :func:`draw_row` has mixed."""
    planes, stride = synapses.planes, synapses.stride
    for k in range(count):
        post = np.uint64(places[k])
        total = np.uint32(0)
        for plane in range(PLANES):
            word = planes[np.uint64(plane * stride) + (post >> np.uint64(5))]
            bit = np.uint32(word >> np.uint32(post & np.uint64(31)) & np.uint32(1))
            total |= np.uint32(bit << np.uint32(plane))
        out[k] = np.int32(total)


@inner_kernel
def draw_row(synapses, target, word, first, needs_all):
    """Fill ``narrow_added``: 127 minus the number of each synapse of a source.

    Bits of planes below ``first``, which decide nothing, may be any; ``planes`` are mixed anyway if
    all are needed.
    """
    wide_vectors()
    planes, words, added = synapses.planes, synapses.post_words[target], synapses.narrow_added
    stride = synapses.stride
    for place in range(0 if needs_all else first * stride, PLANES * stride, WORDS):
        mix_block(planes, place, words, place, word)
    for start in range(0, added.shape[0], BLOCK):
        if first < UPPER:
            expand_block(added, start, planes, start // GROUP, stride)
        else:
            expand_upper_block(added, start, planes, start // GROUP, stride)


@inner_kernel
def draw_listed(added, word, words, stride, posts, start, count):
    """The same of listed targets."""
    for k in range(count):
        added[k] = np.int32(0)
    for plane in range(PLANES):
        for k in range(count):
            post = np.uint32(posts[start + k])
            bits = carry_bits(word, words[plane * stride + (post >> np.uint32(5))])
            bit = np.int32(bits >> (post & np.uint32(31)) & np.uint32(1))
            added[k] += np.int32(bit << np.int32(plane))


@inner_kernel
def draw_column(added, words, group_words, stride, post, sources, count):
    """The same of listed sources of one target."""
    for k in range(count):
        added[k] = np.int32(0)
    shift = np.uint32(post % GROUP)
    for plane in range(PLANES):
        group_word = group_words[plane * stride + post // GROUP]
        for k in range(count):
            bits = carry_bits(words[sources[k]], group_word)
            bit = np.int32(bits >> shift & np.uint32(1))
            added[k] += np.int32(bit << np.int32(plane))
