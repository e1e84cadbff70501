"""Synapses changed by products: along the row of a source, or down the column of a target.

A row is updated where its synapses lie, with the source's numbers as scalars; a column is
gathered first, with the target's numbers as scalars. Accumulators are those of
docs/explanation/learning_engine.md: a product is shifted, clipped, added, and the sum clipped.

A tag of -257 is clipped in every epoch, event or not (a quirk of Lava's accumulator): as long
as there is one, all rows are visited.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import inner_kernel, part
from ssdp_neuro.engine.kernels.random_planes import draw_column, draw_listed, draw_row
from ssdp_neuro.engine.kernels.rule_tables import (
    ACCUMULATOR_HIGH,
    ACCUMULATOR_LOW,
    LANES,
    LOWEST_TAG,
    OWN,
    POST_SPIKE,
    PRE_SPIKE,
    TAG,
    W,
)
from ssdp_neuro.engine.kernels.rule_traces import ranged


@part
def bounded(value):
    """A value of the accumulator, or a change of it."""
    return min(max(np.int32(value), np.int32(ACCUMULATOR_LOW)), np.int32(ACCUMULATOR_HIGH))


@part
def scaled(product, right, left):
    """A product in 32 bits, shifted to the accumulator's place; it fits: see the widths."""
    return bounded(np.int32(np.int32(product >> right) << left))


@inner_kernel
def start_total(total, row, count):
    """Accumulators of variables."""
    for k in range(count):
        total[k] = np.int32(np.int32(row[k]) << np.int32(7))


@inner_kernel
def clip_total(total, count):
    """What a product that is not added does."""
    for k in range(count):
        total[k] = bounded(total[k])


@inner_kernel
def add_product(total, numbers, number, right, left, count):
    """Add ``number * numbers`` to the accumulators."""
    for k in range(count):
        product = np.int32(np.int64(number) * numbers[k])
        total[k] = bounded(np.int32(total[k] + scaled(product, right, left)))


@inner_kernel
def multiply_variable(numbers, out, row, number, constant, bound, is_sign, count):
    """Multiply numbers with ``number`` and a factor of a variable, modulo 2**32, into ``out``."""
    if is_sign:
        for k in range(count):
            value = np.int32(np.int32(row[k]) + np.int32(constant))
            sign = np.int32(np.int32(value > 0) - np.int32(value < 0))
            out[k] = np.int32(np.int64(np.int32(np.int64(number) * numbers[k])) * sign)
    else:
        for k in range(count):
            factor = ranged(row[k], constant, bound)
            out[k] = np.int32(np.int64(np.int32(np.int64(number) * numbers[k])) * factor)


@inner_kernel
def add_with_variable(total, numbers, row, number, constant, bound, right, left, count):
    """Add a product with one factor of a variable."""
    for k in range(count):
        factor = ranged(row[k], constant, bound)
        product = np.int32(np.int64(np.int32(np.int64(number) * numbers[k])) * factor)
        total[k] = bounded(np.int32(total[k] + scaled(product, right, left)))


@inner_kernel
def round_total(total, row, added, floor, ceiling, low, high, count):
    """Round accumulators, by a random number for each, into the variables."""
    for k in range(count):
        inside = min(max(total[k], np.int32(floor)), np.int32(ceiling))
        value = np.int32(np.int32(inside + added[k]) >> np.int32(7))
        row[k] = np.int16(min(max(value, np.int32(low)), np.int32(high)))


@inner_kernel
def count_lowest(row, count):
    """Tags of -257."""
    found = np.int64(0)
    for k in range(count):
        found += np.int64(row[k] == LOWEST_TAG)
    return found


@inner_kernel
def widen(numbers, out):
    """The same numbers in 32 bits."""
    for k in range(numbers.shape[0]):
        out[k] = np.int32(numbers[k])


@inner_kernel
def gather(values, places, out, count):
    """Values at places."""
    for k in range(count):
        out[k] = np.int32(values[places[k]])


@inner_kernel
def scatter(values, places, row, count):
    """Write values to places of a row."""
    for k in range(count):
        row[places[k]] = np.int16(values[k])


@inner_kernel
def round_entries(values, first, second, added, floor, ceiling, low, high):
    """Add two changes to values, one after the other, and round."""
    for k in range(values.shape[0]):
        total = np.int32(values[k] << np.int32(7))
        total = bounded(np.int32(total + first[k]))
        total = bounded(np.int32(total + second[k]))
        total = min(max(total, np.int32(floor)), np.int32(ceiling))
        total = np.int32(np.int32(total + added[k]) >> np.int32(7))
        values[k] = min(max(total, np.int32(low)), np.int32(high))


@part
def whole_vectors(count):
    """A number of entries, rounded up to whole vectors."""
    return (count + LANES - 1) // LANES * LANES


@part
def gather_row(program, synapses, p, pre, within, start, count):
    """Fill ``numbers`` with those of a product's targets along a row that are not in order."""
    is_listed = synapses.post.shape[0] > 0
    if program.dependency[p] == POST_SPIKE:  # the source's, too: each is read at its own step
        for k in range(count):
            post = np.int64(synapses.post[start + k]) if is_listed else k
            number = np.int64(synapses.source[p, synapses.ty[post], pre])
            synapses.numbers[k] = np.int32(number * synapses.target[p, OWN, post])
    else:
        for k in range(count):
            synapses.numbers[k] = synapses.target[p, within, synapses.post[start + k]]


@part
def gather_column(synapses, p, post, count):
    """Fill ``numbers`` with the sources' of a y0 product, down a column."""
    source = synapses.source[p, synapses.ty[post]]
    for k in range(count):
        synapses.numbers[k] = source[synapses.listed[0, k]]


@part
def read_step(program, synapses, p, pre, is_due, is_column):
    """The step at which a product reads traces along a row or column; 0 if it is not added."""
    dependency = program.dependency[p]
    if dependency == POST_SPIKE:
        return np.int64(1 if synapses.n_fired[1] > 0 else 0)
    if is_column or synapses.is_null[p]:
        return np.int64(0)
    if dependency == PRE_SPIKE:
        return np.int64(synapses.tx[pre])
    return np.int64(program.epoch if is_due else 0)


@inner_kernel
def add_products(program, synapses, target, pre, post, start, count, is_due):
    """Fill the accumulators of a target variable along a row, or down a gathered column."""
    is_column = post >= 0
    stop = start + count
    total = synapses.total[target]
    start_total(total, synapses.variables[program.place[target], start:stop], count)
    needs_clip = target == TAG and synapses.n_lowest[0] > 0
    for p in range(program.first_product[target], program.first_product[target + 1]):
        within = read_step(program, synapses, p, pre, is_due, is_column)
        of_post = program.dependency[p] == POST_SPIKE
        numbers, number = synapses.numbers, np.int32(0)
        if within > 0 and is_column:
            gather_column(synapses, p, post, count)
            number = synapses.target[p, OWN, post]
        elif within > 0:
            number = synapses.source[p, within, pre]
            if synapses.post.shape[0] > 0 or (of_post and program.epoch > 1):
                gather_row(program, synapses, p, pre, within, start, count)
                number = np.int32(1) if of_post else number
            else:
                numbers = synapses.target[p, OWN if of_post else within]
        if number == 0:
            if needs_clip:
                clip_total(total, count)
            continue
        right, left = np.int32(program.right[p]), np.int32(program.left[p])
        first, last = program.first_synaptic[p], program.first_factor[p + 1]
        if first + 1 == last and not program.is_sign[first]:
            row = synapses.variables[program.place[program.variable[first] - W], start:stop]
            constant, bound = program.constant[first], program.bound[first]
            add_with_variable(total, numbers, row, number, constant, bound, right, left, count)
            continue
        for f in range(first, last):
            row = synapses.variables[program.place[program.variable[f] - W], start:stop]
            constant, bound, is_sign = program.constant[f], program.bound[f], program.is_sign[f]
            multiply_variable(
                numbers, synapses.numbers, row, number, constant, bound, is_sign, count
            )
            numbers, number = synapses.numbers, np.int32(1)
        add_product(total, numbers, number, right, left, count)


@part
def draw_numbers(program, synapses, target, pre, post, start, count):
    """Fill ``added`` for a row or a column; Lava's one number is there already."""
    if program.is_lava:
        return
    added, words, stride = synapses.added, synapses.post_words[target], synapses.stride
    if post >= 0:
        draw_column(
            added, synapses.pre_words[target], words, stride, post, synapses.listed[0], count
        )
    elif synapses.post.shape[0] > 0:
        word = synapses.pre_words[target, pre]
        draw_listed(added, word, words, stride, synapses.post, start, count)
    else:
        draw_row(
            synapses, target, synapses.pre_words[target, pre], program.first_plane[target], False
        )
        widen(synapses.narrow_added, added)


@part
def write_variable(program, synapses, target, pre, post, start, count, n_real):
    """Round the accumulators of a variable along a row, or down a gathered column."""
    draw_numbers(program, synapses, target, pre, post, start, count)
    row = synapses.variables[program.place[target], start : start + count]
    if target == TAG:
        synapses.n_lowest[0] -= count_lowest(row, n_real)
    round_total(
        synapses.total[target],
        row,
        synapses.added,
        program.accumulator_low[target],
        program.accumulator_high[target],
        program.low[target],
        program.high[target],
        count,
    )
    if target == TAG:
        synapses.n_lowest[0] += count_lowest(row, n_real)


@inner_kernel
def change_synapses(program, synapses, pre, post, start, count, n_real, is_due):
    """Evaluate all equations on the old values, then write, along a row or down a column.

    Of a row ``post`` is -1. No argument is a literal, for each of which Numba would compile anew.
    """
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            add_products(program, synapses, target, pre, post, start, count, is_due)
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            write_variable(program, synapses, target, pre, post, start, count, n_real)


@inner_kernel
def change_variable(program, synapses, target, pre):
    """One equation along the row of a source, at the end of an epoch of ``u`` products."""
    start = synapses.first[pre]
    count = synapses.first[pre + 1] - start
    post, is_due = np.int64(-1), program.has_epochs != 0
    add_products(program, synapses, target, pre, post, start, count, is_due)
    write_variable(program, synapses, target, pre, post, start, count, synapses.n_post)


@part
def change_row(program, synapses, pre, is_due):
    """All synapses of a source; returns their number."""
    start, stop = synapses.first[pre], synapses.first[pre + 1]
    n_real = stop - start if synapses.post.shape[0] > 0 else np.int64(synapses.n_post)
    post = np.int64(-1)
    change_synapses(program, synapses, pre, post, start, stop - start, n_real, is_due)
    return n_real


@part
def list_column(synapses, post, n_live):
    """Sources and synapses of a target whose sources are live and have not fired."""
    count = np.int64(0)
    if synapses.post.shape[0] == 0:
        for k in range(n_live):
            pre = np.int64(synapses.live[k])
            synapses.listed[0, k] = pre
            synapses.listed[1, k] = synapses.first[pre] + post
        return n_live
    for place in range(synapses.column_first[post], synapses.column_first[post + 1]):
        pre = synapses.column_pre[place]
        if synapses.is_live[pre]:
            synapses.listed[0, count] = pre
            synapses.listed[1, count] = synapses.column_synapse[place]
            count += 1
    return count


@part
def change_column(program, synapses, post, n_live, is_due):
    """Synapses of a target that fired, but not those of rows that are visited as a whole."""
    count = list_column(synapses, post, n_live)
    places = synapses.listed[1]
    start = synapses.first[synapses.n_pre]  # working space behind the synapses
    for v in range(synapses.variables.shape[0]):
        for k in range(count):
            synapses.variables[v, start + k] = synapses.variables[v, places[k]]
    change_synapses(program, synapses, np.int64(0), post, start, count, count, is_due)
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            v = program.place[target]
            for k in range(count):
                synapses.variables[v, places[k]] = synapses.variables[v, start + k]
    return count
