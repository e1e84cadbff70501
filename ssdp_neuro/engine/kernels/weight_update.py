"""Integer DA-SSDP: the weight update at the end of a sample.

See docs/explanation/fixed_point_da_ssdp.md.

All pre-synaptic neurons with the same latency code get the same change, so one row of
changes is made per code that occurs, then added to the weight rows of those neurons.

==============  ==================  =======  ==============================================
name            shape               dtype    meaning
==============  ==================  =======  ==============================================
``weights``     ``(n_pre, >=n_post)`` int8/16  weight mantissas, pre-major, in/out; columns
                                             beyond n_post are padding and not touched
``pre_codes``   ``(n_pre,)``        uint8    latency code, the last code is silent
``post_codes``  ``(n_post,)``       uint8    the same
``gates``       ``(n_post,)``       int32    third factor of each post neuron, in 1/128
``table``       ``(2**q, 2**q)``    int32    kernel x signed amplitude, by (pre, post) code
==============  ==================  =======  ==============================================

The caller guarantees that every weight lies in ``[low, high]``, and that those lie in
-256..255 (-128..127 for int8).
"""

import numpy as np

from ssdp_neuro.compilation.compiler import kernel
from ssdp_neuro.engine.kernels.random_words import absorb, key_offset, next_offset

DELTA_LIMIT = 1024  # a change beyond +-511 saturates every weight, so int16 can hold it
NARROW_LIMIT = 127
SHORT_ROW = 16  # weights; fills no vector
ROW_GAIN, SHORT_ROW_GAIN = 8, 2  # a weight of a column takes as long as so many of a row


@kernel
def rows_by_code(codes, n_codes):
    """Neuron indices grouped by code: ``order[starts[c]:starts[c + 1]]`` have code ``c``."""
    starts = np.zeros(n_codes + 1, dtype=np.int64)
    for neuron in range(codes.shape[0]):
        starts[np.int64(codes[neuron]) + 1] += 1
    for code in range(n_codes):
        starts[code + 1] += starts[code]
    order = np.empty(codes.shape[0], dtype=np.int64)
    place = starts.copy()
    for neuron in range(codes.shape[0]):
        order[place[codes[neuron]]] = neuron
        place[codes[neuron]] += 1
    return starts, order


@kernel
def gated_products(table_row, post_codes, gates, products):
    """Fill ``products`` (n_post,) int32 with kernel x amplitude x gate of one pre code."""
    for post in range(post_codes.shape[0]):
        products[post] = table_row[post_codes[post]]
    for post in range(post_codes.shape[0]):
        products[post] = np.int32(products[post] * gates[post])


@kernel
def round_nearest(products, shift, delta):
    """Fill ``delta`` (n_post,) int16 with products / 2**shift, halves away from zero.

    Returns the largest magnitude in ``delta``.
    """
    half = np.int32((1 << shift) >> 1)
    limit = np.int32(DELTA_LIMIT)
    largest = np.int32(0)
    for post in range(products.shape[0]):
        magnitude = np.int32(np.int32(abs(products[post]) + half) >> np.int32(shift))
        magnitude = min(magnitude, limit)
        largest = max(largest, magnitude)
        delta[post] = magnitude if products[post] >= 0 else -magnitude
    return largest


@kernel
def add_wide(weights, rows, delta, low, high):
    """Add ``delta`` (n_post,) int16 to each of the rows, saturating at low and high."""
    for row in rows:
        for post in range(delta.shape[0]):
            total = np.int16(np.int16(weights[row, post]) + delta[post])
            total = max(total, np.int16(low))
            weights[row, post] = min(total, np.int16(high))


@kernel
def add_narrow(weights, rows, delta, low, high):
    """Do the same with ``delta`` int8: becomes a saturating add of bytes."""
    for row in rows:
        for post in range(delta.shape[0]):
            total = np.int16(weights[row, post]) + np.int16(delta[post])
            total = max(total, -128)
            byte = np.int8(min(total, 127))
            byte = max(byte, np.int8(low))
            weights[row, post] = min(byte, np.int8(high))


@kernel
def update_nearest(weights, pre_codes, post_codes, gates, table, shift, low, high):
    """Update ``weights`` in place with rounding to nearest; returns the rows written."""
    n_post = post_codes.shape[0]
    starts, order = rows_by_code(pre_codes, table.shape[0])
    products = np.empty(n_post, dtype=np.int32)
    delta = np.empty(n_post, dtype=np.int16)
    narrow = np.empty(n_post, dtype=np.int8)
    n_rows = 0
    for code in range(table.shape[0]):
        rows = order[starts[code] : starts[code + 1]]
        if rows.shape[0] == 0:
            continue
        gated_products(table[code], post_codes, gates, products)
        largest = round_nearest(products, shift, delta)
        if largest == 0:
            continue
        if weights.itemsize == 1 and largest <= NARROW_LIMIT:
            for post in range(n_post):
                narrow[post] = delta[post]
            add_narrow(weights, rows, narrow, low, high)
        else:
            add_wide(weights, rows, delta, low, high)
        n_rows += rows.shape[0]
    return n_rows


@kernel
def update_listed(
    weights,
    pre,
    post,
    delays,
    pre_codes,
    post_codes,
    gates,
    table,
    shift,
    low,
    high,
    last_code,
    stochastic,
    seed,
    sample,
):
    """Update listed synapses (n,) in place; returns the sources of those visited.

    ``delays`` are in codes; a spike that comes after ``last_code`` does not arrive.
    """
    silent = np.int64(table.shape[0] - 1)
    half, mask = np.int64((1 << shift) >> 1), np.uint32((1 << shift) - 1)
    key = key_offset(seed, sample)
    n_sources, last_source = 0, np.int64(-1)
    for s in range(weights.shape[0]):
        code = np.int64(pre_codes[pre[s]])
        if code != silent:
            code += np.int64(delays[s])
            code = silent if code > last_code else code
        product = np.int64(table[code, post_codes[post[s]]]) * np.int64(gates[post[s]])
        if product == 0:
            continue
        if stochastic:
            offset = next_offset(absorb(key, np.uint32(post[s])))
            bits = np.uint32(absorb(offset, np.uint32(pre[s])) & mask)
            delta = (product + np.int64(bits)) >> shift
        else:
            magnitude = (abs(product) + half) >> shift
            delta = magnitude if product > 0 else -magnitude
        total = max(np.int64(weights[s]) + delta, np.int64(low))
        weights[s] = np.int16(min(total, np.int64(high)))
        n_sources += np.int64(pre[s]) != last_source
        last_source = np.int64(pre[s])
    return n_sources


@kernel
def split_products(products, shift, floor, highest_down):
    """Split products / 2**shift into a floor and the largest random number that keeps it.

    With ``r`` the lowest ``shift`` random bits, ``(product + r) >> shift`` is the floor,
    plus one where ``r > 2**shift - 1 - fraction``. Returns how many products are not zero.
    """
    mask, by = np.int32((1 << shift) - 1), np.int32(shift)
    least, most = np.int32(-DELTA_LIMIT), np.int32(DELTA_LIMIT)
    n_changing = np.int32(0)
    for post in range(products.shape[0]):
        product = products[post]
        highest_down[post] = np.int32(mask - np.int32(product & mask))
        floor[post] = max(least, min(most, np.int32(product >> by)))
        n_changing += np.int32(product != 0)
    return n_changing


@kernel
def add_stochastic(weights, rows, offsets, floor, highest_down, shift, low, high):
    """Add ``floor``, one more where the random bits of (post, pre) say so, saturating."""
    mask = np.uint32((1 << shift) - 1)
    for row in rows:
        for post in range(floor.shape[0]):
            bits = np.uint32(absorb(offsets[post], np.uint32(row)) & mask)
            total = np.int16(np.int16(weights[row, post]) + floor[post])
            if bits > highest_down[post]:
                total = np.int16(total + 1)
            total = max(total, np.int16(low))
            weights[row, post] = min(total, np.int16(high))


@kernel
def add_stochastic_by_column(
    weights, rows, posts, offsets, floor, highest_down, shift, low, high, raised
):
    """Do the same in some columns only, ``posts``: random bits of many rows at a time.

    ``raised`` (n_pre,) int16 is overwritten.
    """
    mask = np.uint32((1 << shift) - 1)
    for post in posts:
        offset, limit, whole = offsets[post], highest_down[post], np.int64(floor[post])
        for r in range(rows.shape[0]):
            bits = np.uint32(absorb(offset, np.uint32(rows[r])) & mask)
            raised[r] = bits > limit
        for r in range(rows.shape[0]):
            total = max(np.int64(weights[rows[r], post]) + whole + raised[r], np.int64(low))
            weights[rows[r], post] = min(total, np.int64(high))


@kernel
def update_stochastic(weights, pre_codes, post_codes, gates, table, shift, low, high, seed, sample):
    """Update ``weights`` in place with stochastic rounding; returns the rows written."""
    n_post = post_codes.shape[0]
    starts, order = rows_by_code(pre_codes, table.shape[0])
    products = np.empty(n_post, dtype=np.int32)
    floor = np.empty(n_post, dtype=np.int16)
    highest_down = np.empty(n_post, dtype=np.uint32)
    offsets = np.empty(n_post, dtype=np.uint32)
    changing = np.empty(n_post, dtype=np.int64)
    raised = np.empty(pre_codes.shape[0], dtype=np.int16)
    key = key_offset(seed, sample)
    for post in range(n_post):
        offsets[post] = next_offset(absorb(key, np.uint32(post)))
    n_rows = 0
    for code in range(table.shape[0]):
        rows = order[starts[code] : starts[code + 1]]
        if rows.shape[0] == 0:
            continue
        gated_products(table[code], post_codes, gates, products)
        n_changing = split_products(products, shift, floor, highest_down)
        if n_changing == 0:
            continue
        common = (offsets, floor, highest_down, shift, low, high)
        if n_changing * (SHORT_ROW_GAIN if n_post < SHORT_ROW else ROW_GAIN) <= n_post:
            n_listed = 0
            for post in range(n_post):
                changing[n_listed] = post
                n_listed += products[post] != 0
            add_stochastic_by_column(weights, rows, changing[:n_listed], *common, raised)
        else:
            add_stochastic(weights, rows, *common)
        n_rows += rows.shape[0]
    return n_rows
