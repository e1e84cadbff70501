"""Spike delivery: add the weights of the sources that fired to their targets' drive.

Every function mutates ``drive`` (and its scratch, left at zero), visits only synapses of
the fired sources, and returns how many. Sums wrap in int32, as Lava's do.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import kernel
from ssdp_neuro.engine.kernels.tables import BLOCK_BITS

ADD, SETTLE, LIST = 0, 1, 2  # what visit_conv does at a tap
ROWS_PER_FLUSH = 252  # 255 rows of -128 still fit int16; a multiple of 4


@kernel
def _add_eight(sums, weights, at, row):
    a, b = weights[at[0] : at[0] + row], weights[at[1] : at[1] + row]
    c, d = weights[at[2] : at[2] + row], weights[at[3] : at[3] + row]
    e, f = weights[at[4] : at[4] + row], weights[at[5] : at[5] + row]
    g, h = weights[at[6] : at[6] + row], weights[at[7] : at[7] + row]
    for j in range(row):
        low = np.int16(np.int16(a[j]) + np.int16(b[j]) + np.int16(c[j]) + np.int16(d[j]))
        high = np.int16(np.int16(e[j]) + np.int16(f[j]) + np.int16(g[j]) + np.int16(h[j]))
        sums[j] = np.int16(sums[j] + np.int16(low + high))


@kernel
def _add_four(sums, weights, at, row):
    a, b = weights[at[0] : at[0] + row], weights[at[1] : at[1] + row]
    c, d = weights[at[2] : at[2] + row], weights[at[3] : at[3] + row]
    for j in range(row):
        low = np.int16(np.int16(a[j]) + np.int16(b[j]) + np.int16(c[j]) + np.int16(d[j]))
        sums[j] = np.int16(sums[j] + low)


@kernel
def _flush(sums, drive, shift, row):
    for j in range(drive.shape[0]):
        drive[j] = np.int32(drive[j] + np.int32(np.int32(sums[j]) << shift))
    for j in range(row):
        sums[j] = np.int16(0)


@kernel
def deliver_dense8(fired, weights, base, row, zero_row, sums, drive, shift):
    """Rows of int8, summed in int16 and flushed before they can overflow.

    ``fired`` has room for three more entries, which are pointed at the row of zeros so
    that rows go four at a time; ``drive`` has one entry per target, ``row`` is padded.
    """
    n = fired.shape[0] - 3
    at = np.empty(8, np.int64)
    for spare in range(n, n + 3):
        fired[spare] = zero_row
    place = 0
    while place < n:
        end = min(place + ROWS_PER_FLUSH, n)
        while place + 8 <= end:
            for k in range(8):
                at[k] = base + fired[place + k] * row
            _add_eight(sums, weights, at, row)
            place += 8
        while place < end:
            for k in range(4):
                at[k] = base + fired[place + k] * row
            _add_four(sums, weights, at, row)
            place += 4
        _flush(sums, drive, shift, row)
    return n * drive.shape[0]


@kernel
def deliver_dense16(fired, weights, base, row, drive, shift):
    """Rows of int16, for weights that have no 8-bit form."""
    for k in range(fired.shape[0]):
        start = base + fired[k] * row
        weight = weights[start : start + drive.shape[0]]
        for j in range(drive.shape[0]):
            drive[j] = np.int32(drive[j] + np.int32(np.int32(weight[j]) << shift))
    return fired.shape[0] * drive.shape[0]


@kernel
def settle_dense(sums, drive, floor):
    """Add floored sums to ``drive`` and clear them."""
    for j in range(drive.shape[0]):
        drive[j] = np.int32(drive[j] + np.int32(sums[j] >> floor))
        sums[j] = np.int32(0)


@kernel
def deliver_sparse(fired, row_start, target, weight, drive, shift):
    """Listed synapses without delays."""
    n_operations = 0
    for k in range(fired.shape[0]):
        start, end = row_start[fired[k]], row_start[fired[k] + 1]
        n_operations += end - start
        for s in range(start, end):
            post = target[s]
            drive[post] = np.int32(drive[post] + np.int32(np.int32(weight[s]) << shift))
    return n_operations


@kernel
def deliver_delayed(fired, row_start, target, weight, delay, drive, ring, slot, shift):
    """Listed synapses with delays; ``drive`` is ``(ring, stride)`` flat, ``slot`` the next step's."""
    stride = drive.shape[0] // ring
    n_operations = 0
    for k in range(fired.shape[0]):
        start, end = row_start[fired[k]], row_start[fired[k] + 1]
        n_operations += end - start
        for s in range(start, end):
            place = ((slot + delay[s]) % ring) * stride + np.int64(target[s])
            drive[place] = np.int32(drive[place] + np.int32(np.int32(weight[s]) << shift))
    return n_operations


@kernel
def settle_sparse(fired, row_start, target, delay, delayed, sums, drive, ring, slot, floor):
    """Move the sums of the synapses just visited to ``drive``, floored once per target and delay."""
    stride = drive.shape[0] // ring
    for k in range(fired.shape[0]):
        for s in range(row_start[fired[k]], row_start[fired[k] + 1]):
            place = (slot % ring) * stride + np.int64(target[s])
            if delayed:
                place = ((slot + delay[s]) % ring) * stride + np.int64(target[s])
            if sums[place] != 0:
                drive[place] = np.int32(drive[place] + np.int32(sums[place] >> floor))
                sums[place] = np.int32(0)


@kernel
def visit_conv(action, fired, weights, base, geometry, sums, drive, shift, floor, blocks):
    """Taps of a 2-D convolution: add weights to ``sums``, settle ``sums``, or list the blocks.

    ``geometry`` holds channels in, height, width, channels out and in of a group, output
    rows and columns, kernel rows and columns, then stride, padding and dilation, each of
    rows and columns. ``blocks`` has room for one entry per operation under LIST.
    """
    height, width, n_out, n_in = geometry[1], geometry[2], geometry[3], geometry[4]
    rows, columns, kernel_rows, kernel_columns = geometry[5], geometry[6], geometry[7], geometry[8]
    plane = rows * columns
    n_operations = 0
    for k in range(fired.shape[0]):
        channel, place = divmod(fired[k], height * width)
        y, x = divmod(place, width)
        first = (channel // n_in) * n_out * plane
        for i in range(kernel_rows):
            top = y + geometry[11] - i * geometry[13]
            if top < 0 or top % geometry[9] or top // geometry[9] >= rows:
                continue
            for j in range(kernel_columns):
                left = x + geometry[12] - j * geometry[14]
                if left < 0 or left % geometry[10] or left // geometry[10] >= columns:
                    continue
                post = first + top // geometry[9] * columns + left // geometry[10]
                tap = base + ((channel * kernel_rows + i) * kernel_columns + j) * n_out
                for c in range(n_out):
                    if action == ADD:
                        weight = np.int32(np.int32(weights[tap + c]) << shift)
                        sums[post] = np.int32(sums[post] + weight)
                    elif action == LIST:
                        blocks[n_operations + c] = post >> BLOCK_BITS
                    elif sums[post] != 0:
                        drive[post] = np.int32(drive[post] + np.int32(sums[post] >> floor))
                        sums[post] = np.int32(0)
                    post += plane
                n_operations += n_out
    return n_operations
