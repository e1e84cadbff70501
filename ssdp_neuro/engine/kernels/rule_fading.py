"""Epochs of ``u`` products, which visit every synapse: rows of sources that did not fire.

Along such a row one product changes all synapses, such as a tag that fades, and those of targets
that fired are changed by one more. So the row is passed over once, and the few others are
computed before and written after. Where Lava's one random number rounds all and the numbers are
small, whole changes are added in 16 bits: the accumulator's ends do not show beside a variable's.

This holds of all-to-all rules whose every equation has at most one ``u`` product, with one factor
of the synapse, and at most one y0 product without any, and reads nothing that an equation
before it has changed (``Program.fades``).
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.rule_rows import bounded, count_lowest, fill_added, scaled
from ssdp_neuro.engine.kernels.rule_tables import LOWEST_TAG, OWN, TAG, W
from ssdp_neuro.engine.kernels.rule_traces import ranged
from ssdp_neuro.engine.kernels.vector_width import wide_vectors

LARGEST = 2**15 - 1


@lean_kernel
def largest_number(numbers, number):
    """Of a product of the ends' numbers, its size."""
    largest = np.int64(0)
    for k in range(numbers.shape[0]):
        largest = max(largest, abs(np.int64(numbers[k]) * np.int64(number)))
    return largest


@lean_kernel
def narrow_numbers(numbers, number, narrow):
    """Products of the ends' numbers in 16 bits, which hold them."""
    for k in range(narrow.shape[0]):
        narrow[k] = np.int16(numbers[k] * number)


@part
def narrow_change(value, number, constant, bound, right, power, added):
    """A whole change by ``number`` times a factor of the synapse; all fits in 16 bits."""
    factor = np.int16(value + np.int16(constant))
    factor = min(max(factor, np.int16(-bound)), np.int16(bound - 1))
    product = np.int16(np.int16(factor * number) >> np.int16(right & 15))
    change = np.int16(product * np.int16(power))
    return np.int16(np.int16(change + np.int16(added)) >> np.int16(7))


@lean_kernel
def fade_own(row, numbers, constant, bound, right, power, added, low, high):
    """Change a row by a product of its own values; of an array read and written once."""
    wide_vectors()
    for k in range(row.shape[0]):
        change = narrow_change(row[k], numbers[k], constant, bound, right, power, added)
        value = np.int16(row[k] + change)
        row[k] = min(max(value, np.int16(low)), np.int16(high))


@lean_kernel
def fade_other(row, factors, numbers, constant, bound, right, power, added, low, high):
    """Change a row by a product of another variable's values."""
    wide_vectors()
    for k in range(row.shape[0]):
        change = narrow_change(factors[k], numbers[k], constant, bound, right, power, added)
        value = np.int16(row[k] + change)
        row[k] = min(max(value, np.int16(low)), np.int16(high))


@part
def wide_value(value, numbers_k, number, factor, right, left, added, floor, ceiling, low, high):
    """A variable after one product and rounding."""
    product = np.int32(np.int64(np.int32(np.int64(number) * numbers_k)) * factor)
    total = np.int32(np.int32(value) << np.int32(7))
    total = bounded(np.int32(total + scaled(product, right, left)))
    total = min(max(total, np.int32(floor)), np.int32(ceiling))
    total = np.int32(np.int32(total + added) >> np.int32(7))
    return np.int16(min(max(total, np.int32(low)), np.int32(high)))


@lean_kernel
def fade_own_wide(
    row, numbers, number, constant, bound, right, left, added, floor, ceiling, low, high
):
    """The same as ``fade_own`` in 32 bits, each synapse rounded by a number of its own."""
    wide_vectors()
    for k in range(row.shape[0]):
        factor = ranged(row[k], constant, bound)
        row[k] = wide_value(
            row[k], numbers[k], number, factor, right, left, added[k], floor, ceiling, low, high
        )


@lean_kernel
def fade_other_wide(
    row, factors, numbers, number, constant, bound, right, left, added, floor, ceiling, low, high
):
    """The same as ``fade_other`` in 32 bits."""
    wide_vectors()
    for k in range(row.shape[0]):
        factor = ranged(factors[k], constant, bound)
        row[k] = wide_value(
            row[k], numbers[k], number, factor, right, left, added[k], floor, ceiling, low, high
        )


@lean_kernel
def prepare_fading(program, synapses):
    """Find which variables can be changed in 16 bits in this epoch, and the numbers for it."""
    for target in range(3):
        synapses.is_narrow[target] = False
        p = program.fading[target]
        if p < 0 or not program.is_lava or program.reads_source[p] or synapses.is_null[p]:
            continue
        if target == TAG and synapses.added[0] == 0:  # then a tag may become -257
            continue
        f = program.first_synaptic[p]
        bound, right, left = program.bound[f], program.right[p], program.left[p]
        if abs(program.constant[f]) > LARGEST >> 1 or bound > LARGEST >> 1:
            continue
        numbers = synapses.target[p, program.epoch]
        largest = largest_number(numbers, program.mantissa[p]) * bound
        if largest <= LARGEST and (((largest >> right) + 1) << left) + 127 <= LARGEST:
            narrow_numbers(numbers, program.mantissa[p], synapses.narrow[target])
            synapses.is_narrow[target] = True


@lean_kernel
def fill_entries(program, synapses, target, pre, row, factors, number):
    """Values of the synapses whose targets fired, by both products, into ``numbers``."""
    p, u = program.fading_post[target], program.fading[target]
    right, left = np.int32(program.right[p]), np.int32(program.left[p])
    floor = np.int32(program.accumulator_low[target])
    ceiling = np.int32(program.accumulator_high[target])
    low, high = np.int32(program.low[target]), np.int32(program.high[target])
    f = program.first_synaptic[u] if u >= 0 else 0
    constant, bound = program.constant[f], program.bound[f]
    u_right = np.int32(program.right[u]) if u >= 0 else np.int32(0)
    u_left = np.int32(program.left[u]) if u >= 0 else np.int32(0)
    own, of_epoch = synapses.target[p, OWN], synapses.target[u if u >= 0 else 0, program.epoch]
    for k in range(synapses.n_fired[1]):
        post = synapses.post_fired[k]
        of_source = np.int64(synapses.source[p, synapses.ty[post], pre])
        change = scaled(np.int32(of_source * own[post]), right, left)
        fading = np.int32(0)
        if number != 0:
            factor = ranged(factors[post], constant, bound)
            product = np.int32(np.int64(number) * of_epoch[post])
            fading = scaled(np.int32(np.int64(product) * factor), u_right, u_left)
        total = np.int32(np.int32(row[post]) << np.int32(7))
        total = bounded(np.int32(total + (change if p < u else fading)))
        total = bounded(np.int32(total + (fading if p < u else change)))
        total = min(max(total, floor), ceiling)
        value = np.int32(np.int32(total + synapses.added[post]) >> np.int32(7))
        synapses.numbers[k] = min(max(value, low), high)


@lean_kernel
def fade_variable(program, synapses, target, pre):
    """Change one variable along a row."""
    u, p = program.fading[target], program.fading_post[target]
    number = np.int32(0)
    if u >= 0 and not synapses.is_null[u]:
        number = synapses.source[u, program.epoch, pre]
    of_post = p >= 0 and synapses.n_fired[1] > 0
    if of_post and program.epoch == 1:
        of_post = synapses.source[p, 1, pre] != 0
    if number == 0 and not of_post:
        return
    start, stop = synapses.first[pre], synapses.first[pre + 1]
    row = synapses.variables[program.place[target], start:stop]
    factors, is_own = row, True
    if u >= 0:
        variable = program.variable[program.first_synaptic[u]] - W
        is_own = variable == target
        factors = synapses.variables[program.place[variable], start:stop]
    if not program.is_lava:
        word, words = synapses.pre_words[target, pre], synapses.post_words[target]
        fill_added(synapses.added, words, word, stop - start)
    if of_post:
        fill_entries(program, synapses, target, pre, row, factors, number)
    if number != 0:
        f = program.first_synaptic[u]
        constant, bound = program.constant[f], program.bound[f]
        right, left = np.int32(program.right[u]), np.int32(program.left[u])
        low, high = program.low[target], program.high[target]
        numbers, added = synapses.target[u, program.epoch], synapses.added
        floor, ceiling = program.accumulator_low[target], program.accumulator_high[target]
        if synapses.is_narrow[target]:
            narrow, rounding = synapses.narrow[target], added[0]
            power, least = np.int64(1) << program.left[u], max(low, np.int64(LOWEST_TAG + 1))
            if is_own:
                fade_own(row, narrow, constant, bound, right, power, rounding, least, high)
            else:
                fade_other(
                    row, factors, narrow, constant, bound, right, power, rounding, least, high
                )
        elif is_own:
            fade_own_wide(
                row, numbers, number, constant, bound, right, left, added, floor, ceiling, low, high
            )
        else:
            fade_other_wide(
                row,
                factors,
                numbers,
                number,
                constant,
                bound,
                right,
                left,
                added,
                floor,
                ceiling,
                low,
                high,
            )
    if of_post:
        for k in range(synapses.n_fired[1]):
            row[synapses.post_fired[k]] = np.int16(synapses.numbers[k])
    if target == TAG and not synapses.is_narrow[target]:
        synapses.n_lowest[0] += count_lowest(row, synapses.n_post)


@part
def fade_row(program, synapses, pre):
    """All synapses of a source that did not fire; returns their number."""
    for target in range(3):
        if program.first_product[target] < program.first_product[target + 1]:
            fade_variable(program, synapses, target, pre)
    return np.int64(synapses.n_post)
