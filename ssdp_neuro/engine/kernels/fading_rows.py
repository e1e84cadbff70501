"""Loops over a row that fades: one variable of the synapses of a source, changed in place.

Whole changes are added in 16 bits where :func:`rule_fading.prepare_fading` found that they fit; the
wide forms round each synapse by a number of its own.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import inner_kernel, part
from ssdp_neuro.compilation.vector_width import wide_vectors
from ssdp_neuro.engine.kernels.narrow_blocks import (
    fade_block,
    fade_fired_block,
    fade_marked_block,
)
from ssdp_neuro.engine.kernels.rule_rows import bounded, scaled
from ssdp_neuro.engine.kernels.rule_tables import (
    LOWEST_TAG,
    TERM_BOUND,
    TERM_CONSTANT,
    TERM_MASK,
    TERM_POWER,
)
from ssdp_neuro.engine.kernels.rule_traces import fill, ranged
from ssdp_neuro.engine.kernels.table_view import section
from ssdp_neuro.engine.kernels.tables import BLOCK

LARGEST = 2**15 - 1


@inner_kernel
def largest_number(numbers, number):
    """Of a product of the ends' numbers, its size."""
    largest = np.int64(0)
    for k in range(numbers.shape[0]):
        largest = max(largest, abs(np.int64(numbers[k]) * np.int64(number)))
    return largest


@inner_kernel
def narrow_numbers(numbers, number, narrow):
    """Products of the ends' numbers in 16 bits, which hold them."""
    for k in range(narrow.shape[0]):
        narrow[k] = np.int16(numbers[k] * number)


@inner_kernel
def fill_terms(program, synapses, target):
    """What is the same for all rows of a variable that changes in 16 bits.

    The shifts of a product, back and then further to the left, are a mask and a power of two:
    vectors of 16 bits have no shift by a variable. They are read from memory: knowing that a
    factor is a power of two, LLVM would shift.
    """
    u, terms = program.fading[target], synapses.terms[target]
    f = program.first_synaptic[u]
    terms[TERM_CONSTANT], terms[TERM_BOUND] = program.constant[f], program.bound[f]
    terms[TERM_MASK] = -(np.int64(1) << program.right[u])
    terms[TERM_POWER] = np.int64(1) << (program.left[u] - program.right[u])
    fill(synapses.narrow_added, np.int16(synapses.added[0]))


@part
def terms_of(program, synapses, target):
    """Constant, ends of a factor, mask, power, and ends of the variable: none the lowest tag."""
    terms = synapses.terms[target]
    low, high = max(program.low[target], np.int64(LOWEST_TAG + 1)), program.high[target]
    bound = terms[TERM_BOUND]
    return terms[TERM_CONSTANT], -bound, bound - 1, terms[TERM_MASK], terms[TERM_POWER], low, high


@part
def row_of(synapses, place, pre):
    """Values of a source's synapses."""
    first = synapses.first
    return section(synapses.variables[place], first[pre], first[pre + 1])


@inner_kernel
def fade_narrow(program, synapses, target, pre, place):
    """Change a row by a product of the values of ``place``: its own, or another variable's."""
    wide_vectors()
    row, factors = row_of(synapses, program.place[target], pre), row_of(synapses, place, pre)
    numbers, added = synapses.narrow[target], synapses.narrow_added
    marks, changes, terms = synapses.marks, synapses.changes, terms_of(program, synapses, target)
    for start in range(0, numbers.shape[0], BLOCK):
        fade_block(start, row, factors, numbers, added, marks, changes, 0, terms)


@inner_kernel
def fade_marked(program, synapses, target, pre, change):
    """Change a row by a product of its own values, and one change more where ``marks`` are -1."""
    wide_vectors()
    row, change = row_of(synapses, program.place[target], pre), np.int64(change)
    numbers, added = synapses.narrow[target], synapses.narrow_added
    marks, changes, terms = synapses.marks, synapses.changes, terms_of(program, synapses, target)
    for start in range(0, numbers.shape[0], BLOCK):
        fade_marked_block(start, row, row, numbers, added, marks, changes, change, terms)


@inner_kernel
def fade_fired(program, synapses, target, pre, change):
    """The same, and one change more of each synapse, which are in ``changes``."""
    wide_vectors()
    row, change = row_of(synapses, program.place[target], pre), np.int64(change)
    numbers, added = synapses.narrow[target], synapses.narrow_added
    marks, changes, terms = synapses.marks, synapses.changes, terms_of(program, synapses, target)
    for start in range(0, numbers.shape[0], BLOCK):
        fade_fired_block(start, row, row, numbers, added, marks, changes, change, terms)


@inner_kernel
def highest(values):
    """The highest of all, at least 0."""
    found = np.int16(0)
    for k in range(values.shape[0]):
        found = max(found, values[k])
    return np.int64(found)


@inner_kernel
def reach(values):
    """The largest size of values above -2**15."""
    wide_vectors()
    highest, lowest = np.int16(0), np.int16(0)
    for k in range(values.shape[0]):
        highest = max(highest, values[k])
        lowest = min(lowest, values[k])
    return max(np.int64(highest), -np.int64(lowest))


@inner_kernel
def scale_narrow(program, synapses, x, pre):
    """Fill ``changes`` with those of accumulators by a source's spike; returns their size.

    They are right if it is at most LARGEST.
    """
    right, left = np.int32(program.right[x]), np.int32(program.left[x])
    changes, numbers = synapses.changes, synapses.target[x, 1]
    number = synapses.source[x, 1, pre]
    largest = np.int32(0)
    for k in range(changes.shape[0]):
        change = scaled(np.int32(np.int64(numbers[k]) * number), right, left)
        changes[k] = np.int16(change)
        largest = max(largest, abs(change))
    return np.int64(largest)


@inner_kernel
def highest_marked(row, marks):
    """The highest value where ``marks`` are -1, not 0; at least 0."""
    wide_vectors()
    found = np.int16(0)
    for k in range(row.shape[0]):
        found = max(found, np.int16(row[k] & marks[k]))
    return np.int64(found)


@inner_kernel
def lowest_marked(row, marks):
    """The lowest one; at most 0."""
    wide_vectors()
    found = np.int16(0)
    for k in range(row.shape[0]):
        found = min(found, np.int16(row[k] & marks[k]))
    return np.int64(found)


@part
def wide_value(value, numbers_k, number, factor, right, left, added, floor, ceiling, low, high):
    """A variable after one product and rounding."""
    product = np.int32(np.int64(np.int32(np.int64(number) * numbers_k)) * factor)
    total = np.int32(np.int32(value) << np.int32(7))
    total = bounded(np.int32(total + scaled(product, right, left)))
    total = min(max(total, np.int32(floor)), np.int32(ceiling))
    total = np.int32(np.int32(total + added) >> np.int32(7))
    return np.int16(min(max(total, np.int32(low)), np.int32(high)))


@inner_kernel
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


@inner_kernel
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


@inner_kernel
def scale_numbers(changes, numbers, number, right, left):
    """Changes of the accumulator by products without a factor of the synapse."""
    for k in range(changes.shape[0]):
        product = np.int32(np.int64(numbers[k]) * number)
        changes[k] = scaled(product, right, left)


@inner_kernel
def scale_factors(factors, numbers, number, constant, bound, right, left):
    """Values of a variable, to changes by products with a factor of it."""
    for k in range(factors.shape[0]):
        factor = ranged(factors[k], constant, bound)
        product = np.int32(np.int64(np.int32(np.int64(number) * numbers[k])) * factor)
        factors[k] = scaled(product, right, left)
