"""2-D convolution by events: the taps of the sources that fired, and no others.

``geometry`` holds channels in, height, width, channels out and in of a group, output rows
and columns, kernel rows and columns, then stride, padding and dilation, each of rows and
columns. Sums wrap in int32, as Lava's do.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel
from ssdp_neuro.engine.kernels.tables import BLOCK_BITS
from ssdp_neuro.engine.kernels.waking import wake

CROWD_CHANNELS = 8  # fewer make no vector
CROWD_TAPS = 2  # visits to an output place, on average; fewer do not pay for the move


@lean_kernel
def output_place(place, offset, dilation, stride, size):
    """Output row (or column) that a kernel row makes of a padded input row, or -1 if none."""
    top = place - offset * dilation
    if stride == 1:  # spares two divisions, which cost more than the tap
        return top if 0 <= top < size else -1
    if top < 0 or top % stride or top // stride >= size:
        return -1
    return top // stride


@lean_kernel
def deliver_conv(fired, weights, base, geometry, sums, shift):
    """Add weights, ``(channel in, row, column, channel out of the group)``, to ``sums``.

    Returns the number of weights added.
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
            row = output_place(y + geometry[11], i, geometry[13], geometry[9], rows)
            if row < 0:
                continue
            for j in range(kernel_columns):
                column = output_place(x + geometry[12], j, geometry[14], geometry[10], columns)
                if column < 0:
                    continue
                post = first + row * columns + column
                tap = base + ((channel * kernel_rows + i) * kernel_columns + j) * n_out
                for c in range(n_out):
                    weight = np.int32(np.int32(weights[tap + c]) << shift)
                    sums[post] = np.int32(sums[post] + weight)
                    post += plane
                n_operations += n_out
    return n_operations


@lean_kernel
def is_crowded(n_fired, geometry):
    """Whether the taps of so many spikes meet often enough for :func:`deliver_crowd` to pay."""
    taps = n_fired * geometry[7] * geometry[8]
    return geometry[3] >= CROWD_CHANNELS and taps >= CROWD_TAPS * geometry[5] * geometry[6]


@lean_kernel
def deliver_crowd(fired, weights, base, geometry, sums, drive, shift, floor):
    """The same for many spikes: sums are kept channel by channel, then moved to ``drive``.

    ``sums`` holds the channels of a place side by side, so that a tap adds one vector;
    zero before and after. Returns the number of weights added.
    """
    height, width, n_out, n_in = geometry[1], geometry[2], geometry[3], geometry[4]
    rows, columns, kernel_rows, kernel_columns = geometry[5], geometry[6], geometry[7], geometry[8]
    plane = rows * columns
    n_channels = drive.shape[0] // plane
    n_operations = 0
    for k in range(fired.shape[0]):
        channel, place = divmod(fired[k], height * width)
        y, x = divmod(place, width)
        first = (channel // n_in) * n_out
        for i in range(kernel_rows):
            row = output_place(y + geometry[11], i, geometry[13], geometry[9], rows)
            if row < 0:
                continue
            for j in range(kernel_columns):
                column = output_place(x + geometry[12], j, geometry[14], geometry[10], columns)
                if column < 0:
                    continue
                post = (row * columns + column) * n_channels + first
                tap = base + ((channel * kernel_rows + i) * kernel_columns + j) * n_out
                kept, added = sums[post : post + n_out], weights[tap : tap + n_out]
                for c in range(n_out):
                    kept[c] = np.int32(kept[c] + np.int32(added[c]))
                n_operations += n_out
    for c in range(n_channels):
        for post in range(plane):
            place = post * n_channels + c
            total = np.int32(np.int32(sums[place] << shift) >> floor)
            drive[c * plane + post] = np.int32(drive[c * plane + post] + total)
            sums[place] = np.int32(0)
    return n_operations


@lean_kernel
def settle_conv(
    fired,
    geometry,
    sums,
    drive,
    floor,
    listing,
    step,
    touched,
    live,
    live_list,
    n_live,
    known_list,
    n_known,
):
    """Walk the taps of :func:`deliver_conv` once more: floor the sums, or wake the blocks."""
    height, width, n_out, n_in = geometry[1], geometry[2], geometry[3], geometry[4]
    rows, columns, kernel_rows, kernel_columns = geometry[5], geometry[6], geometry[7], geometry[8]
    plane = rows * columns
    for k in range(fired.shape[0]):
        channel, place = divmod(fired[k], height * width)
        y, x = divmod(place, width)
        first = (channel // n_in) * n_out * plane
        for i in range(kernel_rows):
            row = output_place(y + geometry[11], i, geometry[13], geometry[9], rows)
            if row < 0:
                continue
            for j in range(kernel_columns):
                column = output_place(x + geometry[12], j, geometry[14], geometry[10], columns)
                if column < 0:
                    continue
                post = first + row * columns + column
                for _ in range(n_out):
                    if listing:
                        block = post >> BLOCK_BITS
                        n_live, n_known = wake(
                            block, step, touched, live, live_list, n_live, known_list, n_known
                        )
                    elif sums[post] != 0:
                        drive[post] = np.int32(drive[post] + np.int32(sums[post] >> floor))
                        sums[post] = np.int32(0)
                    post += plane
    return n_live, n_known
