"""Ranges of a population's neurons, of whole blocks, that threads share it by."""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import part
from ssdp_neuro.engine.kernels.tables import BLOCK


@part
def first_of(number, n_ranges, size):
    """Where a range begins, and the one before it ends."""
    return size if number == n_ranges else (size // BLOCK * number // n_ranges) * BLOCK


@part
def number_of(place, n_ranges, size):
    """The first range that does not begin before a neuron."""
    number = np.int64(0)
    while number < n_ranges and first_of(number, n_ranges, size) < place:
        number += 1
    return number
