"""The register of a bias: a signed mantissa and an exponent for each neuron."""

from __future__ import annotations

import numpy as np

from hw_models.chips import Chip


def bias_limits(chip: Chip) -> tuple[int, int]:
    """Largest mantissa, of either sign, and largest exponent of a chip's bias register."""
    top = (1 << ((chip.bias_mantissa_bits.value or 16) - 1)) - 1
    return top, min(15, (1 << (chip.bias_exponent_bits.value or 4)) - 1)


def nearest_bias(values: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """The finest mantissas and exponents for biases, each int64 in their shape.

    Parameters
    ----------
    values
        In units of the state, float64.
    top
        Largest magnitude of a mantissa.

    Examples
    --------
    >>> mantissa, exponent = nearest_bias(np.array([3.2, -9001.0]), 4095)
    >>> mantissa.tolist(), exponent.tolist()
    ([3, -2250], [0, 2])
    """
    sizes = np.maximum(np.abs(values) / (top + 0.5), 1.0)
    exponent = np.ceil(np.log2(sizes)).astype(np.int64)
    mantissa = np.rint(np.ldexp(values, -exponent)).astype(np.int64)
    exponent = np.where(np.abs(mantissa) > top, exponent + 1, exponent)
    return np.rint(np.ldexp(values, -exponent)).astype(np.int64), exponent
