"""Loops over a row that fades: one variable of the synapses of a source, changed in place.

Whole changes are added in 16 bits where :func:`rule_fading.prepare_fading` found that they fit; the
wide forms round each synapse by a number of its own.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel, part
from ssdp_neuro.engine.kernels.rule_rows import bounded, scaled
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
def narrow_change(value, number, constant, bound, mask, power, added):
    """A whole change by ``number`` times a factor of the synapse; all fits in 16 bits.

    The shifts of a product, back and then further to the left, are a mask and a power of two:
    vectors of 16 bits have no shift by a variable.
    """
    factor = np.int16(value + np.int16(constant))
    factor = min(max(factor, np.int16(-bound)), np.int16(bound - 1))
    product = np.int16(np.int16(factor * number) & np.int16(mask))
    change = np.int16(product * np.int16(power))
    return np.int16(np.int16(change + np.int16(added)) >> np.int16(7))


@lean_kernel
def fade_own(row, numbers, constant, bound, mask, power, added, low, high):
    """Change a row by a product of its own values; of an array read and written once."""
    wide_vectors()
    for k in range(row.shape[0]):
        change = narrow_change(row[k], numbers[k], constant, bound, mask, power, added)
        value = np.int16(row[k] + change)
        row[k] = min(max(value, np.int16(low)), np.int16(high))


@lean_kernel
def fade_marked(row, numbers, marks, change, constant, bound, mask, power, added, low, high):
    """The same as ``fade_own``, and one change more where ``marks`` are -1, not 0."""
    wide_vectors()
    for k in range(row.shape[0]):
        more = np.int16(np.int16(added) + np.int16(marks[k] & np.int16(change)))
        whole = narrow_change(row[k], numbers[k], constant, bound, mask, power, more)
        value = np.int16(row[k] + whole)
        row[k] = min(max(value, np.int16(low)), np.int16(high))


@lean_kernel
def fade_fired(
    row, numbers, marks, change, changes, constant, bound, mask, power, added, low, high
):
    """The same as ``fade_marked``, and one change more of each synapse."""
    wide_vectors()
    for k in range(row.shape[0]):
        more = np.int16(np.int16(added) + np.int16(marks[k] & np.int16(change)))
        more = np.int16(more + changes[k])
        whole = narrow_change(row[k], numbers[k], constant, bound, mask, power, more)
        value = np.int16(row[k] + whole)
        row[k] = min(max(value, np.int16(low)), np.int16(high))


@lean_kernel
def reach(values):
    """The largest size of values above -2**15."""
    wide_vectors()
    highest, lowest = np.int16(0), np.int16(0)
    for k in range(values.shape[0]):
        highest = max(highest, values[k])
        lowest = min(lowest, values[k])
    return max(np.int64(highest), -np.int64(lowest))


@lean_kernel
def scale_narrow(changes, numbers, number, right, left):
    """Changes of the accumulator by products without a factor of the synapse, and their size.

    They are right if their size is at most LARGEST.
    """
    largest = np.int32(0)
    for k in range(changes.shape[0]):
        change = scaled(np.int32(np.int64(numbers[k]) * number), right, left)
        changes[k] = np.int16(change)
        largest = max(largest, abs(change))
    return np.int64(largest)


@lean_kernel
def highest_marked(row, marks):
    """The highest value where ``marks`` are -1, not 0; at least 0."""
    wide_vectors()
    found = np.int16(0)
    for k in range(row.shape[0]):
        found = max(found, np.int16(row[k] & marks[k]))
    return np.int64(found)


@lean_kernel
def lowest_marked(row, marks):
    """The lowest one; at most 0."""
    wide_vectors()
    found = np.int16(0)
    for k in range(row.shape[0]):
        found = min(found, np.int16(row[k] & marks[k]))
    return np.int64(found)


@lean_kernel
def fade_other(row, factors, numbers, constant, bound, mask, power, added, low, high):
    """Change a row by a product of another variable's values."""
    wide_vectors()
    for k in range(row.shape[0]):
        change = narrow_change(factors[k], numbers[k], constant, bound, mask, power, added)
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
def scale_numbers(changes, numbers, number, right, left):
    """Changes of the accumulator by products without a factor of the synapse."""
    for k in range(changes.shape[0]):
        product = np.int32(np.int64(numbers[k]) * number)
        changes[k] = scaled(product, right, left)


@lean_kernel
def scale_factors(factors, numbers, number, constant, bound, right, left):
    """Values of a variable, to changes by products with a factor of it."""
    for k in range(factors.shape[0]):
        factor = ranged(factors[k], constant, bound)
        product = np.int32(np.int64(np.int32(np.int64(number) * numbers[k])) * factor)
        factors[k] = scaled(product, right, left)
