"""The register of a bias: a signed mantissa and an exponent for each neuron."""

from __future__ import annotations

import numpy as np

from hw_models.chips import Chip


def bias_bits(chip: Chip) -> tuple[int, int]:
    """Bits of the mantissa, its sign included, and of the exponent of a chip's bias register."""
    return min(chip.bias_mantissa_bits.value or 16, 16), min(chip.bias_exponent_bits.value or 4, 4)


def bias_limits(bits: tuple[int, int]) -> tuple[int, int]:
    """Largest mantissa, of either sign, and largest exponent of a register of so many bits.

    Examples
    --------
    >>> bias_limits((13, 3))
    (4095, 7)
    """
    mantissa_bits, exponent_bits = bits
    return (1 << (mantissa_bits - 1)) - 1, (1 << exponent_bits) - 1


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
