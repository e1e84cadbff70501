"""2-D convolution by events: the taps of the sources that fired, and no others.

The target is kept channels last, ``(row, column, channel)``. So the taps of a spike that
meet one row of the output are one run of its neurons, and one run of weights if these are
stored from the last column of the kernel to the first; rows likewise, so that a spike is
one block of rows. A stride takes every so many rows or columns of the kernel: those come
one after the other, phase by phase. Under dilation, or with groups, each is a run of its own.

``geometry`` holds channels in, height, width, channels out and in of a group, output rows
and columns, kernel rows and columns, then stride, padding and dilation, each of rows and
columns, and at last the channels out. Sums wrap in int32, as Lava's do.
"""

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.delivery import settle_dense
from ssdp_neuro.engine.kernels.table_view import section
from ssdp_neuro.engine.kernels.tables import (
    COUNT_BIT,
    COUNT_MASK,
    FIRST_BIT,
    TAP_MASK,
    TRUE_BIT,
)

LANES = 32  # two 512-bit vectors of sums
CROWD_TAPS = 2  # visits to an output place, on average, from which a sweep costs less


@intrinsic
def _add_vectors(typing_context, sums, post, post_step, weights, tap, tap_step, n_rows, count):
    def generate(context, builder, signature, arguments):
        sums_array, weights_array = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 3)
        )
        _, post, post_step, _, tap, tap_step, n_rows, count = arguments
        word = count.type

        def add(place, added, first, lanes):
            narrow = cgutils.ir.VectorType(cgutils.ir.IntType(16), lanes)
            wide = cgutils.ir.VectorType(cgutils.ir.IntType(32), lanes)
            place = builder.bitcast(builder.gep(place, [first]), wide.as_pointer())
            added = builder.bitcast(builder.gep(added, [first]), narrow.as_pointer())
            extended = builder.sext(builder.load(added, align=2), wide)
            builder.store(builder.add(builder.load(place, align=4), extended), place, align=4)

        whole = builder.and_(count, word(-LANES))
        is_ragged = builder.icmp_signed("!=", whole, count)
        rows = cgutils.for_range_slice(builder, word(0), n_rows, word(1), word)
        with rows as (row, _):
            place = builder.add(post, builder.mul(row, post_step))
            place = builder.gep(sums_array.data, [place])
            added = builder.add(tap, builder.mul(row, tap_step))
            added = builder.gep(weights_array.data, [added])
            vectors = cgutils.for_range_slice(builder, word(0), whole, word(LANES), word)
            with vectors as (first, _):
                add(place, added, first, LANES)
            with builder.if_then(is_ragged):
                lanes = LANES // 2
                while lanes:
                    left = builder.icmp_signed("!=", builder.and_(count, word(lanes)), word(0))
                    with builder.if_then(left):
                        add(place, added, builder.and_(count, word(-2 * lanes)), lanes)
                    lanes //= 2
        return context.get_dummy_value()

    whole_numbers = (types.int64,) * 2
    return types.void(sums, *whole_numbers, weights, *whole_numbers, *whole_numbers), generate


@part
def _add_one_by_one(sums, post, post_step, weights, tap, tap_step, n_rows, count):
    """The same, as an interpreter or a check of bounds can follow it."""
    for _ in range(n_rows):
        for c in range(count):
            sums[post + c] = np.int32(sums[post + c] + np.int32(weights[tap + c]))
        post += post_step
        tap += tap_step


ONE_BY_ONE = numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK
add_block = _add_one_by_one if ONE_BY_ONE else _add_vectors


@part
def quotient(number, divisor):
    """Of numbers that are not negative, in the processor's short division."""
    return np.int64(np.uint32(number) // np.uint32(divisor))


@part
def source_of(fired, placed, geometry):
    """Channel, row and column of a source; by its place in an image channels last if ``placed``."""
    width = geometry[2]
    if placed:
        place = quotient(fired, geometry[0])
        channel = fired - place * geometry[0]
    else:
        channel = quotient(fired, geometry[1] * width)
        place = fired - channel * geometry[1] * width
    y = quotient(place, width)
    return channel, y, place - y * width


@part
def run_met(place, number, size, taps, stride, is_long, dilation):
    """What run ``number`` of a padded input row (or column) meets.

    Returns the first row of the output, the rows, and the place of the first tap.
    """
    if is_long and stride == 1:  # spares divisions
        lowest = place - taps + 1
        first_tap = np.int64(0)
        top = place
    elif is_long:
        top, whole = quotient(place, stride), quotient(taps, stride)
        phase, rest = place - top * stride, taps - whole * stride
        first_tap = phase * whole + min(phase, rest)
        lowest = top - whole + np.int64(phase >= rest)
    else:
        first_tap = np.int64(number)
        top = place - number * dilation
        if top % stride != 0:
            return np.int64(0), np.int64(0), first_tap
        lowest = top = top // stride
    low, high = max(lowest, 0), min(top, size - 1)
    return low, high - low + 1, first_tap + low - lowest


@part
def runs_of(geometry):
    """Whether rows, and columns, make long runs."""
    return geometry[13] == 1, geometry[14] == 1 and geometry[3] == geometry[15]


@part
def deliver_conv(fired, placed, weights, base, geometry, sums, lowest, last):
    """Add weights, ``(channel in, row tap, column tap, channel out of the group)``, to ``sums``.

    Only to output rows ``lowest..last - 1``. Returns the number of weights added.
    """
    wide_vectors()
    n_out, n_in, rows, columns = geometry[3], geometry[4], geometry[5], geometry[6]
    row_taps, column_taps, channels = geometry[7], geometry[8], geometry[15]
    long_rows, long_columns = runs_of(geometry)
    grouped = n_in != geometry[0]
    n_operations = 0
    for k in range(fired.shape[0]):
        channel, y, x = source_of(fired[k], placed, geometry)
        first = quotient(channel, n_in) * n_out if grouped else np.int64(0)
        for a in range(1 if long_rows else row_taps):
            row, n_rows, row_tap = run_met(
                y + geometry[11], a, rows, row_taps, geometry[9], long_rows, geometry[13]
            )
            left_out = max(lowest - row, 0)
            n_rows = min(n_rows + row, last) - row - left_out
            row, row_tap = row + left_out, row_tap + left_out
            for b in range(1 if long_columns else column_taps):
                column, n_columns, column_tap = run_met(
                    x + geometry[12],
                    b,
                    columns,
                    column_taps,
                    geometry[10],
                    long_columns,
                    geometry[14],
                )
                if n_rows <= 0 or n_columns <= 0:
                    continue
                post = (row * columns + column) * channels + first
                tap = ((channel * row_taps + row_tap) * column_taps + column_tap) * n_out
                count = n_columns * n_out
                add_block(
                    sums,
                    post,
                    columns * channels,
                    weights,
                    base + tap,
                    column_taps * n_out,
                    n_rows,
                    count,
                )
                n_operations += n_rows * count
    return n_operations


@part
def deliver_runs(fired, placed, weights, base, met, geometry, sums, lowest, last):
    """The same where rows and columns make long runs, which ``met`` has for every row and column.

    Weights are ``(channel in, row tap, column tap, channel out)`` with columns of zeros, which
    make the runs of all phases alike: what has not to be foreseen costs less than they do.
    """
    wide_vectors()
    height, n_out, columns = geometry[1], geometry[3], geometry[6]
    row_taps = geometry[7]
    column_taps = quotient(geometry[8] + geometry[10] - 1, geometry[10]) * geometry[10]
    n_operations = 0
    for k in range(fired.shape[0]):
        channel, y, x = source_of(fired[k], placed, geometry)
        rows, across = met[np.uint64(y)], met[np.uint64(height + x)]
        row, n_rows, row_tap = rows >> FIRST_BIT, rows >> COUNT_BIT & COUNT_MASK, rows & TAP_MASK
        left_out = max(lowest - row, 0)
        n_rows = min(n_rows + row, last) - row - left_out
        row, row_tap = row + left_out, row_tap + left_out
        count = (across >> COUNT_BIT & COUNT_MASK) * n_out
        if n_rows <= 0 or count == 0:
            continue
        tap = (channel * row_taps + row_tap) * column_taps + (across & TAP_MASK)
        add_block(
            sums,
            (row * columns + (across >> FIRST_BIT)) * n_out,
            columns * n_out,
            weights,
            base + tap * n_out,
            column_taps * n_out,
            n_rows,
            count,
        )
        n_operations += n_rows * (across >> TRUE_BIT & COUNT_MASK) * n_out
    return n_operations


@part
def is_crowded(n_fired, geometry):
    """Whether the taps of so many spikes meet so often that a sweep of all sums costs less."""
    taps = n_fired * geometry[7] * geometry[8]
    return taps >= CROWD_TAPS * geometry[5] * geometry[6]


@part
def settle_conv(fired, placed, geometry, sums, drive, floor, lowest, last):
    """Walk the runs of :func:`deliver_conv` once more: floor the sums."""
    wide_vectors()
    n_out, n_in, rows, columns = geometry[3], geometry[4], geometry[5], geometry[6]
    row_taps, column_taps, channels = geometry[7], geometry[8], geometry[15]
    long_rows, long_columns = runs_of(geometry)
    for k in range(fired.shape[0]):
        channel, y, x = source_of(fired[k], placed, geometry)
        first = (channel // n_in) * n_out
        for a in range(1 if long_rows else row_taps):
            row, n_rows, _ = run_met(
                y + geometry[11], a, rows, row_taps, geometry[9], long_rows, geometry[13]
            )
            for b in range(1 if long_columns else column_taps):
                column, n_columns, _ = run_met(
                    x + geometry[12],
                    b,
                    columns,
                    column_taps,
                    geometry[10],
                    long_columns,
                    geometry[14],
                )
                if n_columns <= 0:
                    continue
                for other in range(max(row, lowest), min(row + n_rows, last)):
                    post = (other * columns + column) * channels + first
                    end = post + n_columns * n_out
                    settle_dense(section(sums, post, end), section(drive, post, end), floor)
