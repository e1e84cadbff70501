"""Bytes that flag spikes, to lists of who fired: eight at a time and without branches.

A branch on whether a byte is set cannot be predicted, and costs more than to write every
index and keep it only if its byte is set. So all lists have one entry to spare.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel


@lean_kernel
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
        eight = flags[start : start + 8]
        for i in range(8):
            indices[n] = first + start + i
            n += np.int64(eight[i])
    for i in range(words.shape[0] * 8, flags.shape[0]):
        indices[n] = first + i
        n += np.int64(flags[i])
    return n


@lean_kernel
def count_rows(rows, starts):
    """Fill ``starts`` (n_rows + 1) with the running number of nonzero bytes of ``rows``."""
    for row in range(rows.shape[0]):
        total = np.int32(0)
        values = rows[row]
        for column in range(values.shape[0]):
            total += np.int32(values[column])
        starts[row + 1] = starts[row] + total


@lean_kernel
def fill_rows(flat, words, starts, marked, indices):
    """Write the columns of the nonzero bytes, row by row, into ``indices``.

    ``flat`` holds the rows one after the other, ``words`` the same bytes as in list_set.
    """
    n_rows = starts.shape[0] - 1
    n_columns = flat.shape[0] // n_rows
    for row in range(n_rows):
        if starts[row] == starts[row + 1]:
            continue
        place = starts[row]
        start, end = row * n_columns, (row + 1) * n_columns
        aligned = min((start + 7) >> 3 << 3, end)
        for i in range(start, aligned):
            indices[place] = i - start
            place += np.int64(flat[i])
        list_set(
            flat[aligned:end],
            words[aligned >> 3 : max(end >> 3, aligned >> 3)],
            aligned - start,
            marked,
            indices,
            place,
        )


def events_of_rows(rows):
    """Event lists of a 0/1 uint8 array ``(n_rows, n_neurons)``: starts int64, indices int32."""
    rows = np.ascontiguousarray(rows)
    rows = rows.copy() if rows.ctypes.data % 8 else rows.view()
    rows.flags.writeable = False  # one compiled form for arrays of either kind
    starts = np.zeros(rows.shape[0] + 1, dtype=np.int64)
    count_rows(rows, starts)
    flat = rows.reshape(-1)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    indices = np.empty(starts[-1] + 1, dtype=np.int32)
    marked = np.empty(rows.shape[1] // 8 + 2, dtype=np.int64)
    fill_rows(flat, words, starts, marked, indices)
    return starts, indices[:-1]
