"""2-D convolution by places of the output, where many sources fire: sums made beforehand.

Four channels of an input place, a quad, fire in one of 16 ways. The sum of their weights is kept
for each way, quad and tap, ``(row tap, column tap, quad, way, channel out)``. So an output place
adds one row of it for each quad that it sees, whoever fired: nothing has to be foreseen. A spike by
spike adds more than twice as fast only where few fire. It goes over a tile of output rows for one
row of taps after the other, as what those need and the sums of a tile stay in the first cache.
``geometry`` is that of :mod:`.convolution`.
"""

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.clearing import clear_words
from ssdp_neuro.engine.kernels.delivery import flush
from ssdp_neuro.engine.kernels.table_view import section
from ssdp_neuro.engine.kernels.tables import (
    OPERATIONS_BIT,
    QUAD,
    QUAD_BIT,
    SUM_LANES,
    TILE,
    WAYS,
)

UNROLLED = 4
FEW = 32  # of so many sources one fires, from which whole images cost less than spikes
BYTE_MASK = (1 << OPERATIONS_BIT) - 1


@intrinsic
def _add_taps(typing_context, tile, at, n_places, n_out, quads, first, right, sums, base, n_rows):
    def generate(context, builder, signature, arguments):
        tile_array, quads_array, sums_array = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 4, 7)
        )
        _, at, n_places, n_out, _, first, right, _, base, n_rows = arguments
        word = at.type
        row_size = builder.mul(n_out, word(WAYS))
        whole = builder.and_(n_rows, word(-UNROLLED))
        rows = builder.gep(sums_array.data, [base])
        tile_start = builder.gep(tile_array.data, [at])
        quads_start = builder.gep(quads_array.data, [first])

        def count(start, stop, step):
            return cgutils.for_range_slice(builder, start, stop, word(step), word)

        def add_channels(channel, lanes):
            vector = cgutils.ir.VectorType(cgutils.ir.IntType(16), lanes)
            total = cgutils.alloca_once(builder, vector)
            those = builder.gep(rows, [channel])
            with count(word(0), n_places, 1) as (place, _):
                kept = builder.gep(tile_start, [builder.add(builder.mul(place, n_out), channel)])
                kept = builder.bitcast(kept, vector.as_pointer())
                builder.store(builder.load(kept, align=2), total)
                ways = builder.gep(quads_start, [builder.mul(place, right)])

                def row_of(quad):
                    way = builder.zext(builder.load(builder.gep(ways, [quad])), word)
                    row = builder.gep(those, [builder.mul(quad, row_size)])
                    row = builder.bitcast(builder.gep(row, [way]), vector.as_pointer())
                    return builder.load(row, align=2)

                with count(word(0), whole, UNROLLED) as (quad, _):
                    terms = [row_of(builder.add(quad, word(k))) for k in range(UNROLLED)]
                    pairs = [builder.add(*terms[:2]), builder.add(*terms[2:])]
                    builder.store(builder.add(builder.load(total), builder.add(*pairs)), total)
                with count(whole, n_rows, 1) as (quad, _):
                    builder.store(builder.add(builder.load(total), row_of(quad)), total)
                builder.store(builder.load(total), kept, align=2)

        done = word(0)
        for lanes, above in zip(SUM_LANES, (None, *SUM_LANES), strict=False):
            end = builder.and_(n_out, word(-lanes))
            if above is None:
                with count(done, end, lanes) as (channel, _):
                    add_channels(channel, lanes)
            else:
                with builder.if_then(builder.icmp_signed("!=", done, end)):
                    add_channels(done, lanes)
            done = end
        return context.get_dummy_value()

    number = types.int64
    arguments = (tile, number, number, number, quads, number, number, sums, number, number)
    return types.void(*arguments), generate


@part
def _add_one_by_one(tile, at, n_places, n_out, quads, first, right, sums, base, n_rows):
    """The same, as an interpreter or a check of bounds can follow it."""
    for place in range(n_places):
        for quad in range(n_rows):
            start = base + quad * WAYS * n_out + np.int64(quads[first + place * right + quad])
            for channel in range(n_out):
                kept = at + place * n_out + channel
                tile[kept] = np.int16(tile[kept] + sums[start + channel])


ONE_BY_ONE = numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK
add_taps = _add_one_by_one if ONE_BY_ONE else _add_taps


@part
def many_fire(n_fired, geometry):
    """Whether so many sources fire that whole images cost less than their spikes."""
    sources = geometry[4] * geometry[9] * geometry[10] * geometry[5] * geometry[6]
    return n_fired * FEW >= sources


@part
def deliver_quads(
    fired, words, quads, tap_sums, base, taps_per_flush, geometry, tile, sums, shift, first, last
):
    """Add to ``sums`` of output rows ``first..last - 1`` what arrives there.

    Returns how many weights arrive anywhere, if the first row is among them.

    ``words`` say of each source how many weights it has, and where in ``quads``, the ways of all
    quads of the padded input, ``(row, column, quad)``, it is. They are zero before and after, and
    say where the sum for a way begins. So is ``tile``; sums of ``taps_per_flush`` fit its 16 bits.
    """
    wide_vectors()
    n_operations, n_out = 0, geometry[3]
    for k in range(fired.shape[0]):
        word = words[np.uint64(fired[k])]
        place = np.uint64((word & BYTE_MASK) >> QUAD_BIT)
        quads[place] += np.int16(n_out << (word & (QUAD - 1)))
        n_operations += word >> OPERATIONS_BIT
    columns, row_taps, column_taps = geometry[6], geometry[7], geometry[8]
    n_quads = (geometry[4] + QUAD - 1) // QUAD
    width = (geometry[2] + 2 * geometry[12]) * n_quads
    down, right, row_size = geometry[9] * width, geometry[10] * n_quads, columns * n_out
    together, n_rows = min(column_taps, taps_per_flush), max(TILE // row_size, 1)
    for top in range(first, last, n_rows):
        bottom = min(top + n_rows, last)
        here = section(sums, top * row_size, bottom * row_size)
        n_summed = 0
        for row_tap in range(row_taps):
            for tap in range(0, column_taps, together):
                n_taps = min(together, column_taps - tap)
                if n_summed + n_taps > taps_per_flush:
                    flush(section(tile, 0, here.shape[0]), here, shift)
                    n_summed = 0
                n_summed += n_taps
                start = base + (row_tap * column_taps + tap) * n_quads * WAYS * n_out
                for row in range(top, bottom):
                    add_taps(
                        tile,
                        (row - top) * row_size,
                        columns,
                        n_out,
                        quads,
                        row * down + row_tap * width + tap * n_quads,
                        right,
                        tap_sums,
                        start,
                        n_taps * n_quads,
                    )
        flush(section(tile, 0, here.shape[0]), here, shift)
    clear_words(quads, 0, quads.shape[0])
    return n_operations if first == 0 else 0
