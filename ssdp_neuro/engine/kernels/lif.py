"""The LIF step on a run of neurons, as :mod:`hw_models.populations` defines it.

Sums are int32 on purpose (Lava's arrays are, and wrap alike); every intermediate is cast
back, or Numba would widen it to 64 bits and halve the speed. The decay
``sign(x) * floor(|x| * k / 4096)`` is taken in float64, where it is exact: the product
has at most 44 bits, ``k / 4096`` only shifts it, and the cast truncates toward zero.
"""

import numpy as np

from ssdp_neuro.engine.kernels.compiler import lean_kernel
from ssdp_neuro.engine.kernels.vector_width import wide_vectors

LIMIT = np.int32(1 << 23)
SPAN = np.int32(1 << 24)
TOP = np.int32((1 << 23) - 1)
ALIGN = np.int32(6)
ZERO = np.int32(0)


@lean_kernel
def update_uniform(u, v, drive, flags, keep_u, keep_v, bias, threshold):
    """One step of neurons that share their parameters and reset to zero.

    Mutates ``u``, ``v``, ``flags`` and clears ``drive``, all of one length.
    """
    wide_vectors()
    for i in range(u.shape[0]):
        x = np.int32(np.int32(u[i] * keep_u) + np.int32(drive[i] << ALIGN))
        drive[i] = ZERO
        above, below = np.int32(x - SPAN), np.int32(x + SPAN)
        x = above if x > LIMIT else (below if x <= -LIMIT else x)
        u[i] = x
        y = np.int32(np.int32(np.int32(v[i] * keep_v) + x) + bias)
        y = -TOP if y < -TOP else y
        y = TOP if y > TOP else y
        spike = y > threshold
        v[i] = ZERO if spike else y
        flags[i] = np.uint8(1) if spike else np.uint8(0)


@lean_kernel
def update_general(u, v, wait, drive, flags, keep_u, keep_v, bias, threshold, refractory, subtract):
    """One step of neurons with their own parameters, refractory and either reset.

    Mutates ``u``, ``v``, ``wait``, ``flags`` and clears ``drive``, all of one length.
    """
    wide_vectors()
    for i in range(u.shape[0]):
        x = np.int32(np.int32(u[i] * keep_u[i]) + np.int32(drive[i] << ALIGN))
        drive[i] = ZERO
        above, below = np.int32(x - SPAN), np.int32(x + SPAN)
        x = above if x > LIMIT else (below if x <= -LIMIT else x)
        u[i] = x
        held = wait[i] > 0
        y = np.int32(np.int32(np.int32(v[i] * keep_v[i]) + x) + bias[i])
        y = -TOP if y < -TOP else y
        y = TOP if y > TOP else y
        y = v[i] if held else y
        spike = y > threshold[i] and not held
        after = np.int32(y - threshold[i]) if subtract else ZERO
        v[i] = after if spike else y
        wait[i] = refractory if spike else (np.int32(wait[i] - 1) if held else ZERO)
        flags[i] = np.uint8(1) if spike else np.uint8(0)


@lean_kernel
def at_rest(u, v):
    """Whether every neuron of a run has ``u = v = 0``."""
    wide_vectors()
    seen = np.int32(0)
    for i in range(u.shape[0]):
        seen |= np.int32(u[i] | v[i])
    return seen == 0
