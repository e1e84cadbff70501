"""2-D convolution by places of the output, where many sources fire: sums made beforehand.

Four channels of an input place, a quad, fire in one of 16 ways. The sum of their weights is kept
for each way, quad and tap, ``(row tap, column tap, quad, way, channel out)``. So an output place
adds one row of it for each quad that it sees, whoever fired, in registers: no sum is stored in
between, and nothing has to be foreseen. A spike by spike adds more than twice as fast only where
few fire. ``geometry`` is that of :mod:`.convolution`.
"""

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.clearing import clear_words
from ssdp_neuro.engine.kernels.tables import (
    OPERATIONS_BIT,
    QUAD,
    QUAD_BIT,
    SUM_LANES,
    UNROLLED,
    WAYS,
)

FEW = 32  # of so many sources one fires, from which whole images cost less than spikes
BYTE_MASK = (1 << OPERATIONS_BIT) - 1


@intrinsic
def _add_sums(typing_context, drive, post, quads, first, width, sums, base, taps, per_row, in_shorts,
              n_out, shift, floor):  # fmt: skip
    def generate(context, builder, signature, arguments):
        drive_array, quads_array, sums_array = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 2, 5)
        )
        _, post, _, first, width, _, base, taps, per_row, in_shorts, n_out, shift, floor = arguments
        word = post.type
        row_size = builder.mul(n_out, word(WAYS))
        # of all rows, if more fit
        is_flushed = builder.icmp_signed("<", in_shorts, builder.mul(taps, per_row))

        def count(start, stop, step):
            return cgutils.for_range_slice(builder, start, stop, word(step), word)

        def add_tile(channel, lanes):
            narrow = cgutils.ir.VectorType(cgutils.ir.IntType(16), lanes)
            wide = cgutils.ir.VectorType(cgutils.ir.IntType(32), lanes)
            total, short = (cgutils.alloca_once(builder, kind) for kind in (wide, narrow))
            builder.store(wide(None), total)
            builder.store(narrow(None), short)

            def keep_sum():
                added = builder.sext(builder.load(short), wide)
                builder.store(builder.add(builder.load(total), added), total)
                builder.store(narrow(None), short)

            with count(word(0), taps, 1) as (row, _):
                ways = builder.add(first, builder.mul(row, width))
                ways = builder.gep(quads_array.data, [ways])
                rows = builder.mul(builder.mul(row, per_row), row_size)
                rows = builder.gep(sums_array.data, [builder.add(builder.add(base, channel), rows)])

                def row_of(place):
                    way = builder.zext(builder.load(builder.gep(ways, [place])), word)
                    start = builder.gep(rows, [builder.mul(place, row_size)])
                    start = builder.bitcast(builder.gep(start, [way]), narrow.as_pointer())
                    return builder.load(start, align=2)

                with cgutils.for_range_slice(builder, word(0), per_row, in_shorts, word) as (
                    begin,
                    _,
                ):
                    end = builder.add(begin, in_shorts)
                    is_whole = builder.icmp_signed("<", end, per_row)
                    end = builder.select(is_whole, end, per_row)
                    whole = builder.and_(builder.sub(end, begin), word(-UNROLLED))
                    whole = builder.add(begin, whole)
                    with count(begin, whole, UNROLLED) as (place, _):
                        terms = [row_of(builder.add(place, word(k))) for k in range(UNROLLED)]
                        pairs = [builder.add(*terms[:2]), builder.add(*terms[2:])]
                        added = builder.add(builder.load(short), builder.add(*pairs))
                        builder.store(added, short)
                    with count(whole, end, 1) as (place, _):
                        builder.store(builder.add(builder.load(short), row_of(place)), short)
                    with builder.if_then(is_flushed):
                        keep_sum()
            keep_sum()

            def each_lane(value):
                zeros = cgutils.ir.VectorType(cgutils.ir.IntType(32), lanes)(None)
                one = builder.insert_element(wide(None), value, zeros.type.element(0))
                return builder.shuffle_vector(one, one, zeros)

            added = builder.shl(builder.load(total), each_lane(shift))
            added = builder.ashr(added, each_lane(floor))
            place = builder.gep(drive_array.data, [builder.add(post, channel)])
            place = builder.bitcast(place, wide.as_pointer())
            builder.store(builder.add(builder.load(place, align=4), added), place, align=4)

        with count(word(0), builder.and_(n_out, word(-SUM_LANES[0])), SUM_LANES[0]) as (channel, _):
            add_tile(channel, SUM_LANES[0])
        with count(builder.and_(n_out, word(-SUM_LANES[0])), n_out, SUM_LANES[1]) as (channel, _):
            add_tile(channel, SUM_LANES[1])
        return context.get_dummy_value()

    number, half = types.int64, types.int32
    return types.void(drive, number, quads, number, number, sums, *(number,) * 5, half, half), (
        generate
    )


@part
def _add_one_by_one(
    drive, post, quads, first, width, sums, base, taps, per_row, in_shorts, n_out, shift, floor
):
    """The same, as an interpreter or a check of bounds can follow it."""
    for channel in range(n_out):
        total = np.int32(0)
        for row in range(taps):
            for place in range(per_row):
                way = np.int64(quads[first + row * width + place])
                start = base + (row * per_row + place) * WAYS * n_out + way
                total = np.int32(total + np.int32(sums[start + channel]))
        added = np.int32(np.int32(total << shift) >> floor)
        drive[post + channel] = np.int32(drive[post + channel] + added)


ONE_BY_ONE = numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK
add_sums = _add_one_by_one if ONE_BY_ONE else _add_sums


@part
def many_fire(n_fired, geometry):
    """Whether so many sources fire that whole images cost less than their spikes."""
    sources = geometry[4] * geometry[9] * geometry[10] * geometry[5] * geometry[6]
    return n_fired * FEW >= sources


@part
def deliver_quads(
    fired, words, quads, sums, base, in_shorts, geometry, drive, shift, floor, first, last
):
    """Add to the drive of output rows ``first..last - 1`` what arrives there.

    Returns how many weights arrive anywhere, if the first row is among them.

    ``words`` say of each source how many weights it has, and where in ``quads``, the ways of all
    quads of the padded input, ``(row, column, quad)``, it is. They are zero before and after, and
    say where the sum for a way begins. Sums of ``in_shorts`` rows fit 16 bits.
    """
    wide_vectors()
    n_operations, n_out = 0, geometry[3]
    for k in range(fired.shape[0]):
        word = words[np.uint64(fired[k])]
        place = np.uint64((word & BYTE_MASK) >> QUAD_BIT)
        quads[place] += np.int16(n_out << (word & (QUAD - 1)))
        n_operations += word >> OPERATIONS_BIT
    columns = geometry[6]
    n_quads = (geometry[4] + QUAD - 1) // QUAD
    width = (geometry[2] + 2 * geometry[12]) * n_quads
    down, right = geometry[9] * width, geometry[10] * n_quads
    row_taps, per_row = geometry[7], geometry[8] * n_quads
    for row in range(first, last):
        for column in range(columns):
            add_sums(
                drive,
                (row * columns + column) * n_out,
                quads,
                row * down + column * right,
                width,
                sums,
                base,
                row_taps,
                per_row,
                in_shorts,
                n_out,
                shift,
                floor,
            )
    clear_words(quads, 0, quads.shape[0])
    return n_operations if first == 0 else 0
