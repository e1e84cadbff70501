"""Spike rasters to event lists: one pass over the bytes, eight at a time."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import kernel


@kernel
def count_rows(rows, starts):
    """Fill ``starts`` (n_rows + 1) with the running number of nonzero bytes of ``rows``."""
    for row in range(rows.shape[0]):
        total = np.int64(0)
        for column in range(rows.shape[1]):
            total += rows[row, column]
        starts[row + 1] = starts[row] + total


@kernel
def fill_rows(rows, starts, indices):
    """Write the columns of the nonzero bytes, row by row, into ``indices``."""
    for row in range(rows.shape[0]):
        if starts[row] == starts[row + 1]:
            continue
        place = starts[row]
        for column in range(rows.shape[1]):
            if rows[row, column]:
                indices[place] = column
                place += 1


def events_of_rows(rows):
    """Event lists of a 0/1 uint8 array ``(n_rows, n_neurons)``: starts int64, indices int32."""
    starts = np.zeros(rows.shape[0] + 1, dtype=np.int64)
    count_rows(rows, starts)
    indices = np.empty(starts[-1], dtype=np.int32)
    fill_rows(rows, starts, indices)
    return starts, indices
