"""Integer primitives of the chip's datapath, for scalars and arrays alike.

The Lava models of this distribution compute with these functions, and conversions where they
look ahead. The engine's kernels write the same out for themselves, because compiled code is cached
by the sources of their folder, and the oracle shares nothing on purpose; tests compare the three.
Widths and shifts stand here for everything but these two. All sums of the neuron's datapath live in
32-bit two's complement; the 24-bit registers are wrapped or clipped explicitly.

References
----------
Davies et al., "Loihi: A Neuromorphic Manycore Processor with On-Chip Learning",
IEEE Micro 38(1), 2018; the fixed-point CPU model of LIF in lava-nc 0.10.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DECAY_BITS = 12
DECAY_UNITY = 1 << DECAY_BITS
STATE_BITS = 24
STATE_LIMIT = 1 << (STATE_BITS - 1)
ALIGN_SHIFT = 6  # synaptic input and threshold are aligned to the state registers


def decay_toward_zero(value: Any, kept: Any) -> Any:
    """One decay step: ``sign(x) * floor(|x| * kept / 4096)``; the magnitude is truncated.

    Parameters
    ----------
    value : integer or integer array
    kept : integer or integer array
        Share that remains, in 1/4096; 0..4096.

    Returns
    -------
    int64, broadcast shape

    Examples
    --------
    >>> decay_toward_zero(np.array([-13, 13]), 4095).tolist()
    [-12, 12]
    """
    wide = np.asarray(value, dtype=np.int64)
    return np.sign(wide) * ((np.abs(wide) * np.asarray(kept, dtype=np.int64)) >> DECAY_BITS)


def wrap(value: Any, bits: int) -> Any:
    """Two's complement wrap to ``bits`` bits, as int64.

    Examples
    --------
    >>> wrap(np.array([127, 128, -129]), 8).tolist()
    [127, -128, 127]
    """
    wide = np.asarray(value, dtype=np.int64)
    half = np.int64(1) << np.int64(bits - 1)
    return ((wide + half) & ((half << 1) - 1)) - half


def wrap_current(value: Any) -> Any:
    """Wrap the synaptic current once into ``(-2**23, 2**23]``, as Lava's model does.

    One correction of 2**24 in either direction, whatever is left over; both edges are
    Lava's: +2**23 stays, -2**23 becomes +2**23.

    Examples
    --------
    >>> (wrap_current(np.array([2**23, 2**23 + 1, -2**23])) - 2**23).tolist()
    [0, -16777215, 0]
    """
    wide = np.asarray(value, dtype=np.int64)
    span = np.int64(2 * STATE_LIMIT)
    return np.where(
        wide > STATE_LIMIT, wide - span, np.where(wide <= -STATE_LIMIT, wide + span, wide)
    )


def saturate(value: Any, low: int, high: int) -> Any:
    """Clip to ``[low, high]``, as int64.

    Examples
    --------
    >>> saturate(np.array([-300, 5, 300]), -256, 255).tolist()
    [-256, 5, 255]
    """
    return np.clip(np.asarray(value, dtype=np.int64), low, high)


def shift_floor(value: Any, exponent: int) -> Any:
    """Multiply by ``2**exponent``; a negative exponent rounds toward minus infinity.

    Examples
    --------
    >>> shift_floor(np.array([-13, 13]), -3).tolist()
    [-2, 1]
    """
    wide = np.asarray(value, dtype=np.int64)
    return wide << np.int64(exponent) if exponent >= 0 else wide >> np.int64(-exponent)


def shift_round(value: Any, shift: int) -> Any:
    """Divide by ``2**shift``, to nearest, halves away from zero.

    Examples
    --------
    >>> shift_round(np.array([-12, -11, 11, 12]), 3).tolist()
    [-2, -1, 1, 2]
    """
    wide = np.asarray(value, dtype=np.int64)
    if shift == 0:
        return wide
    half = np.int64(1) << np.int64(shift - 1)
    return np.sign(wide) * ((np.abs(wide) + half) >> np.int64(shift))


def shift_stochastic(value: Any, shift: int, random_bits: Any) -> Any:
    """Divide by ``2**shift``, up with probability equal to the fraction lost.

    Parameters
    ----------
    value : integer or integer array
    shift : int, 0..32
    random_bits : uint32 or uint32 array
        Uniform; the lowest ``shift`` bits are used, see :mod:`hw_models.random_bits`.

    Examples
    --------
    >>> shift_stochastic(np.array([5, 5]), 2, np.array([0, 3], dtype=np.uint32)).tolist()
    [1, 2]
    """
    wide = np.asarray(value, dtype=np.int64)
    mask = (np.int64(1) << np.int64(shift)) - 1
    return (wide + (np.asarray(random_bits).astype(np.int64) & mask)) >> np.int64(shift)
