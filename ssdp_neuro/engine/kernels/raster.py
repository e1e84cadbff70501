"""Bytes that flag spikes, to lists of who fired: eight at a time and without branches.

A branch on whether a byte is set cannot be predicted, and costs more than to write every
index and keep it only if its byte is set. So all lists have one entry to spare.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part, step_kernel
from ssdp_neuro.engine.kernels.reading_tables import RasterTable
from ssdp_neuro.engine.kernels.table_view import opener, section

open_raster = opener(RasterTable)


@part
def list_set(flags, words, first, marked, indices, n):
    """Append ``first + i`` of every set flag to ``indices`` at ``n``; return the new ``n``.

    ``words`` are the same flags, eight at a time, without a last incomplete one;
    ``marked`` is scratch with one entry for each word and one more.
    """
    n_marked = 0
    for word in range(words.shape[0]):
        marked[n_marked] = word
        n_marked += np.int64(words[word] != 0)
    for k in range(n_marked):
        start = marked[k] * 8
        for i in range(start, start + 8):
            indices[n] = first + i
            n += np.int64(flags[i])
    for i in range(words.shape[0] * 8, flags.shape[0]):
        indices[n] = first + i
        n += np.int64(flags[i])
    return n


@step_kernel
def count_rows(n_rows, n_columns, unused, also_unused, handle):
    """Fill ``starts`` with the running number of nonzero bytes of the rows; return it."""
    raster = open_raster(handle)
    flat, starts = raster.flat, raster.starts
    for row in range(n_rows):
        values = section(flat, row * n_columns, (row + 1) * n_columns)
        total = np.int32(0)
        for column in range(n_columns):
            total += np.int32(values[column])
        starts[row + 1] = starts[row] + total
    return starts[n_rows]


@step_kernel
def fill_rows(n_rows, n_columns, unused, also_unused, handle):
    """Write the columns of the nonzero bytes, row by row, into ``indices``."""
    raster = open_raster(handle)
    flat, starts, indices = raster.flat, raster.starts, raster.indices
    for row in range(n_rows):
        place = starts[row]
        if place == starts[row + 1]:
            continue
        start, end = row * n_columns, (row + 1) * n_columns
        aligned = min((start + 7) >> 3 << 3, end)
        for i in range(start, aligned):
            indices[place] = i - start
            place += np.int64(flat[i])
        list_set(
            section(flat, aligned, end),
            section(raster.words, aligned >> 3, max(end >> 3, aligned >> 3)),
            aligned - start,
            raster.marked,
            indices,
            place,
        )
    return 0
