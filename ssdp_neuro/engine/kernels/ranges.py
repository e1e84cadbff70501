"""Ranges of a population's neurons, of whole grains, that threads share it by.

A grain is a block, or of an image as many whole rows as are whole blocks.
"""

import numpy as np

from ssdp_neuro.compilation.compiler import part
from ssdp_neuro.engine.kernels.tables import BLOCK


@part
def first_of(number, n_ranges, size, grain):
    """Where a range begins, and the one before it ends."""
    return size if number == n_ranges else (size // grain * number // n_ranges) * grain


@part
def number_of(place, n_ranges, size):
    """The first range, of whole blocks, that does not begin before a neuron."""
    number = np.int64(0)
    while number < n_ranges and first_of(number, n_ranges, size, BLOCK) < place:
        number += 1
    return number
